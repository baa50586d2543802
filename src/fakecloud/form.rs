//! Strict reading of URL-encoded forms and queries. Apart room `fakecloud`; WHATWG URL §5.1, but a
//! broken escape or a field sent twice is a fault here, never a guess.

/// The fields of a form or a query, each name at most once.
#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
}

/// Why octets are not a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FormProblem {
    /// A broken escape, or not UTF-8 behind the escapes.
    Unreadable(String),
    /// This name is sent twice.
    Twice(String),
}

impl Form {
    /// Reads `name=value&name=value`.
    pub(crate) fn parse(octets: &[u8]) -> Result<Self, FormProblem> {
        let mut form = Self::default();
        for pair in octets.split(|octet| *octet == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |octet| *octet == b'=');
            let name = decoded(halves.next().unwrap_or_default())?;
            let value = decoded(halves.next().unwrap_or_default())?;
            if form.get(&name).is_some() {
                return Err(FormProblem::Twice(name));
            }
            form.fields.push((name, value));
        }
        Ok(form)
    }

    /// A form of these fields, each name once.
    pub(crate) fn of<const N: usize>(fields: [(&str, String); N]) -> Self {
        Self { fields: fields.map(|(name, value)| (name.to_owned(), value)).into() }
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field that is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// A field with a name that is not in `known`.
    pub(crate) fn stranger(&self, known: &[&str]) -> Option<&str> {
        self.fields.iter().map(|(name, _)| name.as_str()).find(|name| !known.contains(name))
    }
}

fn decoded(octets: &[u8]) -> Result<String, FormProblem> {
    let mut plain = Vec::with_capacity(octets.len());
    let mut rest = octets.iter().copied();
    while let Some(octet) = rest.next() {
        plain.push(match octet {
            b'+' => b' ',
            b'%' => match (next_hex(&mut rest), next_hex(&mut rest)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(FormProblem::Unreadable("a broken % escape".to_owned())),
            },
            other => other,
        });
    }
    String::from_utf8(plain).map_err(|e| FormProblem::Unreadable(e.utf8_error().to_string()))
}

fn next_hex(octets: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let digit = char::from(octets.next()?).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_is_a_space_and_escapes_are_octets() {
        let form = Form::parse(b"a=1+2%2B3&b=%E4%B8%AD&c&").unwrap();
        assert_eq!(form.get("a"), Some("1 2+3"));
        assert_eq!(form.get("b"), Some("中"));
        assert_eq!(form.get("c"), Some(""));
        assert_eq!(form.get("d"), None);
    }

    #[test]
    fn a_broken_escape_foreign_octets_and_twice_the_same_name_are_refused() {
        for broken in ["a=%4", "a=%zz", "a=%+1", "a=%ff"] {
            let problem = Form::parse(broken.as_bytes()).unwrap_err();
            assert!(matches!(problem, FormProblem::Unreadable(_)), "{broken}");
        }
        assert_eq!(Form::parse(b"a=1&%61=2").unwrap_err(), FormProblem::Twice("a".to_owned()));
    }
}
