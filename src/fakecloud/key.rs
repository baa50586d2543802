//! The simulated cloud's own keys and certificates, made at start and kept in memory only. Apart
//! room
//! `fakecloud`; contract §3.3 (self-signed RSA certificate named after the host).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::Error;
use super::knobs::Certificates;

/// Size of the keys that the simulated cloud makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySize {
    /// 2048 bits: quick to make, quick to use.
    #[default]
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits: as the live cloud's certificate of 2018. Takes seconds to make.
    Rsa4096,
}

/// The two keys, and the certificates that the knobs show.
pub(crate) struct SpKeys {
    current: SpKey,
    old: SpKey,
    /// A certificate of the current key whose time is over.
    expired: Vec<u8>,
}

/// A private key with the certificate that metadata shows for it.
pub(crate) struct SpKey {
    pair: RsaKeyPair,
    private_pem: Zeroizing<String>,
    certificate: Vec<u8>,
}

impl SpKeys {
    /// Makes both keys and three certificates for `host`, valid around `now`.
    pub(crate) fn generate(size: KeySize, host: &str, now: OffsetDateTime) -> Result<Self, Error> {
        let pair = new_pair(size)?;
        let day = Duration::days(1);
        let valid = certificate(&pair, host, now - day, now + day * 3650)?;
        let expired = certificate(&pair, host, now - day * 730, now - day)?;
        let old_pair = new_pair(size)?;
        let old = certificate(&old_pair, host, now - day * 365, now + day * 365)?;
        Ok(Self { current: SpKey::new(&pair, valid)?, old: SpKey::new(&old_pair, old)?, expired })
    }

    /// The certificates, in DER, that metadata lists at this setting.
    pub(crate) fn listed(&self, setting: Certificates) -> Vec<&[u8]> {
        match setting {
            Certificates::One => vec![&self.current.certificate],
            Certificates::Expired => vec![&self.expired],
            Certificates::TwoFirstSigns | Certificates::TwoSecondSigns => {
                vec![&self.current.certificate, &self.old.certificate]
            }
        }
    }

    /// The key that signs at this setting.
    pub(crate) fn signing(&self, setting: Certificates) -> &SpKey {
        match setting {
            Certificates::TwoSecondSigns => &self.old,
            Certificates::One | Certificates::Expired | Certificates::TwoFirstSigns => {
                &self.current
            }
        }
    }

    /// The certificate, in DER, of the key that signs at this setting.
    pub(crate) fn signing_certificate(&self, setting: Certificates) -> &[u8] {
        match setting {
            Certificates::One | Certificates::TwoFirstSigns => &self.current.certificate,
            Certificates::Expired => &self.expired,
            Certificates::TwoSecondSigns => &self.old.certificate,
        }
    }

    /// The listed certificates in PEM.
    pub(crate) fn pem(&self, setting: Certificates) -> String {
        self.listed(setting).into_iter().map(to_pem).collect()
    }
}

impl SpKey {
    fn new(pair: &KeyPair, certificate: Vec<u8>) -> Result<Self, Error> {
        Ok(Self {
            pair: RsaKeyPair::from_pkcs8(pair.serialized_der())
                .map_err(|e| Error::Key(e.to_string()))?,
            private_pem: Zeroizing::new(pair.serialize_pem()),
            certificate,
        })
    }

    /// The rsa-sha256 signature over `octets`.
    pub(crate) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature)
            .map_err(|e| Error::Key(e.to_string()))?;
        Ok(signature)
    }

    /// The private key in PKCS#8 PEM, for the signer of XML.
    pub(crate) fn private_pem(&self) -> &str {
        &self.private_pem
    }
}

impl std::fmt::Debug for SpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SpKeys(…)")
    }
}

fn new_pair(size: KeySize) -> Result<KeyPair, Error> {
    let size = match size {
        KeySize::Rsa2048 => RsaKeySize::_2048,
        KeySize::Rsa3072 => RsaKeySize::_3072,
        KeySize::Rsa4096 => RsaKeySize::_4096,
    };
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).map_err(|e| Error::Key(e.to_string()))
}

fn certificate(
    pair: &KeyPair,
    host: &str,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Vec<u8>, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, host);
    params.distinguished_name.push(DnType::OrganizationName, "Simulated cloud");
    params.not_before = from;
    params.not_after = until;
    let signed = params.self_signed(pair).map_err(|e| Error::Key(e.to_string()))?;
    Ok(signed.der().to_vec())
}

fn to_pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for at in (0..text.len()).step_by(64) {
        pem.push_str(&text[at..text.len().min(at + 64)]);
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
