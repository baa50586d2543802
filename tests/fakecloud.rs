//! The simulated cloud, driven over its router: every fault has a test that reaches it, and a good
//! answer lands in the console. The answers are made here with bergshamra, without the product's
//! own SAML.
#![cfg(feature = "fake-cloud")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "fakecloud/bss/mod.rs"]
mod bss;
#[path = "fakecloud/first_login.rs"]
mod first_login;
#[path = "fakecloud/links.rs"]
mod links;

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra::{DsigContext, KeysManager, keys::loader};
use skybridge::clock::{Clock as _, ManualClock};
use skybridge::fakecloud::{
    Accounts, BindActionType, BindRefusal, Certificates, Credentials, FakeCloud, Fault,
    IssueInstant, KeySize, Knobs, Options, Provision, Registrations, RequestSignature, Script,
    Site, Verdict,
};
use skybridge::random::SequenceRandom;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tower::ServiceExt as _;
use url::Url;

const BASE: &str = "https://cloud.example";
const ACS: &str = "https://cloud.example/authui/saml/SAMLAssertionConsumer";
const IDP: &str = "https://sso.partner.example";
const START: OffsetDateTime = datetime!(2026-01-02 03:04:05.678 UTC);

// ── The partner's side, as the tests play it
// ────────────────────────────────────────────────────────────────────

struct Identity {
    private_pem: String,
    certificate: String,
}

impl Identity {
    fn new() -> Self {
        let size = rcgen::RsaKeySize::_2048;
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        Self { private_pem: pair.serialize_pem(), certificate: STANDARD.encode(certificate.der()) }
    }

    fn sign(&self, template: &str) -> String {
        let mut keys = KeysManager::new();
        keys.add_key(loader::load_rsa_private_pem(self.private_pem.as_bytes()).unwrap());
        bergshamra::sign(&DsigContext::new(keys), template).unwrap()
    }
}

/// The partner's identity: made once, key generation is the dearest thing here.
fn partner() -> &'static Identity {
    static PARTNER: OnceLock<Identity> = OnceLock::new();
    PARTNER.get_or_init(Identity::new)
}

fn stranger() -> &'static Identity {
    static STRANGER: OnceLock<Identity> = OnceLock::new();
    STRANGER.get_or_init(Identity::new)
}

fn idp_metadata() -> String {
    let certificate = &partner().certificate;
    let key = |usage: &str| {
        format!(
            "<md:KeyDescriptor use=\"{usage}\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\
             {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    };
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{IDP}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}{}\
         <md:SingleLogoutService Binding=\"{redirect}\" Location=\"{IDP}/saml/logout\"/>\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\
         <md:SingleSignOnService Binding=\"{redirect}\" Location=\"{IDP}/saml/login\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        key("signing"),
        key("encryption")
    )
}

fn provision() -> Provision {
    Provision {
        metadata_xml: idp_metadata(),
        callback_url: Some(format!("{IDP}/bind")),
        bp_id: "bp-0001".to_owned(),
        return_url: Some(format!("{IDP}/shop")),
        wanted_account_type: Some("ZXT".to_owned()),
        accounts: Accounts::Bound(HashSet::from(["cust-0001".to_owned()])),
        credentials: None,
    }
}

/// The contract's Response (§4.4) for `request`, not signed yet.
fn template(request: &Sent, now: OffsetDateTime) -> String {
    let at = |shift: Duration| {
        let format = time::macros::format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        (now + shift).format(&format).unwrap()
    };
    let (id, now, before, after) =
        (&request.id, at(Duration::ZERO), at(-Duration::minutes(5)), at(Duration::minutes(5)));
    let certificate = &partner().certificate;
    let attribute = |name: &str, value: &str| {
        format!(
            "<saml2:Attribute FriendlyName=\"{name}\" Name=\"{name}\" \
             NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\"><saml2:AttributeValue \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xsd:string\">{value}\
             </saml2:AttributeValue></saml2:Attribute>"
        )
    };
    let attributes: String = [
        ("xUserId", "cust-0001"),
        ("xAccountId", "cust-0001"),
        ("bpId", "bp-0001"),
        ("email", ""),
        ("name", "李雷 &lt;b&gt;"),
        ("mobile", "0086-13800000000"),
    ]
    .iter()
    .map(|(name, value)| attribute(name, value))
    .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <saml2p:Response xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         Consent=\"urn:oasis:names:tc:SAML:2.0:consent:unspecified\" Destination=\"{ACS}\" ID=\"_r1\" \
         InResponseTo=\"{id}\" IssueInstant=\"{now}\" Version=\"2.0\">\
         <saml2:Issuer xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">{IDP}</saml2:Issuer>\
         <saml2p:Status><saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>\
         <saml2p:StatusMessage>urn:oasis:names:tc:SAML:2.0:status:Success</saml2p:StatusMessage>\
         </saml2p:Status>\
         <saml2:Assertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" ID=\"_a1\" IssueInstant=\"{now}\" \
         Version=\"2.0\"><saml2:Issuer>{IDP}</saml2:Issuer>\
         <ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
         <ds:Reference URI=\"#_a1\"><ds:Transforms><ds:Transform \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><ds:Transform \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
         xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xsd\"/></ds:Transform>\
         </ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
         <ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue></ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\
         {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>\
         <saml2:Subject><saml2:NameID \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\" NameQualifier=\"{BASE}/\">\
         _n1</saml2:NameID><saml2:SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml2:SubjectConfirmationData \
         InResponseTo=\"{id}\" NotBefore=\"{before}\" NotOnOrAfter=\"{after}\" Recipient=\"{ACS}\"/>\
         </saml2:SubjectConfirmation></saml2:Subject>\
         <saml2:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{after}\">\
         <saml2:AudienceRestriction><saml2:Audience>{BASE}/</saml2:Audience>\
         </saml2:AudienceRestriction></saml2:Conditions>\
         <saml2:AttributeStatement>{attributes}</saml2:AttributeStatement>\
         <saml2:AuthnStatement AuthnInstant=\"{now}\" SessionIndex=\"_s1\">\
         <saml2:SubjectLocality Address=\"{BASE}/\"/><saml2:AuthnContext>\
         <saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified\
         </saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement>\
         </saml2:Assertion></saml2p:Response>"
    )
}

// ── The cloud's side
// ─────────────────────────────────────────────────────────────────────────────────────────────────

struct Stage {
    cloud: Arc<FakeCloud>,
    clock: Arc<ManualClock>,
    router: Router,
}

/// What the cloud sent: the address, and what is in it.
#[derive(Clone)]
struct Sent {
    url: String,
    xml: String,
    id: String,
    relay_state: String,
    cookie: String,
}

struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answered {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn refused_with(&self, fault: Fault) {
        assert!(
            self.body.contains(&format!("<strong id=\"code\">{fault}</strong>"))
                || self.body.contains(&format!("\"code\":\"{fault}\"")),
            "expected {fault} ({}), got {} {}",
            fault.english(),
            self.status,
            self.body
        );
        assert_eq!(self.status, fault.status(), "{fault}");
        assert_eq!(self.header("set-cookie"), "", "a refusal opens no session");
    }
}

impl Stage {
    fn new() -> Self {
        Self::with(Knobs::default())
    }

    fn with(knobs: Knobs) -> Self {
        Self::at(BASE, knobs, Site::Intl)
    }

    fn at(base: &str, knobs: Knobs, site: Site) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let options = Options {
            site,
            knobs,
            ..Options::new(
                Url::parse(base).unwrap(),
                clock.clone(),
                Arc::new(SequenceRandom::new(11)),
            )
        };
        let cloud = FakeCloud::new(options).unwrap();
        cloud.provision(&provision()).unwrap();
        let router = cloud.router();
        Self { cloud, clock, router }
    }

    async fn call(&self, request: Request<Body>) -> Answered {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answered {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answered {
        let request = Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
        self.call(request).await
    }

    async fn send(&self, method: Method, path: &str, kind: &str, body: &str) -> Answered {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.call(request).await
    }

    async fn login(&self, query: &str) -> Sent {
        let answer = self.get(&format!("/authui/saml/login?{query}"), "").await;
        assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.body);
        Sent::read(answer.header("location"), cookie(&answer))
    }

    async fn post(&self, sent: &Sent, xml: &str) -> Answered {
        let form =
            form(&[("SAMLResponse", &STANDARD.encode(xml)), ("RelayState", &sent.relay_state)]);
        self.post_form(&sent.cookie, &form).await
    }

    async fn post_form(&self, cookie: &str, form: &str) -> Answered {
        let request = Request::post("/authui/saml/SAMLAssertionConsumer")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie)
            .header("accept-language", "en")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.call(request).await
    }

    /// A whole login whose answer is changed before and after it is signed.
    async fn answer(
        &self,
        before: impl Fn(String) -> String,
        after: impl Fn(String) -> String,
    ) -> Answered {
        let sent = self.login(LINK).await;
        let template = before(template(&sent, self.clock.now()));
        self.post(&sent, &after(partner().sign(&template))).await
    }
}

