//! Layer 0, saml: the strict reader (conformance B-01 to B-08). Limits come first; a DOCTYPE ends
//! the matter before parsing begins; what is not well-formed and namespace-correct UTF-8 is
//! refused, never repaired.
//!
//! The tokenizer is quick-xml; names, namespaces, attributes, references, limits are checked here.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::escape::{normalise_newlines, reference};
use super::is_xml_char;
use super::tree::{AttributeData, ContentData, Document, Element, ElementData};
use crate::limits;
use crate::saml::error::{Error, shortened};
use crate::saml::names::ns;
use crate::saml::types::is_ncname;

/// How large a document may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes before parsing.
    pub bytes: usize,
    /// Elements and runs of text; and as many attributes, declarations included.
    pub nodes: usize,
}

impl Limits {
    /// For protocol messages.
    pub const MESSAGE: Self = Self { bytes: limits::INFLATED_BYTES, nodes: limits::XML_NODES };
    /// For metadata documents.
    pub const METADATA: Self =
        Self { bytes: limits::METADATA_BYTES, nodes: limits::METADATA_NODES };
}

/// Reads one document.
///
/// # Errors
/// [`Error::TooLong`], [`Error::NotUtf8`], [`Error::Doctype`], [`Error::Malformed`] or
/// [`Error::XmlLimit`].
pub fn parse(octets: &[u8], limits: Limits) -> Result<Document, Error> {
    Builder::new(limits).read(text_of(octets, limits)?)
}

/// What can be said before parsing.
fn text_of(octets: &[u8], limits: Limits) -> Result<&str, Error> {
    if octets.len() > limits.bytes {
        return Err(Error::TooLong { limit: limits.bytes, found: octets.len() });
    }
    let text = std::str::from_utf8(octets)
        .map_err(|e| Error::NotUtf8 { found: format!("another octet at {}", e.valid_up_to()) })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    // Before anything else, and also inside comments and CDATA, where nobody needs it.
    if text.contains("<!DOCTYPE") {
        return Err(Error::Doctype);
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
        return Err(malformed(format!("U+{:04X}", u32::from(c)), at as u64));
    }
    Ok(text)
}

/// Reads one document as if it stood inside `around`: prefixes that are declared there are known.
///
/// # Errors
/// Those of [`parse`].
pub fn parse_inside(around: Element<'_>, octets: &[u8], limits: Limits) -> Result<Document, Error> {
    let mut builder = Builder::new(limits);
    let mut ancestors: Vec<_> = std::iter::successors(Some(around), |e| e.parent()).collect();
    ancestors.reverse();
    for (prefix, name) in ancestors.into_iter().flat_map(Element::declared) {
        let name = name.map(|name| builder.intern(name.to_owned()));
        builder.scope.push((0, prefix.to_owned(), name));
    }
    builder.read(text_of(octets, limits)?)
}

/// The parse in progress: open elements, namespaces in scope, and what is built so far.
struct Builder {
    limits: Limits,
    document: Document,
    known: HashMap<String, usize>,
    /// Positions of the open elements, the root first.
    open: Vec<usize>,
    /// Bindings in scope, innermost last, with the depth that declared them.
    scope: Vec<(usize, String, Option<usize>)>,
    nodes: usize,
    attributes: usize,
    at: u64,
}

