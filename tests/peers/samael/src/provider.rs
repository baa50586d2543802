//! One service provider: its pages, and the sessions of those who are signed in.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use openssl::base64::decode_block;
use openssl::base64::encode_block;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider as _};
use samael::metadata::{
    EncryptionMethod, EntityDescriptor, HTTP_POST_BINDING, HTTP_REDIRECT_BINDING,
};
use samael::schema::{
    Assertion, AuthnRequest, Issuer, LogoutRequest, LogoutResponse, NameID, Status, StatusCode,
};
use samael::service_provider::ServiceProvider;
use samael::signature::{DigestAlgorithm, Signature};
use samael::traits::ToXml as _;
use serde_json::{Value, json};
use url::form_urlencoded;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

type Fallible<T> = Result<T, Box<dyn Error>>;

/// One service provider.
pub struct Provider {
    /// Its name in addresses.
    pub name: String,
    saml: ServiceProvider,
    key: PKey<Private>,
    binding: String,
    signs: bool,
    sessions: HashMap<String, Session>,
}

/// Somebody's visit.
#[derive(Default)]
struct Session {
    request: Option<String>,
    who: Option<Value>,
}

/// What a browser asks for.
pub struct Asked<'a> {
    /// The last part of the path.
    pub what: &'a str,
    pub body: &'a str,
    pub session: Option<&'a str>,
}

/// What it gets.
pub struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: String,
    pub location: String,
    pub session: Option<String>,
}

impl Provider {
    /// What a folder says.
    pub fn read(folder: &Path) -> Fallible<Self> {
        let name = folder.file_name().ok_or("a name")?.to_string_lossy().into_owned();
        let said: Value = serde_json::from_str(&fs::read_to_string(folder.join("provider.json"))?)?;
        let said_text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        let here = format!("{}/{name}", said_text("origin"));
        let key = PKey::private_key_from_pem(&fs::read("sp.key")?)?;
        let certificate = X509::from_pem(&fs::read("sp.crt")?)?.to_der()?;
        let idp: EntityDescriptor = fs::read_to_string(folder.join("idp.xml"))?.parse()?;
        let saml = ServiceProvider {
            entity_id: Some(format!("{here}/metadata")),
            key: Some(key.clone()),
            certificate: Some(CertificateDer::from(certificate)),
            acs_url: Some(format!("{here}/acs")),
            slo_url: Some(format!("{here}/sls")),
            idp_metadata: idp,
            authn_name_id_format: Some(said_text("format")),
            // Without it, samael takes every algorithm that OpenSSL knows.
            allowed_signature_algorithms: Some(vec![AllowedSignatureAlgorithm::RsaSha256]),
            ..ServiceProvider::default()
        };
        let binding = said_text("binding");
        let signs = said["signs"] == json!(true);
        Ok(Self { name, saml, key, binding, signs, sessions: HashMap::new() })
    }

    /// Does what is asked.
    pub fn answer(&mut self, asked: &Asked<'_>) -> Fallible<Answer> {
        let known = asked.session.filter(|id| self.sessions.contains_key(*id));
        let id = known.map_or_else(random, str::to_owned);
        let answer = match asked.what {
            "metadata" => Answer::of("application/samlmetadata+xml", self.metadata()?),
            "page" => self.page(&id)?,
            "acs" => self.acs(&id, asked)?,
            "logout" => self.logout(&id)?,
            "sls" => self.logout_message(&id, asked)?,
            "left" => self.left(&id),
            other => return Err(format!("no page {other}").into()),
        };
        Ok(Answer { session: Some(id), ..answer })
    }

    /// samael's metadata, but that it calls the key for encryption one for signing, names CBC only,
    /// and does not say that requests are signed.
    fn metadata(&self) -> Fallible<String> {
        let mut metadata = self.saml.metadata()?;
        for role in metadata.sp_sso_descriptors.iter_mut().flatten() {
            role.authn_requests_signed = Some(self.signs);
            for key in role.key_descriptors.iter_mut().flatten() {
                if let Some(methods) = &mut key.encryption_methods {
                    key.key_use = Some("encryption".to_owned());
                    *methods = [
                        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
                        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
                    ]
                    .map(|algorithm| EncryptionMethod { algorithm: algorithm.to_owned() })
                    .into();
                }
            }
        }
        metadata.to_string()
    }

