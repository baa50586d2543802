//! What a partner calls the API with: an access key pair, and the name and password of a user.
//! Apart room `fakecloud`; contract §7.2, §7.3.

use std::fmt;

use serde::Deserialize;

use super::bounds;
use super::fault::{Fault, Finding};
use super::provision::ProvisionError;
use crate::secret;

/// A partner's credentials.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The access key id (AK).
    pub access_key: String,
    /// The secret access key (SK).
    pub secret_key: String,
    /// The name of the user.
    pub user_name: String,
    /// The user's password.
    pub password: String,
    /// The name of the partner's account that the user belongs to.
    pub domain_name: String,
}

impl Credentials {
    /// Refuses what could never be used.
    pub(crate) fn check(&self) -> Result<(), ProvisionError> {
        let wrong = |expected: &str| {
            // Not what came: some of it is secret, and the others stand beside it.
            Err(Finding::new(Fault::CredentialsInvalid, expected, "something else"))
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !self.access_key.bytes().all(plain) {
            return wrong("an access_key of letters, digits, hyphens and underscores");
        }
        let all = [
            &self.access_key,
            &self.secret_key,
            &self.user_name,
            &self.password,
            &self.domain_name,
        ];
        if all.iter().any(|text| !(1..=bounds::CREDENTIAL_CHARS).contains(&text.chars().count())) {
            return wrong("five texts of 1 to 128 characters");
        }
        Ok(())
    }

    /// Whether both would answer to the same key or to the same user.
    pub(crate) fn collide(&self, other: &Self) -> bool {
        self.access_key == other.access_key
            || (self.domain_name == other.domain_name && self.user_name == other.user_name)
    }

    /// Whether this user of this account has this password here.
    pub(crate) fn admit(&self, domain_name: &str, user_name: &str, password: &str) -> bool {
        self.domain_name == domain_name
            && self.user_name == user_name
            && secret::same(self.password.as_bytes(), password.as_bytes())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            access_key: "AK1".to_owned(),
            secret_key: "secret-key".to_owned(),
            user_name: "operator".to_owned(),
            password: "pass-word".to_owned(),
            domain_name: "partner".to_owned(),
        }
    }

    #[test]
    fn neither_the_secret_key_nor_the_password_is_shown() {
        let shown = format!("{:?}", credentials());
        assert!(!shown.contains("secret-key") && !shown.contains("pass-word"), "{shown}");
    }

    #[test]
    fn every_field_has_to_be_there_and_short_enough() {
        credentials().check().unwrap();
        for (empty, long) in [
            (Credentials { access_key: String::new(), ..credentials() }, "a".repeat(129)),
            (Credentials { access_key: "a b".to_owned(), ..credentials() }, "a,b".to_owned()),
        ] {
            assert!(empty.check().is_err());
            assert!(Credentials { access_key: long, ..credentials() }.check().is_err());
        }
        assert!(Credentials { password: String::new(), ..credentials() }.check().is_err());
    }

    #[test]
    fn a_user_is_admitted_with_account_name_and_password_together() {
        let known = credentials();
        assert!(known.admit("partner", "operator", "pass-word"));
        assert!(!known.admit("partner", "operator", "Pass-word"));
        assert!(!known.admit("other", "operator", "pass-word"));
        assert!(!known.admit("partner", "other", "pass-word"));
    }
}
