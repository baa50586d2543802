//! Room demo (layer 6): what has to be refused, by the gateway and by the cloud, and what has to be
//! borne.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::journeys::{arrive, plain_link, sign_in_at_partner, signed_ticket};
use super::reading::{Delivery, knob};
use super::report::Message;
use super::stage::{Stage, Stopped};
use super::ticket;
use crate::app::fetch::HttpFetch;
use crate::cloud::registration::Fetch;
use crate::random;

/// Walks them.
pub(super) async fn all(stage: &mut Stage) {
    stage.case("tickets that do not count", tickets).await;
    stage.case("the API's rules", api).await;
    stage.case("requests that do not count", requests).await;
    stage.case("a request that comes twice", replay).await;
    stage.case("answers that do not count", answers).await;
    stage.case("a request that forbids pages", passive).await;
    stage.case("a request for a fresh sign-in", force).await;
    stage.case("a cloud whose clock is fast, and which is slow", bearable).await;
    stage.case("a cloud that changes its certificate", certificates).await;
}

async fn tickets(stage: &mut Stage) -> Result<(), Stopped> {
    let customer = stage.target.linked.clone();
    let url = stage.ticket(&customer).await?;
    let mut browser = stage.browser();
    stage.launch(&mut browser, &url).await?;
    let again = browser.get(&url).await;
    stage.refused("the same ticket again", again, (403, "SB-3003"))?;
    let now = stage.system.clock.now().unix_timestamp();
    let wrong: [(&str, &str, &str, Value); 3] = [
        ("a ticket whose time is over", "SB-3002", "exp", json!(now - 1)),
        ("a ticket for somebody else", "SB-3005", "aud", json!("https://other.example")),
        ("a ticket that says nothing of whom", "SB-3006", "sub", json!("")),
    ];
    for (hop, code, claim, value) in wrong {
        let url = signed_ticket(stage, |claims| claims[claim] = value)?;
        let page = stage.browser().get(&url).await;
        let status = if code == "SB-3006" { 400 } else { 403 };
        stage.refused(hop, page, (status, code))?;
    }
    let mut url = signed_ticket(stage, |_| {})?;
    // A letter in the middle of the signature: the last one may hold bits that do not count.
    let at = url.len() - 40;
    let other = if url.as_bytes()[at] == b'A' { "B" } else { "A" };
    url.replace_range(at..=at, other);
    let page = stage.browser().get(&url).await;
    stage.refused("a ticket that was changed", page, (403, "SB-3004"))
}

async fn api(stage: &mut Stage) -> Result<(), Stopped> {
    let Some(mut api) = stage.api() else {
        return Err(stage.not_run("a ticket is asked for", "no API key is given"));
    };
    let customer = stage.target.linked.clone();
    let id = random::token(&*stage.system.random);
    let first = api.ask(&id, &customer).await.url();
    let second = api.ask(&id, &customer).await.url();
    let ended = match (first, second) {
        (Ok(first), Ok(second)) if first == second => Ok(((), "the same address".to_owned())),
        (Err(detail), _) | (_, Err(detail)) => Err(detail),
        _ => Err("expected the same address, found another".to_owned()),
    };
    stage.settle("the same call again gives the same ticket", ended)?;
    let other = ticket::Customer { name: Some("another_name".to_owned()), ..customer.clone() };
    let answer = api.ask(&id, &other).await;
    stage.settle("another body under the same key", answer.problem(409, "SB-6004"))?;
    let service = Some("https://evil.example/".to_owned());
    let astray = ticket::Customer { service, ..customer.clone() };
    let answer = api.ask(&random::token(&*stage.system.random), &astray).await;
    stage.settle("a page that is not the cloud's", answer.problem(400, "SB-4001"))?;
    api.key = "not the key".into();
    let answer = api.ask(&random::token(&*stage.system.random), &customer).await;
    stage.settle("a wrong API key", answer.problem(401, "SB-6001"))
}

async fn requests(stage: &mut Stage) -> Result<(), Stopped> {
    let elsewhere = "https://elsewhere.example/saml";
    let wrong = [
        ("an unsigned request", "SB-2004", knob("request_signature", "missing")),
        ("a broken signature", "SB-2006", knob("request_signature", "broken")),
        ("a wrong destination", "SB-2007", knob("wrong_destination", elsewhere)),
        ("an answer to a foreign address", "SB-2008", knob("foreign_acs", elsewhere)),
        ("a request of an hour ago", "SB-2009", knob("issue_instant", "expired")),
        ("a request of the next hour", "SB-2010", knob("issue_instant", "future")),
    ];
    let (mut browser, link) = arrive(stage).await?;
    for (hop, code, changes) in wrong {
        stage.turn(&changes).await?;
        let asked = stage.ask(&mut browser, &link).await?;
        let page = browser.get(&asked.url).await;
        stage.refused(hop, page, (403, code))?;
    }
    Ok(())
}

async fn replay(stage: &mut Stage) -> Result<(), Stopped> {
    let (mut browser, link) = arrive(stage).await?;
    let asked = stage.ask(&mut browser, &link).await?;
    stage.answer(&mut browser, &asked).await?;
    let again = browser.get(&asked.url).await;
    stage.refused("the same request in the same browser", again, (403, "SB-2011"))?;
    let again = stage.browser().get(&asked.url).await;
    stage.refused("the same request in another browser", again, (403, "SB-2011"))?;
    stage.turn(&knob("replay_request", true)).await?;
    let replayed = stage.ask(&mut browser, &link).await?;
    let page = browser.get(&replayed.url).await;
    stage.refused("the cloud sends a request once more", page, (403, "SB-2011"))
}