    /// Shows who is signed in, or sends the browser to the identity provider.
    fn page(&mut self, id: &str) -> Fallible<Answer> {
        let session = self.sessions.entry(id.to_owned()).or_default();
        if let Some(who) = &session.who {
            return Ok(Answer::of("application/json", who.to_string()));
        }
        let binding =
            if self.binding == "post" { HTTP_POST_BINDING } else { HTTP_REDIRECT_BINDING };
        let place = self.saml.sso_binding_location(binding).ok_or("no address for requests")?;
        let mut request = self.saml.make_authentication_request(&place)?;
        session.request = Some(request.id.clone());
        let page = format!("/{}/page", self.name);
        if self.binding == "post" {
            return Ok(Answer::of("text/html", self.form(&mut request, &page)?));
        }
        let place = if self.signs {
            request.signed_redirect(&page, &self.key)?
        } else {
            request.redirect(&page)?
        };
        Ok(Answer::to(place.ok_or("no address for requests")?.as_str()))
    }

    /// An `AuthnRequest` by HTTP-POST.
    fn form(&self, request: &mut AuthnRequest, page: &str) -> Fallible<String> {
        if !self.signs {
            return Ok(request.post(page)?.ok_or("no address for requests")?);
        }
        request.signature = Some(self.signature(&request.id)?);
        let signed = request.to_signed_xml(&self.key.private_key_to_der()?)?;
        let place = request.destination.as_deref().unwrap_or_default();
        Ok(form(place, "SAMLRequest", &signed, page))
    }

    /// What a message is signed by: samael fills it.
    fn signature(&self, id: &str) -> Fallible<Signature> {
        let certificate = self.saml.certificate.as_ref().ok_or("no certificate")?;
        let mut signature = Signature::template(id, certificate);
        for reference in &mut signature.signed_info.reference {
            // The template's is SHA-1.
            reference.digest_method.algorithm = DigestAlgorithm::Sha256;
        }
        Ok(signature)
    }

    /// Takes an answer to a request of this session.
    fn acs(&mut self, id: &str, asked: &Asked<'_>) -> Fallible<Answer> {
        let session = self.sessions.entry(id.to_owned()).or_default();
        let request = session.request.take().ok_or("nothing was asked")?;
        let response = field(asked.body, "SAMLResponse").ok_or("no SAMLResponse")?;
        let assertion = self.saml.parse_base64_response(&response, Some(&[&request]))?;
        session.who = Some(who(&assertion));
        Ok(Answer::to(&field(asked.body, "RelayState").ok_or("no RelayState")?))
    }

    /// Leaves here and everywhere. Without a `SessionIndex`: samael writes it before the `NameID`,
    /// where the schema does not have it, and reads it from an attribute that does not exist.
    fn logout(&mut self, id: &str) -> Fallible<Answer> {
        let place = self.saml.slo_binding_location(HTTP_POST_BINDING).ok_or("no logout there")?;
        let session = self.sessions.entry(id.to_owned()).or_default();
        let who = session.who.clone().ok_or("nobody is signed in")?;
        let message = format!("id-{}", random());
        session.request = Some(message.clone());
        let request = LogoutRequest {
            id: Some(message.clone()),
            version: Some("2.0".to_owned()),
            issue_instant: Some(SystemTime::now().into()),
            destination: Some(place.clone()),
            issuer: Some(self.issuer()),
            signature: Some(self.signature(&message)?),
            session_index: None,
            name_id: Some(NameID {
                format: who["format"].as_str().map(str::to_owned),
                value: who["name_id"].as_str().unwrap_or_default().to_owned(),
            }),
        };
        let signed = Crypto::sign_xml(request.to_string()?, &self.key.private_key_to_der()?)?;
        let left = format!("/{}/left", self.name);
        Ok(Answer::of("text/html", form(&place, "SAMLRequest", &signed, &left)))
    }

