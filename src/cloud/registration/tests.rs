//! Tests of keeping registrations alive: what is good stays, whatever the source does.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::Duration;
use time::macros::datetime;

use super::RequestSignatures::{AsProfile, Optional, Required};
use super::*;
use crate::clock::ManualClock;
use crate::cloud::Clouds;
use crate::limits;
use crate::saml;
use crate::saml::tests::{key_of, keys};
use crate::store::memory_ledger::MemoryLedger;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
const URL: &str = "https://cloud.example/metadata.xml";
const SP: &str = "https://cloud.example/";

/// Answers as it is told, and counts.
#[derive(Default)]
struct Script {
    answers: StdMutex<HashMap<String, Result<Vec<u8>, FetchError>>>,
    calls: AtomicUsize,
}

impl Script {
    fn say(&self, url: &str, answer: Result<&str, FetchError>) {
        let answer = answer.map(|text| text.as_bytes().to_vec());
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }
}

impl Fetch for Script {
    fn fetch<'a>(&'a self, url: &'a EndpointUrl) -> Fetching<'a> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().get(url.as_str()).cloned();
        Box::pin(async move { answer.unwrap_or(Err(FetchError::Status(404))) })
    }
}

/// A house with its source, clock and cache.
struct House {
    registrations: Registrations,
    clock: Arc<ManualClock>,
    script: Arc<Script>,
}

impl House {
    fn new(list: Vec<Registration>, cache: Option<&Path>) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let cache = cache.map(Path::to_path_buf);
        let registrations = Registrations::new(list, cache, Arc::clone(&clock) as Arc<dyn Clock>);
        Self { registrations, clock, script: Arc::default() }
    }

    /// One node of several: what it has loaded is seen by the others through `history`.
    fn node(history: &Arc<MemoryLedger>, cache: Option<&Path>) -> Self {
        let Self { registrations, clock, script } = house(cache);
        let registrations = registrations.with_history(Arc::clone(history) as Arc<dyn Copies>);
        Self { registrations, clock, script }
    }

    async fn refresh(&self) -> Vec<Report> {
        self.registrations.refresh(&(Arc::clone(&self.script) as Arc<dyn Fetch>)).await
    }

    /// Refreshes the only registration after its source said `answer`.
    async fn after(&self, answer: Result<&str, FetchError>) -> Result<Loaded, Failure> {
        self.script.say(URL, answer);
        let mut reports = self.refresh().await;
        assert_eq!(reports.len(), 1);
        reports.remove(0).outcome
    }

    fn get(&self, tenant: &str, sp: &str) -> Option<Arc<Registered>> {
        self.registrations.get(&id(tenant), &EntityId::parse(sp).unwrap())
    }

    fn acs(&self) -> Option<String> {
        let registered = self.get("acme", SP)?;
        Some(registered.service_provider.acs[0].location.to_string())
    }
}

fn id(tenant: &str) -> TenantId {
    TenantId::parse(tenant).unwrap()
}

fn registration(tenant: &str, source: Source) -> Registration {
    let request_signatures = RequestSignatures::AsProfile;
    let profile = Clouds::load(None).unwrap().get("generic").unwrap();
    Registration {
        tenant: id(tenant),
        source,
        wanted: None,
        trust: Vec::new(),
        request_signatures,
        profile,
        unsolicited: Unsolicited::Refused,
    }
}

fn at(url: &str) -> Source {
    Source::Url(EndpointUrl::parse(url).unwrap())
}

/// Metadata of `entity_id` with a signing key and one ACS; `attributes` stand on its root.
fn metadata(entity_id: &str, attributes: &str, acs: &str) -> String {
    let certificate = STANDARD.encode(key_of(1).1);
    format!(
        "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' entityID='{entity_id}' {attributes}>\
         <md:SPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'>\
         <md:KeyDescriptor use='signing'><ds:KeyInfo xmlns:ds='http://www.w3.org/2000/09/xmldsig#'>\
         <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>\
         </ds:KeyInfo></md:KeyDescriptor><md:AssertionConsumerService index='0' Location='{acs}' \
         Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'/></md:SPSSODescriptor>\
         </md:EntityDescriptor>"
    )
}

fn good() -> String {
    metadata(SP, "", "https://cloud.example/acs")
}

fn moved() -> String {
    metadata(SP, "", "https://cloud.example/new-acs")
}

fn house(cache: Option<&Path>) -> House {
    House::new(vec![registration("acme", at(URL))], cache)
}

