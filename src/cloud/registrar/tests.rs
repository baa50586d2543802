//! Tests of registering by upload, with two nodes over one ledger.

use time::macros::datetime;

use super::*;
use crate::clock::ManualClock;
use crate::cloud::registration::{Fetch, Fetching};
use crate::store::memory_ledger::MemoryLedger;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
const SP: &str = "https://sp.example/saml/metadata";
const CLEAN: &str = include_str!("../../../tests/corpus/metadata-lint/clean-small.xml");

struct Node {
    registrar: Registrar,
    registrations: Arc<Registrations>,
}

/// A node of tenant acme, with that metadata in its configuration.
fn node(ledger: &Arc<MemoryLedger>, declared: Vec<Registration>) -> Node {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
    let registrations = Arc::new(Registrations::new(declared, None, Arc::clone(&clock)));
    let named = Clouds::load(None).unwrap();
    let of_tenants = HashMap::from([(acme(), named.get("huawei-cn").unwrap())]);
    let registrar = Registrar::new(
        Arc::clone(ledger) as Arc<dyn Uploads>,
        Arc::clone(&registrations),
        Profiles { named, of_tenants },
        Lifetime::default(),
        clock,
    );
    Node { registrar, registrations }
}

fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn sp() -> EntityId {
    EntityId::parse(SP).unwrap()
}

impl Node {
    async fn put(&self, document: &str, settings: Settings) -> Result<Review, Declined> {
        let (tenant, document) = (&acme(), document.as_bytes());
        let application = Application { tenant, wanted: Some(&sp()), document, settings };
        self.registrar.register(&application, "key-1").await
    }

    async fn ok(&self, document: &str) -> Review {
        self.put(document, Settings::default()).await.unwrap()
    }

    fn acs(&self) -> Option<String> {
        let registered = self.registrations.get(&acme(), &sp())?;
        Some(registered.service_provider.acs[0].location.to_string())
    }
}

#[tokio::test]
async fn an_upload_is_used_here_at_once_and_elsewhere_after_a_look() {
    let ledger = Arc::default();
    let [here, there] = [node(&ledger, Vec::new()), node(&ledger, Vec::new())];
    let review = here.ok(CLEAN).await;
    assert!(review.is_new && review.version == 1 && review.differences.is_empty());
    assert_eq!(here.acs().unwrap(), "https://sp.example/saml/acs");
    assert_eq!(there.acs(), None);
    assert_eq!(there.registrar.take_up().await.unwrap().len(), 1);
    assert_eq!(there.acs(), here.acs());
    assert!(there.registrar.take_up().await.unwrap().is_empty(), "nothing is new");
    let changed = CLEAN.replace("/saml/acs", "/saml/in");
    here.ok(&changed).await;
    there.registrar.take_up().await.unwrap();
    assert_eq!(there.acs().unwrap(), "https://sp.example/saml/in");
    assert!(here.registrar.remove(&acme(), &sp(), "key-2").await.unwrap());
    assert_eq!(here.acs(), None);
    there.registrar.take_up().await.unwrap();
    assert_eq!(there.acs(), None);
    assert!(!here.registrar.remove(&acme(), &sp(), "key-2").await.unwrap());
}

