//! Layer 5, http: reads the JSON body of an API call, field by field. Every fault is reported at
//! once, with the field, what was expected and what kind of value came; never with the value, which
//! may be personal.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use time::OffsetDateTime;

use crate::http::problem::Declined;
use crate::limits;
use crate::page::Language;
use crate::refusal::{Code, Refusal};
use crate::saml::types::parse_instant;
use crate::store::given::{self, Given as GivenAttributes};
use crate::store::record::PersonId;

/// Most faults of one body that are reported.
const FAULTS: usize = 20;
/// Longest name of an unknown field that is repeated, characters.
const NAME_CHARS: usize = 64;
/// What is found where a field is that no call knows.
const UNKNOWN: &str = "an unknown field";

/// One thing that is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::http) struct Fault {
    /// The field.
    pub field: String,
    /// What ought to stand there.
    pub expected: String,
    /// The kind of what stands there.
    pub found: String,
}

impl Fault {
    pub(in crate::http) fn new(field: &str, expected: &str, found: &str) -> Self {
        let [field, expected, found] = [field, expected, found].map(str::to_owned);
        Self { field, expected, found }
    }

    /// Something by a name that the call does not know, among things of that kind. The name is told
    /// to the caller, if it is one at all.
    pub(in crate::http) fn unknown(kind: &str, name: &str, known: &[&str]) -> Self {
        let expected = match known {
            [] => format!("no {kind}"),
            known => format!("no {kind} other than {}", known.join(", ")),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let shown = name.len() <= NAME_CHARS && name.chars().all(plain);
        Self::new(if shown { name } else { "(name not shown)" }, &expected, UNKNOWN)
    }
}

/// A field is not as it should be; what is wrong is noted.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Faulty;

/// What a text must be.
pub(in crate::http) struct Rule {
    /// In words, as they fit behind "expected".
    pub expected: &'static str,
    /// Most characters.
    pub most: usize,
    /// Whether a text is so.
    pub fits: fn(&str) -> bool,
}

/// A field that a call asks for, as its documentation tells.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Asked {
    /// Its name.
    pub name: &'static str,
    /// What must stand there, in words that fit behind "expected".
    pub expected: &'static str,
    /// Most characters.
    pub most: usize,
    /// Whether it must be there.
    pub required: bool,
    /// What kind of value it is.
    pub shape: Shape,
}

/// The kind of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Shape {
    /// A text.
    Text,
    /// An object whose members are texts or lists of texts, of which each is as long as a text may
    /// be.
    Attributes,
}

/// An id of a customer (contract §4.3).
pub(in crate::http) const PERSON_ID: Rule = Rule {
    expected: "1 to 128 visible characters, no e-mail address and no telephone number",
    most: limits::ACCOUNT_ID_CHARS,
    fits: |text| PersonId::parse(text).is_some(),
};
/// A detail of a customer.
pub(in crate::http) const DETAIL: Rule = Rule {
    expected: "a text of at most 256 characters",
    most: limits::ATTRIBUTE_CHARS,
    fits: |text| text.chars().count() <= limits::ATTRIBUTE_CHARS,
};
/// A language.
pub(in crate::http) const LANGUAGE: Rule = Rule {
    expected: "en or zh-CN",
    most: 5,
    fits: |text| Language::ALL.iter().any(|language| language.tag() == text),
};
/// An address.
pub(in crate::http) const ADDRESS: Rule = Rule {
    expected: "an address of at most 2048 bytes",
    most: limits::URL_BYTES,
    fits: |text| text.len() <= limits::URL_BYTES,
};

/// A time.
pub(in crate::http) const INSTANT: Rule = Rule {
    expected: "a UTC time such as 2026-01-02T03:04:05Z",
    most: 30,
    fits: |text| instant(text).is_some(),
};

/// The time that a text says.
pub(in crate::http) fn instant(text: &str) -> Option<OffsetDateTime> {
    parse_instant("time", text).ok()
}

