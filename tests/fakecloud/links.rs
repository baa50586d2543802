//! Unbinding at the simulated cloud, and notifications that tests ask for without a browser.

use serde_json::{Value, json};

use super::first_login::Told;
use super::*;

impl Stage {
    async fn ask(&self, path: &str, body: &Value) -> Answered {
        self.send(Method::POST, path, "application/json", &body.to_string()).await
    }
}

fn parsed(answer: &Answered) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn whom(account_id: &str) -> Value {
    json!({"xAccountType": "ZXT", "xAccountId": account_id})
}

#[tokio::test]
async fn a_person_unbinds_an_account_and_the_partner_is_told() {
    let stage = Stage::new();
    let console = stage.get("/iam/", &cookie(&stage.answer(same, same).await)).await;
    let link = between(&console.body, "id=\"unbind\" href=\"", "\"").replace("&#38;", "&");
    let page = stage.get(&format!("{link}&lang=en"), "").await;
    assert!(page.body.contains("value=\"cust-0001\""), "{}", page.body);
    let fields = form(&[("xAccountType", "ZXT"), ("xAccountId", "cust-0001")]);
    let page = stage.send(Method::POST, "/unbind?lang=en", "", &fields).await;
    assert!(page.body.contains("The account is unbound"), "{}", page.body);
    let told = Told::read(&page.body);
    assert_eq!(told.url, "https://sso.partner.example/bind");
    let said = told.verified(&stage);
    let account = stage.cloud.accounts().pop().unwrap();
    assert_eq!((&account.link, said["domainId"].as_str()), (&None, Some(&*account.domain_id)));
    assert_eq!((&said["bindAction"], &said["xUserId"]), (&json!("1"), &json!("cust-0001")));

    stage.answer(same, same).await.refused_with(Fault::NotBound);
    let again = stage.send(Method::POST, "/unbind?lang=en", "", &fields).await;
    again.refused_with(Fault::NotBound);
    assert!(again.body.contains("value=\"cust-0001\""), "the form is there again");
}

#[tokio::test]
async fn an_unbound_customer_comes_for_the_first_time_once_more() {
    let stage = Stage::new();
    stage.cloud.provision(&Provision { accounts: Accounts::AllBound, ..provision() }).unwrap();
    let told = parsed(&stage.ask("/api/unbind", &whom("cust-0001")).await);
    assert_eq!(Told::of(&told["notifications"][0]).verified(&stage)["bindAction"], "1");
    assert_eq!(told["notifications"].as_array().unwrap().len(), 1);
    stage.answer(same, same).await.refused_with(Fault::NotBound);
    stage.first_login("cust-0001").await;
}

#[tokio::test]
async fn unbinding_names_a_known_platform_and_a_bound_customer() {
    let stage = Stage::new();
    let ask = async |body: Value| stage.ask("/api/unbind", &body).await;
    ask(whom("cust-0002")).await.refused_with(Fault::NotBound);
    ask(json!({"xAccountType": "OTHER", "xAccountId": "c"}))
        .await
        .refused_with(Fault::AccountTypeUnknown);
    ask(json!({"xAccountType": "ZXT"})).await.refused_with(Fault::CallUnreadable);
    stage.cloud.provision(&Provision { callback_url: None, ..provision() }).unwrap();
    assert_eq!(parsed(&ask(whom("cust-0001")).await), json!({"notifications": []}));
    let fields = form(&[("xAccountType", "ZXT"), ("xAccountId", "cust-0001")]);
    stage.cloud.provision(&Provision { callback_url: None, ..provision() }).unwrap();
    let page = stage.send(Method::POST, "/unbind?lang=en", "", &fields).await;
    assert!(page.body.contains("The partner is not told"), "{}", page.body);
}

#[tokio::test]
async fn a_test_gets_any_notification_signed_and_nothing_changes() {
    let stage = Stage::new();
    let ask = async |more: Value| {
        let mut body = whom("cust-0001");
        let fields = body.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        let answer = parsed(&stage.ask("/api/notification", &body).await);
        Told::of(&answer["notification"]).verified(&stage)
    };
    let account = stage.cloud.accounts().pop().unwrap();
    let known = ask(json!({"action": "unbind"})).await;
    assert_eq!(known["domainId"], account.domain_id.as_str());
    assert_eq!(known["bindAction"], "1");
    let stranger = ask(json!({"action": "bind", "xAccountId": "never-seen"})).await;
    assert_eq!(
        (&stranger["xUserId"], &stranger["bindAction"]),
        (&json!("never-seen"), &json!("0"))
    );
    assert_eq!(stranger["domainId"].as_str().unwrap().len(), 32);
    assert_eq!(stranger, ask(json!({"action": "bind", "xAccountId": "never-seen"})).await);
    let claimed = json!({
        "domainName": "theirs", "domainId": "d-1", "userName": "them", "userId": "u-1",
    });
    let said = ask(json!({"action": "bind", "account": claimed})).await;
    for (name, value) in claimed.as_object().unwrap() {
        assert_eq!(&said[name], value);
    }
    assert_eq!(stage.cloud.accounts(), [account]);
}