async fn answers(stage: &mut Stage) -> Result<(), Stopped> {
    let (mut browser, link) = arrive(stage).await?;
    let asked = stage.ask(&mut browser, &link).await?;
    let delivery = stage.answer(&mut browser, &asked).await?;
    let account = stage.target.linked.user_id.clone();
    let changed = match tampered(&delivery, &account) {
        Ok(changed) => changed,
        Err(detail) => return stage.settle("a value is changed", Err(detail)),
    };
    let hop = "an answer that was changed";
    stage.cloud_refuses(hop, &mut browser, &changed, "FC-317").await?;
    let xml = STANDARD.decode(&changed.saml_response).unwrap_or_default();
    let xml = String::from_utf8_lossy(&xml).into_owned();
    let tenant = stage.target.tenant.clone();
    let case = "answers that do not count";
    let message = Message::new("Response", (case, hop), &tenant, xml);
    stage.messages.push(Message { verdict: "FC-317".to_owned(), ..message });
    let other = Delivery { relay_state: format!("{} ", asked.relay_state), ..delivery.clone() };
    stage.cloud_refuses("another RelayState", &mut browser, &other, "FC-404").await?;
    let mut stranger = stage.browser();
    stage.cloud_refuses("another browser", &mut stranger, &delivery, "FC-405").await?;
    let page = format!("{}/iam/", stage.target.cloud);
    stage.land(&mut browser, &delivery, (&account, &page)).await?;
    stage.cloud_refuses("the same answer again", &mut browser, &delivery, "FC-402").await
}

/// The same answer for another account, signed as before.
fn tampered(delivery: &Delivery, account: &str) -> Result<Delivery, String> {
    let xml = STANDARD.decode(&delivery.saml_response).map_err(|error| error.to_string())?;
    let xml = String::from_utf8(xml).map_err(|error| error.to_string())?;
    let changed = xml.replace(&format!(">{account}<"), ">somebody-else<");
    if changed == xml {
        return Err("expected the account's id in the answer, found none".to_owned());
    }
    Ok(Delivery { saml_response: STANDARD.encode(changed), ..delivery.clone() })
}

async fn passive(stage: &mut Stage) -> Result<(), Stopped> {
    let link = plain_link(stage).await?;
    stage.turn(&knob("is_passive", true)).await?;
    let mut browser = stage.browser();
    let asked = stage.ask(&mut browser, &link).await?;
    let delivery = stage.answer(&mut browser, &asked).await?;
    let hop = "nobody is there, and the cloud is told so";
    stage.cloud_refuses(hop, &mut browser, &delivery, "FC-216").await?;
    stage.judged(&delivery, "FC-216");
    Ok(())
}

async fn force(stage: &mut Stage) -> Result<(), Stopped> {
    let (mut browser, link) = arrive(stage).await?;
    stage.turn(&knob("force_authn", true)).await?;
    let asked = stage.ask(&mut browser, &link).await?;
    let page = sign_in_at_partner(stage, &mut browser, &asked).await?;
    let delivery = stage.delivery(Ok(page), &asked)?;
    let account = stage.target.linked.user_id.clone();
    let console = format!("{}/iam/", stage.target.cloud);
    stage.land(&mut browser, &delivery, (&account, &console)).await
}

async fn bearable(stage: &mut Stage) -> Result<(), Stopped> {
    let (mut browser, link) = arrive(stage).await?;
    let account = stage.target.linked.user_id.clone();
    let page = format!("{}/iam/", stage.target.cloud);
    for changes in [knob("clock_skew_seconds", 120), knob("delay_ms", 300)] {
        stage.turn(&changes).await?;
        stage.sign_on(&mut browser, &link, (&account, &page)).await?;
    }
    Ok(())
}

async fn certificates(stage: &mut Stage) -> Result<(), Stopped> {
    const HOP: &str = "the gateway reads the cloud's metadata again";
    if stage.target.registrations.is_none() {
        return Err(stage.not_run(HOP, "this gateway cannot be told to do it now"));
    }
    let (mut browser, link) = arrive(stage).await?;
    let account = stage.target.linked.user_id.clone();
    let page = format!("{}/iam/", stage.target.cloud);
    stage.turn(&knob("certificates", "two_second_signs")).await?;
    let ended = refresh(stage).await;
    stage.settle(HOP, ended.map(|()| ((), "two certificates".to_owned())))?;
    let walked = stage.sign_on(&mut browser, &link, (&account, &page)).await;
    let turned = stage.turn(&json!({})).await;
    let ended = refresh(stage).await;
    stage.settle(HOP, ended.map(|()| ((), "as before".to_owned())))?;
    walked.and(turned)
}

async fn refresh(stage: &Stage) -> Result<(), String> {
    let fetch: Arc<dyn Fetch> = Arc::new(HttpFetch::new().map_err(|error| error.to_string())?);
    let Some(registrations) = &stage.target.registrations else { return Ok(()) };
    for report in registrations.refresh(&fetch).await {
        report.outcome.map_err(|failure| failure.to_string())?;
    }
    Ok(())
}