/// Reads a body. `fields` asks for every field that the call knows and puts them together; what it
/// did not ask for is refused by name.
///
/// # Errors
/// [`Code::BodyUnreadable`] for what is no JSON object, [`Code::FieldInvalid`] with every fault.
pub(in crate::http) fn read<T>(
    octets: &[u8],
    fields: impl FnOnce(&mut Fields) -> Result<T, Faulty>,
) -> Result<T, Declined> {
    let Given(given) = serde_json::from_slice(octets).map_err(|error| unreadable(&error))?;
    let mut all = Fields { given, known: Vec::new(), faults: Vec::new() };
    let read = fields(&mut all);
    all.refuse_the_rest();
    match read {
        Ok(read) if all.faults.is_empty() => Ok(read),
        _ => Err(invalid(all.faults)),
    }
}

/// Takes a body that says nothing: none at all, or an object without fields.
///
/// # Errors
/// Those of [`read`].
pub(super) fn nothing(octets: &[u8]) -> Result<(), Declined> {
    if octets.is_empty() { Ok(()) } else { read(octets, |_| Ok(())) }
}

/// The fields that a body has, as the reader itself asks for them: the documentation is made of
/// this and cannot say otherwise.
pub(in crate::http) fn describe<T>(
    fields: impl FnOnce(&mut Fields) -> Result<T, Faulty>,
) -> Vec<Asked> {
    let mut all = Fields { given: Vec::new(), known: Vec::new(), faults: Vec::new() };
    _ = fields(&mut all);
    all.known
}

/// The fields of a body.
pub(in crate::http) struct Fields {
    given: Vec<(String, Value)>,
    known: Vec<Asked>,
    faults: Vec<Fault>,
}

impl Fields {
    /// A text that must be there.
    pub(in crate::http) fn required(
        &mut self,
        name: &'static str,
        rule: &Rule,
    ) -> Result<String, Faulty> {
        let read = self.optional(name, rule);
        if let Some(asked) = self.known.last_mut() {
            asked.required = true;
        }
        read?.ok_or_else(|| self.fault(name, rule.expected, "nothing"))
    }

    /// A text that may be absent, or null.
    pub(in crate::http) fn optional(
        &mut self,
        name: &'static str,
        rule: &Rule,
    ) -> Result<Option<String>, Faulty> {
        let Rule { expected, most, .. } = *rule;
        self.known.push(Asked { name, expected, most, required: false, shape: Shape::Text });
        match self.take(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if (rule.fits)(&text) => Ok(Some(text)),
            Some(other) => Err(self.fault(name, rule.expected, &kind(&other))),
        }
    }

    /// What a partner says of a customer by names of its own; nothing where it is absent, or null.
    pub(in crate::http) fn attributes(
        &mut self,
        name: &'static str,
    ) -> Result<GivenAttributes, Faulty> {
        let (expected, most) = (given::EXPECTED, limits::ATTRIBUTE_CHARS);
        self.known.push(Asked { name, expected, most, required: false, shape: Shape::Attributes });
        match self.take(name)? {
            None | Some(Value::Null) => Ok(GivenAttributes::nothing()),
            Some(value) => {
                let found = kind(&value);
                serde_json::from_value(value).map_err(|_| self.fault(name, expected, &found))
            }
        }
    }

    /// The value of that name, if there is one and not two.
    fn take(&mut self, name: &'static str) -> Result<Option<Value>, Faulty> {
        let is_it = |(given, _): &(String, Value)| given == name;
        let first = self.given.iter().position(is_it).map(|at| self.given.remove(at).1);
        if self.given.iter().any(is_it) {
            self.given.retain(|field| !is_it(field));
            return Err(self.fault(name, "the field once", "the field more than once"));
        }
        Ok(first)
    }

    fn refuse_the_rest(&mut self) {
        let known: Vec<_> = self.known.iter().map(|asked| asked.name).collect();
        let left = FAULTS.saturating_sub(self.faults.len());
        let rest = self.given.iter().take(left);
        self.faults.extend(rest.map(|(name, _)| Fault::unknown("fields", name, &known)));
    }

