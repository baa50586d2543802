//! The page that carries the Response, and what the Response says, element by element (contract
//! §4).

use super::{handed_off, request_now};
use crate::support::gateway::browser::Delivered;
use crate::support::gateway::cloud::Request;
use crate::support::gateway::{TestGateway, ticket};
use crate::support::schema::{Schema, assert_valid};
use crate::support::xmlsec;

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion";
/// What is right, one piece a line; the lines are joined. Signatures are left out, ids stand as
/// their roles.
const EXPECTED_CN: &str = include_str!("../../corpus/response/huawei-cn.xml");
const EXPECTED_GENERIC: &str = include_str!("../../corpus/response/generic.xml");

const RESPONSE: &str = "urn:oasis:names:tc:SAML:2.0:protocol:Response";

#[tokio::test]
async fn the_page_posts_by_itself_under_a_strict_policy_and_stays_nowhere() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let answer = browser.get(&Request::to("acme").at("acme")).await;
    let policy = answer.header("content-security-policy").unwrap();
    for part in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let kept = answer.header("cache-control").unwrap();
    for part in ["no-store", "no-cache", "private"] {
        assert!(kept.contains(part), "{kept}");
    }
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(answer.header("strict-transport-security").is_some());
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    // One script, from a file; none inline, in no attribute either.
    assert_eq!(answer.body.matches("<script").count(), 1);
    assert!(answer.body.contains("<script defer src=\"/assets/"), "{}", answer.body);
    for inline in [" on", " style=", "javascript:"] {
        let found =
            answer.body.split('<').any(|tag| tag.split('>').next().unwrap().contains(inline));
        assert!(!found, "{inline} in {}", answer.body);
    }
    assert!(answer.body.contains("<noscript>"));
    assert_eq!(answer.body.matches("<form").count(), 1);
    assert!(answer.body.contains("method=\"post\""));
}

#[tokio::test]
async fn relay_state_comes_back_byte_for_byte() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    for state in [
        None,
        Some(String::new()),
        Some(" ".to_owned()),
        Some("a+b c%2B&amp;=\"'<>`\\/".to_owned()),
        Some("https://console.huaweicloud.com/?a=1&b=2#x".to_owned()),
        Some("春眠不觉晓 \u{1F30F} \u{202E} e\u{301}".to_owned()),
        Some("\u{FEFF}tab\tline\r\nend\u{85}\u{9F}".to_owned()),
        Some("x".repeat(81)),
        Some("长".repeat(682) + "xx"),
    ] {
        let request = Request::to("acme").but(|it| it.relay_state.clone_from(&state));
        let answer = browser.get(&request.at("acme")).await;
        assert_eq!(answer.delivered().relay_state, state);
    }
}

#[tokio::test]
async fn relay_state_that_no_form_can_carry_is_refused_before_anything_is_signed() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    for state in ["a\nb", "a\rb", "\0"] {
        let request = Request::to("acme").but(|it| it.relay_state = Some(state.to_owned()));
        browser.get(&request.at("acme")).await.refused("SB-1015");
    }
    let request = Request::to("acme").but(|it| it.relay_state = Some("x".repeat(2049)));
    browser.get(&request.at("acme")).await.refused("SB-1014");
}

/// The document without its signatures, and with its ids by their roles.
fn plain(delivered: &Delivered) -> String {
    let mut text = delivered.response.clone();
    while let Some((before, rest)) = text.split_once("<ds:Signature ") {
        let (_, after) = rest.split_once("</ds:Signature>").unwrap();
        text = format!("{before}{after}");
    }
    let ids: Vec<String> = text
        .split(" ID=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    let [response, assertion] = <[String; 2]>::try_from(ids).unwrap();
    let (_, rest) = text.split_once("<saml2:NameID ").unwrap();
    let name = rest.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned();
    for id in [&response, &assertion, &name] {
        assert!(id.starts_with('_') && id.len() == 41, "{id}");
    }
    text.replace(&response, "RESPONSE").replace(&assertion, "ASSERTION").replace(&name, "NAME")
}

#[tokio::test]
async fn the_answer_to_the_cloud_is_right_element_by_element() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    gateway.wait(10);
    let request = request_now(&gateway, "acme").but(|it| it.id = "_asked".into());
    let delivered = browser.get(&request.at("acme")).await.delivered();
    assert_eq!(plain(&delivered), EXPECTED_CN.replace('\n', ""));
    assert_valid(Schema::Protocol, &delivered.response);
    xmlsec::verify(&[&delivered.response], &gateway.certificate_file(), ASSERTION).unwrap();
    for part in [
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "PrefixList=\"xsd\"",
    ] {
        assert!(delivered.response.contains(part), "{}", delivered.response);
    }
    assert_eq!(delivered.response.matches("<ds:Signature ").count(), 1);
    assert_eq!(delivered.response.matches("<ds:X509Certificate>").count(), 1);
}

#[tokio::test]
async fn the_answer_to_any_other_service_provider_has_the_standards_form() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::to("generic").but(|it| it.id = "_asked".into());
    let target = browser.get(&request.at("generic")).await.target();
    let mut claims = ticket::claims("cust-1");
    claims["aud"] = "https://gateway.example/generic".into();
    let (ticket, handle) = (ticket::keys()[0].sign(&claims), super::continuation(&target));
    gateway.wait(10);
    browser.get(&format!("/generic/launch?ticket={ticket}&continue={handle}")).await;
    let delivered = browser.get(&format!("/generic/continue/{handle}")).await.delivered();
    let index = delivered.value("SessionIndex");
    assert_eq!(plain(&delivered).replace(&index, "INDEX"), EXPECTED_GENERIC.replace('\n', ""));
    assert_valid(Schema::Protocol, &delivered.response);
    for element in [ASSERTION, RESPONSE] {
        xmlsec::verify(&[&delivered.response], &gateway.certificate_file(), element).unwrap();
    }
    assert_eq!(delivered.response.matches("<ds:Signature ").count(), 2);

    // Index and name stay for the session: a logout names it by both.
    let again = browser.get(&Request::to("generic").at("generic")).await.delivered();
    assert_eq!(again.value("SessionIndex"), index);
    let name = |delivered: &Delivered| {
        let (_, rest) = delivered.response.split_once("<saml2:NameID ").unwrap();
        rest.split(['>', '<']).nth(1).unwrap().to_owned()
    };
    assert_eq!(name(&again), name(&delivered));
}

#[tokio::test]
async fn values_of_a_person_change_nothing_but_their_own_element() {
    let gateway = TestGateway::new().await;
    let hostile = "]]><a/>&amp;\"'<!--x--></saml2:AttributeValue>春";
    let mut claims = ticket::claims("cust-1");
    claims["aud"] = "https://gateway.example/generic".into();
    claims["name"] = hostile.into();
    let mut browser = gateway.browser();
    let target = browser.get(&Request::to("generic").at("generic")).await.target();
    let (ticket, handle) = (ticket::keys()[0].sign(&claims), super::continuation(&target));
    browser.get(&format!("/generic/launch?ticket={ticket}&continue={handle}")).await;
    let delivered = browser.get(&format!("/generic/continue/{handle}")).await.delivered();
    assert_valid(Schema::Protocol, &delivered.response);
    xmlsec::verify(&[&delivered.response], &gateway.certificate_file(), RESPONSE).unwrap();
    assert!(delivered.response.contains(
        "]]&gt;&lt;a/&gt;&amp;amp;\"'&lt;!--x--&gt;&lt;/saml2:AttributeValue&gt;春</saml2:AttributeValue>"
    ));
}
