//! IDP Metadata.xml over HTTP (contract §5).

use axum::http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::support::gateway::TestGateway;
use crate::support::gateway::material::{self, base64};
use crate::support::schema::{Schema, assert_valid};
use crate::support::xmlsec;

#[tokio::test]
async fn every_tenants_metadata_is_valid_and_names_its_own_addresses() {
    let gateway = TestGateway::new().await;
    for tenant in ["acme", "bravo", "generic"] {
        let answer = gateway.browser().get(&format!("/{tenant}/saml/metadata")).await;
        assert_eq!(answer.status, StatusCode::OK);
        let kind = answer.header("content-type").unwrap();
        assert_eq!(kind, "application/samlmetadata+xml; charset=utf-8");
        let text = &answer.body;
        assert_valid(Schema::Metadata, text);
        assert!(text.contains(&format!("entityID=\"https://gateway.example/{tenant}\"")), "{text}");
        assert!(text.contains(&base64(&material::idp().certificate)), "{text}");
        let sso = format!("Location=\"https://gateway.example/{tenant}/saml/sso/");
        assert!(text.contains(&sso), "{text}");
        assert!(
            text.contains(&format!("Location=\"https://gateway.example/{tenant}/saml/logout\"")),
            "{text}"
        );
        for secret in ["PRIVATE", "Key\"", "cust-1", "alice"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn each_key_has_metadata_around_it() {
    let gateway = TestGateway::new().await;
    let [active, next] = &gateway.kids;
    let plain = gateway.browser().get("/acme/saml/metadata").await.body;
    for (kid, pair) in [(active, material::idp()), (next, material::idp_next())] {
        let path = format!("/acme/saml/metadata/{}", kid.as_str());
        let text = gateway.browser().get(&path).await.body;
        assert_valid(Schema::Metadata, &text);
        let location = format!("/acme/saml/sso/{}\"", kid.as_str());
        assert!(text.contains(&location), "{text}");
        assert!(text.contains(&base64(&pair.certificate)), "{text}");
        assert_eq!(text == plain, kid == active);
    }
}

#[tokio::test]
async fn it_is_signed_where_all_signatures_are_made() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let numbers = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let gateway = TestGateway::new().await;
    for (form, count) in [("", None), ("?rich", None), ("?signed", Some("1"))] {
        gateway.browser().get(&format!("/acme/saml/metadata{form}")).await;
        let told = numbers.render();
        let line = told.lines().find(|line| line.starts_with("skybridge_signing_seconds_count"));
        assert_eq!(line.and_then(|line| line.split(' ').next_back()), count, "{form}");
    }
}

#[tokio::test]
async fn signed_on_request_it_has_an_end_and_xmlsec1_verifies_it() {
    let gateway = TestGateway::new().await;
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("idp.pem");
    std::fs::write(&pem, &material::idp().certificate_pem).unwrap();
    let element = "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor";
    for tenant in ["acme", "generic"] {
        let text = gateway.browser().get(&format!("/{tenant}/saml/metadata?signed")).await.body;
        assert_valid(Schema::Metadata, &text);
        assert!(text.contains("validUntil=\"2026-01-16T03:04:05.678Z\""), "{text}");
        xmlsec::verify(&[&text], &pem, element).unwrap();
        let other = text.replace("/saml/sso", "/saml/sos");
        assert!(xmlsec::verify(&[&other], &pem, element).is_err());
    }
}

#[tokio::test]
async fn the_rich_form_has_what_service_providers_ask_for_and_offers_nothing_else() {
    let gateway = TestGateway::new().await;
    let text = gateway.browser().get("/acme/saml/metadata?rich").await.body;
    assert_valid(Schema::Metadata, &text);
    let [active, next] = [material::idp(), material::idp_next()];
    for part in [
        &base64(&active.certificate),
        &base64(&next.certificate),
        "errorURL=\"https://",
        "<mdui:DisplayName xml:lang=\"zh\">",
        "<mdui:DisplayName xml:lang=\"en\">",
        "<mdui:Logo height=\"60\" width=\"80\">https://partner.example/logo.png<",
        "regexp=\"false\">partner.example</shibmd:Scope>",
        "<md:EmailAddress>mailto:sso@partner.example<",
        "<alg:SigningMethod ",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    // neither artifacts nor anything else that is not spoken.
    for part in ["HTTP-Artifact", "PAOS", "ArtifactResolutionService", "validUntil", "Signature>"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
    // The cloud's own form stays as the contract has it.
    let plain = gateway.browser().get("/acme/saml/metadata").await.body;
    assert!(!plain.contains("Extensions") && !plain.contains("errorURL"), "{plain}");
}