#[tokio::test]
async fn before_anything_is_loaded_the_tenant_waits() {
    let house = house(None);
    assert!(house.registrations.restore().await.is_empty());
    assert!(house.acs().is_none());
    assert!(house.registrations.is_waiting(&id("acme")));
    assert!(!house.registrations.is_waiting(&id("other")));
}

#[tokio::test]
async fn a_fetched_copy_is_used_and_a_newer_one_replaces_it() {
    let house = house(None);
    let loaded = house.after(Ok(&good())).await.unwrap();
    assert_eq!((loaded.entity_id.as_str(), loaded.change), (SP, Change::First));
    assert!(!house.registrations.is_waiting(&id("acme")));
    assert_eq!(house.acs().unwrap(), "https://cloud.example/acs");
    assert_eq!(house.after(Ok(&good())).await.unwrap().change, Change::None);
    assert_eq!(house.after(Ok(&moved())).await.unwrap().change, Change::Changed);
    assert_eq!(house.acs().unwrap(), "https://cloud.example/new-acs");
    assert_eq!(house.get("acme", SP).unwrap().loaded_at, NOW);
}

#[tokio::test]
async fn a_failed_refresh_never_drops_the_good_copy() {
    let house = house(None);
    house.after(Ok(&good())).await.unwrap();
    let another = metadata("https://evil.example/", "", "https://evil.example/acs");
    let expired = metadata(SP, "validUntil='2026-01-01T00:00:00Z'", "https://cloud.example/acs");
    let without_acs = good().replace("bindings:HTTP-POST", "bindings:PAOS");
    let foreign_scheme = good().replace("https://cloud.example/acs", "javascript:alert(1)");
    let keys_gone = good().replace("use='signing'", "use='encryption'");
    let doctype = format!("<!DOCTYPE x>{}", good());
    let too_large = format!("{}{}", good(), " ".repeat(limits::METADATA_BYTES));
    for (what, answer) in [
        ("no connection", Err(FetchError::Unreachable("found none".to_owned()))),
        ("an error page", Err(FetchError::Status(500))),
        ("nothing", Ok("")),
        ("a truncated copy", Ok(&good()[..200])),
        ("another page", Ok("<html><body>maintenance</body></html>")),
        ("a DOCTYPE", Ok(doctype.as_str())),
        ("another entityID", Ok(another.as_str())),
        ("metadata whose time is over", Ok(expired.as_str())),
        ("no usable ACS", Ok(without_acs.as_str())),
        ("a foreign scheme", Ok(foreign_scheme.as_str())),
        ("no signing key any more", Ok(keys_gone.as_str())),
        ("too much", Ok(too_large.as_str())),
    ] {
        let failure = house.after(answer).await.expect_err(what);
        assert_eq!(failure.fallback, Fallback::GoodCopy, "{what}");
        assert_eq!(house.acs().unwrap(), "https://cloud.example/acs", "{what}");
        assert!(house.get("acme", "https://evil.example/").is_none(), "{what}");
        assert!(!house.registrations.is_waiting(&id("acme")), "{what}");
    }
    assert_eq!(house.after(Ok(&moved())).await.unwrap().change, Change::Changed);
}

#[tokio::test]
async fn a_copy_is_used_until_its_own_end_and_not_longer() {
    let house = house(None);
    let until = metadata(SP, "validUntil='2026-01-02T04:00:00Z'", "https://cloud.example/acs");
    house.after(Ok(&until)).await.unwrap();
    house.clock.advance(Duration::minutes(55));
    assert!(house.acs().is_some());
    house.clock.advance(Duration::minutes(1));
    assert!(house.acs().is_none());
    assert!(house.registrations.is_waiting(&id("acme")));
    let failure = house.after(Ok(&until)).await.unwrap_err();
    assert_eq!(failure.fallback, Fallback::Nothing);
    let later = metadata(SP, "validUntil='2026-01-02T05:00:00Z'", "https://cloud.example/acs");
    house.after(Ok(&later)).await.unwrap();
    assert!(house.acs().is_some());
}

#[tokio::test]
async fn an_older_copy_does_not_come_back() {
    let house = house(None);
    let newer = metadata(SP, "validUntil='2026-02-01T00:00:00Z'", "https://cloud.example/acs");
    let older = metadata(SP, "validUntil='2026-01-15T00:00:00Z'", "https://cloud.example/old");
    house.after(Ok(&newer)).await.unwrap();
    let failure = house.after(Ok(&older)).await.unwrap_err();
    assert_eq!(failure.cause, RefreshError::Older);
    assert_eq!(house.acs().unwrap(), "https://cloud.example/acs");
}

