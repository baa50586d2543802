//! IDP Metadata.xml over HTTP (contract §5).

use axum::http::StatusCode;

use crate::support::gateway::TestGateway;
use crate::support::gateway::material::{self, base64};
use crate::support::schema::{Schema, assert_valid};

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
