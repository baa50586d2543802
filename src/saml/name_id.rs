//! Layer 0, saml: name identifiers (saml-core-2.0-os §2.2.3, §8.3): the kinds that are given, and
//! those that a message names.

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::names::name_id;
use super::types::value;
use super::xml::Element;
use crate::limits;

/// A kind of name identifier that can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameIdKind {
    /// Another value for each session and service provider (§8.3.8).
    Transient,
    /// One value for each service provider, for ever (§8.3.7).
    Persistent,
    /// The person's e-mail address (§8.3.2).
    Email,
    /// The id that the cloud knows the person by (§8.3.1).
    Unspecified,
    /// None: the assertion's subject is whoever presents it.
    None,
}

impl NameIdKind {
    /// The URI of its format; none where there is no identifier.
    #[must_use]
    pub fn uri(self) -> Option<&'static str> {
        match self {
            Self::Transient => Some(name_id::TRANSIENT),
            Self::Persistent => Some(name_id::PERSISTENT),
            Self::Email => Some(name_id::EMAIL),
            Self::Unspecified => Some(name_id::UNSPECIFIED),
            Self::None => None,
        }
    }

    /// The kind whose format has this URI, compared as it stands (conformance A-002).
    #[must_use]
    pub fn of_uri(uri: &str) -> Option<Self> {
        [Self::Transient, Self::Persistent, Self::Email, Self::Unspecified]
            .into_iter()
            .find(|kind| kind.uri() == Some(uri))
    }
}

/// A `saml:NameID`. Personal: printing it says nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameIdentifier {
    /// The identifier.
    pub value: String,
    /// `Format`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// `NameQualifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_qualifier: Option<String>,
    /// `SPNameQualifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sp_name_qualifier: Option<String>,
}

impl NameIdentifier {
    /// Reads a `saml:NameID` as it stands; nothing is trimmed (conformance A-002, B-07).
    ///
    /// # Errors
    /// [`Error::Value`] when it is empty or longer than [`limits::NAME_ID_CHARS`] allows, or that
    /// of its text.
    pub fn read(element: Element<'_>) -> Result<Self, Error> {
        let attribute = |name: &str| element.attribute(name).map(str::to_owned);
        let text = element.text()?;
        if text.is_empty() || text.chars().count() > limits::NAME_ID_CHARS {
            return Err(value("NameID", "1 to 256 characters", "another length"));
        }
        Ok(Self {
            value: text.to_owned(),
            format: attribute("Format"),
            name_qualifier: attribute("NameQualifier"),
            sp_name_qualifier: attribute("SPNameQualifier"),
        })
    }

    /// Whether `asked` names the same (saml-core-2.0-os §3.3.4, strong matching). A format that is
    /// not said, or is said to be unspecified, is any; a qualifier that is not said is the one that
    /// an identifier without one has: `idp` or `sp`.
    #[must_use]
    pub fn is(&self, asked: &Self, (idp, sp): (&str, &str)) -> bool {
        let format = asked.format.as_deref().unwrap_or(name_id::UNSPECIFIED);
        let fits = |asked: &Option<String>, own: &Option<String>, usual: &str| {
            let own = own.as_deref().unwrap_or(usual);
            asked.as_deref().is_none_or(|asked| asked == own)
        };
        self.value == asked.value
            && (format == name_id::UNSPECIFIED || self.format.as_deref() == Some(format))
            && fits(&asked.name_qualifier, &self.name_qualifier, idp)
            && fits(&asked.sp_name_qualifier, &self.sp_name_qualifier, sp)
    }
}

impl std::fmt::Debug for NameIdentifier {
    /// Says nothing about the person (B-34, A-046).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NameIdentifier(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::{Limits, parse};

    fn read(text: &str) -> Result<NameIdentifier, Error> {
        let document =
            format!("<s:NameID xmlns:s='{}' {text}</s:NameID>", super::super::names::ns::ASSERTION);
        NameIdentifier::read(parse(document.as_bytes(), Limits::MESSAGE).unwrap().root())
    }

    fn plain(value: &str) -> NameIdentifier {
        NameIdentifier {
            value: value.to_owned(),
            format: Some(name_id::PERSISTENT.to_owned()),
            name_qualifier: None,
            sp_name_qualifier: None,
        }
    }

    const US: (&str, &str) = ("https://idp.example", "https://sp.example");

    #[test]
    fn an_identifier_is_read_whole_and_as_it_stands() {
        let found = read("Format='urn:f' NameQualifier='q' SPNameQualifier='s'> a<!-- x -->b ");
        assert!(found.is_err() || found.unwrap().value == " ab ");
        let found = read("Format='urn:f' NameQualifier='q' SPNameQualifier='s'> a ").unwrap();
        assert_eq!((found.value.as_str(), found.format.as_deref()), (" a ", Some("urn:f")));
        assert_eq!(found.name_qualifier.as_deref(), Some("q"));
        assert_eq!(found.sp_name_qualifier.as_deref(), Some("s"));
        assert!(read(">").is_err());
        assert!(read(&format!(">{}", "x".repeat(257))).is_err());
        assert!(!format!("{found:?}").contains('q'));
    }

    #[test]
    fn an_identifier_matches_by_every_octet_of_what_is_said() {
        let own = plain("_abc");
        assert!(own.is(&plain("_abc"), US));
        assert!(!own.is(&plain("_ABC"), US));
        assert!(!own.is(&plain("_abc "), US));
        assert!(own.is(&NameIdentifier { format: None, ..plain("_abc") }, US));
        let other = Some(name_id::EMAIL.to_owned());
        assert!(!own.is(&NameIdentifier { format: other, ..plain("_abc") }, US));
    }

    #[test]
    fn a_qualifier_that_is_said_must_be_ours_or_theirs() {
        let own = plain("_abc");
        let qualified = |idp: &str, sp: &str| NameIdentifier {
            name_qualifier: Some(idp.to_owned()),
            sp_name_qualifier: Some(sp.to_owned()),
            ..plain("_abc")
        };
        assert!(own.is(&qualified(US.0, US.1), US));
        assert!(!own.is(&qualified("https://other.example", US.1), US));
        assert!(!own.is(&qualified(US.0, "https://other.example"), US));
    }

    #[test]
    fn each_kind_has_its_own_format() {
        for kind in [NameIdKind::Transient, NameIdKind::Persistent, NameIdKind::Email] {
            assert_eq!(NameIdKind::of_uri(kind.uri().unwrap()), Some(kind));
        }
        assert_eq!(NameIdKind::of_uri("urn:oasis:names:tc:SAML:2.0:nameid-format:TRANSIENT"), None);
        assert_eq!(NameIdKind::None.uri(), None);
    }
}
