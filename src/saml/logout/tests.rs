//! Tests of the logout messages: written, carried and read again; read strictly; wrapped ones
//! refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::macros::datetime;

use super::*;
use crate::saml::allowed::Declared;
use crate::saml::names::{name_id, ns};
use crate::saml::response::Status;
use crate::saml::signature::verify::tests::{HERE, sign};
use crate::saml::tests::keys;
use crate::saml::verified::{Proof, Unsigned};
use crate::saml::xml::{Limits, parse};
use crate::saml::{EndpointUrl, SigningKey, post, redirect, soap};

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05.678 UTC);
const HEAD: &str = "<p:LogoutRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
    xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\" IssueInstant=\"2026-01-02T03:04:05Z\" \
    Version=\"2.0\" Reason=\"urn:oasis:names:tc:SAML:2.0:logout:user\" \
    NotOnOrAfter=\"2026-01-02T03:09:05Z\"";
const ISSUER: &str = "<a:Issuer>https://sp.example/</a:Issuer>";
const NAME: &str = "<a:NameID Format=\"urn:f\" NameQualifier=\"q\">who</a:NameID>";

fn name() -> NameIdentifier {
    NameIdentifier {
        value: "_who <&>".to_owned(),
        format: Some(name_id::PERSISTENT.to_owned()),
        name_qualifier: Some("https://idp.example".to_owned()),
        sp_name_qualifier: None,
    }
}

fn id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

/// What our own two messages are made of.
struct Own {
    id: MessageId,
    other: MessageId,
    destination: EndpointUrl,
    issuer: EntityId,
    name_id: NameIdentifier,
}

impl Own {
    fn new(destination: &str) -> Self {
        Self {
            id: id("_own"),
            other: id("_theirs"),
            destination: EndpointUrl::parse(destination).unwrap(),
            issuer: EntityId::parse("https://idp.example").unwrap(),
            name_id: name(),
        }
    }

    fn demand(&self) -> Demand<'_> {
        Demand {
            id: &self.id,
            issue_instant: NOW,
            not_on_or_after: NOW + time::Duration::minutes(5),
            destination: &self.destination,
            issuer: &self.issuer,
            name_id: &self.name_id,
            session_index: Some("_session"),
        }
    }

    fn answer(&self) -> Answer<'_> {
        let detail = Some(status::PARTIAL_LOGOUT);
        Answer {
            id: &self.id,
            in_response_to: &self.other,
            issue_instant: NOW,
            destination: Some(&self.destination),
            issuer: &self.issuer,
            status: Status { detail, ..Status::SUCCESS },
        }
    }
}

fn signer(key: &SigningKey) -> Signer<'_> {
    static NONE: Declared = Declared { signatures: Vec::new(), digests: Vec::new() };
    Signer { key, declared: &NONE }
}

fn form(parameter: Parameter, field: &str) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair(parameter.name(), field).finish()
}

fn must_be_ours(request: &LogoutRequest, destination: &str) {
    assert_eq!(request.id, id("_own"));
    assert_eq!(request.destination.as_deref(), Some(destination));
    assert_eq!(request.not_on_or_after, Some(NOW + time::Duration::minutes(5)));
    assert_eq!(request.principal, Principal::Named(name()));
    assert_eq!(request.session_indexes, ["_session"]);
    assert!(!request.asynchronous);
}

