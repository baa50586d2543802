//! Room demo (layer 6): customers whose accounts the partner's back end creates by the API
//! (contract §1.5): also where the cloud's answer is lost, and where the cloud associates late.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::newcomers::{Newcomer, first_login, invented};
use super::reading::{Ended, knob};
use super::stage::{Stage, Stopped};
use super::ticket;
use crate::random;

/// How long a creation may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked at.
const GLANCE: Duration = Duration::from_millis(100);
/// The code of a tenant without access to the partner API.
const NO_API: &str = "SB-6121";
/// The same in words.
const NO_API_GIVEN: &str = "the tenant has no access to the cloud's partner API";
/// The step in which a creation begins.
const ACCOUNT: &str = "the partner's back end asks for an account";
/// The step in which the cloud is asked about a contact.
const FREE: &str = "the customer's number is free at the cloud";

/// Walks them.
pub(super) async fn all(stage: &mut Stage) {
    stage.case("an account created by the API", create).await;
    stage.case("an account with a verified number, created by the API", verified).await;
    stage.case("a creation whose answer is lost", lost).await;
    stage.case("an account that the cloud associates late", late).await;
}

async fn create(stage: &mut Stage) -> Result<(), Stopped> {
    let asked = ask(stage).await?;
    let answer = asked.again(&asked.body()).await;
    let ended = match answer.body["id"].as_str() {
        Some(id) if id == asked.creation => Ok(((), "the same creation".to_owned())),
        _ => Err(format!("expected the same creation, found {}", answer.said())),
    };
    stage.settle("the same call again", ended)?;
    let other = json!({ "user_id": asked.newcomer.customer.user_id, "domain_name": "other_name" });
    let answer = asked.again(&other).await;
    stage.settle("another body under the same key", answer.problem(409, "SB-6004"))?;
    let wrong = json!({ "user_id": asked.newcomer.customer.user_id, "domain_name": "1" });
    let answer = asked.api.post("/customers", &random::token(&*stage.system.random), &wrong).await;
    let ended = match answer.body["errors"][0]["field"].as_str() {
        Some("domain_name") => answer.problem(422, "SB-6102"),
        _ => Err(format!("expected the field's name, found {}", answer.said())),
    };
    stage.settle("a name that the cloud does not take", ended)?;
    asked.arrives(stage).await
}

/// What a partner's own page does that asks for a telephone number or an e-mail address.
async fn verified(stage: &mut Stage) -> Result<(), Stopped> {
    let mut asked = prepared(stage, FREE)?;
    let contact = asked.contact(stage).await?;
    let key = random::token(&*stage.system.random);
    let answer = asked.api.post("/verification-codes", &key, &contact).await;
    let ended = match answer.status.as_u16() {
        202 => Ok(((), "202 Accepted".to_owned())),
        _ => Err(format!("expected 202, found {}", answer.said())),
    };
    stage.settle("the cloud sends a code", ended)?;
    let mut body = asked.body();
    for (field, address) in contact.as_object().into_iter().flatten() {
        let receiver = address.as_str().unwrap_or_default();
        let sent = stage.cloud_has(&format!("/api/codes?receiver={receiver}")).await;
        let sent = sent.map(|sent| (sent["code"].clone(), "found".to_owned()));
        body["verification_code"] = stage.settle("the customer reads the code", sent)?;
        body[field] = address.clone();
    }
    asked.begins(stage, &body).await?;
    asked.arrives(stage).await
}

async fn lost(stage: &mut Stage) -> Result<(), Stopped> {
    let rule = json!({
        "api": "create_customer", "when": { "call": 1 }, "effect": { "reset": "after_commit" },
    });
    let script = stage.set_faults(&json!({ "rules": [rule] })).await;
    stage.settle("the cloud will break off after its work", script)?;
    let walked = match ask(stage).await {
        Ok(asked) => asked.arrives(stage).await,
        Err(stopped) => Err(stopped),
    };
    let ended = stage.set_faults(&json!({})).await;
    walked.and(stage.settle("the cloud's faults are over", ended))
}

async fn late(stage: &mut Stage) -> Result<(), Stopped> {
    stage.turn(&knob("association_delay_ms", 1_500)).await?;
    ask(stage).await?.arrives(stage).await
}

/// A creation that was begun.
struct Asked {
    newcomer: Newcomer,
    api: ticket::Api,
    key: String,
    /// Its id.
    creation: String,
}

/// The partner's back end asks for an account for somebody new.
async fn ask(stage: &mut Stage) -> Result<Asked, Stopped> {
    let mut asked = prepared(stage, ACCOUNT)?;
    asked.begins(stage, &asked.body()).await?;
    Ok(asked)
}

