//! What a request may ask for, in every combination: a fresh proof, no page, a context, a name
//! identifier, a person, a group of attributes (conformance ).

use axum::http::StatusCode;
use skybridge::sso::explain::{Branch, Explanation, Outcome};

use crate::support::gateway::browser::{Browser, Delivered};
use crate::support::gateway::cloud::{Request, SP, TRANSIENT};
use crate::support::gateway::{PASSWORD, TestGateway};

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
const CLASSES: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:";

/// What comes of a request.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Asserted,
    /// A second-level status.
    Declined(&'static str),
    SignIn,
}

use End::{Asserted, Declined, SignIn};

/// How a signed-in person's name identifier is asked for, and what becomes of that.
const NAMES: [(&str, Option<&str>); 9] = [
    ("", Some(TRANSIENT)),
    ("<p:NameIDPolicy/>", Some(TRANSIENT)),
    (
        "<p:NameIDPolicy Format='urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified'/>",
        Some(TRANSIENT),
    ),
    (
        "<p:NameIDPolicy Format='urn:oasis:names:tc:SAML:2.0:nameid-format:transient'/>",
        Some(TRANSIENT),
    ),
    (
        "<p:NameIDPolicy AllowCreate='1' \
         Format='urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'/>",
        Some(PERSISTENT),
    ),
    (
        "<p:NameIDPolicy Format='urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'/>",
        Some(EMAIL),
    ),
    ("<p:NameIDPolicy Format='urn:oasis:names:tc:SAML:2.0:nameid-format:entity'/>", None),
    ("<p:NameIDPolicy Format='urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted'/>", None),
    ("<p:NameIDPolicy SPNameQualifier='https://group.example'/>", None),
];

/// Whether a context can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    /// By a password over TLS, which our own page asks for.
    Now,
    /// By another way to sign in that there is: by ticket.
    Otherwise,
    Never,
}

/// How a context is asked for, and whether it can be given.
const CONTEXTS: [(&str, &[&str], Met); 9] = [
    ("", &[], Met::Now),
    ("exact", &["PasswordProtectedTransport"], Met::Now),
    ("exact", &["Smartcard", "PasswordProtectedTransport"], Met::Now),
    ("exact", &["Password"], Met::Never),
    ("minimum", &["Password"], Met::Now),
    ("minimum", &["SmartcardPKI"], Met::Never),
    ("maximum", &["Password"], Met::Otherwise),
    ("better", &["Password"], Met::Now),
    ("better", &["PasswordProtectedTransport"], Met::Never),
];

fn context(comparison: &str, classes: &[&str]) -> String {
    if classes.is_empty() {
        return String::new();
    }
    let class = |class: &&str| {
        format!(
            "<a:AuthnContextClassRef xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'>\
             {CLASSES}{class}</a:AuthnContextClassRef>"
        )
    };
    let classes: String = classes.iter().map(class).collect();
    format!(
        "<p:RequestedAuthnContext Comparison='{comparison}'>{classes}</p:RequestedAuthnContext>"
    )
}

/// A request of the service without accounts, for which bravo's own page signs in.
fn request(policy: &str) -> Request {
    Request::by(&SP, "bravo").but(|it| policy.clone_into(&mut it.policy))
}

/// A browser in which alice, who has an e-mail address, is signed in.
async fn alice(gateway: &TestGateway) -> Browser {
    signed_in(gateway, "alice").await
}

async fn signed_in(gateway: &TestGateway, login: &str) -> Browser {
    let mut browser = gateway.browser();
    let page = browser.get(&request("").at("bravo")).await.location().to_owned();
    let back = browser.sign_in(&page, login, PASSWORD).await.location().to_owned();
    assert!(browser.get(&back).await.delivered().asserts());
    browser
}

async fn end_of(browser: &mut Browser, request: &Request) -> (End, Option<Delivered>) {
    let answer = browser.get(&request.at("bravo")).await;
    if answer.status == StatusCode::SEE_OTHER {
        assert!(answer.location().starts_with("/bravo/sign-in"), "{answer:?}");
        return (SignIn, None);
    }
    let delivered = answer.delivered();
    if delivered.asserts() {
        return (Asserted, Some(delivered));
    }
    let known = ["NoPassive", "NoAuthnContext", "InvalidNameIDPolicy", "UnknownPrincipal"];
    let status = |name: &&str| delivered.response.contains(&format!("{STATUS}{name}\""));
    let found = known.into_iter().find(|name| status(name));
    (Declined(found.unwrap_or_else(|| panic!("{}", delivered.response))), Some(delivered))
}