#[tokio::test]
async fn with_trust_keys_unsigned_metadata_is_not_believed() {
    let signed_only = Registration { trust: vec![keys(2).1], ..registration("acme", at(URL)) };
    let house = House::new(vec![signed_only], None);
    let failure = house.after(Ok(&good())).await.unwrap_err();
    let expected = RefreshError::Metadata(saml::Error::SignatureMissing);
    assert_eq!(failure, Failure { cause: expected, fallback: Fallback::Nothing });
    assert!(house.acs().is_none());
}

#[tokio::test]
async fn a_restart_works_with_the_source_away() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let before = house(Some(&cache));
    assert_eq!(before.after(Ok(&good())).await.unwrap().cache_fault, None);
    before.after(Err(FetchError::Status(500))).await.unwrap_err();

    let after = house(Some(&cache));
    let reports = after.registrations.restore().await;
    assert_eq!(reports[0].outcome.as_ref().unwrap().change, Change::First);
    assert_eq!(after.acs().unwrap(), "https://cloud.example/acs");
    let failure = after.after(Err(FetchError::Status(500))).await.unwrap_err();
    assert_eq!(failure.fallback, Fallback::GoodCopy);
    // The entityID is remembered across the restart as well.
    let another = metadata("https://evil.example/", "", "https://evil.example/acs");
    after.after(Ok(&another)).await.unwrap_err();
    assert!(after.acs().is_some());
}

#[tokio::test]
async fn only_good_copies_reach_the_disk_and_they_reach_it_whole() {
    let directory = tempfile::tempdir().unwrap();
    let house = house(Some(directory.path()));
    house.after(Ok(&good())).await.unwrap();
    house.after(Ok("<html/>")).await.unwrap_err();
    let files: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(fs::read_to_string(&files[0]).unwrap(), good());
    house.after(Ok(&moved())).await.unwrap();
    assert_eq!(fs::read_to_string(&files[0]).unwrap(), moved());
}

#[tokio::test]
async fn a_damaged_copy_on_disk_is_reported_and_not_used() {
    let directory = tempfile::tempdir().unwrap();
    house(Some(directory.path())).after(Ok(&good())).await.unwrap();
    let file = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    fs::write(&file, &good()[..300]).unwrap();
    let house = house(Some(directory.path()));
    let reports = house.registrations.restore().await;
    assert_eq!(reports[0].outcome.as_ref().unwrap_err().fallback, Fallback::Nothing);
    assert!(house.registrations.is_waiting(&id("acme")));
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_told_but_stops_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let house = house(Some(&file));
    let loaded = house.after(Ok(&good())).await.unwrap();
    assert!(loaded.cache_fault.is_some());
    assert!(house.acs().is_some());
}

/// Every metadata that the history has, oldest first.
async fn recorded(history: &MemoryLedger) -> Vec<String> {
    let copies = history.copies(&id("acme"), &EntityId::parse(SP).unwrap()).await.unwrap();
    copies.into_iter().map(|copy| copy.metadata).collect()
}

#[tokio::test]
async fn each_change_of_metadata_is_one_more_line_of_its_history_and_a_failure_is_none() {
    let history = Arc::new(MemoryLedger::new());
    let (one, other) = (House::node(&history, None), House::node(&history, None));
    for node in [&one, &other] {
        node.after(Ok(&good())).await.unwrap();
        node.after(Ok(&good())).await.unwrap();
        node.after(Ok("<html/>")).await.unwrap_err();
    }
    assert_eq!(recorded(&history).await, [good()]);
    one.after(Ok(&moved())).await.unwrap();
    other.after(Ok(&moved())).await.unwrap();
    one.after(Ok(&good())).await.unwrap();
    assert_eq!(recorded(&history).await, [good(), moved(), good()]);
}

#[tokio::test]
async fn a_node_whose_source_does_not_answer_takes_what_another_has_fetched() {
    let history = Arc::new(MemoryLedger::new());
    let (one, other) = (House::node(&history, None), House::node(&history, None));
    one.after(Ok(&good())).await.unwrap();
    // A new one has it at its start.
    let reports = other.registrations.restore().await;
    assert_eq!(reports[0].outcome.as_ref().unwrap().change, Change::First);
    assert_eq!(other.acs().unwrap(), "https://cloud.example/acs");
    // A running one has it at its next refresh, and says that its own source failed.
    for node in [&one, &other] {
        node.clock.advance(Duration::hours(1));
    }
    one.after(Ok(&moved())).await.unwrap();
    other.script.say(URL, Err(FetchError::Status(500)));
    let reports = other.refresh().await;
    assert!(reports[0].outcome.is_err());
    assert_eq!(reports[1].outcome.as_ref().unwrap().change, Change::Changed);
    assert_eq!(other.acs().unwrap(), "https://cloud.example/new-acs");
    // What it has fetched itself is not given up for what was fetched before.
    other.clock.advance(Duration::hours(1));
    other.after(Ok(&good())).await.unwrap();
    other.script.say(URL, Err(FetchError::Status(500)));
    assert_eq!(other.refresh().await.len(), 1);
    assert_eq!(other.acs().unwrap(), "https://cloud.example/acs");
    assert_eq!(recorded(&history).await, [good(), moved(), good()]);
}

