//! Layer 0, saml: a document as people look at it: every element with its attributes and its text,
//! without prefixes. For eyes only: nothing here says whether anything of it is so. What proves or
//! opens something (signature values, digests, certificates, cipher texts) is left out.

use serde::Serialize;

use super::names::ns;
use super::xml::Element;

/// An element as people look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// Its local name.
    pub name: String,
    /// Its attributes, in document order; namespace declarations are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Named>,
    /// Its text, without the white space around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The elements in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Outline>,
}

/// A value with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Named {
    /// A value with its name.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The outline of an element and everything in it.
#[must_use]
pub fn outline(element: Element<'_>) -> Outline {
    let attributes = element.attributes().map(|it| Named::new(it.local, it.value)).collect();
    let text = element.text().ok().map(str::trim).filter(|text| !text.is_empty());
    Outline {
        name: element.local().to_owned(),
        attributes,
        text: text.map(|text| {
            if is_raw(element) { format!("({} characters)", text.len()) } else { text.to_owned() }
        }),
        children: element.children().map(outline).collect(),
    }
}

/// Whether the text is an encoded value that nobody reads.
fn is_raw(element: Element<'_>) -> bool {
    const RAW: [&str; 7] = [
        "SignatureValue",
        "DigestValue",
        "X509Certificate",
        "Modulus",
        "Exponent",
        "PublicKey",
        "CipherValue",
    ];
    let namespace = element.namespace();
    RAW.contains(&element.local()) && (namespace == Some(ns::DSIG) || namespace == Some(ns::XENC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::{Limits, parse};

    #[test]
    fn all_that_a_document_says_is_in_its_outline_and_no_value_that_proves_something() {
        let text = "<p:A xmlns:p='urn:p' ID='_1' p:x='y'>\n <p:B> two\u{A0}words </p:B><p:C>\
                    <d:SignatureValue xmlns:d='http://www.w3.org/2000/09/xmldsig#'>c2VjcmV0\
                    </d:SignatureValue></p:C></p:A>";
        let document = parse(text.as_bytes(), Limits::MESSAGE).unwrap();
        let found = outline(document.root());
        assert_eq!(found.name, "A");
        assert_eq!(found.attributes, [Named::new("ID", "_1"), Named::new("x", "y")]);
        assert_eq!(found.text, None);
        assert_eq!(found.children[0].text.as_deref(), Some("two\u{A0}words"));
        let inner = &found.children[1].children[0];
        assert_eq!(inner.text.as_deref(), Some("(8 characters)"));
    }
}
