//! Creating customers, with codes before it (contract §7.5, §7.6).

use serde_json::{Value, json};
use skybridge::fakecloud::{Knobs, Site, Source};
use time::Duration;

use super::{CREATE, Desk, LIST, SEND, ok};

/// A minimal wish for customer `id`, with more fields.
fn wish(id: &str, more: &Value) -> Value {
    let mut wish = json!({ "xaccount_id": id, "xaccount_type": "ZXT" });
    for (name, value) in more.as_object().unwrap() {
        wish[name] = value.clone();
    }
    wish
}

/// The same on the international site.
fn abroad(id: &str, more: &Value) -> Value {
    let mut wish = wish(id, more);
    if wish.get("domain_area").is_none() {
        wish["domain_area"] = "SG".into();
    }
    wish
}

#[tokio::test]
async fn a_customer_is_created_linked_and_associated() {
    let desk = Desk::at(Site::Cn);
    let code = desk.code("13800000000").await;
    let more = json!({ "domain_name": "shop_one", "mobile_phone": "0086-13800000000",
        "verification_code": code, "password": "Secret123", "is_close_market_ms": "true" });
    let made = ok(&desk.post(CREATE, &wish("c1", &more)).await);
    assert_eq!(made.as_object().unwrap().len(), 2);
    assert_eq!(made["domain_name"], "shop_one");
    assert_eq!(made["domain_id"].as_str().unwrap().len(), 32);
    let account = desk.cloud().accounts().pop().unwrap();
    assert_eq!(account.domain_id, made["domain_id"]);
    assert_eq!(account.mobile.as_deref(), Some("13800000000"));
    assert_eq!(account.link.unwrap().account_id, "c1");
    assert_eq!(account.source, Source::Api);
    let listed = ok(&desk.post(LIST, &json!({})).await);
    assert_eq!(listed["customer_infos"][0]["xaccount_id"], "c1");
    assert_eq!(listed["customer_infos"][0]["association_type"], "2");
}

