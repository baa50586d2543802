//! Sealing: private keys at rest, AES-256-GCM under a master key that is kept elsewhere (B-43).
//!
//! A sealed key is `format (1) · master key's name (8) · place's name (8) · nonce (12) · ciphertext
//! · tag (16)`. The two names only serve to say *why* a seal does not open; what protects is the
//! tag, which covers the format, both names, the tenant and the key id. So a sealed key opens at
//! its own place only.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::{KeyError, Kid, private_file};
use crate::random::Random;

const FORMAT: u8 = 1;
const NAME: usize = 8;
const HEADER: usize = 1 + NAME + NAME;

/// A sealed private key. It is safe to store; it is of no use without the master key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The sealed octets, for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Octets that a store kept. Whether they open is found out when they are opened.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl TryFrom<String> for Sealed {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}

impl From<Sealed> for String {
    fn from(sealed: Sealed) -> Self {
        STANDARD.encode(sealed.0)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// The key under which private keys are sealed. Whoever has it and the key files can sign for every
/// tenant.
pub struct MasterKey {
    key: LessSafeKey,
    name: [u8; NAME],
}

impl MasterKey {
    /// Reads the master key from a file that holds it in base64 and that only its owner can read
    /// and write.
    ///
    /// # Errors
    /// [`KeyError::OpenToOthers`], [`KeyError::MasterKeyForm`], [`KeyError::Io`].
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        Self::from_text(&private_file::read(path)?)
    }

    /// Takes the master key from base64 of 32 bytes, such as an environment variable holds. White
    /// space around it does not count. The caller wipes its copy.
    ///
    /// # Errors
    /// [`KeyError::MasterKeyForm`].
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        // One spare group: the decoder asks for room by an estimate before it knows about the
        // padding.
        let mut bytes = Zeroizing::new([0u8; 36]);
        let length =
            STANDARD.decode_slice(text.trim(), &mut *bytes).map_err(|_| KeyError::MasterKeyForm)?;
        if length != AES_256_GCM.key_len() {
            return Err(KeyError::MasterKeyForm);
        }
        Self::new(&bytes[..length])
    }

    /// Takes the master key as 32 octets. The caller wipes its copy.
    ///
    /// # Errors
    /// [`KeyError::MasterKeyForm`] when the cryptographic library does not take it.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(bytes)
    }

    /// Makes a new master key and writes it to a new file that only its owner can read and write.
    ///
    /// # Errors
    /// [`KeyError::MasterKeyExists`], [`KeyError::Io`].
    pub fn generate_to_file(path: &Path, random: &dyn Random) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        random.fill(&mut *bytes);
        let mut text = Zeroizing::new(STANDARD.encode(*bytes));
        text.push('\n');
        private_file::create(path, text.as_bytes()).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                KeyError::MasterKeyExists(path.to_path_buf())
            } else {
                KeyError::io("write", path, &error)
            }
        })?;
        Self::new(&*bytes)
    }

    /// Seals `private` for its place: the key `kid` of `tenant`.
    pub(super) fn seal(
        &self,
        private: &[u8],
        (tenant, kid): (&str, &Kid),
        random: &dyn Random,
    ) -> Result<Sealed, KeyError> {
        let mut nonce = [0u8; NONCE_LEN];
        random.fill(&mut nonce);
        let mut header = Vec::with_capacity(HEADER);
        header.push(FORMAT);
        header.extend_from_slice(&self.name);
        header.extend_from_slice(&place_name(tenant, kid));

        let aad = Aad::from(context(&header, tenant, kid));
        let mut body = Zeroizing::new(private.to_vec());
        // In place and without growing: a reallocation would leave plaintext behind.
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body)
            .map_err(|_| KeyError::Making("sealing failed".into()))?;
        Ok(Sealed([&header, &nonce[..], &body[..], tag.as_ref()].concat()))
    }

    /// Opens what was sealed for the key `kid` of `tenant`, and nothing else.
    pub(super) fn open(
        &self,
        sealed: &Sealed,
        (tenant, kid): (&str, &Kid),
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let broken = || KeyError::SealBroken { tenant: tenant.to_owned(), kid: kid.clone() };
        let (header, rest) = sealed.0.split_at_checked(HEADER).ok_or_else(broken)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        if header[0] != FORMAT {
            return Err(broken());
        }
        if header[1..=NAME] != self.name {
            return Err(KeyError::WrongMasterKey { tenant: tenant.to_owned(), kid: kid.clone() });
        }
        if header[1 + NAME..] != place_name(tenant, kid) {
            return Err(KeyError::SealedElsewhere { tenant: tenant.to_owned(), kid: kid.clone() });
        }
        let mut body = Zeroizing::new(body.to_vec());
        let aad = Aad::from(context(header, tenant, kid));
        let length = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut body)
            .map_err(|_| broken())?
            .len();
        body[length..].zeroize();
        body.truncate(length);
        Ok(body)
    }

    fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| KeyError::MasterKeyForm)?;
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, bytes),
            b"skybridge: the name of a master key",
        );
        let mut name = [0u8; NAME];
        name.copy_from_slice(&tag.as_ref()[..NAME]);
        Ok(Self { key: LessSafeKey::new(key), name })
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// What the tag covers beside the ciphertext. The zero octet cannot occur in a tenant's name or a
/// key id.
fn context(header: &[u8], tenant: &str, kid: &Kid) -> Vec<u8> {
    [b"skybridge key\0", header, b"\0", tenant.as_bytes(), b"\0", kid.as_str().as_bytes()].concat()
}

