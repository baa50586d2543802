//! The name of a key: safe in a URL, a file and a log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::Date;

use super::KeyError;
use crate::random::Random;

/// A key id: 1 to 32 of `a-z`, `0-9` and `-`, the first a letter or digit, such as
/// `2026-11-21-k7fq`. It names the key within its tenant, and is the last segment of the key's own
/// SSO URL (design §7).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kid(String);

impl Kid {
    /// A new id: the day, so that people see its age, and 20 random bits, so that two of one day
    /// differ. The caller checks that it is free.
    #[must_use]
    pub fn fresh(day: Date, random: &dyn Random) -> Self {
        let mut bytes = [0u8; 4];
        random.fill(&mut bytes);
        // 32 characters without the look-alikes 0, 1, l and o.
        let alphabet = b"23456789abcdefghijkmnpqrstuvwxyz";
        let tail: String =
            bytes.iter().map(|byte| char::from(alphabet[usize::from(byte & 31)])).collect();
        let (year, month, day) = (day.year(), u8::from(day.month()), day.day());
        Self(format!("{year:04}-{month:02}-{day:02}-{tail}"))
    }

    /// The id as it stands in URLs and files.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Kid {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Kid {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good =
            (1..=32).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-');
        if good { Ok(Self(text)) } else { Err(KeyError::BadKid(text.chars().take(64).collect())) }
    }
}

impl From<Kid> for String {
    fn from(kid: Kid) -> Self {
        kid.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SequenceRandom;
    use time::macros::date;

    #[test]
    fn a_fresh_id_shows_its_day_and_is_an_id() {
        let kid = Kid::fresh(date!(2026 - 11 - 21), &SequenceRandom::new(3));
        assert!(kid.as_str().starts_with("2026-11-21-"), "{kid}");
        assert_eq!(kid.as_str().len(), 15);
        assert_eq!(kid.as_str().parse(), Ok(kid));
    }

    #[test]
    fn what_is_unsafe_in_a_url_or_a_file_is_no_id() {
        let long = "a".repeat(33);
        for text in ["", "A", "a/b", "..", "a.b", "-a", "ä", "a b", "a%2f", long.as_str()] {
            assert_eq!(text.parse::<Kid>(), Err(KeyError::BadKid(text.to_owned())), "{text}");
        }
        assert!("a".repeat(32).parse::<Kid>().is_ok());
    }
}
