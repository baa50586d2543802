//! Layer 3, sso: which stable code stands for which fault below. Exhaustive, so that a new fault
//! cannot be forgotten.

use crate::keys::KeyError;
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml;

impl From<saml::Error> for Refusal {
    fn from(error: saml::Error) -> Self {
        use saml::Error as E;
        let code = match &error {
            E::TooLong { limit: limits::BODY_BYTES, .. } => Code::BodyTooLarge,
            E::TooLong { .. } => Code::QueryTooLong,
            E::ParameterMissing { .. } => Code::MessageMissing,
            E::ParameterTwice { .. } => Code::ParameterTwice,
            E::Encoding { .. } => Code::BadEncoding,
            E::PercentEncoding { .. } | E::Base64 { .. } => Code::BadBase64,
            E::Deflate { .. } => Code::BadDeflate,
            E::InflatesTooLarge { .. } => Code::InflatesTooLarge,
            E::RelayStateTooLong { .. } => Code::RelayStateTooLong,
            E::NotUtf8 { .. } => Code::NotUtf8,
            E::Doctype => Code::Doctype,
            E::Malformed { .. } => Code::MalformedXml,
            E::XmlLimit { .. } => Code::XmlLimit,
            E::Element { .. } | E::Absent { .. } | E::Value { .. } | E::Exclusive { .. } => {
                Code::BadSchema
            }
            E::Version { .. } => Code::BadVersion,
            E::SignatureMissing => Code::SignatureMissing,
            E::Algorithm { .. } => Code::SignatureAlgorithm,
            E::SignatureForm { .. }
            | E::SignatureInvalid { .. }
            | E::Digest { .. }
            | E::DigestMismatch => Code::SignatureInvalid,
            E::Metadata { .. } | E::MetadataExpired { .. } | E::Key { .. } => Code::MetadataMissing,
            E::Unwritable { .. } => Code::AttributeUnusable,
            E::Encryption { .. } | E::EncryptionForm { .. } | E::Decrypt => Code::BadSchema,
            E::Sign | E::Encrypt => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::new(Code::NoSigningKey, error.to_string())
    }
}
