//! Layer 0, saml: the escaping writer (conformance B-22, C-54). It emits the form that exclusive
//! canonicalisation would give, so what is written is what is signed: double quotes, no
//! empty-element tags, escapes of C14N.
//!
//! The caller gives namespace declarations and attributes in canonical order (declarations by
//! prefix, then attributes by namespace and name); every shape that we emit is compared with an
//! independent canonicaliser.

use super::{escape, is_xml_char};
use crate::saml::error::Error;

/// A document being written. Values are escaped, and characters that XML cannot carry are refused;
/// after such a refusal the document is good for nothing.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    open: Vec<&'static str>,
}

impl Writer {
    /// An empty document with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { out: String::with_capacity(capacity), open: Vec::with_capacity(8) }
    }

    /// How many bytes are written so far: a place to splice at.
    #[must_use]
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// What was written from `start` on.
    #[must_use]
    pub fn since(&self, start: usize) -> &str {
        &self.out[start..]
    }

    /// Takes back what was written from `start` on, where nothing else was open.
    pub(in crate::saml) fn take_since(&mut self, start: usize) -> String {
        self.out.split_off(start)
    }

    /// Opens the element `name` (prefix and all) with `attributes` in canonical order.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for a value that XML cannot carry.
    pub fn open(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
    ) -> Result<(), Error> {
        self.out.push('<');
        self.out.push_str(name);
        for (attribute, value) in attributes {
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            self.value(attribute, value, escape::attribute)?;
            self.out.push('"');
        }
        self.out.push('>');
        self.open.push(name);
        Ok(())
    }

    /// Closes the innermost open element.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }

    /// Writes text into the innermost open element.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for text that XML cannot carry.
    pub fn text(&mut self, text: &str) -> Result<(), Error> {
        self.value(self.open.last().copied().unwrap_or_default(), text, escape::text)
    }

    /// An element with text only.
    ///
    /// # Errors
    /// [`Error::Unwritable`] as for [`Writer::open`] and [`Writer::text`].
    pub fn leaf(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        text: &str,
    ) -> Result<(), Error> {
        self.open(name, attributes)?;
        self.text(text)?;
        self.close();
        Ok(())
    }

    /// Writes a value: as it is, which is nearly always right, or checked and escaped.
    fn value(
        &mut self,
        what: &'static str,
        text: &str,
        escape: impl Fn(&mut String, &str),
    ) -> Result<(), Error> {
        if escape::is_plain(text) {
            self.out.push_str(text);
        } else {
            writable(what, text)?;
            escape(&mut self.out, text);
        }
        Ok(())
    }

    /// Inserts `fragment`, which this writer or the signer made, at an earlier
    /// [`Writer::position`].
    pub(in crate::saml) fn splice(&mut self, at: usize, fragment: &str) {
        self.out.insert_str(at, fragment);
    }

    /// The finished text.
    #[must_use]
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }
}

fn writable(what: &'static str, text: &str) -> Result<(), Error> {
    match text.chars().find(|c| !is_xml_char(*c)) {
        None => Ok(()),
        Some(c) => Err(Error::Unwritable { what, found: u32::from(c) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::{Limits, parse};

    #[test]
    fn hostile_values_stay_values() {
        let hostile = "\"/><x a='&amp;'>]]>\r\n\t<!--";
        let mut writer = Writer::default();
        writer.open("a", &[("b", hostile)]).unwrap();
        writer.text(hostile).unwrap();
        let written = writer.finish();
        let document = parse(written.as_bytes(), Limits::MESSAGE).unwrap();
        assert_eq!(document.root().attribute("b"), Some(hostile));
        assert_eq!(document.root().text().unwrap(), hostile);
        assert_eq!(document.all().count(), 1);
    }

    #[test]
    fn a_character_that_xml_cannot_carry_is_refused() {
        let mut writer = Writer::default();
        assert_eq!(
            writer.open("a", &[("b", "x\u{0}y")]),
            Err(Error::Unwritable { what: "b", found: 0 })
        );
        writer.open("a", &[]).unwrap();
        assert_eq!(writer.text("\u{FFFF}"), Err(Error::Unwritable { what: "a", found: 0xFFFF }));
    }
}