#[tokio::test]
async fn without_name_and_password_there_is_a_random_name_of_32_characters() {
    let desk = Desk::at(Site::Cn);
    for (id, more) in [
        ("c1", json!({})),
        ("c2", json!({ "domain_name": "", "mobile_phone": "" })),
        ("c3", json!({ "domain_name": null, "password": null, "verification_code": null })),
    ] {
        let made = ok(&desk.post(CREATE, &wish(id, &more)).await);
        assert_eq!(made["domain_name"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn every_field_has_its_rule_and_a_refusal_creates_nothing() {
    let desk = Desk::at(Site::Cn);
    let long = "a".repeat(129);
    let cases = [
        (json!({ "xaccount_id": null }), "CBC.0100", "xaccount_id"),
        (json!({ "xaccount_id": "" }), "CBC.0100", "xaccount_id"),
        (json!({ "xaccount_id": long }), "CBC.0100", "xaccount_id"),
        (json!({ "xaccount_id": 1 }), "CBC.0100", "xaccount_id"),
        (json!({ "xaccount_type": null }), "CBC.0100", "xaccount_type"),
        (json!({ "xaccount_type": "NONE" }), "CBC.0101", "xaccount_type"),
        (json!({ "xaccount_type": "a-b" }), "CBC.0101", "xaccount_type"),
        (json!({ "domain_name": "abcd" }), "CBC.99000031", "domain_name"),
        (json!({ "domain_name": "op_shop" }), "CBC.99000031", ""),
        (json!({ "domain_name": "123456" }), "CBC.99000031", ""),
        (json!({ "mobile_phone": "0001-13800000000" }), "CBC.5017", "mobile_phone"),
        (json!({ "mobile_phone": "13800000000" }), "CBC.0100", "verification_code"),
        (json!({ "verification_code": "" }), "CBC.0100", "verification_code"),
        (json!({ "verification_code": "123456" }), "CBC.0100", "verification_code"),
        (json!({ "password": "" }), "CBC.99000036", "password"),
        (json!({ "password": "Short1" }), "CBC.99000036", ""),
        (json!({ "domain_name": "shop1234", "password": "4321pohs" }), "CBC.99000036", ""),
        (json!({ "is_close_market_ms": true }), "CBC.0100", "is_close_market_ms"),
        (json!({ "is_close_market_ms": "yes" }), "CBC.0101", "is_close_market_ms"),
        (json!({ "indirect_partner_id": "i1" }), "CBC.99000037", ""),
        (json!({ "include_association_result": "true" }), "CBC.0100", "include_association"),
        (json!({ "email": "a@b.example" }), "CBC.0100", "email"),
        (json!({ "domain_area": "CN" }), "CBC.0100", "domain_area"),
    ];
    for (more, code, about) in cases {
        desk.later(CREATE, &wish("c1", &more)).await.says(400, code, about);
    }
    assert_eq!(desk.cloud().accounts().len(), 1, "only the one from the start");
}

#[tokio::test]
async fn the_international_site_takes_an_address_and_an_area_and_no_number() {
    let desk = Desk::at(Site::Intl);
    for (more, code, about) in [
        (json!({ "domain_area": null }), "CBC.0100", "domain_area"),
        (json!({ "domain_area": "sg" }), "CBC.0101", "domain_area"),
        (json!({ "domain_area": "SGP" }), "CBC.0100", "domain_area"),
        (json!({ "email": "" }), "CBC.0100", "email"),
        (json!({ "email": "nobody" }), "CBC.0101", "email"),
        (json!({ "email": "a@b.example" }), "CBC.0100", "verification_code"),
        (json!({ "mobile_phone": "13800000000" }), "CBC.0100", "mobile_phone"),
        (json!({ "cooperation_type": "1" }), "CBC.0100", "cooperation_type"),
    ] {
        desk.later(CREATE, &abroad("c1", &more)).await.says(400, code, about);
    }
    let code = desk.code("ann@shop.example").await;
    let more = json!({ "email": "Ann@Shop.example", "verification_code": code });
    ok(&desk.post(CREATE, &abroad("c1", &more)).await);
    let first = &ok(&desk.post(LIST, &json!({})).await)["customer_infos"][0];
    assert_eq!(
        (&first["email"], &first["association_type"]),
        (&json!("ann@shop.example"), &json!("3"))
    );
}

#[tokio::test]
async fn customer_name_and_number_are_taken_once() {
    let desk = Desk::at(Site::Cn);
    ok(&desk.post(CREATE, &wish("c1", &json!({ "domain_name": "shop_one" }))).await);
    desk.post(CREATE, &wish("c1", &json!({}))).await.says(400, "CBC.99000039", "xaccountId");
    desk.post(CREATE, &wish("cust-0001", &json!({}))).await.says(400, "CBC.99000039", "");
    let taken = json!({ "domain_name": "shop_one" });
    desk.post(CREATE, &wish("c2", &taken)).await.says(400, "CBC.99000038", "");
    let code = desk.code("13800000000").await;
    let more = json!({ "mobile_phone": "13800000000", "verification_code": code });
    ok(&desk.post(CREATE, &wish("c2", &more)).await);
    desk.post(CREATE, &wish("c3", &more)).await.says(400, "CBC.99000029", "");
    // A call that is repeated after it was carried out learns that, not that its code is used up.
    desk.post(CREATE, &wish("c2", &more)).await.says(400, "CBC.99000039", "");
    let theirs = wish("c1", &json!({ "xaccount_type": "OTHER" }));
    desk.post(CREATE, &theirs).await.says(400, "CBC.0101", "xaccount_type");
    let neighbour = desk.neighbour();
    ok(&neighbour.post(CREATE, &theirs).await);
}

#[tokio::test]
async fn one_number_has_five_accounts_at_most_however_many_partners_there_are() {
    let desk = Desk::at(Site::Cn);
    let mobile = "13800000000";
    let neighbour = desk.neighbour();
    let create = async |desk: &Desk, id: &str, kind: &str| {
        desk.advance(Duration::MINUTE);
        let code = desk.code(mobile).await;
        let more = json!({ "mobile_phone": mobile, "verification_code": code,
            "xaccount_type": kind });
        desk.post(CREATE, &wish(id, &more)).await
    };
    ok(&create(&desk, "c1", "ZXT").await);
    let check = json!({ "search_type": "mobile", "search_value": "0086-13800000000" });
    let room = ok(&neighbour.post(super::CHECK, &check).await);
    assert_eq!(
        (&room["check_result"], &room["mobile_remain_available_num"]),
        (&json!("available"), &json!(4))
    );
    let room = ok(&desk.post(super::CHECK, &check).await);
    assert_eq!(
        (&room["check_result"], &room["mobile_remain_available_num"]),
        (&json!("used_by_user"), &json!(0))
    );
    ok(&create(&neighbour, "c1", "OTHER").await);
    create(&desk, "c2", "ZXT").await.says(400, "CBC.99000029", "");
}

#[tokio::test]
async fn a_code_is_right_wrong_expired_or_tried_too_often() {
    let desk = Desk::at(Site::Cn);
    let with = |code: &str| {
        wish("c1", &json!({ "mobile_phone": "13800000000", "verification_code": code }))
    };
    desk.post(CREATE, &with("000000")).await.says(400, "CBC.99004010", "");
    let code = desk.code("13800000000").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..3 {
        desk.post(CREATE, &with(wrong)).await.says(400, "CBC.99004010", "");
    }
    desk.post(CREATE, &with(&code)).await.says(400, "CBC.99004009", "");
    let again = json!({ "receiver_type": 1, "mobile_phone": "13800000000", "timeout": 2 });
    desk.post(SEND, &again).await.says(400, "CBC.99000082", "");
    desk.advance(Duration::MINUTE);
    assert_eq!(desk.post(SEND, &again).await.status.as_u16(), 204);
    let code = desk.cloud().code("13800000000").unwrap().code;
    desk.advance(Duration::minutes(2));
    desk.post(CREATE, &with(&code)).await.says(400, "CBC.99004008", "");
    let code = desk.code("13800000000").await;
    desk.advance(Duration::minutes(10) - Duration::SECOND);
    ok(&desk.post(CREATE, &with(&code)).await);
    assert_eq!(desk.cloud().code("13800000000"), None, "it is used up");
}

#[tokio::test]
async fn a_code_is_asked_for_by_the_rules_of_its_site() {
    let desk = Desk::at(Site::Cn);
    for (body, code, about) in [
        (json!({ "mobile_phone": "13800000000" }), "CBC.0100", "receiver_type"),
        (json!({ "receiver_type": 2, "mobile_phone": "13800000000" }), "CBC.0101", "receiver_type"),
        (
            json!({ "receiver_type": "1", "mobile_phone": "13800000000" }),
            "CBC.0100",
            "receiver_type",
        ),
        (json!({ "receiver_type": 1 }), "CBC.0100", "mobile_phone"),
        (json!({ "receiver_type": 1, "mobile_phone": "1" }), "CBC.5017", ""),
        (
            json!({ "receiver_type": 1, "mobile_phone": "13800000000", "lang": "fr" }),
            "CBC.0101",
            "lang",
        ),
        (
            json!({ "receiver_type": 1, "mobile_phone": "13800000000", "scene": 1 }),
            "CBC.0101",
            "scene",
        ),
        (
            json!({ "receiver_type": 1, "mobile_phone": "13800000000", "scene": 18 }),
            "CBC.0100",
            "customer_id",
        ),
        (
            json!({ "receiver_type": 1, "mobile_phone": "13800000000", "timeout": 0 }),
            "CBC.0101",
            "timeout",
        ),
        (json!({ "receiver_type": 1, "email": "a@b.example" }), "CBC.0100", "email"),
    ] {
        desk.later(SEND, &body).await.says(400, code, about);
    }
    assert_eq!(desk.cloud().code("13800000000"), None);
    let scene = json!({ "receiver_type": 1, "mobile_phone": "13800000000", "scene": 18,
        "customer_id": "x", "timeout": 61, "lang": "en-us" });
    assert_eq!(desk.later(SEND, &scene).await.status.as_u16(), 204);
    assert_eq!(desk.cloud().code("13800000000"), None, "another scene's code does not register");
    let desk = Desk::at(Site::Intl);
    let mobile = json!({ "receiver_type": 1, "mobile_phone": "13800000000" });
    desk.post(SEND, &mobile).await.says(400, "CBC.0100", "mobile_phone");
    let mail = json!({ "receiver_type": 2, "email": "a@b.example" });
    assert_eq!(desk.post(SEND, &mail).await.status.as_u16(), 204);
}

#[tokio::test]
async fn association_comes_later_when_the_knob_says_so() {
    let desk = Desk::at(Site::Cn);
    let knobs = Knobs { association_delay_ms: 3000, ..Knobs::default() };
    desk.cloud().set_knobs(knobs).unwrap();
    ok(&desk.post(CREATE, &wish("c1", &json!({}))).await);
    let patient = wish("c2", &json!({ "include_association_result": true }));
    let answer = desk.post(CREATE, &patient).await;
    answer.says(500, "CBC.99000050", "");
    assert_eq!(answer.json()["domain_id"].as_str().unwrap().len(), 32, "the ids come nevertheless");
    let names = async |desk: &Desk| {
        let listed = ok(&desk.post(LIST, &json!({})).await);
        let infos = listed["customer_infos"].as_array().unwrap().clone();
        infos
            .iter()
            .map(|info| info["xaccount_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    desk.advance(Duration::milliseconds(2999));
    assert_eq!(names(&desk).await, ["cust-0001"]);
    desk.advance(Duration::MILLISECOND);
    assert_eq!(names(&desk).await, ["c2", "c1", "cust-0001"]);
    desk.cloud().set_knobs(Knobs::default()).unwrap();
    let patient = wish("c3", &json!({ "include_association_result": true }));
    ok(&desk.post(CREATE, &patient).await);
}
