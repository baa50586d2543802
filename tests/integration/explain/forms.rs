//! What can be handed to `explain`: every form of a message, and every kind of message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skybridge::sso::explain::{End, Explanation, Outcome, Unexplained};

use super::{failed, form, signed_in};
use crate::support::gateway::browser::Delivered;
use crate::support::gateway::cloud::{CN, RSA_SHA256, Request, SEALED, deflate, signature_over};
use crate::support::gateway::material::{self, Pair};
use crate::support::gateway::{BASE, TestGateway, ticket};

async fn told(gateway: &TestGateway, text: &str) -> Explanation {
    let told = gateway.ask(text.as_bytes(), None).await;
    told.unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn layers(explained: &Explanation) -> Vec<&'static str> {
    explained.layers.iter().map(|layer| layer.name).collect()
}

#[tokio::test]
async fn a_message_is_explained_in_every_form_in_which_people_have_it() {
    let gateway = TestGateway::new().await;
    let request = Request::to("acme");
    let query = request.query();
    let signed = request.enveloped();
    let plain = STANDARD.encode(&signed);
    for (text, expected) in [
        (
            format!("{BASE}/acme/saml/sso?{query}"),
            &["URL", "HTTP-Redirect", "base64", "DEFLATE", "XML"][..],
        ),
        (
            format!("GET /acme/saml/sso?{query} HTTP/1.1"),
            &["URL", "HTTP-Redirect", "base64", "DEFLATE", "XML"],
        ),
        (query.clone(), &["HTTP-Redirect", "base64", "DEFLATE", "XML"]),
        (form(&request.fields()), &["HTTP-POST", "base64", "XML"]),
        (plain, &["base64", "XML"]),
        (format!("  {signed}\n"), &["XML"]),
    ] {
        let explained = told(&gateway, &text).await;
        assert_eq!(layers(&explained), expected, "{text}");
        assert_eq!((explained.kind.as_str(), explained.tenant.as_str()), ("AuthnRequest", "acme"));
        assert!(explained.is_welcome(), "{text}: {explained:#?}");
        let message = explained.message.as_ref().unwrap();
        assert!(message.attributes.iter().any(|it| it.name == "ID" && it.value == request.id));
    }
    // Compressed and without what stood beside it: the signature is what lacks.
    let alone = STANDARD.encode(deflate(request.xml().as_bytes()));
    let explained = told(&gateway, &alone).await;
    assert_eq!(layers(&explained), ["base64", "DEFLATE", "XML"]);
    assert_eq!(failed(&explained), Some("Signature"));
}

