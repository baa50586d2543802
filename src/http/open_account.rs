//! Layer 5, http: our own page on which a customer opens an account at the cloud.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;

use super::caller::{Caller, within_limit};
use super::sign_in::typed;
use crate::cloud::api;
use crate::page::{Language, field};
use crate::refusal::Refusal;
use crate::sso::{Button, Consent, Sent, Turn};

/// `GET /{tenant}/open-account?service=…`
pub(super) async fn page(caller: Caller) -> Response {
    let service = caller.context.parameter("service");
    let Caller { visit, browser, .. } = &caller;
    caller.shown(caller.sso().opening(visit, browser, service.as_deref()).await)
}

/// `POST /{tenant}/open-account?service=…`
pub(super) async fn submit(caller: Caller, body: Result<Bytes, BytesRejection>) -> Response {
    caller.shown(open(&caller, body).await)
}

async fn open(caller: &Caller, body: Result<Bytes, BytesRejection>) -> Result<Turn, Refusal> {
    let body = within_limit(body)?;
    let typed = |name| typed(&body, name);
    let [name, contact, code] = [field::NAME, field::CONTACT, field::CODE].map(typed);
    let [area, consent, csrf] = [field::AREA, field::CONSENT, field::CSRF].map(typed);
    let sent = Sent {
        name: &name,
        contact: &contact,
        code: &code,
        area: &area,
        consent: if consent.is_empty() { Consent::Missing } else { Consent::Given },
        button: match typed(field::BUTTON).as_str() {
            field::SEND_CODE => Button::SendCode,
            _ => Button::Open,
        },
        csrf: &csrf,
        language: match caller.context.language {
            Language::En => api::Language::En,
            Language::Zh => api::Language::Zh,
        },
    };
    let service = caller.context.parameter("service");
    caller.sso().open(&caller.visit, &caller.browser, service.as_deref(), &sent).await
}
