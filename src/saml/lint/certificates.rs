//! Layer 0, saml: the certificates of a service provider. They only carry keys: their dates, names
//! and signatures decide nothing (conformance A-099), so that what they say is advice at most.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::{Fault, Lint, faults};
use crate::limits;
use crate::saml::error::Error;
use crate::saml::names::ns;
use crate::saml::types::format_instant;
use crate::saml::xml::Element;

/// Looks at a certificate whose key can be used.
pub(super) fn look(descriptor: Element<'_>, number: usize, der: &[u8], lint: &mut Lint<'_>) {
    if listed(descriptor).count() > 1 {
        let what =
            format!("KeyDescriptor {number} has {} certificates", listed(descriptor).count());
        lint.note(descriptor, FURTHER, what);
    }
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return };
    let validity = certificate.validity();
    let instant = |seconds| {
        OffsetDateTime::from_unix_timestamp(seconds).map(format_instant).unwrap_or_default()
    };
    let now = lint.question.now.unix_timestamp();
    let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    if to < now {
        let what = format!("KeyDescriptor {number}: its certificate ended {}", instant(to));
        lint.note(descriptor, EXPIRED, what);
    } else if from > now {
        let what = format!("KeyDescriptor {number}: its certificate begins {}", instant(from));
        lint.note(descriptor, EARLY, what);
    }
    if let Ok(PublicKey::RSA(rsa)) = certificate.public_key().parsed()
        && rsa.try_exponent().is_ok_and(|exponent| exponent < 65_537)
    {
        lint.note(descriptor, EXPONENT, format!("KeyDescriptor {number}: a small RSA exponent"));
    }
}

/// Names the reason for which a key is not used.
pub(super) fn unusable(descriptor: Element<'_>, number: usize, cause: &Error, lint: &mut Lint<'_>) {
    let fault = why(descriptor);
    lint.note(descriptor, fault, format!("KeyDescriptor {number}: {cause}"));
}

fn why(descriptor: Element<'_>) -> &'static Fault {
    let Some(element) = listed(descriptor).next() else { return ABSENT };
    let Ok(text) = element.text() else { return BASE64 };
    let text: String = text.split_ascii_whitespace().collect();
    if text.is_empty() {
        return EMPTY;
    }
    if text.contains("-----") {
        return PEM;
    }
    let Ok(der) = STANDARD.decode(text) else { return BASE64 };
    match X509Certificate::from_der(&der) {
        Err(_) if SubjectPublicKeyInfo::from_der(&der).is_ok() => KEY_ALONE,
        Err(_) => DER,
        Ok((rest, _)) if !rest.is_empty() => TRAILING,
        Ok((_, certificate)) => match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(rsa)) if rsa.key_size() < limits::RSA_MIN_BITS => SMALL,
            Ok(PublicKey::RSA(rsa)) if rsa.key_size() > limits::RSA_MAX_BITS => LARGE,
            _ => KIND,
        },
    }
}

/// The certificates of a descriptor, in document order; the first one is its key's.
fn listed(descriptor: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    descriptor
        .children_named(ns::DSIG, "KeyInfo")
        .flat_map(|info| info.children_named(ns::DSIG, "X509Data"))
        .flat_map(|data| data.children_named(ns::DSIG, "X509Certificate"))
}

faults! {
    ABSENT = 57, Warning,
        "A KeyDescriptor has no X509Certificate.",
        "The key is not used: KeyName and KeyValue are not read.",
        "Put the key's certificate, a self-signed one will do, into KeyInfo/X509Data.";
    EMPTY = 58, Warning,
        "An X509Certificate is empty.",
        "The key is not used.",
        "Upload the certificate at the service provider and export the metadata again.";
    PEM = 59, Warning,
        "A certificate has the lines of PEM around it.",
        "The key is not used.",
        "Delete the lines that begin with -----; only the base64 between them belongs here.";
    BASE64 = 60, Warning,
        "A certificate is not base64.",
        "The key is not used.",
        "Copy it again: a character was lost or changed.";
    DER = 61, Warning,
        "What stands in X509Certificate is not a certificate.",
        "The key is not used.",
        "Put the certificate there, base64 of its DER form. Base64 was perhaps applied twice.";
    KEY_ALONE = 62, Warning,
        "A bare public key stands in X509Certificate.",
        "The key is not used.",
        "Make a self-signed certificate for the key and put that there.";
    TRAILING = 63, Warning,
        "There is something behind the certificate.",
        "The key is not used.",
        "Give each certificate of a chain an X509Certificate element of its own, or better only \
         the first.";
    SMALL = 64, Warning,
        "An RSA key has fewer than 2048 bits.",
        "The key is not used: it can be broken.",
        "Make a new key of 3072 bits at the service provider.";
    LARGE = 65, Warning,
        "An RSA key has more than 8192 bits.",
        "The key is not used: checking its signatures costs too much.",
        "Make a key of 3072 or 4096 bits.";
    KIND = 66, Warning,
        "A key is of a kind that is not spoken.",
        "The key is not used.",
        "Make an RSA key of 3072 bits; it is what every SAML software understands.";
    EXPONENT = 67, Advice,
        "An RSA key has a public exponent below 65537.",
        "It is used; some software refuses it.",
        "Take the exponent 65537 for the next key.";
    EXPIRED = 68, Advice,
        "A certificate's time is over.",
        "Nothing: the key is pinned, the dates of certificates do not count here (A-099). Other \
         software may refuse it.",
        "Change the key when it suits you, with both in the metadata for a while.";
    EARLY = 69, Advice,
        "A certificate's time has not begun.",
        "Nothing: the dates of certificates do not count here. The clock of whoever made it may be \
         wrong.",
        "Check the clock of the service provider.";
    FURTHER = 70, Advice,
        "A KeyDescriptor has several certificates.",
        "Only the first one's key is used.",
        "Give each key a KeyDescriptor of its own; leave issuers' certificates out.";
}