#[tokio::test]
async fn what_is_no_message_is_refused_with_what_was_tried_and_a_tenant_must_be_known() {
    let gateway = TestGateway::new().await;
    for (text, expected) in [
        ("hello", "tried base64"),
        ("<html/>", "which is no message of SAML 2.0"),
        ("<a>", "tried XML: expected well-formed XML"),
    ] {
        let error = gateway.ask(text.as_bytes(), None).await.unwrap_err();
        assert!(matches!(error, Unexplained::Message(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let request = Request::to("acme").but(|it| it.destination = None);
    let error = gateway.ask(request.query().as_bytes(), None).await.unwrap_err();
    assert!(matches!(error, Unexplained::Tenant), "{error:?}");
    let error = gateway.ask(b"<a/>", Some("no address")).await.unwrap_err();
    assert!(matches!(error, Unexplained::Address), "{error:?}");
}

#[tokio::test]
async fn the_address_decides_and_a_message_alone_is_taken_to_the_one_it_names() {
    let gateway = TestGateway::new().await;
    let [_, next] = &gateway.kids;
    let tagged = format!("{BASE}/acme/saml/sso/{next}");
    let request = Request::to("acme").but(|it| it.destination = Some(tagged.clone()));
    let explained = told(&gateway, &form(&request.fields())).await;
    assert!(explained.is_welcome(), "{explained:#?}");
    assert_eq!(explained.reply.as_ref().unwrap().key, next.as_str());
    assert!(explained.notes.iter().any(|note| note.contains(next.as_str())), "{explained:#?}");
    let at_plain = gateway.explain(&form(&request.fields()), "/acme/saml/sso").await;
    assert_eq!(failed(&at_plain), Some("Destination"));
    // At another gateway's address it is explained as if it had come here.
    let elsewhere = format!("https://other.example/idp?{}", Request::to("acme").query());
    let explained = told(&gateway, &elsewhere).await;
    assert!(explained.notes[0].contains("is not an address of this gateway"), "{explained:#?}");
    let behind = format!("https://proxy.example/acme/saml/sso?{}", Request::to("acme").query());
    let explained = told(&gateway, &behind).await;
    assert!(explained.notes[0].contains("the host is not looked at"), "{explained:#?}");
    assert!(explained.is_welcome());
}

/// Whether whoever takes it would take it, and the first check that failed.
fn found(explained: &Explanation) -> (bool, Option<&'static str>) {
    let Outcome::Found { good, .. } = explained.branches[0].outcome else {
        panic!("{explained:#?}")
    };
    assert_eq!(good, explained.is_welcome());
    let failed = explained.checks.iter().find(|row| row.end == End::Failed);
    (good, failed.map(|row| row.name))
}

async fn delivered(gateway: &TestGateway) -> Delivered {
    let mut browser = signed_in(gateway, "cust-1").await;
    browser.get(&Request::to("acme").at("acme")).await.delivered()
}

#[tokio::test]
async fn an_answer_of_ours_is_recognised_and_one_that_was_changed_or_is_over_is_not() {
    let gateway = TestGateway::new().await;
    let response = delivered(&gateway).await.response;
    let base64 = STANDARD.encode(&response);
    let posted = form(&[("SAMLResponse", base64.clone()), ("RelayState", "x".to_owned())]);
    for text in [&response, &base64, &posted] {
        let explained = tenant_told(&gateway, text).await;
        assert_eq!(found(&explained), (true, None), "{explained:#?}");
    }
    let assertion = {
        let from = response.find("<saml2:Assertion").unwrap();
        let to = response.find("</saml2:Assertion>").unwrap() + "</saml2:Assertion>".len();
        response[from..to].to_owned()
    };
    assert_eq!(found(&tenant_told(&gateway, &assertion).await), (true, None));
    for (from, to, check) in [
        ("cust-1", "cust-2", "Signature"),
        (CN.acs, "https://evil.example/acs", "Destination"),
        ("https://gateway.example/acme<", "https://gateway.example/bravo<", "Issuer"),
    ] {
        assert!(response.contains(from), "{from} in {response}");
        let changed = response.replacen(from, to, 1);
        let explained = tenant_told(&gateway, &changed).await;
        let (good, failed) = found(&explained);
        assert!(!good, "{explained:#?}");
        assert!(failed == Some(check) || failed == Some("Signature"), "{check}: {explained:#?}");
    }
    gateway.wait(3_600);
    assert_eq!(found(&tenant_told(&gateway, &response).await), (false, Some("Time")));
}

/// The same for acme, whom no address names.
async fn tenant_told(gateway: &TestGateway, text: &str) -> Explanation {
    gateway.ask_for("acme", text.as_bytes()).await.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn an_encrypted_answer_is_called_so() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let mut claims = ticket::claims("cust-1");
    claims["aud"] = "https://gateway.example/generic".into();
    let target = browser.get(&Request::to("generic").at("generic")).await.target();
    let (_, handle) = target.query_pairs().find(|(name, _)| name == "continue").unwrap();
    let ticket = ticket::keys()[0].sign(&claims);
    browser.get(&format!("/generic/launch?ticket={ticket}&continue={handle}")).await;
    let request = Request::by(&SEALED, "generic");
    let predicted = told(&gateway, &format!("{BASE}{}", request.at("generic"))).await;
    let cipher = predicted.reply.as_ref().unwrap().encrypted.unwrap();
    let response = browser.get(&request.at("generic")).await.delivered().response;
    assert!(response.contains(cipher), "{response}");
    let explained = gateway.ask_for("generic", response.as_bytes()).await.unwrap();
    assert_eq!(found(&explained), (true, None), "{explained:#?}");
    assert!(explained.notes.iter().any(|note| note.contains("is encrypted")), "{explained:#?}");
}

#[tokio::test]
async fn metadata_goes_to_the_linter_or_is_compared_with_our_own() {
    let gateway = TestGateway::new().await;
    let known = tenant_told(&gateway, &CN.metadata()).await;
    assert_eq!(found(&known), (true, None), "{known:#?}");
    let unknown =
        CN.metadata().replace("https://auth.huaweicloud.com/\"", "https://new.example/\"");
    let unknown = tenant_told(&gateway, &unknown).await;
    assert_eq!(found(&unknown), (true, Some("Registered")), "{unknown:#?}");
    let broken = CN.metadata().replace("HTTP-POST", "HTTP-Nothing");
    let broken = tenant_told(&gateway, &broken).await;
    assert!(!found(&broken).0 && !broken.findings.is_empty(), "{broken:#?}");

    let ours = gateway.browser().get("/acme/saml/metadata").await.body;
    assert_eq!(found(&tenant_told(&gateway, &ours).await), (true, None));
    let others = gateway.browser().get("/bravo/saml/metadata").await.body;
    assert_eq!(found(&tenant_told(&gateway, &others).await), (false, Some("entityID")));
}

fn notice(user: &str, signer: &Pair) -> Vec<(&'static str, String)> {
    let json = serde_json::json!({
        "domainName": "hw_demo01", "domainId": "d-1", "xUserId": user, "bindAction": 0,
    });
    let text = STANDARD.encode(json.to_string());
    let signature = STANDARD.encode(signature_over(signer, text.as_bytes()));
    vec![("bindRequest", text), ("SigAlg", RSA_SHA256.to_owned()), ("Signature", signature)]
}

#[tokio::test]
async fn a_link_notification_is_explained_and_a_forged_one_is_refused_as_at_its_address() {
    let gateway = TestGateway::new().await;
    let address = "/acme/link-result";
    let explained = gateway.explain(&form(&notice("cust-1", material::sp())), address).await;
    assert_eq!(explained.kind, "bindRequest");
    assert!(explained.is_welcome(), "{explained:#?}");
    let forged = notice("cust-1", material::stranger());
    let once = notice("cust-1", material::sp());
    for fields in [forged, once[..1].to_vec(), [&once[..], &once[..1]].concat()] {
        let explained = gateway.explain(&form(&fields), address).await;
        let answer = gateway.browser().post(address, &fields).await;
        assert_eq!(super::predicted(&explained), answer.code(), "{explained:#?}");
        assert!(answer.code().is_some());
    }
    // Its signature is nobody's to see.
    let shown = serde_json::to_string(&explained).unwrap();
    assert!(!shown.contains(&notice("cust-1", material::sp())[2].1));
}

// The vectors were made by others (tests/vectors/README.md).
#[tokio::test]
async fn messages_that_others_made_are_opened() {
    let gateway = TestGateway::new().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    let explained = tenant_told(&gateway, &read("redirect.url")).await;
    assert_eq!(explained.kind, "AuthnRequest");
    assert!(explained.refusal().is_some(), "their keys are not registered: {explained:#?}");
    for name in ["response.signed.xml", "response.tampered.xml"] {
        let explained = tenant_told(&gateway, &read(name)).await;
        assert_eq!(explained.kind, "Response");
        assert!(!found(&explained).0);
    }
    // What the cloud's documents show.
    let shared = format!("{}/../shared/vectors", env!("CARGO_MANIFEST_DIR"));
    for name in [
        "samlrequest_sample.urlenc",
        "samlrequest_sample.xml",
        "bindrequest_sample.txt",
        "samlresponse-huawei-sample.xml",
        "sp-metadata-cn.xml",
    ] {
        match std::fs::read(format!("{shared}/{name}")) {
            Ok(octets) => {
                let explained = gateway.ask_for("acme", &octets).await;
                let explained = explained.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(!explained.branches.is_empty(), "{name}");
            }
            Err(error) => println!("skipped {name}: {error}"),
        }
    }
}
