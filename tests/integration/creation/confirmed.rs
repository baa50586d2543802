//! A notification of a link where the cloud's list can be asked: it counts when the list says the
//! same, and only then, because it does not say for which platform it was made (contract §1.6.6).

use std::collections::HashSet;

use serde_json::{Value, json};
use skybridge::fakecloud::{Accounts, Api, Provision, Script};

use super::opening::House;
use super::provision;
use crate::support::gateway::browser::Answer;
use crate::support::gateway::cloud::{RSA_SHA256, signature_over};
use crate::support::gateway::material::{self, base64};

/// The cloud has accounts of these customers of delta's.
fn listed(house: &House, customers: &[&str]) {
    let customers: HashSet<String> = customers.iter().map(ToString::to_string).collect();
    let accounts = Accounts::Bound(customers.into_iter().collect());
    house.cloud.provision(&Provision { accounts, ..provision("delta_IDP") }).unwrap();
}

/// The id of a customer's account at the cloud.
fn account_of(house: &House, customer: &str) -> String {
    let accounts = house.cloud.accounts().into_iter();
    let mut theirs = accounts
        .filter(|account| account.link.as_ref().is_some_and(|link| link.account_id == customer));
    theirs.next().unwrap().domain_id
}

/// A customer who is sent to the cloud's own page.
async fn sent(house: &House, customer: &str) {
    let mut browser = house.newcomer(customer).await;
    let answer = browser.get("/delta/cloud?at=cloud").await;
    assert!(answer.location().contains("isFirstLogin=true"), "{answer:?}");
}

/// The cloud's notification that a customer has this account.
async fn told(house: &House, customer: &str, domain_id: &str) -> Answer {
    let said = json!({
        "domainName": "hw_demo01", "domainId": domain_id, "userName": "hw_demo01", "userId": "u-1",
        "xUserId": customer, "bindAction": 0,
    });
    let text = base64(said.to_string().as_bytes());
    let signature = base64(&signature_over(material::sp(), text.as_bytes()));
    let fields = [("bindRequest", &*text), ("SigAlg", RSA_SHA256), ("Signature", &signature)];
    house.gateway.browser().post("/delta/link-result", &fields).await
}

/// How often the list was asked for.
fn asked(house: &House) -> u64 {
    house.cloud.calls().get(&Api::ListCustomers).map_or(0, |calls| calls.calls)
}

async fn state(house: &House, customer: &str) -> Value {
    house.customer(customer).await["state"].take()
}

#[tokio::test]
async fn a_link_that_the_list_confirms_stands_and_another_does_not() {
    let house = House::new().await;
    listed(&house, &["cust-a", "cust-b"]);
    let (of_a, of_b) = (account_of(&house, "cust-a"), account_of(&house, "cust-b"));
    sent(&house, "cust-a").await;
    // An account of nobody, and one of somebody else.
    for domain_id in ["0123456789abcdef0123456789abcdef", &of_b] {
        let before = asked(&house);
        told(&house, "cust-a", domain_id).await.refused("SB-4110");
        assert!(asked(&house) > before);
        assert_eq!(state(&house, "cust-a").await, "first-login");
    }
    assert_eq!(told(&house, "cust-a", &of_a).await.location(), "/delta/link-result/linked");
    let customer = house.customer("cust-a").await;
    assert_eq!(
        (&customer["state"], &customer["cloud_account"]["domain_id"]),
        (&json!("linked"), &json!(of_a))
    );
    // What is known needs no list.
    let before = asked(&house);
    assert_eq!(told(&house, "cust-a", &of_a).await.location(), "/delta/link-result/linked");
    assert_eq!(asked(&house), before);
}

#[tokio::test]
async fn without_an_answer_of_the_list_nothing_is_believed_until_there_is_one() {
    let house = House::new().await;
    listed(&house, &["cust-a"]);
    let of_a = account_of(&house, "cust-a");
    // Nobody asks about customers who were never sent.
    house.newcomer("cust-never").await;
    told(&house, "cust-never", &of_a).await.refused("SB-4103");
    assert_eq!(asked(&house), 0);
    sent(&house, "cust-a").await;
    let effect = json!({ "throttle": { "seconds": 50 } });
    let rule = json!({ "api": "list_customers", "when": "every", "effect": effect });
    let script: Script = serde_json::from_value(json!({ "rules": [rule] })).unwrap();
    house.cloud.set_faults(script).unwrap();
    told(&house, "cust-a", &of_a).await.refused("SB-4110");
    assert_eq!(state(&house, "cust-a").await, "first-login");
    house.cloud.set_faults(Script::default()).unwrap();
    assert_eq!(told(&house, "cust-a", &of_a).await.location(), "/delta/link-result/linked");
    assert_eq!(state(&house, "cust-a").await, "linked");
}
