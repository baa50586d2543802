//! Room demo (layer 6): the hops that journeys are made of. Each is recorded with its verdict;
//! after one that failed the rest of its journey is not walked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::Value;
use tokio::time::Instant;

use super::browser::{Browser, Page};
use super::reading::{
    Asked, Delivery, Ended, authn_request, delivery, objection, parameter, redirect, refusal, said,
};
use super::report::{Hop, Message, Verdict};
use super::{Target, ticket};
use crate::app::parts::System;
use crate::random;

/// The hop of a request.
const ASKS: &str = "the cloud asks by a signed redirect";
/// The hop of an answer.
const ANSWERS: &str = "the gateway answers with a page that posts";

/// A journey that ended early; why is recorded.
#[derive(Debug)]
pub(super) struct Stopped;

/// Where the journeys are walked.
pub(super) struct Stage {
    /// What is checked.
    pub(super) target: Target,
    /// Clock and random bytes.
    pub(super) system: System,
    /// The client under all browsers.
    pub(super) client: Client,
    /// What has been recorded.
    pub(super) hops: Vec<Hop>,
    /// What went over the wire.
    pub(super) messages: Vec<Message>,
    case: &'static str,
    since: Instant,
    baseline: Value,
    watch: Box<dyn FnMut(&Hop)>,
}

impl Stage {
    /// A stage on which nothing has happened.
    pub(super) fn new(
        target: Target,
        system: System,
        client: Client,
        watch: Box<dyn FnMut(&Hop)>,
    ) -> Self {
        Self {
            target,
            system,
            client,
            hops: Vec::new(),
            messages: Vec::new(),
            case: "",
            since: Instant::now(),
            baseline: Value::Null,
            watch,
        }
    }

    /// Walks one journey, then turns the knobs back.
    pub(super) async fn case(
        &mut self,
        title: &'static str,
        play: impl AsyncFnOnce(&mut Self) -> Result<(), Stopped>,
    ) {
        self.case = title;
        self.since = Instant::now();
        // What stopped it is recorded.
        _ = play(self).await;
        if self.simulated() {
            _ = self.put_knobs(&self.baseline.clone()).await;
        }
    }

    /// A browser that has been nowhere.
    pub(super) fn browser(&self) -> Browser {
        Browser::new(self.client.clone())
    }

    /// Records a hop.
    pub(super) fn settle<T>(&mut self, hop: &str, ended: Ended<T>) -> Result<T, Stopped> {
        let (verdict, detail, given) = match ended {
            Ok((given, detail)) => (Verdict::Passed, detail, Ok(given)),
            Err(detail) => (Verdict::Failed, detail, Err(Stopped)),
        };
        self.record(hop, verdict, detail);
        given
    }

    /// Records that the journey cannot be walked here.
    pub(super) fn not_run(&mut self, hop: &str, why: &str) -> Stopped {
        self.record(hop, Verdict::NotRun, why.to_owned());
        Stopped
    }

