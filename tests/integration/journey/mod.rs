//! The journey over the gateway's addresses, hop by hop, without sockets.

mod answer;
mod apart;
mod attributes;
mod beginning;
mod delivery;
mod encrypted;
mod hand_off;
mod link;
mod local;
mod logout;
mod logout_names;
mod metadata;
mod pages;
mod post;
mod requests;
mod secrets;
mod session;
mod soap;
mod store_away;
mod ticket;
mod turned_away;
mod unsolicited;

use crate::support::gateway::browser::Browser;
use crate::support::gateway::cloud::Request;
use crate::support::gateway::{TestGateway, ticket as tickets};

/// A browser that a customer of acme's has just been handed off with.
async fn handed_off(gateway: &TestGateway, user: &str) -> Browser {
    let mut browser = gateway.browser();
    launch(gateway, &mut browser, user).await;
    browser
}

/// Hands a customer of acme's off, with a ticket that is good now.
async fn launch(gateway: &TestGateway, browser: &mut Browser, user: &str) {
    let ticket = ticket_now(gateway, user);
    let answer = browser.get(&format!("/acme/launch?ticket={ticket}")).await;
    assert!(answer.location().starts_with("https://auth.huaweicloud.com/"), "{answer:?}");
    assert!(browser.has_session());
}

/// A ticket that is good now.
fn ticket_now(gateway: &TestGateway, user: &str) -> String {
    let mut claims = tickets::claims(user);
    claims["exp"] = (gateway.now().unix_timestamp() + 60).into();
    tickets::keys()[0].sign(&claims)
}

/// The same from a partner that says that it asked just now who they are.
fn proved_now(gateway: &TestGateway, user: &str) -> String {
    let mut claims = tickets::claims(user);
    claims["exp"] = (gateway.now().unix_timestamp() + 60).into();
    claims["auth_time"] = gateway.now().unix_timestamp().into();
    tickets::keys()[0].sign(&claims)
}

/// A request that the cloud makes now.
fn request_now(gateway: &TestGateway, tenant: &str) -> Request {
    let seconds = (gateway.now() - crate::support::gateway::START).whole_seconds();
    Request::to(tenant).issued(seconds)
}

/// The continuation in an address of the partner's login page.
fn continuation(address: &url::Url) -> String {
    let found = address.query_pairs().find(|(name, _)| name == "continue");
    found.unwrap_or_else(|| panic!("no continuation in {address}")).1.into_owned()
}
