//! Documents that look odd and are legal: whatever prefixes, quotes, white space, order of
//! attributes, CDATA, references and unknown extensions a sender chooses, what is read is the same,
//! by every binding, signed (conformance ).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::macros::datetime;

use super::key::SigningKey;
use super::logout::LogoutRequest;
use super::message::{Message, Received};
use super::names::{algorithm, ns};
use super::signature::verify::tests::{HERE, sign};
use super::sp_metadata::{self, Trust};
use super::tests::keys;
use super::verified::{Proof, Unsigned, Unverified};
use super::{AuthnRequest, Error, post, redirect, soap};

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

/// A message in its usual form, with [`HERE`] where an enveloped signature belongs.
fn authn_request() -> String {
    format!(
        "<p:AuthnRequest xmlns:p=\"{}\" xmlns:a=\"{}\" ID=\"_m\" Version=\"2.0\" \
         IssueInstant=\"2026-01-02T03:04:05Z\" ForceAuthn=\"false\" \
         AssertionConsumerServiceURL=\"https://sp.example/acs?a=1&amp;b=2\">\
         <a:Issuer>https://sp.example/?x&amp;y</a:Issuer>{HERE}\
         <p:NameIDPolicy AllowCreate=\"true\"/></p:AuthnRequest>",
        ns::PROTOCOL,
        ns::ASSERTION
    )
}

fn logout_request() -> String {
    format!(
        "<p:LogoutRequest xmlns:p=\"{}\" xmlns:a=\"{}\" ID=\"_m\" Version=\"2.0\" \
         IssueInstant=\"2026-01-02T03:04:05Z\" NotOnOrAfter=\"2026-01-02T03:09:05Z\">\
         <a:Issuer>https://sp.example/?x&amp;y</a:Issuer>{HERE}\
         <a:NameID Format=\"urn:f\">who</a:NameID><p:SessionIndex>one</p:SessionIndex>\
         </p:LogoutRequest>",
        ns::PROTOCOL,
        ns::ASSERTION
    )
}

fn metadata() -> String {
    format!(
        "<p:EntityDescriptor xmlns:p=\"{}\" ID=\"_m\" entityID=\"https://sp.example/?x&amp;y\">\
         {HERE}<p:SPSSODescriptor protocolSupportEnumeration=\"{}\">\
         <p:NameIDFormat>urn:f</p:NameIDFormat><p:AssertionConsumerService index=\"0\" \
         Location=\"https://sp.example/acs?a=1&amp;b=2\" \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"/>\
         </p:SPSSODescriptor></p:EntityDescriptor>",
        ns::METADATA,
        ns::PROTOCOL
    )
}

/// The same document in other words, each with a name.
fn odd(document: &str) -> Vec<(&'static str, String)> {
    let prefixed = |prefix: &str| {
        let declared = document.replace("xmlns:p=", &format!("xmlns:{prefix}="));
        declared.replace("<p:", &format!("<{prefix}:")).replace("</p:", &format!("</{prefix}:"))
    };
    vec![
        ("as usual", document.to_owned()),
        (
            "the default prefix",
            document.replace("<p:", "<").replace("</p:", "</").replace("xmlns:p=", "xmlns="),
        ),
        ("a long prefix", prefixed("samlp2.-·é")),
        ("a prefix that is used to mean something else", prefixed("ds")),
        ("lines between elements", document.replace("><", ">\r\n\t <")),
        (
            "lines between attributes",
            document.replace(" Version", "\r\n\t Version").replace(" entityID", "\n\n entityID"),
        ),
        ("white space around the equals sign", document.replace("ID=\"_m\"", "ID = \"_m\"")),
        ("white space at the end of tags", document.replace("\">", "\"\n >").replace("r>", "r\t>")),
        ("single quotes", document.replace('"', "'")),
        ("another order of attributes", swapped(document)),
        (
            "CDATA",
            document
                .replace("urn:f<", "<![CDATA[urn:]]>f<")
                .replace(">https://sp.example/?x&amp;y<", "><![CDATA[https://sp.example/?x&y]]><")
                .replace(">who<", "><![CDATA[who]]><"),
        ),
        ("comments", document.replace("><", "><!-- - <x> & --><").replace("who", "w<!-- -->ho")),
        (
            "references",
            document
                .replace("sp.example/?", "sp&#46;example&#x2F;?")
                .replace("who", "&#119;h&#x6f;"),
        ),
        (
            "a declaration",
            format!("<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n{document}\n"),
        ),
        ("a byte order mark", format!("\u{FEFF}{document}")),
        ("something before it", format!("<!-- x --><?x y?>\n{document}<!-- z -->\n")),
        (
            "empty elements in two tags",
            document
                .replace("true\"/>", "true\"></p:NameIDPolicy>")
                .replace("POST\"/>", "POST\"></p:AssertionConsumerService>")
                .replace("<q:b/>", "<q:b></q:b>"),
        ),
        (
            "namespaces that nobody uses",
            document.replacen(" ID=", " xmlns:q='urn:q' xmlns:xs='urn:xs' ID=", 1),
        ),
    ]
}

/// The root's attributes, the first of them last.
fn swapped(document: &str) -> String {
    let (head, rest) = document.split_once('>').unwrap();
    let (name, attributes) = head.split_once(' ').unwrap();
    let mut all: Vec<_> = attributes.split("\" ").map(|one| one.trim_end_matches('"')).collect();
    all.rotate_left(1);
    all.reverse();
    format!("{name} {}\">{rest}", all.join("\" "))
}

