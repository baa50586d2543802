//! Layer 3, account: the cloud's link notification (contract §1.6): a form that the customer's
//! browser posts to us, signed with the keys of the cloud's metadata. What is read, is read from
//! the text that the signature covers.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use super::book::Evidence;
use super::link::Event;
use crate::refusal::{Code, Refusal};
use crate::saml::{Unsigned, Unverified, Verified, VerifyingKey};
use crate::secret;
use crate::store::account::CloudAccount;
use crate::store::record::PersonId;

/// Longest name or id in a notification, characters. The cloud's are at most 64.
const NAME_CHARS: usize = 256;

/// The form as it came.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// `bindRequest`: base64 of JSON.
    pub bind_request: &'a str,
    /// `SigAlg`.
    pub algorithm: &'a str,
    /// `Signature`, base64.
    pub signature: &'a str,
}

/// The fields of the form, decoded.
#[derive(Clone, Debug)]
pub struct Fields<'b> {
    bind_request: Cow<'b, str>,
    algorithm: Cow<'b, str>,
    signature: Cow<'b, str>,
}

impl<'b> Fields<'b> {
    /// Takes the body of the form apart. Fields that the contract does not name are ignored.
    ///
    /// # Errors
    /// [`Code::LinkNoticeUnreadable`].
    pub fn of(body: &'b [u8]) -> Result<Self, Refusal> {
        let (mut bind_request, mut algorithm, mut signature) = (None, None, None);
        for (name, value) in form_urlencoded::parse(body) {
            let slot = match name.as_ref() {
                "bindRequest" => &mut bind_request,
                "SigAlg" => &mut algorithm,
                "Signature" => &mut signature,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(unreadable(&format!("{name} once"), "it twice"));
            }
        }
        let (Some(bind_request), Some(algorithm), Some(signature)) =
            (bind_request, algorithm, signature)
        else {
            return Err(unreadable("bindRequest, SigAlg and Signature", "one missing"));
        };
        Ok(Self { bind_request, algorithm, signature })
    }

    /// The form.
    #[must_use]
    pub fn form(&self) -> Form<'_> {
        let Self { bind_request, algorithm, signature } = self;
        Form { bind_request, algorithm, signature }
    }
}

/// A notification whose signature was right.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What the cloud knows the customer by.
    pub account_id: PersonId,
    /// What it says.
    pub event: Event,
    /// How we know.
    pub evidence: Evidence,
}

/// The JSON inside. Keys that the contract does not name are ignored (§1.6.3).
#[derive(Deserialize)]
struct Text {
    #[serde(rename = "xUserId")]
    account_id: String,
    #[serde(rename = "domainId")]
    domain_id: String,
    #[serde(rename = "domainName")]
    domain_name: String,
    #[serde(rename = "userId")]
    user_id: Option<String>,
    #[serde(rename = "userName")]
    user_name: Option<String>,
    #[serde(rename = "bindAction")]
    action: Action,
}

/// A number in the cloud's example, a text in its table.
#[derive(Deserialize)]
#[serde(untagged)]
enum Action {
    Number(u64),
    Text(String),
}

impl Notice {
    /// Checks the signature over the text of `bindRequest` as it stands (§1.6.2), then reads it.
    ///
    /// # Errors
    /// [`Code::LinkNoticeSignature`], [`Code::LinkNoticeUnreadable`].
    pub fn read(form: Form<'_>, keys: &[VerifyingKey]) -> Result<Self, Refusal> {
        let forged =
            |error: crate::saml::Error| Refusal::new(Code::LinkNoticeSignature, error.to_string());
        let text = Unverified::signed_text(form.bind_request, form.algorithm, form.signature);
        let verified = text.and_then(|text| text.verify(keys, Unsigned::Refuse)).map_err(forged)?;
        Self::of(&verified)
    }

    fn of(verified: &Verified<String>) -> Result<Self, Refusal> {
        let octets = STANDARD
            .decode(verified.get())
            .map_err(|_| unreadable("base64 in bindRequest", "another text"))?;
        let text: Text = serde_json::from_slice(&octets).map_err(|error| {
            unreadable("the JSON of a notification", &format!("{:?}", error.classify()))
        })?;
        let account_id = PersonId::parse(&text.account_id)
            .ok_or_else(|| unreadable("an id in xUserId", "another text"))?;
        for (name, value) in [("domainId", &text.domain_id), ("domainName", &text.domain_name)] {
            if value.is_empty() || value.chars().count() > NAME_CHARS {
                return Err(unreadable(name, "an empty or too long text"));
            }
        }
        let short = |value: Option<String>| value.filter(|v| v.chars().count() <= NAME_CHARS);
        let cloud = CloudAccount {
            domain_id: text.domain_id,
            domain_name: text.domain_name,
            user_id: short(text.user_id),
            user_name: short(text.user_name),
        };
        let evidence = Evidence(json!({
            "source": "notification",
            "sha256": secret::fingerprint(verified.get()),
            "domain_id": cloud.domain_id,
        }));
        let event = match text.action {
            Action::Number(0) => Event::BindNotified(cloud),
            Action::Number(1) => Event::UnbindNotified(cloud.domain_id),
            Action::Text(action) if action == "0" => Event::BindNotified(cloud),
            Action::Text(action) if action == "1" => Event::UnbindNotified(cloud.domain_id),
            _ => return Err(unreadable("0 or 1 in bindAction", "another value")),
        };
        Ok(Self { account_id, event, evidence })
    }
}

fn unreadable(expected: &str, found: &str) -> Refusal {
    Refusal::new(Code::LinkNoticeUnreadable, format!("expected {expected}, found {found}"))
}
