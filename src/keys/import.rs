//! Importing a key that exists already: PEM of a private key (PKCS#8 or PKCS#1) and of its
//! certificate.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::make::Material;
use super::{Certificate, KeyError};

/// Reads a private key and the certificate that belongs to it. Both may stand in texts with other
/// sections, such as a chain; of several certificates the one with the private key's public half
/// counts.
pub(super) fn read(private_key: &str, certificate: &str) -> Result<Material, KeyError> {
    let pair = private_key_of(private_key)?;
    let certificate = certificate_of(certificate, pair.public_key().as_ref())?;
    let pkcs8: Pkcs8V1Der<'_> =
        pair.as_der().map_err(|_| KeyError::PrivateKeyUnusable("it cannot be written".into()))?;
    Ok(Material { private: Zeroizing::new(pkcs8.as_ref().to_vec()), certificate })
}

fn private_key_of(text: &str) -> Result<rsa::KeyPair, KeyError> {
    let mut found = None;
    for section in sections(text, "private key") {
        let section = section?;
        let read = match section.label {
            "PRIVATE KEY" => rsa::KeyPair::from_pkcs8,
            "RSA PRIVATE KEY" => rsa::KeyPair::from_der,
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::PrivateKeyEncrypted),
            "EC PRIVATE KEY" => return Err(KeyError::NotRsa("an EC private key")),
            "DSA PRIVATE KEY" => return Err(KeyError::NotRsa("a DSA private key")),
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
        let pair = read(&section.decode("private key")?)
            .map_err(|error| KeyError::PrivateKeyUnusable(error.to_string()))?;
        if found.replace(pair).is_some() {
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
    use super::*;
    use crate::keys::fixtures::{key_a, key_b, pem};

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
    fn keys_of_other_kinds_are_refused_by_name() {
        let certificate = certificate_pem();
        assert_eq!(
            refused(&pem("EC PRIVATE KEY", b"x"), &certificate),
            KeyError::NotRsa("an EC private key")
        );
        let openssh = refused(&pem("OPENSSH PRIVATE KEY", b"x"), &certificate);
        assert!(openssh.to_string().contains("ssh-keygen"), "{openssh}");

        let ec = rcgen::KeyPair::generate().unwrap();
        let ec_key = refused(&pem("PRIVATE KEY", ec.serialized_der()), &certificate);
        assert!(matches!(ec_key, KeyError::PrivateKeyUnusable(_)), "{ec_key}");
        let ec_certificate = rcgen::CertificateParams::default().self_signed(&ec).unwrap();
        assert_eq!(
            refused(&key_pem(), &pem("CERTIFICATE", ec_certificate.der())),
            KeyError::NotRsa("a certificate with an EC key")
        );
    }

    /// A self-signed certificate with a key of 1024 bits, by OpenSSL; its private half was never
    /// kept.
    const SMALL: &str = "\
        MIIB9DCCAV2gAwIBAgIUXRnBHYuUa9rVwdCr/TgO/pJ9DVQwDQYJKoZIhvcNAQELBQAwDDEKMAgGA1UE\
        AwwBczAeFw0yNjExMjExMDUyMDNaFw0zNjExMTgxMDUyMDNaMAwxCjAIBgNVBAMMAXMwgZ8wDQYJKoZI\
        hvcNAQEBBQADgY0AMIGJAoGBANP05w1M3DcmwjAaD3+WIDcTUeJuIIQ9cqoUrQJuD768EVPQe5L8gd6H\
        zqrjK5Rmscg1OS3WXNscWOX0OSYaAL5P6r+lR+5r1GzCA2eERJyz5N3OoLw6smJONQaCvocGneuflNwq\
        YQjuEEmJJKBjA7zM1H8+pZCBlcCbHNDabmGBAgMBAAGjUzBRMB0GA1UdDgQWBBRtbkUS1j2Rk4fC3x+u\
        aCvOIVer8zAfBgNVHSMEGDAWgBRtbkUS1j2Rk4fC3x+uaCvOIVer8zAPBgNVHRMBAf8EBTADAQH/MA0G\
        CSqGSIb3DQEBCwUAA4GBADphw/5NWZWZl9h/HQtsElF/P15s52zbHB7q7o3CQaA/jPqW5NXOGQOOoFsn\
        RZSGRu3DckvlEybgzrqwwrOpB48fnNqNC+n/WUjDHsfzIt7Ju6bizqV8s8lCgGnYvZmFPTZTzZuXhS4O\
        7YHWfB85i6+SSXtVYaE0RxRC/dvwUML1";

    #[test]
    fn a_certificate_of_1024_bits_is_refused() {
        let small = format!("-----BEGIN CERTIFICATE-----\n{SMALL}\n-----END CERTIFICATE-----\n");
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