#[tokio::test]
async fn notifications_are_kept_in_their_order_to_be_sent_again() {
    let stage = Stage::new();
    for (account_id, action) in [("a", "bind"), ("b", "bind"), ("a", "unbind")] {
        let mut body = whom(account_id);
        body["action"] = action.into();
        parsed(&stage.ask("/api/notification", &body).await);
    }
    let kept = parsed(&stage.get("/api/notifications", "").await);
    let said: Vec<(Value, Value)> = kept["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| Told::of(told).verified(&stage))
        .map(|said| (said["xUserId"].clone(), said["bindAction"].clone()))
        .collect();
    let expected = [("a", "0"), ("b", "0"), ("a", "1")];
    assert_eq!(said, expected.map(|(id, action)| (json!(id), json!(action))));
}

#[tokio::test]
async fn an_account_for_binding_is_made_once() {
    let stage = Stage::new();
    let mut existing = json!({"name": "theirs_already", "password": "Abcd-1234"});
    existing["email"] = "they@example.com".into();
    let made = parsed(&stage.ask("/api/accounts", &existing).await);
    assert_eq!((&made["domain_name"], &made["link"]), (&json!("theirs_already"), &Value::Null));
    assert_eq!(made["association"], Value::Null);
    assert!(!made.to_string().contains("Abcd-1234"));
    stage.ask("/api/accounts", &existing).await.refused_with(Fault::AccountNameTaken);
    existing["name"] = "another_name".into();
    stage.ask("/api/accounts", &existing).await.refused_with(Fault::ContactTaken);
    existing["colour"] = 1.into();
    stage.ask("/api/accounts", &existing).await.refused_with(Fault::CallUnreadable);
}

#[tokio::test]
async fn a_notification_needs_a_platform_with_an_address_for_results() {
    let stage = Stage::new();
    stage.cloud.provision(&Provision { callback_url: None, ..provision() }).unwrap();
    let mut body = whom("cust-0001");
    body["action"] = "bind".into();
    stage.ask("/api/notification", &body).await.refused_with(Fault::CallbackMissing);
    body["action"] = "embrace".into();
    stage.ask("/api/notification", &body).await.refused_with(Fault::CallUnreadable);
}

#[tokio::test]
async fn the_fault_script_loses_notifications_sends_them_twice_or_out_of_order() {
    let stage = Stage::new();
    stage.cloud.provision(&Provision { accounts: Accounts::AllBound, ..provision() }).unwrap();
    let rule = |call: u8, effect: &str| json!({"api": "notification", "when": {"call": call}, "effect": effect});
    let script = json!({
        "rules": [rule(1, "lose"), rule(2, "twice"), rule(3, "out_of_order")],
    })
    .to_string();
    let set = stage.send(Method::PUT, "/api/faults", "application/json", &script).await;
    assert_eq!(set.status, StatusCode::OK);
    let mut carried = Vec::new();
    for customer in ["lost", "twice", "late", "next", "plain"] {
        let told = parsed(&stage.ask("/api/unbind", &whom(customer)).await);
        let told = told["notifications"].as_array().unwrap().clone();
        let said = told.iter().map(|told| Told::of(told).verified(&stage)["xUserId"].clone());
        carried.push(Value::Array(said.collect()));
    }
    let expected = [
        json!([]),
        json!(["twice", "twice"]),
        json!([]),
        json!(["next", "late"]),
        json!(["plain"]),
    ];
    assert_eq!(carried, expected);
    let kept: Vec<_> = stage.cloud.notifications();
    assert_eq!(kept.len(), 5, "what was lost or is late can still be sent by hand");
}

#[tokio::test]
async fn a_browser_carries_several_notifications_and_none_to_the_partner() {
    let stage = Stage::new();
    stage.cloud.provision(&Provision { accounts: Accounts::AllBound, ..provision() }).unwrap();
    let rule = |call: u8, effect: &str| json!({"api": "notification", "when": {"call": call}, "effect": effect});
    let script = json!({"rules": [rule(1, "twice"), rule(2, "lose")]});
    stage.send(Method::PUT, "/api/faults", "application/json", &script.to_string()).await;
    let unbind = async |customer: &str| {
        let fields = form(&[("xAccountType", "ZXT"), ("xAccountId", customer)]);
        stage.send(Method::POST, "/unbind?lang=en", "", &fields).await
    };
    let page = unbind("twice").await;
    let told = Told::read(&page.body);
    let first = between(&page.body, "<data class=\"before\" value=\"", "\"").replace("&#38;", "&");
    assert!(first.ends_with(&form(&[("Signature", told.signature.as_str())])), "{first}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("; connect-src https://sso.partner.example; "), "{policy}");
    let page = unbind("lost").await;
    assert!(page.body.contains("The partner is not told"), "{}", page.body);
}
