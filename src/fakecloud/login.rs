//! The login link: remembers who comes from where and sends the browser to the gateway. Apart room
//! `fakecloud`; contract §2 and, for the choices that the contract leaves open, its simulator
//! defaults.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use url::Url;

use super::FakeCloud;
use super::fault::{Fault, Finding};
use super::form::FormProblem;
use super::pages;
use super::provision::XAccountType;
use super::record::Exchange;
use super::request::{AuthnRequest, instant, new_relay_state};
use super::state::{FirstLogin, Sent};
use super::visit::Visit;
use crate::limits;
use crate::random;
use crate::secret::fingerprint;

/// `GET /authui/saml/login`.
pub(crate) async fn login(State(cloud): State<Arc<FakeCloud>>, visit: Visit) -> Response {
    let known = visit.browsers.first().cloned();
    let browser = known.unwrap_or_else(|| random::token(&*cloud.random));
    match cloud.begin(&visit, &browser) {
        Ok(url) => pages::redirect(&url, Some(cloud.browsers.browser_cookie(&browser))),
        Err(pages::Problem::Refused(finding)) => {
            let mut exchange = Exchange::begun(instant(cloud.now()));
            exchange.close(Some(&finding));
            cloud.state().record.push(exchange);
            pages::refused(&visit, &finding, None)
        }
        Err(pages::Problem::Broken(error)) => pages::broken(&error),
    }
}

impl FakeCloud {
    /// The address to redirect to.
    fn begin(&self, visit: &Visit, browser: &str) -> Result<String, pages::Problem> {
        let link = self.link(visit)?;
        let now = self.now();
        let (knobs, sso, last) = {
            let state = self.state();
            let platform = state.platforms.get(&link.account_type).ok_or_else(|| {
                let came = Some(link.account_type.as_str());
                Finding::value(Fault::AccountTypeUnknown, "a provisioned xAccountType", came)
            })?;
            (
                state.knobs.clone(),
                platform.idp.sso.clone(),
                state.last_redirects.get(&link.account_type).cloned(),
            )
        };
        let mut exchange = Exchange::begun(instant(now));
        exchange.x_account_type = Some(link.account_type.to_string());
        if let Some(url) = last.filter(|_| knobs.replay_request) {
            exchange.redirect_url = Some(url.clone());
            self.state().record.push(exchange);
            return Ok(url);
        }
        let request = AuthnRequest::new(&self.at, &sso, &knobs, now, &*self.random);
        let relay_state = new_relay_state(&*self.random);
        let url = request.redirect(&sso, &relay_state, &self.keys, &knobs)?;
        exchange.request_id = Some(request.id.clone());
        exchange.redirect_url = Some(url.clone());
        exchange.authn_request_xml = Some(request.xml);
        let sent = Sent {
            account_type: link.account_type.clone(),
            relay_state,
            first_login: link.first_login,
            service: link.service,
            browser: fingerprint(browser),
            at: now,
            force_authn: knobs.force_authn,
            answered: false,
        };
        let mut state = self.state();
        state.outstanding.insert(request.id, sent)?;
        state.record.push(exchange);
        state.last_redirects.insert(link.account_type, url.clone());
        Ok(url)
    }

    fn link(&self, visit: &Visit) -> Result<Link, Finding> {
        if visit.query.len() > limits::QUERY_BYTES {
            let expected = format!("at most {} octets", limits::QUERY_BYTES);
            let came = visit.query.len().to_string();
            return Err(Finding::new(Fault::LinkUnreadable, expected, came));
        }
        let form = visit.form().map_err(|problem| match problem {
            FormProblem::Unreadable(came) => {
                Finding::new(Fault::LinkUnreadable, "percent-encoded UTF-8", came)
            }
            FormProblem::Twice(name) => {
                Finding::value(Fault::LinkParameterTwice, "each parameter once", Some(&name))
            }
        })?;
        let account_type = form.filled("xAccountType").ok_or_else(|| {
            Finding::value(Fault::AccountTypeMissing, "xAccountType in the link", None)
        })?;
        let account_type = XAccountType::parse(account_type).map_err(|finding| Finding {
            // An impossible name is as unknown as a possible one that nobody has.
            fault: Fault::AccountTypeUnknown,
            ..finding
        })?;
        let first_login = match form.get("isFirstLogin") {
            Some("true") => FirstLogin::Yes,
            Some("false") | None => FirstLogin::No,
            other => {
                let fault = Fault::FirstLoginUnreadable;
                return Err(Finding::value(fault, "“true”, “false” or nothing", other));
            }
        };
        let service = match form.filled("service") {
            Some(service) => self.allowed_service(service)?,
            None => format!("{}/iam/", self.at.base),
        };
        Ok(Link { account_type, first_login, service })
    }

    /// `service` would be an open redirect: only https on the site's console hosts, and our own
    /// pages.
    fn allowed_service(&self, service: &str) -> Result<String, Finding> {
        let hosts = self.site.service_hosts();
        Url::parse(service)
            .ok()
            .filter(|_| service.len() <= limits::URL_BYTES)
            .filter(|url| url.username().is_empty() && url.password().is_none())
            .filter(|url| {
                let ours = url.origin().ascii_serialization() == self.at.base;
                let console = url.scheme() == "https"
                    && url.port().is_none()
                    && url.host_str().is_some_and(|host| hosts.contains(&host));
                ours || console
            })
            .map(String::from)
            .ok_or_else(|| {
                let expected = format!("{} or https on {}", self.at.base, hosts.join(", "));
                Finding::value(Fault::ServiceNotAllowed, expected, Some(service))
            })
    }
}

/// A login link that can be followed.
struct Link {
    account_type: XAccountType,
    first_login: FirstLogin,
    service: String,
}
