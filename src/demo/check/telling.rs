//! Room demo (layer 6): how gateway and partner come to know of a link: the notification that the
//! browser carries (contract §1.6), and the gateway's API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use url::Url;

use super::browser::{Browser, Page};
use super::form::Form;
use super::reading::Ended;
use super::stage::{Stage, Stopped};

/// A signed notification on its way to the gateway.
#[derive(Clone)]
pub(super) struct Told {
    /// The cloud's page with the form.
    pub(super) from: Url,
    /// The account that it is about.
    pub(super) domain_id: String,
    to: String,
    fields: Vec<(String, String)>,
}

impl Told {
    /// The notification in a page of the cloud.
    pub(super) fn of_page(page: &Page) -> Ended<Self> {
        let form = Form::of(page)?;
        let to = form.target(page)?;
        let fields = ["bindRequest", "SigAlg", "Signature"]
            .iter()
            .map(|name| Ok(((*name).to_owned(), form.one(name)?.to_owned())))
            .collect::<Result<Vec<_>, String>>()?;
        Self::of(&page.url, to.as_str(), fields)
    }

    /// The one notification that the simulated cloud's API gave.
    pub(super) fn of_api(answer: &Value, from: &Url) -> Ended<Self> {
        let given = answer["notifications"].as_array().map(Vec::as_slice).unwrap_or_default();
        let [given] = given else {
            return Err(format!("expected one notification, found {}", given.len()));
        };
        let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
        let fields = ["bindRequest", "SigAlg", "Signature"].map(|name| (name.into(), text(name)));
        Self::of(from, &text("url"), fields.into())
    }

    fn of(from: &Url, to: &str, fields: Vec<(String, String)>) -> Ended<Self> {
        let said = fields.first().and_then(|(_, text)| said(text));
        let said = said.ok_or("expected base64 of JSON in bindRequest, found another text")?;
        let domain_id = said["domainId"].as_str().unwrap_or_default().to_owned();
        let detail = format!("bindAction {}, for {to}", said["bindAction"]);
        Ok((Self { from: from.clone(), domain_id, to: to.to_owned(), fields }, detail))
    }

    /// The same for another account, signed as before.
    pub(super) fn about_somebody_else(&self) -> Self {
        let mut other = self.clone();
        if let Some((_, text)) = other.fields.first_mut() {
            let mut said = said(text).unwrap_or_default();
            said["domainId"] = json!("somebody-else");
            *text = STANDARD.encode(said.to_string());
        }
        other
    }

    /// The browser sends the form, and goes where the gateway's answer leads. What it finds there
    /// is the next page.
    pub(super) async fn carried(&self, browser: &mut Browser) -> Result<Page, String> {
        let answer = browser.post(&self.from, &self.to, &self.fields).await?;
        match &answer.location {
            Some(place) => browser.get(place.as_str()).await,
            None => Ok(answer),
        }
    }
}

fn said(bind_request: &str) -> Option<Value> {
    serde_json::from_slice(&STANDARD.decode(bind_request).ok()?).ok()
}

impl Stage {
    /// Asks something of the simulated cloud's own API.
    pub(super) async fn cloud(&self, path: &str, body: &Value) -> Ended<Value> {
        let url = format!("{}{path}", self.target.cloud);
        answered(self.client.post(&url).json(body)).await
    }

    /// Looks at something of the simulated cloud's.
    pub(super) async fn cloud_has(&self, path: &str) -> Result<Value, String> {
        let answer = answered(self.client.get(format!("{}{path}", self.target.cloud))).await;
        answer.map(|(answer, _)| answer)
    }

    /// Tells the simulated cloud which calls fail.
    pub(super) async fn set_faults(&self, script: &Value) -> Ended<()> {
        let url = format!("{}/api/faults", self.target.cloud);
        let answer = answered(self.client.put(&url).json(script)).await;
        answer.map(|(_, detail)| ((), detail))
    }

    /// The partner's back end sees how a customer stands: in one of these states, with that account
    /// at the cloud.
    pub(super) async fn stands(
        &mut self,
        user_id: &str,
        states: &[&str],
        domain_id: Option<&str>,
    ) -> Result<(), Stopped> {
        const HOP: &str = "the partner's back end sees it by the API";
        let Some(api) = self.api() else {
            return Err(self.not_run(HOP, "no API key is given"));
        };
        let answer = api.get(&format!("/customers/{user_id}")).await;
        let state = answer.body["state"].as_str().unwrap_or_default();
        let account = answer.body["cloud_account"]["domain_id"].as_str();
        let ended = if answer.status != 200 {
            Err(format!("expected 200, found {}", answer.said()))
        } else if !states.contains(&state) {
            Err(format!("expected {}, found {state}", states.join(" or ")))
        } else if account != domain_id {
            Err("expected the account of the notification, found another".to_owned())
        } else {
            Ok(((), state.to_owned()))
        };
        self.settle(HOP, ended)
    }
}

async fn answered(request: RequestBuilder) -> Ended<Value> {
    match request.send().await {
        Ok(response) if response.status().is_success() => {
            let answer = response.json().await.map_err(|_| "expected JSON, found another text")?;
            Ok((answer, "200".to_owned()))
        }
        Ok(response) => Err(format!("expected 200, found {}", response.status().as_u16())),
        Err(error) => Err(error.without_url().to_string()),
    }
}
