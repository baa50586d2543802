//! What nodes share about tenants: the contract of every backend, and signing keys in a database.

use std::sync::Arc;
use std::thread;

use skybridge::app::shared_keys::SharedKeys;
use skybridge::clock::ManualClock;
use skybridge::keys::{
    KeyError, KeySet, KeySize, KeyState, KeyStore as _, Kid, Locksmith, MasterKey, Recipe, Rings,
};
use skybridge::random::SequenceRandom;
use skybridge::saml::EntityId;
use skybridge::store::record::TenantId;
use skybridge::store::sql::{Options, Sql};
use skybridge::store::tenancy::{Declaration, Kept, MetadataCopy, SealedKeys as _};
use skybridge::store::uploads::Upload;

use super::rows::{START, Subject, acme, after, bolt};
use super::{memory, postgres, sqlite};
use crate::support::postgres::shared;

/// How many nodes do the same at once.
const NODES: usize = 20;

/// Makes a test of each over every backend.
macro_rules! over_all {
    (@on $backend:ident: $($name:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(super::$backend::$backend().await).await;
            }
        )+
    };
    ($($name:ident,)+) => {
        mod on_memory { $crate::ledger::tenancy::over_all!(@on memory: $($name,)+); }
        mod on_sqlite { $crate::ledger::tenancy::over_all!(@on sqlite: $($name,)+); }
        mod on_postgres { $crate::ledger::tenancy::over_all!(@on postgres: $($name,)+); }
    };
}
pub(crate) use over_all;

/// Makes a test of each over every database.
macro_rules! over_databases {
    ($($name:ident,)+) => {
        mod in_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let folder = tempfile::tempdir().unwrap();
                    super::$name(super::sqlite::options(folder.path())).await;
                }
            )+
        }
        mod in_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let url = super::shared().database().await;
                    super::$name(super::postgres::options(url)).await;
                }
            )+
        }
    };
}

over_all!(
    only_tenants_about_whom_something_new_is_declared_are_given,
    of_many_nodes_that_declare_the_same_at_once_one_is_told,
    every_metadata_that_ever_was_is_kept_once,
    the_last_copy_from_a_source_is_found_again,
    of_many_nodes_that_fetch_one_metadata_one_keeps_it,
    every_version_of_an_upload_is_kept_and_the_last_one_found,
    of_many_who_add_one_version_one_does,
    of_many_who_replace_one_version_of_keys_one_does,
);

over_databases!(
    keys_are_shared_and_the_slower_of_two_writers_is_refused,
    a_key_that_is_made_and_promoted_on_one_node_signs_on_the_other,
    retired_keys_leave_no_private_half_and_no_name_leaves_its_place,
);

fn declared(digests: &[(&str, &str)]) -> Vec<Declaration> {
    let named = |name: &str| TenantId::parse(name).unwrap();
    let declaration = |(name, digest): &(&str, &str)| Declaration {
        tenant: named(name),
        digest: (*digest).to_owned(),
    };
    digests.iter().map(declaration).collect()
}

async fn only_tenants_about_whom_something_new_is_declared_are_given(subject: Subject) {
    let apply = async |digests: &[(&str, &str)]| {
        subject.ledger.declare(&declared(digests), START).await.unwrap()
    };
    assert_eq!(apply(&[]).await, []);
    assert_eq!(apply(&[("bolt", "1"), ("acme", "1")]).await, [acme(), bolt()]);
    assert_eq!(apply(&[("bolt", "1"), ("acme", "1")]).await, []);
    assert_eq!(apply(&[("acme", "1"), ("bolt", "2")]).await, [bolt()]);
    assert_eq!(apply(&[("acme", "1")]).await, []);
    assert_eq!(apply(&[("bolt", "2")]).await, []);
}

