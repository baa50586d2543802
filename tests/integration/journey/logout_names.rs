//! Whom a logout request names: by an encrypted name, and by one that outlives sessions
//! (saml-core-2.0-os §3.7.1, conformance ).

use super::logout::{SUCCESS, UNKNOWN, answered, ask, is_signed_in, named, with_alice};
use crate::support::gateway::browser::Browser;
use crate::support::gateway::leaver::{Known, Leaver, ONE, TWO, by_post};
use crate::support::gateway::{TestGateway, enveloped, material};

const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";

#[tokio::test]
async fn a_logout_request_with_an_encrypted_name_ends_the_session() {
    let gateway = TestGateway::new().await;
    for (sp, with_index) in [(ONE, true), (ONE, false), (TWO, true)] {
        let (mut browser, known) = with_alice(&gateway, &[sp]).await;
        let name = enveloped::encrypted(&known[0].name_id, AES256_GCM, &gateway.certificate_file());
        assert!(!name.contains("NameID"), "{name}");
        let known = Known { name_id: name.clone(), ..known[0].clone() };
        let id = &format!("_{}-{with_index}", sp.entity_id().len());
        let message = if with_index { sp.logout(id, &known) } else { sp.logout_of(id, &name) };
        let end = if sp == TWO {
            let fields = by_post("SAMLRequest", &message, "state of 春");
            let heard = browser.post_from_elsewhere("/bravo/saml/logout", &fields).await;
            browser.get(heard.location()).await
        } else {
            ask(&mut browser, &message).await
        };
        answered(&end, sp, SUCCESS, None);
        assert!(!is_signed_in(&mut browser).await);
    }
}

#[tokio::test]
async fn an_encrypted_name_that_cannot_be_believed_ends_nothing() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let here = tempfile::tempdir().unwrap();
    let stranger = here.path().join("stranger.pem");
    std::fs::write(&stranger, &material::stranger().certificate_pem).unwrap();
    let ours = gateway.certificate_file();
    let name = &known[0].name_id;
    for (number, encrypted) in [
        enveloped::encrypted(name, AES256_GCM, &stranger),
        enveloped::encrypted(name, AES256_CBC, &ours),
        enveloped::encrypted("<saml2:NameID/>", AES256_GCM, &ours),
    ]
    .iter()
    .enumerate()
    {
        let known = Known { name_id: encrypted.clone(), ..known[0].clone() };
        ask(&mut browser, &ONE.logout(&format!("_r{number}"), &known)).await.refused("SB-1011");
        assert!(is_signed_in(&mut browser).await, "{number}");
    }
    // Another name, as well encrypted as it may be, is nobody.
    let other = name.replace("</saml2:NameID>", "x</saml2:NameID>");
    let other = enveloped::encrypted(&other, AES256_GCM, &ours);
    let end = ask(&mut browser, &ONE.logout_of("_other", &other)).await;
    answered(&end, ONE, "urn:oasis:names:tc:SAML:2.0:status:Requester", Some(UNKNOWN));
    assert!(is_signed_in(&mut browser).await);
}

/// What a service provider that asks for a persistent name knows of alice.
async fn known_for_ever(browser: &mut Browser, sp: Leaver) -> Known {
    let request = sp.login().but(|it| {
        let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
        it.policy = format!("<p:NameIDPolicy AllowCreate=\"true\" Format=\"{format}\"/>");
    });
    named(browser, &request).await
}

#[tokio::test]
async fn a_persistent_name_alone_ends_all_sessions_at_that_service() {
    let gateway = TestGateway::new().await;
    let (mut first, mut second) = (gateway.browser(), gateway.browser());
    let known = known_for_ever(&mut first, ONE).await;
    assert_eq!(known_for_ever(&mut second, ONE).await.name_id, known.name_id);
    let theirs = known_for_ever(&mut first, TWO).await;
    // Only who knows alice by that name ends anything by it.
    let refused = "urn:oasis:names:tc:SAML:2.0:status:Requester";
    for (number, (sp, name)) in [(TWO, &known.name_id), (ONE, &theirs.name_id)].iter().enumerate() {
        let mut nobody = gateway.browser();
        let end = ask(&mut nobody, &sp.logout_of(&format!("_r{number}"), name)).await;
        answered(&end, *sp, refused, Some(UNKNOWN));
    }
    assert!(is_signed_in(&mut first).await && is_signed_in(&mut second).await);
    let mut nobody = gateway.browser();
    let begun = ask(&mut nobody, &ONE.logout_of("_all", &known.name_id)).await;
    assert!(begun.location().starts_with("/bravo/logout/"), "{begun:?}");
    assert!(!is_signed_in(&mut first).await && !is_signed_in(&mut second).await);
}

#[tokio::test]
async fn who_is_known_and_has_no_session_left_is_logged_out_already() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let known = known_for_ever(&mut browser, ONE).await;
    for id in ["_first", "_second"] {
        let mut nobody = gateway.browser();
        let end = ask(&mut nobody, &ONE.logout_of(id, &known.name_id)).await;
        answered(&end, ONE, SUCCESS, None);
        assert!(!is_signed_in(&mut browser).await, "{id}");
    }
}
