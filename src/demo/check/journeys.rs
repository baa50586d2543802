//! Room demo (layer 6): the journeys that succeed.

use url::Url;
use url::form_urlencoded::byte_serialize;

use super::browser::{Browser, Page};
use super::form::Form;
use super::reading::{Asked, parameter, redirect, said};
use super::stage::{Stage, Stopped};
use super::{Customer, Local, ticket};
use crate::random;
use crate::saml::types::format_instant;

/// Walks them.
pub(super) async fn all(stage: &mut Stage) {
    stage.case("a ticket by the API", by_api).await;
    stage.case("a deep link", deep_link).await;
    stage.case("a ticket signed by the partner", by_jwt).await;
    stage.case("beginning at the cloud", from_cloud).await;
    stage.case("a password at the gateway", local).await;
    stage.case("signing out", logout).await;
}

/// A session by ticket: the browser, and the cloud's login link.
pub(super) async fn arrive(stage: &mut Stage) -> Result<(Browser, String), Stopped> {
    let customer = stage.target.linked.clone();
    let mut browser = stage.browser();
    let url = stage.ticket(&customer).await?;
    let link = stage.launch(&mut browser, &url).await?;
    Ok((browser, link))
}

async fn by_api(stage: &mut Stage) -> Result<(), Stopped> {
    let (mut browser, link) = arrive(stage).await?;
    let account = stage.target.linked.user_id.clone();
    let page = format!("{}/iam/", stage.target.cloud);
    stage.sign_on(&mut browser, &link, (&account, &page)).await?;
    // A second visit needs no ticket: the gateway knows the browser.
    let again = format!("{}/{}/cloud", stage.target.gateway, stage.target.tenant);
    let link = stage.launch(&mut browser, &again).await?;
    stage.sign_on(&mut browser, &link, (&account, &page)).await.map(drop)
}

async fn deep_link(stage: &mut Stage) -> Result<(), Stopped> {
    let page = format!("{}/console/ecs/?region=cn-north-4&tab=%E5%88%97", stage.target.cloud);
    let customer = ticket::Customer { service: Some(page.clone()), ..stage.target.linked.clone() };
    let mut browser = stage.browser();
    let url = stage.ticket(&customer).await?;
    let link = stage.launch(&mut browser, &url).await?;
    stage.sign_on(&mut browser, &link, (&customer.user_id, &page)).await.map(drop)
}

async fn by_jwt(stage: &mut Stage) -> Result<(), Stopped> {
    let url = signed_ticket(stage, |_| {})?;
    let mut browser = stage.browser();
    let link = stage.launch(&mut browser, &url).await?;
    let account = stage.target.linked.user_id.clone();
    let page = format!("{}/iam/", stage.target.cloud);
    stage.sign_on(&mut browser, &link, (&account, &page)).await?;
    let mut other = stage.browser();
    let again = other.get(&url).await;
    stage.refused("the same ticket again", again, (403, "SB-3003"))
}

/// A launch address with a ticket that the partner signs, after `change` changed its claims.
pub(super) fn signed_ticket(
    stage: &mut Stage,
    change: impl FnOnce(&mut serde_json::Value),
) -> Result<String, Stopped> {
    const HOP: &str = "the partner's back end signs a ticket";
    let Some(signer) = stage.target.signer.clone() else {
        return Err(stage.not_run(HOP, "no ticket key is given"));
    };
    let jti = random::token(&*stage.system.random);
    let mut claims = signer.claims(&stage.target.linked, stage.system.clock.now(), &jti);
    change(&mut claims);
    let base = format!("{}/{}/launch?ticket=", stage.target.gateway, stage.target.tenant);
    let ended = signer.sign(&claims).map(|ticket| (format!("{base}{ticket}"), "EdDSA".to_owned()));
    stage.settle(HOP, ended)
}

async fn from_cloud(stage: &mut Stage) -> Result<(), Stopped> {
    let link = plain_link(stage).await?;
    let mut browser = stage.browser();
    let asked = stage.ask(&mut browser, &link).await?;
    let page = sign_in_at_partner(stage, &mut browser, &asked).await?;
    let delivery = stage.delivery(Ok(page), &asked)?;
    let account = stage.target.linked.user_id.clone();
    let console = format!("{}/iam/", stage.target.cloud);
    stage.land(&mut browser, &delivery, (&account, &console)).await
}

/// The cloud's login link, as it stands in a bookmark: learned from a launch, once.
pub(super) async fn plain_link(stage: &mut Stage) -> Result<String, Stopped> {
    let (_, link) = arrive(stage).await?;
    let url = Url::parse(&link).map_err(|_| Stopped)?;
    let account_type = parameter(&url, "xAccountType").unwrap_or_default();
    let account_type: String = byte_serialize(account_type.as_bytes()).collect();
    Ok(format!(
        "{}/authui/saml/login?xAccountType={account_type}&isFirstLogin=false",
        stage.target.cloud
    ))
}

