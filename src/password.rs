//! Leaf: passwords of local users, as Argon2id hashes in PHC notation (RFC 9106). Parameters are
//! OWASP's first choice for servers: 19 MiB, two passes, one lane. One check takes tens of
//! milliseconds of one core and 19 MiB: run it on a blocking thread, and bound how many run at
//! once.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{CustomizedPasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::limits::{PASSWORD_BYTES, PASSWORD_MEMORY_KIB, PASSWORD_PASSES};
use crate::random::Random;

/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes; one, because servers have other work for the other cores.
const LANES: u32 = 1;
/// Nobody's hash, of the cost above.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of one password.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(PasswordHash);

/// Why a password or a hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The password has no bytes, or more than [`PASSWORD_BYTES`].
    #[error("a password has 1 to {PASSWORD_BYTES} bytes")]
    Length,
    /// The text is not a PHC string of Argon2id version 19 with a salt and a hash.
    #[error("not an Argon2id hash in PHC notation ($argon2id$v=19$m=…,t=…,p=…$salt$hash)")]
    Form,
    /// The hash asks for more memory or passes than a sign-in may cost.
    #[error("the hash asks for more than {PASSWORD_MEMORY_KIB} KiB or {PASSWORD_PASSES} passes")]
    Cost,
}

impl Hash {
    /// Hashes a password with a fresh salt.
    ///
    /// # Errors
    /// [`Unusable::Length`] for an empty or overlong password.
    pub fn make(password: &[u8], random: &dyn Random) -> Result<Self, Unusable> {
        if password.is_empty() || password.len() > PASSWORD_BYTES {
            return Err(Unusable::Length);
        }
        let mut salt = [0u8; 16];
        random.fill(&mut salt);
        compute(password, &salt).map(Self)
    }

    /// Reads a hash in PHC notation.
    ///
    /// # Errors
    /// [`Unusable::Form`] for anything but Argon2id v19, [`Unusable::Cost`] when it is too dear to
    /// verify.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let hash = PasswordHash::new(text).map_err(|_| Unusable::Form)?;
        let complete = hash.salt.is_some() && hash.hash.is_some() && hash.version == Some(19);
        if hash.algorithm != Algorithm::Argon2id.ident() || !complete {
            return Err(Unusable::Form);
        }
        let params = Params::try_from(&hash).map_err(|_| Unusable::Form)?;
        if params.m_cost() > PASSWORD_MEMORY_KIB || params.t_cost() > PASSWORD_PASSES {
            return Err(Unusable::Cost);
        }
        Ok(Self(hash))
    }

    /// Whether this is the hash of `password`.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        if password.len() > PASSWORD_BYTES {
            return false;
        }
        #[cfg(test)]
        tests::note(&self.0);
        Argon2::default().verify_password(password, &self.0).is_ok()
    }

    /// The hash in PHC notation, for the configuration file.
    #[must_use]
    pub fn to_phc(&self) -> String {
        self.0.to_string()
    }
}

/// Spends on the password of an unknown user what a known user's would have cost, so that time does
/// not tell which names exist (B-36), by the same computation. `like` is the hash of a user of the
/// same tenant; where it has none, the cost of a new hash is spent.
pub fn refuse(password: &[u8], like: Option<&Hash>) {
    let right = match like {
        Some(hash) => hash.verify(password),
        None => Hash::parse(NOBODYS).is_ok_and(|hash| hash.verify(password)),
    };
    _ = std::hint::black_box(right);
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

fn compute(password: &[u8], salt: &[u8]) -> Result<PasswordHash, Unusable> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .expect("the parameters above are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_customized(password, salt, None, None, params)
        .map_err(|_| Unusable::Length)
}

#[cfg(test)]
pub(crate) use tests::Work;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::random::SequenceRandom;

    thread_local! {
        static DONE: RefCell<Work> = const { RefCell::new(Work { hashes: Vec::new() }) };
    }

    /// The work that was done to check passwords.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Work {
        /// Memory in KiB, passes and lanes of each hash that was computed.
        pub(crate) hashes: Vec<(u32, u32, u32)>,
    }

    impl Work {
        /// What `check` does on this thread, and what it says.
        pub(crate) fn of<T>(check: impl FnOnce() -> T) -> (Self, T) {
            DONE.take();
            let said = check();
            (DONE.take(), said)
        }
    }

    /// Notes that a hash like this one is computed.
    pub(super) fn note(like: &PasswordHash) {
        let params = Params::try_from(like).unwrap();
        let cost = (params.m_cost(), params.t_cost(), params.p_cost());
        DONE.with_borrow_mut(|done| done.hashes.push(cost));
    }

    #[test]
    fn a_hash_verifies_its_own_password_and_no_other() {
        let hash = Hash::make("correct horse 华为".as_bytes(), &SequenceRandom::new(1)).unwrap();
        assert!(hash.to_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.to_phc());
        let stored = Hash::parse(&hash.to_phc()).unwrap();
        assert!(stored.verify("correct horse 华为".as_bytes()));
        assert!(!stored.verify(b"correct horse"));
        assert!(!stored.verify(b""));
        assert!(!stored.verify(&[b'x'; PASSWORD_BYTES + 1]));
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let random = SequenceRandom::new(1);
        let make = || Hash::make(b"secret", &random).unwrap().to_phc();
        assert_ne!(make(), make());
    }

    #[test]
    fn an_unknown_user_costs_a_hash_with_and_without_a_neighbour() {
        let new = Hash::make(b"secret", &SequenceRandom::new(1)).unwrap();
        let (known, right) = Work::of(|| new.verify(b"wrong"));
        assert!(!right);
        assert_eq!(known.hashes, [(MEMORY_KIB, PASSES, LANES)]);
        for like in [Some(&new), None] {
            let (unknown, ()) = Work::of(|| refuse(b"wrong", like));
            assert_eq!(unknown, known);
        }
        // Nobody's hash is nobody's password: it is computed and compared to the end.
        assert!(Hash::parse(NOBODYS).is_ok());
    }

    #[test]
    fn only_argon2id_of_bearable_cost_is_read() {
        let salt_and_hash = "c2FsdHNhbHRzYWx0c2E$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
        let phc = |head: &str| format!("{head}${salt_and_hash}");
        assert!(Hash::parse(&phc("$argon2id$v=19$m=65536,t=3,p=4")).is_ok());
        for (wrong, why) in [
            (phc("$argon2i$v=19$m=65536,t=3,p=4"), Unusable::Form),
            (phc("$argon2id$v=16$m=65536,t=3,p=4"), Unusable::Form),
            ("$argon2id$v=19$m=65536,t=3,p=4".into(), Unusable::Form),
            ("$2b$12$abcdefghijklmnopqrstuv".into(), Unusable::Form),
            ("hunter2".into(), Unusable::Form),
            (phc("$argon2id$v=19$m=4194304,t=3,p=4"), Unusable::Cost),
            (phc("$argon2id$v=19$m=65536,t=1000,p=4"), Unusable::Cost),
        ] {
            assert_eq!(Hash::parse(&wrong), Err(why), "{wrong}");
        }
    }

    #[test]
    fn a_hash_is_not_shown_for_debugging() {
        let hash = Hash::make(b"secret", &SequenceRandom::new(1)).unwrap();
        assert_eq!(format!("{hash:?}"), "Hash(…)");
    }
}
