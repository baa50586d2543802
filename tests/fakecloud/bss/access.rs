//! Who may call: tokens and signatures (contract §7.1 to §7.3).

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use skybridge::fakecloud::{Credentials, Site};
use time::Duration;

use super::super::Answered;
use super::{CHECK, CREATE, Desk, LIST, TOKENS, ok};

fn password(domain: &str, user: &str, password: &str) -> Value {
    let user = json!({ "name": user, "password": password, "domain": { "name": domain } });
    let identity = json!({ "methods": ["password"], "password": { "user": user } });
    json!({ "auth": { "identity": identity, "scope": { "domain": { "name": domain } } } })
}

fn role(domain_name: &str, agency: &str) -> Value {
    let role = json!({ "domain_name": domain_name, "agency_name": agency });
    json!({ "auth": { "identity": { "methods": ["assume_role"], "assume_role": role } } })
}

impl Desk {
    async fn tokens(&self, body: &Value, token: Option<&str>) -> Answered {
        let mut request = Request::post(format!("{TOKENS}?nocatalog=true"))
            .header("content-type", "application/json;charset=utf8");
        if let Some(token) = token {
            request = request.header("x-auth-token", token);
        }
        self.stage.call(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn token(&self) -> String {
        let Credentials { domain_name, user_name, password: known, .. } = &self.keys;
        let answer = self.tokens(&password(domain_name, user_name, known), None).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.header("x-subject-token").to_owned()
    }

    async fn list_with(&self, token: &str) -> Answered {
        let request = Request::post(LIST)
            .header("content-type", "application/json")
            .header("x-auth-token", token);
        self.stage.call(request.body(Body::from("{}")).unwrap()).await
    }
}

#[tokio::test]
async fn a_password_gives_a_token_that_lives_24_hours() {
    let desk = Desk::at(Site::Cn);
    let answer = desk.tokens(&password("partner_domain", "operator", "p4ss-word"), None).await;
    let token = &answer.json()["token"];
    assert_eq!(token["issued_at"], "2026-01-02T03:04:05.678000Z");
    assert_eq!(token["expires_at"], "2026-01-03T03:04:05.678000Z");
    assert_eq!(token["domain"], json!({ "id": "bp-0001", "name": "partner_domain" }));
    assert_eq!(token["methods"], json!(["password"]));
    assert!(token.get("catalog").is_none());
    let token = answer.header("x-subject-token");
    assert_eq!(ok(&desk.list_with(token).await)["count"], 1);
    desk.advance(Duration::hours(24) - Duration::MILLISECOND);
    ok(&desk.list_with(token).await);
    desk.advance(Duration::MILLISECOND);
    desk.list_with(token).await.says(401, "CBC.0154", "");
}

#[tokio::test]
async fn a_wrong_password_and_a_broken_wish_get_no_token() {
    let desk = Desk::at(Site::Cn);
    for (domain, user, word) in [
        ("partner_domain", "operator", "P4ss-word"),
        ("partner_domain", "other", "p4ss-word"),
        ("other", "operator", "p4ss-word"),
    ] {
        let answer = desk.tokens(&password(domain, user, word), None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let due = json!({ "error": { "message": "The username or password is wrong.",
            "code": 401, "title": "Unauthorized" } });
        assert_eq!(answer.json(), due);
        assert_eq!(answer.header("x-subject-token"), "");
    }
    for broken in [json!({}), json!({ "auth": { "identity": { "methods": ["totp"] } } })] {
        let answer = desk.tokens(&broken, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json()["error"]["title"], "Bad Request");
    }
}

#[tokio::test]
async fn a_partner_acts_as_its_customer_and_the_customers_token_may_not_call_the_api() {
    let desk = Desk::at(Site::Cn);
    let customer = desk.cloud().accounts()[0].clone();
    let token = desk.token().await;
    let answer = desk.tokens(&role(&customer.domain_name, "ZXT"), Some(&token)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.json()["token"]["domain"]["id"], customer.domain_id);
    let theirs = answer.header("x-subject-token");
    desk.list_with(theirs).await.says(403, "CBC.0151", "");
    for (name, agency, token, status) in [
        (customer.domain_name.as_str(), "OTHER", Some(token.as_str()), 403),
        ("nobody", "ZXT", Some(token.as_str()), 403),
        (customer.domain_name.as_str(), "ZXT", Some(theirs), 401),
        (customer.domain_name.as_str(), "ZXT", None, 401),
    ] {
        assert_eq!(desk.tokens(&role(name, agency), token).await.status.as_u16(), status);
    }
    let neighbour = desk.neighbour();
    let token = neighbour.token().await;
    let answer = desk.tokens(&role(&customer.domain_name, "ZXT"), Some(&token)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "another partner's customer");
}

#[tokio::test]
async fn a_customer_signs_in_with_the_password_of_the_account_and_may_not_call_either() {
    let desk = Desk::at(Site::Cn);
    let wish = json!({ "xaccount_id": "c1", "xaccount_type": "ZXT", "domain_name": "shop_one",
        "password": "Secret123" });
    ok(&desk.post(CREATE, &wish).await);
    let answer = desk.tokens(&password("shop_one", "shop_one", "Secret123"), None).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    desk.list_with(answer.header("x-subject-token")).await.says(403, "CBC.0151", "");
}

#[tokio::test]
async fn a_call_without_good_credentials_is_refused_and_told_why() {
    let desk = Desk::at(Site::Cn);
    let none = desk.stage.send(Method::POST, LIST, "application/json", "{}").await;
    none.says(401, "APIGW.0301", "x-auth-token not found");
    assert_eq!(none.json()["request_id"], none.header("x-request-id"));
    desk.list_with("guessed").await.says(401, "CBC.0154", "");
    let mut request = desk.signed(LIST, "{}");
    *request.body_mut() = Body::from("{ }");
    let echo = "POST|/v2/partners/sub-customers/query/||content-type:application/json|x-sdk-date:\
                20260102T030405Z||content-type;x-sdk-date|257c1be96ae69f4b01c2c69bdb6d78605f59175819fb007d0bf245bf48444c4a";
    desk.stage.call(request).await.says(401, "APIGW.0301", echo);
    let stranger = Credentials { access_key: "AKNOBODY".to_owned(), ..desk.keys.clone() };
    let request = Desk { keys: stranger, ..desk.neighbour() }.signed(LIST, "{}");
    desk.stage.call(request).await.says(401, "APIGW.0301", "no such access key");
    let late = desk.signed(LIST, "{}");
    desk.advance(Duration::minutes(15) + Duration::SECOND);
    desk.stage.call(late).await.says(401, "APIGW.0301", "15 minutes");
    let calls = desk.cloud().calls();
    let calls = calls.values().next().unwrap();
    assert_eq!((calls.calls, calls.refused), (5, 5));
}

#[tokio::test]
async fn an_address_or_a_method_that_is_not_published_is_not_found() {
    let desk = Desk::at(Site::Cn);
    desk.stage.get(CREATE, "").await.says(404, "APIGW.0101", "not been published");
    desk.post("/v2/partners/sub-customer", &json!({})).await.says(404, "APIGW.0101", "");
    desk.post("/v3/else", &json!({})).await.says(404, "APIGW.0101", "");
}

#[tokio::test]
async fn a_body_is_json_and_says_so_and_errors_speak_the_callers_language() {
    let desk = Desk::at(Site::Cn);
    desk.stage.call(desk.signed(LIST, "")).await.says(400, "CBC.0100", "Parameter error: body");
    let check = json!({ "search_type": "name" });
    desk.post(CHECK, &check).await.says(400, "CBC.0100", "search_value");
    let stranger = json!({ "xaccount_id": "c1" });
    desk.post(LIST, &stranger).await.says(400, "CBC.0100", "xaccount_id");
    let speak = |language: &'static str| {
        let mut request = desk.signed(LIST, "[]");
        request.headers_mut().insert("x-language", language.parse().unwrap());
        desk.stage.call(request)
    };
    speak("EN_US").await.says(400, "CBC.0100", "Parameter error");
    speak("zh_CN").await.says(400, "CBC.0100", "参数错误");
    speak("fr_FR").await.says(400, "CBC.0100", "参数错误");
    speak("zh_CN_and_more").await.says(400, "CBC.0100", "X-Language");
    let token = desk.token().await;
    let plain = Request::post(LIST).header("x-auth-token", token).body(Body::from("{}")).unwrap();
    desk.stage.call(plain).await.says(400, "CBC.0100", "Content-Type");
}
