//! Unbinding, by a person. Apart room `fakecloud`; contract §1.7. What triggers an unbind at the
//! live cloud is not public.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::FakeCloud;
use super::accounts::Link;
use super::api::unreadable;
use super::fault::{Fault, Finding};
use super::first_login_pages::carry;
use super::form::Form;
use super::notification::{BindAction, Holder};
use super::pages::{Frame, Notice, page};
use super::provision::XAccountType;
use super::visit::Visit;

/// `GET /unbind[?xAccountType=…&xAccountId=…]`.
pub(crate) async fn form(visit: Visit) -> Response {
    let fields = visit.form().unwrap_or_default();
    page(StatusCode::OK, &Unbind { frame: Frame::of(&visit), fields, problem: None })
}

/// `POST /unbind`: takes the link away and has the browser tell the partner.
pub(crate) async fn unbind(
    State(cloud): State<Arc<FakeCloud>>,
    visit: Visit,
    body: Bytes,
) -> Response {
    let (fields, outcome) = match Form::parse(&body).map_err(unreadable) {
        Ok(fields) => {
            let outcome = link_of(&fields).and_then(|link| Ok((cloud.unlink(&link)?, link)));
            (fields, outcome)
        }
        Err(finding) => (Form::default(), Err(finding)),
    };
    match outcome {
        Ok((holder, link)) => carry(&cloud, &visit, &link, (BindAction::Unbind, holder))
            .unwrap_or_else(|| page(StatusCode::OK, &untold(&visit))),
        Err(finding) => {
            let (status, frame) = (finding.fault.status(), Frame::of_post(&visit));
            page(status, &Unbind { frame, fields, problem: Some(finding) })
        }
    }
}

impl FakeCloud {
    /// Takes the account away from a customer. Returns whose it was.
    ///
    /// # Errors
    /// [`Fault::NotBound`] for a customer without an account, [`Fault::AccountTypeUnknown`].
    pub(crate) fn unlink(&self, link: &Link) -> Result<Holder, Finding> {
        let platform = self.state().platforms.get(&link.account_type).cloned();
        let platform = platform.ok_or_else(|| {
            let came = Some(link.account_type.as_str());
            Finding::value(Fault::AccountTypeUnknown, "a provisioned xAccountType", came)
        })?;
        // Where everybody has an account from the start, there is one to take away.
        self.has_account(&platform, link.clone())?;
        let mut state = self.state();
        state.accounts.unbind(link).map(Holder::from).ok_or_else(|| {
            let came = Some(link.account_id.as_str());
            Finding::value(Fault::NotBound, "a customer with an account", came)
        })
    }
}

#[derive(Template)]
#[template(path = "fakecloud/unbind.html")]
struct Unbind {
    frame: Frame,
    fields: Form,
    problem: Option<Finding>,
}

impl Unbind {
    fn value(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_default()
    }
}

fn link_of(fields: &Form) -> Result<Link, Finding> {
    let field = |name: &str| fields.filled(name).unwrap_or_default();
    let account_type = XAccountType::parse(field("xAccountType"))?;
    Ok(Link { account_type, account_id: field("xAccountId").to_owned() })
}

fn untold(visit: &Visit) -> Notice {
    Notice {
        frame: Frame::of_post(visit),
        title: ("账号已解绑", "The account is unbound"),
        text: (
            "没有通知伙伴平台：未登记通知地址，或故障脚本丢弃了通知。",
            "The partner is not told: it has no address for results, or the fault script lost it.",
        ),
    }
}
