//! Leaf: small tools for secrets: comparing in constant time, and names for log and store that give
//! nothing away.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

/// Whether two byte strings are equal, in time that depends on their lengths only.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// The name under which a bearer token is stored: its SHA-256. A reader of the store cannot use it
/// (C-24).
#[must_use]
pub fn fingerprint(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()))
}

/// Gives people's ids a name that may stand in a log: equal ids have equal names, and nobody
/// without the key can tell which id it was (B-34, A-046).
pub struct Pseudonyms {
    key: hmac::Key,
}

impl Pseudonyms {
    /// A naming under `key`, at least 16 unpredictable bytes.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The name of `id` inside `scope` (a tenant): 12 characters, 72 bits.
    #[must_use]
    pub fn name(&self, scope: &str, id: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(scope.as_bytes());
        context.update(&[0]);
        context.update(id.as_bytes());
        URL_SAFE_NO_PAD.encode(&context.sign().as_ref()[..9])
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_depends_on_key_scope_and_id() {
        let names = Pseudonyms::new(b"0123456789abcdef");
        assert_eq!(names.name("acme", "cust-1"), names.name("acme", "cust-1"));
        assert_ne!(names.name("acme", "cust-1"), names.name("other", "cust-1"));
        assert_ne!(names.name("ab", "c"), names.name("a", "bc"));
        assert_ne!(
            names.name("acme", "cust-1"),
            Pseudonyms::new(b"fedcba9876543210").name("acme", "cust-1")
        );
    }

    #[test]
    fn a_fingerprint_is_not_the_token() {
        assert_eq!(fingerprint("a").len(), 43);
        assert_ne!(fingerprint("a"), fingerprint("b"));
    }
}
