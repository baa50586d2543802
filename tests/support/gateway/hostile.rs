//! Requests that must be refused, each with the code that it must get. Tests send them; the
//! benchmark weighs them.

use std::fmt::Write as _;

use skybridge::limits;

use super::BASE;
use super::cloud::{CN, Key, POST, Request, deflate, encode};
use super::material::base64;

/// A hostile request to acme's SSO address.
pub(crate) struct Hostile {
    /// What is wrong.
    pub(crate) name: &'static str,
    /// The code of its refusal.
    pub(crate) code: &'static str,
    /// The raw query.
    pub(crate) query: String,
}

/// Every hostile request.
pub(crate) fn corpus() -> Vec<Hostile> {
    let mut rows = parameters();
    rows.extend(encodings());
    rows.extend(xml());
    rows.extend(schema());
    rows.extend(signatures());
    rows.extend(trust());
    rows
}

fn row(name: &'static str, code: &'static str, query: String) -> Hostile {
    Hostile { name, code, query }
}

fn good() -> Request {
    Request::to("acme")
}

fn parameters() -> Vec<Hostile> {
    let query = good().query();
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
            good().but(|it| it.relay_state = Some("x".repeat(2049))).query(),
        ),
        row(
            "a relay state that is not UTF-8",
            "SB-1004",
            query.replace("RelayState=relay", "RelayState=%FF"),
        ),
    ]
}

fn encodings() -> Vec<Hostile> {
    let with = |message: &str| format!("SAMLRequest={message}");
    let compressed = deflate(good().xml().as_bytes());
    let mut trailing = compressed.clone();
    trailing.extend_from_slice(b"more");
    let around = |octets: &[u8]| good().query_around(octets);
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
        row("a bomb of spaces", "SB-1006", good().query_of(&vec![b' '; 4 * 1024 * 1024])),
        row(
            "a bomb just beyond the limit",
            "SB-1006",
            good().query_of(&vec![b' '; 128 * 1024 + 1]),
        ),
        row("octets that are not UTF-8", "SB-1007", good().query_of(b"<a>\xFF</a>")),
        row("UTF-16", "SB-1007", good().query_of(b"\xFE\xFF\0<\0a\0/\0>")),
        row(
            "another declared encoding",
            "SB-1007",
            good()
                .but(|it| it.prologue = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>".into())
                .query(),
        ),
    ]
}

/// As much of `piece(0), piece(1), …` as fits into a message of the greatest size and a query of
/// the greatest length.
fn as_many(frame: (&str, &str), piece: impl Fn(usize) -> String) -> String {
    const INFLATED: usize = 128 * 1024;
    const QUERY: usize = 15 * 1024;
    let build = |count: usize| {
        let mut text = frame.0.to_owned();
        (0..count).for_each(|number| text.push_str(&piece(number)));
        text + frame.1
    };
    let fits = |count: usize| {
        let text = build(count);
        text.len() <= INFLATED && Request::to("acme").query_of(text.as_bytes()).len() <= QUERY
    };
    let (mut most, mut step) = (0, 1 << 17);
    while step > 0 {
        if fits(most + step) {
            most += step;
        }
        step /= 2;
    }
    build(most)
}

/// Every place of a request where much can stand.
fn inside(before: &str, after: &str) -> (String, String) {
    let marked = good().but(|it| it.before_policy = "MARK".into()).xml();
    let (head, tail) = marked.split_once("MARK").unwrap();
    (format!("{head}<p:Extensions>{before}"), format!("{after}</p:Extensions>{tail}"))
}

