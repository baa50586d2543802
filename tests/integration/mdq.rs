//! A metadata query service over HTTP (draft-young-md-query): asked for one service provider by its
//! entityID or by the hash of it, believed by its signature, and gone when it is needed.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use skybridge::app::fetch::HttpFetch;
use skybridge::clock::ManualClock;
use skybridge::cloud::registration::{
    Change, Failure, Fallback, Fetch, FetchError, Loaded, MdqForm, RefreshError, RequestSignatures,
    Source, Unsolicited, mdq_address,
};
use skybridge::cloud::{Clouds, Registration, Registrations};
use skybridge::saml::names::{binding, ns};
use skybridge::saml::{EndpointUrl, EntityId, VerifyingKey};
use skybridge::store::record::TenantId;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::task::JoinHandle;

use crate::saml_metadata::{Signed, signed_by_xmlsec};

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
/// An entityID of which every second character means something in an address.
const SP: &str = "https://sp.example/saml?a=1&b=%20/../x#y";

/// What the service answers, and what it was asked.
#[derive(Default)]
struct Desk {
    answer: Mutex<Option<String>>,
    asked: Mutex<Vec<String>>,
}

/// A metadata query service at a port of this machine.
struct Service {
    desk: Arc<Desk>,
    base: EndpointUrl,
    server: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let desk = Arc::new(Desk::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&desk));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/mdq/entities", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { desk, base: EndpointUrl::parse(&base).unwrap(), server }
    }

    fn says(&self, document: &str) {
        *self.desk.answer.lock().unwrap() = Some(document.to_owned());
    }

    fn knows_nobody(&self) {
        *self.desk.answer.lock().unwrap() = None;
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.desk.asked.lock().unwrap())
    }

    /// Its port closes.
    async fn goes_away(self) {
        self.server.abort();
        assert!(self.server.await.unwrap_err().is_cancelled());
    }
}

async fn answer(State(desk): State<Arc<Desk>>, uri: Uri) -> Response {
    desk.asked.lock().unwrap().push(uri.to_string());
    // Or else its connections outlive it.
    let close = (header::CONNECTION, "close");
    match desk.answer.lock().unwrap().clone() {
        Some(document) => {
            let media = (header::CONTENT_TYPE, "application/samlmetadata+xml");
            ([close, media], document).into_response()
        }
        None => (StatusCode::NOT_FOUND, [close]).into_response(),
    }
}

/// The metadata of `entity_id`, signed by xmlsec1, good until the end of that day.
fn signed(entity_id: &str) -> Signed {
    let template = format!(
        "<EntityDescriptor xmlns=\"{}\" ID=\"_m\" validUntil=\"2026-01-02T23:59:59Z\" \
         entityID=\"{}\">@<SPSSODescriptor protocolSupportEnumeration=\"{}\">\
         <AssertionConsumerService index=\"1\" Location=\"https://sp.example/acs\" \
         Binding=\"{}\"/></SPSSODescriptor></EntityDescriptor>",
        ns::METADATA,
        entity_id.replace('&', "&amp;"),
        ns::PROTOCOL,
        binding::POST
    );
    signed_by_xmlsec(&template, &format!("{}:EntityDescriptor", ns::METADATA), "256", "")
}

/// The registration of [`SP`] by a metadata query service, and its time.
struct Registered {
    registrations: Registrations,
    clock: Arc<ManualClock>,
    fetch: Arc<dyn Fetch>,
}

impl Registered {
    fn at(base: &EndpointUrl, form: MdqForm, trust: &[VerifyingKey], cache: &Path) -> Self {
        let wanted = EntityId::parse(SP).unwrap();
        let registration = Registration {
            tenant: tenant(),
            source: Source::Url(mdq_address(base, &wanted, form).unwrap()),
            wanted: Some(wanted),
            trust: trust.to_vec(),
            request_signatures: RequestSignatures::AsProfile,
            unsolicited: Unsolicited::Refused,
            profile: Clouds::load(None).unwrap().get("generic").unwrap(),
        };
        let clock = Arc::new(ManualClock::at(NOW));
        let cache = Some(cache.to_path_buf());
        let registrations = Registrations::new(vec![registration], cache, clock.clone());
        Self { registrations, clock, fetch: Arc::new(HttpFetch::new().unwrap()) }
    }

    async fn refresh(&self) -> Result<Loaded, Failure> {
        self.registrations.refresh(&self.fetch).await.remove(0).outcome
    }

    fn is_known(&self) -> bool {
        self.registrations.get(&tenant(), &EntityId::parse(SP).unwrap()).is_some()
    }
}

fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

