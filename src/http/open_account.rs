//! Layer 5, http: our own page on which a customer opens an account at the cloud.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use super::context::Context;
use super::launch::too_large;
use super::sign_in::typed;
use super::{Gateway, show};
use crate::cloud::api;
use crate::page::{Language, field};
use crate::sso::{Button, Consent, Sent};

/// `GET /{tenant}/open-account?service=…`
pub(super) async fn page(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
) -> Response {
    let visit = match gateway.sso.visit(&tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(&gateway, &context, None, &refused),
    };
    let browser = context.browser(&visit.tenant);
    let service = context.parameter("service");
    let turn = gateway.sso.opening(&visit, &browser, service.as_deref()).await;
    show::turn(&gateway, &context, &visit, turn)
}

/// `POST /{tenant}/open-account?service=…`
pub(super) async fn submit(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let visit = match gateway.sso.visit(&tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(&gateway, &context, None, &refused),
    };
    let Ok(body) = body else {
        return show::refusal(&gateway, &context, Some(&visit), &too_large());
    };
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
        language: match context.language {
            Language::En => api::Language::En,
            Language::Zh => api::Language::Zh,
        },
    };
    let browser = context.browser(&visit.tenant);
    let service = context.parameter("service");
    let turn = gateway.sso.open(&visit, &browser, service.as_deref(), &sent).await;
    show::turn(&gateway, &context, &visit, turn)
}
