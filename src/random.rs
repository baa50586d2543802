//! Leaf: unpredictable bytes, and the ids that are made of them. Only `app` knows the system's
//! generator.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A cryptographically secure source of bytes.
pub trait Random: Send + Sync {
    /// Fills `out` completely.
    fn fill(&self, out: &mut [u8]);
}

/// A fresh XML ID: `_` and 40 hex digits, 160 bits (Core 1.3.4 asks for at least 128).
pub fn xml_id(random: &dyn Random) -> String {
    let mut bytes = [0u8; 20];
    random.fill(&mut bytes);
    xml_id_of(&bytes)
}

/// The XML ID that writes these octets.
#[must_use]
pub fn xml_id_of(bytes: &[u8; 20]) -> String {
    let mut id = String::with_capacity(41);
    id.push('_');
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            id.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    id
}

/// A fresh bearer token: 256 bits in URL-safe base64, 43 characters.
pub fn token(random: &dyn Random) -> String {
    let mut bytes = [0u8; 32];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A short id that a person can read over the telephone: ten characters out of an alphabet without
/// look-alikes, 50 bits. It names a journey in the log; it grants nothing.
pub fn short_id(random: &dyn Random) -> String {
    let mut bytes = [0u8; 10];
    random.fill(&mut bytes);
    bytes
        .iter()
        .map(|byte| char::from(b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ"[usize::from(byte & 31)]))
        .collect()
}

/// A predictable sequence for tests and reproducible output. **Never** in production.
#[derive(Debug, Default)]
pub struct SequenceRandom {
    state: AtomicU64,
}

impl SequenceRandom {
    /// A sequence that is the same for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }
}

impl Random for SequenceRandom {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            // SplitMix64 (Steele, Lea, Flood 2014): one well-mixed word per step.
            let mut word = self.state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_xml_id_starts_like_a_name_and_holds_160_bits() {
        let id = xml_id(&SequenceRandom::new(1));
        assert_eq!(id.len(), 41);
        assert!(id.starts_with('_'));
        assert!(id[1..].bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    }

    #[test]
    fn ids_of_one_sequence_differ() {
        let random = SequenceRandom::new(7);
        assert_ne!(token(&random), token(&random));
        assert_ne!(short_id(&random), short_id(&random));
    }
}
