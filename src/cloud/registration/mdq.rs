//! Layer 2, cloud: where a metadata query service has the metadata of one service provider
//! (draft-young-md-query §2.2, draft-young-md-query-saml §3).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::saml::{self, EndpointUrl, EntityId};

/// What stands for itself in a segment of a path (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a metadata query service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MdqForm {
    /// By the entityID, percent-encoded.
    EntityId,
    /// By `{sha1}` and the SHA-1 of the entityID, in hexadecimal digits. It is a name and proves
    /// nothing: the entityID in the answer is compared.
    Sha1,
}

/// The address of one service provider's metadata below `base`.
///
/// # Errors
/// When the address is too long.
pub fn mdq_address(
    base: &EndpointUrl,
    entity_id: &EntityId,
    form: MdqForm,
) -> Result<EndpointUrl, saml::Error> {
    let name = match form {
        MdqForm::EntityId => entity_id.as_str().to_owned(),
        MdqForm::Sha1 => {
            let octets = digest(&SHA1_FOR_LEGACY_USE_ONLY, entity_id.as_str().as_bytes());
            format!("{{sha1}}{}", hex::encode(octets))
        }
    };
    let base = base.as_str().trim_end_matches('/');
    EndpointUrl::parse(&format!("{base}/{}", utf8_percent_encode(&name, SEGMENT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_are_those_of_the_draft_s_examples() {
        let base = |text| EndpointUrl::parse(text).unwrap();
        let entity_id = EntityId::parse("http://example.org/service").unwrap();
        for base in [base("https://mdq.example/entities/"), base("https://mdq.example/entities")] {
            let plain = mdq_address(&base, &entity_id, MdqForm::EntityId).unwrap();
            let expected = "https://mdq.example/entities/http%3A%2F%2Fexample.org%2Fservice";
            assert_eq!(plain.as_str(), expected);
            let sha1 = mdq_address(&base, &entity_id, MdqForm::Sha1).unwrap();
            let expected = "https://mdq.example/entities/\
                            %7Bsha1%7D11d72e8cf351eb6c75c721e838f469677ab41bdb";
            assert_eq!(sha1.as_str(), expected);
        }
    }
}
