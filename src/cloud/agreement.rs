//! Layer 2, cloud: what a customer agrees to when an account is opened for them (contract §1.5.5),
//! as data of the profile.

use serde::Deserialize;

use super::value::Text;
use crate::saml::EndpointUrl;

/// The section `[agreements]` of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreements {
    /// The cloud's user agreement.
    pub user_agreement: Document,
    /// The cloud's privacy statement.
    pub privacy_statement: Document,
    /// The version of both, where the cloud names one. Without it the time of the consent tells.
    pub version: Option<Text>,
}

/// A document in two languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Where it is in English.
    pub en: EndpointUrl,
    /// Where it is in Chinese.
    pub zh: EndpointUrl,
}
