//! Reading XML documents with another parser than the one that wrote them. Apart room `fakecloud`;
//! contract §4.5 (no DOCTYPE), XML 1.0, Namespaces 1.0.

use uppsala::{Document, NodeId, NodeKind, Parser};

use super::fault::{Fault, Finding};
use crate::limits;

/// Why octets are not a document that we read.
pub(crate) enum Unreadable {
    /// Not UTF-8, or another encoding is declared.
    Encoding(String),
    /// There is a DOCTYPE.
    Doctype,
    /// Not well-formed, not namespace-correct, or too deep.
    Malformed(String),
}

/// The text of a message: UTF-8, without a DOCTYPE.
pub(crate) fn text(octets: &[u8]) -> Result<&str, Unreadable> {
    let text = std::str::from_utf8(octets).map_err(|e| Unreadable::Encoding(e.to_string()))?;
    if text.contains("<!DOCTYPE") {
        return Err(Unreadable::Doctype);
    }
    Ok(text)
}

/// The document of a text.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, Unreadable> {
    let depth = u32::try_from(limits::XML_DEPTH).unwrap_or(u32::MAX);
    let document = Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(depth)
        .parse(text)
        .map_err(|e| Unreadable::Malformed(e.to_string()))?;
    let declared = document.xml_declaration.as_ref().and_then(|d| d.encoding.as_deref());
    if let Some(encoding) = declared.filter(|e| !e.eq_ignore_ascii_case("UTF-8")) {
        return Err(Unreadable::Encoding(format!("encoding=\"{encoding}\"")));
    }
    Ok(document)
}

/// One element of a document: what it is called, what it holds.
#[derive(Clone, Copy)]
pub(crate) struct Element<'d> {
    document: &'d Document<'d>,
    node: NodeId,
}

impl<'d> Element<'d> {
    /// The document element.
    pub(crate) fn root(document: &'d Document<'d>) -> Option<Self> {
        document.document_element().map(|node| Self { document, node })
    }

    /// The node's identity inside its document.
    pub(crate) fn node(self) -> NodeId {
        self.node
    }

    /// The whole document.
    pub(crate) fn document(self) -> &'d Document<'d> {
        self.document
    }

    /// Whether this is the element `local` of `namespace`.
    pub(crate) fn is(self, namespace: &str, local: &str) -> bool {
        self.inner().matches_name_ns(namespace, local)
    }

    /// How the document writes this element's name.
    pub(crate) fn name(self) -> String {
        self.inner().name.prefixed_name().into_owned()
    }

    /// The attribute `local` that is in no namespace.
    pub(crate) fn attribute(self, local: &str) -> Option<&'d str> {
        let found = self.inner().attributes.iter().find(|a| a.name.matches(None, local));
        found.map(|attribute| &*attribute.value)
    }

    /// All attributes, as (is in a namespace, local name, value).
    pub(crate) fn attributes(self) -> impl Iterator<Item = (bool, &'d str, &'d str)> {
        self.inner()
            .attributes
            .iter()
            .map(|a| (a.name.namespace_uri.is_some(), &*a.name.local_name, &*a.value))
    }

    /// The element around this one.
    pub(crate) fn parent(self) -> Option<Self> {
        let node = self.document.parent(self.node)?;
        self.document.element(node).map(|_| Self { node, ..self })
    }

    /// The child elements in order.
    pub(crate) fn elements(self) -> impl Iterator<Item = Self> {
        self.document
            .children_iter(self.node)
            .filter(move |node| self.document.element(*node).is_some())
            .map(move |node| Self { node, ..self })
    }

    /// The child elements `local` of `namespace`.
    pub(crate) fn all(self, namespace: &str, local: &str) -> Vec<Self> {
        self.elements().filter(|child| child.is(namespace, local)).collect()
    }

    /// The one child element `local` of `namespace`, if there is any. Two are a fault.
    pub(crate) fn one(self, namespace: &str, local: &str) -> Result<Option<Self>, Finding> {
        let found = self.all(namespace, local);
        if found.len() > 1 {
            let expected = format!("one {local} in {}", self.name());
            return Err(Finding::new(Fault::ElementTwice, expected, found.len().to_string()));
        }
        Ok(found.first().copied())
    }

    /// This element and all below it.
    pub(crate) fn subtree(self) -> impl Iterator<Item = Self> {
        let below = self.document.descendants(self.node).into_iter();
        std::iter::once(self.node)
            .chain(below.filter(move |node| *node != self.node))
            .filter(move |node| self.document.element(*node).is_some())
            .map(move |node| Self { node, ..self })
    }

    /// Whether there is a comment or a processing instruction anywhere inside.
    pub(crate) fn has_comments(self) -> bool {
        self.document.descendants(self.node).into_iter().any(|node| {
            matches!(
                self.document.node_kind(node),
                Some(NodeKind::Comment(_) | NodeKind::ProcessingInstruction(_))
            )
        })
    }

    /// The text inside: comments do not cut it, CDATA is text (as canonicalisation has it).
    /// Elements inside are a fault.
    pub(crate) fn text(self) -> Result<String, Finding> {
        if let Some(child) = self.elements().next() {
            let expected = format!("only text in {}", self.name());
            return Err(Finding::new(Fault::NotText, expected, format!("<{}>", child.name())));
        }
        Ok(self.document.text_content_deep(self.node))
    }

    fn inner(self) -> &'d uppsala::Element<'d> {
        self.document.element(self.node).expect("a cursor is only made for nodes that are elements")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_or_cdata_does_not_cut_a_value() {
        let document = parse("<a>ad<!-- x -->m<![CDATA[<i>]]>n</a>").ok().unwrap();
        let root = Element::root(&document).unwrap();
        assert_eq!(root.text().unwrap(), "adm<i>n");
    }

    #[test]
    fn an_attribute_of_another_namespace_is_not_the_attribute() {
        let document = parse("<a xmlns:x=\"urn:x\" x:ID=\"one\"/>").ok().unwrap();
        assert_eq!(Element::root(&document).unwrap().attribute("ID"), None);
    }

    #[test]
    fn a_doctype_another_encoding_and_deep_nesting_are_refused() {
        assert!(matches!(text(b"<!DOCTYPE a><a/>"), Err(Unreadable::Doctype)));
        assert!(matches!(text(b"<a>\xff</a>"), Err(Unreadable::Encoding(_))));
        let latin = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>";
        assert!(matches!(parse(latin), Err(Unreadable::Encoding(_) | Unreadable::Malformed(_))));
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        assert!(matches!(parse(&deep), Err(Unreadable::Malformed(_))));
    }
}
