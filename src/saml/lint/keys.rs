//! Layer 0, saml: the keys of a service provider (saml-metadata-2.0-os §2.4.1.1). What counts is
//! what the reader makes of them; here is said why.

use super::{Lint, certificates, faults, quoted};
use crate::limits;
use crate::saml::VerifyingKey;
use crate::saml::encryption::{EncryptionKey, Methods};
use crate::saml::names::ns;
use crate::saml::sp_metadata::{KeyUse, certificate};
use crate::saml::xml::Element;

/// Looks at the keys of `role`, which says so of its requests.
pub(super) fn look(role: Element<'_>, signed: Option<bool>, lint: &mut Lint<'_>) {
    let mut seen: Vec<(Vec<u8>, KeyUse)> = Vec::new();
    let mut signing: Vec<Vec<u8>> = Vec::new();
    for (at, descriptor) in role.children_named(ns::METADATA, "KeyDescriptor").enumerate() {
        let number = at + 1;
        let purpose = KeyUse::of(descriptor).ok();
        if purpose.is_none() {
            let found = descriptor.attribute("use").unwrap_or_default();
            lint.note(descriptor, USE, format!("KeyDescriptor {number}: use={}", quoted(found)));
        }
        if purpose != Some(KeyUse::Signing) {
            encryption_methods(descriptor, number, lint);
        }
        let usable = |der: Vec<u8>| match purpose {
            Some(KeyUse::Encryption) => EncryptionKey::new(&der, Methods::default()).map(|_| der),
            _ => VerifyingKey::from_certificate(&der).map(|_| der),
        };
        match certificate(descriptor).and_then(usable) {
            Err(cause) => certificates::unusable(descriptor, number, &cause, lint),
            Ok(der) => {
                certificates::look(descriptor, number, &der, lint);
                let purpose = purpose.unwrap_or(KeyUse::Both);
                repeated(descriptor, number, (&der, purpose), &mut seen, lint);
                if purpose != KeyUse::Encryption && !signing.contains(&der) {
                    signing.push(der);
                }
            }
        }
    }
    if signing.len() > limits::SP_SIGNING_KEYS {
        lint.note(role, TOO_MANY, format!("{} signing keys", signing.len()));
    }
    match (signing.is_empty(), signed) {
        (false, _) => {}
        (true, Some(true)) => lint.note(role, SIGNED_WITHOUT_KEY, "AuthnRequestsSigned is true"),
        (true, _) => lint.note(role, NO_SIGNING_KEY, "no usable key with use=\"signing\""),
    }
}

fn repeated(
    descriptor: Element<'_>,
    number: usize,
    (der, purpose): (&[u8], KeyUse),
    seen: &mut Vec<(Vec<u8>, KeyUse)>,
    lint: &mut Lint<'_>,
) {
    let overlaps =
        |other: KeyUse| other == purpose || other == KeyUse::Both || purpose == KeyUse::Both;
    if seen.iter().any(|(other, used)| other == der && overlaps(*used)) {
        let what = format!("KeyDescriptor {number} has a certificate that an earlier one has");
        lint.note(descriptor, REPEATED, what);
    }
    seen.push((der.to_vec(), purpose));
}

/// The algorithms that the service provider can decrypt, where it names any.
fn encryption_methods(descriptor: Element<'_>, number: usize, lint: &mut Lint<'_>) {
    const OAEP: &[&str] = &["rsa-oaep-mgf1p", "rsa-oaep"];
    const GCM: &[&str] = &["aes128-gcm", "aes256-gcm"];
    let methods = descriptor.children_named(ns::METADATA, "EncryptionMethod");
    let names: Vec<_> = methods
        .filter_map(|method| method.attribute("Algorithm"))
        .map(|uri| uri.rsplit_once('#').map_or(uri, |(_, name)| name))
        .collect();
    let offers = |known: &[&str]| names.iter().any(|name| known.contains(name));
    let what = || format!("KeyDescriptor {number} offers {}", quoted(&names.join(", ")));
    if names.contains(&"rsa-1_5") && !offers(OAEP) {
        lint.note(descriptor, RSA_1_5, what());
    }
    let old = ["tripledes-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc", "aes192-gcm"];
    let unreadable = Methods::read(descriptor).is_err() && !names.contains(&"rsa-1_5");
    if (offers(&old) && !offers(GCM)) || unreadable {
        lint.note(descriptor, OLD_CIPHERS, what());
    }
}

faults! {
    SIGNED_WITHOUT_KEY = 50, Error,
        "AuthnRequestsSigned is true, but there is no usable key that verifies a signature.",
        "Every request would be refused.",
        "Add a KeyDescriptor with use=\"signing\" and the certificate of the key that signs.";
    NO_SIGNING_KEY = 51, Warning,
        "There is no usable key that verifies signatures.",
        "Signed requests and logout messages are refused; only unsigned requests can be answered.",
        "Add a KeyDescriptor with use=\"signing\" and the certificate of the key that signs.";
    TOO_MANY = 52, Error,
        "There are more than eight signing keys.",
        "Trying them all for each message would cost too much.",
        "Delete the keys that are out of use; two are enough for a change of keys.";
    USE = 53, Error,
        "use of a KeyDescriptor is neither signing nor encryption.",
        "It is not known what the key is for.",
        "Write use=\"signing\" or use=\"encryption\" in small letters, or leave it out for both.";
    REPEATED = 54, Advice,
        "The same certificate stands there twice for the same use.",
        "It counts once.",
        "Delete one. During a change of keys the second one should be the new certificate.";
    RSA_1_5 = 55, Warning,
        "The key transport that is offered is RSA 1.5 only.",
        "Nothing is encrypted for this key: that algorithm gives secrets away (CVE-2011-1096).",
        "Switch rsa-oaep-mgf1p on at the service provider.";
    OLD_CIPHERS = 56, Warning,
        "Only ciphers are offered that do not notice changes (CBC), or that are not spoken.",
        "Nothing is encrypted for this key, unless CBC is explicitly allowed.",
        "Switch aes256-gcm or aes128-gcm on at the service provider.";
}
