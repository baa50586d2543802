//! Documents that must be refused by whatever binding they come, and requests that must not be
//! believed.

use std::fmt::Write as _;

use super::good;
use crate::support::gateway::BASE;
use crate::support::gateway::cloud::{CN, POST, Request, encode};
use crate::support::gateway::material::base64;

/// How a document travels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Compressed, in a query.
    Query,
    /// In a form.
    Form,
}

impl Room {
    /// Whether a document of that text is taken in at all.
    fn holds(self, text: &str) -> bool {
        const INFLATED: usize = 128 * 1024;
        const QUERY: usize = 15 * 1024;
        const FORM: usize = 250 * 1024;
        const SIGNATURE: usize = 4 * 1024;
        match self {
            Self::Query => {
                text.len() <= INFLATED
                    && Request::to("acme").query_of(text.as_bytes()).len() <= QUERY
            }
            Self::Form => {
                text.len() + SIGNATURE <= INFLATED && form_of(text.as_bytes()).len() <= FORM
            }
        }
    }
}

/// The form that carries a document.
pub(super) fn form_of(document: &[u8]) -> String {
    format!("SAMLRequest={}&RelayState=relay", encode(&base64(document)))
}

/// As much of `piece(0), piece(1), …` as there is room for.
pub(super) fn as_many(room: Room, frame: (&str, &str), piece: impl Fn(usize) -> String) -> String {
    let build = |count: usize| {
        let mut text = frame.0.to_owned();
        (0..count).for_each(|number| text.push_str(&piece(number)));
        text + frame.1
    };
    let fits = |count: usize| room.holds(&build(count));
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
fn inside(request: &Request, (before, after): (&str, &str)) -> (String, String) {
    let marked = request.clone().but(|it| it.before_policy = "MARK".into()).xml();
    let (head, tail) = marked.split_once("MARK").unwrap();
    (format!("{head}<p:Extensions>{before}"), format!("{after}</p:Extensions>{tail}"))
}

/// Documents that end the reading, whoever signed them.
pub(super) fn documents(at: i64, room: Room) -> Vec<Document> {
    let mut rows = octets(at);
    rows.extend(xml(at, room));
    rows.extend(schema(at));
    rows
}

/// A document to be sent.
pub(super) struct Document {
    /// What is wrong with it.
    pub(super) name: &'static str,
    /// The code of its refusal.
    pub(super) code: &'static str,
    pub(super) octets: Vec<u8>,
}

fn row(name: &'static str, code: &'static str, octets: impl Into<Vec<u8>>) -> Document {
    Document { name, code, octets: octets.into() }
}

/// That request with as many elements as a message may have, and text as far as there is room.
pub(super) fn bulk(request: &Request, room: Room) -> String {
    let (head, tail) = inside(request, ("", ""));
    as_many(room, (&head, &tail), |number| {
        // The signature has some, too.
        let is_node = number < skybridge::limits::XML_NODES - 80;
        if is_node { "<a b=\"\"/>" } else { "x" }.to_owned()
    })
}

fn octets(at: i64) -> Vec<Document> {
    let prologue = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>";
    vec![
        row("a bomb just beyond the limit", "SB-1006", vec![b' '; 128 * 1024 + 1]),
        row("octets that are not UTF-8", "SB-1007", *b"<a>\xFF</a>"),
        row("UTF-16", "SB-1007", *b"\xFE\xFF\0<\0a\0/\0>"),
        row(
            "another declared encoding",
            "SB-1007",
            good(at).but(|it| it.prologue = prologue.into()).xml(),
        ),
    ]
}

fn xml(at: i64, room: Room) -> Vec<Document> {
    let of = |text: &str| text.to_owned();
    let many = |before: &str, after: &str, piece: &dyn Fn(usize) -> String| {
        let (head, tail) = inside(&good(at), (before, after));
        as_many(room, (&head, &tail), piece)
    };
    let external = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let doctype = |text: &str| good(at).but(|it| text.clone_into(&mut it.prologue)).xml();
    let mut laughs = "<!DOCTYPE a [<!ENTITY a0 \"ha\">".to_owned();
    for level in 1..10 {
        write!(laughs, "<!ENTITY a{level} \"{}\">", format!("&a{};", level - 1).repeat(10))
            .unwrap();
    }
    let deep = |most: usize| format!("{}{}", "<a>".repeat(most), "</a>".repeat(most));
    let unclosed = good(at).xml().replace("</p:AuthnRequest>", "");
    vec![
        row("a DOCTYPE", "SB-1008", doctype("<!DOCTYPE a>")),
        row("an external entity", "SB-1008", doctype(external)),
        row("a billion laughs", "SB-1008", doctype(&(laughs + "]>"))),
        row("a DOCTYPE behind a comment", "SB-1008", doctype("<!-- --> <!DOCTYPE a>")),
        row("an entity that is not declared", "SB-1009", many("&x;", "", &|_| "&x;".into())),
        row("all attributes that fit", "SB-1010", many("<x ", "/>", &|n| format!(" a{n:x}=\"\""))),
        row("attributes of many elements", "SB-1010", {
            let each: Vec<_> = (0..60).map(|n| format!(" a{n:x}=\"\"")).collect();
            many("", "", &|_| format!("<x{}/>", each.concat()))
        }),
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
        row("all references that fit", "SB-1009", many("", "&#1;", &|_| "&#x1F600;".into())),
        row("a long name", "SB-1010", many("<", "/>", &|_| "a".into())),
        row("a long namespace", "SB-1010", many("<a xmlns=\"urn:", "\"/>", &|_| "a".into())),
        row("a message that breaks off", "SB-1009", of(&unclosed)),
        row("two roots", "SB-1009", of(&format!("{}<a/>", good(at).xml()))),
        row("text behind the root", "SB-1009", of(&format!("{}x", good(at).xml()))),
        row("a prefix that is not declared", "SB-1009", of("<q:AuthnRequest/>")),
        row("a character that XML does not have", "SB-1009", many("", "", &|_| "&#1;".into())),
        row("nothing", "SB-1009", of("")),
    ]
}

fn schema(at: i64) -> Vec<Document> {
    let saml = "xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let with = |change: &dyn Fn(&mut Request)| good(at).but(change).xml();
    let of = |text: &str| text.to_owned();
    let other = good(at).xml().replace("p:AuthnRequest", "p:LogoutRequest");
    vec![
        row("another message", "SB-1011", of(&other)),
        row(
            "another namespace",
            "SB-1011",
            of(&good(at).xml().replace("2.0:protocol", "2.1:protocol")),
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

/// Requests of which every octet can be read, and which must not be believed.
pub(super) fn trust(at: i64) -> Vec<(&'static str, &'static str, Request)> {
    let with = |change: &dyn Fn(&mut Request)| good(at).but(change);
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
    let sent = |seconds: i64| good(at + seconds);
    let acs = CN.acs;
    vec![
        ("a stranger", "SB-2003", issuer("https://stranger.example/")),
        ("another tenant's cloud", "SB-2003", issuer("https://sp.example/saml")),
        ("our own entityID", "SB-2003", issuer("https://gateway.example/acme")),
        ("an Issuer without its slash", "SB-2003", issuer("https://auth.huaweicloud.com")),
        ("an Issuer in capitals", "SB-2003", issuer("https://AUTH.huaweicloud.com/")),
        ("no Destination", "SB-2007", with(&|it| it.destination = None)),
        ("Destination: another path", "SB-2007", sent_to(&format!("{BASE}/acme/saml/slo"))),
        ("Destination: another tenant", "SB-2007", sent_to(&format!("{BASE}/bravo/saml/sso"))),
        ("Destination: another host", "SB-2007", sent_to("https://evil.example/acme/saml/sso")),
        ("Destination: http", "SB-2007", sent_to("http://gateway.example/acme/saml/sso")),
        ("Destination: a slash more", "SB-2007", sent_to(&format!("{BASE}/acme/saml/sso/"))),
        ("Destination: a port", "SB-2007", sent_to("https://gateway.example:443/acme/saml/sso")),
        ("Destination: a query", "SB-2007", sent_to(&format!("{BASE}/acme/saml/sso?x"))),
        ("Destination: capitals", "SB-2007", sent_to("https://Gateway.example/acme/saml/sso")),
        ("Destination: empty", "SB-2007", sent_to("")),
        ("ACS: another host", "SB-2008", reply_to("https://evil.example/acs")),
        ("ACS: a path more", "SB-2008", reply_to(&format!("{acs}/../x"))),
        ("ACS: a slash more", "SB-2008", reply_to(&format!("{acs}/"))),
        ("ACS: a query", "SB-2008", reply_to(&format!("{acs}?x=y"))),
        ("ACS: http", "SB-2008", reply_to(&acs.replace("https", "http"))),
        ("ACS: capitals", "SB-2008", reply_to(&acs.to_uppercase())),
        ("ACS: a user", "SB-2008", reply_to(&acs.replace("//", "//x@"))),
        ("ACS: a script", "SB-2008", reply_to("javascript:alert(1)")),
        ("ACS: empty", "SB-2008", reply_to("")),
        (
            "ACS: an index that is none",
            "SB-2008",
            with(&|it| {
                it.reply_to = "AssertionConsumerServiceIndex=\"9\"".into();
            }),
        ),
        ("an answer by artifact", "SB-2013", binding("HTTP-Artifact")),
        ("an answer by redirect", "SB-2013", binding("HTTP-Redirect")),
        ("an answer by PAOS", "SB-2013", binding("PAOS")),
        ("issued five minutes and a second ago", "SB-2009", sent(-301)),
        ("issued yesterday", "SB-2009", sent(-86_400)),
        ("issued in three minutes and a second", "SB-2010", sent(181)),
        ("issued tomorrow", "SB-2010", sent(86_400)),
    ]
}
