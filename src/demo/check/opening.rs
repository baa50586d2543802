//! Room demo (layer 6): a customer who opens an account on the gateway's own page (contract §1.5):
//! the cloud's code, the consent, what is wrong with a form, and that sending it twice opens one
//! account.

use super::browser::{Browser, Page};
use super::creating::the_only_one;
use super::form::Form;
use super::newcomers::{Newcomer, first_login, invented};
use super::reading::{Ended, opened, redirect, refusal, said};
use super::stage::{Stage, Stopped};
use crate::page::field;

/// Walks them.
pub(super) async fn all(stage: &mut Stage) {
    stage.case("an account opened on the gateway's own page", at_the_tenant).await;
}

/// Walks at the tenant whose customers open accounts here.
async fn at_the_tenant(stage: &mut Stage) -> Result<(), Stopped> {
    let Some(direct) = stage.target.direct.clone() else {
        let why = "no tenant is given whose customers open accounts there";
        return Err(stage.not_run("a customer without a cloud account arrives", why));
    };
    let before = stage.target.clone();
    stage.target.tenant = direct.tenant;
    stage.target.unlinked = Some(direct.unlinked);
    let walked = open(stage).await;
    stage.target = before;
    walked
}

async fn open(stage: &mut Stage) -> Result<(), Stopped> {
    let mut guest = arrive(stage).await?;
    let code = guest.asks_for_a_code(stage).await?;
    let other = if code == "000000" { "111111" } else { "000000" };
    let mistakes = [
        ("without a consent", code.as_str(), "", "SB-6123"),
        ("with a wrong code", other, "yes", "SB-6107"),
    ];
    for (hop, code, consent, said) in mistakes {
        let form = guest.filled(code, consent);
        let ended = guest.sends(form).await.and_then(|page| again(page, &guest.newcomer, said));
        guest.page = stage.settle(hop, ended)?;
    }
    let form = guest.filled(&code, "yes");
    let login = format!("{}/authui/saml/login?", stage.target.cloud);
    let mut link = String::new();
    for hop in ["the account is opened", "the same form once more"] {
        let sent = guest.sends(form.clone()).await.and_then(|page| redirect(&page, &login));
        link = stage.settle(hop, sent)?.to_string();
        stage.settle("the link says whether it is a first login", first_login(&link, "false"))?;
    }
    let user_id = guest.newcomer.customer.user_id.clone();
    let ended = the_account(stage, &user_id).await;
    let domain_id = stage.settle("the partner's back end knows the account", ended)?;
    let ended = the_only_one(stage, &user_id, &domain_id).await;
    stage.settle("the cloud made one account for the customer", ended)?;
    let page = format!("{}/iam/", stage.target.cloud);
    stage.sign_on(&mut guest.browser, &link, (&user_id, &page)).await.map(drop)
}

/// Somebody at the form.
struct Guest {
    newcomer: Newcomer,
    browser: Browser,
    page: Page,
}

/// From the partner's click to our page.
async fn arrive(stage: &mut Stage) -> Result<Guest, Stopped> {
    const HOP: &str = "a customer without a cloud account arrives";
    if !stage.simulated() {
        return Err(stage.not_run(HOP, "the cloud is no simulator"));
    }
    let Some(newcomer) = invented(stage) else {
        return Err(stage.not_run(HOP, "no such customer is given"));
    };
    let mut browser = stage.browser();
    let url = stage.ticket(&newcomer.customer).await?;
    let place = format!("{}/{}/open-account", stage.target.gateway, stage.target.tenant);
    let sent = browser.get(&url).await.and_then(|page| redirect(&page, &place));
    let url = stage.settle("the gateway leads to its own page", sent)?;
    let page = browser.get(url.as_str()).await.and_then(opened);
    let page = page.and_then(|(page, _)| keeps(page, &newcomer));
    let page = stage.settle("the page is filled in from the ticket", page)?;
    Ok(Guest { newcomer, browser, page })
}

impl Guest {
    /// Has the cloud send a code, and reads it there.
    async fn asks_for_a_code(&mut self, stage: &mut Stage) -> Result<String, Stopped> {
        let form = Form::of(&self.page).map(|mut form| {
            form.set(field::BUTTON, field::SEND_CODE);
            form
        });
        let place = format!("{}/{}/open-account", stage.target.gateway, stage.target.tenant);
        let sent = self.sends(form).await.and_then(|page| redirect(&page, &place));
        let url = stage.settle("the gateway has the cloud send a code", sent)?;
        let page = self.browser.get(url.as_str()).await.and_then(opened);
        self.page = stage.settle("the form asks for the code", page)?;
        let mobile = self.newcomer.customer.mobile.clone().unwrap_or_default();
        let answer = stage.cloud_has(&format!("/api/codes?receiver={mobile}")).await;
        let ended = answer.and_then(|answer| {
            let code = answer["code"].as_str().ok_or("expected a code, found none")?;
            Ok((code.to_owned(), "six digits".to_owned()))
        });
        stage.settle("the customer reads the code", ended)
    }

    /// The form with a code, and with a consent where it is not empty.
    fn filled(&self, code: &str, consent: &str) -> Result<Form, String> {
        let mut form = Form::of(&self.page)?;
        form.set(field::CODE, code);
        form.set(field::BUTTON, field::OPEN);
        if !consent.is_empty() {
            form.set(field::CONSENT, consent);
        }
        Ok(form)
    }

    async fn sends(&mut self, form: Result<Form, String>) -> Result<Page, String> {
        let form = form?;
        self.browser.post(&self.page.url, &form.action, &form.fields).await
    }
}

/// The form again, which says what is wrong and keeps what was typed.
fn again(page: Page, newcomer: &Newcomer, code: &str) -> Ended<Page> {
    refusal(&page, 422, code)?;
    keeps(page, newcomer).map(|(page, _)| (page, format!("422 {code}, and the form again")))
}

/// That the form holds what is known of the customer.
fn keeps(page: Page, newcomer: &Newcomer) -> Ended<Page> {
    let form = Form::of(&page)?;
    let mobile = newcomer.customer.mobile.as_deref().unwrap_or_default();
    for (name, value) in [(field::NAME, newcomer.account_name.as_str()), (field::CONTACT, mobile)] {
        if form.one(name)? != value {
            return Err(format!("expected the customer's {name}, found {}", said(&page)));
        }
    }
    Ok((page, "account name, mobile number".to_owned()))
}

/// The account's id, as the partner's back end sees it.
async fn the_account(stage: &Stage, user_id: &str) -> Ended<String> {
    let api = stage.api().ok_or("expected an API key, found none")?;
    let answer = api.get(&format!("/customers/{user_id}")).await;
    let account = answer.body["cloud_account"]["domain_id"].as_str();
    match (answer.body["state"].as_str(), account) {
        (Some("linked"), Some(account)) => Ok((account.to_owned(), "linked".to_owned())),
        _ => Err(format!("expected a linked customer, found {}", answer.said())),
    }
}
