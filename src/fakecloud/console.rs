//! What people see: the front page, the console of a signed-in customer, signing out, provisioning
//! by hand. Apart room `fakecloud`; contract §1.10, §6, §10.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::FakeCloud;
use super::api::{from_fields, unreadable};
use super::form::Form;
use super::pages::{
    Console, Frame, Front, Notice, ProvisionForm, Provisioned, broken, page, redirect,
};
use super::request::instant;
use super::state::Session;
use super::visit::Visit;

/// `GET /`.
pub(crate) async fn front(State(cloud): State<Arc<FakeCloud>>, visit: Visit) -> Response {
    let mut exchanges = cloud.exchanges();
    exchanges.reverse();
    let codes = cloud.codes().into_iter();
    let codes = codes.map(|(to, sent)| (to, sent.code, instant(sent.expires))).collect();
    let front = {
        let state = cloud.state();
        let known = state.platforms.iter();
        let mut platforms: Vec<_> =
            known.map(|(name, platform)| (name.to_string(), Arc::clone(platform))).collect();
        platforms.sort_by(|(one, _), (other, _)| one.cmp(other));
        let knobs = serde_json::to_string_pretty(&state.knobs).unwrap_or_default();
        let entity_id = cloud.at.entity_id.clone();
        Front { frame: Frame::of(&visit), entity_id, platforms, codes, knobs, exchanges }
    };
    page(StatusCode::OK, &front)
}

/// `GET /authui/saml/metadata.xml[?unsigned=true]`: any other value, or none, gives the signed
/// form.
pub(crate) async fn metadata(State(cloud): State<Arc<FakeCloud>>, visit: Visit) -> Response {
    let unsigned = visit.form().is_ok_and(|form| form.get("unsigned") == Some("true"));
    let document = if unsigned { Ok(cloud.unsigned_metadata()) } else { cloud.metadata() };
    match document {
        Ok(xml) => ([(header::CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response(),
        Err(error) => broken(&error),
    }
}

/// `GET /iam/…`, `GET /console/…`: any deep link below them.
pub(crate) async fn console(State(cloud): State<Arc<FakeCloud>>, visit: Visit) -> Response {
    let found = {
        let state = cloud.state();
        let session = visit.session.as_deref();
        session.and_then(|name| state.sessions.get(name, cloud.now())).map(|session| {
            let platform = state.platforms.get(&session.account_type);
            (session.clone(), platform.and_then(|platform| platform.return_url.clone()))
        })
    };
    match found {
        Some((session, return_url)) => {
            page(StatusCode::OK, &console_of(&visit, session, return_url))
        }
        None => page(
            StatusCode::FORBIDDEN,
            &Notice {
                frame: Frame::of(&visit),
                title: ("尚未登录", "Nobody is signed in"),
                text: (
                    "请从伙伴平台点击“云控制台”进入。",
                    "Come in through the “Cloud console” button of your partner's site.",
                ),
            },
        ),
    }
}

fn console_of(visit: &Visit, session: Session, return_url: Option<String>) -> Console {
    let fingerprint = digest(&SHA256, &session.certificate);
    let hex: Vec<String> = fingerprint.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    let query = if visit.query.is_empty() { String::new() } else { format!("?{}", visit.query) };
    Console {
        frame: Frame::of(visit),
        unbind: Serializer::new(String::new())
            .append_pair("xAccountType", session.account_type.as_str())
            .append_pair("xAccountId", session.statement.attribute("xAccountId"))
            .finish(),
        account_type: session.account_type.to_string(),
        path: format!("{}{query}", visit.path),
        algorithm: session.algorithm,
        certificate: hex.join(":"),
        opened: instant(session.opened),
        ends: instant(session.ends),
        statement: session.statement,
        return_url,
    }
}

/// `GET /authui/logout`: ends the session, then sends the browser to the partner's
/// `SingleLogoutService` by a plain redirect (contract §1.10).
pub(crate) async fn log_out(State(cloud): State<Arc<FakeCloud>>, visit: Visit) -> Response {
    let partner = {
        let mut state = cloud.state();
        let ended = visit.session.as_deref().and_then(|name| state.sessions.end(name));
        ended
            .and_then(|session| state.platforms.get(&session.account_type))
            .and_then(|platform| platform.idp.slo.clone())
    };
    match partner {
        Some(slo) => redirect(&slo, Some(cloud.browsers.no_session_cookie())),
        None => signed_out(&cloud, &visit),
    }
}

/// `GET /authui/saml/LogoutServiceHTTPRedirect` and `…RedirectResponse`: the session is over,
/// whoever began.
pub(crate) async fn logged_out(State(cloud): State<Arc<FakeCloud>>, visit: Visit) -> Response {
    if let Some(name) = visit.session.as_deref() {
        cloud.state().sessions.end(name);
    }
    signed_out(&cloud, &visit)
}

fn signed_out(cloud: &FakeCloud, visit: &Visit) -> Response {
    let notice = Notice {
        frame: Frame::of(visit),
        title: ("已退出", "Signed out"),
        text: ("您在模拟云的会话已结束。", "Your session at the simulated cloud is over."),
    };
    let mut response = page(StatusCode::OK, &notice);
    if let Ok(cookie) = HeaderValue::from_str(&cloud.browsers.no_session_cookie()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// `GET /provision`.
pub(crate) async fn provision_form(visit: Visit) -> Response {
    let frame = Frame::of(&visit);
    page(StatusCode::OK, &ProvisionForm { frame, fields: Form::default(), problem: None })
}

/// `POST /provision`.
pub(crate) async fn provision(
    State(cloud): State<Arc<FakeCloud>>,
    visit: Visit,
    body: Bytes,
) -> Response {
    let frame = Frame::of_post(&visit);
    let (fields, outcome) = match Form::parse(&body) {
        Ok(fields) => {
            let metadata = fields.get("metadata_xml").unwrap_or_default().to_owned();
            let outcome = from_fields(&fields, metadata).and_then(|p| cloud.provision(&p));
            (fields, outcome)
        }
        Err(problem) => (Form::default(), Err(unreadable(problem))),
    };
    match outcome {
        Ok(account_type) => {
            let service = format!("{}/iam/", cloud.at.base);
            let service: String = byte_serialize(service.as_bytes()).collect();
            let login_link = format!(
                "{}/authui/saml/login?xAccountType={account_type}&isFirstLogin=false\
                 &service={service}",
                cloud.at.base
            );
            let account_type = account_type.to_string();
            page(StatusCode::OK, &Provisioned { frame, account_type, login_link })
        }
        Err(finding) => {
            let status = finding.fault.status();
            page(status, &ProvisionForm { frame, fields, problem: Some(finding) })
        }
    }
}

/// Any other address.
pub(crate) async fn nowhere(visit: Visit) -> Response {
    let notice = Notice {
        frame: Frame::of_post(&visit),
        title: ("没有此页面", "No such page"),
        text: ("模拟云中没有这个地址。", "The simulated cloud has no such address."),
    };
    page(StatusCode::NOT_FOUND, &notice)
}
