//! Layer 0, saml: the SOAP binding (saml-bindings-2.0-os §3.2): an envelope around our message, the
//! one message in an envelope that comes, and the fault for what cannot be answered by a message.

use super::error::{Error, shortened};
use super::message::{Message, Received};
use super::names::ns;
use super::verified::Unverified;
use super::xml::write::Writer;
use super::xml::{Element, Limits, c14n, parse};

/// The media type of SOAP 1.1.
pub const MEDIA_TYPE: &str = "text/xml; charset=utf-8";
/// The `SOAPAction` of SAML messages (saml-bindings-2.0-os §3.2.3.1).
pub const ACTION: &str = "http://www.oasis-open.org/committees/security";

/// Puts a message, which is a document of ours without declaration, into an envelope.
pub(super) fn envelope(message: &str) -> String {
    let open = ["<soap11:Envelope xmlns:soap11=\"", ns::SOAP, "\"><soap11:Body>"].concat();
    [&open, message, "</soap11:Body></soap11:Envelope>"].concat()
}

/// The envelope that says why a message was not answered by one (SOAP 1.1 §4.4): the sender's
/// fault, in a short text.
///
/// # Errors
/// [`Error::Unwritable`] for a text that XML cannot carry.
pub fn fault(text: &str) -> Result<String, Error> {
    let mut writer = Writer::with_capacity(512);
    writer.open("soap11:Fault", &[("xmlns:soap11", ns::SOAP)])?;
    writer.leaf("faultcode", &[], "soap11:Client")?;
    writer.leaf("faultstring", &[], text)?;
    writer.close();
    Ok(envelope(&writer.finish()))
}

/// Reads the message of an envelope. It is taken out whole, with the namespaces in scope, used or
/// not, because a signature may list their prefixes; and then is a document of its own: nothing
/// around it can be mistaken for a part of it.
///
/// # Errors
/// Any [`Error`] about XML or schema; the signature is not yet checked.
pub fn read<T: Message>(octets: &[u8]) -> Result<Unverified<Received<T>>, Error> {
    let envelope = parse(octets, Limits::MESSAGE)?;
    let message = body(envelope.root())?;
    let mut prefixes = Vec::new();
    for place in [Some(envelope.root()), message.parent(), Some(message)].into_iter().flatten() {
        let declared = place.declared().map(|(p, _)| if p.is_empty() { "#default" } else { p });
        prefixes.extend(declared);
    }
    let octets = c14n::exclusive(message, &prefixes, None, Limits::MESSAGE.bytes * 2)?;
    let limits = Limits { bytes: octets.len(), nodes: Limits::MESSAGE.nodes };
    let document = parse(octets.as_bytes(), limits)?;
    let received = Received { message: T::read(document.root())?, relay_state: None };
    if document.root().children_named(ns::DSIG, "Signature").next().is_none() {
        return Ok(Unverified::new(received, None));
    }
    Ok(Unverified::enveloped(received, document, Received::reread))
}

/// The one element in the body.
fn body(envelope: Element<'_>) -> Result<Element<'_>, Error> {
    let wrong = |found: String| Error::Element { expected: "one message in a SOAP Body", found };
    if !envelope.is(ns::SOAP, "Envelope") {
        return Err(wrong(envelope.describe()));
    }
    let mut headers = envelope.children_named(ns::SOAP, "Header").flat_map(Element::children);
    if let Some(header) = headers.find(|header| must_be_understood(*header)) {
        let found = format!("a header that must be understood, {}", header.describe());
        return Err(wrong(shortened(&found)));
    }
    let mut bodies = envelope.children_named(ns::SOAP, "Body");
    let (Some(body), None) = (bodies.next(), bodies.next()) else {
        return Err(wrong("another number of Body elements".to_owned()));
    };
    let mut messages = body.children();
    match (messages.next(), messages.next()) {
        (Some(message), None) => Ok(message),
        (Some(_), Some(second)) => Err(wrong(shortened(&format!("also {}", second.describe())))),
        (None, _) => Err(wrong("none".to_owned())),
    }
}

/// Whether a header forbids to go on without knowing what it means, as none is known here (SOAP 1.1
/// §4.2.3).
fn must_be_understood(header: Element<'_>) -> bool {
    let mut attributes = header.attributes();
    attributes.any(|it| {
        it.namespace == Some(ns::SOAP) && it.local == "mustUnderstand" && it.value.trim() != "0"
    })
}
