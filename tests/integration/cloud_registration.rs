//! A service provider's metadata from its server into use: fetched over HTTP, its signature (made
//! by another implementation) checked, kept on disk.
#![cfg(feature = "fake-cloud")]

use std::path::Path;
use std::sync::Arc;

use skybridge::app::fetch::HttpFetch;
use skybridge::clock::ManualClock;
use skybridge::cloud::registration::{
    Change, Fallback, Fetch, RequestSignatures, Source, Unsolicited,
};
use skybridge::cloud::{Clouds, Registration, Registrations};
use skybridge::fakecloud::{FakeCloud, Options};
use skybridge::random::SequenceRandom;
use skybridge::saml::{EndpointUrl, EntityId, VerifyingKey};
use skybridge::store::record::TenantId;
use time::OffsetDateTime;
use time::macros::datetime;
use url::Url;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

/// A cloud that serves its metadata on loopback.
async fn cloud() -> (Arc<FakeCloud>, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let clock = Arc::new(ManualClock::at(NOW));
    let random = Arc::new(SequenceRandom::default());
    let cloud = FakeCloud::new(Options::new(Url::parse(&base).unwrap(), clock, random)).unwrap();
    let router = cloud.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (cloud, base)
}

fn registrations(url: &str, trust: Vec<VerifyingKey>, cache: Option<&Path>) -> Registrations {
    let registration = Registration {
        tenant: tenant(),
        source: Source::Url(EndpointUrl::parse(url).unwrap()),
        wanted: None,
        trust,
        request_signatures: RequestSignatures::AsProfile,
        unsolicited: Unsolicited::Refused,
        profile: Clouds::load(None).unwrap().get("huawei-cn").unwrap(),
    };
    let clock = Arc::new(ManualClock::at(NOW));
    Registrations::new(vec![registration], cache.map(Path::to_path_buf), clock)
}

fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn keys(cloud: &FakeCloud) -> Vec<VerifyingKey> {
    x509_parser::pem::Pem::iter_from_buffer(cloud.certificates_pem().as_bytes())
        .map(|pem| VerifyingKey::from_certificate(&pem.unwrap().contents).unwrap())
        .collect()
}

fn http() -> Arc<dyn Fetch> {
    Arc::new(HttpFetch::new().unwrap())
}

#[tokio::test]
async fn signed_metadata_is_fetched_believed_and_outlives_the_server() {
    let (cloud, base) = cloud().await;
    let url = format!("{base}/authui/saml/metadata.xml");
    let directory = tempfile::tempdir().unwrap();
    let registrations = registrations(&url, keys(&cloud), Some(directory.path()));
    let loaded = registrations.refresh(&http()).await.remove(0).outcome.unwrap();
    assert_eq!((loaded.change, loaded.cache_fault), (Change::First, None));
    let registered = registrations.get(&tenant(), &loaded.entity_id).unwrap();
    let acs = format!("{base}/authui/saml/SAMLAssertionConsumer");
    assert!(registered.service_provider.acs_by_url(&acs).is_some());
    assert!(registered.service_provider.authn_requests_signed);

    let restarted = self::registrations(&url, keys(&cloud), Some(directory.path()));
    restarted.restore().await.remove(0).outcome.unwrap();
    assert!(restarted.get(&tenant(), &loaded.entity_id).is_some());
}

#[tokio::test]
async fn metadata_that_another_key_signed_or_none_is_not_believed() {
    let (cloud, base) = cloud().await;
    let (stranger, _) = self::cloud().await;
    let entity_id = EntityId::parse(&format!("{base}/")).unwrap();
    for (path, trust) in [("metadata.xml", &stranger), ("metadata.xml?unsigned=true", &cloud)] {
        let url = format!("{base}/authui/saml/{path}");
        let registrations = registrations(&url, keys(trust), None);
        let failure = registrations.refresh(&http()).await.remove(0).outcome.unwrap_err();
        assert_eq!(failure.fallback, Fallback::Nothing);
        assert!(registrations.get(&tenant(), &entity_id).is_none());
        assert!(registrations.is_waiting(&tenant()));
    }
}