#[tokio::test]
async fn a_metadata_query_service_is_asked_for_one_entity_in_either_form() {
    let service = Service::start().await;
    let Signed { document, trust } = signed(SP);
    service.says(&document);
    for (form, path) in [
        (
            MdqForm::EntityId,
            "/mdq/entities/https%3A%2F%2Fsp.example%2Fsaml%3Fa%3D1%26b%3D%2520%2F..%2Fx%23y",
        ),
        (MdqForm::Sha1, "/mdq/entities/%7Bsha1%7D@"),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let registered = Registered::at(&service.base, form, &trust, cache.path());
        let loaded = registered.refresh().await.unwrap();
        assert_eq!((loaded.entity_id.as_str(), loaded.change), (SP, Change::First));
        assert!(registered.is_known());
        // The hash as another implementation makes it.
        let path = path.replace('@', &sha1_by_openssl(SP));
        assert_eq!(service.asked(), [path]);
    }
}

/// By the program `openssl`.
fn sha1_by_openssl(text: &str) -> String {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("text");
    std::fs::write(&file, text).unwrap();
    let mut openssl = std::process::Command::new("openssl");
    let output = openssl.args(["dgst", "-sha1", "-r"]).arg(file).output();
    let output = output.expect("openssl, which tests/run installs");
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_metadata_query_service_says_is_believed_only_signed_and_about_who_was_asked_for() {
    let service = Service::start().await;
    let Signed { document, trust } = signed(SP);
    let unsigned = {
        let start = document.find("<ds:Signature").unwrap();
        let end = document.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        [&document[..start], &document[end..]].concat()
    };
    let other = signed("https://other.example");
    let group =
        format!("<EntitiesDescriptor xmlns=\"{}\">{document}</EntitiesDescriptor>", ns::METADATA);
    let xml = document.find("<EntityDescriptor").unwrap();
    let group = group.replace(&document[..xml], "");
    let cache = tempfile::tempdir().unwrap();
    let registered = Registered::at(&service.base, MdqForm::Sha1, &trust, cache.path());
    for (said, part) in [
        (unsigned, "expected a signature, found none"),
        (signed(SP).document, "registered keys"),
        (document.replace("sp.example/acs", "evil.example/acs"), "digest"),
        (group, "expected a signature, found none"),
        ("<html>no such entity</html>".to_owned(), "expected a signature, found none"),
    ] {
        service.says(&said);
        let failure = registered.refresh().await.unwrap_err();
        assert_eq!(failure.fallback, Fallback::Nothing);
        assert!(failure.cause.to_string().contains(part), "{}: {said}", failure.cause);
        assert!(!registered.is_known());
    }
    // Rightly signed, but about somebody else.
    service.says(&other.document);
    let elsewhere = Registered::at(&service.base, MdqForm::Sha1, &other.trust, cache.path());
    let failure = elsewhere.refresh().await.unwrap_err();
    assert!(failure.cause.to_string().contains("https://other.example"), "{}", failure.cause);
    assert!(!elsewhere.is_known());
}

#[tokio::test]
async fn when_a_metadata_query_service_goes_away_its_answer_is_used_to_its_end() {
    let service = Service::start().await;
    let (base, Signed { document, trust }) = (service.base.clone(), signed(SP));
    let cache = tempfile::tempdir().unwrap();
    let registered = Registered::at(&base, MdqForm::EntityId, &trust, cache.path());
    service.says(&document);
    registered.refresh().await.unwrap();
    service.knows_nobody();
    let failure = registered.refresh().await.unwrap_err();
    assert_eq!(failure.fallback, Fallback::GoodCopy);
    assert!(matches!(failure.cause, RefreshError::Fetch(FetchError::Status(404))), "{failure:?}");
    service.goes_away().await;
    let failure = registered.refresh().await.unwrap_err();
    assert_eq!(failure.fallback, Fallback::GoodCopy);
    let cause = &failure.cause;
    assert!(matches!(cause, RefreshError::Fetch(FetchError::Unreachable(_))), "{failure:?}");
    assert!(registered.is_known());

    // A gateway that starts now has the copy of before; it too believes it only by the key.
    let restarted = Registered::at(&base, MdqForm::EntityId, &trust, cache.path());
    restarted.registrations.restore().await.remove(0).outcome.unwrap();
    assert!(restarted.is_known());
    let stranger = signed(SP).trust;
    let distrustful = Registered::at(&base, MdqForm::EntityId, &stranger, cache.path());
    distrustful.registrations.restore().await.remove(0).outcome.unwrap_err();
    assert!(!distrustful.is_known());

    for registered in [&registered, &restarted] {
        registered.clock.advance(time::Duration::hours(21));
        assert!(!registered.is_known(), "its validUntil has come");
        assert!(registered.registrations.is_waiting(&tenant()));
    }
}
