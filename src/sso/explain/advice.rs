//! Layer 3, sso: what to do about a refusal or a status, for the engineer who wires a service
//! provider. What the person in front of the browser reads stands in `templates/words`.

use crate::refusal::{Code, Owner};
use crate::saml::names::status;

/// What to do about a refusal.
pub(super) fn of(code: Code) -> &'static str {
    let known = about_reading(code).or_else(|| about_trust(code)).or_else(|| about_people(code));
    known.unwrap_or_else(|| by_owner(code.entry().owner))
}

/// Where the message cannot be read.
fn about_reading(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::MessageMissing => {
            "Send SAMLRequest, spelled so. A person who opened the bare address begins at the \
             partner's site."
        }
        Code::ParameterTwice => {
            "Send each parameter once, in the query or in the form, and a request never together \
             with a response. Look for a proxy or a template that adds them again."
        }
        Code::QueryTooLong | Code::BodyTooLarge => {
            "Send the request by HTTP-POST, or make it shorter."
        }
        Code::BadBase64 => {
            "Encode the message as base64 with + / and =, without white space, and then \
             percent-encode it."
        }
        Code::BadDeflate => {
            "By HTTP-Redirect compress with raw DEFLATE (RFC 1951), without the header of zlib or \
             gzip. By HTTP-POST do not compress."
        }
        Code::InflatesTooLarge | Code::XmlLimit => "Send a plain request: it needs about 1 KiB.",
        Code::NotUtf8 => "Write the message in UTF-8, and declare that or nothing.",
        Code::Doctype => "Write the message without DOCTYPE.",
        Code::MalformedXml => {
            "Write the message with an XML library: each prefix declared, each tag closed."
        }
        Code::BadSchema => {
            "Write what the schema has at this place (saml-schema-protocol-2.0), in its order. \
             Compare with what is said above."
        }
        Code::BadVersion => "Send SAML 2.0: Version=\"2.0\".",
        Code::BadEncoding => "Leave SAMLEncoding out, or name DEFLATE.",
        Code::RelayStateTooLong => {
            "Keep RelayState short: the standard allows 80 bytes. Keep the rest at the service \
             provider, under a key."
        }
        _ => return None,
    })
}

/// Where it is read, and not believed or not answered as it asks.
fn about_trust(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::TenantUnknown => "Look at the address: the tenant's name is its first segment.",
        Code::IssuerUnknown => {
            "Register the service provider by its metadata (skybridge sp add), or make its \
             entityID what was registered: compared octet by octet, with slash and capitals."
        }
        Code::MetadataMissing => {
            "See why its metadata could not be loaded: the gateway's log says it. Where it comes \
             from an address, only the serving gateway fetches it; here counts what it has kept."
        }
        Code::SignatureMissing => {
            "Let the service provider sign its requests (its metadata or its profile says that it \
             does). By HTTP-Redirect the signature is beside the message: paste the whole address."
        }
        Code::SignatureAlgorithm => {
            "Sign with rsa-sha256 (or sha384, sha512, ecdsa-sha256, ecdsa-sha384) and name its URI \
             in SigAlg. SHA-1 is refused."
        }
        Code::SignatureInvalid => {
            "The key that signs must be in the metadata that is registered: after a change of keys \
             upload it anew. If the key is right, something changed the octets on the way: sign \
             the query exactly as it is sent."
        }
        Code::DestinationWrong => {
            "Set Destination to the very address at which the request arrives, which our metadata \
             names; scheme, host and path octet by octet. Behind a proxy set server.base_url."
        }
        Code::AcsForeign => {
            "Name an AssertionConsumerService that the registered metadata lists for HTTP-POST, or \
             add it to the metadata and upload that."
        }
        Code::BindingUnsupported => "Ask for an answer by HTTP-POST, or name no ProtocolBinding.",
        Code::RequestExpired => {
            "Send the request when it is made. If it was: the clocks differ, set both by NTP."
        }
        Code::RequestFromFuture => "The clocks differ: set both by NTP.",
        Code::RequestReplayed => "Make a new request with a new ID each time.",
        Code::KeyUnknown => {
            "The service provider holds metadata of a key that is retired: give it the present one \
             (skybridge metadata)."
        }
        Code::EncryptionKeyMissing => {
            "Add a KeyDescriptor for encryption with an RSA key to the service provider's \
             metadata, or choose a profile that does not always encrypt."
        }
        _ => return None,
    })
}

/// Where it is good, and somebody or something else is not.
fn about_people(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::AttributeUnusable => {
            "Send the customer's attributes with the ticket, in the form of the profile."
        }
        Code::FirstLoginNotBegun => {
            "Send the customer through the partner's launch link first, or open an account \
             for them."
        }
        Code::ProofNotFresh => {
            "Let the partner's login page sign the customer in anew where the gateway asks for it, \
             and say when that was: authenticated_at, in a signed ticket auth_time."
        }
        Code::CustomerDisabled => "Switch the customer on, if they shall be let in.",
        Code::NoSigningKey => "Make a key: skybridge keys new.",
        Code::LinkNoticeSignature => {
            "It is not from the cloud whose metadata is registered, or was changed on its way."
        }
        _ => return None,
    })
}

fn by_owner(owner: Owner) -> &'static str {
    match owner {
        Owner::You => "The person in front of the browser begins again at the partner's site.",
        Owner::Partner => "The partner can solve this; docs/errors.md says more about the code.",
        Owner::Operator => "Who runs the gateway can solve this; its log says more.",
        Owner::Cloud => "The service provider has to solve this.",
    }
}

/// What to do about a second-level status code.
pub(super) fn of_status(detail: &str) -> Option<&'static str> {
    Some(match detail {
        status::INVALID_NAME_ID_POLICY => {
            "Ask for a NameID format that the profile gives, or for none; SPNameQualifier is the \
             service provider's own entityID or absent."
        }
        status::NO_AUTHN_CONTEXT => {
            "Ask for a class that people here can be authenticated by, with Comparison minimum, or \
             leave RequestedAuthnContext out."
        }
        status::NO_PASSIVE => "Ask again without IsPassive: a page has to be shown.",
        status::UNKNOWN_PRINCIPAL => {
            "The person whom the message names is not the one who is here: leave the Subject out, \
             or name them as the assertion did."
        }
        status::NO_SUPPORTED_IDP => "Name this tenant's entityID in the IDPList, or leave it out.",
        status::REQUEST_UNSUPPORTED => {
            "Name an AttributeConsumingService that the registered metadata has."
        }
        _ => return None,
    })
}