/// What `skybridge explain` says comes of a request where somebody is signed in by a password, or
/// nobody.
fn explained_end(explained: &Explanation, present: bool) -> End {
    let there =
        if present { "signed in (PasswordProtectedTransport)" } else { "nobody is signed in" };
    let case = |branch: &&Branch| branch.when == there || branch.when == "whoever is there";
    let branch = explained.branches.iter().find(case);
    match &branch.unwrap_or_else(|| panic!("{explained:#?}")).outcome {
        Outcome::Assertion { to } if to == SP.acs => Asserted,
        Outcome::Status { detail: Some(detail), to, .. } if to == SP.acs => {
            Declined(detail.rsplit(':').next().unwrap())
        }
        Outcome::SignIn { at } if at.ends_with("/bravo/sign-in") => SignIn,
        other => panic!("{other:?}"),
    }
}

/// What the standard wants, said another way than the program says it.
fn expected((present, force, passive): (bool, bool, bool), context: Met, name: bool) -> End {
    let needs_page = !present || force;
    match (context, name, needs_page, passive) {
        (Met::Never, ..) => Declined("NoAuthnContext"),
        (_, false, ..) => Declined("InvalidNameIDPolicy"),
        (_, _, true, true) => Declined("NoPassive"),
        (_, _, true, false) => SignIn,
        (Met::Otherwise, _, false, _) => Declined("NoAuthnContext"),
        (Met::Now, _, false, _) => Asserted,
    }
}

