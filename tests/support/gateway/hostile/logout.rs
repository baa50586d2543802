//! Logout messages, by HTTP-Redirect and by HTTP-POST.

use super::Hostile;
use super::document::{Room, as_many, form_of};
use crate::support::gateway::START;
use crate::support::gateway::cloud::instant;
use crate::support::gateway::leaver::{ONE, by_redirect};
use crate::support::gateway::{enveloped, material};

const ADDRESS: &str = "/bravo/saml/logout";
const REQUEST: &str = "SAMLRequest";
const RESPONSE: &str = "SAMLResponse";
const NOBODY: &str = "<saml2:NameID>nobody</saml2:NameID>";

/// All of them, sent so many seconds after the tests' beginning.
pub(super) fn rows(at: i64) -> Vec<Hostile> {
    let mut rows = Vec::new();
    for (name, code, document) in documents(at) {
        rows.push(fetched(name, code, by_redirect(REQUEST, &document, "s")));
        let signed = enveloped::signed(&document, material::sp());
        rows.push(posted(name, code, form_of(signed.as_bytes())));
    }
    for (name, code, document) in unreadable(at) {
        rows.push(posted(name, code, form_of(document.as_bytes())));
    }
    rows.extend(signatures(at));
    rows
}

fn fetched(name: &str, code: &'static str, target: String) -> Hostile {
    Hostile::fetched(&format!("logout: {name}"), code, target)
}

fn posted(name: &str, code: &'static str, form: String) -> Hostile {
    Hostile::posted(&format!("logout: {name}"), code, ADDRESS, form)
}

fn moved(document: &str, at: i64) -> String {
    let then = START + time::Duration::seconds(at);
    document.replace(&instant(START), &instant(then))
}

fn request(at: i64) -> String {
    moved(&ONE.logout_of("_logout", NOBODY), at)
}

/// Messages that are signed and must not be believed.
fn documents(at: i64) -> Vec<(&'static str, &'static str, String)> {
    let changed = |from: &str, to: &str| request(at).replace(from, to);
    let over = instant(START + time::Duration::seconds(at - 3600));
    vec![
        ("another tenant's address", "SB-2007", changed("/bravo/saml/logout", "/acme/saml/logout")),
        ("another host", "SB-2007", changed("//gateway.example/", "//evil.example/")),
        ("issued long ago", "SB-2009", request(at - 3600)),
        ("issued in an hour", "SB-2010", request(at + 3600)),
        (
            "over",
            "SB-2009",
            changed(" Destination", &format!(" NotOnOrAfter=\"{over}\" Destination")),
        ),
        ("a stranger", "SB-2003", changed("https://one.example/saml", "https://four.example/saml")),
        ("another version", "SB-1012", changed("\"2.0\"", "\"1.1\"")),
        ("a person of another kind", "SB-1011", changed("saml2:NameID", "saml2:BaseID")),
        ("nobody", "SB-1011", changed(NOBODY, "")),
        ("two people", "SB-1011", changed(NOBODY, &NOBODY.repeat(2))),
    ]
}

/// Documents that end the reading.
fn unreadable(at: i64) -> Vec<(&'static str, &'static str, String)> {
    let whole = request(at);
    let (head, tail) = whole.split_once(NOBODY).unwrap();
    let many =
        |piece: &str| as_many(Room::Form, (&format!("{head}{NOBODY}"), tail), |_| piece.to_owned());
    vec![
        ("a DOCTYPE", "SB-1008", format!("<!DOCTYPE a>{whole}")),
        ("a message that breaks off", "SB-1009", head.to_owned()),
        (
            "a message of another kind",
            "SB-1011",
            whole.replace("p:LogoutRequest", "p:AuthnRequest"),
        ),
        ("all sessions that fit", "SB-1010", many("<p:SessionIndex>1</p:SessionIndex>")),
        ("all elements that fit", "SB-1010", many("<a/>")),
    ]
}

fn signatures(at: i64) -> Vec<Hostile> {
    let whole = request(at);
    let good = by_redirect(REQUEST, &whole, "state");
    let unsigned = good.split("&SigAlg").next().unwrap().to_owned();
    let answer = by_redirect(RESPONSE, &moved(&ONE.answer("_nobody", "Success"), at), "state");
    let unsigned_answer = answer.split("&SigAlg").next().unwrap().to_owned();
    let encrypted =
        whole.replace(NOBODY, "<saml2:EncryptedID><x xmlns=\"urn:x\"/></saml2:EncryptedID>");
    let form = |document: &str| form_of(document.as_bytes());
    vec![
        fetched("unsigned", "SB-2004", unsigned),
        fetched("an answer, unsigned", "SB-2004", unsigned_answer),
        fetched("an answer that nobody waits for", "SB-3010", answer),
        fetched("a relay state that was not signed", "SB-2006", good.replace("=state", "=other")),
        fetched("request and response", "SB-1002", format!("{good}&SAMLResponse=x")),
        posted("unsigned", "SB-2004", form(&whole)),
        posted("an encrypted name, unsigned", "SB-2004", form(&encrypted)),
        posted("another key", "SB-2006", form(&enveloped::signed(&whole, material::stranger()))),
        posted("no parameters", "SB-1001", String::new()),
    ]
}
