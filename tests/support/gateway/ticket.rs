//! The partner's back end: tickets by the API, and tickets that it signs itself as JWTs.

use std::sync::LazyLock;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::START;

/// What acme's tickets must be made out to: its entityID.
pub(crate) const AUDIENCE: &str = "https://gateway.example/acme";

/// A key of the partner.
pub(crate) struct TicketKey {
    pub(crate) id: &'static str,
    pub(crate) algorithm: &'static str,
    pub(crate) public_pem: String,
    private: EncodingKey,
    signs: Algorithm,
}

/// One key for each algorithm.
pub(crate) fn keys() -> &'static [TicketKey] {
    static KEYS: LazyLock<Vec<TicketKey>> = LazyLock::new(|| vec![ed(), ec(), rsa()]);
    &KEYS
}

fn ed() -> TicketKey {
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let private = EncodingKey::from_ed_der(&pair.serialize_der());
    key("ed", "EdDSA", &pair, (private, Algorithm::EdDSA))
}

fn ec() -> TicketKey {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let private = EncodingKey::from_ec_der(&pair.serialize_der());
    key("ec", "ES256", &pair, (private, Algorithm::ES256))
}

fn rsa() -> TicketKey {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let private = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
    key("rsa", "RS256", &pair, (private, Algorithm::RS256))
}

fn key(
    id: &'static str,
    algorithm: &'static str,
    pair: &KeyPair,
    (private, signs): (EncodingKey, Algorithm),
) -> TicketKey {
    TicketKey { id, algorithm, public_pem: pair.public_key_pem(), private, signs }
}

impl TicketKey {
    /// A ticket with these claims, naming this key.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.signs) };
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }

    /// A ticket with this header, signed with `secret` by HMAC: the confusion of algorithms.
    pub(crate) fn confuse(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::HS256) };
        let secret = EncodingKey::from_secret(self.public_pem.as_bytes());
        jsonwebtoken::encode(&header, claims, &secret).unwrap()
    }
}

/// A key that the partner never registered, under the name of one that it did.
pub(crate) fn foreign() -> TicketKey {
    ed()
}

/// Good claims for a customer; the `jti` is new.
pub(crate) fn claims(user: &str) -> Value {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    json!({
        "aud": AUDIENCE,
        "exp": START.unix_timestamp() + 60,
        "jti": format!("jti-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        "sub": user,
        "name": "canary_name",
        "email": "canary@mail.example",
        "mobile": "0086-13812345678",
        "attributes": { "groups": ["canary-group-1", "canary-group-2"] },
    })
}

/// A good ticket of acme's for a customer.
pub(crate) fn ticket(user: &str) -> String {
    keys()[0].sign(&claims(user))
}

/// A ticket without a signature.
pub(crate) fn unsigned(claims: &Value) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(claims))
}
