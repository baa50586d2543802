//! Strict reading of JSON bodies. Apart room `fakecloud`; contract §7.1, §8.
//!
//! A field that the API of this site does not have is refused: the live service may ignore it, but
//! whoever sends it expects something of it.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::trouble::{Code, Trouble};

/// The fields of a body. `null` is the same as absent.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body that may have the fields `known`.
    pub(super) fn read(headers: &HeaderMap, body: &[u8], known: &[&str]) -> Result<Self, Trouble> {
        if !is_json(headers) {
            return Err(Trouble::about(Code::Parameter, "Content-Type"));
        }
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(Trouble::about(Code::Parameter, "body"));
        };
        if let Some(stranger) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            let named = stranger.chars().take(64).collect::<String>();
            return Err(Trouble::about(Code::Parameter, named));
        }
        Ok(Self(fields))
    }

    /// A text of at most `most` characters.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<Option<&str>, Trouble> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text)),
            Some(_) => Err(parameter(name)),
        }
    }

    /// A text that is not empty; the empty one counts as absent.
    pub(super) fn filled(&self, name: &str, most: usize) -> Result<Option<&str>, Trouble> {
        Ok(self.text(name, most)?.filter(|text| !text.is_empty()))
    }

    /// A text that has to be there and not empty.
    pub(super) fn required(&self, name: &str, most: usize) -> Result<&str, Trouble> {
        self.filled(name, most)?.ok_or_else(|| parameter(name))
    }

    /// A text that may be absent but not empty.
    pub(super) fn not_empty(&self, name: &str, most: usize) -> Result<Option<&str>, Trouble> {
        match self.text(name, most)? {
            Some("") => Err(parameter(name)),
            text => Ok(text),
        }
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Trouble> {
        let number = |value: &Value| value.as_u64().ok_or_else(|| parameter(name));
        self.get(name).map(number).transpose()
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Trouble> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| parameter(name));
        self.get(name).map(flag).transpose()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

/// Whether the headers promise JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// A field is missing, of another type, or too long.
pub(super) fn parameter(name: &str) -> Trouble {
    Trouble::about(Code::Parameter, name)
}

/// A field says something that is not possible.
pub(super) fn invalid(name: &str) -> Trouble {
    Trouble::about(Code::Invalid, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Option<&str>, body: &str) -> Option<Fields> {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        Fields::read(&headers, body.as_bytes(), &["a", "b"]).ok()
    }

    #[test]
    fn a_body_is_one_json_object_of_known_fields_and_says_so() {
        let json = Some("application/json");
        assert!(read(json, "{}").is_some());
        assert!(read(Some("Application/JSON;charset=utf8"), r#"{"a":1}"#).is_some());
        for (kind, body) in [
            (None, "{}"),
            (Some("text/plain"), "{}"),
            (json, ""),
            (json, "[]"),
            (json, "{}{}"),
            (json, r#"{"c":1}"#),
        ] {
            assert!(read(kind, body).is_none(), "{kind:?} {body}");
        }
    }

    #[test]
    fn a_field_has_its_type_and_length() {
        let fields = read(Some("application/json"), r#"{"a":"字字","b":null}"#).unwrap();
        assert_eq!(fields.text("a", 2).ok().flatten(), Some("字字"));
        assert!(fields.text("a", 1).is_err());
        assert!(fields.number("a").is_err());
        assert!(fields.flag("a").is_err());
        assert_eq!(fields.number("b").ok(), Some(None));
        assert!(fields.required("b", 9).is_err());
        let fields = read(Some("application/json"), r#"{"a":"","b":-1}"#).unwrap();
        assert_eq!(fields.filled("a", 9).ok(), Some(None));
        assert!(fields.not_empty("a", 9).is_err());
        assert!(fields.number("b").is_err());
    }
}