#[tokio::test]
async fn what_an_earlier_run_left_on_disk_is_no_news_and_gives_way_to_what_others_know() {
    let directory = tempfile::tempdir().unwrap();
    house(Some(directory.path())).after(Ok(&good())).await.unwrap();
    let history = Arc::new(MemoryLedger::new());
    House::node(&history, None).after(Ok(&moved())).await.unwrap();
    let late = House::node(&history, Some(directory.path()));
    late.registrations.restore().await;
    assert_eq!(late.acs().unwrap(), "https://cloud.example/acs");
    late.refresh().await;
    assert_eq!(late.acs().unwrap(), "https://cloud.example/new-acs");
    assert_eq!(recorded(&history).await, [moved()]);
}

#[tokio::test]
async fn a_copy_in_the_history_is_judged_anew() {
    let history = Arc::new(MemoryLedger::new());
    House::node(&history, None).after(Ok(&good())).await.unwrap();
    let signed_only = Registration { trust: vec![keys(2).1], ..registration("acme", at(URL)) };
    let House { registrations, .. } = House::new(vec![signed_only], None);
    let registrations = registrations.with_history(history);
    assert!(registrations.restore().await[0].outcome.is_err());
    assert!(registrations.is_waiting(&id("acme")));
}

#[tokio::test]
async fn a_file_is_loaded_at_start_and_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sp.xml");
    fs::write(&path, good()).unwrap();
    let list = vec![registration("acme", Source::File(path.clone()))];
    let house = House::new(list, None);
    house.registrations.restore().await.remove(0).outcome.unwrap();
    assert_eq!(house.acs().unwrap(), "https://cloud.example/acs");
    fs::write(&path, moved()).unwrap();
    house.refresh().await.remove(0).outcome.unwrap();
    assert_eq!(house.acs().unwrap(), "https://cloud.example/new-acs");
    fs::remove_file(&path).unwrap();
    house.refresh().await.remove(0).outcome.unwrap_err();
    assert_eq!(house.acs().unwrap(), "https://cloud.example/new-acs");
}

#[tokio::test]
async fn a_service_provider_of_one_tenant_is_unknown_to_another() {
    let list = vec![
        registration("acme", at(URL)),
        registration("globex", at("https://other.example/metadata.xml")),
    ];
    let house = House::new(list, None);
    house.script.say(URL, Ok(&good()));
    let reports = house.refresh().await;
    assert!(reports[0].outcome.is_ok() && reports[1].outcome.is_err());
    assert!(house.get("acme", SP).is_some());
    assert!(house.get("globex", SP).is_none());
    assert!(!house.registrations.is_waiting(&id("acme")));
    assert!(house.registrations.is_waiting(&id("globex")));
}

#[tokio::test]
async fn an_address_is_fetched_once_for_all_tenants() {
    let list = (0..50).map(|n| registration(&format!("tenant-{n}"), at(URL))).collect();
    let house = House::new(list, None);
    house.script.say(URL, Ok(&good()));
    let reports = house.refresh().await;
    assert!(reports.iter().all(|report| report.outcome.is_ok()));
    assert_eq!(house.script.calls.load(Ordering::SeqCst), 1);
    assert!(house.get("tenant-49", SP).is_some());
}

#[tokio::test]
async fn more_addresses_than_are_fetched_at_once_are_all_fetched() {
    let url = |n| format!("https://sp{n}.example/metadata.xml");
    let list = (0..30).map(|n| registration("acme", at(&url(n)))).collect();
    let house = House::new(list, None);
    for n in 0..30 {
        let entity_id = format!("https://sp{n}.example/");
        house.script.say(&url(n), Ok(&metadata(&entity_id, "", "https://sp.example/acs")));
    }
    let reports = house.refresh().await;
    assert!(reports.iter().all(|report| report.outcome.is_ok()));
    assert!((0..30).all(|n| house.get("acme", &format!("https://sp{n}.example/")).is_some()));
}