#[tokio::test]
async fn a_changed_registration_tells_endpoints_keys_and_flags_that_differ() {
    let node = node(&Arc::default(), Vec::new());
    node.ok(CLEAN).await;
    let changed = CLEAN
        .replace("/saml/acs", "/saml/in")
        .replace("<md:SPSSODescriptor", "<md:SPSSODescriptor WantAssertionsSigned=\"true\"")
        .replace(" use=\"signing\"", "");
    let settings = Settings {
        profile: Some("generic".to_owned()),
        signed_requests: Some(true),
        unsolicited: Some(vec!["/start".to_owned()]),
    };
    let review = node.put(&changed, settings.clone()).await.unwrap();
    assert!(!review.is_new && review.version == 2);
    let told: Vec<_> = review
        .differences
        .iter()
        .map(|one| (one.change, one.line.what, one.line.value.as_str()))
        .collect();
    let (key, told) = told.into_iter().partition::<Vec<_>, _>(|line| line.1 == "encryption key");
    assert!(key.len() == 1 && key[0].0 == Change::Added && key[0].2.starts_with("SHA-256 "));
    assert_eq!(
        told,
        [
            (Change::Removed, "WantAssertionsSigned", "false"),
            (Change::Removed, "assertion consumer", "0 https://sp.example/saml/acs"),
            (Change::Added, "WantAssertionsSigned", "true"),
            (Change::Added, "assertion consumer", "0 https://sp.example/saml/in"),
            (Change::Added, "profile", "generic"),
            (Change::Added, "signed requests required", "true"),
            (Change::Added, "unsolicited answers", "taken"),
            (Change::Added, "RelayState", "/start"),
        ]
    );
    let registered = node.registrations.get(&acme(), &sp()).unwrap();
    assert_eq!(registered.profile.name.as_str(), "generic");
    assert!(registered.requires_signature());
    let relay_states = vec!["/start".to_owned()];
    assert_eq!(registered.unsolicited, Unsolicited::Allowed { relay_states });
    // The same once more is no new version.
    let again = node.put(&changed, settings).await.unwrap();
    assert!(again.version == 2 && again.differences.is_empty());
    assert_eq!(node.registrar.history(&acme(), &sp()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_review_changes_nothing() {
    let node = node(&Arc::default(), Vec::new());
    let (tenant, document) = (&acme(), CLEAN.as_bytes());
    let settings = Settings::default();
    let application = Application { tenant, wanted: None, document, settings };
    let review = node.registrar.review(&application).await.unwrap();
    assert_eq!((review.entity_id, review.version), (sp(), 1));
    assert_eq!(node.acs(), None);
    assert!(node.registrar.history(&acme(), &sp()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_is_told_with_its_faults_and_the_old_version_stays() {
    let node = node(&Arc::default(), Vec::new());
    node.ok(CLEAN).await;
    let bad = CLEAN.replace("https://sp.example/saml/acs", "http://sp.example/saml/acs");
    let Err(Declined::Metadata(findings)) = node.put(&bad, Settings::default()).await else {
        panic!("it was taken")
    };
    assert_eq!(findings[0].fault.to_string(), "SBM-86");
    let other = CLEAN.replace(SP, "https://other.example");
    let Err(Declined::Metadata(findings)) = node.put(&other, Settings::default()).await else {
        panic!("another service provider was taken for this one")
    };
    assert_eq!(findings[0].fault.to_string(), "SBM-25");
    let settings = Settings { profile: Some("no-such".to_owned()), ..Settings::default() };
    assert!(matches!(node.put(CLEAN, settings).await, Err(Declined::Profile)));
    assert_eq!(node.acs().unwrap(), "https://sp.example/saml/acs");
}

#[tokio::test]
async fn what_the_configuration_declares_is_not_uploaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sp.xml");
    std::fs::write(&file, CLEAN).unwrap();
    let declared = Registration {
        tenant: acme(),
        source: Source::File(file),
        wanted: None,
        trust: Vec::new(),
        request_signatures: RequestSignatures::AsProfile,
        profile: Clouds::load(None).unwrap().get("generic").unwrap(),
        unsolicited: Unsolicited::Refused,
    };
    let node = node(&Arc::default(), vec![declared]);
    node.registrations.restore().await;
    let refused = node.put(CLEAN, Settings::default()).await;
    assert!(matches!(refused, Err(Declined::Declared(entity_id)) if entity_id == sp()));
    assert_eq!(node.registrar.declared(&acme()).len(), 1);
}

#[tokio::test]
async fn only_a_few_short_lines_go_with_what_nobody_asked_for() {
    let node = node(&Arc::default(), Vec::new());
    let taking =
        |states: Vec<String>| Settings { unsolicited: Some(states), ..Settings::default() };
    let many = limits::RELAY_STATES;
    for bad in [
        vec![String::new()],
        vec!["x".repeat(81)],
        vec!["a\nb".to_owned()],
        vec!["a".to_owned(); many + 1],
    ] {
        let refused = node.put(CLEAN, taking(bad)).await;
        assert!(matches!(refused, Err(Declined::RelayStates)), "{refused:?}");
    }
    let good = vec!["x".repeat(80); many];
    node.put(CLEAN, taking(good.clone())).await.unwrap();
    let taken = |node: &Node| node.registrations.get(&acme(), &sp()).unwrap().unsolicited.clone();
    assert_eq!(taken(&node), Unsolicited::Allowed { relay_states: good });
    node.ok(CLEAN).await;
    assert_eq!(taken(&node), Unsolicited::Refused);
}

#[tokio::test]
async fn tenants_do_not_see_each_other_s_service_providers() {
    let node = node(&Arc::default(), Vec::new());
    node.ok(CLEAN).await;
    let bolt = TenantId::parse("bolt").unwrap();
    assert!(node.registrar.list(&bolt).await.unwrap().is_empty());
    assert!(!node.registrar.remove(&bolt, &sp(), "x").await.unwrap());
    assert!(node.registrations.get(&bolt, &sp()).is_none());
    assert_eq!(node.registrar.list(&acme()).await.unwrap().len(), 1);
}

/// A source that answers when it is let.
struct Slow(tokio::sync::Notify);

impl Fetch for Slow {
    fn fetch<'a>(&'a self, _: &'a crate::saml::EndpointUrl) -> Fetching<'a> {
        Box::pin(async move {
            self.0.notified().await;
            Ok(CLEAN.as_bytes().to_vec())
        })
    }
}

#[tokio::test]
async fn an_upload_waits_for_no_fetch_and_the_configuration_wins_over_it() {
    let declared = Registration {
        tenant: acme(),
        source: Source::Url(crate::saml::EndpointUrl::parse("https://sp.example/md").unwrap()),
        wanted: None,
        trust: Vec::new(),
        request_signatures: RequestSignatures::AsProfile,
        profile: Clouds::load(None).unwrap().get("generic").unwrap(),
        unsolicited: Unsolicited::Refused,
    };
    let node = node(&Arc::default(), vec![declared]);
    let slow = Arc::new(Slow(tokio::sync::Notify::new()));
    let fetch: Arc<dyn Fetch> = Arc::<Slow>::clone(&slow);
    let registrations = Arc::clone(&node.registrations);
    let refresh = tokio::spawn(async move { registrations.refresh(&fetch).await });
    tokio::task::yield_now().await;
    let uploaded = CLEAN.replace("/saml/acs", "/saml/uploaded");
    node.ok(&uploaded).await;
    assert_eq!(node.acs().unwrap(), "https://sp.example/saml/uploaded");
    slow.0.notify_one();
    let reports = refresh.await.unwrap();
    assert!(reports[0].outcome.is_ok(), "{reports:?}");
    assert_eq!(node.acs().unwrap(), "https://sp.example/saml/acs");
}