fn xml() -> Vec<Hostile> {
    let of = |text: &str| good().query_of(text.as_bytes());
    let many = |before: &str, after: &str, piece: &dyn Fn(usize) -> String| {
        let (head, tail) = inside(before, after);
        of(&as_many((&head, &tail), piece))
    };
    let external = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let doctype = |text: &str| good().but(|it| text.clone_into(&mut it.prologue)).query();
    let mut laughs = "<!DOCTYPE a [<!ENTITY a0 \"ha\">".to_owned();
    for level in 1..10 {
        write!(laughs, "<!ENTITY a{level} \"{}\">", format!("&a{};", level - 1).repeat(10))
            .unwrap();
    }
    let deep = |most: usize| format!("{}{}", "<a>".repeat(most), "</a>".repeat(most));
    let unclosed = good().xml().replace("</p:AuthnRequest>", "");
    vec![
        row("a DOCTYPE", "SB-1008", doctype("<!DOCTYPE a>")),
        row("an external entity", "SB-1008", doctype(external)),
        row("a billion laughs", "SB-1008", doctype(&(laughs + "]>"))),
        row("a DOCTYPE behind a comment", "SB-1008", doctype("<!-- --> <!DOCTYPE a>")),
        row("an entity that is not declared", "SB-1009", many("&x;", "", &|_| "&x;".into())),
        row("80,000 attributes", "SB-1006", {
            let mut text = "<p:AuthnRequest".to_owned();
            (0..80_000).for_each(|_| text.push_str(" a=\"\""));
            of(&(text + "/>"))
        }),
        row("all attributes that fit", "SB-1010", many("<x ", "/>", &|n| format!(" a{n:x}=\"\""))),
        row(
            "one attribute twice",
            "SB-1009",
            many("<x ", "/>", &|n| if n < 2 { " a=\"\"" } else { "" }.into()),
        ),
        row("one attribute again and again", "SB-1010", many("<x ", "/>", &|_| " a=\"\"".into())),
        row(
            "all namespaces that fit",
            "SB-1010",
            many("<x ", "/>", &|n| format!(" xmlns:n{n:x}=\"urn:x\"")),
        ),
        row(
            "namespaces of many elements",
            "SB-1010",
            many("", "", &|n| format!("<a xmlns:n{n:x}=\"urn:x\">")),
        ),
        row("the deepest nesting that fits", "SB-1010", of(&deep(18_000))),
        row("nesting below the root", "SB-1010", many("", "", &|_| "<a>".into())),
        row("all elements that fit", "SB-1010", many("", "", &|_| "<a/>".into())),
        row("all texts that fit", "SB-1010", many("", "", &|_| "<a/>x".into())),
        row("a long name", "SB-1010", many("<", "/>", &|_| "a".into())),
        row("a long namespace", "SB-1010", many("<a xmlns=\"urn:", "\"/>", &|_| "a".into())),
        row("a message that breaks off", "SB-1009", of(&unclosed)),
        row("two roots", "SB-1009", of(&format!("{}<a/>", good().xml()))),
        row("text behind the root", "SB-1009", of(&format!("{}x", good().xml()))),
        row("a prefix that is not declared", "SB-1009", of("<q:AuthnRequest/>")),
        row("a character that XML does not have", "SB-1009", many("", "", &|_| "&#1;".into())),
        row("nothing", "SB-1009", of("")),
    ]
}

fn schema() -> Vec<Hostile> {
    let saml = "xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let with = |change: &dyn Fn(&mut Request)| good().but(change).query();
    let of = |text: &str| good().query_of(text.as_bytes());
    let other = good().xml().replace("p:AuthnRequest", "p:LogoutRequest");
    vec![
        row("another message", "SB-1011", of(&other)),
        row(
            "another namespace",
            "SB-1011",
            of(&good().xml().replace("2.0:protocol", "2.1:protocol")),
        ),
        row("another version", "SB-1012", with(&|it| it.version = "1.1")),
        row("a version to come", "SB-1012", with(&|it| it.version = "3.0")),
        row("an ID that is none", "SB-1011", with(&|it| it.id = "1 2".into())),
        row("an empty ID", "SB-1011", with(&|it| it.id = String::new())),
        row("an ID beyond the limit", "SB-1011", with(&|it| it.id = "_".repeat(257))),
        row("a time that is none", "SB-1011", with(&|it| it.issue_instant = "now".into())),
        row("an empty Issuer", "SB-1011", with(&|it| it.issuer = String::new())),
        row("an Issuer beyond the limit", "SB-1011", with(&|it| it.issuer = "x".repeat(1025))),
        row(
            "two Issuers",
            "SB-1011",
            with(&|it| {
                it.before_policy = format!("<a:Issuer {saml}>{}</a:Issuer>", CN.entity_id);
            }),
        ),
        row(
            "a boolean that is none",
            "SB-1011",
            with(&|it| {
                it.attributes = "ForceAuthn=\"yes\"".into();
            }),
        ),
        row(
            "an attribute that is not the schema's",
            "SB-1011",
            with(&|it| {
                it.attributes = "ForceAuthN=\"true\"".into();
            }),
        ),
        row(
            "an element that is not the schema's",
            "SB-1011",
            with(&|it| {
                it.after_policy = "<p:Other/>".into();
            }),
        ),
        row("text between elements", "SB-1011", with(&|it| it.before_policy = "text".into())),
        row(
            "ACS by index and by address",
            "SB-1011",
            with(&|it| {
                it.attributes = "AssertionConsumerServiceIndex=\"0\"".into();
            }),
        ),
        row(
            "an index out of range",
            "SB-1011",
            with(&|it| {
                it.reply_to = "AssertionConsumerServiceIndex=\"65536\"".into();
            }),
        ),
    ]
}

