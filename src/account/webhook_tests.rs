//! What becomes of messages to partners.

use std::collections::VecDeque;
use std::sync::Mutex;

use time::macros::datetime;

use super::*;
use crate::clock::ManualClock;
use crate::random::SequenceRandom;
use crate::store::account::MessageId;
use crate::store::ledger::{Accounts as _, Change, Outbox as _};
use crate::store::memory_ledger::MemoryLedger;

const START: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

/// One sent letter: address, headers, body.
type Sent = (String, [(&'static str, String); 3], String);

/// A partner's site that answers what it was told to, and 200 from then on.
#[derive(Default)]
struct Site {
    replies: Mutex<VecDeque<Result<Reply, String>>>,
    got: Mutex<Vec<Sent>>,
}

impl Post for Site {
    fn post<'a>(&'a self, letter: &'a Letter<'a>) -> Posting<'a> {
        let Letter { url, headers, body } = letter;
        self.got.lock().unwrap().push((url.to_string(), headers.clone(), (*body).to_owned()));
        let reply = self.replies.lock().unwrap().pop_front();
        Box::pin(async move { reply.unwrap_or(Ok(status(200))) })
    }
}

struct Room {
    ledger: Arc<MemoryLedger>,
    clock: Arc<ManualClock>,
    site: Arc<Site>,
    acme: TenantId,
}

impl Room {
    fn new() -> Self {
        Self {
            ledger: Arc::new(MemoryLedger::default()),
            clock: Arc::new(ManualClock::at(START)),
            site: Arc::default(),
            acme: TenantId::parse("acme").unwrap(),
        }
    }

    /// One node's postman.
    fn postman(&self) -> Postman {
        let url = EndpointUrl::parse("https://shop.example/hook").unwrap();
        let secrets = [secret(7), secret(8)].map(|text| Secret::parse(&text).unwrap()).to_vec();
        let tools = Tools {
            ledger: self.ledger.clone(),
            clock: self.clock.clone(),
            random: Arc::new(SequenceRandom::new(1)),
            post: self.site.clone(),
        };
        Postman::new(tools, HashMap::from([(self.acme.clone(), Hook { url, secrets })]))
    }

    async fn message(&self, tenant: &str, id: &str) {
        let message = Message {
            id: MessageId(id.to_owned()),
            tenant: TenantId::parse(tenant).unwrap(),
            kind: "account.linked".to_owned(),
            body: format!("{{\"id\":\"{id}\"}}"),
            created_at: START,
            state: MessageState::Waiting,
            attempts: 0,
            next_at: START,
            problem: None,
        };
        let change = Change { messages: vec![message], ..Change::default() };
        self.ledger.commit(&change).await.unwrap();
    }

    fn will_answer(&self, reply: Result<Reply, String>) {
        self.site.replies.lock().unwrap().push_back(reply);
    }

    /// Lets a postman bring everything that is due now.
    async fn round(&self) -> Vec<Attempt> {
        let (postman, mut attempts) = (self.postman(), Vec::new());
        for message in postman.due(10).await.unwrap() {
            attempts.push(postman.deliver(message).await.unwrap());
        }
        attempts
    }

    async fn one(&self, state: MessageState) -> Message {
        let mut found = self.ledger.messages(&self.acme, state, 10).await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn sent(&self) -> usize {
        self.site.got.lock().unwrap().len()
    }
}

fn secret(fill: u8) -> String {
    format!("whsec_{}", STANDARD.encode([fill; 32]))
}

fn status(status: u16) -> Reply {
    Reply { status, retry_after: None }
}

#[tokio::test]
async fn a_message_is_signed_with_every_secret_over_id_time_and_body() {
    let room = Room::new();
    room.message("acme", "evt_1").await;
    assert_eq!(room.round().await, [Attempt::Delivered]);
    let (url, headers, body) = room.site.got.lock().unwrap().remove(0);
    assert_eq!(url, "https://shop.example/hook");
    assert_eq!(body, "{\"id\":\"evt_1\"}");
    let [id, at, signatures] = headers.map(|(_, value)| value);
    assert_eq!((id.as_str(), at.as_str()), ("evt_1", "1767323045"));
    // Made by: printf 'evt_1.1767323045.{"id":"evt_1"}' | openssl dgst -sha256 -binary -mac hmac
    //          -macopt hexkey:0707…07 | base64, and the same with 08.
    assert_eq!(
        signatures,
        "v1,YPuccfkKUq6Q7IlcL80A2RPVvVSf4u9HsK1FoikYoIY= v1,qhJWljo41oaI9dEAVYKKOM1u+adXYOjhaFF/fHB6I/M="
    );
    assert_eq!(room.one(MessageState::Delivered).await.attempts, 1);
    assert_eq!(room.round().await, [], "what was taken is not sent again");
}

#[tokio::test]
async fn the_signature_is_the_one_of_the_published_example() {
    // standardwebhooks.com, the specification's own example of a symmetric signature.
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let url = EndpointUrl::parse("https://shop.example/hook").unwrap();
    let hook = Hook { url, secrets: vec![secret] };
    let message = Message {
        id: MessageId("msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()),
        tenant: TenantId::parse("acme").unwrap(),
        kind: String::new(),
        body: "{\"test\": 2432232314}".to_owned(),
        created_at: START,
        state: MessageState::Waiting,
        attempts: 0,
        next_at: START,
        problem: None,
    };
    let at = OffsetDateTime::from_unix_timestamp(1_614_265_330).unwrap();
    let [.., (_, signature)] = letter(&hook, &message, at).headers;
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn what_fails_is_tried_again_later_and_later_and_then_given_up() {
    let room = Room::new();
    room.message("acme", "evt_1").await;
    let mut before = time::Duration::ZERO;
    for attempt in 1..ATTEMPTS {
        room.will_answer(if attempt % 2 == 0 { Ok(status(500)) } else { Err("timed out".into()) });
        assert_eq!(room.round().await, [Attempt::Failed], "attempt {attempt}");
        let waiting = room.one(MessageState::Waiting).await;
        assert_eq!(waiting.attempts, attempt);
        let pause = waiting.next_at - room.clock.now();
        let whole = FIRST_PAUSE.saturating_mul(1 << (attempt - 1).min(20)).min(LONGEST_PAUSE);
        assert!(pause >= whole / 2 && pause <= whole, "{pause} after attempt {attempt}");
        assert!(attempt < 3 || pause > before / 2);
        before = pause;
        assert_eq!(room.round().await, [], "not before its time");
        room.clock.advance(pause + time::Duration::milliseconds(1));
    }
    room.will_answer(Ok(status(410)));
    assert_eq!(room.round().await, [Attempt::Dead]);
    let dead = room.one(MessageState::Dead).await;
    assert_eq!((dead.attempts, dead.problem.as_deref()), (ATTEMPTS, Some("status 410")));
    room.clock.advance(time::Duration::days(30));
    assert_eq!(room.round().await, []);
    assert!(room.clock.now() - START > time::Duration::days(31), "two days of attempts");

    // Sent anew, it has all attempts again.
    assert!(room.ledger.revive(&room.acme, &dead.id, room.clock.now()).await.unwrap());
    room.will_answer(Ok(status(503)));
    assert_eq!(room.round().await, [Attempt::Failed]);
    assert_eq!(room.one(MessageState::Waiting).await.attempts, 1);
}

#[tokio::test]
async fn a_redirect_is_not_a_delivery() {
    let room = Room::new();
    room.message("acme", "evt_1").await;
    room.will_answer(Ok(status(301)));
    assert_eq!(room.round().await, [Attempt::Failed]);
    assert_eq!(room.one(MessageState::Waiting).await.problem.as_deref(), Some("status 301"));
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it_within_reason() {
    for (asked, least, most) in [(3600, 3600, 3600), (1, 2, 5), (999_999, 6 * 3600, 6 * 3600)] {
        let room = Room::new();
        room.message("acme", "evt_1").await;
        let retry_after = Some(Duration::from_secs(asked));
        room.will_answer(Ok(Reply { status: 429, retry_after }));
        room.round().await;
        let pause = (room.one(MessageState::Waiting).await.next_at - START).whole_seconds();
        assert!((least..=most).contains(&pause), "{pause} s instead of {asked} s");
    }
}

#[tokio::test]
async fn one_node_sends_a_message_and_another_goes_on_when_that_one_has_died() {
    let room = Room::new();
    room.message("acme", "evt_1").await;
    let taken = room.postman().due(10).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(room.round().await, [], "the first node has it");
    room.clock.advance(LEASE + time::Duration::seconds(1));
    assert_eq!(room.round().await, [Attempt::Delivered]);
    // The first node was only slow: what it writes changes nothing any more.
    room.will_answer(Ok(status(500)));
    room.postman().deliver(taken[0].clone()).await.unwrap();
    assert_eq!(room.one(MessageState::Delivered).await.problem, None);
    assert_eq!(room.sent(), 2, "at least once: the id tells that it is the same");
}

#[tokio::test]
async fn a_message_of_a_tenant_without_a_webhook_is_kept_and_not_sent() {
    let room = Room::new();
    room.message("bravo", "evt_1").await;
    assert_eq!(room.round().await, [Attempt::NoHook]);
    assert_eq!(room.sent(), 0);
    let bravo = TenantId::parse("bravo").unwrap();
    let kept = room.ledger.messages(&bravo, MessageState::Dead, 10).await.unwrap();
    assert_eq!(kept[0].problem.as_deref(), Some("the tenant has no webhook"));
    assert_eq!(kept[0].attempts, 0);
}

#[tokio::test]
async fn a_message_that_is_put_off_has_lost_no_attempt() {
    let room = Room::new();
    room.message("acme", "evt_1").await;
    let postman = room.postman();
    let message = postman.due(10).await.unwrap().remove(0);
    postman.put_off(message).await.unwrap();
    assert_eq!(room.round().await, []);
    room.clock.advance(PUT_OFF);
    assert_eq!(room.round().await, [Attempt::Delivered]);
    assert_eq!(room.one(MessageState::Delivered).await.attempts, 1);
}

#[test]
fn a_secret_says_what_it_is_and_is_long_enough() {
    assert!(Secret::parse(&secret(1)).is_some());
    let of = |length: usize| format!("whsec_{}", STANDARD.encode(vec![1; length]));
    assert!(Secret::parse(&of(24)).is_some() && Secret::parse(&of(64)).is_some());
    for wrong in [&of(23), &of(65), "whsec_", "whsec_!", &STANDARD.encode([1; 32])] {
        assert!(Secret::parse(wrong).is_none(), "{wrong}");
    }
    assert!(!format!("{:?}", Secret::parse(&secret(1))).contains("AQEB"));
}
