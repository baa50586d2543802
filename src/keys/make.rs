//! Making a new key, RSA or on P-256, with its self-signed certificate.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::{Certificate, KeyError};
use crate::random::Random;

/// The keys that are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KeySize {
    /// The smallest that is allowed, and the cheapest signature.
    Rsa2048,
    /// What the federation profiles ask of new keys; a signature costs about three times as
    /// much.
    #[default]
    Rsa3072,
    /// For those who must; a signature costs about six times as much.
    Rsa4096,
    /// On the curve P-256: by far the cheapest signature, but some service providers take RSA only,
    /// and nobody can encrypt for it.
    P256,
}

/// What a new key is to be like.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Host of the tenant's entityID: the certificate's common name.
    pub host: String,
    /// Kind and size of the key.
    pub size: KeySize,
    /// How long the certificate lasts, 1 to 30 years.
    pub years: u8,
}

/// A private key and the certificate that belongs to it.
pub(super) struct Material {
    /// PKCS#8 in DER.
    pub(super) private: Zeroizing<Vec<u8>>,
    pub(super) certificate: Certificate,
}

/// Makes a key after `recipe`. The primes come from the cryptographic library's own generator,
/// which takes no other; the certificate's serial number comes from `random`.
pub(super) fn make(
    recipe: &Recipe,
    now: OffsetDateTime,
    random: &dyn Random,
) -> Result<Material, KeyError> {
    let params = params(recipe, now, random)?;
    let failed = |error: rcgen::Error| KeyError::Making(error.to_string());
    let rsa = |size| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size);
    let pair = match recipe.size {
        KeySize::Rsa2048 => rsa(RsaKeySize::_2048),
        KeySize::Rsa3072 => rsa(RsaKeySize::_3072),
        KeySize::Rsa4096 => rsa(RsaKeySize::_4096),
        KeySize::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
    };
    let pair = Zeroizing::new(pair.map_err(failed)?);
    let signed = params.self_signed(&*pair).map_err(failed)?;
    Ok(Material {
        private: Zeroizing::new(pair.serialize_der()),
        certificate: Certificate::from_der(signed.der())?,
    })
}

fn params(
    recipe: &Recipe,
    now: OffsetDateTime,
    random: &dyn Random,
) -> Result<CertificateParams, KeyError> {
    if !(1..=30).contains(&recipe.years) {
        return Err(KeyError::Years(recipe.years));
    }
    let host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if recipe.host.is_empty() || !recipe.host.bytes().all(host_byte) {
        return Err(KeyError::Host(recipe.host.clone()));
    }
    // X.520 allows a common name 64 characters; a longer host is cut, for nobody reads it but
    // people.
    let name: String = recipe.host.chars().take(64).collect();
    let now = now.replace_nanosecond(0).unwrap_or(now);

    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(name));
    params.serial_number = Some(serial(random));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if recipe.size != KeySize::P256 {
        // Service providers may encrypt for it.
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    // A peer whose clock is a little behind must not find it "not yet valid".
    params.not_before = now - Duration::HOUR;
    params.not_after = years_after(now, recipe.years);
    Ok(params)
}

/// 159 random bits, positive and within the 20 octets of RFC 5280 §4.1.2.2.
fn serial(random: &dyn Random) -> SerialNumber {
    let mut bytes = [0u8; 20];
    random.fill(&mut bytes);
    // The first octet is never zero (DER would shorten it) and never negative.
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn years_after(at: OffsetDateTime, years: u8) -> OffsetDateTime {
    let year = at.year() + i32::from(years);
    // Only the 29th of February has no namesake; the day before has.
    at.replace_year(year).or_else(|_| (at - Duration::DAY).replace_year(year)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SequenceRandom;
    use crate::saml::SigningKey;
    use crate::saml::key::KeyKind;
    use time::macros::datetime;
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    const NOW: OffsetDateTime = datetime!(2026-11-21 10:00:00.25 UTC);

    fn recipe(size: KeySize) -> Recipe {
        Recipe { host: "sso.partner.example".into(), size, years: 10 }
    }

    #[test]
    fn a_new_certificate_says_what_was_ordered_and_verifies_with_its_own_key() {
        let made = make(&recipe(KeySize::Rsa2048), NOW, &SequenceRandom::new(1)).unwrap();
        let (_, parsed) = X509Certificate::from_der(made.certificate.der()).unwrap();

        assert_eq!(parsed.subject().to_string(), "CN=sso.partner.example");
        assert_eq!(parsed.issuer(), parsed.subject());
        assert!(parsed.version().0 == 2, "X.509 version 3 is written as 2");
        assert_eq!(parsed.signature_algorithm.algorithm.to_string(), "1.2.840.113549.1.1.11");
        let usage = parsed.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && usage.key_encipherment());
        assert_eq!(usage.flags.count_ones(), 2, "and nothing else");
        assert!(parsed.serial.bits() >= 128 && parsed.raw_serial().len() <= 20);
        assert_eq!(made.certificate.not_before(), datetime!(2026-11-21 9:00 UTC));
        assert_eq!(made.certificate.not_after(), datetime!(2036-11-21 10:00 UTC));

        let algorithm = &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
        aws_lc_rs::signature::UnparsedPublicKey::new(algorithm, made.certificate.public_key())
            .verify(parsed.tbs_certificate.as_ref(), &parsed.signature_value.data)
            .unwrap();
    }

    #[test]
    fn every_size_is_what_it_says() {
        for (size, kind) in [
            (KeySize::default(), KeyKind::Rsa(3072)),
            (KeySize::Rsa4096, KeyKind::Rsa(4096)),
            (KeySize::P256, KeyKind::P256),
        ] {
            let made = make(&recipe(size), NOW, &SequenceRandom::new(1)).unwrap();
            assert_eq!(made.certificate.kind(), kind);
            SigningKey::new(&made.private, made.certificate.der()).unwrap();
        }
    }

    #[test]
    fn serial_numbers_of_two_certificates_differ() {
        let random = SequenceRandom::new(1);
        assert_ne!(serial(&random), serial(&random));
    }

    #[test]
    fn a_certificate_made_on_a_leap_day_ends_on_the_28th() {
        assert_eq!(
            years_after(datetime!(2028-02-29 10:00 UTC), 1),
            datetime!(2029-02-28 10:00 UTC)
        );
    }

    #[test]
    fn senseless_recipes_are_refused() {
        let random = SequenceRandom::new(1);
        let mut bad = recipe(KeySize::Rsa2048);
        bad.years = 0;
        assert_eq!(make(&bad, NOW, &random).err(), Some(KeyError::Years(0)));
        let mut bad = recipe(KeySize::Rsa2048);
        bad.host = "a,O=b".into();
        assert_eq!(make(&bad, NOW, &random).err(), Some(KeyError::Host("a,O=b".into())));
    }
}
