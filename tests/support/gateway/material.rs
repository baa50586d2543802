//! Keys, certificates and hashes of the tests: made once a run, since making RSA keys is slow.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use skybridge::app::system::SystemRandom;
use skybridge::password;

use super::PASSWORD;

/// A key, RSA unless it says otherwise, and a certificate around it.
pub(crate) struct Pair {
    pub(crate) private_pem: String,
    pub(crate) private_der: Vec<u8>,
    pub(crate) certificate_pem: String,
    pub(crate) certificate: Vec<u8>,
}

impl Pair {
    fn make(host: &str) -> Self {
        Self::of(&PKCS_RSA_SHA256, host)
    }

    fn of(kind: &'static rcgen::SignatureAlgorithm, host: &str) -> Self {
        let key = KeyPair::generate_for(kind).unwrap();
        let certificate =
            CertificateParams::new([host.to_owned()]).unwrap().self_signed(&key).unwrap();
        Self {
            private_pem: key.serialize_pem(),
            private_der: key.serialize_der(),
            certificate_pem: certificate.pem(),
            certificate: certificate.der().to_vec(),
        }
    }
}

macro_rules! pairs {
    ($($(#[$doc:meta])* $name:ident = $host:literal;)+) => {$(
        $(#[$doc])*
        pub(crate) fn $name() -> &'static Pair {
            static PAIR: LazyLock<Pair> = LazyLock::new(|| Pair::make($host));
            &PAIR
        }
    )+};
}

pairs! {
    /// The active key of every tenant.
    idp = "gateway.example";
    /// Acme's next key.
    idp_next = "gateway.example";
    /// A key that acme had.
    idp_retired = "gateway.example";
    /// The clouds' key.
    sp = "auth.huaweicloud.com";
    /// A key that nobody registered.
    stranger = "stranger.example";
}

/// An EC key that follows the active one of the tenants `generic` and `delta`.
pub(crate) fn idp_ec() -> &'static Pair {
    static PAIR: LazyLock<Pair> =
        LazyLock::new(|| Pair::of(&PKCS_ECDSA_P256_SHA256, "gateway.example"));
    &PAIR
}

/// The hash of [`PASSWORD`].
pub(crate) fn password_hash() -> String {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        password::Hash::make(PASSWORD.as_bytes(), &SystemRandom).unwrap().to_phc()
    });
    HASH.clone()
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    let hex = |text: String, byte: &u8| text + format!("{byte:02x}").as_str();
    hash.as_ref().iter().fold(String::new(), hex)
}

/// Standard base64.
pub(crate) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// Standard base64, back.
pub(crate) fn unbase64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}
