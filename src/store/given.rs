//! Layer 1, store: what a partner says about a customer beyond the details that every cloud asks
//! for: attributes of its own names, each with one or more values (conformance A-113). Bounded,
//! because it is carried in tickets and kept with every session.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;

/// What such attributes must be, in words that fit behind "expected".
pub const EXPECTED: &str = "at most 16 attributes by names of 1 to 64 letters, digits, '_', '-', \
                            '.' or ':', each a text or a list of at most 64 texts of at most 256 \
                            characters, together at most 2048 bytes";

/// Attributes by their names. Personal: it prints nothing (B-34).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Values>", into = "BTreeMap<String, Vec<String>>")]
pub struct Given(BTreeMap<String, Vec<String>>);

/// The values of an attribute, as they are written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Given {
    /// Nothing.
    #[must_use]
    pub const fn nothing() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether a name can be one of an attribute's.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:".contains(&b);
        (1..=limits::GIVEN_NAME_BYTES).contains(&name.len()) && name.bytes().all(plain)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values under that name, in the partner's order; none where nothing is said.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

impl TryFrom<BTreeMap<String, Values>> for Given {
    type Error = &'static str;

    fn try_from(written: BTreeMap<String, Values>) -> Result<Self, Self::Error> {
        let values = |values| match values {
            Values::One(value) => vec![value],
            Values::Many(values) => values,
        };
        let all: BTreeMap<_, _> =
            written.into_iter().map(|(name, written)| (name, values(written))).collect();
        let fits = |value: &String| value.chars().count() <= limits::ATTRIBUTE_CHARS;
        let each = |(name, values): (&String, &Vec<String>)| {
            Self::is_name(name) && values.len() <= limits::GIVEN_VALUES && values.iter().all(fits)
        };
        let bytes = |(name, values): (&String, &Vec<String>)| {
            name.len() + values.iter().map(String::len).sum::<usize>()
        };
        let fits = all.len() <= limits::GIVEN_ATTRIBUTES
            && all.iter().all(each)
            && all.iter().map(bytes).sum::<usize>() <= limits::GIVEN_BYTES;
        if fits { Ok(Self(all)) } else { Err(EXPECTED) }
    }
}

impl From<Given> for BTreeMap<String, Vec<String>> {
    fn from(given: Given) -> Self {
        given.0
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(written: Value) -> Result<Given, serde_json::Error> {
        serde_json::from_value(written)
    }

    #[test]
    fn a_text_is_a_list_of_one_and_the_order_stays() {
        let given = read(json!({ "groups": ["b", "a", "b"], "unit": "sales" })).unwrap();
        assert_eq!(given.values("groups"), ["b", "a", "b"]);
        assert_eq!(given.values("unit"), ["sales"]);
        assert!(given.values("other").is_empty());
        let kept = serde_json::to_value(&given).unwrap();
        assert_eq!(read(kept).unwrap(), given);
        assert_eq!(format!("{given:?}"), "Given(…)");
    }

    #[test]
    fn each_limit_of_what_a_partner_gives_holds_exactly() {
        let attributes = |count: usize| {
            let all = (0..count).map(|n| (format!("a{n}"), json!("x")));
            Value::Object(all.collect())
        };
        let long = |chars: usize| json!({ "a": "é".repeat(chars) });
        let bytes = |bytes: usize| {
            let full = vec!["x".repeat(256); 7];
            json!({ "a": full, "b": "x".repeat(bytes - 7 * 256 - 2) })
        };
        for (good, bad) in [
            (attributes(16), attributes(17)),
            (json!({ "a": vec!["x"; 64] }), json!({ "a": vec!["x"; 65] })),
            (long(256), long(257)),
            (bytes(2048), bytes(2049)),
            (json!({ "a:b.c-d_E9": [] }), json!({ "a b": [] })),
            (json!({ "a".repeat(64): "x" }), json!({ "a".repeat(65): "x" })),
            (json!({}), json!({ "": "x" })),
            (json!({}), json!({ "a": [["x"]] })),
            (json!({}), json!({ "a": null })),
            (json!({}), json!([])),
        ] {
            assert!(read(good.clone()).is_ok(), "{good}");
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