impl Builder {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            document: Document { elements: Vec::new(), namespaces: Vec::new() },
            known: HashMap::new(),
            open: Vec::new(),
            scope: Vec::new(),
            nodes: 0,
            attributes: 0,
            at: 0,
        }
    }

    fn read(mut self, text: &str) -> Result<Document, Error> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        loop {
            self.at = reader.buffer_position();
            let event = reader.read_event().map_err(|e| self.malformed(e.to_string()))?;
            match event {
                Event::Decl(decl) => self.declaration(&decl)?,
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(text) => {
                    if text.contains("]]>") {
                        return Err(self.malformed("]]> in text"));
                    }
                    self.text(&normalise_newlines(&text))?;
                }
                Event::CData(text) if self.open.is_empty() => {
                    return Err(self.malformed(format!("CDATA of {} bytes", text.len())));
                }
                Event::CData(text) => self.text(&normalise_newlines(&text))?,
                Event::GeneralRef(_) if self.open.is_empty() => return Err(self.malformed("&")),
                Event::GeneralRef(name) => {
                    self.text(self.character(&name)?.encode_utf8(&mut [0; 4]))?;
                }
                Event::Comment(_) => {}
                Event::PI(instruction) => self.instruction(instruction.target())?,
                Event::DocType(_) => return Err(Error::Doctype),
                Event::Eof => return self.finish(),
            }
        }
    }

    /// Version, encoding, standalone, in this order (XML 1.0 §2.8).
    fn declaration(&self, decl: &str) -> Result<(), Error> {
        if self.at != 0 {
            return Err(self.malformed("an XML declaration inside the document"));
        }
        let parts = self.raw_attributes(decl.trim_start_matches("xml"))?;
        match parts.as_slice() {
            [("version", other), ..] if *other != "1.0" => {
                Err(self.malformed(format!("XML version {}", shortened(other))))
            }
            [_, ("encoding", name), ..] if !name.eq_ignore_ascii_case("UTF-8") => {
                Err(Error::NotUtf8 { found: shortened(name) })
            }
            [("version", _)]
            | [("version", _), ("encoding", _) | ("standalone", "yes" | "no")]
            | [("version", _), ("encoding", _), ("standalone", "yes" | "no")] => Ok(()),
            _ => Err(self.malformed(format!("the XML declaration {decl:?}"))),
        }
    }

    /// Outside the document element a processing instruction says nothing about it.
    fn instruction(&self, target: &str) -> Result<(), Error> {
        if self.open.is_empty() && is_ncname(target) && !target.eq_ignore_ascii_case("xml") {
            return Ok(());
        }
        let what = if self.open.is_empty() { "the name of a" } else { "a" };
        Err(self.malformed(format!("{what} processing instruction, {:?}", shortened(target))))
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Error> {
        if self.open.is_empty() && !self.document.elements.is_empty() {
            return Err(self.malformed("a second document element"));
        }
        if self.open.len() >= limits::XML_DEPTH {
            return Err(Error::limit("levels of elements", limits::XML_DEPTH));
        }
        self.count_node()?;
        let (prefix, local) = self.split_name(start.name().into_inner())?;
        let raw = self.raw_attributes(start.attributes_raw())?;
        self.attributes += raw.len();
        if self.attributes > self.limits.nodes {
            return Err(Error::limit("attributes of a document", self.limits.nodes));
        }
        let declared = self.declare(&raw)?;
        let namespace = self.resolve(&prefix)?;
        let attributes = self.attributes(raw)?;
        let index = self.document.elements.len();
        let parent = self.open.last().copied();
        if let Some(parent) = parent {
            self.document.elements[parent].content.push(ContentData::Element(index));
        }
        self.document.elements.push(ElementData {
            at: usize::try_from(self.at).unwrap_or_default(),
            parent,
            prefix,
            local,
            namespace,
            attributes,
            declared,
            content: Vec::new(),
        });
        self.open.push(index);
        Ok(())
    }

    fn end(&mut self) {
        // quick-xml has matched the name with the innermost open element.
        self.open.pop();
        self.scope.retain(|(declared_at, ..)| *declared_at < self.open.len());
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        let Some(&parent) = self.open.last() else {
            return if text.bytes().all(|b| b.is_ascii_whitespace()) {
                Ok(())
            } else {
                Err(self.malformed("text outside the document element"))
            };
        };
        if text.is_empty() {
            return Ok(());
        }
        // Adjacent runs are one value, whatever stood between them (conformance C-40).
        if let Some(ContentData::Text(run)) = self.document.elements[parent].content.last_mut() {
            run.push_str(text);
            return Ok(());
        }
        self.count_node()?;
        self.document.elements[parent].content.push(ContentData::Text(text.to_owned()));
        Ok(())
    }

    fn finish(self) -> Result<Document, Error> {
        if self.document.elements.is_empty() {
            return Err(self.malformed("no element"));
        }
        if !self.open.is_empty() {
            return Err(self.malformed("the end before the last end tag"));
        }
        Ok(self.document)
    }

    fn count_node(&mut self) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(Error::limit("nodes", self.limits.nodes));
        }
        Ok(())
    }

    fn split_name(&self, name: &str) -> Result<(String, String), Error> {
        if name.len() > limits::XML_NAME_BYTES {
            return Err(Error::limit("bytes in a name", limits::XML_NAME_BYTES));
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let good = is_ncname(local) && (prefix.is_empty() != name.contains(':'));
        if !good || !(prefix.is_empty() || is_ncname(prefix)) {
            return Err(self.malformed(format!("the name {:?}", shortened(name))));
        }
        Ok((prefix.to_owned(), local.to_owned()))
    }

    /// Splits ` name="value" …` strictly: white space before each, both quotes allowed, no `<` in a
    /// value.
    fn raw_attributes<'s>(&self, mut rest: &'s str) -> Result<Vec<(&'s str, &'s str)>, Error> {
        let bad = || self.malformed("an attribute that is not name=\"value\"");
        let mut found = Vec::new();
        loop {
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            if trimmed.is_empty() {
                return Ok(found);
            }
            if trimmed.len() == rest.len() {
                return Err(bad());
            }
            if found.len() == limits::XML_ATTRIBUTES {
                return Err(Error::limit("attributes of an element", limits::XML_ATTRIBUTES));
            }
            let (name, after) = trimmed.split_once('=').ok_or_else(bad)?;
            let after = after.trim_start_matches([' ', '\t', '\r', '\n']);
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(bad)?;
            let (value, after) = after[1..].split_once(quote).ok_or_else(bad)?;
            if value.contains('<') {
                return Err(self.malformed("< in an attribute value"));
            }
            found.push((name.trim_end_matches([' ', '\t', '\r', '\n']), value));
            rest = after;
        }
    }

    /// Takes the namespace declarations of an element that is about to open into scope.
    fn declare(&mut self, raw: &[(&str, &str)]) -> Result<Vec<(String, Option<usize>)>, Error> {
        let depth = self.open.len();
        let mut declared = Vec::new();
        for (name, value) in raw {
            let prefix = match name.split_once(':') {
                None if *name == "xmlns" => String::new(),
                Some(("xmlns", _)) => self.split_name(name)?.1,
                _ => continue,
            };
            let uri = self.attribute_value(value)?;
            if uri.len() > limits::XML_NAMESPACE_BYTES {
                return Err(Error::limit("bytes of a namespace name", limits::XML_NAMESPACE_BYTES));
            }
            let reserved = uri == ns::XML || uri == ns::XMLNS || prefix == "xmlns";
            if (prefix == "xml") != (uri == ns::XML)
                || (reserved && prefix != "xml")
                || (uri.is_empty() && !prefix.is_empty())
                || declared.iter().any(|(other, _)| *other == prefix)
            {
                return Err(self.malformed(format!("the declaration of prefix {prefix:?}")));
            }
            let uri = if uri.is_empty() { None } else { Some(self.intern(uri)) };
            self.scope.push((depth, prefix.clone(), uri));
            if self.scope.len() > limits::XML_NAMESPACES {
                return Err(Error::limit("namespaces in scope", limits::XML_NAMESPACES));
            }
            declared.push((prefix, uri));
        }
        Ok(declared)
    }

    fn attributes(&mut self, raw: Vec<(&str, &str)>) -> Result<Vec<AttributeData>, Error> {
        let mut attributes: Vec<AttributeData> = Vec::with_capacity(raw.len());
        for (name, value) in raw {
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let (prefix, local) = self.split_name(name)?;
            let namespace = if prefix.is_empty() { None } else { self.resolve(&prefix)? };
            // At most 64 attributes: comparing all pairs stays cheap.
            if attributes.iter().any(|a| a.local == local && a.namespace == namespace) {
                return Err(self.malformed(format!("the attribute {local:?} twice")));
            }
            let value = self.attribute_value(value)?;
            attributes.push(AttributeData { prefix, local, namespace, value });
        }
        Ok(attributes)
    }

    fn resolve(&mut self, prefix: &str) -> Result<Option<usize>, Error> {
        if prefix == "xml" {
            return Ok(Some(self.intern(ns::XML.to_owned())));
        }
        match self.scope.iter().rev().find(|(_, known, _)| known == prefix) {
            Some((_, _, uri)) => Ok(*uri),
            None if prefix.is_empty() => Ok(None),
            None => Err(self.malformed(format!("the undeclared prefix {prefix:?}"))),
        }
    }

    fn intern(&mut self, uri: String) -> usize {
        let namespaces = &mut self.document.namespaces;
        *self.known.entry(uri).or_insert_with_key(|uri| {
            namespaces.push(uri.clone());
            namespaces.len() - 1
        })
    }

    /// Normalises an attribute value (XML 1.0 §3.3.3): literal white space is a space, references
    /// are kept.
    fn attribute_value(&self, raw: &str) -> Result<String, Error> {
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
            value.push_str(&rest[..at]);
            let tail = &rest[at..];
            if let Some(after) = tail.strip_prefix('&') {
                let (name, after) =
                    after.split_once(';').ok_or_else(|| self.malformed("a lone & in a value"))?;
                value.push(self.character(name)?);
                rest = after;
            } else {
                value.push(' ');
                rest = tail.strip_prefix("\r\n").unwrap_or(&tail[1..]);
            }
        }
        value.push_str(rest);
        Ok(value)
    }

    fn character(&self, name: &str) -> Result<char, Error> {
        reference(name).ok_or_else(|| self.malformed(format!("&{};", shortened(name))))
    }

    fn malformed(&self, found: impl Into<String>) -> Error {
        malformed(found, self.at)
    }
}

fn malformed(found: impl Into<String>, at: u64) -> Error {
    Error::Malformed { found: shortened(&found.into()), at }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