fn place_name(tenant: &str, kid: &Kid) -> [u8; NAME] {
    let digest = digest::digest(&digest::SHA256, &context(&[], tenant, kid));
    let mut name = [0u8; NAME];
    name.copy_from_slice(&digest.as_ref()[..NAME]);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SequenceRandom;
    use std::os::unix::fs::PermissionsExt as _;

    fn master(fill: u8) -> MasterKey {
        MasterKey::from_text(&STANDARD.encode([fill; 32])).unwrap()
    }

    fn kid(text: &str) -> Kid {
        text.parse().unwrap()
    }

    fn sealed() -> Sealed {
        master(1).seal(b"private", ("acme", &kid("k1")), &SequenceRandom::new(1)).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_at_its_place() {
        let opened = master(1).open(&sealed(), ("acme", &kid("k1"))).unwrap();
        assert_eq!(&opened[..], b"private");
        assert!(!sealed().as_bytes().windows(7).any(|window| window == b"private"));
    }

    #[test]
    fn two_seals_of_one_key_have_different_nonces() {
        let random = SequenceRandom::new(1);
        let seal = || master(1).seal(b"private", ("acme", &kid("k1")), &random).unwrap();
        assert_ne!(seal().as_bytes()[HEADER..HEADER + 12], seal().as_bytes()[HEADER..HEADER + 12]);
    }

    #[test]
    fn another_master_key_is_named_as_the_reason() {
        assert!(matches!(
            master(2).open(&sealed(), ("acme", &kid("k1"))),
            Err(KeyError::WrongMasterKey { .. })
        ));
    }

    #[test]
    fn a_sealed_key_does_not_open_at_another_tenant_or_id() {
        for (tenant, id) in [("other", "k1"), ("acme", "k2")] {
            assert!(matches!(
                master(1).open(&sealed(), (tenant, &kid(id))),
                Err(KeyError::SealedElsewhere { .. })
            ));
        }
    }

    #[test]
    fn forging_the_names_in_the_header_does_not_move_a_key() {
        let mut forged = sealed();
        forged.0[1 + NAME..HEADER].copy_from_slice(&place_name("other", &kid("k1")));
        assert!(matches!(
            master(1).open(&forged, ("other", &kid("k1"))),
            Err(KeyError::SealBroken { .. })
        ));
        let mut forged = sealed();
        forged.0[1..=NAME].copy_from_slice(&master(2).name);
        assert!(matches!(
            master(2).open(&forged, ("acme", &kid("k1"))),
            Err(KeyError::SealBroken { .. })
        ));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let whole = sealed();
        for at in 0..whole.0.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped.0[at] ^= 1 << bit;
                let error = master(1).open(&flipped, ("acme", &kid("k1"))).unwrap_err();
                if at >= HEADER {
                    assert!(matches!(error, KeyError::SealBroken { .. }), "{at}: {error}");
                }
            }
            let cut = Sealed(whole.0[..at].to_vec());
            assert!(master(1).open(&cut, ("acme", &kid("k1"))).is_err());
        }
    }

    #[test]
    fn a_master_key_is_exactly_32_bytes_of_base64() {
        for bad in
            ["", "abc", "not base64 at all", &STANDARD.encode([0; 31]), &STANDARD.encode([0; 33])]
        {
            assert_eq!(MasterKey::from_text(bad).err(), Some(KeyError::MasterKeyForm), "{bad}");
        }
        let text = format!("  {}\n", STANDARD.encode([7; 32]));
        assert!(MasterKey::from_text(&text).is_ok());
    }

    #[test]
    fn a_new_master_key_file_is_private_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        let made = MasterKey::generate_to_file(&path, &SequenceRandom::new(5)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(MasterKey::from_file(&path).unwrap().name, made.name);
        assert_eq!(
            MasterKey::generate_to_file(&path, &SequenceRandom::new(6)).err(),
            Some(KeyError::MasterKeyExists(path))
        );
    }

    #[test]
    fn a_master_key_file_that_others_can_touch_is_refused_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        MasterKey::generate_to_file(&path, &SequenceRandom::new(5)).unwrap();
        for mode in [0o640, 0o620, 0o604, 0o602, 0o601] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = MasterKey::from_file(&path).unwrap_err();
            assert_eq!(error, KeyError::OpenToOthers { path: path.clone(), mode });
            assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())));
        }
    }

    #[test]
    fn nothing_of_a_master_key_is_shown_when_it_is_debugged() {
        assert_eq!(format!("{:?}", master(1)), "MasterKey(…)");
    }
}
