//! The client against a scripted other side. No test sleeps: time is paused.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::fixtures::*;
use super::*;
use crate::refusal::{Code, Owner};

const CREATED: &str = r#"{"domain_id":"08f2","domain_name":"shop-one"}"#;
const LISTED: &str = r#"{"customer_infos":[
    {"customer_id":"c1","account_name":"shop-one","xaccount_id":"cust-1",
     "xaccount_type":"acme_IDP","association_type":"2","is_frozen":0,"telephone":"138",
     "associated_on":"2026-01-02T03:04:05Z","verified_status":2},
    {"customer_id":"c2","account_name":"shop-two","association_type":"1","is_frozen":2}],
    "count":2}"#;
const BUSY: &str = r#"{"error_msg":"policy user over ratelimit","error_code":"APIGW.0308"}"#;

fn new_customer() -> NewCustomer {
    NewCustomer { x_account_id: "cust-1".into(), ..NewCustomer::default() }
}

fn with_key(acts: impl IntoIterator<Item = Act>) -> (Arc<Script>, Client) {
    let script = Script::of(acts);
    let client = client("huawei-cn", key(), tools(&script));
    (script, client)
}

fn token(text: &str, expires_at: &str) -> Act {
    let body = format!(r#"{{"token":{{"expires_at":"{expires_at}","methods":["password"]}}}}"#);
    answer_with(201, &[("x-subject-token", text)], &body)
}

async fn list(client: &Client) -> Result<Listed, Failure> {
    client.list(&Filter::All, Page::first(), Language::En).await
}

#[tokio::test(start_paused = true)]
async fn a_call_has_the_form_that_the_cloud_asks_for_and_is_signed() {
    let (script, client) = with_key([answer(200, r#"{"check_result":"available"}"#)]);
    let subject = Subject::Contact("13800000000");
    let found = client.check(subject, Language::Zh).await.unwrap();
    assert!(found.is_available && found.remaining.is_none());
    let sent = &script.sent()[0];
    assert_eq!(
        sent.url,
        "https://bss.cloud.example/v2/partners/sub-customers/users/check-identity"
    );
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("x-language"), Some("zh_CN"));
    assert_eq!(sent.header("x-domain-id"), Some("partner-1"));
    assert!(sent.header("x-sdk-date").unwrap().starts_with("20260102T0304"));
    let signed = "SignedHeaders=content-type;host;x-domain-id;x-sdk-date";
    assert!(sent.header("authorization").unwrap().contains(signed));
    let body = json!({"search_type": "mobile", "search_value": "0086-13800000000"});
    assert_eq!(sent.json(), body);
}

#[tokio::test(start_paused = true)]
async fn what_the_check_says_is_read() {
    let used = r#"{"check_result":"used_by_user","mobile_remain_available_num":2}"#;
    let (_script, client) = with_key([answer(200, used), answer(200, "{}")]);
    let found = client.check(Subject::Name("acme-shop"), Language::En).await.unwrap();
    assert_eq!(found, Availability { is_available: false, remaining: Some(2) });
    let failure = client.check(Subject::Name("acme-shop"), Language::En).await.unwrap_err();
    assert_eq!(failure.code, Code::CloudAnswerUnusable);
}

#[tokio::test(start_paused = true)]
async fn a_code_goes_by_the_way_that_the_site_knows() {
    let script = Script::of([answer(204, ""), answer(204, "")]);
    let cn = client("huawei-cn", key(), tools(&script));
    cn.send_code("0086-13800000000", Language::Zh).await.unwrap();
    let intl = client("huawei-intl", key(), tools(&script));
    intl.send_code("li@shop.example", Language::En).await.unwrap();
    let sent = script.sent();
    assert!(sent[0].url.ends_with("/v2/bases/verificationcode/send"));
    let body = json!({"receiver_type": 1, "mobile_phone": "13800000000", "lang": "zh-cn"});
    assert_eq!(sent[0].json(), body);
    let body = json!({"receiver_type": 2, "email": "li@shop.example", "lang": "en-us"});
    assert_eq!(sent[1].json(), body);
}

#[tokio::test(start_paused = true)]
async fn a_customer_is_created_with_what_is_known_and_nothing_else() {
    let (script, cn) = with_key([answer(200, CREATED)]);
    let created = cn.create(&new_customer(), Language::En).await;
    let account = Account { id: "08f2".into(), name: "shop-one".into() };
    assert_eq!(created, Creation::Created(account));
    let body = json!({"xaccount_id": "cust-1", "xaccount_type": "acme_IDP",
        "include_association_result": false});
    assert_eq!(script.sent()[0].json(), body);

    let script = Script::of([answer(200, CREATED)]);
    let intl = client("huawei-intl", key(), tools(&script));
    let (address, code) = ("li@shop.example".into(), "012345".into());
    let new = NewCustomer {
        domain_name: Some("shop-one".into()),
        contact: Some(VerifiedContact { address, code }),
        area: Some("SG".into()),
        password: Some("correct-horse".into()),
        indirect_partner: Some("reseller-9".into()),
        association: WaitFor::Association,
        ..new_customer()
    };
    assert!(matches!(intl.create(&new, Language::En).await, Creation::Created(_)));
    let body = json!({"xaccount_id": "cust-1", "xaccount_type": "acme_IDP",
        "domain_name": "shop-one", "email": "li@shop.example", "verification_code": "012345",
        "domain_area": "SG", "password": "correct-horse", "indirect_partner_id": "reseller-9",
        "include_association_result": true});
    assert_eq!(script.sent()[0].json(), body);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_breaks_a_rule_is_never_sent() {
    let (script, cn) = with_key([]);
    let intl = client("huawei-intl", key(), tools(&script));
    let refused = |creation| match creation {
        Creation::Refused(failure) => (failure.field.unwrap().field, failure.code),
        other => panic!("{other:?}"),
    };
    for (client, new, field, code) in [
        (&cn, NewCustomer::default(), "xaccount_id", Code::FieldInvalid),
        (
            &cn,
            NewCustomer { domain_name: Some("1shop".into()), ..new_customer() },
            "domain_name",
            Code::AccountNameUnusable,
        ),
        (
            &cn,
            NewCustomer { area: Some("CN".into()), ..new_customer() },
            "domain_area",
            Code::FieldInvalid,
        ),
        (&intl, new_customer(), "domain_area", Code::FieldInvalid),
        (
            &cn,
            NewCustomer { password: Some("short".into()), ..new_customer() },
            "password",
            Code::PasswordUnusable,
        ),
    ] {
        assert_eq!(refused(client.create(&new, Language::En).await), (field, code));
    }
    let failure = cn.send_code("li@shop.example", Language::En).await.unwrap_err();
    assert_eq!(failure.code, Code::ContactUnusable);
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_end_of_a_creation_is_told_apart() {
    let error = |code| format!(r#"{{"error_code":"{code}","error_msg":"x"}}"#);
    let unconfirmed = r#"{"error_code":"CBC.99000050","domain_id":"08f2","domain_name":"shop"}"#;
    let ends = [
        (answer(400, &error("CBC.99000038")), "refused"),
        (answer(400, &error("CBC.99000039")), "maybe ours"),
        (answer(500, unconfirmed), "unconfirmed"),
        (answer(500, &error("CBC.99000050")), "unknown"),
        (answer(500, &error("CBC.0999")), "unknown"),
        (answer(400, &error("CBC.99000004")), "unknown"),
        (answer(502, "<html>"), "unknown"),
        (answer(204, ""), "unknown"),
        (answer(200, r#"{"domain_id":"","domain_name":"x"}"#), "unknown"),
        (Act::Fail(TransportError::Lost("reset".into())), "unknown"),
        (Act::Fail(TransportError::TooLarge), "unknown"),
        (Act::Hang, "unknown"),
        (answer(403, &error("CBC.0151")), "refused"),
    ];
    for (act, expected) in ends {
        // One act: a second request would fall out of the script.
        let (script, client) = with_key([act]);
        let end = match client.create(&new_customer(), Language::En).await {
            Creation::Created(_) => "created",
            Creation::CreatedUnconfirmed(account) => {
                assert_eq!(account.id, "08f2");
                "unconfirmed"
            }
            Creation::MaybeOurs(failure) => {
                assert_eq!(failure.code, Code::AccountIdKnown);
                "maybe ours"
            }
            Creation::Unknown(_) => "unknown",
            Creation::Refused(_) => "refused",
        };
        assert_eq!(end, expected);
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_certainly_did_not_happen_is_tried_again() {
    let (script, client) = with_key([
        Act::Fail(TransportError::NotSent("refused".into())),
        answer(429, BUSY),
        answer(200, CREATED),
    ]);
    let created = client.create(&new_customer(), Language::En).await;
    assert!(matches!(created, Creation::Created(_)), "{created:?}");
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_may_have_been_sent_is_not_sent_twice() {
    let (script, client) = with_key([Act::Hang]);
    let failure = client.send_code("13800000000", Language::En).await.unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_and_what_is_personal_is_left() {
    let (script, client) = with_key([answer(200, LISTED), answer(200, "{}")]);
    let listed = list(&client).await.unwrap();
    assert_eq!(ids(&listed), [("c1", Some("cust-1")), ("c2", None)]);
    assert_eq!(listed.customers[0].association, AssociationKind::Resale);
    assert!(listed.customers[0].associated_on.is_some() && !listed.customers[0].is_frozen);
    assert_eq!(listed.customers[1].association, AssociationKind::Referral);
    assert!(listed.customers[1].is_frozen);
    let page = Page::new(100, 1000);
    let nothing = client.list(&Filter::Id("c9".into()), page, Language::En).await.unwrap();
    assert_eq!(nothing, Listed { customers: Vec::new(), count: 0 });
    let since = Filter::Since(time::macros::datetime!(2026-01-02 11:04:05 +8));
    script.add(answer(200, "{}"));
    client.list(&since, Page::first(), Language::En).await.unwrap();
    let sent = script.sent();
    let begin = json!("2026-01-02T03:04:05Z");
    let expected = json!({"associated_on_begin": begin, "offset": 0, "limit": 100});
    assert_eq!(sent[2].json(), expected);
    assert_eq!(sent[0].json(), json!({"offset": 0, "limit": 100}));
    assert_eq!(sent[1].json(), json!({"customer_id": "c9", "offset": 100, "limit": 100}));
}

fn ids(listed: &Listed) -> Vec<(&str, Option<&str>)> {
    listed.customers.iter().map(|c| (c.account.id.as_str(), c.x_account_id.as_deref())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_customer_is_looked_for_on_every_page() {
    let page = |from: u64, to: u64| {
        let customer = |n: u64| {
            json!({"customer_id": format!("c{n}"), "account_name": format!("shop-{n}"),
                "xaccount_id": format!("cust-{n}"), "xaccount_type": "acme_IDP"})
        };
        let infos: Vec<_> = (from..to).map(customer).collect();
        answer(200, &json!({"customer_infos": infos, "count": 250}).to_string())
    };
    let (script, client) = with_key([page(0, 100), page(100, 200), page(200, 250)]);
    let found = client.find("cust-230").await.unwrap().unwrap();
    assert_eq!(found.account.id, "c230");
    let offsets: Vec<_> = script.sent().iter().map(|sent| sent.json()["offset"].clone()).collect();
    assert_eq!(offsets, [0, 100, 200]);

    for act in [page(0, 100), page(100, 200), page(200, 250)] {
        script.add(act);
    }
    assert_eq!(client.find("cust-999").await.unwrap(), None);
    script.add(page(0, 100));
    script.add(answer(400, "{}"));
    assert!(client.find("cust-999").await.is_err(), "half a list is no proof");
}

#[tokio::test(start_paused = true)]
async fn a_customer_of_another_platform_is_not_ours() {
    let other = r#"{"customer_infos":[{"customer_id":"c1","account_name":"shop-one",
        "xaccount_id":"cust-1","xaccount_type":"other_IDP"}],"count":1}"#;
    let (_script, client) = with_key([answer(200, other)]);
    assert_eq!(client.find("cust-1").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn reading_is_repeated_whatever_went_wrong_on_the_way() {
    let (script, client) = with_key([
        Act::Hang,
        Act::Fail(TransportError::Lost("reset".into())),
        answer(503, ""),
        answer(200, LISTED),
    ]);
    assert_eq!(list(&client).await.unwrap().count, 2);
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn repetition_ends_and_the_failure_says_whose_move_it_is() {
    let (script, client) = with_key((0..4).map(|_| answer(503, "")));
    let failure = list(&client).await.unwrap_err();
    assert_eq!(failure.code.entry().owner, Owner::Cloud);
    assert_eq!(failure.lasting, Lasting::Transient { retry_after: None });
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_ours_is_not_repeated() {
    let (script, client) = with_key([answer(400, r#"{"error_code":"CBC.0101"}"#)]);
    assert_eq!(list(&client).await.unwrap_err().code, Code::CloudCallRefused);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_cloud_is_given_the_time_that_it_asks_for() {
    for asked in ["5", "Fri, 02 Jan 2026 03:04:10 GMT"] {
        let busy = answer_with(429, &[("retry-after", asked)], BUSY);
        let (_script, client) = with_key([busy, answer(200, LISTED)]);
        let begun = Instant::now();
        list(&client).await.unwrap();
        let took = begun.elapsed();
        assert!((4_900..5_900).contains(&took.as_millis()), "{asked}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_a_call_may_take() {
    let busy = answer_with(429, &[("retry-after", "3600")], BUSY);
    let (script, client) = with_key([busy]);
    let begun = Instant::now();
    let failure = list(&client).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(1));
    let retry_after = Some(crate::limits::API_RETRY_AFTER);
    assert_eq!(failure.lasting, Lasting::Transient { retry_after });
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_is_down_is_not_asked_by_every_call() {
    let (script, client) = with_key((0..6).map(|_| answer(503, "")));
    assert!(list(&client).await.is_err());
    assert!(list(&client).await.is_err());
    let failure = list(&client).await.unwrap_err();
    assert!(matches!(failure.lasting, Lasting::Transient { retry_after: Some(_) }));
    assert_eq!(script.sent().len(), 6);
    // Others are.
    script.add(answer(200, r#"{"check_result":"available"}"#));
    assert!(client.check(Subject::Name("acme-shop"), Language::En).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_the_store_calls_go_on() {
    let script = Script::of([token("t-1", "2026-01-03T03:04:05.000000Z"), answer(200, LISTED)]);
    let tools = Tools { store: Arc::new(AwayStore), ..tools(&script) };
    let client = client("huawei-cn", user(), tools);
    assert!(list(&client).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_and_shared_by_nodes() {
    let script = Script::of([token("t-1", "2026-01-03T03:04:05.000000Z")]);
    (0..6).for_each(|_| script.add(answer(200, LISTED)));
    let tools = tools(&script);
    let one = client("huawei-cn", user(), tools.clone());
    // Together: the first fetches, the others wait for it.
    let (a, b, c) = tokio::join!(list(&one), list(&one), list(&one));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let other = client("huawei-cn", user(), tools.clone());
    assert!(list(&other).await.is_ok());
    let restarted = client("huawei-cn", user(), tools);
    assert!(list(&restarted).await.is_ok());
    assert!(list(&restarted).await.is_ok());
    let sent = script.sent();
    assert_eq!(sent[0].url, "https://iam.cloud.example/v3/auth/tokens?nocatalog=true");
    assert_eq!(sent[0].json()["auth"]["scope"]["domain"]["name"], "acme");
    assert!(sent[1..].iter().all(|sent| sent.header("x-auth-token") == Some("t-1")));
}

#[tokio::test(start_paused = true)]
async fn a_token_lies_sealed_in_the_store() {
    let script = Script::of([token("t-secret", "2026-01-03T03:04:05Z"), answer(200, LISTED)]);
    let tools = tools(&script);
    let one = client("huawei-cn", user(), tools.clone());
    assert!(list(&one).await.is_ok());
    let Auth::Token(tokens) = &one.auth else { panic!("a user has a token") };
    let stored = tools.store.get(&tokens.key()).await.unwrap().unwrap();
    assert!(!stored.windows(8).any(|window| window == b"t-secret"));
    // What does not open is no token: another is fetched.
    tools.store.put(&tokens.key(), b"nonsense", Duration::from_hours(1)).await.unwrap();
    script.add(token("t-2", "2026-01-03T03:04:05Z"));
    script.add(answer(200, LISTED));
    let other = client("huawei-cn", user(), tools);
    assert!(list(&other).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_ends_and_used_while_it_cannot_be() {
    let script = Script::of([token("t-1", "2026-01-02T05:04:05Z"), answer(200, LISTED)]);
    let client = client("huawei-cn", user(), tools(&script));
    assert!(list(&client).await.is_ok());
    tokio::time::advance(Duration::from_mins(90)).await;
    // Half an hour is left: time for a new one, which cannot be had.
    script.add(answer(400, "{}"));
    script.add(answer(200, LISTED));
    assert!(list(&client).await.is_ok());
    script.add(token("t-2", "2026-01-03T03:04:05Z"));
    script.add(answer(200, LISTED));
    assert!(list(&client).await.is_ok());
    let used: Vec<_> =
        script.sent().iter().filter_map(|s| s.header("x-auth-token").map(str::to_owned)).collect();
    assert_eq!(used, ["t-1", "t-1", "t-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_cloud_refuses_is_replaced_once() {
    let refused = || answer(401, r#"{"error_code":"CBC.0154"}"#);
    let fresh = "2026-01-03T03:04:05Z";
    let script = Script::of([token("t-1", fresh), refused(), token("t-2", fresh)]);
    script.add(answer(200, LISTED));
    let client = client("huawei-cn", user(), tools(&script));
    assert!(list(&client).await.is_ok());
    assert_eq!(script.sent()[3].header("x-auth-token"), Some("t-2"));
    script.add(refused());
    script.add(token("t-3", fresh));
    script.add(refused());
    let failure = list(&client).await.unwrap_err();
    assert_eq!(failure.code, Code::CloudCredentials);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_the_operator_s_move_and_is_not_shown() {
    let body = r#"{"error":{"message":"The username or password is wrong.","code":401}}"#;
    let script = Script::of([answer(401, body)]);
    let client = client("huawei-cn", user(), tools(&script));
    let failure = list(&client).await.unwrap_err();
    assert_eq!(failure.code.entry().owner, Owner::Operator);
    let shown = format!("{failure} {failure:?} {:?}", user());
    assert!(!shown.contains("hunter2"), "{shown}");
}