/// The gateway asks the partner who it is; the partner knows, and the journey goes on.
pub(super) async fn sign_in_at_partner(
    stage: &mut Stage,
    browser: &mut Browser,
    asked: &Asked,
) -> Result<Page, Stopped> {
    let login = match &stage.target.partner {
        Some(partner) => format!("{partner}/login?"),
        None => "http".to_owned(),
    };
    let sent = browser.get(&asked.url).await.and_then(|page| redirect(&page, &login));
    let login = stage.settle("the gateway asks the partner who it is", sent)?;
    let launch = if stage.target.partner.is_some() {
        let page = browser.get(login.as_str()).await;
        let user = stage.target.login.clone();
        let form = page.and_then(|page| Form::of(&page).map(|form| (page.url, form)));
        let sent = match form {
            Ok((url, mut form)) => {
                form.set("user", &user);
                browser.post(&url, &form.action, &form.fields).await
            }
            Err(detail) => Err(detail),
        };
        let gateway = format!("{}/", stage.target.gateway);
        let ended = sent.and_then(|page| redirect(&page, &gateway));
        stage.settle("the partner signs the customer in", ended)?.to_string()
    } else {
        let handle = parameter(&login, "continue");
        let now = format_instant(stage.system.clock.now());
        let customer = Customer { authenticated_at: Some(now), ..stage.target.linked.clone() };
        let url = stage.ticket(&customer).await?;
        format!("{url}&continue={}", handle.unwrap_or_default())
    };
    let gateway = format!("{}/{}/continue/", stage.target.gateway, stage.target.tenant);
    let ended = browser.get(&launch).await.and_then(|page| redirect(&page, &gateway));
    let onward = stage.settle("the gateway opens a session", ended)?;
    browser.get(onward.as_str()).await.map_err(|detail| {
        let failed: Result<((), String), String> = Err(detail);
        stage.settle("the journey goes on", failed).err().unwrap_or(Stopped)
    })
}

async fn local(stage: &mut Stage) -> Result<(), Stopped> {
    let Some(Local { tenant, login, password, account }) = stage.target.local.clone() else {
        return Err(stage.not_run("a local user signs in", "no local user is given"));
    };
    let mut browser = stage.browser();
    let start = format!("{}/{tenant}/cloud", stage.target.gateway);
    let sign_in = format!("{}/{tenant}/sign-in", stage.target.gateway);
    let asked = browser.get(&start).await.and_then(|page| redirect(&page, &sign_in));
    let url = stage.settle("the gateway asks for a password", asked)?;
    let page = browser.get(url.as_str()).await;
    let wrong = typed(&mut browser, page, (&login, "not the password")).await;
    let ended = wrong.and_then(|page| {
        if page.status == 403 && page.body.contains("role=\"alert\"") {
            return Ok((page, "403, and the form again".to_owned()));
        }
        Err(format!("expected 403 and the form again, found {}", said(&page)))
    });
    let page = stage.settle("a wrong password is refused", ended)?;
    let right = typed(&mut browser, Ok(page), (&login, &password)).await;
    let cloud = format!("{}/authui/saml/login?", stage.target.cloud);
    let ended = right.and_then(|page| redirect(&page, &cloud));
    let link = stage.settle("the right password opens a session", ended)?;
    let console = format!("{}/iam/", stage.target.cloud);
    stage.sign_on(&mut browser, link.as_str(), (&account, &console)).await.map(drop)
}

async fn typed(
    browser: &mut Browser,
    page: Result<Page, String>,
    (login, password): (&str, &str),
) -> Result<Page, String> {
    let page = page?;
    let mut form = Form::of(&page)?;
    form.set(crate::page::field::USERNAME, login);
    form.set(crate::page::field::PASSWORD, password);
    browser.post(&page.url, &form.action, &form.fields).await
}

async fn logout(stage: &mut Stage) -> Result<(), Stopped> {
    let (mut browser, link) = arrive(stage).await?;
    let account = stage.target.linked.user_id.clone();
    let page = format!("{}/iam/", stage.target.cloud);
    stage.sign_on(&mut browser, &link, (&account, &page)).await?;
    let out = format!("{}/authui/logout", stage.target.cloud);
    let gateway = format!("{}/{}/saml/logout", stage.target.gateway, stage.target.tenant);
    let ended = browser.get(&out).await.and_then(|page| redirect(&page, &gateway));
    let url = stage.settle("the cloud ends its session and says so", ended)?;
    let ended = browser.get(url.as_str()).await.and_then(|page| match page.status {
        200 => Ok(((), "200".to_owned())),
        _ => Err(format!("expected 200, found {}", said(&page))),
    });
    stage.settle("the gateway ends its session", ended)?;
    let ended = browser.get(&page).await.and_then(|page| match page.status {
        403 => Ok(((), "403".to_owned())),
        _ => Err(format!("expected 403, found {}", said(&page))),
    });
    stage.settle("the console is closed", ended)?;
    let asked = stage.ask(&mut browser, &link).await?;
    let ended = browser.get(&asked.url).await.and_then(|page| redirect(&page, "http"));
    stage.settle("the next request asks to sign in", ended).map(drop)
}
