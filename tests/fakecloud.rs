//! The simulated cloud, driven over its router: every fault has a test that reaches it, and a good answer lands in
//! the console. The answers are made here with bergshamra, without the product's own SAML.
#![cfg(feature = "fake-cloud")]

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
    Accounts, Certificates, FakeCloud, Fault, IssueInstant, KeySize, Knobs, Options, Provision,
    RequestSignature, Site, Verdict,
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

// ── The partner's side, as the tests play it ────────────────────────────────────────────────────────────────────

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

// ── The cloud's side ────────────────────────────────────────────────────────────────────────────────────────────

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

// ── The good way ────────────────────────────────────────────────────────────────────────────────────────────────

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
