//! Link notifications that must not be believed: each is refused with a code of its own, and
//! neither customers nor messages to the partner change.

use serde_json::{Value, json};

use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::{RSA_SHA256, signature_over};
use crate::support::gateway::material::{self, Pair, base64};
use crate::support::gateway::{API_KEY, TestGateway, ticket};

const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const BIND: u8 = 0;
const UNBIND: u8 = 1;

/// A form as the cloud's page posts it.
#[derive(Clone)]
struct Notice {
    text: String,
    algorithm: &'static str,
    signature: String,
}

impl Notice {
    fn of(customer: &str, domain: &str, action: u8, signer: &Pair) -> Self {
        let said = json!({
            "domainName": "hw_demo01", "domainId": domain, "userName": "hw_demo01",
            "userId": "u-1", "xUserId": customer, "bindAction": action,
        });
        let text = base64(said.to_string().as_bytes());
        let signature = base64(&signature_over(signer, text.as_bytes()));
        Self { text, algorithm: RSA_SHA256, signature }
    }

    fn by_cloud(customer: &str, domain: &str, action: u8) -> Self {
        Self::of(customer, domain, action, material::sp())
    }

    /// Somebody else's signature under this text.
    fn signed_as(self, other: &Self) -> Self {
        Self { signature: other.signature.clone(), ..self }
    }

    async fn sent(&self, gateway: &TestGateway, tenant: &str) -> Answer {
        let Self { text, algorithm, signature } = self;
        let fields = [("bindRequest", &**text), ("SigAlg", algorithm), ("Signature", signature)];
        gateway.browser().post(&format!("/{tenant}/link-result"), &fields).await
    }
}

/// Everything that the partner can see, but for the lines of history that say what was refused.
async fn seen(gateway: &TestGateway) -> Vec<Value> {
    let mut back_end: Browser =
        gateway.browser().saying("authorization", &format!("Bearer {API_KEY}"));
    let mut all = Vec::new();
    for path in
        ["customers/cust-linked", "customers/cust-sent", "customers/cust-left", "customers/cust-no"]
    {
        let answer = back_end.get(&format!("/api/v1/acme/{path}")).await;
        let mut told: Value = serde_json::from_str(&answer.body).unwrap();
        if let Some(lines) = told["history"].as_array_mut() {
            lines.retain(|line| line["refused"].is_null());
        }
        let known = told["code"].clone();
        all.push(if known.is_null() { told } else { known });
    }
    let messages = back_end.get("/api/v1/acme/webhooks?state=waiting").await;
    all.push(serde_json::from_str(&messages.body).unwrap());
    all
}

async fn clicks(gateway: &TestGateway, customer: &str) {
    let mut claims = ticket::claims(customer);
    claims["exp"] = (gateway.now().unix_timestamp() + 60).into();
    let ticket = ticket::keys()[0].sign(&claims);
    let answer = gateway.browser().get(&format!("/acme/launch?ticket={ticket}")).await;
    assert!(answer.location().starts_with("https://auth.huaweicloud.com/"), "{answer:?}");
}

#[tokio::test]
async fn a_notification_that_must_not_be_believed_is_refused_and_changes_nothing() {
    let gateway = TestGateway::new().await;
    for customer in ["cust-linked", "cust-sent", "cust-left"] {
        clicks(&gateway, customer).await;
    }
    let bound = Notice::by_cloud("cust-left", "d-left", BIND);
    let ended = Notice::by_cloud("cust-left", "d-left", UNBIND);
    for good in [&Notice::by_cloud("cust-linked", "d-linked", BIND), &bound, &ended] {
        let answer = good.sent(&gateway, "acme").await;
        assert!(answer.status.is_redirection(), "{answer:?}");
    }
    let before = seen(&gateway).await;

    let good = Notice::by_cloud("cust-sent", "d-1", BIND);
    let other = Notice::by_cloud("cust-sent", "d-2", BIND);
    let mut backwards = good.clone();
    backwards.text = backwards.text.chars().rev().collect();
    let weak = Notice { algorithm: RSA_SHA1, ..good.clone() };
    let nothing = Notice { signature: String::new(), ..good.clone() };
    for (what, tenant, notice, code) in [
        ("another account", "acme", other.clone().signed_as(&good), "SB-4102"),
        ("another text", "acme", backwards, "SB-4102"),
        ("a weak algorithm", "acme", weak, "SB-4102"),
        ("no signature", "acme", nothing, "SB-4102"),
        (
            "a stranger's signature",
            "acme",
            Notice::of("cust-sent", "d-1", BIND, material::stranger()),
            "SB-4102",
        ),
        (
            "our own signature",
            "acme",
            Notice::of("cust-sent", "d-1", BIND, material::idp()),
            "SB-4102",
        ),
        ("another tenant's address", "bravo", good.clone(), "SB-4103"),
        ("a third tenant's address", "generic", good.clone(), "SB-4103"),
        ("a tenant that is switched off", "closed", good.clone(), "SB-2001"),
        ("nobody whom we sent", "acme", Notice::by_cloud("cust-no", "d-9", BIND), "SB-4103"),
        ("the end of nothing", "acme", Notice::by_cloud("cust-no", "d-9", UNBIND), "SB-4103"),
        ("another's end", "acme", Notice::by_cloud("cust-sent", "d-linked", UNBIND), "SB-4103"),
        ("a link that has ended", "acme", bound.clone(), "SB-4103"),
    ] {
        let answer = notice.sent(&gateway, tenant).await;
        assert_eq!(answer.code().as_deref(), Some(code), "{what}: {answer:?}");
        answer.refused(code);
        assert_eq!(seen(&gateway).await, before, "{what}");
    }
    // Taken, since it is true, and without any effect.
    let again = ended.sent(&gateway, "acme").await;
    assert_eq!(again.location(), "/acme/link-result/ended");
    assert_eq!(seen(&gateway).await, before);
    // The good one is still good.
    let answer = good.sent(&gateway, "acme").await;
    assert_eq!(answer.location(), "/acme/link-result/linked");
    assert_ne!(seen(&gateway).await, before);
}
