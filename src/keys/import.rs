//! Importing a key that exists already: PEM of a private key (PKCS#8, PKCS#1 or SEC 1) and of its
//! certificate.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::make::Material;
use super::{Certificate, KeyError};

/// Reads a private key and the certificate that belongs to it. Both may stand in texts with other
/// sections, such as a chain; of several certificates the one with the private key's public half
/// counts.
pub(super) fn read(private_key: &str, certificate: &str) -> Result<Material, KeyError> {
    let private = private_key_of(private_key)?;
    let certificate = certificate_of(certificate, &private.public)?;
    Ok(Material { private: private.pkcs8, certificate })
}

/// A private key, and the public half as certificates carry it.
struct Private {
    pkcs8: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl Private {
    fn of_rsa(pair: &rsa::KeyPair) -> Result<Self, KeyError> {
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| unwritable())?;
        let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        Ok(Self { pkcs8, public: pair.public_key().as_ref().to_vec() })
    }

    fn of_ec(der: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(unusable)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| unwritable())?;
        let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        Ok(Self { pkcs8, public: pair.public_key().as_ref().to_vec() })
    }

    /// PKCS#8 says itself what kind of key it holds; the reader of each kind refuses the other.
    fn of_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        match rsa::KeyPair::from_pkcs8(der) {
            Ok(pair) => Self::of_rsa(&pair),
            Err(error) => Self::of_ec(der).map_err(|_| unusable(error)),
        }
    }

    fn of_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        Self::of_rsa(&rsa::KeyPair::from_der(der).map_err(unusable)?)
    }
}

fn unwritable() -> KeyError {
    KeyError::PrivateKeyUnusable("it cannot be written".into())
}

fn unusable(error: KeyRejected) -> KeyError {
    KeyError::PrivateKeyUnusable(error.to_string())
}

fn private_key_of(text: &str) -> Result<Private, KeyError> {
    let mut found = None;
    for section in sections(text, "private key") {
        let section = section?;
        let read = match section.label {
            "PRIVATE KEY" => Private::of_pkcs8,
            "RSA PRIVATE KEY" => Private::of_pkcs1,
            "EC PRIVATE KEY" => Private::of_ec,
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::PrivateKeyEncrypted),
            "DSA PRIVATE KEY" => return Err(KeyError::Kind("a DSA private key")),
            "OPENSSH PRIVATE KEY" => {
                return Err(KeyError::PrivateKeyUnusable(
                    "it is in OpenSSH's own form; convert it: ssh-keygen -p -m PKCS8 -f KEY".into(),
                ));
            }
            _ => continue,
        };
        if section.body.contains("ENCRYPTED") {
            return Err(KeyError::PrivateKeyEncrypted);
        }
        if found.replace(read(&section.decode("private key")?)?).is_some() {
            return Err(KeyError::SeveralPrivateKeys);
        }
    }
    found.ok_or(KeyError::NoPrivateKey)
}

fn certificate_of(text: &str, public_key: &[u8]) -> Result<Certificate, KeyError> {
    let mut fault = KeyError::NoCertificate;
    for section in sections(text, "certificate") {
        let section = section?;
        if !matches!(section.label, "CERTIFICATE" | "X509 CERTIFICATE") {
            continue;
        }
        match Certificate::from_der(&section.decode("certificate")?) {
            Ok(certificate) if certificate.public_key() == public_key => return Ok(certificate),
            Ok(_) => fault = KeyError::Mismatch,
            Err(error) if fault == KeyError::NoCertificate => fault = error,
            Err(_) => {}
        }
    }
    Err(fault)
}

/// One `BEGIN … END` of a PEM text (RFC 7468), still encoded.
struct Section<'a> {
    label: &'a str,
    body: &'a str,
}

impl Section<'_> {
    fn decode(&self, what: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut packed = Zeroizing::new(String::with_capacity(self.body.len()));
        packed.extend(self.body.chars().filter(|character| !character.is_ascii_whitespace()));
        STANDARD
            .decode(packed.as_bytes())
            .map(Zeroizing::new)
            // The decoder's own words would quote an octet of the key.
            .map_err(|_| KeyError::Pem { what, cause: "its body is not base64".into() })
    }
}