/// Lets all nodes do something at once, and gives what came of it.
pub(crate) async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    node: impl Fn(usize) -> F,
) -> Vec<T> {
    let gate = Arc::new(tokio::sync::Barrier::new(NODES));
    let start = |number| {
        let (gate, work) = (gate.clone(), node(number));
        tokio::spawn(async move {
            gate.wait().await;
            work.await
        })
    };
    let nodes: Vec<_> = (0..NODES).map(start).collect();
    let mut results = Vec::new();
    for node in nodes {
        results.push(node.await.unwrap());
    }
    results
}

async fn of_many_nodes_that_declare_the_same_at_once_one_is_told(subject: Subject) {
    let names: Vec<_> = (0..200).map(|number| format!("t-{number:03}")).collect();
    let digests: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let told = at_once(|number| {
        let (ledger, mut list) = (subject.ledger.clone(), declared(&digests));
        if number % 2 == 0 {
            list.reverse();
        }
        async move { ledger.declare(&list, START).await.unwrap() }
    });
    let mut told = told.await.concat();
    told.sort_unstable();
    let all: Vec<_> = names.iter().map(|name| TenantId::parse(name).unwrap()).collect();
    assert_eq!(told, all);
}

fn entity_id() -> EntityId {
    EntityId::parse("https://cloud.example/").unwrap()
}

const SOURCE: &str = "https://cloud.example/metadata.xml";

/// A copy that was registered with acme that long after the start.
pub(crate) fn copy(metadata: &str, seconds: i64) -> MetadataCopy {
    MetadataCopy {
        tenant: acme(),
        entity_id: entity_id(),
        metadata: metadata.to_owned(),
        digest: format!("digest of {metadata}"),
        source: SOURCE.to_owned(),
        registered_at: after(seconds),
    }
}

async fn every_metadata_that_ever_was_is_kept_once(subject: Subject) {
    let large = copy(&"<云/>".repeat(300_000), 2);
    for (copy, kept) in [
        (copy("a", 0), Kept::New),
        (copy("a", 1), Kept::Known),
        (large.clone(), Kept::New),
        (copy("a", 3), Kept::New),
    ] {
        assert_eq!(subject.ledger.keep(&copy).await.unwrap(), kept);
    }
    let foreign = MetadataCopy { tenant: bolt(), ..copy("a", 4) };
    assert_eq!(subject.ledger.keep(&foreign).await.unwrap(), Kept::New);
    let all = subject.ledger.copies(&acme(), &entity_id()).await.unwrap();
    assert!(all == [copy("a", 0), large, copy("a", 3)], "{} copies", all.len());
}

async fn the_last_copy_from_a_source_is_found_again(subject: Subject) {
    let ledger = subject.ledger;
    assert_eq!(ledger.last_from(&acme(), SOURCE).await.unwrap(), None);
    let elsewhere = MetadataCopy { source: "file:sp.xml".into(), ..copy("c", 2) };
    for copy in [copy("a", 0), copy("b", 1), elsewhere.clone()] {
        ledger.keep(&copy).await.unwrap();
    }
    assert_eq!(ledger.last_from(&acme(), SOURCE).await.unwrap(), Some(copy("b", 1)));
    assert_eq!(ledger.last_from(&acme(), "file:sp.xml").await.unwrap(), Some(elsewhere));
    assert_eq!(ledger.last_from(&bolt(), SOURCE).await.unwrap(), None);
}

async fn of_many_nodes_that_fetch_one_metadata_one_keeps_it(subject: Subject) {
    let kept = at_once(|_| {
        let ledger = subject.ledger.clone();
        async move { ledger.keep(&copy("a", 0)).await.unwrap() }
    });
    assert_eq!(kept.await.iter().filter(|kept| **kept == Kept::New).count(), 1);
    let all = subject.ledger.copies(&acme(), &entity_id()).await.unwrap();
    assert_eq!(all, [copy("a", 0)]);
}