#[test]
fn our_request_reads_back_whatever_binding_carries_it() {
    let (signing, verifying) = keys(1);
    for destination in ["https://sp.example/slo", "https://sp.example/slo?a=b"] {
        let own = Own::new(destination);
        let url = own.demand().redirect(signer(&signing), "state of 春").unwrap();
        let query = url.strip_prefix(destination).unwrap();
        let query = query.strip_prefix(['?', '&']).unwrap();
        let received = redirect::read::<LogoutRequest>(query).unwrap();
        assert_eq!(received.claimed_issuer().as_str(), "https://idp.example");
        let verified = received.verify(std::slice::from_ref(&verifying), Unsigned::Refuse).unwrap();
        let received = verified.into_inner();
        must_be_ours(&received.message, destination);
        assert_eq!(received.relay_state.map(String::from).as_deref(), Some("state of 春"));

        let form = form(Parameter::Request, &own.demand().post(signer(&signing)).unwrap());
        let received = post::read::<LogoutRequest>("", form.as_bytes()).unwrap();
        let verified = received.verify(std::slice::from_ref(&verifying), Unsigned::Refuse).unwrap();
        assert!(matches!(verified.proof(), Proof::Signature(_)));
        must_be_ours(&verified.get().message, destination);

        let envelope = own.demand().soap(signer(&signing)).unwrap();
        let received = soap::read::<LogoutRequest>(envelope.as_bytes()).unwrap();
        let verified = received.verify(std::slice::from_ref(&verifying), Unsigned::Refuse).unwrap();
        must_be_ours(&verified.get().message, destination);
    }
}

#[test]
fn our_answer_reads_back_and_says_how_it_went() {
    let (signing, verifying) = keys(1);
    let own = Own::new("https://sp.example/slo");
    let url = own.answer().redirect(signer(&signing), None).unwrap();
    let query = url.split_once('?').unwrap().1;
    assert!(redirect::read::<LogoutRequest>(query).is_err());
    let received = redirect::read::<LogoutResponse>(query).unwrap();
    let verified = received.verify(std::slice::from_ref(&verifying), Unsigned::Refuse).unwrap();
    assert_eq!(verified.get().relay_state, None);
    let response = &verified.get().message;
    assert_eq!(response.in_response_to, Some(id("_theirs")));
    assert_eq!(response.status, status::SUCCESS);
    assert!(!response.is_complete());

    let form = form(Parameter::Response, &own.answer().post(signer(&signing)).unwrap());
    let received = post::read::<LogoutResponse>("", form.as_bytes()).unwrap();
    let verified = received.verify(std::slice::from_ref(&verifying), Unsigned::Refuse).unwrap();
    assert_eq!(verified.get().message.detail.as_deref(), Some(status::PARTIAL_LOGOUT));
}

fn read(document: &str) -> Result<LogoutRequest, Error> {
    read::request(parse(document.as_bytes(), Limits::MESSAGE)?.root())
}

#[test]
fn a_request_is_read_with_everything_that_it_may_say() {
    let request = read(&format!(
        "{HEAD} ID=\"_a\">{ISSUER}<p:Extensions><l:Asynchronous xmlns:l=\"{}\"/>\
         <x:y xmlns:x=\"urn:x\"/></p:Extensions>{NAME}\
         <p:SessionIndex>one</p:SessionIndex><p:SessionIndex>t<![CDATA[w]]>o</p:SessionIndex>\
         </p:LogoutRequest>",
        ns::ASYNC_SLO
    ))
    .unwrap();
    assert!(request.asynchronous);
    assert_eq!(request.session_indexes, ["one", "two"]);
    assert_eq!(request.not_on_or_after, Some(datetime!(2026-01-02 03:09:05 UTC)));
    assert_eq!(request.reason.as_deref(), Some("urn:oasis:names:tc:SAML:2.0:logout:user"));
    let Principal::Named(name) = request.principal else { panic!("no name") };
    assert_eq!((name.value.as_str(), name.name_qualifier.as_deref()), ("who", Some("q")));
    let odd = format!("{HEAD} ID=\"_a\">{ISSUER}{NAME}</p:LogoutRequest>")
        .replace("urn:oasis:names:tc:SAML:2.0:logout:user", "no URI at all \u{7}")
        .replace('\u{7}', "&#9;");
    assert!(read(&odd).is_ok());
}