#[tokio::test]
async fn every_combination_of_what_a_request_may_ask_gets_the_status_of_the_standard() {
    let gateway = TestGateway::new().await;
    let (mut somebody, mut seen) = (alice(&gateway).await, 0);
    for (policy, format) in NAMES {
        for (comparison, classes, met) in CONTEXTS {
            for (present, force, passive) in
                (0..8).map(|bits| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0))
            {
                let mut nobody = gateway.browser();
                let browser = if present { &mut somebody } else { &mut nobody };
                let request = request(policy).but(|it| {
                    it.attributes =
                        format!("ForceAuthn='{force}' IsPassive='{}'", u8::from(passive));
                    it.after_policy = context(comparison, classes);
                });
                let explained = gateway.explain(&request.at("bravo"), "/bravo/saml/sso").await;
                let (end, delivered) = end_of(browser, &request).await;
                let case = format!(
                    "{policy} {comparison} {classes:?} present {present} force {force} \
                     passive {passive}"
                );
                let named = format.is_some();
                assert_eq!(end, expected((present, force, passive), met, named), "{case}");
                assert_eq!(explained_end(&explained, present), end, "explained: {case}");
                if let (Asserted, Some(delivered), Some(format)) = (end, delivered, format) {
                    assert_eq!(delivered.value("Format"), format, "{case}");
                }
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 648);
}

#[tokio::test]
async fn a_persistent_name_is_one_for_each_person_and_made_only_where_that_is_allowed() {
    let gateway = TestGateway::new().await;
    let policy = |more: &str| request(&format!("<p:NameIDPolicy Format='{PERSISTENT}' {more}/>"));
    let mut browser = alice(&gateway).await;
    let (end, _) = end_of(&mut browser, &policy("AllowCreate='false'")).await;
    assert_eq!(end, Declined("InvalidNameIDPolicy"));
    let (end, first) = end_of(&mut browser, &policy("AllowCreate='true'")).await;
    assert_eq!(end, Asserted);
    let first = name_in(&first.unwrap());
    // Another session of the same person, who has a name now; and another person.
    for (login, more, same) in [("alice", "", true), ("nobody-yet", "AllowCreate='1'", false)] {
        let mut browser = signed_in(&gateway, login).await;
        let (end, delivered) = end_of(&mut browser, &policy(more)).await;
        assert_eq!(end, Asserted, "{login}");
        assert_eq!(name_in(&delivered.unwrap()) == first, same, "{login}");
    }
    assert!(first.len() >= 33 && first.chars().all(|c| !c.is_ascii_uppercase()), "{first}");
}

#[tokio::test]
async fn a_transient_name_differs_for_each_session() {
    let gateway = TestGateway::new().await;
    let mut names = Vec::new();
    for _ in 0..3 {
        let mut browser = alice(&gateway).await;
        for _ in 0..2 {
            let (_, delivered) = end_of(&mut browser, &request("")).await;
            names.push(name_in(&delivered.unwrap()));
        }
    }
    assert!(names.chunks(2).all(|pair| pair[0] == pair[1]), "one session: {names:?}");
    names.dedup();
    assert_eq!(names.len(), 3);
}

#[tokio::test]
async fn an_asked_qualifier_comes_back_and_no_other_is_answered() {
    let gateway = TestGateway::new().await;
    let mut browser = alice(&gateway).await;
    let policy = format!("<p:NameIDPolicy SPNameQualifier='{}'/>", SP.entity_id);
    let (_, delivered) = end_of(&mut browser, &request(&policy)).await;
    assert_eq!(delivered.unwrap().value("SPNameQualifier"), SP.entity_id);
}

#[tokio::test]
async fn a_person_without_the_name_that_is_asked_for_is_not_named_otherwise() {
    let gateway = TestGateway::new().await;
    let mut browser = signed_in(&gateway, "nobody-yet").await;
    let policy = format!("<p:NameIDPolicy Format='{EMAIL}'/>");
    let (end, delivered) = end_of(&mut browser, &request(&policy)).await;
    assert_eq!(end, Declined("InvalidNameIDPolicy"));
    assert!(!delivered.unwrap().response.contains("NameID>"));
}

#[tokio::test]
async fn a_request_for_one_person_is_answered_about_nobody_else() {
    let gateway = TestGateway::new().await;
    let mut browser = alice(&gateway).await;
    let (_, delivered) = end_of(&mut browser, &request("")).await;
    let name = name_in(&delivered.unwrap());
    let subject = |value: &str, attributes: &str| {
        request("").but(|it| {
            it.before_policy = format!(
                "<a:Subject xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'>\
                 <a:NameID {attributes}>{value}</a:NameID></a:Subject>"
            );
        })
    };
    for (request, expected) in [
        (subject(&name, ""), Asserted),
        (subject(&name, &format!("Format='{TRANSIENT}'")), Asserted),
        (subject(&name, &format!("Format='{UNSPECIFIED}'")), Asserted),
        (subject(&name, &format!("SPNameQualifier='{}'", SP.entity_id)), Asserted),
        (subject(&name, "SPNameQualifier='https://other.example'"), Declined("UnknownPrincipal")),
        (subject(&name, "NameQualifier='https://other.example'"), Declined("UnknownPrincipal")),
        (subject(&name.to_uppercase(), ""), Declined("UnknownPrincipal")),
        (subject(&format!("{name} "), ""), Declined("UnknownPrincipal")),
        (subject("local-1", &format!("Format='{UNSPECIFIED}'")), Declined("UnknownPrincipal")),
        (subject("alice@bravo.example", &format!("Format='{EMAIL}'")), Asserted),
        (subject("bob@bravo.example", &format!("Format='{EMAIL}'")), Declined("UnknownPrincipal")),
        (subject(&name, "Format='urn:other'"), Declined("InvalidNameIDPolicy")),
    ] {
        let (end, _) = end_of(&mut browser, &request).await;
        assert_eq!(end, expected, "{}", request.before_policy);
    }
}

#[tokio::test]
async fn a_subject_with_a_confirmation_is_refused_and_an_encrypted_one_declined() {
    let gateway = TestGateway::new().await;
    let mut browser = alice(&gateway).await;
    let subject = |inside: &str| {
        request("").but(|it| {
            it.before_policy = format!(
                "<a:Subject xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'>{inside}</a:Subject>"
            );
        })
    };
    let confirmed = subject(
        "<a:NameID>x</a:NameID>\
         <a:SubjectConfirmation Method='urn:oasis:names:tc:SAML:2.0:cm:bearer'/>",
    );
    browser.get(&confirmed.at("bravo")).await.refused("SB-1011");
    let (end, _) = end_of(&mut browser, &subject("<a:EncryptedID/>")).await;
    assert_eq!(end, Declined("UnknownPrincipal"));
}

/// The name identifier of an assertion.
fn name_in(delivered: &Delivered) -> String {
    let (_, rest) = delivered.response.split_once("<saml2:NameID").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}
