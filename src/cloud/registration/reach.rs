//! Layer 2, cloud: which of the addresses in metadata the gateway calls by itself.

use url::Url;

use super::Source;
use crate::saml::types::{is_loopback, is_private};

/// How far the addresses in metadata are called by the gateway itself, without a browser between
/// (conformance B-41).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everywhere: the operator vouches for them.
    Anywhere,
    /// Neither to this machine nor into a private network: the metadata came from outside.
    Outside,
}

impl Source {
    /// How far the addresses in metadata from here are called.
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::File(_) => Reach::Anywhere,
            Self::Url(url) => match Url::parse(url.as_str()) {
                Ok(url) if is_loopback(&url) || is_private(&url) => Reach::Anywhere,
                _ => Reach::Outside,
            },
            Self::Upload(_) => Reach::Outside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::{EndpointUrl, EntityId};

    #[test]
    fn metadata_from_outside_leads_neither_to_this_machine_nor_into_a_private_network() {
        let url = |text| Source::Url(EndpointUrl::parse(text).unwrap());
        for (source, reach) in [
            (Source::File("sp.xml".into()), Reach::Anywhere),
            (Source::Upload(EntityId::parse("urn:sp").unwrap()), Reach::Outside),
            (url("https://sp.example/metadata"), Reach::Outside),
            (url("https://10.0.0.7/metadata"), Reach::Anywhere),
            (url("http://localhost/metadata"), Reach::Anywhere),
        ] {
            assert_eq!(source.reach(), reach, "{source:?}");
        }
    }
}
