//! Tests of how a creation goes on: every answer at every step that can have it.

use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
const LATER: OffsetDateTime = datetime!(2026-01-02 03:14:05 UTC);

fn cloud() -> CloudAccount {
    CloudAccount {
        domain_id: "d1".to_owned(),
        domain_name: "n1".to_owned(),
        user_id: None,
        user_name: None,
    }
}

fn why(code: Code) -> Outcome {
    Outcome::wrong(&Refusal::new(code, "expected, found"))
}

/// A creation in step 2.
fn asking() -> Progress {
    let mut progress = Progress::new();
    assert_eq!(progress.next(), Some(Act::Ask));
    progress.ask(NOW);
    progress
}

/// A creation whose only call is open.
fn open() -> Progress {
    let mut progress = asking();
    let lost = why(Code::CloudAway);
    assert_eq!(progress.learn(Answer::Open(lost.clone()), NOW), Then::Pause(Some(lost), None));
    progress
}

#[test]
fn an_account_that_is_created_and_confirmed_is_linked() {
    let mut progress = asking();
    assert_eq!(progress.learn(Answer::Created(cloud()), NOW), Then::GoOn);
    assert_eq!(progress.next(), Some(Act::Link(cloud())));
}

#[test]
fn an_account_whose_association_is_open_is_looked_for_by_its_id_for_as_long_as_it_takes() {
    let mut progress = asking();
    assert_eq!(progress.learn(Answer::Unconfirmed(cloud()), NOW), Then::Pause(None, None));
    for _ in 0..3 {
        assert_eq!(progress.next(), Some(Act::Look(Where::Account("d1".to_owned()))));
        let Then::Pause(Some(why), None) = progress.learn(Answer::Lacks(LATER), LATER) else {
            panic!("given up")
        };
        assert_eq!(why.code(), Some(Code::CreationUnknown));
    }
    assert_eq!(progress.learn(Answer::Has(cloud()), LATER), Then::GoOn);
    assert_eq!(progress.next(), Some(Act::Link(cloud())));
}

#[test]
fn after_an_open_call_the_list_is_looked_at_before_the_cloud_is_asked_again() {
    let mut progress = open();
    let since = NOW - limits::CLOUD_CLOCK;
    assert_eq!(progress.next(), Some(Act::Look(Where::Since(since))));
    assert_eq!(progress.learn(Answer::Lacks(NOW), NOW), Then::GoOn);
    assert_eq!(progress.next(), Some(Act::Ask));
    progress.ask(LATER);
    // Also the first of several open calls may still come to something.
    progress.learn(Answer::Open(why(Code::CloudAway)), LATER);
    assert_eq!(progress.next(), Some(Act::Look(Where::Since(since))));
    assert_eq!(progress.learn(Answer::Has(cloud()), LATER), Then::GoOn);
    assert_eq!(progress.next(), Some(Act::Link(cloud())));
}

#[test]
fn who_takes_over_in_step_2_has_an_open_call() {
    let text = serde_json::to_string(&asking()).unwrap();
    let read: Progress = serde_json::from_str(&text).unwrap();
    let taken = Progress { step: IntentStep::Asking, ..read }.taken_over();
    assert_eq!(taken, open());
}

#[test]
fn a_list_that_cannot_be_read_says_nothing() {
    let mut progress = open();
    let before = progress.clone();
    let (blind, wait) = (why(Code::CloudThrottled), Some(Duration::from_secs(3)));
    let then = progress.learn(Answer::Blind(blind.clone(), wait), NOW);
    assert_eq!(then, Then::Pause(Some(blind), wait));
    assert_eq!(progress, before);
}

#[test]
fn a_known_customer_is_looked_for_everywhere_until_the_list_settles_it() {
    let mut progress = asking();
    let known = why(Code::AccountIdKnown);
    assert_eq!(progress.learn(Answer::Known(known.clone()), NOW), Then::GoOn);
    assert_eq!(progress.next(), Some(Act::Look(Where::Everywhere)));
    let early = LATER - Duration::from_secs(1);
    let then = progress.learn(Answer::Lacks(early), early);
    assert_eq!(then, Then::Pause(Some(known.clone()), None));
    let mut found = progress.clone();
    assert_eq!(found.learn(Answer::Has(cloud()), early), Then::GoOn);
    assert_eq!(found.next(), Some(Act::Link(cloud())));
    assert_eq!(progress.learn(Answer::Lacks(LATER), LATER), Then::End(known));
}

#[test]
fn a_call_that_did_nothing_is_made_again_later() {
    let mut progress = asking();
    let (busy, wait) = (why(Code::CloudThrottled), Some(Duration::from_secs(2)));
    let then = progress.learn(Answer::NotYet(busy.clone(), wait), NOW);
    assert_eq!(then, Then::Pause(Some(busy), wait));
    assert_eq!(progress.next(), Some(Act::Ask));
}

#[test]
fn a_refusal_ends_it() {
    let refused = why(Code::AccountNameTaken);
    assert_eq!(asking().learn(Answer::Refused(refused.clone()), NOW), Then::End(refused));
}

#[test]
fn a_refusal_after_an_open_call_is_not_believed_before_the_list_is_settled() {
    let mut progress = open();
    progress.learn(Answer::Lacks(NOW), NOW);
    progress.ask(NOW);
    let refused = why(Code::AccountNameTaken);
    assert_eq!(progress.learn(Answer::Refused(refused.clone()), NOW), Then::GoOn);
    assert_eq!(progress.next(), Some(Act::Look(Where::Since(NOW - limits::CLOUD_CLOCK))));
    let early = LATER - Duration::from_secs(1);
    let then = progress.learn(Answer::Lacks(early), early);
    assert_eq!(then, Then::Pause(Some(refused.clone()), None));
    let mut found = progress.clone();
    assert_eq!(found.learn(Answer::Has(cloud()), early), Then::GoOn);
    assert_eq!(found.next(), Some(Act::Link(cloud())));
    assert_eq!(progress.learn(Answer::Lacks(LATER), LATER), Then::End(refused));
}

#[test]
fn an_open_call_that_came_to_nothing_casts_no_more_doubt() {
    let mut progress = open();
    assert_eq!(progress.learn(Answer::Lacks(LATER), LATER), Then::GoOn);
    progress.ask(LATER);
    let refused = why(Code::ContactUsed);
    assert_eq!(progress.learn(Answer::Refused(refused.clone()), LATER), Then::End(refused));
}
