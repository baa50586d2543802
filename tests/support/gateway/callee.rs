//! A service provider that is called by SOAP to log somebody out, on a port of this machine. It is
//! made with other means than the gateway's: xmlsec1 signs its answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::leaver::CALLED;
use super::{enveloped, material};

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Well.
    Well,
    /// That it has failed.
    Failed,
    /// Well, unsigned.
    Unsigned,
    /// Well, signed by somebody else.
    ByStranger,
    /// Well, to another request.
    ToAnother,
    /// Well, to another gateway.
    Elsewhere,
    /// Well, long ago.
    Late,
    /// Well, as another service provider.
    AsAnother,
    /// With a fault.
    Fault,
    /// With something else.
    Nonsense,
}

impl Manner {
    /// All that end no session.
    pub(crate) const BAD: [Self; 9] = [
        Self::Failed,
        Self::Unsigned,
        Self::ByStranger,
        Self::ToAnother,
        Self::Elsewhere,
        Self::Late,
        Self::AsAnother,
        Self::Fault,
        Self::Nonsense,
    ];
}

/// The service provider [`CALLED`].
pub(crate) struct Callee {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Callee {
    /// One that answers so.
    pub(crate) async fn start(manner: Manner) -> Self {
        // Making a key takes longer than a caller may have.
        let _ = (material::sp(), material::stranger());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = (manner, Arc::clone(&heard));
        let router = Router::new().route("/soap", post(answer)).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, heard }
    }

    /// Where it is called.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/soap", self.address)
    }

    /// Its metadata, with its address for browsers.
    pub(crate) fn metadata(&self) -> String {
        let soap = format!(
            "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" \
             Location=\"{}\"/>",
            self.url()
        );
        let other = "<md:SingleLogoutService";
        CALLED.metadata().replacen(other, &format!("{soap}{other}"), 1)
    }

    /// Its metadata without.
    pub(crate) fn metadata_without_browser(&self) -> String {
        let text = self.metadata();
        let end = text.find("ResponseLocation").unwrap();
        let start = text[..end].rfind("<md:SingleLogoutService").unwrap();
        let end = end + text[end..].find("/>").unwrap() + 2;
        [&text[..start], &text[end..]].concat()
    }

    /// The envelopes that came.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

type Known = (Manner, Arc<Mutex<Vec<String>>>);

async fn answer(
    State((manner, heard)): State<Known>,
    headers: HeaderMap,
    envelope: String,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    assert_eq!(headers["content-type"], "text/xml; charset=utf-8");
    assert_eq!(headers["soapaction"], "\"http://www.oasis-open.org/committees/security\"");
    let request = enveloped::id(&envelope);
    heard.lock().unwrap().push(envelope);
    let kind = [("content-type", "text/xml; charset=utf-8")];
    let well = CALLED.answer(&request, "Success");
    let changed = |from: &str, to: &str| {
        assert!(well.contains(from), "{from} in {well}");
        enveloped::signed(&well.replace(from, to), material::sp())
    };
    let message = match manner {
        Manner::Well => enveloped::signed(&well, material::sp()),
        Manner::Failed => changed("status:Success", "status:Responder"),
        Manner::Unsigned => well,
        Manner::ByStranger => enveloped::signed(&well, material::stranger()),
        Manner::ToAnother => {
            changed(&format!("InResponseTo=\"{request}\""), "InResponseTo=\"_other\"")
        }
        Manner::Elsewhere => changed("/bravo/saml/logout", "/acme/saml/logout"),
        Manner::Late => changed("2026-01-02T03:04:05.678Z", "2026-01-02T02:04:05.678Z"),
        Manner::AsAnother => changed("https://called.example/saml", "https://one.example/saml"),
        Manner::Fault => return (StatusCode::INTERNAL_SERVER_ERROR, kind, around(&fault())),
        Manner::Nonsense => "<nothing/>".to_owned(),
    };
    (StatusCode::OK, kind, around(&message))
}

fn fault() -> String {
    "<s:Fault><faultcode>s:Server</faultcode><faultstring>no</faultstring></s:Fault>".to_owned()
}

/// A message in an envelope.
pub(crate) fn around(message: &str) -> String {
    let message = message.split_once("?>").map_or(message, |(_, message)| message.trim());
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header/>\n<s:Body>\
         {message}</s:Body></s:Envelope>"
    )
}