fn signatures() -> Vec<Hostile> {
    const HMAC: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
    const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    let by = |key: Key| good().but(|it| it.key = key).query();
    let query = good().query();
    let without = |name: &str| {
        let kept: Vec<_> = query.split('&').filter(|part| !part.starts_with(name)).collect();
        kept.join("&")
    };
    let enveloped = "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>";
    let bulk = {
        let (head, tail) = inside("", "");
        let text = as_many((&head, &tail), |number| {
            if number < limits::XML_NODES - 50 { "<a b=\"\"/>".to_owned() } else { "x".to_owned() }
        });
        good().but(|it| it.key = Key::Stranger).query_of(text.as_bytes())
    };
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
        row("another key around much", "SB-2006", bulk),
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
            good()
                .but(|it| {
                    it.before_policy = enveloped.into();
                })
                .query(),
        ),
    ]
}

fn trust() -> Vec<Hostile> {
    let with = |change: &dyn Fn(&mut Request)| good().but(change).query();
    let sent_to = |url: &str| with(&|it| it.destination = Some(url.to_owned()));
    let reply_to =
        |url: &str| with(&|it| it.reply_to = format!("AssertionConsumerServiceURL=\"{url}\""));
    let binding = |name: &str| {
        with(&|it| {
            let uri = format!("urn:oasis:names:tc:SAML:2.0:bindings:{name}");
            it.reply_to = it.reply_to.replace(POST, &uri);
        })
    };
    let issuer = |text: &str| with(&|it| text.clone_into(&mut it.issuer));
    let at = |seconds: i64| good().issued(seconds).query();
    let acs = CN.acs;
    vec![
        row("a stranger", "SB-2003", issuer("https://stranger.example/")),
        row("another tenant's cloud", "SB-2003", issuer("https://sp.example/saml")),
        row("our own entityID", "SB-2003", issuer("https://gateway.example/acme")),
        row("an Issuer without its slash", "SB-2003", issuer("https://auth.huaweicloud.com")),
        row("an Issuer in capitals", "SB-2003", issuer("https://AUTH.huaweicloud.com/")),
        row("no Destination", "SB-2007", with(&|it| it.destination = None)),
        row("Destination: another path", "SB-2007", sent_to(&format!("{BASE}/acme/saml/slo"))),
        row("Destination: another tenant", "SB-2007", sent_to(&format!("{BASE}/bravo/saml/sso"))),
        row("Destination: another host", "SB-2007", sent_to("https://evil.example/acme/saml/sso")),
        row("Destination: http", "SB-2007", sent_to("http://gateway.example/acme/saml/sso")),
        row("Destination: a slash more", "SB-2007", sent_to(&format!("{BASE}/acme/saml/sso/"))),
        row("Destination: a port", "SB-2007", sent_to("https://gateway.example:443/acme/saml/sso")),
        row("Destination: a query", "SB-2007", sent_to(&format!("{BASE}/acme/saml/sso?x"))),
        row("Destination: capitals", "SB-2007", sent_to("https://Gateway.example/acme/saml/sso")),
        row("Destination: empty", "SB-2007", sent_to("")),
        row("ACS: another host", "SB-2008", reply_to("https://evil.example/acs")),
        row("ACS: a path more", "SB-2008", reply_to(&format!("{acs}/../x"))),
        row("ACS: a slash more", "SB-2008", reply_to(&format!("{acs}/"))),
        row("ACS: a query", "SB-2008", reply_to(&format!("{acs}?x=y"))),
        row("ACS: http", "SB-2008", reply_to(&acs.replace("https", "http"))),
        row("ACS: capitals", "SB-2008", reply_to(&acs.to_uppercase())),
        row("ACS: a user", "SB-2008", reply_to(&acs.replace("//", "//x@"))),
        row("ACS: a script", "SB-2008", reply_to("javascript:alert(1)")),
        row("ACS: empty", "SB-2008", reply_to("")),
        row(
            "ACS: an index that is none",
            "SB-2008",
            with(&|it| {
                it.reply_to = "AssertionConsumerServiceIndex=\"9\"".into();
            }),
        ),
        row("an answer by artifact", "SB-2013", binding("HTTP-Artifact")),
        row("an answer by redirect", "SB-2013", binding("HTTP-Redirect")),
        row("an answer by PAOS", "SB-2013", binding("PAOS")),
        row("issued five minutes and a second ago", "SB-2009", at(-301)),
        row("issued yesterday", "SB-2009", at(-86_400)),
        row("issued in three minutes and a second", "SB-2010", at(181)),
        row("issued tomorrow", "SB-2010", at(86_400)),
    ]
}

/// A query that says that it is compressed and is not: for completeness of the encodings.
pub(crate) fn plain_xml() -> String {
    format!("SAMLRequest={}", encode(&base64(good().xml().as_bytes())))
}