fn sections<'a>(
    text: &'a str,
    what: &'static str,
) -> impl Iterator<Item = Result<Section<'a>, KeyError>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once("-----BEGIN ")?;
        rest = "";
        let pem = |cause: &str| Some(Err(KeyError::Pem { what, cause: cause.into() }));
        let Some((label, after)) = after.split_once("-----") else {
            return pem("a BEGIN line does not end");
        };
        let Some((body, after)) = after.split_once("-----END ") else {
            return pem("there is a BEGIN line without an END line");
        };
        let Some(after) = after.strip_prefix(label).and_then(|end| end.strip_prefix("-----"))
        else {
            return pem("the END line does not match the BEGIN line");
        };
        rest = after;
        Some(Ok(Section { label, body }))
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::EcPrivateKeyRfc5915Der;

    use super::*;
    use crate::keys::fixtures::{key_a, key_b, pem};
    use crate::saml::SigningKey;
    use crate::saml::key::KeyKind;
    use crate::saml::tests::SMALL_CERTIFICATE;

    fn key_pem() -> String {
        pem("PRIVATE KEY", &key_a().private)
    }

    fn certificate_pem() -> String {
        pem("CERTIFICATE", key_a().certificate.der())
    }

    fn refused(key: &str, certificate: &str) -> KeyError {
        read(key, certificate).err().expect("must be refused")
    }

    #[test]
    fn a_pkcs8_key_with_its_certificate_is_taken() {
        let read = read(&key_pem(), &certificate_pem()).unwrap();
        assert_eq!(*read.private, *key_a().private);
        assert_eq!(read.certificate, key_a().certificate);
    }

    #[test]
    fn a_pkcs1_key_becomes_the_same_pkcs8_key() {
        // PKCS#8 of an RSA key is a head of 26 octets and the PKCS#1 structure (RFC 5958 §2, RFC
        // 8017 A.1.2).
        let pkcs1 = &key_a().private[26..];
        let read = read(&pem("RSA PRIVATE KEY", pkcs1), &certificate_pem()).unwrap();
        assert_eq!(*read.private, *key_a().private);
    }

    #[test]
    fn the_matching_certificate_is_found_in_a_chain_and_in_one_file_with_the_key() {
        let other = pem("CERTIFICATE", key_b().certificate.der());
        let all = format!("subject=x\r\n{other}{}{}", key_pem(), certificate_pem());
        let read = read(&all, &all.replace('\n', "\r\n")).unwrap();
        assert_eq!(read.certificate, key_a().certificate);
    }

    #[test]
    fn a_certificate_of_another_key_is_refused() {
        let other = pem("CERTIFICATE", key_b().certificate.der());
        assert_eq!(refused(&key_pem(), &other), KeyError::Mismatch);
    }

    #[test]
    fn encrypted_keys_are_refused_with_the_remedy() {
        let pkcs8 = pem("ENCRYPTED PRIVATE KEY", b"whatever");
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                      DEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        for key in [pkcs8.as_str(), legacy] {
            let error = refused(key, &certificate_pem());
            assert_eq!(error, KeyError::PrivateKeyEncrypted);
            assert!(error.to_string().contains("openssl pkey"));
        }
    }

    #[test]
    fn an_ec_key_is_taken_in_both_of_its_forms() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap().pem();
        let taken = read(&pair.serialize_pem(), &certificate).unwrap();
        assert_eq!(taken.certificate.kind(), KeyKind::P256);
        SigningKey::new(&taken.private, taken.certificate.der()).unwrap();

        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &taken.private);
        let sec1: EcPrivateKeyRfc5915Der<'_> = ec.unwrap().private_key().as_der().unwrap();
        let sec1 =
            format!("{}{}", pem("EC PARAMETERS", b"x"), pem("EC PRIVATE KEY", sec1.as_ref()));
        assert_eq!(*read(&sec1, &certificate).unwrap().private, *taken.private);
        assert_eq!(refused(&key_pem(), &certificate), KeyError::Mismatch);
    }

    #[test]
    fn keys_of_other_kinds_are_refused_by_name() {
        let certificate = certificate_pem();
        assert_eq!(
            refused(&pem("DSA PRIVATE KEY", b"x"), &certificate),
            KeyError::Kind("a DSA private key")
        );
        let openssh = refused(&pem("OPENSSH PRIVATE KEY", b"x"), &certificate);
        assert!(openssh.to_string().contains("ssh-keygen"), "{openssh}");

        let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        let ec_key = refused(&pem("PRIVATE KEY", ec.serialized_der()), &certificate);
        assert!(matches!(ec_key, KeyError::PrivateKeyUnusable(_)), "{ec_key}");
        let ec_certificate = rcgen::CertificateParams::default().self_signed(&ec).unwrap();
        assert_eq!(
            refused(&key_pem(), &pem("CERTIFICATE", ec_certificate.der())),
            KeyError::Kind("a certificate with an EC key on another curve")
        );
    }

    #[test]
    fn a_certificate_of_1024_bits_is_refused() {
        let small = format!(
            "-----BEGIN CERTIFICATE-----\n{SMALL_CERTIFICATE}\n-----END CERTIFICATE-----\n"
        );
        assert_eq!(refused(&key_pem(), &small), KeyError::KeyBits(1024));
    }

    #[test]
    fn texts_without_what_is_needed_are_refused_with_what_was_expected() {
        let (key, certificate) = (key_pem(), certificate_pem());
        assert_eq!(refused("", &certificate), KeyError::NoPrivateKey);
        assert_eq!(refused(&certificate, &certificate), KeyError::NoPrivateKey);
        assert_eq!(refused(&key, &key), KeyError::NoCertificate);
        assert_eq!(refused(&format!("{key}{key}"), &certificate), KeyError::SeveralPrivateKeys);
    }

    #[test]
    fn damaged_pem_is_refused_without_quoting_it() {
        let (key, certificate) = (key_pem(), certificate_pem());
        for damaged in [
            key.replace("MII", "M!I"),
            key.replace("-----END PRIVATE KEY-----", ""),
            key.replace("END PRIVATE", "END PUBLIC"),
            key.replacen("-----\n", "\n", 1),
        ] {
            let error = refused(&damaged, &certificate);
            assert!(matches!(error, KeyError::Pem { .. }), "{error}");
            assert!(error.to_string().len() < 120, "{error}");
        }
    }
}
