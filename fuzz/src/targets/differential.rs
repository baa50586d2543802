//! Fuzzing: the input is a document, or else the choices out of which one is made. Its canonical
//! form is a document that reads the same and has the same form; the fuzzer then compares both with
//! foreign implementations.

use std::borrow::Cow;

use skybridge::saml::xml::{Document, Element, Limits, c14n, parse};

use super::cost;

pub(super) fn run(octets: &[u8]) {
    let octets = document_of(octets);
    let Ok(document) = cost::of(|| parse(&octets, Limits::MESSAGE)) else { return };
    let limit = Limits::MESSAGE.bytes * 2;
    let Ok(form) = cost::of(|| c14n::exclusive(document.root(), &[], None, limit)) else { return };
    let limits = Limits { bytes: form.len(), ..Limits::MESSAGE };
    let again = parse(form.as_bytes(), limits).expect("a canonical form can be read");
    // The canonical form has an order of its own for attributes, which mean the same in any.
    assert_eq!(reading(&again, Order::ByName), reading(&document, Order::ByName));
    assert_eq!(c14n::exclusive(again.root(), &[], None, limit).as_ref(), Ok(&form));
}

/// The document that an input stands for.
pub(crate) fn document_of(octets: &[u8]) -> Cow<'_, [u8]> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    match octets.iter().find(|byte| !is_space(byte)) {
        Some(b'<' | 0xEF) | None => Cow::Borrowed(octets),
        Some(_) => Cow::Owned(Choices(octets.iter()).document().into_bytes()),
    }
}

/// In which order attributes are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they stand in the document.
    #[allow(dead_code, reason = "the tests compare with nobody")]
    AsWritten,
    /// By namespace and local name.
    ByName,
}

/// All that can be taken from a document: names, attributes, text; each part with its length before
/// it.
pub(crate) fn reading(document: &Document, order: Order) -> Vec<u8> {
    let mut out = Vec::new();
    read_element(document.root(), order, &mut out);
    out
}

fn read_element(element: Element<'_>, order: Order, out: &mut Vec<u8>) {
    use skybridge::saml::xml::Content;
    out.push(b'E');
    for part in [element.prefix(), element.namespace().unwrap_or_default(), element.local()] {
        put(part, out);
    }
    let mut attributes: Vec<_> = element.attributes().collect();
    if order == Order::ByName {
        attributes.sort_unstable_by_key(|a| (a.namespace, a.local));
    }
    for attribute in attributes {
        out.push(b'A');
        let namespace = attribute.namespace.unwrap_or_default();
        for part in [attribute.prefix, namespace, attribute.local, attribute.value] {
            put(part, out);
        }
    }
    for content in element.content() {
        match content {
            Content::Element(child) => read_element(child, order, out),
            Content::Text(text) => {
                out.push(b'T');
                put(text, out);
            }
        }
    }
    out.push(b'X');
}

/// One part of a reading.
pub(crate) fn put(part: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(part.as_bytes());
}

const PREFIXES: &[&str] = &["", "a", "b", "ds", "Z", "é", "xml"];
const NAMES: &[&str] = &[
    "",
    "urn:1",
    "urn:2",
    "urn:x?a=1;b=2",
    "http://x/%C3%A9",
    "http://www.w3.org/2000/09/xmldsig#",
    "http://www.w3.org/XML/1998/namespace",
];
const LOCALS: &[&str] = &["e", "f", "F", "é", "e.1", "_", "id", "lang", "Signature", "a:b", "-"];
const PIECES: &[&str] = &[
    "a",
    " ",
    "\n",
    "\t",
    "\r\n",
    "\r",
    "&#13;",
    "&#10;",
    "&#x9;",
    "&amp;",
    "&lt;",
    "&gt;",
    ">",
    "&quot;",
    "&apos;",
    "'",
    "\"",
    "é",
    "漢",
    "😀",
    "&#x1F600;",
    "&#38;amp;",
    "\u{85}",
    "\u{2028}",
    "\u{FEFF}",
    "\u{A0}",
    "-->",
    "]]",
    "<!-- - -->",
    "<![CDATA[]]>",
    "<![CDATA[ & ]]>",
    "<?p i?>",
    "&x;",
    "&#0;",
    "]]>",
    "--",
    "&",
    "<",
    "\u{FFFD}",
];

/// Choices of the fuzzer, one byte each; without any, the first of each.
struct Choices<'o>(std::slice::Iter<'o, u8>);

impl Choices<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default()) % bound
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    fn document(mut self) -> String {
        let mut out = String::new();
        out.push_str(self.pick(&["", "<?xml version=\"1.0\"?>", "<!-- c -->", "\n", "<?p i?>"]));
        self.element(0, &mut out);
        out.push_str(self.pick(&["", "<!-- c -->", "\n", "<?p i?>"]));
        out
    }

    fn element(&mut self, depth: usize, out: &mut String) {
        let name = self.name();
        out.push('<');
        out.push_str(&name);
        for _ in 0..self.below(5) {
            out.push_str(self.pick(&[" ", "\n", "\t", "  ", "\r\n"]));
            self.attribute(out);
        }
        if self.below(8) == 1 {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for _ in 0..self.below(5) {
            if self.below(3) > 0 && depth < 12 && self.0.len() > 0 {
                self.element(depth + 1, out);
            } else {
                out.push_str(self.pick(PIECES));
            }
        }
        out.push_str("</");
        out.push_str(&name);
        out.push_str(self.pick(&[">", " >", "\n>"]));
    }

    fn name(&mut self) -> String {
        let (prefix, local) = (self.pick(PREFIXES), self.pick(LOCALS));
        if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
    }

    fn attribute(&mut self, out: &mut String) {
        let name = match self.below(3) {
            0 => match self.pick(PREFIXES) {
                "" => "xmlns".to_owned(),
                prefix => format!("xmlns:{prefix}"),
            },
            _ => self.name(),
        };
        let is_declaration = name.starts_with("xmlns");
        let quote = self.pick(&["\"", "'"]);
        out.push_str(&name);
        out.push_str(self.pick(&["=", "=", " = "]));
        out.push_str(quote);
        if is_declaration {
            out.push_str(self.pick(NAMES));
        } else {
            for _ in 0..self.below(4) {
                out.push_str(self.pick(PIECES));
            }
        }
        out.push_str(quote);
    }
}