    fn fault(&mut self, field: &str, expected: &str, found: &str) -> Faulty {
        if self.faults.len() < FAULTS {
            self.faults.push(Fault::new(field, expected, found));
        }
        Faulty
    }
}

/// The kind of a value, without the value.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) => {
            format!("a text of {} characters that is not so", text.chars().count())
        }
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A JSON object whose fields are kept as they came, twins included.
struct Given(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Given, A::Error> {
                let mut given = Vec::new();
                while let Some(field) = fields.next_entry()? {
                    given.push(field);
                }
                Ok(Given(given))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

fn unreadable(error: &serde_json::Error) -> Declined {
    // Only the place: the error's own words quote what came.
    let found = if error.classify() == Category::Data {
        "another value".to_owned()
    } else {
        format!("a mistake at line {} column {}", error.line(), error.column())
    };
    let cause = format!("expected a JSON object, found {found}");
    Refusal::new(Code::BodyUnreadable, cause).into()
}

/// A refusal for these faults. The caller is told the names of unknown fields, the log is not: they
/// are the caller's words.
pub(in crate::http) fn invalid(faults: Vec<Fault>) -> Declined {
    let line = |fault: &Fault| {
        let Fault { field, expected, found } = fault;
        match found.as_str() {
            UNKNOWN => format!("expected {expected}, found another"),
            _ => format!("{field}: expected {expected}, found {found}"),
        }
    };
    let mut lines: Vec<_> = faults.iter().map(line).collect();
    lines.dedup();
    Declined { faults, ..Refusal::new(Code::FieldInvalid, lines.join("; ")).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<(String, String)> {
        let read = read(body.as_bytes(), |fields| {
            let id = fields.required("user_id", &PERSON_ID);
            let name = fields.optional("name", &DETAIL);
            Ok((id?, name?))
        });
        let declined = read.err().unwrap();
        declined.faults.into_iter().map(|fault| (fault.field, fault.found)).collect()
    }

    #[test]
    fn every_fault_of_a_body_is_reported_at_once_by_field_and_kind() {
        let body = r#"{"user_id":7,"name":["a","b"],"nmae":"x","a b":1,"name2":true,"name2":1}"#;
        let found: Vec<_> = faults(body);
        let pair = |field: &str, found: &str| (field.to_owned(), found.to_owned());
        assert_eq!(
            found,
            [
                pair("user_id", "a number"),
                pair("name", "a list of 2"),
                pair("nmae", "an unknown field"),
                pair("(name not shown)", "an unknown field"),
                pair("name2", "an unknown field"),
                pair("name2", "an unknown field"),
            ]
        );
        assert_eq!(faults("{}"), [pair("user_id", "nothing")]);
        assert_eq!(faults(r#"{"user_id":null}"#), [pair("user_id", "nothing")]);
        let twice = r#"{"user_id":"a","user_id":"a"}"#;
        assert_eq!(faults(twice), [pair("user_id", "the field more than once")]);
    }

    #[test]
    fn what_is_no_json_object_has_no_fields_to_name() {
        for body in
            ["", "canary", "[]", "7", "{\"user_id\":\"a\"} canary", "{\"user_id\":\"\u{1}\"}"]
        {
            let declined = read(body.as_bytes(), |_| Ok(())).unwrap_err();
            assert_eq!(declined.refusal.code, Code::BodyUnreadable, "{body}");
            assert!(!declined.refusal.cause.contains("canary"), "{}", declined.refusal.cause);
        }
    }

    #[test]
    fn what_is_unknown_is_told_to_the_caller_and_not_to_the_log() {
        let declined = invalid(vec![Fault::unknown("parameters", "nmae", &["name"])]);
        assert_eq!(declined.faults[0].field, "nmae");
        let cause = declined.refusal.cause.as_str();
        assert_eq!(cause, "expected no parameters other than name, found another");
    }

    #[test]
    fn a_flood_of_unknown_fields_is_cut() {
        let many: Vec<_> = (0..1000).map(|n| format!("\"f{n}\":{n}")).collect();
        assert_eq!(faults(&format!("{{{}}}", many.join(","))).len(), FAULTS);
    }
}
