//! `AuthnRequest`s by HTTP-POST, with their signatures inside.

use super::document::{Document, Room, bulk, documents, form_of, trust};
use super::{Hostile, good};
use crate::support::gateway::cloud::{Key, encode};
use crate::support::gateway::material::base64;

const ADDRESS: &str = "/acme/saml/sso";

/// All of them, sent so many seconds after the tests' beginning.
pub(super) fn rows(at: i64) -> Vec<Hostile> {
    let mut rows = parameters(at);
    let of = |Document { name, code, octets }: Document| row(name, code, form_of(&octets));
    // Nothing at all is no parameter here.
    let documents = documents(at, Room::Form).into_iter().filter(|it| !it.octets.is_empty());
    rows.extend(documents.map(of));
    rows.extend(signatures(at));
    rows.extend(
        trust(at)
            .into_iter()
            .map(|(name, code, request)| row(name, code, form_of(request.enveloped().as_bytes()))),
    );
    rows
}

fn row(name: &str, code: &'static str, form: String) -> Hostile {
    Hostile::posted(name, code, ADDRESS, form)
}

fn parameters(at: i64) -> Vec<Hostile> {
    let form = form_of(good(at).enveloped().as_bytes());
    let more = |name: &str| format!("{form}&{name}=x");
    let at_query = |name: &str, query: &str| {
        Hostile::posted(name, "SB-1002", &format!("{ADDRESS}?{query}"), form.clone())
    };
    let large = encode(&base64(&vec![b'x'; skybridge::limits::BODY_BYTES]));
    vec![
        row("no parameters", "SB-1001", String::new()),
        row("an empty message", "SB-1001", "SAMLRequest=&RelayState=x".into()),
        row("a relay state alone", "SB-1001", "RelayState=x".into()),
        row("two messages", "SB-1002", more("SAMLRequest")),
        row("two messages, one by an encoded name", "SB-1002", more("SAML%52equest")),
        row("two relay states", "SB-1002", more("RelayState")),
        row("request and response", "SB-1002", more("SAMLResponse")),
        at_query("a message in the query as well", "SAMLRequest=x"),
        at_query("a relay state in the query as well", "RelayState=x"),
        at_query("a signature in the query", "SigAlg=x&Signature=y"),
        row("no base64", "SB-1004", "SAMLRequest=****".into()),
        row("base64 without its end", "SB-1004", "SAMLRequest=abcde".into()),
        row("half a percent sign", "SB-1004", "SAMLRequest=abc%2".into()),
        row("a body beyond the limit", "SB-5007", format!("SAMLRequest={large}")),
        row(
            "a relay state beyond the limit",
            "SB-1014",
            form.replace("RelayState=relay", &format!("RelayState={}", "x".repeat(2049))),
        ),
    ]
}

fn signatures(at: i64) -> Vec<Hostile> {
    let of = |document: &str| form_of(document.as_bytes());
    let by = |key: Key| of(&good(at).but(|it| it.key = key).enveloped());
    let request = good(at);
    let signed = request.enveloped();
    let behind =
        |more: &str| of(&signed.replace("</d:Signature>", &format!("</d:Signature>{more}")));
    let renamed = |from: &str, to: &str| of(&signed.replace(from, to));
    // Its key and its octets are good, so that all that it claims to cover has to be digested.
    let (signature, _) = signed.split_once("</d:Signature>").unwrap();
    let (_, signature) = signature.split_once("<d:Signature").unwrap();
    let signature = format!("<d:Signature{signature}</d:Signature><p:Extensions>");
    let captured = bulk(&request, Room::Form).replacen("<p:Extensions>", &signature, 1);
    vec![
        row("no signature", "SB-2004", by(Key::None)),
        row("another key", "SB-2006", by(Key::Stranger)),
        row("a changed attribute", "SB-2006", renamed("IsPassive=\"false\"", "IsPassive=\"true\"")),
        row("a changed digest", "SB-2006", renamed("<d:DigestValue>", "<d:DigestValue>AAAA")),
        row(
            "an element more",
            "SB-2006",
            behind("<p:Extensions><x xmlns=\"urn:x\"/></p:Extensions>"),
        ),
        row("a captured signature around much", "SB-2006", of(&captured)),
        row("a reference to another element", "SB-2006", renamed("URI=\"#", "URI=\"#x")),
        row(
            "SHA-1",
            "SB-2005",
            renamed("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1"),
        ),
    ]
}
