//! Layer 0, saml: the one tree that both the signature check and the reading of values walk
//! (conformance B-08).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::saml::error::{Error, shortened};

/// A parsed document. Names are resolved, values are normalised, comments are gone.
#[derive(Debug)]
pub struct Document {
    pub(super) elements: Vec<ElementData>,
    /// Namespace names, each once; elements and attributes refer to them by position.
    pub(super) namespaces: Vec<String>,
}

#[derive(Debug)]
pub(super) struct ElementData {
    /// Where its start tag begins, in bytes behind a byte order mark.
    pub(super) at: usize,
    /// None for the document element only.
    pub(super) parent: Option<usize>,
    pub(super) prefix: String,
    pub(super) local: String,
    pub(super) namespace: Option<usize>,
    pub(super) attributes: Vec<AttributeData>,
    /// Declarations on this very element: prefix (empty for the default) and name (`None`
    /// undeclares it).
    pub(super) declared: Vec<(String, Option<usize>)>,
    pub(super) content: Vec<ContentData>,
}

#[derive(Debug)]
pub(super) struct AttributeData {
    pub(super) prefix: String,
    pub(super) local: String,
    pub(super) namespace: Option<usize>,
    pub(super) value: String,
}

#[derive(Debug)]
pub(super) enum ContentData {
    Element(usize),
    Text(String),
}

/// An attribute that is no namespace declaration.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'d> {
    /// Its prefix, empty when it has none.
    pub prefix: &'d str,
    /// Its namespace name; none when it has no prefix.
    pub namespace: Option<&'d str>,
    /// Its local name.
    pub local: &'d str,
    /// Its normalised value.
    pub value: &'d str,
}

/// What an element contains.
#[derive(Clone, Copy, Debug)]
pub enum Content<'d> {
    /// A child element.
    Element(Element<'d>),
    /// A run of text: adjacent text, CDATA and references are one.
    Text(&'d str),
}

/// An element of a [`Document`]; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Element<'d> {
    document: &'d Document,
    index: usize,
}

impl Document {
    /// The document element.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        Element { document: self, index: 0 }
    }

    /// Every element, in document order.
    pub fn all(&self) -> impl Iterator<Item = Element<'_>> {
        (0..self.elements.len()).map(|index| Element { document: self, index })
    }
}

impl PartialEq for Element<'_> {
    /// Whether both are the very same node of the same document.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.index == other.index
    }
}

impl<'d> Element<'d> {
    fn data(self) -> &'d ElementData {
        &self.document.elements[self.index]
    }

    fn name_of(self, namespace: Option<usize>) -> Option<&'d str> {
        namespace.map(|at| self.document.namespaces[at].as_str())
    }

    /// The document that this element is part of.
    #[must_use]
    pub fn document(self) -> &'d Document {
        self.document
    }

    /// The element around this one; none for the document element.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.data().parent.map(|index| Self { document: self.document, index })
    }

    /// Where its start tag begins in the document that was read, in bytes; a byte order mark is not
    /// counted.
    #[must_use]
    pub fn offset(self) -> usize {
        self.data().at
    }

    /// The namespace prefix, empty when there is none.
    #[must_use]
    pub fn prefix(self) -> &'d str {
        &self.data().prefix
    }

    /// The local name.
    #[must_use]
    pub fn local(self) -> &'d str {
        &self.data().local
    }

    /// The namespace name.
    #[must_use]
    pub fn namespace(self) -> Option<&'d str> {
        self.name_of(self.data().namespace)
    }

    /// Whether this is `local` in `namespace`.
    #[must_use]
    pub fn is(self, namespace: &str, local: &str) -> bool {
        self.local() == local && self.namespace() == Some(namespace)
    }

    /// The attributes, in document order.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'d>> {
        self.data().attributes.iter().map(move |attribute| Attribute {
            prefix: &attribute.prefix,
            namespace: self.name_of(attribute.namespace),
            local: &attribute.local,
            value: &attribute.value,
        })
    }

    /// The value of the attribute `local` that has no namespace.
    #[must_use]
    pub fn attribute(self, local: &str) -> Option<&'d str> {
        self.attributes().find(|a| a.namespace.is_none() && a.local == local).map(|a| a.value)
    }

    /// The namespaces declared on this element: prefix and name, `None` where the default is
    /// undeclared.
    pub fn declared(self) -> impl Iterator<Item = (&'d str, Option<&'d str>)> {
        self.data()
            .declared
            .iter()
            .map(move |(prefix, name)| (prefix.as_str(), self.name_of(*name)))
    }

    /// Text and elements, in document order.
    pub fn content(self) -> impl DoubleEndedIterator<Item = Content<'d>> {
        let document = self.document;
        self.data().content.iter().map(move |content| match content {
            ContentData::Element(index) => Content::Element(Element { document, index: *index }),
            ContentData::Text(text) => Content::Text(text),
        })
    }

    /// The child elements, in document order.
    pub fn children(self) -> impl DoubleEndedIterator<Item = Element<'d>> {
        self.content().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        })
    }

    /// The child elements `local` in `namespace`.
    pub fn children_named<'n>(
        self,
        namespace: &'n str,
        local: &'n str,
    ) -> impl Iterator<Item = Element<'d>> + use<'d, 'n> {
        self.children().filter(move |child| child.is(namespace, local))
    }

    /// The text of an element that has no child elements; empty when there is none.
    ///
    /// # Errors
    /// When there is a child element: part of a value is never taken for the whole (conformance
    /// B-07).
    pub fn text(self) -> Result<&'d str, Error> {
        let mut content = self.content();
        match (content.next(), content.next()) {
            (None, _) => Ok(""),
            (Some(Content::Text(text)), None) => Ok(text),
            _ => Err(Error::Element { expected: "text only", found: self.describe() }),
        }
    }

    /// The octets that the element's text spells in base64. White space is forgiven: writers wrap
    /// their lines. `name` is for the error.
    ///
    /// # Errors
    /// [`Error::Base64`], and those of [`Element::text`].
    pub fn octets(self, name: &'static str) -> Result<Vec<u8>, Error> {
        let text: String = self.text()?.split_ascii_whitespace().collect();
        STANDARD.decode(text).map_err(|_| Error::Base64 { name })
    }

    /// That there is nothing but white space between the child elements.
    ///
    /// # Errors
    /// When there is other text.
    pub fn elements_only(self) -> Result<(), Error> {
        let stray = self
            .content()
            .any(|content| matches!(content, Content::Text(text) if !text.trim_ascii().is_empty()));
        if stray {
            return Err(Error::Element {
                expected: "elements only",
                found: format!("text in {}", self.describe()),
            });
        }
        Ok(())
    }

    /// The name for an error text: local name and namespace, shortened.
    #[must_use]
    pub fn describe(self) -> String {
        shortened(&match self.namespace() {
            Some(namespace) => format!("{{{namespace}}}{}", self.local()),
            None => self.local().to_owned(),
        })
    }
}
