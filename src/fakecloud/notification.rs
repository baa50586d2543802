//! The notification that a customer was bound to an account or unbound from it: signed by the
//! cloud, carried by the customer's browser to the partner. Apart room `fakecloud`; contract §1.6.
//!
//! It carries no nonce and no time, as the live one: whoever has it can send it again. Every one
//! that was made is kept, so that a checker can.

use std::collections::{HashMap, VecDeque};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::Serializer;

use super::accounts::{Account, Link};
use super::fault::{Fault, Finding};
use super::knobs::Knobs;
use super::pages::Problem;
use super::script::{Api, Effect};
use super::{Error, FakeCloud, bounds};

/// What happened between customer and account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindAction {
    /// The customer has the account now: `0` on the wire. In JSON of the API: `"bind"`.
    Bind,
    /// The customer has it no more: `1` on the wire. In JSON of the API: `"unbind"`.
    Unbind,
}

/// How `bindAction` is written: the contract's table says String, its example shows a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindActionType {
    /// `"0"` or `"1"`.
    #[default]
    String,
    /// `0` or `1`.
    Number,
}

/// Whose account it is about, as the partner is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The account's name.
    pub(crate) domain_name: String,
    /// The account's id.
    pub(crate) domain_id: String,
    /// The name of its first user.
    pub(crate) user_name: String,
    /// The id of its first user.
    pub(crate) user_id: String,
}

impl Holder {
    /// An account that does not exist, always the same for the same customer: for notifications
    /// about customers whom this cloud does not know.
    fn invented(link: &Link) -> Self {
        let id = |of: &str| {
            let name = format!("{of}\n{}\n{}", link.account_type, link.account_id);
            let mut id = [0u8; 16];
            id.copy_from_slice(&digest(&SHA256, name.as_bytes()).as_ref()[..16]);
            format!("{:032x}", u128::from_be_bytes(id))
        };
        let name = format!("h{}", &id("name")[..11]);
        Self {
            user_name: name.clone(),
            domain_name: name,
            domain_id: id("domain"),
            user_id: id("user"),
        }
    }
}

impl From<&Account> for Holder {
    fn from(account: &Account) -> Self {
        Self {
            domain_name: account.domain_name.clone(),
            domain_id: account.domain_id.clone(),
            user_name: account.user_name.clone(),
            user_id: account.user_id.clone(),
        }
    }
}

/// A signed notification: where it goes, and the three fields of its form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// The partner's address for results (通知结果绑定地址).
    pub url: String,
    /// base64 of the JSON.
    #[serde(rename = "bindRequest")]
    pub bind_request: String,
    /// The signature's algorithm.
    #[serde(rename = "SigAlg")]
    pub sig_alg: &'static str,
    /// base64 of the signature over the octets of `bindRequest`.
    #[serde(rename = "Signature")]
    pub signature: String,
    /// The body of the POST, URL-encoded.
    pub form: String,
}

/// The notifications that were made, oldest first; the oldest are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    made: VecDeque<Notification>,
    /// One for each address of a partner that waits for the next one to go first.
    held: HashMap<String, Notification>,
}

impl Notifications {
    fn push(&mut self, notification: Notification) {
        if self.made.len() == bounds::NOTIFICATIONS {
            self.made.pop_front();
        }
        self.made.push_back(notification);
    }
}

impl FakeCloud {
    /// Signs the notification about a customer, and changes nothing else. Without `holder` it names
    /// the customer's account, or one that does not exist if the customer has none.
    /// A platform that is unknown or has no address for results is a finding.
    pub(crate) fn notification(
        &self,
        link: &Link,
        action: BindAction,
        holder: Option<Holder>,
    ) -> Result<Notification, Problem> {
        let (url, knobs, holder) = {
            let state = self.state();
            let platform = state.platforms.get(&link.account_type).ok_or_else(|| {
                let came = Some(link.account_type.as_str());
                Finding::value(Fault::AccountTypeUnknown, "a provisioned xAccountType", came)
            })?;
            let url = platform.callback_url.clone().ok_or_else(|| {
                let expected = "a platform provisioned with callback_url";
                Finding::value(Fault::CallbackMissing, expected, None)
            })?;
            let known = || state.accounts.of(link).map(Holder::from);
            let holder = holder.or_else(known).unwrap_or_else(|| Holder::invented(link));
            (url, state.knobs.clone(), holder)
        };
        let notification = self.signed(url, &json(link, action, &holder, &knobs), &knobs)?;
        self.state().notifications.push(notification.clone());
        Ok(notification)
    }

    /// The notifications for the customer's browser to carry, in this order. One, unless the fault
    /// script says otherwise; none where the partner has no address for them.
    pub(crate) fn tell_partner(
        &self,
        link: &Link,
        action: BindAction,
        holder: Holder,
    ) -> Result<Vec<Notification>, Problem> {
        match self.notification(link, action, Some(holder)) {
            Ok(notification) => Ok(self.scripted(notification)),
            Err(Problem::Refused(finding)) if finding.fault == Fault::CallbackMissing => {
                Ok(Vec::new())
            }
            Err(problem) => Err(problem),
        }
    }

    /// Every notification that was made and is remembered, oldest first.
    pub fn notifications(&self) -> Vec<Notification> {
        self.state().notifications.made.iter().cloned().collect()
    }

    /// What the fault script makes of a notification.
    fn scripted(&self, notification: Notification) -> Vec<Notification> {
        let mut state = self.state();
        let effect = state.faults.next(Api::Notification);
        let held = &mut state.notifications.held;
        match effect {
            Some(Effect::Lose) => Vec::new(),
            Some(Effect::OutOfOrder) if !held.contains_key(&notification.url) => {
                held.insert(notification.url.clone(), notification);
                Vec::new()
            }
            effect => {
                let late = held.remove(&notification.url);
                let again = (effect == Some(Effect::Twice)).then(|| notification.clone());
                [Some(notification), again, late].into_iter().flatten().collect()
            }
        }
    }

    /// The signature covers the base64 text: the value of the parameter after form decoding.
    fn signed(&self, url: String, json: &str, knobs: &Knobs) -> Result<Notification, Error> {
        let bind_request = STANDARD.encode(json);
        let signature = self.keys.signing(knobs.certificates).sign(bind_request.as_bytes())?;
        let signature = STANDARD.encode(signature);
        let form = Serializer::new(String::new())
            .append_pair("bindRequest", &bind_request)
            .append_pair("SigAlg", RSA_SHA256)
            .append_pair("Signature", &signature)
            .finish();
        Ok(Notification { url, bind_request, sig_alg: RSA_SHA256, signature, form })
    }
}

/// The keys in the order of the contract's example.
fn json(link: &Link, action: BindAction, holder: &Holder, knobs: &Knobs) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct BindRequest<'a> {
        domain_name: &'a str,
        domain_id: &'a str,
        user_name: &'a str,
        user_id: &'a str,
        x_user_id: &'a str,
        bind_action: serde_json::Value,
    }
    let code: u8 = match action {
        BindAction::Bind => 0,
        BindAction::Unbind => 1,
    };
    let request = BindRequest {
        domain_name: &holder.domain_name,
        domain_id: &holder.domain_id,
        user_name: &holder.user_name,
        user_id: &holder.user_id,
        x_user_id: &link.account_id,
        bind_action: match knobs.bind_action_type {
            BindActionType::String => code.to_string().into(),
            BindActionType::Number => code.into(),
        },
    };
    serde_json::to_string(&request).expect("texts and a small number are always JSON")
}

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
