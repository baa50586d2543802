//! Persistent name identifiers: the contract of every backend.

use skybridge::random::{SequenceRandom, xml_id};
use skybridge::saml::EntityId;
use skybridge::store::name_id::Pair;
use skybridge::store::record::PersonId;

use super::rows::{START, Subject, acme, bolt};
use super::tenancy::{at_once, over_all};
use super::{memory, postgres, sqlite};

over_all!(
    a_name_identifier_stays_with_its_customer_and_service_provider,
    of_many_nodes_that_name_one_customer_at_once_all_use_one_name,
    a_name_identifier_is_never_given_to_anybody_else,
);

fn sp(name: &str) -> EntityId {
    EntityId::parse(&format!("https://{name}.example/")).unwrap()
}

fn user(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

async fn a_name_identifier_stays_with_its_customer_and_service_provider(subject: Subject) {
    let ledger = subject.ledger;
    let (acme, bolt, one, two, alice, bob) =
        (acme(), bolt(), sp("one"), sp("two"), user("alice"), user("ALICE"));
    let pairs =
        [(&acme, &one, &alice), (&acme, &one, &bob), (&acme, &two, &alice), (&bolt, &one, &alice)];
    for (number, (tenant, sp, user)) in pairs.into_iter().enumerate() {
        let pair = Pair { tenant, sp, user };
        assert_eq!(ledger.name_id(pair).await.unwrap(), None);
        let value = format!("_{number}");
        assert_eq!(ledger.name_id_or(pair, &value, START).await.unwrap(), value);
    }
    for (number, (tenant, sp, user)) in pairs.into_iter().enumerate() {
        let pair = Pair { tenant, sp, user };
        let value = format!("_{number}");
        assert_eq!(ledger.name_id_or(pair, "_another", START).await.unwrap(), value);
        assert_eq!(ledger.name_id(pair).await.unwrap(), Some(value.clone()));
        assert_eq!(ledger.known_by(tenant, sp, &value).await.unwrap(), Some(user.clone()));
    }
    assert_eq!(ledger.known_by(&bolt, &two, "_3").await.unwrap(), None);
    assert_eq!(ledger.known_by(&acme, &one, "_another").await.unwrap(), None);
}

async fn of_many_nodes_that_name_one_customer_at_once_all_use_one_name(subject: Subject) {
    let names = at_once(|number| {
        let ledger = subject.ledger.clone();
        async move {
            let (tenant, sp, user) = (acme(), sp("one"), user("alice"));
            let fresh = xml_id(&SequenceRandom::new(number as u64));
            let pair = Pair { tenant: &tenant, sp: &sp, user: &user };
            ledger.name_id_or(pair, &fresh, START).await.unwrap()
        }
    });
    let mut names = names.await;
    names.dedup();
    assert_eq!(names.len(), 1, "{names:?}");
}

async fn a_name_identifier_is_never_given_to_anybody_else(subject: Subject) {
    let (tenant, sp) = (acme(), sp("one"));
    let (alice, bob) = (user("alice"), user("bob"));
    let of = |user| Pair { tenant: &tenant, sp: &sp, user };
    subject.ledger.name_id_or(of(&alice), "_same", START).await.unwrap();
    assert!(subject.ledger.name_id_or(of(&bob), "_same", START).await.is_err());
    assert_eq!(subject.ledger.name_id(of(&bob)).await.unwrap(), None);
    assert_eq!(subject.ledger.known_by(&tenant, &sp, "_same").await.unwrap(), Some(alice));
}
