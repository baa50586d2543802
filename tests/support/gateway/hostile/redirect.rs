//! `AuthnRequest`s by HTTP-Redirect.

use super::document::{Document, Room, bulk, documents, trust};
use super::{Hostile, good};
use crate::support::gateway::cloud::{Key, deflate};

/// All of them, sent so many seconds after the tests' beginning.
pub(super) fn rows(at: i64) -> Vec<Hostile> {
    let mut rows = parameters(at);
    rows.extend(encodings(at));
    rows.extend(
        documents(at, Room::Query)
            .into_iter()
            .map(|Document { name, code, octets }| row(name, code, good(at).query_of(&octets))),
    );
    rows.extend(signatures(at));
    rows.extend(trust(at).into_iter().map(|(name, code, it)| row(name, code, it.query())));
    rows
}

fn row(name: &str, code: &'static str, query: String) -> Hostile {
    let mut target = query;
    target.insert_str(0, "/acme/saml/sso?");
    Hostile::fetched(name, code, target)
}

fn parameters(at: i64) -> Vec<Hostile> {
    let query = good(at).query();
    let twice = |name: &str| format!("{query}&{name}=x");
    vec![
        row("no parameters", "SB-1001", String::new()),
        row("an empty message", "SB-1001", "SAMLRequest=&RelayState=x".into()),
        row("a message of another name", "SB-1001", query.replace("SAMLRequest", "samlrequest")),
        row("two messages", "SB-1002", twice("SAMLRequest")),
        row("two messages, one by an encoded name", "SB-1002", twice("SAML%52equest")),
        row("two relay states", "SB-1002", twice("RelayState")),
        row("two relay states, one by an encoded name", "SB-1002", twice("%52elayState")),
        row("two algorithms", "SB-1002", twice("SigAlg")),
        row("two signatures", "SB-1002", twice("Signature")),
        row("request and response", "SB-1002", twice("SAMLResponse")),
        row("another encoding", "SB-1013", format!("{query}&SAMLEncoding=urn%3Aother")),
        row("a query beyond the limit", "SB-1003", format!("{query}&x={}", "y".repeat(16 * 1024))),
        row(
            "a relay state beyond the limit",
            "SB-1014",
            good(at).but(|it| it.relay_state = Some("x".repeat(2049))).query(),
        ),
        row(
            "a relay state that is not UTF-8",
            "SB-1004",
            query.replace("RelayState=relay", "RelayState=%FF"),
        ),
    ]
}

fn encodings(at: i64) -> Vec<Hostile> {
    let with = |message: &str| format!("SAMLRequest={message}");
    let compressed = deflate(good(at).xml().as_bytes());
    let mut trailing = compressed.clone();
    trailing.extend_from_slice(b"more");
    let around = |octets: &[u8]| good(at).query_around(octets);
    vec![
        row("half a percent sign", "SB-1004", with("abc%2")),
        row("a percent sign of no digits", "SB-1004", with("%zz")),
        row("no base64", "SB-1004", with("****")),
        row("base64 with white space", "SB-1004", with("ab%20cd")),
        row("base64 of the other alphabet", "SB-1004", with("__--")),
        row("base64 without its end", "SB-1004", with("abcde")),
        row("no DEFLATE", "SB-1005", around(&[0xFF; 64])),
        row("zlib in place of raw DEFLATE", "SB-1005", around(&[0x78, 0x9C, 0x4B, 0x04, 0x00])),
        row("DEFLATE without its end", "SB-1005", around(&compressed[..compressed.len() / 2])),
        row("octets behind DEFLATE", "SB-1005", around(&trailing)),
        row("a bomb of zeros", "SB-1006", around(&deflate(&vec![0; 8 * 1024 * 1024]))),
        row("a bomb of spaces", "SB-1006", good(at).query_of(&vec![b' '; 4 * 1024 * 1024])),
        row("80,000 attributes", "SB-1006", {
            let attributes = " a=\"\"".repeat(80_000);
            good(at).query_of(format!("<p:AuthnRequest{attributes}/>").as_bytes())
        }),
    ]
}

fn signatures(at: i64) -> Vec<Hostile> {
    const HMAC: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
    const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    let by = |key: Key| good(at).but(|it| it.key = key).query();
    let query = good(at).query();
    let without = |name: &str| {
        let kept: Vec<_> = query.split('&').filter(|part| !part.starts_with(name)).collect();
        kept.join("&")
    };
    let enveloped = "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>";
    let around_much = bulk(&good(at), Room::Query);
    let around_much = good(at).but(|it| it.key = Key::Stranger).query_of(around_much.as_bytes());
    vec![
        row("no signature", "SB-2004", by(Key::None)),
        row("an algorithm without signature", "SB-2004", without("Signature=")),
        row("a signature without algorithm", "SB-2005", without("SigAlg=")),
        row("SHA-1", "SB-2005", by(Key::Named(SHA1))),
        row("HMAC", "SB-2005", by(Key::Named(HMAC))),
        row("an algorithm in capitals", "SB-2005", by(Key::Named("HTTP://WWW.W3.ORG/x"))),
        row(
            "another hash than was signed",
            "SB-2006",
            by(Key::Named("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")),
        ),
        row("another key", "SB-2006", by(Key::Stranger)),
        row("another key around much", "SB-2006", around_much),
        row("an empty signature", "SB-2006", without("Signature=") + "&Signature="),
        row(
            "a signature of the wrong length",
            "SB-2006",
            without("Signature=") + "&Signature=AAAA",
        ),
        row("a signature that is no base64", "SB-1004", without("Signature=") + "&Signature=%2A"),
        row("a relay state that was not signed", "SB-2006", query.replace("=relay", "=other")),
        row("a relay state taken away", "SB-2006", without("RelayState=")),
        row(
            "a message encoded anew",
            "SB-2006",
            query.replacen("%2B", "%2b", 1).replacen("%2F", "%2f", 1),
        ),
        row(
            "an enveloped signature",
            "SB-2006",
            good(at)
                .but(|it| {
                    it.before_policy = enveloped.into();
                })
                .query(),
        ),
    ]
}