/// With `Extensions` where the schema has them.
fn extended(document: &str) -> String {
    let extensions = "<p:Extensions><q:a xmlns:q=\"urn:q\" q:y=\"1\"><q:b/>t</q:a>\
                      <r xmlns=\"urn:r\">&lt;</r></p:Extensions>";
    document.replace(HERE, &format!("{HERE}{extensions}"))
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn taken<T: Message>(received: Result<Unverified<Received<T>>, Error>, name: &str) -> Received<T> {
    let received = received.unwrap_or_else(|error| panic!("{name}: {error}"));
    let verified = received.verify(&[keys(1).1], Unsigned::Refuse);
    let verified = verified.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(matches!(verified.proof(), Proof::Signature(_)), "{name}");
    verified.into_inner()
}

/// Reads a document, signed, by HTTP-Redirect and by HTTP-POST.
fn both_ways<T: Message + std::fmt::Debug>(
    (name, document): (&str, &str),
    relay_state: Option<&str>,
    key: &SigningKey,
) -> [String; 2] {
    let state = relay_state.map(|state| format!("&RelayState={}", percent(state)));
    let state = state.unwrap_or_default();
    let plain = document.replace(HERE, "");
    let deflated = STANDARD.encode(redirect::tests::deflate(plain.as_bytes()));
    let octets = format!(
        "SAMLRequest={}{state}&SigAlg={}",
        percent(&deflated),
        percent(algorithm::RSA_SHA256)
    );
    let signature = STANDARD.encode(key.sign(octets.as_bytes()).unwrap());
    let query = format!("{octets}&Signature={}", percent(&signature));
    let by_redirect = taken::<T>(redirect::read(&query), name);
    let signed = STANDARD.encode(sign(document, "_m", "", key));
    let form = format!("SAMLRequest={}{state}", percent(&signed));
    let by_post = taken::<T>(post::read("", form.as_bytes()), name);
    [by_redirect, by_post].map(|received| {
        let echoed = received.relay_state.map(String::from);
        assert_eq!(echoed.as_deref(), relay_state, "{name}");
        format!("{:?}", received.message)
    })
}

fn same_by_every_binding<T: Message + std::fmt::Debug>(usual: &str) {
    let key = keys(1).0;
    let [expected, _] = both_ways::<T>(("as usual", usual), None, &key);
    let extended = extended(usual);
    for (name, document) in odd(usual).into_iter().chain(odd(&extended)) {
        for read in both_ways::<T>((name, &document), Some("s"), &key) {
            assert_eq!(read, expected, "{name}: {document}");
        }
    }
}

#[test]
fn odd_but_legal_authentication_requests_are_read_as_their_usual_form_by_both_bindings() {
    same_by_every_binding::<AuthnRequest>(&authn_request());
}

#[test]
fn odd_but_legal_logout_requests_are_read_as_their_usual_form_by_both_bindings() {
    same_by_every_binding::<LogoutRequest>(&logout_request());
}

#[test]
fn odd_but_legal_logout_requests_are_read_in_an_envelope_too() {
    let key = keys(1).0;
    let read = |name: &str, document: &str| {
        let signed = sign(document, "_m", "", &key);
        let at = signed.find('<').unwrap();
        let envelope = format!(
            "<e:Envelope xmlns:e='{}'>\n<e:Body>{}</e:Body></e:Envelope>",
            ns::SOAP,
            &signed[at..]
        );
        let read = soap::read::<LogoutRequest>(envelope.as_bytes());
        let read = read.and_then(|message| message.verify(&[keys(1).1], Unsigned::Refuse));
        format!("{:?}", read.unwrap_or_else(|error| panic!("{name}: {error}")).into_inner())
    };
    let usual = read("as usual", &logout_request());
    // What stands before a document cannot stand before an element.
    let before = ["a declaration", "a byte order mark", "something before it"];
    for (name, document) in odd(&logout_request()) {
        if !before.contains(&name) {
            assert_eq!(read(name, &document), usual, "{name}");
        }
    }
}

#[test]
fn odd_but_legal_metadata_is_read_as_its_usual_form_signed_and_unsigned() {
    let (key, verifying) = keys(1);
    let trust = [verifying];
    let read = |name: &str, document: &str| {
        let plain = document.replace(HERE, "");
        let signed = sign(document, "_m", "", &key);
        let both = [
            sp_metadata::read(plain.as_bytes(), None, Trust::Origin, NOW),
            sp_metadata::read(signed.as_bytes(), None, Trust::Signature(&trust), NOW),
        ];
        both.map(|read| format!("{:?}", read.unwrap_or_else(|error| panic!("{name}: {error}"))))
    };
    let [usual, signed] = read("as usual", &metadata());
    assert_eq!(usual, signed);
    let more = " xmlns:q='urn:q' q:ID='_m2' q:x='1' xml:lang='zh' ID=";
    let foreign = metadata().replacen(" ID=", more, 1);
    let foreign = ("attributes of other namespaces", foreign);
    let odd = odd(&metadata()).into_iter().chain(odd(&extended(&metadata()))).chain([foreign]);
    for (name, document) in odd {
        for found in read(name, &document) {
            assert_eq!(found, usual, "{name}: {document}");
        }
    }
}

// Conformance: 80 bytes is what the standard allows a sender, and many exceed it.
#[test]
fn a_relay_state_of_80_bytes_and_of_more_comes_back_byte_for_byte() {
    let key = keys(1).0;
    for state in [
        String::new(),
        "x".repeat(80),
        "x".repeat(81),
        "状态".repeat(40),
        "{\"a\":[1,2],\"u\":\"https://sp.example/?a=1&b=%2F#+ \"}\r\n".repeat(10),
        "x".repeat(crate::limits::RELAY_STATE_BYTES),
    ] {
        both_ways::<AuthnRequest>(("a state", &authn_request()), Some(&state), &key);
        both_ways::<LogoutRequest>(("a state", &logout_request()), Some(&state), &key);
    }
}