    /// Takes a `LogoutRequest` or a `LogoutResponse`, signed by the identity provider.
    fn logout_message(&mut self, id: &str, asked: &Asked<'_>) -> Fallible<Answer> {
        let message = |name| field(asked.body, name).map(|text| decode_block(&text));
        if let Some(octets) = message("SAMLResponse") {
            let xml = self.verified(octets?)?;
            let response: LogoutResponse = xml.parse()?;
            let session = self.sessions.entry(id.to_owned()).or_default();
            if response.in_response_to != session.request {
                return Err("an answer to something else".into());
            }
            let status = response.status.and_then(|status| status.status_code.value);
            if status.as_deref() != Some(SUCCESS) {
                return Err(format!("the logout failed: {status:?}").into());
            }
            session.who = None;
            return Ok(Answer::to(&field(asked.body, "RelayState").ok_or("no RelayState")?));
        }
        let request: LogoutRequest =
            self.verified(message("SAMLRequest").ok_or("no message")??)?.parse()?;
        self.sessions.remove(id);
        self.logout_response(&request, &field(asked.body, "RelayState").unwrap_or_default())
    }

    fn logout_response(&self, request: &LogoutRequest, relay_state: &str) -> Fallible<Answer> {
        let place = self.saml.slo_binding_location(HTTP_POST_BINDING).ok_or("no logout there")?;
        let message = format!("id-{}", random());
        let response = LogoutResponse {
            id: Some(message.clone()),
            in_response_to: request.id.clone(),
            version: Some("2.0".to_owned()),
            issue_instant: Some(SystemTime::now().into()),
            destination: Some(place.clone()),
            consent: None,
            issuer: Some(self.issuer()),
            signature: Some(self.signature(&message)?),
            status: Some(Status {
                status_code: StatusCode { value: Some(SUCCESS.to_owned()) },
                status_message: None,
                status_detail: None,
            }),
        };
        let signed = Crypto::sign_xml(response.to_string()?, &self.key.private_key_to_der()?)?;
        Ok(Answer::of("text/html", form(&place, "SAMLResponse", &signed, relay_state)))
    }

    /// A message whose signature is that of the identity provider.
    fn verified(&self, octets: Vec<u8>) -> Fallible<String> {
        let certificates = self.saml.idp_signing_certs()?.ok_or("no certificate of the IdP")?;
        Crypto::verify_signed_xml(&octets, certificates.first().ok_or("none")?, Some("ID"))?;
        Ok(String::from_utf8(octets)?)
    }

    fn issuer(&self) -> Issuer {
        Issuer { value: self.saml.entity_id.clone(), ..Issuer::default() }
    }

    /// Where a logout ends.
    fn left(&self, id: &str) -> Answer {
        let left = self.sessions.get(id).is_none_or(|session| session.who.is_none());
        Answer::of("application/json", json!({ "left": left }).to_string())
    }
}

/// A page that sends a message by HTTP-POST.
fn form(place: &str, field: &str, message: &str, relay_state: &str) -> String {
    let message = encode_block(message.as_bytes()).replace('\n', "");
    format!(
        "<form method=\"post\" action=\"{place}\">\
         <input type=\"hidden\" name=\"{field}\" value=\"{message}\">\
         <input type=\"hidden\" name=\"RelayState\" value=\"{relay_state}\"></form>"
    )
}

/// Whom an assertion speaks of.
fn who(assertion: &Assertion) -> Value {
    let mut attributes =
        assertion.attribute_statements.iter().flatten().flat_map(|statement| &statement.attributes);
    let uid = attributes.find(|attribute| attribute.friendly_name.as_deref() == Some("uid"));
    let uid = uid.and_then(|attribute| attribute.values.first()?.value.clone());
    let name_id = assertion.subject.as_ref().and_then(|subject| subject.name_id.as_ref());
    let statement = assertion.authn_statements.iter().flatten().next();
    json!({
        "uid": uid,
        "name_id": name_id.map(|it| &it.value),
        "format": name_id.map(|it| &it.format),
        "session_index": statement.and_then(|it| it.session_index.as_ref()),
    })
}

/// A field of a form or query.
fn field(form: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(form.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn random() -> String {
    let mut octets = [0; 16];
    openssl::rand::rand_bytes(&mut octets).expect("random octets");
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

impl Answer {
    fn of(kind: &'static str, body: String) -> Self {
        Self { status: 200, kind, body, location: String::new(), session: None }
    }

    fn to(place: &str) -> Self {
        Self { status: 303, location: place.to_owned(), ..Self::of("text/plain", String::new()) }
    }

    /// Why not.
    pub fn refused(error: &dyn Error) -> Self {
        Self { status: 403, ..Self::of("text/plain", format!("refused: {error}")) }
    }
}
