//! What tests ask of accounts, links and notifications without a browser. Apart room `fakecloud`;
//! contract §1.6, §10.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::accounts::{Account, Association, Link, NewAccount, Source, Taken};
use super::fault::{Fault, Finding};
use super::notification::{BindAction, Holder};
use super::pages::{Problem, broken, json_fault};
use super::provision::XAccountType;
use super::{FakeCloud, bounds};

/// An account that somebody has before they come from a partner. In JSON: `POST /api/accounts`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Existing {
    /// Its name, unique in the cloud.
    pub name: String,
    /// What opens it.
    pub password: String,
    /// Its mobile number, without the country.
    #[serde(default)]
    pub mobile: Option<String>,
    /// Its e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The partner, by `bp_id`, who sells to it; otherwise nobody.
    #[serde(default)]
    pub partner: Option<String>,
}

/// `POST /api/accounts`.
pub(crate) async fn open_account(State(cloud): State<Arc<FakeCloud>>, body: Bytes) -> Response {
    match read::<Existing>(&body).and_then(|existing| cloud.open_account(existing)) {
        Ok(account) => Json(account).into_response(),
        Err(finding) => json_fault(&finding),
    }
}

/// `POST /api/unbind`: takes the link away. Answers with the notifications for the caller to
/// carry, in this order; none where the partner has no address for them.
pub(crate) async fn unbind(State(cloud): State<Arc<FakeCloud>>, body: Bytes) -> Response {
    let told = read::<Whom>(&body).map_err(Problem::from).and_then(|whom| {
        let link = whom.link()?;
        let holder = cloud.unlink(&link)?;
        cloud.tell_partner(&link, BindAction::Unbind, holder)
    });
    answer(told.map(|notifications| json!({ "notifications": notifications })))
}

/// `POST /api/notification`: signs a notification and changes nothing.
pub(crate) async fn notification(State(cloud): State<Arc<FakeCloud>>, body: Bytes) -> Response {
    let signed = read::<Wanted>(&body).map_err(Problem::from).and_then(|wanted| {
        let link = Whom { account_type: wanted.account_type, account_id: wanted.account_id };
        let holder = wanted.account.map(Holder::from);
        cloud.notification(&link.link()?, wanted.action, holder)
    });
    answer(signed.map(|notification| json!({ "notification": notification })))
}

/// `GET /api/notifications`: those that were made, oldest first, to be sent again or in another
/// order.
pub(crate) async fn notifications(State(cloud): State<Arc<FakeCloud>>) -> Response {
    Json(json!({ "notifications": cloud.notifications() })).into_response()
}

impl FakeCloud {
    /// Makes an account that belongs to no customer of a partner yet.
    ///
    /// # Errors
    /// A finding of the `FC-5xx` range where its name or number is taken or the house is full.
    pub fn open_account(&self, existing: Existing) -> Result<Account, Finding> {
        let now = self.now();
        let account = NewAccount {
            name: Some(existing.name.clone()),
            mobile: existing.mobile,
            email: existing.email,
            password: Some(existing.password),
            link: None,
            association: existing.partner.map(|partner| Association::resale(&partner, now)),
            source: Source::Page,
            now,
        };
        let mut state = self.state();
        let made = state.accounts.create(account, bounds::ACCOUNTS_A_MOBILE, &*self.random);
        made.cloned().map_err(|taken| match taken {
            Taken::Full => Finding::new(Fault::TooManyAccounts, "a free place", "none"),
            Taken::Mobile | Taken::Email => Finding::new(Fault::ContactTaken, "a free one", "one"),
            _ => Finding::value(Fault::AccountNameTaken, "a free name", Some(&existing.name)),
        })
    }
}

/// A customer, as the API names one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whom {
    #[serde(rename = "xAccountType")]
    account_type: String,
    #[serde(rename = "xAccountId")]
    account_id: String,
}

impl Whom {
    fn link(self) -> Result<Link, Finding> {
        Ok(Link {
            account_type: XAccountType::parse(&self.account_type)?,
            account_id: self.account_id,
        })
    }
}

/// A notification, as the API asks for one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(rename = "xAccountType")]
    account_type: String,
    #[serde(rename = "xAccountId")]
    account_id: String,
    action: BindAction,
    /// Another account than the customer's own.
    #[serde(default)]
    account: Option<Claimed>,
}

/// An account that a test claims.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Claimed {
    domain_name: String,
    domain_id: String,
    user_name: String,
    user_id: String,
}

impl From<Claimed> for Holder {
    fn from(claimed: Claimed) -> Self {
        Self {
            domain_name: claimed.domain_name,
            domain_id: claimed.domain_id,
            user_name: claimed.user_name,
            user_id: claimed.user_id,
        }
    }
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Finding> {
    serde_json::from_slice(body).map_err(|e| {
        let expected = "JSON with the fields of this call";
        Finding::new(Fault::CallUnreadable, expected, e.to_string())
    })
}

fn answer(outcome: Result<serde_json::Value, Problem>) -> Response {
    match outcome {
        Ok(value) => Json(value).into_response(),
        Err(Problem::Refused(finding)) => json_fault(&finding),
        Err(Problem::Broken(error)) => broken(&error),
    }
}