async fn of_many_who_replace_one_version_of_keys_one_does(subject: Subject) {
    for version in 0..3 {
        let replaced = at_once(|number| {
            let (ledger, keys) = (subject.ledger.clone(), format!("{version} by {number}"));
            async move { ledger.replace_keys(&acme(), version, &keys).await.unwrap() }
        });
        let replaced = replaced.await;
        let winner = replaced.iter().position(|done| *done).unwrap();
        assert_eq!(replaced.iter().filter(|done| **done).count(), 1);
        let there = subject.ledger.keys(&acme()).await.unwrap();
        assert_eq!(there, Some((version + 1, format!("{version} by {winner}"))));
    }
    assert!(!subject.ledger.replace_keys(&bolt(), 1, "of nothing").await.unwrap());
    assert_eq!(subject.ledger.keys(&bolt()).await.unwrap(), None);
    let (version, keys) = subject.ledger.keys(&acme()).await.unwrap().unwrap();
    assert_eq!(subject.ledger.all_keys().await.unwrap(), [(acme(), version, keys.clone())]);
    assert!(subject.ledger.replace_keys(&bolt(), 0, "of bolt").await.unwrap());
    let all = [(acme(), version, keys), (bolt(), 1, "of bolt".to_owned())];
    assert_eq!(subject.ledger.all_keys().await.unwrap(), all);
}