#[test]
fn what_the_schema_does_not_have_is_refused() {
    let around = |inside: &str| read(&format!("{HEAD} ID=\"_a\">{inside}</p:LogoutRequest>"));
    assert!(around(&format!("{ISSUER}{NAME}")).is_ok());
    let id = "<a:EncryptedID><x xmlns=\"urn:x\"/></a:EncryptedID>";
    assert!(matches!(
        around(&format!("{ISSUER}{id}")).unwrap().principal,
        Principal::Encrypted(octets) if octets.contains("EncryptedID")
    ));
    for bad in [
        String::new(),
        ISSUER.to_owned(),
        NAME.to_owned(),
        format!("{NAME}{ISSUER}"),
        format!("{ISSUER}{NAME}{NAME}"),
        format!("{ISSUER}{NAME}{id}"),
        format!("{ISSUER}<a:BaseID/>"),
        format!("{ISSUER}{NAME}<p:SessionIndex><b/></p:SessionIndex>"),
        format!("{ISSUER}<p:SessionIndex>one</p:SessionIndex>{NAME}"),
        format!("{ISSUER}{NAME}<a:Assertion/>"),
        format!("{ISSUER}{NAME}text"),
        format!("{ISSUER}{NAME}{}", "<p:SessionIndex>one</p:SessionIndex>".repeat(65)),
    ] {
        assert!(around(&bad).is_err(), "{bad}");
    }
    let whole = format!("{HEAD} ID=\"_a\">{ISSUER}{NAME}</p:LogoutRequest>");
    for (from, to) in [
        ("Version=\"2.0\"", "Version=\"1.1\""),
        ("NotOnOrAfter=", "NotAfter="),
        ("03:09:05Z", "03:09:05+01:00"),
        ("p:LogoutRequest", "p:AuthnRequest"),
        ("ID=\"_a\"", "ID=\"1\""),
    ] {
        assert!(read(&whole.replace(from, to)).is_err(), "{to}");
    }
}

/// A request with [`HERE`] where its signature belongs.
fn template(id: &str, name: &str, more: &str) -> String {
    format!("{HEAD} ID=\"{id}\">{ISSUER}{HERE}{more}<a:NameID>{name}</a:NameID></p:LogoutRequest>")
}

fn outcome(document: &str) -> Result<LogoutRequest, Error> {
    let form = form(Parameter::Request, &STANDARD.encode(document));
    let received = post::read::<LogoutRequest>("", form.as_bytes())?;
    Ok(received.verify(&[keys(1).1], Unsigned::Refuse)?.into_inner().message)
}

#[test]
fn a_wrapped_request_is_refused_in_every_arrangement() {
    let key = keys(1).0;
    let original = sign(&template("_signed", "victim", ""), "_signed", "", &key);
    assert!(outcome(&original).is_ok());
    let start = original.find("<ds:Signature").unwrap();
    let end = original.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let (signature, bare) =
        (&original[start..end], [&original[..start], &original[end..]].concat());
    let object = |element: &str| {
        signature
            .replace("</ds:Signature>", &format!("<ds:Object>{element}</ds:Object></ds:Signature>"))
    };
    let extensions = |element: &str| format!("<p:Extensions>{element}</p:Extensions>");
    let forged = |id: &str, signature: &str, more: &str| {
        template(id, "somebody else", more).replace(HERE, signature)
    };
    for (number, document) in [
        forged("_evil", &object(&bare), ""),
        forged("_evil", &object(&original), ""),
        forged("_evil", signature, &extensions(&bare)),
        forged("_evil", "", &extensions(&original)),
        forged("_evil", signature, &extensions(&original)),
        forged("_signed", &object(&bare), ""),
        forged("_signed", signature, &extensions(&bare)),
        forged("_signed", "", &extensions(&original)),
        forged("_signed", signature, ""),
        forged("_signed", &signature.repeat(2), ""),
        original
            .replace("<a:NameID>", &extensions(&forged("_evil", "", "")).replace(HERE, ""))
            .replace("</p:Extensions>", "</p:Extensions><a:NameID>"),
        original.replace("victim", "somebody else"),
        original
            .replace("</p:LogoutRequest>", "<p:SessionIndex>x</p:SessionIndex></p:LogoutRequest>"),
    ]
    .iter()
    .enumerate()
    {
        let refused = outcome(document);
        assert!(refused.is_err(), "{number}: {document}");
    }
}

