//! Layer 0, saml: XML as SAML needs it: a strict reader into one small tree, an escaping writer
//! that emits the canonical form, and exclusive canonicalisation of that tree. Nothing here opens,
//! fetches or expands.

pub mod c14n;
mod escape;
mod parse;
mod tree;
pub mod write;

pub use parse::{Limits, parse, parse_inside};
pub use tree::{Attribute, Content, Document, Element};

/// Where written XML goes, part by part.
pub trait Sink {
    /// Takes the next part, which may end anywhere between two characters.
    fn take(&mut self, part: &str);
}

impl Sink for String {
    fn take(&mut self, part: &str) {
        self.push_str(part);
    }
}

/// Whether XML 1.0 can carry `c` (XML 1.0 §2.2).
#[must_use]
pub fn is_xml_char(c: char) -> bool {
    matches!(c,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..
    )
}
