//! What must not be undone or repeated: the contract of every backend (conformance D-03).

use std::sync::Arc;

use skybridge::store::mark::{Mark, MarkKind, Marked, Visitor};
use time::OffsetDateTime;

use super::rows::{START, Subject, acme, after, bolt, customer, of_account, person};
use super::tenancy::{at_once, over_all};
use super::{memory, postgres, sqlite};

over_all!(
    a_mark_is_set_once,
    of_many_who_set_one_mark_at_once_one_does,
    a_customer_is_found_with_whether_that_session_of_theirs_has_ended,
    marks_are_forgotten_when_their_time_is_over_a_few_at_a_time,
    many_nodes_that_forget_at_once_forget_all_and_nothing_else,
);

fn mark(id: &str, until: OffsetDateTime) -> Mark {
    Mark { tenant: acme(), kind: MarkKind::UsedTicket, id: id.to_owned(), until }
}

async fn set(subject: &Subject, mark: &Mark) -> Marked {
    subject.ledger.mark(mark).await.unwrap()
}

async fn a_mark_is_set_once(subject: Subject) {
    let first = mark("1", after(60));
    assert_eq!(set(&subject, &first).await, Marked::Now);
    assert_eq!(set(&subject, &Mark { until: after(90), ..first.clone() }).await, Marked::Before);
    // Kind, tenant and id: what differs in one of them is another mark.
    let others = [
        Mark { kind: MarkKind::UsedJti, ..first.clone() },
        Mark { tenant: bolt(), ..first.clone() },
        Mark { id: "2".to_owned(), ..first.clone() },
    ];
    for other in &others {
        assert_eq!(set(&subject, other).await, Marked::Now, "{other:?}");
    }
    // It stands until it is forgotten, whatever its time.
    assert_eq!(set(&subject, &first).await, Marked::Before);
}

async fn of_many_who_set_one_mark_at_once_one_does(subject: Subject) {
    for round in 0..5 {
        let ends = at_once(|_| {
            let (ledger, mark) = (Arc::clone(&subject.ledger), mark(&round.to_string(), START));
            async move { ledger.mark(&mark).await.unwrap() }
        });
        let first = ends.await.into_iter().filter(|end| *end == Marked::Now).count();
        assert_eq!(first, 1);
    }
}

async fn a_customer_is_found_with_whether_that_session_of_theirs_has_ended(subject: Subject) {
    let visitor = async |session: &str| {
        subject.ledger.visitor(&acme(), &person("alice"), session).await.unwrap()
    };
    assert_eq!(visitor("s-1").await, None);
    let account = customer("alice");
    subject.write(&of_account(account.clone())).await;
    let found = |session_ended| Some(Visitor { account: account.clone(), session_ended });
    assert_eq!(visitor("s-1").await, found(false));
    let ended = Mark { kind: MarkKind::EndedSession, ..mark("s-1", after(60)) };
    for other in [
        Mark { kind: MarkKind::UsedTicket, ..ended.clone() },
        Mark { tenant: bolt(), ..ended.clone() },
    ] {
        set(&subject, &other).await;
        assert_eq!(visitor("s-1").await, found(false), "{other:?}");
    }
    set(&subject, &ended).await;
    assert_eq!(visitor("s-1").await, found(true));
    assert_eq!(visitor("s-2").await, found(false));
    assert_eq!(subject.ledger.visitor(&bolt(), &person("alice"), "s-1").await, Ok(None));
}

async fn marks_are_forgotten_when_their_time_is_over_a_few_at_a_time(subject: Subject) {
    for (id, seconds) in [("d", 40), ("b", 20), ("a", 10), ("c", 30)] {
        set(&subject, &mark(id, after(seconds))).await;
    }
    let forget = async |seconds, at_most| {
        subject.ledger.forget_marks(after(seconds), at_most).await.unwrap()
    };
    assert_eq!(forget(9, 10).await, 0);
    assert_eq!(forget(30, 2).await, 2);
    assert_eq!(forget(30, 2).await, 1);
    assert_eq!(forget(30, 2).await, 0);
    for id in ["a", "b", "c"] {
        assert_eq!(set(&subject, &mark(id, after(90))).await, Marked::Now);
    }
    assert_eq!(set(&subject, &mark("d", after(90))).await, Marked::Before);
}

async fn many_nodes_that_forget_at_once_forget_all_and_nothing_else(subject: Subject) {
    for number in 0..60 {
        set(&subject, &mark(&number.to_string(), after(number))).await;
    }
    let forgotten = at_once(|_| {
        let ledger = Arc::clone(&subject.ledger);
        async move {
            let mut forgotten = 0;
            // One that finds the rows of another taken for now comes again later.
            for _ in 0..50 {
                forgotten += ledger.forget_marks(after(49), 7).await.unwrap();
                tokio::task::yield_now().await;
            }
            forgotten
        }
    });
    assert_eq!(forgotten.await.into_iter().sum::<usize>(), 50);
    assert_eq!(set(&subject, &mark("49", after(49))).await, Marked::Now);
    assert_eq!(set(&subject, &mark("50", after(50))).await, Marked::Before);
}
