//! Escaping for the XML that the simulated cloud writes. Apart room `fakecloud`; XML 1.0 §2.4,
//! §3.3.3.

use std::fmt;

/// A value that is safe inside an attribute in double quotes, and in text. Line ends and tabs
/// become references, so that no parser normalises them away.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\t', '\n', '\r']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                b'\t' => "&#x9;",
                b'\n' => "&#xA;",
                _ => "&#xD;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_attribute() {
        let value = "a\"b<c>&d\n字";
        let xml = format!("<e v=\"{}\"/>", Escaped(value));
        let document = uppsala::parse(&xml).unwrap();
        let root = document.document_element().unwrap();
        assert_eq!(document.get_attribute(root, "v"), Some(value));
    }
}