/// Does something with acme's keys, as the command line would.
fn smith<T>(
    store: &SharedKeys,
    master: &MasterKey,
    seed: u64,
    work: impl Fn(Locksmith<'_>) -> T,
) -> T {
    let clock = ManualClock::at(START);
    let random = SequenceRandom::new(seed);
    work(Locksmith { store, master, clock: &clock, random: &random })
}

/// Makes a key of acme's.
fn make(store: &SharedKeys, master: &MasterKey, seed: u64) -> Kid {
    let recipe = Recipe { host: "acme.example".into(), size: KeySize::Rsa2048, years: 10 };
    smith(store, master, seed, |smith| smith.make("acme", &recipe).unwrap().kid)
}

fn master() -> MasterKey {
    MasterKey::from_bytes(&[7; 32]).unwrap()
}

async fn keys_are_shared_and_the_slower_of_two_writers_is_refused(options: Options) {
    // Opened inside of a runtime, as a gateway does.
    let (here, there) = (SharedKeys::open(&options).unwrap(), SharedKeys::open(&options).unwrap());
    assert_eq!(here.load("acme").unwrap(), None);
    assert!(here.load_all().unwrap().is_empty());
    let kid = make(&here, &master(), 1);
    let set = there.load("acme").unwrap().unwrap();
    assert_eq!((set.version, &set.records[0].kid), (1, &kid));
    assert_eq!(there.load_all().unwrap(), [("acme".to_owned(), Ok(set.clone()))]);

    let won = thread::scope(|scope| {
        let writers: Vec<_> = [&here, &there, &here, &there]
            .map(|store| scope.spawn(|| store.save(&set)))
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect();
        writers.into_iter().flatten().count()
    });
    assert_eq!(won, 1);
    assert_eq!(there.save(&set), Err(KeyError::Conflict { tenant: "acme".into() }));
    let first = KeySet { version: 0, ..set.clone() };
    assert_eq!(there.save(&first), Err(KeyError::Conflict { tenant: "acme".into() }));
}

async fn a_key_that_is_made_and_promoted_on_one_node_signs_on_the_other(options: Options) {
    let here = SharedKeys::open(&options).unwrap();
    let old = make(&here, &master(), 1);
    let node = || Rings::open(Arc::new(SharedKeys::open(&options).unwrap()), master()).unwrap();
    let (there, found) = node();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert_eq!(there.get("acme").unwrap().active().kid, old);

    let new = make(&here, &master(), 2);
    smith(&here, &master(), 3, |smith| smith.promote("acme", &new)).unwrap();
    assert_eq!(there.reload().unwrap().changed, ["acme"]);
    let ring = there.get("acme").unwrap();
    assert_eq!(ring.active().kid, new);
    assert!(ring.by_kid(&old).is_some(), "who holds the old key's metadata is still served");
    assert!(there.reload().unwrap().changed.is_empty());
    // Dropped inside of a runtime, too.
    drop(there);
}

async fn retired_keys_leave_no_private_half_and_no_name_leaves_its_place(options: Options) {
    let store = SharedKeys::open(&options).unwrap();
    let old = make(&store, &master(), 1);
    let new = make(&store, &master(), 2);
    smith(&store, &master(), 3, |smith| smith.promote("acme", &new)).unwrap();
    let set = store.load("acme").unwrap().unwrap();
    let sealed = String::from(set.records[0].sealed.clone().unwrap());
    let table = Sql::open(&options).await.unwrap();
    assert!(table.keys(&acme()).await.unwrap().unwrap().1.contains(&sealed));
    smith(&store, &master(), 4, |smith| smith.retire("acme", &old)).unwrap();
    assert!(!table.keys(&acme()).await.unwrap().unwrap().1.contains(&sealed));
    assert_eq!(store.load("acme").unwrap().unwrap().records[0].state, KeyState::Retired);

    assert!(table.replace_keys(&bolt(), 0, "[{}]").await.unwrap());
    assert!(matches!(store.load("bolt"), Err(KeyError::Shared(_))));
    assert!(matches!(store.load("../acme"), Err(KeyError::BadTenant(_))));
}

fn upload(tenant: &TenantId, version: u64, metadata: Option<&str>) -> Upload {
    Upload {
        tenant: tenant.clone(),
        entity_id: EntityId::parse("https://sp.example").unwrap(),
        version,
        metadata: metadata.map(str::to_owned),
        profile: (version > 1).then(|| "generic".to_owned()),
        signed_requests: [None, Some(true), Some(false)][usize::try_from(version % 3).unwrap()],
        unsolicited: [None, Some(vec![]), Some(vec!["/a".to_owned(), "b c".to_owned()])]
            [usize::try_from(version % 3).unwrap()]
        .clone(),
        author: format!("key-{version}"),
        at: after(i64::try_from(version).unwrap()),
    }
}

async fn every_version_of_an_upload_is_kept_and_the_last_one_found(subject: Subject) {
    let ledger = &subject.ledger;
    let entity_id = &EntityId::parse("https://sp.example").unwrap();
    assert_eq!(ledger.last_upload(&acme(), entity_id).await.unwrap(), None);
    let versions = [
        upload(&acme(), 1, Some("<a/>")),
        upload(&acme(), 2, Some("<b>\u{4e91}</b>")),
        upload(&acme(), 3, None),
    ];
    for version in &versions {
        assert!(ledger.add_upload(version).await.unwrap());
    }
    assert!(ledger.add_upload(&upload(&bolt(), 1, Some("<c/>"))).await.unwrap());
    assert_eq!(ledger.uploads(&acme(), entity_id).await.unwrap(), versions);
    assert_eq!(ledger.last_upload(&acme(), entity_id).await.unwrap().as_ref(), versions.last());
    let marks = ledger.upload_marks().await.unwrap();
    let marks: Vec<_> = marks.iter().map(|mark| (mark.tenant.as_str(), mark.version)).collect();
    assert_eq!(marks, [("acme", 3), ("bolt", 1)]);
}

async fn of_many_who_add_one_version_one_does(subject: Subject) {
    let adders = (0..NODES).map(|number| {
        let ledger = Arc::clone(&subject.ledger);
        let upload = upload(&acme(), 1, Some(&format!("<n{number}/>")));
        tokio::spawn(async move { ledger.add_upload(&upload).await.unwrap() })
    });
    let mut added = 0;
    for adder in adders.collect::<Vec<_>>() {
        added += usize::from(adder.await.unwrap());
    }
    assert_eq!(added, 1);
}