const LINK: &str = "xAccountType=ZXT&isFirstLogin=false&service=https%3a%2f%2fcloud.example%2fconsole%2fecs%2f%3fa%3d1";

impl Sent {
    fn read(url: &str, cookie: String) -> Self {
        let parsed = Url::parse(url).unwrap();
        let get = |name: &str| {
            let found = parsed.query_pairs().find(|(known, _)| known == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let deflated = STANDARD.decode(get("SAMLRequest")).unwrap();
        let mut xml = String::new();
        flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
        let id = between(&xml, " ID=\"", "\"").to_owned();
        Self { url: url.to_owned(), id, xml, relay_state: get("RelayState"), cookie }
    }
}

fn cookie(answer: &Answered) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("{from} in {text}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("{to} in {rest}")).0
}

/// Replaces what has to be there exactly once.
fn swap(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
    text.replace(from, to)
}

fn same(text: String) -> String {
    text
}

fn vectors(name: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors").join(name);
    let found = std::fs::read(&path).ok();
    if found.is_none() {
        println!("skipped: {} is not there", path.display());
    }
    found
}

// ── The good way
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_good_answer_opens_a_session_and_lands_on_the_service() {
    let stage = Stage::new();
    let answer = stage.answer(same, same).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.body);
    assert_eq!(answer.header("location"), "https://cloud.example/console/ecs/?a=1");
    assert!(answer.header("set-cookie").ends_with("; HttpOnly; SameSite=Lax; Secure"));
    let console = stage.get("/console/ecs/?a=1&lang=en", &cookie(&answer)).await;
    assert_eq!(console.status, StatusCode::OK);
    for shown in [
        "<strong id=\"account\">cust-0001</strong>",
        "<code id=\"path\">/console/ecs/?a=1&#38;lang=en</code>",
        "李雷 &#60;b&#62;",
        "bp-0001",
        "_s1",
        "rsa-sha256",
    ] {
        assert!(console.body.contains(shown), "{shown} in {}", console.body);
    }
    let session = stage.get("/api/session", &cookie(&answer)).await;
    let session: serde_json::Value = serde_json::from_str(&session.body).unwrap();
    assert_eq!(session["xAccountId"], "cust-0001");
    assert_eq!(session["assertion"]["attributes"][4][1], "李雷 <b>");
    let last = stage.cloud.exchanges().pop().unwrap();
    assert_eq!(last.verdict, Verdict::Accepted);
    assert!(last.response_xml.unwrap().contains("_a1"));
}

#[tokio::test]
async fn a_missing_service_leads_to_the_console_home_and_a_bound_first_login_is_a_plain_one() {
    let stage = Stage::new();
    let sent = stage.login("xAccountType=ZXT&isFirstLogin=true").await;
    let xml = partner().sign(&template(&sent, START));
    assert_eq!(stage.post(&sent, &xml).await.header("location"), "https://cloud.example/iam/");
}

#[tokio::test]
async fn a_service_on_the_sites_console_host_is_followed() {
    let stage = Stage::new();
    let service = "https%3a%2f%2fconsole-intl.huaweicloud.com%2fiam%2f";
    let sent = stage.login(&format!("xAccountType=ZXT&service={service}")).await;
    let xml = partner().sign(&template(&sent, START));
    let location = "https://console-intl.huaweicloud.com/iam/";
    assert_eq!(stage.post(&sent, &xml).await.header("location"), location);
}

#[tokio::test]
async fn a_session_ends_with_the_assertions_session_and_at_the_latest_after_an_hour() {
    let stage = Stage::new();
    let plain = cookie(&stage.answer(same, same).await);
    let short = cookie(
        &stage
            .answer(
                |xml| {
                    let over = "2026-01-02T03:14:05Z";
                    set(&xml, "saml2:AuthnStatement", "SessionNotOnOrAfter", over)
                },
                same,
            )
            .await,
    );
    stage.clock.advance(Duration::minutes(11));
    assert_eq!(stage.get("/iam/", &plain).await.status, StatusCode::OK);
    assert_eq!(stage.get("/iam/", &short).await.status, StatusCode::FORBIDDEN);
    stage.clock.advance(Duration::minutes(50));
    assert_eq!(stage.get("/iam/", &plain).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_goes_to_the_partners_logout() {
    let stage = Stage::new();
    let session = cookie(&stage.answer(same, same).await);
    let out = stage.get("/authui/logout", &session).await;
    assert_eq!(out.status, StatusCode::FOUND);
    assert_eq!(out.header("location"), "https://sso.partner.example/saml/logout");
    assert!(out.header("set-cookie").contains("fakecloud_session=;"));
    assert_eq!(stage.get("/iam/", &session).await.status, StatusCode::FORBIDDEN);

    let session = cookie(&stage.answer(same, same).await);
    let out = stage.get("/authui/saml/LogoutServiceHTTPRedirect", &session).await;
    assert_eq!(out.status, StatusCode::OK);
    assert_eq!(stage.get("/iam/", &session).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_answer_that_is_only_written_differently_is_accepted() {
    let stage = Stage::new();
    for (before, after) in [
        // Single quotes, a comment and CDATA are the same to canonicalisation as what was signed.
        (">bp-0001<", "><!-- partner --><![CDATA[bp-0001]]><"),
        (" ID=\"_a1\" ", " ID='_a1' "),
        ("?>\n<saml2p", "?>\n<!-- hello -->\n<saml2p"),
    ] {
        let answer = stage.answer(same, |xml| swap(&xml, before, after)).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{after}: {}", answer.body);
    }
}

// ── What the answer may not be: one test a fault
// ────────────────────────────────────────────────────────────────

/// Sets an attribute of the first element `name`, whether it was there or not.
fn set(xml: &str, name: &str, attribute: &str, value: &str) -> String {
    let at = xml.find(&format!("<{name} ")).unwrap_or_else(|| panic!("<{name}> in {xml}"));
    let (head, tail) = xml.split_at(at);
    let (tag, rest) = tail.split_once('>').unwrap();
    let tag = match tag.split_once(&format!(" {attribute}=\"")) {
        Some((before, value_on)) => {
            let after = value_on.split_once('"').unwrap().1;
            format!("{before} {attribute}=\"{value}\"{after}")
        }
        None => tag.replacen(&format!("<{name}"), &format!("<{name} {attribute}=\"{value}\""), 1),
    };
    format!("{head}{tag}>{rest}")
}

/// Takes an attribute off the first element `name`.
fn unset(xml: &str, name: &str, attribute: &str) -> String {
    set(xml, name, attribute, "@@").replacen(&format!(" {attribute}=\"@@\""), "", 1)
}

/// The first element `name` with everything in it.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let starts = [format!("<{name}>"), format!("<{name} ")];
    let start = starts.iter().filter_map(|start| xml.find(start)).min();
    let start = start.unwrap_or_else(|| panic!("<{name}> in {xml}"));
    let end_tag = format!("</{name}>");
    let end = start + xml[start..].find(&end_tag).unwrap() + end_tag.len();
    &xml[start..end]
}

/// Without the first element `name`.
fn without(xml: &str, name: &str) -> String {
    xml.replacen(element(xml, name), "", 1)
}

/// One test for each line: a change before signing (`signed`) or after (`sent`) and the fault that
/// it has to meet.
macro_rules! refusals {
    ($($name:ident: $when:ident $change:expr => $fault:ident;)+) => { $(
        #[tokio::test]
        async fn $name() {
            let stage = Stage::new();
            let change: fn(&str) -> String = $change;
            let answer = refusals!(@$when stage, change);
            answer.refused_with(Fault::$fault);
            let last = stage.cloud.exchanges().pop().unwrap();
            assert_eq!(last.verdict, Verdict::Refused);
            assert_eq!(last.code, Some(Fault::$fault.to_string()));
        }
    )+ };
    (@signed $stage:ident, $change:ident) => { $stage.answer(|xml| $change(&xml), same).await };
    (@sent $stage:ident, $change:ident) => { $stage.answer(same, |xml| $change(&xml)).await };
}

refusals! {
    another_declared_encoding_is_refused:
        sent |xml| swap(xml, "UTF-8", "ISO-8859-1") => NotUtf8;
    a_doctype_is_refused:
        sent |xml| swap(xml, "?>", "?><!DOCTYPE x [<!ENTITY e 'v'>]>") => Doctype;
    xml_that_is_not_well_formed_is_refused:
        sent |xml| swap(xml, "</saml2p:Response>", "") => Malformed;
    an_undeclared_prefix_is_refused:
        sent |xml| swap(xml, "<saml2p:Status>", "<x:y/><saml2p:Status>") => Malformed;
    another_message_than_a_response_is_refused:
        sent |xml| xml.replace("saml2p:Response", "saml2p:ArtifactResponse") => NotAResponse;
    a_response_of_another_namespace_is_refused:
        sent |xml| swap(xml, "SAML:2.0:protocol\"", "SAML:1.1:protocol\"") => NotAResponse;
    a_second_status_is_refused:
        sent |xml| swap(xml, "<saml2p:Status>", "<saml2p:Status/><saml2p:Status>") => ElementTwice;
    a_second_subject_is_refused:
        signed |xml| swap(xml, "<saml2:Subject>", "<saml2:Subject/><saml2:Subject>") => ElementTwice;
    an_element_inside_an_issuer_is_refused:
        signed |xml| swap(xml, "<saml2:Issuer>", "<saml2:Issuer><x/>") => NotText;
    a_response_of_another_version_is_refused:
        sent |xml| set(xml, "saml2p:Response", "Version", "2.1") => VersionWrong;
    an_assertion_of_another_version_is_refused:
        signed |xml| set(xml, "saml2:Assertion", "Version", "1.1") => VersionWrong;
    another_status_than_success_is_refused:
        sent |xml| set(xml, "saml2p:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
        => StatusNotSuccess;
    a_missing_status_is_refused:
        sent |xml| without(xml, "saml2p:Status") => StatusNotSuccess;

    a_response_without_an_assertion_is_refused:
        sent |xml| without(xml, "saml2:Assertion") => AssertionMissing;
    an_encrypted_assertion_is_refused:
        sent |xml| xml.replace("saml2:Assertion", "saml2:EncryptedAssertion") => AssertionEncrypted;
    a_second_assertion_is_refused:
        sent |xml| {
            let other = element(xml, "saml2:Assertion").replace("_a1", "_a2");
            swap(xml, "</saml2p:Response>", &format!("{other}</saml2p:Response>"))
        } => AssertionTwice;
    an_assertion_inside_another_element_is_refused:
        sent |xml| {
            let inner = element(xml, "saml2:Assertion").to_owned();
            xml.replace(&inner, &format!("<saml2p:Extensions>{inner}</saml2p:Extensions>"))
        } => AssertionMisplaced;
    an_id_used_twice_is_refused:
        sent |xml| set(xml, "saml2p:Response", "ID", "_a1") => IdNotUnique;
    an_id_under_another_name_used_twice_is_refused:
        sent |xml| set(xml, "saml2:NameID", "Id", "_a1") => IdNotUnique;
    an_assertion_without_an_id_is_refused:
        sent |xml| unset(xml, "saml2:Assertion", "ID") => IdNotUnique;
    an_unsigned_assertion_is_refused:
        sent |xml| without(xml, "ds:Signature") => SignatureMissing;
    a_signature_on_the_response_only_is_refused:
        sent |xml| {
            let signature = element(xml, "ds:Signature").to_owned();
            let bare = xml.replace(&signature, "");
            swap(&bare, "<saml2p:Status>", &format!("{signature}<saml2p:Status>"))
        } => SignatureMisplaced;
    a_signature_further_down_in_the_assertion_is_refused:
        sent |xml| {
            let signature = element(xml, "ds:Signature").to_owned();
            let bare = xml.replace(&signature, "");
            swap(&bare, "</saml2:Subject>", &format!("</saml2:Subject>{signature}"))
        } => SignatureMisplaced;
    a_second_signature_is_refused:
        sent |xml| {
            let signature = element(xml, "ds:Signature").to_owned();
            swap(xml, "<saml2p:Status>", &format!("{signature}<saml2p:Status>"))
        } => SignatureMisplaced;
    an_object_in_the_signature_is_refused:
        sent |xml| swap(xml, "</ds:Signature>", "<ds:Object/></ds:Signature>") => SignatureShape;
    a_comment_in_the_signature_is_refused:
        sent |xml| swap(xml, "<ds:DigestValue>", "<ds:DigestValue><!---->") => SignatureShape;
    a_foreign_attribute_in_the_signature_is_refused:
        sent |xml| swap(xml, "<ds:Reference ", "<ds:Reference ds:URI=\"#_r1\" ") => SignatureShape;
    two_references_are_refused:
        sent |xml| {
            let reference = element(xml, "ds:Reference").to_owned();
            xml.replace(&reference, &reference.repeat(2))
        } => ReferenceCount;
    no_reference_is_refused:
        sent |xml| without(xml, "ds:Reference") => ReferenceCount;
    a_reference_to_the_response_is_refused:
        sent |xml| set(xml, "ds:Reference", "URI", "#_r1") => ReferenceElsewhere;
    a_reference_to_the_whole_document_is_refused:
        sent |xml| set(xml, "ds:Reference", "URI", "") => ReferenceElsewhere;
    a_missing_transform_is_refused:
        sent |xml| {
            let enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
            swap(xml, &format!("<ds:Transform Algorithm=\"{enveloped}\"/>"), "")
        } => TransformsWrong;
    another_transform_is_refused:
        sent |xml| {
            let enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
            swap(xml, enveloped, "http://www.w3.org/TR/1999/REC-xpath-19991116")
        } => TransformsWrong;
    missing_transforms_are_refused:
        sent |xml| without(xml, "ds:Transforms") => TransformsWrong;
    inclusive_canonicalisation_is_refused:
        sent |xml| {
            let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
            set(xml, "ds:CanonicalizationMethod", "Algorithm", inclusive)
        } => CanonicalizationWrong;
    an_rsa_sha1_signature_is_refused:
        sent |xml| {
            let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
            set(xml, "ds:SignatureMethod", "Algorithm", sha1)
        } => SignatureAlgorithmWrong;
    an_hmac_signature_is_refused:
        sent |xml| {
            let hmac = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
            set(xml, "ds:SignatureMethod", "Algorithm", hmac)
        } => SignatureAlgorithmWrong;
    a_sha1_digest_is_refused:
        sent |xml| {
            let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
            set(xml, "ds:DigestMethod", "Algorithm", sha1)
        } => DigestAlgorithmWrong;
    a_signature_without_key_info_is_refused:
        sent |xml| without(xml, "ds:KeyInfo") => KeyInfoMissing;
    key_info_without_a_certificate_is_refused:
        sent |xml| without(xml, "ds:X509Certificate") => KeyInfoMissing;
    a_strangers_certificate_in_key_info_is_refused:
        sent |xml| swap(xml, &partner().certificate, &stranger().certificate) => KeyInfoForeign;
    a_changed_assertion_is_refused:
        sent |xml| swap(xml, ">bp-0001<", ">bp-0002<") => DigestMismatch;
    an_attribute_put_into_a_signed_assertion_is_refused:
        sent |xml| {
            let evil = "<saml2:Attribute Name=\"admin\"/></saml2:AttributeStatement>";
            swap(xml, "</saml2:AttributeStatement>", evil)
        } => DigestMismatch;
    a_changed_digest_is_refused_by_the_signature:
        sent |xml| {
            // The digest of the changed Assertion is right, but SignedInfo is not what was signed.
            let changed = swap(xml, ">bp-0001<", ">bp-0002<");
            let unsigned = without(&changed, "ds:DigestValue");
            let unsigned = without(&unsigned, "ds:SignatureValue");
            let unsigned = swap(&unsigned, "</ds:Reference>", "<ds:DigestValue></ds:DigestValue></ds:Reference>");
            let unsigned = swap(&unsigned, "<ds:KeyInfo>", "<ds:SignatureValue></ds:SignatureValue><ds:KeyInfo>");
            let forged = stranger().sign(&unsigned);
            let (good, bad) = (element(xml, "ds:SignatureValue"), element(&forged, "ds:SignatureValue"));
            forged.replace(bad, good)
        } => SignatureInvalid;
    a_strangers_signature_is_refused:
        sent |xml| {
            let unsigned = without(&without(xml, "ds:DigestValue"), "ds:SignatureValue");
            let unsigned = swap(&unsigned, "</ds:Reference>", "<ds:DigestValue></ds:DigestValue></ds:Reference>");
            let unsigned = swap(&unsigned, "<ds:KeyInfo>", "<ds:SignatureValue></ds:SignatureValue><ds:KeyInfo>");
            stranger().sign(&unsigned)
        } => SignatureInvalid;

    an_answer_to_a_request_that_was_never_sent_is_refused:
        sent |xml| set(xml, "saml2p:Response", "InResponseTo", "_never") => RequestUnknown;
    an_unsolicited_answer_is_refused:
        sent |xml| unset(xml, "saml2p:Response", "InResponseTo") => RequestUnknown;
    another_destination_is_refused:
        sent |xml| set(xml, "saml2p:Response", "Destination", "https://cloud.example/") => DestinationWrong;
    a_missing_destination_is_refused:
        sent |xml| unset(xml, "saml2p:Response", "Destination") => DestinationWrong;
    another_issuer_of_the_response_is_refused:
        sent |xml| swap(xml, ":entity\">https://sso", ":entity\">https://evil") => ResponseIssuerWrong;
    another_issuer_of_the_assertion_is_refused:
        signed |xml| swap(xml, "<saml2:Issuer>https://sso", "<saml2:Issuer>https://evil")
        => AssertionIssuerWrong;
    a_missing_subject_is_refused:
        signed |xml| without(xml, "saml2:Subject") => NameIdMissing;
    an_empty_name_id_is_refused:
        signed |xml| swap(xml, ">_n1<", "><") => NameIdMissing;
    another_name_id_format_is_refused:
        signed |xml| {
            let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
            set(xml, "saml2:NameID", "Format", format)
        } => NameIdFormatWrong;
    another_name_qualifier_is_refused:
        signed |xml| set(xml, "saml2:NameID", "NameQualifier", "https://cloud.example")
        => NameQualifierWrong;
    another_confirmation_method_is_refused:
        signed |xml| {
            let method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches";
            set(xml, "saml2:SubjectConfirmation", "Method", method)
        } => ConfirmationMissing;
    another_recipient_is_refused:
        signed |xml| set(xml, "saml2:SubjectConfirmationData", "Recipient", "https://evil.example/acs")
        => RecipientWrong;
    a_confirmation_of_another_request_is_refused:
        signed |xml| set(xml, "saml2:SubjectConfirmationData", "InResponseTo", "_other")
        => ConfirmationElsewhere;
    a_confirmation_without_an_end_is_refused:
        signed |xml| unset(xml, "saml2:SubjectConfirmationData", "NotOnOrAfter") => TimeUnreadable;
    a_time_without_utc_is_refused:
        signed |xml| set(xml, "saml2:Conditions", "NotBefore", "2026-01-02T03:04:05+08:00")
        => TimeUnreadable;
    a_response_issued_six_minutes_ago_is_refused:
        sent |xml| set(xml, "saml2p:Response", "IssueInstant", "2026-01-02T02:58:05Z")
        => IssueInstantWrong;
    an_assertion_issued_in_six_minutes_is_refused:
        signed |xml| set(xml, "saml2:Assertion", "IssueInstant", "2026-01-02T03:10:06Z")
        => IssueInstantWrong;
    a_confirmation_that_begins_in_six_minutes_is_refused:
        signed |xml| set(xml, "saml2:SubjectConfirmationData", "NotBefore", "2026-01-02T03:10:06Z")
        => ConfirmationTooEarly;
    a_confirmation_that_ended_six_minutes_ago_is_refused:
        signed |xml| set(xml, "saml2:SubjectConfirmationData", "NotOnOrAfter", "2026-01-02T02:58:05Z")
        => ConfirmationExpired;
    missing_conditions_are_refused:
        signed |xml| without(xml, "saml2:Conditions") => ConditionsMissing;
    conditions_that_begin_in_six_minutes_are_refused:
        signed |xml| set(xml, "saml2:Conditions", "NotBefore", "2026-01-02T03:10:06Z")
        => ConditionsTooEarly;
    conditions_that_ended_six_minutes_ago_are_refused:
        signed |xml| set(xml, "saml2:Conditions", "NotOnOrAfter", "2026-01-02T02:58:05Z")
        => ConditionsExpired;
    another_audience_is_refused:
        signed |xml| swap(xml, "Audience>https://cloud.example/<", "Audience>https://other.example/<")
        => AudienceWrong;
    no_audience_is_refused:
        signed |xml| without(xml, "saml2:AudienceRestriction") => AudienceWrong;
    a_second_restriction_to_somebody_else_is_refused:
        signed |xml| {
            let other = element(xml, "saml2:AudienceRestriction").replace("cloud", "other");
            swap(xml, "</saml2:Conditions>", &format!("{other}</saml2:Conditions>"))
        } => AudienceWrong;
    a_missing_authn_statement_is_refused:
        signed |xml| without(xml, "saml2:AuthnStatement") => AuthnStatementMissing;
    a_missing_authn_context_is_refused:
        signed |xml| without(xml, "saml2:AuthnContext") => AuthnStatementMissing;
    another_subject_locality_is_refused:
        signed |xml| set(xml, "saml2:SubjectLocality", "Address", "203.0.113.7") => LocalityWrong;
    a_sign_in_in_the_future_is_refused:
        signed |xml| set(xml, "saml2:AuthnStatement", "AuthnInstant", "2026-01-02T03:10:06Z")
        => AuthnInstantWrong;
    a_session_that_is_over_is_refused:
        signed |xml| {
            set(xml, "saml2:AuthnStatement", "SessionNotOnOrAfter", "2026-01-02T02:58:05Z")
        } => SessionOver;
    an_attribute_sent_twice_is_refused:
        signed |xml| swap(xml, "Name=\"mobile\" NameFormat", "Name=\"bpId\" NameFormat") => AttributeTwice;
    two_values_of_an_attribute_are_refused:
        signed |xml| {
            let value = "<saml2:AttributeValue>x</saml2:AttributeValue></saml2:Attribute>";
            xml.replacen("</saml2:Attribute>", value, 1)
        } => AttributeTwice;
    an_empty_user_id_is_refused:
        signed |xml| xml.replacen(">cust-0001<", "><", 1) => AccountIdMissing;
    a_missing_account_id_is_refused:
        signed |xml| swap(xml, "Name=\"xAccountId\" NameFormat", "Name=\"account\" NameFormat")
        => AccountIdMissing;
    a_user_id_that_is_not_the_account_id_is_refused:
        signed |xml| xml.replacen(">cust-0001<", ">cust-0002<", 1) => AccountIdsDiffer;
    another_partners_id_is_refused:
        signed |xml| swap(xml, ">bp-0001<", ">bp-0002<") => PartnerWrong;
    an_account_id_of_129_characters_is_refused:
        signed |xml| xml.replace(">cust-0001<", &format!(">{}<", "客".repeat(129))) => AttributeTooLong;
}

#[tokio::test]
async fn every_way_of_wrapping_a_signed_assertion_is_refused() {
    // Somali and others, “On Breaking SAML” (2012): where the signed element can hide while another
    // is read.
    let evil = |original: &str| {
        without(original, "ds:Signature").replace("_a1", "_evil").replace("cust-0001", "victim")
    };
    let wraps: [fn(&str, &str, &str) -> String; 6] = [
        |xml, original, evil| swap(xml, original, &format!("{evil}{original}")),
        |xml, original, evil| swap(xml, original, &format!("{original}{evil}")),
        |xml, original, evil| {
            let hidden = format!("<saml2p:Extensions>{original}</saml2p:Extensions>{evil}");
            swap(xml, original, &hidden)
        },
        |xml, original, evil| {
            let signature = element(original, "ds:Signature");
            let bare = original.replace(signature, "");
            let holder = signature.replace(
                "</ds:Signature>",
                &format!("<ds:Object>{bare}</ds:Object></ds:Signature>"),
            );
            let evil = swap(evil, "</saml2:Issuer>", &format!("</saml2:Issuer>{holder}"));
            swap(xml, original, &evil)
        },
        |xml, original, evil| {
            let signature = element(original, "ds:Signature");
            let bare = original.replace(signature, "");
            swap(xml, original, &format!("{signature}{bare}{evil}"))
        },
        |xml, original, evil| {
            let evil = swap(evil, "</saml2:Assertion>", &format!("{original}</saml2:Assertion>"));
            swap(xml, original, &evil)
        },
    ];
    let stage = Stage::new();
    for (number, wrap) in wraps.iter().enumerate() {
        let answer = stage
            .answer(same, |xml| {
                let original = element(&xml, "saml2:Assertion").to_owned();
                wrap(&xml, &original, &evil(&original))
            })
            .await;
        assert!(answer.status.is_client_error(), "wrap {number}");
        assert!(answer.body.contains(">FC-30"), "wrap {number}: {}", answer.body);
        assert_eq!(answer.header("set-cookie"), "", "wrap {number}");
    }
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let stage = Stage::new();
    let sent = stage.login(LINK).await;
    let xml = partner().sign(&template(&sent, START));
    assert_eq!(stage.post(&sent, &xml).await.status, StatusCode::FOUND);
    stage.post(&sent, &xml).await.refused_with(Fault::RequestAnswered);
    let verdicts: Vec<Verdict> = stage.cloud.exchanges().iter().map(|e| e.verdict).collect();
    assert_eq!(verdicts, [Verdict::Accepted, Verdict::Refused]);
}

#[tokio::test]
async fn a_bad_signature_does_not_use_the_request_up_but_a_signed_answer_does() {
    let stage = Stage::new();
    let sent = stage.login(LINK).await;
    let good = partner().sign(&template(&sent, START));
    let forged = swap(&good, ">bp-0001<", ">bp-0002<");
    stage.post(&sent, &forged).await.refused_with(Fault::DigestMismatch);
    let wrong = partner().sign(&swap(&template(&sent, START), ">bp-0001<", ">bp-0002<"));
    stage.post(&sent, &wrong).await.refused_with(Fault::PartnerWrong);
    stage.post(&sent, &good).await.refused_with(Fault::RequestAnswered);
}

#[tokio::test]
async fn an_answer_after_twenty_minutes_is_refused() {
    let stage = Stage::new();
    let sent = stage.login(LINK).await;
    stage.clock.advance(Duration::minutes(20));
    let xml = partner().sign(&template(&sent, stage.clock.now()));
    stage.post(&sent, &xml).await.refused_with(Fault::RequestExpired);
}

#[tokio::test]
async fn the_relay_state_has_to_come_back_unchanged() {
    let stage = Stage::new();
    let sent = stage.login(LINK).await;
    let changed = Sent { relay_state: sent.relay_state.replace('+', " "), ..sent.clone() };
    let xml = partner().sign(&template(&sent, START));
    stage.post(&changed, &xml).await.refused_with(Fault::RelayStateWrong);
}

#[tokio::test]
async fn the_answer_has_to_come_in_the_browser_that_asked() {
    let stage = Stage::new();
    let sent = stage.login(LINK).await;
    let xml = partner().sign(&template(&sent, START));
    for cookie in ["", "fakecloud_browser=somebody-else"] {
        let elsewhere = Sent { cookie: cookie.to_owned(), ..sent.clone() };
        stage.post(&elsewhere, &xml).await.refused_with(Fault::OtherBrowser);
    }
    assert_eq!(stage.post(&sent, &xml).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn two_logins_that_a_new_browser_begins_at_once_both_end_well() {
    let stage = Stage::new();
    let [one, other] = [stage.login(LINK).await, stage.login(LINK).await];
    let kept = |name: &str| name.split_once('=').unwrap().0.to_owned();
    assert_ne!(kept(&one.cookie), kept(&other.cookie), "one would overwrite the other");
    let both = format!("{}; {}", one.cookie, other.cookie);
    for sent in [one, other] {
        let sent = Sent { cookie: both.clone(), ..sent };
        let xml = partner().sign(&template(&sent, START));
        assert_eq!(stage.post(&sent, &xml).await.status, StatusCode::FOUND);
    }
}

#[tokio::test]
async fn a_sign_in_older_than_a_request_for_a_fresh_one_is_refused() {
    let stage = Stage::with(Knobs { force_authn: true, ..Knobs::default() });
    let old =
        |xml: String| set(&xml, "saml2:AuthnStatement", "AuthnInstant", "2026-01-02T02:50:00Z");
    stage.answer(old, same).await.refused_with(Fault::AuthnInstantWrong);
    assert_eq!(stage.answer(same, same).await.status, StatusCode::FOUND);
    assert_eq!(Stage::new().answer(old, same).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn an_unbound_customer_is_offered_a_first_login() {
    let stage = Stage::new();
    stage
        .cloud
        .provision(&Provision { accounts: Accounts::Bound(HashSet::new()), ..provision() })
        .unwrap();
    let refused = stage.answer(same, same).await;
    refused.refused_with(Fault::NotBound);
    let retry = between(&refused.body, "id=\"retry\" href=\"", "\"").replace("&#38;", "&");
    assert!(retry.contains("isFirstLogin=true"), "{retry}");
    let query = retry.split_once('?').unwrap().1;
    let sent = stage.login(query).await;
    let xml = partner().sign(&template(&sent, START));
    let answer = stage.post(&sent, &xml).await;
    assert!(answer.header("location").starts_with("/first-login/"), "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), "", "nobody is signed in yet");
}

// ── The form
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn the_consumer_takes_one_strict_form_by_post() {
    let stage = Stage::new();
    let acs = "/authui/saml/SAMLAssertionConsumer";
    let kind = "application/x-www-form-urlencoded";
    let get = stage.get(&format!("{acs}?SAMLResponse=eA==&RelayState=x"), "").await;
    get.refused_with(Fault::MethodNotPost);
    assert_eq!(get.header("allow"), "POST");
    let json = stage.send(Method::POST, acs, "application/json", "{}").await;
    json.refused_with(Fault::NotAForm);
    let big = "x".repeat(300 * 1024);
    for (body, fault) in [
        (big.as_str(), Fault::FormTooLarge),
        ("SAMLResponse=%zz&RelayState=x", Fault::FormUnreadable),
        ("SAMLResponse=eA==&RelayState=x&SAMLResponse=eA==", Fault::FieldTwice),
        ("RelayState=x", Fault::ResponseMissing),
        ("SAMLResponse=eA==", Fault::RelayStateMissing),
        ("SAMLResponse=eA%3D%3D%0A&RelayState=x", Fault::BadBase64),
        ("SAMLResponse=eA&RelayState=x", Fault::BadBase64),
        ("SAMLResponse=%2F%2F8%3D&RelayState=x", Fault::NotUtf8),
    ] {
        stage.send(Method::POST, acs, kind, body).await.refused_with(fault);
    }
}

// ── The link
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_link_that_cannot_be_followed_is_refused() {
    let stage = Stage::new();
    let long = "x".repeat(17 * 1024);
    for (query, fault) in [
        ("isFirstLogin=false", Fault::AccountTypeMissing),
        ("xAccountType=", Fault::AccountTypeMissing),
        ("xAccountType=NOBODY", Fault::AccountTypeUnknown),
        ("xAccountType=%3Cscript%3E", Fault::AccountTypeUnknown),
        ("xAccountType=ZXT&isFirstLogin=maybe", Fault::FirstLoginUnreadable),
        ("xAccountType=ZXT&xAccountType=ZXT", Fault::LinkParameterTwice),
        ("xAccountType=%ff", Fault::LinkUnreadable),
        (long.as_str(), Fault::LinkUnreadable),
        ("xAccountType=ZXT&service=https://evil.example/", Fault::ServiceNotAllowed),
        ("xAccountType=ZXT&service=http://console-intl.huaweicloud.com/", Fault::ServiceNotAllowed),
        ("xAccountType=ZXT&service=https://console.huaweicloud.com/", Fault::ServiceNotAllowed),
        ("xAccountType=ZXT&service=https://cloud.example@evil.example/", Fault::ServiceNotAllowed),
        ("xAccountType=ZXT&service=https://x@cloud.example/", Fault::ServiceNotAllowed),
        ("xAccountType=ZXT&service=javascript:alert(1)", Fault::ServiceNotAllowed),
        ("xAccountType=ZXT&service=//cloud.example/", Fault::ServiceNotAllowed),
    ] {
        let answer = stage.get(&format!("/authui/saml/login?{query}&lang=en"), "").await;
        answer.refused_with(fault);
        assert!(!answer.body.contains("<script>"));
    }
}

#[tokio::test]
async fn a_second_login_keeps_the_browsers_cookie() {
    let stage = Stage::new();
    let first = stage.login(LINK).await;
    let second = stage.get(&format!("/authui/saml/login?{LINK}"), &first.cookie).await;
    assert_eq!(cookie(&second), first.cookie);
    // Both tabs can be answered.
    let second = Sent::read(second.header("location"), first.cookie.clone());
    for sent in [first, second] {
        let xml = partner().sign(&template(&sent, START));
        assert_eq!(stage.post(&sent, &xml).await.status, StatusCode::FOUND);
    }
}

// ── The request
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn the_request_has_the_samples_form_byte_for_byte() {
    let stage = Stage::new();
    let sent = stage.login(LINK).await;
    assert_eq!(
        sent.xml,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><saml2p:AuthnRequest \
             xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             AssertionConsumerServiceURL=\"{ACS}\" Destination=\"{IDP}/saml/login\" \
             ForceAuthn=\"false\" ID=\"{}\" IsPassive=\"false\" \
             IssueInstant=\"2026-01-02T03:04:05.678Z\" \
             ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Version=\"2.0\">\
             <saml2:Issuer xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{BASE}/\
             </saml2:Issuer><saml2p:NameIDPolicy AllowCreate=\"true\" \
             Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\" \
             SPNameQualifier=\"{BASE}/\"/></saml2p:AuthnRequest>",
            sent.id
        )
    );
}

#[tokio::test]
async fn the_request_has_the_form_of_the_clouds_own_sample() {
    let Some(sample) = vectors("samlrequest_sample.xml") else { return };
    let sample = String::from_utf8(sample).unwrap();
    let sent = Stage::new().login(LINK).await;
    let mut ours = sent.xml.clone();
    for (name, attribute) in [
        ("saml2p:AuthnRequest", "AssertionConsumerServiceURL"),
        ("saml2p:AuthnRequest", "Destination"),
        ("saml2p:AuthnRequest", "ID"),
        ("saml2p:AuthnRequest", "IssueInstant"),
        ("saml2p:NameIDPolicy", "SPNameQualifier"),
    ] {
        let value = between(&sample, &format!(" {attribute}=\""), "\"");
        ours = set(&ours, name, attribute, value);
    }
    let ours = swap(&ours, ">https://cloud.example/<", ">https://auth.huaweicloud.com/<");
    assert_eq!(ours, sample.trim_end());
}

/// Whether the query's signature holds over the octets as they were sent, with a certificate of the
/// metadata.
fn verifies(url: &str, pem: &str) -> bool {
    let query = url.split_once('?').unwrap().1;
    let Some((signed, signature)) = query.split_once("&Signature=") else { return false };
    let (_, signature) = url::form_urlencoded::parse(format!("s={signature}").as_bytes())
        .next()
        .map(|(name, value)| (name.into_owned(), STANDARD.decode(&*value).unwrap()))
        .unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let certificate = pem.parse_x509().unwrap();
    aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
        &certificate.public_key().subject_public_key.data,
    )
    .verify(signed.as_bytes(), &signature)
    .is_ok()
}

fn certificates(pem: &str) -> Vec<String> {
    let end = "-----END CERTIFICATE-----\n";
    pem.split_inclusive(end).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_redirect_is_signed_over_its_own_octets_in_the_standards_order() {
    let stage = Stage::new();
    let sent = stage.login(LINK).await;
    assert!(sent.url.starts_with("https://sso.partner.example/saml/login?SAMLRequest="));
    let names: Vec<&str> = sent
        .url
        .split_once('?')
        .unwrap()
        .1
        .split('&')
        .map(|p| p.split_once('=').unwrap().0)
        .collect();
    assert_eq!(names, ["SAMLRequest", "RelayState", "SigAlg", "Signature"]);
    assert!(!sent.url.contains('+'), "no plus stands for a space");
    assert!(
        sent.url
            .contains("&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256&")
    );
    let pem = stage.get("/api/sp.pem", "").await.body;
    assert_eq!(pem, stage.cloud.certificates_pem());
    assert!(verifies(&sent.url, &pem));
    assert!(!verifies(&sent.url.replace("RelayState=", "RelayState=x"), &pem));
}

// ── Metadata
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn the_metadata_has_what_the_clouds_own_has() {
    let stage = Stage::new();
    let unsigned = stage.get("/authui/saml/metadata.xml?unsigned=true", "").await;
    assert_eq!(unsigned.header("content-type"), "application/samlmetadata+xml");
    assert!(!unsigned.body.contains("Signature"));
    for part in [
        "entityID=\"https://cloud.example/\"",
        "AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\"",
        "<md:KeyDescriptor use=\"signing\">",
        "<md:KeyDescriptor use=\"encryption\">",
        "<md:ArtifactResolutionService ",
        "ResponseLocation=\"https://cloud.example/authui/saml/LogoutServiceHTTPRedirectResponse\"",
        "<md:NameIDFormat>\nurn:oasis:names:tc:SAML:2.0:nameid-format:transient\n</md:NameIDFormat>",
        "Location=\"https://cloud.example/authui/saml/SAMLAssertionConsumer\" index=\"0\" isDefault=\"true\"",
    ] {
        assert!(unsigned.body.contains(part), "{part} in {}", unsigned.body);
    }
    let Some(sample) = vectors("sp-metadata-cn.xml") else { return };
    let names = |xml: &str| -> Vec<String> {
        let tags = xml.split('<').filter(|tag| tag.starts_with("md:"));
        tags.map(|tag| tag.split([' ', '>', '/']).next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&unsigned.body), names(&String::from_utf8(sample).unwrap()));
}

#[tokio::test]
async fn the_metadatas_signature_verifies_with_its_own_key_and_any_other_value_gives_it() {
    let stage = Stage::new();
    for query in ["", "?unsigned=false", "?unsigned=TRUE"] {
        let signed = stage.get(&format!("/authui/saml/metadata.xml{query}"), "").await.body;
        let pem = stage.cloud.certificates_pem();
        assert!(metadata_verifies(&signed, &pem), "{query}");
        let changed = signed.replace("isDefault=\"true\"", "isDefault=\"false\"");
        assert!(!metadata_verifies(&changed, &pem));
    }
}

fn metadata_verifies(xml: &str, pem: &str) -> bool {
    let mut keys = KeysManager::new();
    keys.add_key(loader::load_x509_cert_pem(pem.as_bytes()).unwrap());
    bergshamra::verify(&DsigContext::new(keys), xml).unwrap().is_valid()
}

// ── Knobs
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn the_knobs_bend_the_request() {
    let stage = Stage::new();
    let default = Knobs::default;
    for (knobs, part) in [
        (
            Knobs { clock_skew_seconds: -90, ..default() },
            "IssueInstant=\"2026-01-02T03:02:35.678Z\"",
        ),
        (
            Knobs { issue_instant: IssueInstant::Future, ..default() },
            "IssueInstant=\"2026-01-02T04:04:05.678Z\"",
        ),
        (
            Knobs { issue_instant: IssueInstant::Expired, ..default() },
            "IssueInstant=\"2026-01-02T02:04:05.678Z\"",
        ),
        (
            Knobs { wrong_destination: Some("https://x.example/?a&b".to_owned()), ..default() },
            "Destination=\"https://x.example/?a&amp;b\"",
        ),
        (
            Knobs { foreign_acs: Some("https://evil.example/acs".to_owned()), ..default() },
            "AssertionConsumerServiceURL=\"https://evil.example/acs\"",
        ),
        (Knobs { force_authn: true, ..default() }, "ForceAuthn=\"true\""),
        (Knobs { is_passive: true, ..default() }, "IsPassive=\"true\""),
    ] {
        stage.cloud.set_knobs(knobs).unwrap();
        let sent = stage.login(LINK).await;
        assert!(sent.xml.contains(part), "{part} in {}", sent.xml);
        assert!(sent.url.starts_with("https://sso.partner.example/saml/login?"));
        assert!(verifies(&sent.url, &stage.cloud.certificates_pem()));
    }
}

#[tokio::test]
async fn a_request_can_be_unsigned_or_badly_signed() {
    let stage = Stage::new();
    stage
        .cloud
        .set_knobs(Knobs { request_signature: RequestSignature::Missing, ..Knobs::default() })
        .unwrap();
    let url = stage.login(LINK).await.url;
    assert!(!url.contains("SigAlg") && !url.contains("Signature"));
    stage
        .cloud
        .set_knobs(Knobs { request_signature: RequestSignature::Broken, ..Knobs::default() })
        .unwrap();
    let url = stage.login(LINK).await.url;
    assert!(url.contains("&Signature=") && !verifies(&url, &stage.cloud.certificates_pem()));
}

#[tokio::test]
async fn the_certificates_knob_shows_an_expired_one_or_two_and_signs_with_either() {
    let stage = Stage::new();
    for (setting, shown, signs) in [
        (Certificates::One, 1, 0),
        (Certificates::Expired, 1, 0),
        (Certificates::TwoFirstSigns, 2, 0),
        (Certificates::TwoSecondSigns, 2, 1),
    ] {
        stage.cloud.set_knobs(Knobs { certificates: setting, ..Knobs::default() }).unwrap();
        let pems = certificates(&stage.cloud.certificates_pem());
        assert_eq!(pems.len(), shown, "{setting:?}");
        let url = stage.login(LINK).await.url;
        let metadata = stage.cloud.metadata().unwrap();
        for (at, pem) in pems.iter().enumerate() {
            assert_eq!(verifies(&url, pem), at == signs, "{setting:?} {at}");
            assert_eq!(metadata_verifies(&metadata, pem), at == signs, "{setting:?} {at}");
            let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
            let until = parsed.parse_x509().unwrap().validity().not_after.timestamp();
            assert_eq!(until < START.unix_timestamp(), setting == Certificates::Expired);
        }
    }
}

#[tokio::test]
async fn a_replayed_request_is_the_same_redirect_again() {
    let stage = Stage::new();
    let first = stage.login(LINK).await;
    stage.cloud.set_knobs(Knobs { replay_request: true, ..Knobs::default() }).unwrap();
    assert_eq!(stage.login(LINK).await.url, first.url);
    stage.cloud.set_knobs(Knobs::default()).unwrap();
    assert_ne!(stage.login(LINK).await.url, first.url);
}

#[tokio::test(start_paused = true)]
async fn a_slow_cloud_delays_its_pages_but_not_its_api() {
    let stage = Stage::with(Knobs { delay_ms: 30_000, ..Knobs::default() });
    let begun = tokio::time::Instant::now();
    stage.get("/api/knobs", "").await;
    assert_eq!(begun.elapsed().as_millis(), 0);
    stage.get("/iam/", "").await;
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn knobs_are_turned_and_read_over_the_api() {
    let stage = Stage::new();
    let json = "application/json";
    let body = r#"{"request_signature":"missing","delay_ms":0}"#;
    let put = stage.send(Method::PUT, "/api/knobs", json, body).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    assert_eq!(stage.cloud.knobs().request_signature, RequestSignature::Missing);
    assert_eq!(stage.get("/api/knobs", "").await.body, put.body);
    let bad = stage.send(Method::PUT, "/api/knobs", json, r#"{"delay_ms":-1}"#).await;
    bad.refused_with(Fault::KnobsUnreadable);
}

// ── Provisioning
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn metadata_that_breaks_a_rule_is_refused_with_its_own_code() {
    let stage = Stage::new();
    let good = idp_metadata();
    let weak = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ==";
    let redirect = "bindings:HTTP-Redirect";
    let elliptic = {
        let pair = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        STANDARD.encode(certificate.der())
    };
    for (metadata, fault) in [
        ("x".repeat(2 * 1024 * 1024 + 1), Fault::MetadataTooLarge),
        (swap(&good, "UTF-8", "UTF-16"), Fault::MetadataNotUtf8),
        (swap(&good, "?>\n", "?>\n<!DOCTYPE x>"), Fault::MetadataDoctype),
        (good.replace("</md:EntityDescriptor>", ""), Fault::MetadataMalformed),
        (String::new(), Fault::MetadataMalformed),
        (
            good.replace("md:EntityDescriptor", "md:EntitiesDescriptor"),
            Fault::NotAnEntityDescriptor,
        ),
        (swap(&good, "entityID=\"https://", "entityID=\"urn:"), Fault::EntityIdWrong),
        (good.replace("IDPSSODescriptor", "SPSSODescriptor"), Fault::IdpDescriptorMissing),
        (swap(&good, "SAML:2.0:protocol", "SAML:1.1:protocol"), Fault::IdpDescriptorMissing),
        (swap(&good, "use=\"signing\"", "use=\"encryption\""), Fault::SigningCertificateMissing),
        (good.replace(&partner().certificate, weak), Fault::CertificateUnreadable),
        (good.replace(&partner().certificate, "not base64!"), Fault::CertificateUnreadable),
        (good.replace(&partner().certificate, &elliptic), Fault::CertificateWeak),
        (good.replace(redirect, "bindings:HTTP-POST"), Fault::SsoLocationMissing),
        (
            swap(&good, "https://sso.partner.example/saml/login", "/saml/login"),
            Fault::LocationWrong,
        ),
        (
            swap(&good, "https://sso.partner.example/saml/logout", "javascript:x"),
            Fault::LocationWrong,
        ),
    ] {
        let finding = stage
            .cloud
            .provision(&Provision { metadata_xml: metadata, ..provision() })
            .unwrap_err();
        assert_eq!(finding.fault, fault, "{finding}");
    }
    let Some(sample) = vectors("idp-metadata-huawei-sample.xml") else { return };
    let sample = String::from_utf8(sample).unwrap();
    let finding =
        stage.cloud.provision(&Provision { metadata_xml: sample, ..provision() }).unwrap_err();
    assert_eq!(finding.fault, Fault::CertificateWeak, "the sample's key has 1024 bits");
}

#[test]
fn the_other_fields_of_the_access_configuration_are_checked() {
    let stage = Stage::new();
    let taken = Some(bss::credentials());
    let theirs = Provision { credentials: taken.clone(), ..provision() };
    stage.cloud.provision(&theirs).unwrap();
    let nameless = Credentials { user_name: String::new(), ..bss::credentials() };
    let cases: [(Provision, Fault); 8] = [
        (Provision { credentials: Some(nameless), ..provision() }, Fault::CredentialsInvalid),
        (
            Provision {
                bp_id: "bp-0002".to_owned(),
                wanted_account_type: None,
                credentials: taken,
                ..provision()
            },
            Fault::CredentialsTaken,
        ),
        (
            Provision { wanted_account_type: Some("a-b".to_owned()), ..provision() },
            Fault::AccountTypeInvalid,
        ),
        (
            Provision { wanted_account_type: Some("a".repeat(65)), ..provision() },
            Fault::AccountTypeInvalid,
        ),
        (Provision { bp_id: String::new(), ..provision() }, Fault::PartnerInvalid),
        (Provision { bp_id: "b".repeat(65), ..provision() }, Fault::PartnerInvalid),
        (Provision { callback_url: Some("/bind".to_owned()), ..provision() }, Fault::CallbackWrong),
        (
            Provision { return_url: Some("javascript:alert(1)".to_owned()), ..provision() },
            Fault::CallbackWrong,
        ),
    ];
    for (provision, fault) in cases {
        assert_eq!(stage.cloud.provision(&provision).unwrap_err().fault, fault);
    }
}

#[tokio::test]
async fn provisioning_again_replaces_the_metadata_of_the_same_type() {
    let stage = Stage::new();
    let moved = idp_metadata().replace("/saml/login", "/saml/sso/2");
    let again = Provision { metadata_xml: moved, ..provision() };
    assert_eq!(stage.cloud.provision(&again).unwrap().as_str(), "ZXT");
    assert!(stage.login(LINK).await.url.starts_with("https://sso.partner.example/saml/sso/2?"));
    let invented = Provision { wanted_account_type: None, ..provision() };
    assert!(stage.cloud.provision(&invented).unwrap().as_str().starts_with("SIM_"));
}

#[tokio::test]
async fn the_api_provisions_from_json_and_from_raw_xml() {
    let stage = Stage::new();
    let json = serde_json::json!({
        "metadata_xml": idp_metadata(), "bp_id": "bp-0001", "xAccountType": "JSON_1",
        "accounts": { "bound": ["cust-0001"] },
    });
    let answer =
        stage.send(Method::POST, "/api/provision", "application/json", &json.to_string()).await;
    assert_eq!(answer.body, r#"{"xAccountType":"JSON_1"}"#);
    let path = "/api/provision?bp_id=bp-0001&xAccountType=RAW_1&callback_url=https%3A%2F%2Fx.example%2Fbind";
    let answer = stage.send(Method::POST, path, "application/xml", &idp_metadata()).await;
    assert_eq!(answer.body, r#"{"xAccountType":"RAW_1"}"#);
    for (path, kind, body, fault) in [
        ("/api/provision", "application/json", "{}", Fault::ProvisionUnreadable),
        ("/api/provision", "text/plain", "x", Fault::ProvisionUnreadable),
        ("/api/provision?bpid=x", "text/xml", "<x/>", Fault::ProvisionUnreadable),
        ("/api/provision?bp_id=x&bp_id=y", "text/xml", "<x/>", Fault::ProvisionUnreadable),
        ("/api/provision?bp_id=x", "text/xml", "<x/>", Fault::NotAnEntityDescriptor),
    ] {
        stage.send(Method::POST, path, kind, body).await.refused_with(fault);
    }
}

#[tokio::test]
async fn people_provision_with_a_form_and_see_what_was_wrong() {
    let stage = Stage::new();
    let kind = "application/x-www-form-urlencoded";
    let form_page = stage.get("/provision?lang=zh", "").await;
    assert!(
        form_page.body.contains("<html lang=\"zh-CN\">") && form_page.body.contains("接入配置")
    );
    let bad = form(&[("metadata_xml", "</textarea><b>"), ("bp_id", "b")]);
    let answer = stage.send(Method::POST, "/provision", kind, &bad).await;
    answer.refused_with(Fault::MetadataMalformed);
    assert!(answer.body.contains("&#60;/textarea&#62;&#60;b&#62;</textarea>"), "{}", answer.body);
    let good = form(&[
        ("metadata_xml", &idp_metadata()),
        ("bp_id", "bp-0001"),
        ("xAccountType", "FORM_1"),
        ("callback_url", ""),
        ("bound", "cust-0001\r\ncust-0002"),
    ]);
    let answer = stage.send(Method::POST, "/provision", kind, &good).await;
    assert!(answer.body.contains("<code id=\"account-type\">FORM_1</code>"), "{}", answer.body);
}

// ── For all pages
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn every_page_has_a_strict_policy_a_language_and_no_script() {
    let stage = Stage::new();
    for path in ["/", "/iam/", "/provision", "/nowhere", "/authui/saml/login", "/authui/logout"] {
        let page = stage.get(&format!("{path}?lang=en"), "").await;
        assert!(
            page.header("content-security-policy")
                .starts_with("default-src 'none'; style-src 'self'")
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.body.contains("<html lang=\"en\">"), "{path}");
        assert!(page.body.contains("A simulator for tests, not a real cloud"), "{path}");
        assert!(!page.body.contains("<script") && !page.body.contains(" style="), "{path}");
    }
    assert!(stage.get("/style.css", "").await.header("content-type").starts_with("text/css"));
}

#[tokio::test]
async fn a_page_of_another_site_cannot_turn_knobs_or_provision() {
    let stage = Stage::new();
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let request = Request::put("/api/knobs")
            .header(name, value)
            .header("content-type", "text/plain")
            .body(Body::from("{\"is_passive\":true}"))
            .unwrap();
        stage.call(request).await.refused_with(Fault::CrossSite);
    }
    assert_eq!(stage.cloud.knobs(), Knobs::default());
}

#[tokio::test]
async fn the_record_keeps_every_message_of_the_last_exchanges() {
    let stage = Stage::new();
    stage.answer(same, same).await;
    stage.answer(same, |xml| swap(&xml, ">bp-0001<", ">bp-0002<")).await;
    let last = stage.get("/api/last", "").await;
    let last: serde_json::Value = serde_json::from_str(&last.body).unwrap();
    let [good, bad] = &last["exchanges"].as_array().unwrap()[..] else { panic!("{last}") };
    assert_eq!(good["verdict"], "accepted");
    assert_eq!(good["xAccountType"], "ZXT");
    assert!(
        good["authn_request_xml"].as_str().unwrap().contains(good["request_id"].as_str().unwrap())
    );
    assert!(good["redirect_url"].as_str().unwrap().contains("&Signature="));
    assert_eq!((bad["verdict"].as_str(), bad["code"].as_str()), (Some("refused"), Some("FC-317")));
    assert!(bad["response_xml"].as_str().unwrap().contains("bp-0002"));
}

#[test]
fn a_base_address_with_more_than_host_and_port_is_refused() {
    for base in ["https://cloud.example/x", "https://u@cloud.example", "ftp://cloud.example"] {
        let clock = Arc::new(ManualClock::at(START));
        let random = Arc::new(SequenceRandom::new(1));
        let options = Options::new(Url::parse(base).unwrap(), clock, random);
        assert_eq!(options.key_size, KeySize::Rsa2048);
        assert!(FakeCloud::new(options).is_err(), "{base}");
    }
}

#[tokio::test]
async fn a_fault_script_is_set_read_back_and_ended() {
    let stage = Stage::new();
    let rule = r#"{"api":"notification","when":{"percent":30},"effect":"twice"}"#;
    let body = format!(r#"{{"seed":1,"rules":[{rule}]}}"#);
    let answer = stage.send(Method::PUT, "/api/faults", "application/json", &body).await;
    assert_eq!(answer.body, body);
    assert_eq!(stage.get("/api/faults", "").await.body, body);
    for bad in ["", "{\"rules\":1}", &body.replace("30", "101")] {
        let answer = stage.send(Method::PUT, "/api/faults", "application/json", bad).await;
        answer.refused_with(Fault::ScriptUnreadable);
        assert_eq!(stage.cloud.faults().rules.len(), 1, "a bad script changes nothing");
    }
    stage.send(Method::PUT, "/api/faults", "application/json", "{}").await;
    assert_eq!(stage.cloud.faults(), Script::default());
}

#[tokio::test]
async fn provisioned_customers_have_accounts_in_the_register() {
    let stage = Stage::new();
    let body = stage.get("/api/accounts", "").await.body;
    let accounts: serde_json::Value = serde_json::from_str(&body).unwrap();
    let [account] = &accounts["accounts"].as_array().unwrap()[..] else { panic!("{body}") };
    assert_eq!(
        account["link"],
        serde_json::json!({"xAccountType": "ZXT", "xAccountId": "cust-0001"})
    );
    assert_eq!(account["association"]["partner"], "bp-0001");
    assert_eq!(account["source"], "provisioned");
    assert_eq!(account["created_at"], "2026-01-02T03:04:05.678Z");
}

#[test]
fn every_fault_has_a_test_that_reaches_it() {
    let units = [
        include_str!("../src/fakecloud/first_login.rs"),
        include_str!("../src/fakecloud/mod.rs"),
        include_str!("../src/fakecloud/state.rs"),
        include_str!("../src/fakecloud/verify.rs"),
    ];
    let mut tests = include_str!("fakecloud.rs").to_owned();
    tests.push_str(include_str!("fakecloud/first_login.rs"));
    tests.push_str(include_str!("fakecloud/links.rs"));
    for unit in units {
        tests.push_str(unit.split_once("mod tests {").unwrap().1);
    }
    for fault in Fault::ALL {
        let names = [format!("Fault::{fault:?}"), format!("=> {fault:?};")];
        let reached = names.iter().any(|name| {
            let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
            tests.split(name.as_str()).skip(1).any(ends)
        });
        assert!(reached, "no test reaches {fault} {fault:?}");
    }
}
