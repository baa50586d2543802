//! Room demo (layer 6): journeys of customers who have no cloud account yet, and who get one on the
//! cloud's pages (contract §1.3, §1.4, §1.6, §1.7). Each run invents its own customers, so that a
//! target can be checked again and again.

use serde_json::json;
use url::Url;

use super::browser::{Browser, Page};
use super::form::Form;
use super::reading::{knob, objection, opened, parameter, redirect, refusal, said};
use super::stage::{Stage, Stopped};
use super::telling::Told;
use super::ticket::Customer;
use crate::random;

/// A password that the simulated cloud takes.
const PASSWORD: &str = "check-crosses-the-bridge-1";

/// Walks them.
pub(super) async fn all(stage: &mut Stage) {
    stage.case("the first visit, creating a cloud account", create).await;
    stage.case("the first visit, binding an account that is there", bind).await;
    stage.case("a link that ends at the cloud", unbind).await;
}

/// Somebody new, with a cloud account's name that is free.
pub(super) struct Newcomer {
    /// As the partner knows them.
    pub(super) customer: Customer,
    /// The name.
    pub(super) account_name: String,
}

/// Somebody new, where the target says what such a customer may be called.
pub(super) fn invented(stage: &Stage) -> Option<Newcomer> {
    let like = stage.target.unlinked.clone()?;
    let mark = &random::token(&*stage.system.random)[..10];
    let mark: String = mark.chars().map(|c| if c.is_alphanumeric() { c } else { 'x' }).collect();
    let digits: String = mark.bytes().map(|byte| char::from(b'0' + byte % 10)).take(9).collect();
    let account_name = format!("check_{mark}");
    let customer = Customer {
        user_id: format!("{}-{mark}", like.user_id),
        name: Some(account_name.clone()),
        mobile: Some(format!("0086-13{digits}")),
        email: Some(format!("{}@newcomer.example", mark.to_lowercase())),
        service: None,
        authenticated_at: None,
    };
    Some(Newcomer { customer, account_name })
}

async fn create(stage: &mut Stage) -> Result<(), Stopped> {
    let mut visit = arrive(stage).await?;
    let told = visit.creates(stage).await?;
    let forged = told.about_somebody_else();
    let page = forged.carried(&mut visit.browser).await;
    stage.refused("a notification that was changed", page, (403, "SB-4102"))?;
    visit.told(stage, &told).await?;
    let page = told.carried(&mut visit.browser).await;
    stage.settle("the same notification once more", page.and_then(opened))?;
    visit.comes_back(stage).await
}

async fn bind(stage: &mut Stage) -> Result<(), Stopped> {
    let mut visit = arrive(stage).await?;
    let name = visit.newcomer.account_name.clone();
    let ended = stage.cloud("/api/accounts", &json!({ "name": name, "password": PASSWORD })).await;
    stage.settle("the customer has an account at the cloud", ended)?;
    let page = visit.existing(stage).await?;
    let typed = signed_in(&page, (&name, "not the password"));
    let ended = visit.sends(&page, typed).await.and_then(|page| objection(page, "FC-513"));
    let page = stage.settle("a wrong password is refused", ended)?;
    stage.turn(&knob("bind_refusals", json!({ &*name: "in_arrears" }))).await?;
    let ended = visit.sends(&page, signed_in(&page, (&name, PASSWORD))).await;
    let ended = ended.and_then(|page| objection(page, "FC-719"));
    let page = stage.settle("an account in arrears is not bound", ended)?;
    stage.turn(&json!({})).await?;
    let form = signed_in(&page, (&name, PASSWORD));
    let told = visit.finishes(stage, "the account is bound", (&page, form)).await?;
    visit.told(stage, &told).await?;
    visit.comes_back(stage).await?;
    let mut other = arrive(stage).await?;
    let page = other.existing(stage).await?;
    let ended = other.sends(&page, signed_in(&page, (&name, PASSWORD))).await;
    let ended = ended.and_then(|page| objection(page, "FC-514"));
    stage.settle("the same account for another customer", ended).map(drop)
}

async fn unbind(stage: &mut Stage) -> Result<(), Stopped> {
    let mut visit = arrive(stage).await?;
    let bound = visit.creates(stage).await?;
    visit.told(stage, &bound).await?;
    let user_id = visit.newcomer.customer.user_id.clone();
    let whom = json!({ "xAccountType": visit.account_type, "xAccountId": user_id });
    let ended = stage.cloud("/api/unbind", &whom).await;
    let ended = ended.and_then(|(answer, _)| Told::of_api(&answer, &bound.from));
    let ended = stage.settle("the cloud ends the link and has the browser tell", ended)?;
    let page = ended.carried(&mut visit.browser).await;
    stage.settle("the gateway knows the end", page.and_then(opened))?;
    // Where the cloud's list can be asked, the last word is the list's.
    stage.stands(&user_id, &["unlinked", "unlinking"], None).await?;
    let hop = "an old notification does not bring the link back";
    let page = bound.carried(&mut visit.browser).await;
    let refused = page.and_then(|page| {
        let code = if page.body.contains("SB-4110") { "SB-4110" } else { "SB-4103" };
        refusal(&page, 409, code)
    });
    stage.settle(hop, refused)?;
    visit.leaves(stage, "true").await.map(drop)
}