/// Somebody new, for whom nothing was asked yet. `hop` is what comes first.
fn prepared(stage: &mut Stage, hop: &str) -> Result<Asked, Stopped> {
    if !stage.simulated() {
        return Err(stage.not_run(hop, "the cloud is no simulator"));
    }
    let (Some(newcomer), Some(api)) = (invented(stage), stage.api()) else {
        return Err(stage.not_run(hop, "no API key, or no such customer, is given"));
    };
    let key = random::token(&*stage.system.random);
    Ok(Asked { newcomer, api, key, creation: String::new() })
}

impl Asked {
    fn body(&self) -> Value {
        json!({
            "user_id": self.newcomer.customer.user_id,
            "domain_name": self.newcomer.account_name,
        })
    }

    /// The back end asks for the account.
    async fn begins(&mut self, stage: &mut Stage, body: &Value) -> Result<(), Stopped> {
        let answer = self.again(body).await;
        if answer.body["code"] == NO_API {
            return Err(stage.not_run(ACCOUNT, NO_API_GIVEN));
        }
        let ended = match answer.body["id"].as_str() {
            Some(id) if answer.status == 202 => Ok((id.to_owned(), "202 Accepted".to_owned())),
            _ => Err(format!("expected 202, found {}", answer.said())),
        };
        self.creation = stage.settle(ACCOUNT, ended)?;
        Ok(())
    }

    /// The customer's contact of the kind that this cloud asks for, which is free.
    async fn contact(&self, stage: &mut Stage) -> Result<Value, Stopped> {
        let customer = &self.newcomer.customer;
        let mobile = json!({ "mobile_phone": customer.mobile });
        let email = json!({ "email": customer.email });
        let mut answer = self.api.post("/identity-checks", &self.key, &mobile).await;
        let mut contact = mobile;
        if answer.body["errors"][0]["field"] == "mobile_phone" {
            answer = self.api.post("/identity-checks", &self.key, &email).await;
            contact = email;
        }
        if answer.body["code"] == NO_API {
            return Err(stage.not_run(FREE, NO_API_GIVEN));
        }
        let ended = match answer.body["available"] {
            Value::Bool(true) => Ok((contact, "available".to_owned())),
            _ => Err(format!("expected it to be available, found {}", answer.said())),
        };
        stage.settle(FREE, ended)
    }

    /// Asks under the same key.
    async fn again(&self, body: &Value) -> ticket::Answer {
        self.api.post("/customers", &self.key, body).await
    }

    /// The account is there, once, and the first click goes straight into the console.
    async fn arrives(&self, stage: &mut Stage) -> Result<(), Stopped> {
        let user_id = &self.newcomer.customer.user_id;
        let ended = self.settled().await;
        let domain_id = stage.settle("the creation ends with an account", ended)?;
        let ended = the_only_one(stage, user_id, &domain_id).await;
        stage.settle("the cloud made one account for the customer", ended)?;
        stage.stands(user_id, &["linked"], Some(&domain_id)).await?;
        let mut browser = stage.browser();
        let url = stage.ticket(&self.newcomer.customer).await?;
        let link = stage.launch(&mut browser, &url).await?;
        stage.settle("the link says whether it is a first login", first_login(&link, "false"))?;
        let page = format!("{}/iam/", stage.target.cloud);
        stage.sign_on(&mut browser, &link, (user_id, &page)).await.map(drop)
    }

    /// Looks at the creation until it is over. Gives the account's id.
    async fn settled(&self) -> Ended<String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.api.get(&format!("/creations/{}", self.creation)).await;
            let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
            match text("state").as_str() {
                "done" => return Ok((text("domain_id"), "done".to_owned())),
                "under-way" if Instant::now() < end => sleep(GLANCE).await,
                state => {
                    let code = answer.body["problem"]["code"].as_str().unwrap_or_default();
                    let found = format!("{} {state} {code}", answer.status.as_u16());
                    return Err(format!("expected the creation to be done, found {found}"));
                }
            }
        }
    }
}

/// That the cloud's register has this account for the customer and no other.
pub(super) async fn the_only_one(stage: &Stage, user_id: &str, domain_id: &str) -> Ended<()> {
    let known = stage.cloud_has("/api/accounts").await?;
    let accounts = known["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let theirs = accounts.iter().filter(|account| account["link"]["xAccountId"] == *user_id);
    let ids: Vec<&Value> = theirs.map(|account| &account["domain_id"]).collect();
    match ids[..] {
        [id] if *id == *domain_id => Ok(((), "one".to_owned())),
        _ => Err(format!("expected that one account, found {}", ids.len())),
    }
}
