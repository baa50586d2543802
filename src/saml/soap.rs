//! Layer 0, saml: the SOAP binding as far as a requester needs it (saml-bindings-2.0-os §3.2): an
//! envelope around our message, and the one message in the envelope that comes back.

use super::error::{Error, shortened};
use super::message::Message;
use super::names::ns;
use super::verified::Unverified;
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

/// Reads the message of an envelope. It is taken out whole, with the namespaces in scope, and then
/// is a document of its own: nothing around it can be mistaken for a part of it.
///
/// # Errors
/// Any [`Error`] about XML or schema; the signature is not yet checked.
pub fn read<T: Message>(octets: &[u8]) -> Result<Unverified<T>, Error> {
    let envelope = parse(octets, Limits::MESSAGE)?;
    let message = body(envelope.root())?;
    let mut prefixes = Vec::new();
    for around in [Some(envelope.root()), message.parent()].into_iter().flatten() {
        let declared = around.declared().map(|(p, _)| if p.is_empty() { "#default" } else { p });
        prefixes.extend(declared);
    }
    let octets = c14n::exclusive(message, &prefixes, None, Limits::MESSAGE.bytes * 2)?;
    let limits = Limits { bytes: octets.len(), nodes: Limits::MESSAGE.nodes };
    let document = parse(octets.as_bytes(), limits)?;
    let value = T::read(document.root())?;
    if document.root().children_named(ns::DSIG, "Signature").next().is_none() {
        return Ok(Unverified::new(value, None));
    }
    Ok(Unverified::enveloped(value, document, |_, signed| T::read(signed)))
}

/// The one element in the body.
fn body(envelope: Element<'_>) -> Result<Element<'_>, Error> {
    let wrong = |found: String| Error::Element { expected: "one message in a SOAP Body", found };
    if !envelope.is(ns::SOAP, "Envelope") {
        return Err(wrong(envelope.describe()));
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