#[test]
fn a_captured_assertion_inside_a_forged_request_proves_nothing() {
    let key = keys(1).0;
    let assertion = format!(
        "<a:Assertion xmlns:a=\"{}\" ID=\"_assertion\" Version=\"2.0\" \
         IssueInstant=\"2026-01-02T03:04:05Z\">{ISSUER}{HERE}<a:Subject/></a:Assertion>",
        ns::ASSERTION
    );
    let assertion = sign(&assertion, "_assertion", "", &key);
    let start = assertion.find("<ds:Signature").unwrap();
    let end = assertion.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let (signature, bare) =
        (&assertion[start..end], [&assertion[..start], &assertion[end..]].concat());
    let forged = |id: &str, signature: &str, more: &str| {
        template(id, "victim", &format!("<p:Extensions>{more}</p:Extensions>"))
            .replace(HERE, signature)
    };
    for document in [
        forged("_evil", "", &assertion),
        forged("_evil", signature, &bare),
        forged("_assertion", signature, &bare),
        forged("_assertion", signature, ""),
    ] {
        let refused = outcome(&document).unwrap_err();
        assert!(
            matches!(refused, Error::SignatureForm { .. } | Error::DigestMismatch),
            "{refused}: {document}"
        );
    }
}

#[test]
fn an_envelope_holds_one_message() {
    let (signing, verifying) = keys(1);
    let good = Own::new("https://sp.example/slo").demand().soap(signer(&signing)).unwrap();
    let twice = |from: &str, to: &str| good.replace(from, to);
    let headed = |must: &str| {
        format!(
            "<soap11:Header><x xmlns=\"urn:x\" soap11:mustUnderstand=\"{must}\"/></soap11:Header>\
             <soap11:Body>"
        )
    };
    for bad in [
        twice("<soap11:Body>", "<soap11:Body><x/>"),
        twice("soap11:Body", "soap11:Other"),
        twice(ns::SOAP, "http://www.w3.org/2003/05/soap-envelope"),
        twice("<soap11:Body>", &headed("1")),
        "<a/>".to_owned(),
    ] {
        assert!(soap::read::<LogoutRequest>(bad.as_bytes()).is_err(), "{bad}");
    }
    let read = soap::read::<LogoutRequest>(twice("<soap11:Body>", &headed("0")).as_bytes());
    assert!(read.is_ok(), "{read:?}");
    assert!(soap::read::<LogoutRequest>(soap::fault("SB-2004").unwrap().as_bytes()).is_err());
    // What stands around the message changes nothing in it.
    let spaced = good.replace("<soap11:Body>", "\n<soap11:Body xmlns:saml2=\"urn:other\">\n  ");
    let read = soap::read::<LogoutRequest>(spaced.as_bytes()).unwrap();
    assert!(read.verify(&[verifying], Unsigned::Refuse).is_ok());
    let tampered = good.replace("_session", "_sessiom");
    let read = soap::read::<LogoutRequest>(tampered.as_bytes()).unwrap();
    assert!(read.verify(&[keys(1).1], Unsigned::Refuse).is_err());
}

#[test]
fn a_prefix_that_only_the_signature_lists_comes_out_of_the_envelope() {
    let (signing, verifying) = keys(1);
    for prefix in ["xs", "#default"] {
        let unused = if prefix == "xs" { "xmlns:xs" } else { "xmlns" };
        let declared = format!("LogoutRequest {unused}=\"urn:unused\" ");
        let message = template("_signed", "who", "").replacen("LogoutRequest ", &declared, 1);
        let signed = sign(&message, "_signed", prefix, &signing);
        assert!(signed.contains("urn:unused"));
        let read = soap::read::<LogoutRequest>(soap::envelope(&signed).as_bytes()).unwrap();
        let keys = std::slice::from_ref(&verifying);
        assert!(read.verify(keys, Unsigned::Refuse).is_ok(), "{prefix}");
    }
}