/// The first visit of somebody new.
struct Visit {
    newcomer: Newcomer,
    /// What the cloud calls the partner's platform.
    account_type: String,
    browser: Browser,
    /// The cloud's page for new customers.
    page: Page,
}

/// From the partner's click to the cloud's page for new customers.
async fn arrive(stage: &mut Stage) -> Result<Visit, Stopped> {
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
    stage.settle("the link says whether it is a first login", first_login(&link, "true"))?;
    let asked = stage.ask(&mut browser, &link).await?;
    let delivery = stage.answer(&mut browser, &asked).await?;
    let place = format!("{}/first-login/", stage.target.cloud);
    let posted = browser.post(&delivery.from, &delivery.acs, &delivery.fields()).await;
    let ended = posted.and_then(|page| redirect(&page, &place));
    stage.judged(&delivery, if ended.is_ok() { "accepted" } else { "refused" });
    let url = stage.settle("the cloud leads to its page for new customers", ended)?;
    let page = browser.get(url.as_str()).await.and_then(|page| filled_in(page, &newcomer));
    let page = stage.settle("the page is filled in from the assertion", page)?;
    let link = Url::parse(&link).map_err(|_| Stopped)?;
    let account_type = parameter(&link, "xAccountType").unwrap_or_default();
    Ok(Visit { newcomer, account_type, browser, page })
}

impl Visit {
    /// Creates an account on the cloud's page.
    async fn creates(&mut self, stage: &mut Stage) -> Result<Told, Stopped> {
        let filled = Form::of(&self.page).map(|mut form| {
            form.set("password", PASSWORD);
            form
        });
        let page = self.page.clone();
        self.finishes(stage, "an account is created on the cloud's page", (&page, filled)).await
    }

    /// Goes to the page that binds an account.
    async fn existing(&mut self, stage: &mut Stage) -> Result<Page, Stopped> {
        let url = format!("{}{}/existing", stage.target.cloud, self.page.url.path());
        let page = self.browser.get(&url).await.and_then(opened);
        stage.settle("the cloud asks for the account's name and password", page)
    }

    /// Sends a form of the cloud.
    async fn sends(&mut self, from: &Page, form: Result<Form, String>) -> Result<Page, String> {
        let form = form?;
        self.browser.post(&from.url, &form.action, &form.fields).await
    }

    /// Sends the form that ends the first login; the cloud then has the browser tell the gateway.
    async fn finishes(
        &mut self,
        stage: &mut Stage,
        hop: &str,
        (from, form): (&Page, Result<Form, String>),
    ) -> Result<Told, Stopped> {
        let place = format!("{}/first-login/", stage.target.cloud);
        let sent = self.sends(from, form).await.and_then(|page| redirect(&page, &place));
        let done = stage.settle(hop, sent)?;
        let ended = self.browser.get(done.as_str()).await;
        let ended = ended.and_then(|page| Told::of_page(&page));
        stage.settle("the cloud has the browser tell the gateway", ended)
    }

    /// The notification arrives; from then on the partner sees the link.
    async fn told(&mut self, stage: &mut Stage, told: &Told) -> Result<(), Stopped> {
        let page = told.carried(&mut self.browser).await.and_then(opened);
        stage.settle("the gateway knows the link", page)?;
        let user_id = self.newcomer.customer.user_id.clone();
        stage.stands(&user_id, &["linked"], Some(&told.domain_id)).await
    }

    /// The next click.
    async fn leaves(&mut self, stage: &mut Stage, first: &str) -> Result<String, Stopped> {
        let url = stage.ticket(&self.newcomer.customer).await?;
        let link = stage.launch(&mut self.browser, &url).await?;
        stage.settle("the link says whether it is a first login", first_login(&link, first))?;
        Ok(link)
    }

    /// The next click goes straight into the console.
    async fn comes_back(&mut self, stage: &mut Stage) -> Result<(), Stopped> {
        let link = self.leaves(stage, "false").await?;
        let page = format!("{}/iam/", stage.target.cloud);
        let account = self.newcomer.customer.user_id.clone();
        stage.sign_on(&mut self.browser, &link, (&account, &page)).await.map(drop)
    }
}

/// That a login link says so.
pub(super) fn first_login(link: &str, expected: &str) -> Result<((), String), String> {
    let url = Url::parse(link).map_err(|error| error.to_string())?;
    match parameter(&url, "isFirstLogin") {
        Some(found) if found == expected => Ok(((), format!("isFirstLogin={expected}"))),
        found => Err(format!("expected isFirstLogin={expected}, found {found:?}")),
    }
}

/// That the cloud's page shows what the assertion said.
fn filled_in(page: Page, newcomer: &Newcomer) -> Result<(Page, String), String> {
    let (page, _) = opened(page)?;
    let form = Form::of(&page)?;
    let Customer { mobile, email, .. } = &newcomer.customer;
    let expected = [
        ("account_name", newcomer.account_name.as_str()),
        ("mobile", mobile.as_deref().unwrap_or_default()),
        ("email", email.as_deref().unwrap_or_default()),
    ];
    for (name, value) in expected {
        if form.one(name)? != value {
            return Err(format!("expected the customer's {name}, found {}", said(&page)));
        }
    }
    Ok((page, "account name, mobile number, e-mail address".to_owned()))
}

fn signed_in(page: &Page, (account, password): (&str, &str)) -> Result<Form, String> {
    let mut form = Form::of(page)?;
    form.set("account_name", account);
    form.set("password", password);
    Ok(form)
}
