//! Service providers with single logout, made with other means than the gateway's.

use super::cloud::{POST, RSA_SHA256, Request, deflate, encode, instant, signature_over};
use super::material::{self, base64};
use super::{BASE, START, enveloped};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// A service provider of bravo's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaver {
    pub(crate) name: &'static str,
    binding: &'static str,
}

/// It logs out by HTTP-Redirect.
pub(crate) const ONE: Leaver = Leaver { name: "one", binding: REDIRECT };
/// It logs out by HTTP-POST, and takes answers at another address.
pub(crate) const TWO: Leaver = Leaver { name: "two", binding: POST };
/// It logs out by HTTP-Redirect.
pub(crate) const THREE: Leaver = Leaver { name: "three", binding: REDIRECT };

/// It can be called by SOAP, in gateways that know a [`super::callee::Callee`]; its requests and
/// answers through the browser go by HTTP-Redirect.
pub(crate) const CALLED: Leaver = Leaver { name: "called", binding: REDIRECT };

/// Two that have pages for a real browser, in gateways that know them.
pub(crate) const HERE: Leaver = Leaver { name: "here", binding: REDIRECT };
/// The other one.
pub(crate) const THERE: Leaver = Leaver { name: "there", binding: REDIRECT };

/// All that every gateway knows.
pub(crate) const ALL: [Leaver; 3] = [ONE, TWO, THREE];

/// What an assertion said about its person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The whole `NameID` element.
    pub(crate) name_id: String,
    /// `SessionIndex`.
    pub(crate) index: String,
}

impl Known {
    /// What a Response says.
    pub(crate) fn of(response: &str) -> Self {
        let (start, end) = ("<saml2:NameID", "</saml2:NameID>");
        let from = response.find(start).unwrap();
        let to = response.find(end).unwrap() + end.len();
        let (_, index) = response.split_once(" SessionIndex=\"").unwrap();
        let (index, _) = index.split_once('"').unwrap();
        Self { name_id: response[from..to].to_owned(), index: index.to_owned() }
    }
}

impl Leaver {
    pub(crate) fn entity_id(self) -> String {
        format!("https://{}.example/saml", self.name)
    }

    pub(crate) fn slo(self) -> String {
        format!("https://{}.example/slo", self.name)
    }

    /// Its metadata.
    pub(crate) fn metadata(self) -> String {
        let certificate = base64(&material::sp().certificate);
        let (entity_id, slo, Self { name, binding }) = (self.entity_id(), self.slo(), self);
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             entityID=\"{entity_id}\"><md:SPSSODescriptor AuthnRequestsSigned=\"true\" \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:KeyDescriptor use=\"signing\">\
             <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             </md:KeyDescriptor><md:SingleLogoutService Binding=\"{binding}\" \
             Location=\"{slo}\" ResponseLocation=\"{slo}/answer\"/>\
             <md:AssertionConsumerService index=\"0\" Binding=\"{POST}\" \
             Location=\"https://{name}.example/acs\"/></md:SPSSODescriptor></md:EntityDescriptor>"
        )
    }

    /// Its request to log somebody in.
    pub(crate) fn login(self) -> Request {
        Request::to("bravo").but(|it| {
            it.issuer = self.entity_id();
            it.reply_to = String::new();
            it.policy = String::new();
        })
    }

    /// Its request to log somebody out. `more` stands behind the name.
    pub(crate) fn logout(self, id: &str, known: &Known) -> String {
        let index = format!("<p:SessionIndex>{}</p:SessionIndex>", known.index);
        self.logout_of(id, &format!("{}{index}", known.name_id))
    }

    /// The same about whomever `person` names.
    pub(crate) fn logout_of(self, id: &str, person: &str) -> String {
        let (issuer, at) = (self.entity_id(), instant(START));
        format!(
            "<p:LogoutRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{at}\" Destination=\"{BASE}/bravo/saml/logout\">\
             <saml2:Issuer>{issuer}</saml2:Issuer>{person}</p:LogoutRequest>"
        )
    }

    /// Its answer to a request of the gateway's.
    pub(crate) fn answer(self, request: &str, status: &str) -> String {
        let (issuer, at) = (self.entity_id(), instant(START));
        format!(
            "<p:LogoutResponse xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_answer-{request}\" \
             Version=\"2.0\" IssueInstant=\"{at}\" InResponseTo=\"{request}\" \
             Destination=\"{BASE}/bravo/saml/logout\"><saml2:Issuer>{issuer}</saml2:Issuer>\
             <p:Status><p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/>\
             </p:Status></p:LogoutResponse>"
        )
    }
}

/// The address that carries a message by HTTP-Redirect, signed.
pub(crate) fn by_redirect(parameter: &str, message: &str, relay_state: &str) -> String {
    let signed = format!(
        "{parameter}={}&RelayState={}&SigAlg={}",
        encode(&base64(&deflate(message.as_bytes()))),
        encode(relay_state),
        encode(RSA_SHA256)
    );
    let signature = base64(&signature_over(material::sp(), signed.as_bytes()));
    format!("/bravo/saml/logout?{signed}&Signature={}", encode(&signature))
}

/// The fields that carry a message by HTTP-POST, signed.
pub(crate) fn by_post(
    parameter: &'static str,
    message: &str,
    relay_state: &str,
) -> Vec<(&'static str, String)> {
    let signed = enveloped::signed(message, material::sp());
    vec![(parameter, base64(signed.as_bytes())), ("RelayState", relay_state.to_owned())]
}
