//! Room demo (layer 6): journeys of customers who have no cloud account yet. Each run invents its
//! own customers, so that a target can be checked again and again.

use super::browser::{Browser, Page};
use super::form::Form;
use super::reading::{redirect, said};
use super::stage::{Stage, Stopped};
use super::ticket::Customer;
use crate::random;

/// A password that the simulated cloud takes.
const PASSWORD: &str = "check-crosses-the-bridge-1";

/// Walks them.
pub(super) async fn all(stage: &mut Stage) {
    stage.case("the first visit, creating a cloud account", create).await;
    stage.case("the first visit, binding an account that is there", bind).await;
}

/// Somebody new, with a cloud account's name that is free.
struct Newcomer {
    customer: Customer,
    account_name: String,
}

fn invented(stage: &Stage) -> Option<Newcomer> {
    let like = stage.target.unlinked.clone()?;
    let mark = &random::token(&*stage.system.random)[..10];
    let mark: String = mark.chars().map(|c| if c.is_alphanumeric() { c } else { 'x' }).collect();
    let digits: String = mark.bytes().map(|byte| char::from(b'0' + byte % 10)).take(9).collect();
    let customer = Customer {
        user_id: format!("{}-{mark}", like.user_id),
        name: None,
        mobile: Some(format!("0086-13{digits}")),
        email: Some(format!("{}@newcomer.example", mark.to_lowercase())),
        service: None,
    };
    Some(Newcomer { customer, account_name: format!("check_{mark}") })
}

async fn create(stage: &mut Stage) -> Result<(), Stopped> {
    let (newcomer, mut browser, page) = arrive(stage).await?;
    let hop = "an account is created on the cloud's page";
    let filled = Form::of(&page).map(|mut form| {
        form.set("account_name", &newcomer.account_name);
        form.set("mobile", newcomer.customer.mobile.as_deref().unwrap_or_default());
        form.set("email", newcomer.customer.email.as_deref().unwrap_or_default());
        form.set("password", PASSWORD);
        form
    });
    sent(stage, hop, &mut browser, (&page, filled)).await?;
    come_back(stage, &newcomer, &mut browser).await
}

async fn bind(stage: &mut Stage) -> Result<(), Stopped> {
    let (newcomer, mut browser, page) = arrive(stage).await?;
    let account = serde_json::json!({ "name": newcomer.account_name, "password": PASSWORD });
    let url = format!("{}/api/accounts", stage.target.cloud);
    let ended = match stage.client.post(&url).json(&account).send().await {
        Ok(response) if response.status().is_success() => Ok(((), "200".to_owned())),
        Ok(response) => Err(format!("expected 200, found {}", response.status().as_u16())),
        Err(error) => Err(error.without_url().to_string()),
    };
    stage.settle("the customer has an account at the cloud", ended)?;
    let form = format!("{}{}/existing", stage.target.cloud, page.url.path());
    let ended = browser.get(&form).await.and_then(|page| match page.status {
        200 => Ok((page, "200".to_owned())),
        _ => Err(format!("expected 200, found {}", said(&page))),
    });
    let page = stage.settle("the cloud asks for the account's name and password", ended)?;
    let filled = Form::of(&page).map(|mut form| {
        form.set("account_name", &newcomer.account_name);
        form.set("password", PASSWORD);
        form
    });
    sent(stage, "the account is bound on the cloud's page", &mut browser, (&page, filled)).await?;
    come_back(stage, &newcomer, &mut browser).await
}

/// From the partner's click to the cloud's page for new customers.
async fn arrive(stage: &mut Stage) -> Result<(Newcomer, Browser, Page), Stopped> {
    let hop = "a customer without a cloud account arrives";
    if !stage.simulated() {
        return Err(stage.not_run(hop, "the cloud is no simulator"));
    }
    let Some(newcomer) = invented(stage) else {
        return Err(stage.not_run(hop, "no such customer is given"));
    };
    let mut browser = stage.browser();
    let url = stage.ticket(&newcomer.customer).await?;
    let link = stage.launch(&mut browser, &url).await?;
    let ended = if link.contains("isFirstLogin=true") {
        Ok(((), "isFirstLogin=true".to_owned()))
    } else {
        Err("expected isFirstLogin=true, found false".to_owned())
    };
    stage.settle("the link says that it is a first login", ended)?;
    let asked = stage.ask(&mut browser, &link).await?;
    let delivery = stage.answer(&mut browser, &asked).await?;
    let place = format!("{}/first-login/", stage.target.cloud);
    let posted = browser.post(&delivery.from, &delivery.acs, &delivery.fields()).await;
    let ended = posted.and_then(|page| redirect(&page, &place));
    stage.judged(&delivery, if ended.is_ok() { "accepted" } else { "refused" });
    let url = stage.settle("the cloud takes the answer to its page for new customers", ended)?;
    let ended = browser.get(url.as_str()).await.and_then(|page| match page.status {
        200 => Ok((page, "200".to_owned())),
        _ => Err(format!("expected 200, found {}", said(&page))),
    });
    let page = stage.settle("the cloud's page for new customers opens", ended)?;
    Ok((newcomer, browser, page))
}

/// Sends a form of the cloud; its browser then carries the notification to the gateway.
async fn sent(
    stage: &mut Stage,
    hop: &str,
    browser: &mut Browser,
    (page, form): (&Page, Result<Form, String>),
) -> Result<(), Stopped> {
    let place = format!("{}/first-login/", stage.target.cloud);
    let answer = match form {
        Ok(form) => browser.post(&page.url, &form.action, &form.fields).await,
        Err(detail) => Err(detail),
    };
    let done = stage.settle(hop, answer.and_then(|answer| redirect(&answer, &place)))?;
    let ended = browser.get(done.as_str()).await.and_then(|page| {
        let form = Form::of(&page)?;
        form.one("bindRequest")?;
        let target = form.target(&page)?;
        Ok(((page, form), format!("signed, for {}", target.path())))
    });
    let (page, form) = stage.settle("the cloud has the browser tell the gateway", ended)?;
    let answer = browser.post(&page.url, &form.action, &form.fields).await;
    let ended = answer.and_then(|answer| match answer.status {
        200 => Ok(((), "200".to_owned())),
        _ => Err(format!("expected 200, found {}", said(&answer))),
    });
    stage.settle("the gateway knows the link", ended)
}

/// The next click goes straight into the console.
async fn come_back(
    stage: &mut Stage,
    newcomer: &Newcomer,
    browser: &mut Browser,
) -> Result<(), Stopped> {
    let url = stage.ticket(&newcomer.customer).await?;
    let link = stage.launch(browser, &url).await?;
    let ended = if link.contains("isFirstLogin=false") {
        Ok(((), "isFirstLogin=false".to_owned()))
    } else {
        Err("expected isFirstLogin=false, found true".to_owned())
    };
    stage.settle("the next link says that it is no first login", ended)?;
    let page = format!("{}/iam/", stage.target.cloud);
    stage.sign_on(browser, &link, (&newcomer.customer.user_id, &page)).await.map(drop)
}
