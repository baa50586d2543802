//! The assertion consumer, and the order of its checks: transport, document, request, signature,
//! statements, account. Apart room `fakecloud`; contract §4.5.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::byte_serialize;

use super::accounts::{Association, Link};
use super::assertion::{self, Expected, same};
use super::fault::{Fault, Finding};
use super::first_login::Newcomer;
use super::form::{Form, FormProblem};
use super::provision::{Others, Platform};
use super::read::{self, Element, Unreadable};
use super::record::Exchange;
use super::request::instant;
use super::state::{FirstLogin, Sent, Session};
use super::verify::verify;
use super::visit::{Browsers, Visit};
use super::{FakeCloud, PROTOCOL_NS, bounds, pages};
use crate::secret::fingerprint;
use crate::{limits, random};

/// `POST /authui/saml/SAMLAssertionConsumer`.
pub(crate) async fn consume(
    State(cloud): State<Arc<FakeCloud>>,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut arrived = Arrived::default();
    let outcome = match octets_of(&method, &headers, body).await {
        Ok(octets) => cloud.judge(&visit, &octets, &mut arrived),
        Err(finding) => Err(finding.into()),
    };
    cloud.note(arrived, outcome.as_ref().err().map(|refused| &refused.finding));
    match outcome {
        Ok(Landing::Console { service, token }) => {
            pages::redirect(&service, Some(cloud.browsers.session_cookie(&token)))
        }
        Ok(Landing::FirstLogin { name }) => pages::redirect(&format!("/first-login/{name}"), None),
        Err(refused) => {
            let mut response = pages::refused(&visit, &refused.finding, refused.retry);
            if refused.finding.fault == Fault::MethodNotPost {
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            response
        }
    }
}

/// What came in, for the record.
#[derive(Default)]
struct Arrived {
    request_id: Option<String>,
    response_xml: Option<String>,
    relay_state: Option<String>,
}

/// Where an accepted answer leads.
enum Landing {
    /// To the service, with a session.
    Console { service: String, token: String },
    /// To the page that creates or binds an account.
    FirstLogin { name: String },
}

/// Why an answer is not accepted, and the link that would help.
struct Refused {
    finding: Finding,
    retry: Option<String>,
}

impl From<Finding> for Refused {
    fn from(finding: Finding) -> Self {
        Self { finding, retry: None }
    }
}

impl FakeCloud {
    fn judge(
        &self,
        visit: &Visit,
        octets: &[u8],
        arrived: &mut Arrived,
    ) -> Result<Landing, Refused> {
        let (message, relay_state) = fields(octets)?;
        arrived.relay_state = Some(relay_state.clone());
        arrived.response_xml = std::str::from_utf8(&message).ok().map(str::to_owned);
        let text = read::text(&message).map_err(unreadable)?;
        let document = read::parse(text).map_err(unreadable)?;
        let response = response_of(Element::root(&document))?;
        let id = response.attribute("InResponseTo");
        arrived.request_id = id.map(str::to_owned);
        let (sent, platform) = self.request(id, &relay_state, visit)?;
        let verified = verify(response, &platform.idp.certificates)?;
        let now = self.now();
        let request_id = id.unwrap_or_default();
        self.state().outstanding.use_up(request_id, now)?;
        same(Fault::DestinationWrong, &self.at.acs, response.attribute("Destination"))?;
        let issuer = assertion::text_of(response, "Issuer")?;
        same(Fault::ResponseIssuerWrong, &platform.idp.entity_id, issuer.as_deref())?;
        assertion::issued_now(response, now)?;
        let expected = Expected {
            at: &self.at,
            idp: &platform.idp.entity_id,
            request_id,
            bp_id: &platform.bp_id,
            fresh_since: sent.force_authn.then_some(sent.at),
            now,
        };
        let statement = assertion::read(verified.assertion, &expected)?;
        let session = Session {
            account_type: sent.account_type.clone(),
            ends: statement.session_end().unwrap_or(now + bounds::SESSION_LIFE),
            statement,
            algorithm: verified.algorithm,
            certificate: verified.certificate,
            opened: now,
        };
        self.land(&platform, sent, session)
    }

    /// The request that is answered, if this is its answer in its browser. Nothing is used up yet:
    /// without a good signature anyone could use up other people's requests.
    fn request(
        &self,
        id: Option<&str>,
        relay_state: &str,
        visit: &Visit,
    ) -> Result<(Sent, Arc<Platform>), Finding> {
        let state = self.state();
        let sent = state.outstanding.waiting(id, self.now())?;
        same(Fault::RelayStateWrong, &sent.relay_state, Some(relay_state))?;
        if self.browsers == Browsers::ByCookie && !visit.is_from(&sent.browser) {
            let expected = "the cookie that the login link set";
            let came = if visit.browsers.is_empty() { "none" } else { "another one" };
            return Err(Finding::new(Fault::OtherBrowser, expected, came));
        }
        let account_type = &sent.account_type;
        let platform = state.platforms.get(account_type).ok_or_else(|| {
            let came = Some(account_type.as_str());
            Finding::value(Fault::AccountTypeUnknown, "a provisioned xAccountType", came)
        })?;
        Ok((sent.clone(), Arc::clone(platform)))
    }

    /// Opens the console for a customer who has a cloud account; one who comes for the first time
    /// gets to create or bind one.
    fn land(&self, platform: &Platform, sent: Sent, session: Session) -> Result<Landing, Refused> {
        let account = session.statement.attribute("xAccountId").to_owned();
        let link = Link { account_type: sent.account_type.clone(), account_id: account };
        if self.has_account(platform, link.clone())? {
            let token = self.open_session(session)?;
            return Ok(Landing::Console { service: sent.service, token });
        }
        if sent.first_login == FirstLogin::Yes {
            let (service, browser, at) = (sent.service, sent.browser, session.opened);
            let newcomer = Newcomer { link, service, browser, session, at, arrived: None };
            return Ok(Landing::FirstLogin { name: self.receive(newcomer)? });
        }
        let retry = format!(
            "{}/authui/saml/login?xAccountType={}&isFirstLogin=true&service={}",
            self.at.base,
            sent.account_type,
            byte_serialize(sent.service.as_bytes()).collect::<String>()
        );
        let expected = "a customer with an account, or isFirstLogin=true";
        let finding = Finding::value(Fault::NotBound, expected, Some(&link.account_id));
        Err(Refused { finding, retry: Some(retry) })
    }

    /// Whether the customer has an account; where everybody had one from the start, it is made now.
    pub(crate) fn has_account(&self, platform: &Platform, link: Link) -> Result<bool, Finding> {
        let association = Association::resale(&platform.bp_id, self.now());
        let accounts = &mut self.state().accounts;
        if accounts.of(&link).is_some() {
            return Ok(true);
        }
        if platform.others == Others::NotBound || accounts.was_unlinked(&link) {
            return Ok(false);
        }
        accounts
            .prebind(link, &association, &*self.random)
            .map_err(|_| Finding::new(Fault::TooManyAccounts, "a free place", "none"))?;
        Ok(true)
    }

    /// Opens the session now. Returns its token.
    pub(crate) fn open_session(&self, mut session: Session) -> Result<String, Finding> {
        session.opened = self.now();
        session.ends = session.ends.min(session.opened + bounds::SESSION_LIFE);
        let token = random::token(&*self.random);
        self.state().sessions.open(fingerprint(&token), session)?;
        Ok(token)
    }

    fn note(&self, arrived: Arrived, refusal: Option<&Finding>) {
        let now = instant(self.now());
        let mut state = self.state();
        let waiting = arrived.request_id.as_deref().and_then(|id| state.record.take_waiting(id));
        let mut exchange = waiting.unwrap_or_else(|| Exchange::begun(now));
        exchange.request_id = exchange.request_id.or(arrived.request_id);
        exchange.response_xml = arrived.response_xml;
        exchange.relay_state = arrived.relay_state;
        exchange.close(refusal);
        state.record.push(exchange);
    }
}

/// The body of a POST that carries a form.
async fn octets_of(method: &Method, headers: &HeaderMap, body: Body) -> Result<Bytes, Finding> {
    if method != Method::POST {
        return Err(Finding::new(Fault::MethodNotPost, "POST", method.as_str()));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !essence.is_some_and(|kind| kind.eq_ignore_ascii_case(FORM)) {
        return Err(Finding::value(Fault::NotAForm, FORM, kind));
    }
    to_bytes(body, limits::BODY_BYTES).await.map_err(|_| {
        let expected = format!("at most {} octets", limits::BODY_BYTES);
        Finding::new(Fault::FormTooLarge, expected, "more, or a broken transfer")
    })
}

/// The decoded message and the `RelayState`.
fn fields(octets: &[u8]) -> Result<(Vec<u8>, String), Finding> {
    let form = Form::parse(octets).map_err(|problem| match problem {
        FormProblem::Unreadable(came) => {
            Finding::new(Fault::FormUnreadable, "percent-encoded UTF-8", came)
        }
        FormProblem::Twice(name) => {
            Finding::value(Fault::FieldTwice, "each field once", Some(&name))
        }
    })?;
    let message = form
        .get("SAMLResponse")
        .ok_or_else(|| Finding::value(Fault::ResponseMissing, "a SAMLResponse field", None))?;
    let relay_state = form
        .get("RelayState")
        .ok_or_else(|| Finding::value(Fault::RelayStateMissing, "a RelayState field", None))?;
    let message = STANDARD.decode(message).map_err(|e| {
        Finding::new(Fault::BadBase64, "standard base64 on one line", e.to_string())
    })?;
    Ok((message, relay_state.to_owned()))
}

fn unreadable(why: Unreadable) -> Finding {
    match why {
        Unreadable::Encoding(came) => Finding::new(Fault::NotUtf8, "UTF-8", came),
        Unreadable::Doctype => Finding::new(Fault::Doctype, "no DOCTYPE", "a DOCTYPE"),
        Unreadable::Malformed(came) => Finding::new(Fault::Malformed, "well-formed XML", came),
    }
}

/// The document element, if it is a Response of version 2.0 that reports success.
fn response_of(root: Option<Element<'_>>) -> Result<Element<'_>, Finding> {
    let came = root.map(|root| format!("<{}>", root.name())).unwrap_or_default();
    let Some(response) = root.filter(|root| root.is(PROTOCOL_NS, "Response")) else {
        return Err(Finding::new(Fault::NotAResponse, "a SAML 2.0 Response", came));
    };
    assertion::version(response)?;
    let mut codes = Vec::new();
    let mut at = response.one(PROTOCOL_NS, "Status")?;
    while let Some(holder) = at {
        at = holder.one(PROTOCOL_NS, "StatusCode")?;
        codes.extend(at.map(|code| code.attribute("Value").unwrap_or_default()));
    }
    if codes.first() != Some(&SUCCESS) {
        return Err(Finding::new(Fault::StatusNotSuccess, SUCCESS, codes.join(" / ")));
    }
    Ok(response)
}

const FORM: &str = "application/x-www-form-urlencoded";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
