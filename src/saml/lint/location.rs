//! Layer 0, saml: the addresses of a service provider. A browser is sent there with an assertion,
//! so that they are held to what an [`EndpointUrl`] may be (conformance A-072, B-15, C-21).

use url::{Host, Url};

use super::{Fault, Lint, faults, quoted};
use crate::limits;
use crate::saml::EndpointUrl;
use crate::saml::types::{is_loopback, is_private};
use crate::saml::xml::Element;

/// Looks at one address of an endpoint that is used.
pub(super) fn look(endpoint: Element<'_>, attribute: &str, named: &str, lint: &mut Lint<'_>) {
    let Some(text) = endpoint.attribute(attribute) else {
        lint.note(endpoint, ABSENT, format!("{named} without {attribute}"));
        return;
    };
    let fault = if EndpointUrl::parse(text).is_err() { Some(why(text)) } else { risk(text) };
    if let Some(fault) = fault {
        lint.note(endpoint, fault, format!("{named}: {attribute}={}", quoted(text)));
    }
}

/// Why an address is refused.
fn why(text: &str) -> &'static Fault {
    let parsed = Url::parse(text);
    let scheme = parsed.as_ref().map(Url::scheme).unwrap_or_default();
    let allowed = |b: u8| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b);
    if text.len() > limits::URL_BYTES {
        LONG
    } else if text.chars().any(char::is_whitespace) {
        SPACE
    } else if !matches!(scheme, "" | "http" | "https") {
        SCHEME
    } else if !text.bytes().all(allowed) {
        CHARACTERS
    } else if let Ok(url) = parsed {
        if !url.username().is_empty() || url.password().is_some() {
            USER
        } else if url.fragment().is_some() {
            FRAGMENT
        } else {
            PLAIN
        }
    } else {
        RELATIVE
    }
}

/// What is risky about an address that is taken.
fn risk(text: &str) -> Option<&'static Fault> {
    let url = Url::parse(text).ok()?;
    if text.contains('*') {
        return Some(WILDCARD);
    }
    if is_loopback(&url) {
        return Some(LOCAL);
    }
    let is_plain_name = matches!(url.host()?, Host::Domain(name) if !name.contains('.'));
    (is_plain_name || is_private(&url)).then_some(PRIVATE)
}

faults! {
    ABSENT = 85, Error,
        "An endpoint has no Location.",
        "There is nothing to send to.",
        "Add its address.";
    PLAIN = 86, Error,
        "An endpoint's address is http.",
        "Assertions would be readable on the way; the whole metadata is refused.",
        "Give the service provider an https address and export the metadata again. Behind a proxy \
         that does TLS, tell it its public address.";
    SCHEME = 87, Error,
        "An endpoint's address is not https, but javascript:, data: or the like.",
        "A browser sent there could be attacked; the whole metadata is refused.",
        "Write a full https address. If you did not expect this, ask who made the file.";
    RELATIVE = 88, Error,
        "An endpoint's address is not a whole URL.",
        "It leads nowhere.",
        "Write it with https:// and the host's name.";
    FRAGMENT = 89, Error,
        "An endpoint's address has a fragment (#…).",
        "Browsers do not send it; two different addresses would look alike.",
        "Delete it from # on.";
    USER = 90, Error,
        "An endpoint's address holds a user name or a password.",
        "Browsers drop or misuse it, and a name before @ can hide the real host.",
        "Delete what stands between // and @.";
    SPACE = 91, Error,
        "An endpoint's address has white space.",
        "Addresses are compared byte for byte: it would never match.",
        "Delete the white space, most often at its end.";
    CHARACTERS = 92, Error,
        "An endpoint's address has characters that a URL cannot have.",
        "It cannot be compared byte for byte. Braces are the remains of a template.",
        "Percent-encode the characters, write international host names as xn--…, and fill in \
         templates.";
    LONG = 93, Error,
        "An endpoint's address is longer than 2048 bytes.",
        "Browsers and proxies cut it.",
        "Use a shorter address.";
    WILDCARD = 94, Warning,
        "An endpoint's address has a *.",
        "It is no pattern: only exactly this address matches.",
        "List each address in an AssertionConsumerService of its own.";
    LOCAL = 95, Warning,
        "An endpoint's address is on the browser's own machine.",
        "Assertions go to whatever listens there. Good for tests only.",
        "Export the metadata from the service provider's public address.";
    PRIVATE = 96, Advice,
        "An endpoint's address is in a private network.",
        "Only people inside that network arrive.",
        "Use the public name of the service provider, unless it has none.";
}
