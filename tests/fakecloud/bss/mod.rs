//! The partner API of the simulated cloud, called as a partner calls it (contract §7). Requests are
//! signed here with a signer of the tests' own.

mod access;
mod create;
mod customers;
mod faults;

use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use skybridge::clock::Clock as _;
use skybridge::fakecloud::{Credentials, FakeCloud, Knobs, Provision, Script, Site};
use time::{Duration, OffsetDateTime};

use super::{Answered, BASE, Stage, provision};

const TOKENS: &str = "/v3/auth/tokens";
const CHECK: &str = "/v2/partners/sub-customers/users/check-identity";
const SEND: &str = "/v2/bases/verificationcode/send";
const CREATE: &str = "/v2/partners/sub-customers";
const LIST: &str = "/v2/partners/sub-customers/query";

/// What the partner of these tests calls with.
pub(crate) fn credentials() -> Credentials {
    Credentials {
        access_key: "AKPARTNER".to_owned(),
        secret_key: "sk-of-the-partner".to_owned(),
        user_name: "operator".to_owned(),
        password: "p4ss-word".to_owned(),
        domain_name: "partner_domain".to_owned(),
    }
}

/// A partner at the desk of a cloud.
struct Desk {
    stage: Stage,
    keys: Credentials,
}

impl Desk {
    fn at(site: Site) -> Self {
        let stage = Stage::at(BASE, Knobs::default(), site);
        let ours = Provision { credentials: Some(credentials()), ..provision() };
        stage.cloud.provision(&ours).unwrap();
        Self { stage, keys: credentials() }
    }

    /// Another partner of the same cloud, with a platform of their own, `OTHER`.
    fn neighbour(&self) -> Self {
        let keys = Credentials {
            access_key: "AKOTHER".to_owned(),
            domain_name: "other_domain".to_owned(),
            ..credentials()
        };
        let theirs = Provision {
            bp_id: "bp-0002".to_owned(),
            wanted_account_type: Some("OTHER".to_owned()),
            credentials: Some(keys.clone()),
            ..provision()
        };
        let cloud = Arc::clone(&self.stage.cloud);
        cloud.provision(&theirs).unwrap();
        let clock = Arc::clone(&self.stage.clock);
        Self { stage: Stage { router: cloud.router(), cloud, clock }, keys }
    }

    fn cloud(&self) -> &FakeCloud {
        &self.stage.cloud
    }

    fn advance(&self, by: Duration) {
        self.stage.clock.advance(by);
    }

    fn faults(&self, rules: &Value) {
        let script: Script = serde_json::from_value(json!({ "rules": rules })).unwrap();
        self.cloud().set_faults(script).unwrap();
    }

    /// A signed call.
    async fn post(&self, path: &str, body: &Value) -> Answered {
        self.stage.call(self.signed(path, &body.to_string())).await
    }

    /// A signed call in a new second, so that ten of them do not become too many.
    async fn later(&self, path: &str, body: &Value) -> Answered {
        self.advance(Duration::SECOND);
        self.post(path, body).await
    }

    fn signed(&self, path: &str, body: &str) -> Request<Body> {
        let date = date(self.stage.clock.now());
        let canonical = format!(
            "POST\n{path}/\n\ncontent-type:application/json\nx-sdk-date:{date}\n\n\
             content-type;x-sdk-date\n{}",
            sha256(body)
        );
        let text = format!("SDK-HMAC-SHA256\n{date}\n{}", sha256(&canonical));
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.keys.secret_key.as_bytes());
        let signature = hex(hmac::sign(&key, text.as_bytes()).as_ref());
        let authorization = format!(
            "SDK-HMAC-SHA256 Access={}, SignedHeaders=content-type;x-sdk-date, \
             Signature={signature}",
            self.keys.access_key
        );
        Request::post(path)
            .header("content-type", "application/json")
            .header("x-language", "en_us")
            .header("x-sdk-date", date)
            .header("authorization", authorization)
            .body(Body::from(body.to_owned()))
            .unwrap()
    }

    /// The code that was sent to a receiver, after asking for it.
    async fn code(&self, receiver: &str) -> String {
        let body = if receiver.contains('@') {
            json!({ "receiver_type": 2, "email": receiver })
        } else {
            json!({ "receiver_type": 1, "mobile_phone": receiver })
        };
        let answer = self.later(SEND, &body).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
        let code = self.stage.get(&format!("/api/codes?receiver={receiver}"), "").await.body;
        let code: Value = serde_json::from_str(&code).unwrap();
        code["code"].as_str().unwrap().to_owned()
    }
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// An error of the API with this status and code; the message names `about`.
    fn says(&self, status: u16, code: &str, about: &str) {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["error_code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
        let message = body["error_msg"].as_str().unwrap();
        assert!(message.contains(about), "{message}");
        assert_eq!(self.header("x-request-id").len(), 32);
    }
}

/// A call whose answer came.
fn ok(answer: &Answered) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("x-request-id").len(), 32);
    answer.json()
}

fn date(at: OffsetDateTime) -> String {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    at.format(&format).unwrap()
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").unwrap();
        text
    })
}