#[tokio::test]
async fn one_entity_is_registered_once_with_a_tenant() {
    let second = "https://cloud.example/metadata-2.xml";
    let house =
        House::new(vec![registration("acme", at(URL)), registration("acme", at(second))], None);
    house.script.say(URL, Ok(&good()));
    house.script.say(second, Ok(&moved()));
    let reports = house.refresh().await;
    assert!(reports[0].outcome.is_ok());
    let cause = &reports[1].outcome.as_ref().unwrap_err().cause;
    assert_eq!(*cause, RefreshError::Taken { entity_id: EntityId::parse(SP).unwrap() });
    assert_eq!(house.acs().unwrap(), "https://cloud.example/acs");
}

#[tokio::test]
async fn a_signature_is_asked_for_by_metadata_registration_or_profile() {
    let clouds = Clouds::load(None).unwrap();
    let strict = clouds.get("huawei-cn").unwrap();
    let lax = clouds.get("generic").unwrap();
    let flagged =
        good().replace("<md:SPSSODescriptor", "<md:SPSSODescriptor AuthnRequestsSigned='true'");
    for (text, asked, of_strict, of_lax) in [
        (good(), AsProfile, true, false),
        (good(), Required, true, true),
        (good(), Optional, false, false),
        (flagged.clone(), AsProfile, true, true),
        (flagged, Optional, true, true),
    ] {
        for (profile, expected) in [(&strict, of_strict), (&lax, of_lax)] {
            let list = Registration {
                request_signatures: asked,
                profile: Arc::clone(profile),
                ..registration("acme", at(URL))
            };
            let house = House::new(vec![list], None);
            house.after(Ok(&text)).await.unwrap();
            let registered = house.get("acme", SP).unwrap();
            assert_eq!(registered.requires_signature(), expected, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn metadata_is_fetched_again_when_its_cache_duration_or_the_operator_says_so() {
    const HOUR: std::time::Duration = std::time::Duration::from_hours(1);
    for (attributes, due_after) in [
        ("", 3_600),
        ("cacheDuration='PT10M'", 600),
        ("cacheDuration='P1D'", 3_600),
        ("cacheDuration='PT1S'", 60),
    ] {
        let house = House::new(vec![registration("acme", at(URL))], None);
        house.script.say(URL, Ok(&metadata(SP, attributes, "https://cloud.example/acs")));
        let fetch = Arc::clone(&house.script) as Arc<dyn Fetch>;
        assert_eq!(house.registrations.refresh_due(&fetch, HOUR).await.len(), 1);
        let rest = house.registrations.rest(HOUR).await;
        assert_eq!(rest.as_secs(), due_after, "{attributes}");
        house.clock.advance(Duration::seconds(i64::try_from(due_after).unwrap() - 1));
        assert!(house.registrations.refresh_due(&fetch, HOUR).await.is_empty(), "{attributes}");
        house.clock.advance(Duration::seconds(1));
        assert_eq!(house.registrations.refresh_due(&fetch, HOUR).await.len(), 1, "{attributes}");
    }
}

#[tokio::test]
async fn metadata_that_ends_too_late_or_never_is_not_taken_where_the_operator_says_so() {
    let lifetime = Lifetime {
        longest: Some(std::time::Duration::from_hours(24 * 14)),
        end: crate::saml::sp_metadata::End::Required,
    };
    for (attributes, good) in [
        ("", false),
        ("validUntil='2026-01-15T00:00:00Z'", true),
        ("validUntil='2026-01-17T00:00:00Z'", false),
    ] {
        let mut house = House::new(vec![registration("acme", at(URL))], None);
        house.registrations = house.registrations.with_lifetime(lifetime);
        let text = metadata(SP, attributes, "https://cloud.example/acs");
        assert_eq!(house.after(Ok(&text)).await.is_ok(), good, "{attributes}");
    }
}

#[tokio::test]
async fn one_of_several_service_providers_in_a_document_is_taken_by_its_entity_id() {
    let strip = |text: String| text.split_once("?>").map_or(text.clone(), |(_, rest)| rest.into());
    let [one, two] =
        [SP, "https://two.example/"].map(|id| strip(metadata(id, "", "https://cloud.example/acs")));
    let group = format!(
        "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'>{one}{two}\
         </md:EntitiesDescriptor>"
    );
    let list = ["https://two.example/", SP].map(|id| Registration {
        wanted: Some(EntityId::parse(id).unwrap()),
        ..registration("acme", at(URL))
    });
    let house = House::new(list.to_vec(), None);
    house.script.say(URL, Ok(&group));
    assert!(house.refresh().await.iter().all(|report| report.outcome.is_ok()));
    assert!(house.get("acme", SP).is_some() && house.get("acme", "https://two.example/").is_some());
    assert_eq!(house.script.calls.load(Ordering::SeqCst), 1);
}