    fn record(&mut self, hop: &str, verdict: Verdict, detail: String) {
        let took = self.since.elapsed();
        self.since = Instant::now();
        let hop = Hop {
            case: self.case.to_owned(),
            hop: hop.to_owned(),
            verdict,
            detail,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        (self.watch)(&hop);
        self.hops.push(hop);
    }

    /// Learns how the cloud behaves from the start; whatever a journey changes is changed back to
    /// it.
    pub(super) async fn learn_knobs(&mut self) -> Result<(), Stopped> {
        let url = format!("{}/api/knobs", self.target.cloud);
        let ended = match self.client.get(&url).send().await {
            Ok(response) if response.status().is_success() => {
                response.json().await.map_err(|_| "expected JSON of knobs".to_owned())
            }
            Ok(response) => Err(format!("expected 200, found {}", response.status().as_u16())),
            Err(error) => Err(error.without_url().to_string()),
        };
        self.baseline = self.settle(
            "the cloud is a simulator",
            ended.map(|knobs: Value| {
                let turned = knobs.clone();
                (turned, "its knobs can be read".to_owned())
            }),
        )?;
        Ok(())
    }

    /// Whether the cloud is a simulator, which makes accounts for nothing.
    pub(super) fn simulated(&self) -> bool {
        !self.baseline.is_null()
    }

    /// Turns some knobs for the rest of the journey.
    pub(super) async fn turn(&mut self, changes: &Value) -> Result<(), Stopped> {
        if !self.simulated() {
            return Err(self.not_run("turn the cloud's knobs", "they cannot be read"));
        }
        let mut knobs = self.baseline.clone();
        for (name, value) in changes.as_object().into_iter().flatten() {
            knobs[name] = value.clone();
        }
        let ended = self.put_knobs(&knobs).await.map(|()| ((), changes.to_string()));
        self.settle("the cloud's knobs are turned", ended)
    }

    async fn put_knobs(&self, knobs: &Value) -> Result<(), String> {
        let url = format!("{}/api/knobs", self.target.cloud);
        match self.client.put(&url).json(knobs).send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("expected 200, found {}", response.status().as_u16())),
            Err(error) => Err(error.without_url().to_string()),
        }
    }

    /// The partner's back end asks for a ticket.
    pub(super) async fn ticket(&mut self, customer: &ticket::Customer) -> Result<String, Stopped> {
        const HOP: &str = "the partner's back end asks for a ticket";
        let Some(api) = self.api() else {
            return Err(self.not_run(HOP, "no API key is given"));
        };
        let id = random::token(&*self.system.random);
        let ended = api.ask(&id, customer).await.url();
        self.settle(HOP, ended.map(|url| (url, "201 Created".to_owned())))
    }

    /// The gateway's API, where a key is given.
    pub(super) fn api(&self) -> Option<ticket::Api> {
        Some(ticket::Api {
            base: format!("{}/api/v1/{}", self.target.gateway, self.target.tenant),
            key: self.target.api_key.clone()?,
            client: self.client.clone(),
        })
    }

    /// The browser follows a hand-off link and is sent to the cloud's login link.
    pub(super) async fn launch(
        &mut self,
        browser: &mut Browser,
        url: &str,
    ) -> Result<String, Stopped> {
        let login = format!("{}/authui/saml/login?", self.target.cloud);
        let ended = browser.get(url).await.and_then(|page| redirect(&page, &login));
        let link = self.settle("the gateway opens a session", ended)?;
        Ok(link.to_string())
    }

    /// The cloud answers its login link with a signed request.
    pub(super) async fn ask(
        &mut self,
        browser: &mut Browser,
        link: &str,
    ) -> Result<Asked, Stopped> {
        let gateway = format!("{}/", self.target.gateway);
        let asked = browser.get(link).await.and_then(|page| redirect(&page, &gateway));
        let ended = asked.and_then(|(url, _)| {
            let xml = authn_request(&url)?;
            let relay_state = parameter(&url, "RelayState").unwrap_or_default();
            Ok((Asked { url: url.to_string(), relay_state }, (url, xml)))
        });
        let (asked, (url, xml)) = match ended {
            Ok(ended) => ended,
            Err(detail) => return self.settle(ASKS, Err(detail)),
        };
        let tenant = url.path_segments().and_then(|mut s| s.next()).unwrap_or_default();
        self.messages.push(Message::new("AuthnRequest", (self.case, ASKS), tenant, xml));
        self.settle(ASKS, Ok((asked, format!("302 to {}", url.path()))))
    }

    /// The gateway's answer to a request, which is the delivery page.
    pub(super) async fn answer(
        &mut self,
        browser: &mut Browser,
        asked: &Asked,
    ) -> Result<Delivery, Stopped> {
        let page = browser.get(&asked.url).await;
        self.delivery(page, asked)
    }

    /// Reads a delivery page.
    pub(super) fn delivery(
        &mut self,
        page: Result<Page, String>,
        asked: &Asked,
    ) -> Result<Delivery, Stopped> {
        let message = self.messages.len();
        let read = page.and_then(|page| {
            let delivery = delivery(&page, asked, message)?;
            let xml = STANDARD.decode(&delivery.saml_response).ok();
            let xml = xml.and_then(|octets| String::from_utf8(octets).ok());
            Ok((delivery, xml.ok_or("expected a SAMLResponse in base64, found another text")?))
        });
        let (delivery, xml) = match read {
            Ok(read) => read,
            Err(detail) => return self.settle(ANSWERS, Err(detail)),
        };
        let tenant = delivery.from.path_segments().and_then(|mut s| s.next()).unwrap_or_default();
        self.messages.push(Message::new("Response", (self.case, ANSWERS), tenant, xml));
        let state = format!("RelayState of {} bytes came back", delivery.relay_state.len());
        self.settle(ANSWERS, Ok((delivery, state)))
    }

    /// The cloud takes the answer and opens its page.
    pub(super) async fn land(
        &mut self,
        browser: &mut Browser,
        delivery: &Delivery,
        (account, page): (&str, &str),
    ) -> Result<(), Stopped> {
        let posted = browser.post(&delivery.from, &delivery.acs, &delivery.fields()).await;
        let ended = posted.and_then(|answer| {
            if answer.status == 302 || answer.status == 303 {
                redirect(&answer, page)
            } else {
                Err(format!("expected the console, found {}", said(&answer)))
            }
        });
        let accepted = if ended.is_ok() { "accepted" } else { "refused" };
        self.judged(delivery, accepted);
        let landing = self.settle("the cloud accepts the answer", ended)?;
        let ended = browser.get(landing.as_str()).await.and_then(|console| {
            let expected = format!("<strong id=\"account\">{account}</strong>");
            if console.status != 200 || !console.body.contains(&expected) {
                return Err(format!("expected the console of {account}, found {}", said(&console)));
            }
            Ok(((), format!("{account} at {}", landing.path())))
        });
        self.settle("the console opens", ended)
    }

    /// What the cloud said of an answer.
    pub(super) fn judged(&mut self, delivery: &Delivery, verdict: &str) {
        verdict.clone_into(&mut self.messages[delivery.message].verdict);
    }

    /// From the login link to the console.
    pub(super) async fn sign_on(
        &mut self,
        browser: &mut Browser,
        link: &str,
        (account, page): (&str, &str),
    ) -> Result<Delivery, Stopped> {
        let asked = self.ask(browser, link).await?;
        let delivery = self.answer(browser, &asked).await?;
        self.land(browser, &delivery, (account, page)).await?;
        Ok(delivery)
    }

    /// The gateway refuses, and posts nothing anywhere.
    pub(super) fn refused(
        &mut self,
        hop: &str,
        page: Result<Page, String>,
        (status, code): (u16, &str),
    ) -> Result<(), Stopped> {
        self.settle(hop, page.and_then(|page| refusal(&page, status, code)))
    }

    /// The cloud refuses a form.
    pub(super) async fn cloud_refuses(
        &mut self,
        hop: &str,
        browser: &mut Browser,
        delivery: &Delivery,
        code: &str,
    ) -> Result<(), Stopped> {
        let posted = browser.post(&delivery.from, &delivery.acs, &delivery.fields()).await;
        let ended = posted.and_then(|page| objection(page, code));
        self.settle(hop, ended.map(|(_, detail)| ((), detail)))
    }
}
