//! Fuzzing: what a fuzzer begins with: one message of each kind with all that we know in it, what
//! people make of them, and documents as large and as awkward as the limits allow.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skybridge::saml::names::{algorithm, ns};

use super::material::{deflate, encode, encode64};

/// The seeds of a target.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    let texts = match target {
        "redirect" => return queries(),
        "authn_request" => [requests(), large("AuthnRequest", &ends_of(&full_request()))].concat(),
        "logout" => [logouts(), large("LogoutRequest", &ends_of(&full_logout()))].concat(),
        "metadata" => return metadata(),
        "notification" => notifications(),
        "differential" => documents(),
        other => panic!("no target {other}"),
    };
    texts.into_iter().map(String::into_bytes).collect()
}

const HEAD: &str = "ID=\"_1\" Version=\"2.0\" IssueInstant=\"2026-11-21T12:00:00Z\"";

fn full_request() -> String {
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{protocol}\" xmlns:saml=\"{assertion}\" {HEAD} \
         Destination=\"https://idp.example/acme/saml/sso\" ForceAuthn=\"true\" IsPassive=\"0\" \
         AssertionConsumerServiceURL=\"https://sp.example/acs\" ProviderName=\"x\" \
         ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         AttributeConsumingServiceIndex=\"7\" Consent=\"urn:x\">\
         <saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">\
         https://sp.example/</saml:Issuer><samlp:Extensions><x:x xmlns:x=\"urn:x\">y</x:x>\
         </samlp:Extensions><saml:Subject><saml:NameID NameQualifier=\"q\" \
         SPNameQualifier=\"https://sp.example/\" SPProvidedID=\"p\" \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">name</saml:NameID>\
         </saml:Subject><samlp:NameIDPolicy AllowCreate=\"1\" SPNameQualifier=\"s\" \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\"/>\
         <saml:Conditions NotBefore=\"2026-11-21T12:00:00Z\"/>\
         <samlp:RequestedAuthnContext Comparison=\"minimum\"><saml:AuthnContextClassRef>\
         urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
         </saml:AuthnContextClassRef><saml:AuthnContextDeclRef>urn:d</saml:AuthnContextDeclRef>\
         </samlp:RequestedAuthnContext><samlp:Scoping ProxyCount=\"1\"><samlp:IDPList>\
         <samlp:IDPEntry ProviderID=\"https://idp.example/\" Name=\"n\"/></samlp:IDPList>\
         <samlp:RequesterID>r</samlp:RequesterID></samlp:Scoping></samlp:AuthnRequest>",
        protocol = ns::PROTOCOL,
        assertion = ns::ASSERTION,
    )
}

/// A message up to the end of its `Issuer`, and its end tag.
fn ends_of(message: &str) -> (String, String) {
    let issuer = "</saml:Issuer>";
    let (head, _) = message.split_once(issuer).expect("a message with an Issuer");
    let end = message.rfind("</").expect("an end tag");
    (head.to_owned() + issuer, message[end..].to_owned())
}

fn requests() -> Vec<String> {
    let full = full_request();
    let odd = format!(
        "\u{FEFF}<?xml version='1.0' encoding='utf-8'?>\n<!-- c --><AuthnRequest xmlns='{}' \
         {HEAD}\n\tAssertionConsumerServiceIndex='1' xmlns:xsi='{}' xsi:schemaLocation='a b'>\r\n\
         <i:Issuer xmlns:i='{}'>https:<!-- c -->//<![CDATA[sp.example]]>&#x2F;</i:Issuer>\
         <NameIDPolicy/></AuthnRequest>\n<?p i?>",
        ns::PROTOCOL,
        ns::XSI,
        ns::ASSERTION,
    );
    let (head, tail) = ends_of(&full);
    vec![
        format!("{head}{tail}"),
        full.replace("<saml:NameID ", "<saml:BaseID ").replace("/saml:NameID>", "/saml:BaseID>"),
        full.replace("</saml:Issuer>", &format!("</saml:Issuer>{}", signature())),
        full.replace("IssueInstant=\"2026", "IssueInstant=\"2026-11-21T12:00:00.000Z\" a=\"2026"),
        full,
        odd,
    ]
}

/// A signature in the accepted form, which nobody made.
fn signature() -> String {
    format!(
        "<ds:Signature xmlns:ds=\"{}\"><ds:SignedInfo><ds:CanonicalizationMethod \
         Algorithm=\"{c14n}\"><ec:InclusiveNamespaces xmlns:ec=\"{c14n}\" \
         PrefixList=\"saml #default\"/></ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
         <ds:Reference URI=\"#_1\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{}\"/><ds:Transform Algorithm=\"{c14n}\"/>\
         </ds:Transforms><ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue>{}</ds:DigestValue>\
         </ds:Reference></ds:SignedInfo><ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo>\
         <ds:X509Data/></ds:KeyInfo></ds:Signature>",
        ns::DSIG,
        algorithm::ENVELOPED,
        algorithm::SHA256,
        STANDARD.encode([7; 32]),
        STANDARD.encode([7; 256]),
        c14n = algorithm::EXC_C14N,
    )
}

fn full_logout() -> String {
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{}\" xmlns:saml=\"{}\" {HEAD} Reason=\"urn:r\" \
         Destination=\"https://idp.example/acme/saml/logout\" \
         NotOnOrAfter=\"2026-11-21T12:05:00Z\" Consent=\"urn:x\">\
         <saml:Issuer>https://sp.example/</saml:Issuer><samlp:Extensions>\
         <aslo:Asynchronous xmlns:aslo=\"{}\"/></samlp:Extensions>\
         <saml:NameID NameQualifier=\"q\" Format=\"{}\">name</saml:NameID>\
         <samlp:SessionIndex>1</samlp:SessionIndex><samlp:SessionIndex>2</samlp:SessionIndex>\
         </samlp:LogoutRequest>",
        ns::PROTOCOL,
        ns::ASSERTION,
        ns::ASYNC_SLO,
        "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    )
}

fn logouts() -> Vec<String> {
    let full = full_logout();
    let (head, tail) = ends_of(&full);
    let encrypted = format!(
        "<saml:EncryptedID><xenc:EncryptedData xmlns:xenc=\"{xenc}\" \
         Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod \
         Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/><ds:KeyInfo xmlns:ds=\"{}\">\
         <xenc:EncryptedKey><xenc:EncryptionMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"/></xenc:EncryptionMethod>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>\
         </xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{}\
         </xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedID>",
        ns::DSIG,
        STANDARD.encode([7; 256]),
        STANDARD.encode([7; 64]),
        xenc = ns::XENC,
    );
    let response = format!(
        "<samlp:LogoutResponse xmlns:samlp=\"{}\" xmlns:saml=\"{}\" {HEAD} InResponseTo=\"_0\" \
         Destination=\"https://idp.example/acme/saml/logout\"><saml:Issuer>https://sp.example/\
         </saml:Issuer><samlp:Status><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:PartialLogout\"/></samlp:StatusCode>\
         <samlp:StatusMessage>m</samlp:StatusMessage></samlp:Status></samlp:LogoutResponse>",
        ns::PROTOCOL,
        ns::ASSERTION,
    );
    let envelope = |inside: &str| {
        format!(
            "<e:Envelope xmlns:e=\"{}\"><e:Header/><e:Body>{inside}</e:Body></e:Envelope>",
            ns::SOAP
        )
    };
    vec![
        format!("{head}{encrypted}{tail}"),
        format!("{head}{}<saml:NameID>n</saml:NameID>{tail}", signature()),
        envelope(&full),
        envelope(&response),
        envelope(&format!("{head}{encrypted}{tail}")),
        full,
        response,
    ]
}

/// Messages that go to the limits: much of everything that costs work, below an element where the
/// schema allows anything.
fn large(name: &str, (head, tail): &(String, String)) -> Vec<String> {
    let fill = |declarations: &str, piece: &dyn Fn(usize) -> String, count: usize| {
        let open = head.replacen(name, &format!("{name} {declarations}"), 1);
        let mut text = open + "<samlp:Extensions>";
        for number in 0..count {
            let piece = piece(number);
            if text.len() + piece.len() + tail.len() + 64 > 128 * 1024 {
                break;
            }
            text.push_str(&piece);
        }
        [&text, "</samlp:Extensions>", tail].concat()
    };
    let attributes = |number: usize, name: &str| -> String {
        (0..60).map(|at| format!(" {name}{number}-{at}=\"\"")).collect::<Vec<_>>().concat()
    };
    let declarations = |number: usize| -> String {
        let each = (0..28).map(|at| format!(" xmlns:b{at}=\"{number}-{at}\""));
        each.collect::<Vec<_>>().concat()
    };
    let uri = "u".repeat(1000);
    let many =
        (0..27).map(|at| format!(" xmlns:n{at}=\"urn:{at}{uri}\"")).collect::<Vec<_>>().concat();
    vec![
        fill("", &|_| "<a/>".to_owned(), 1_900),
        fill("", &|_| "<a></a>x".to_owned(), 900),
        fill("", &|number| format!("<a{}/>", attributes(number, "b")), 1_900),
        fill("", &|number| format!("<a{}/>", attributes(number, "b")), 30),
        fill("", &|number| format!("<a{}/>", declarations(number)), 60),
        fill("", &|number| format!("<a{}/>", declarations(number)), 1_900),
        fill(&many, &|number| format!("<n{}:a/>", number % 27), 1_900),
        fill(
            &many,
            &|number| format!("<n{}:a n{}:b=\"\"/>", number % 27, (number + 1) % 27),
            1_900,
        ),
        fill(
            &format!("xmlns:n=\"urn:{uri}\" xmlns:m=\"urn:{uri}\""),
            &|number| format!("<a{}/>", attributes(number, "n:b")),
            1_900,
        ),
        fill("", &|_| "&#x1F600;".to_owned(), 15_000),
        fill("", &|_| "<![CDATA[]]>".to_owned(), 15_000),
        fill("", &|_| "<!--c-->".to_owned(), 15_000),
        fill("", &|_| "\r".to_owned(), 130_000),
        fill("", &|number| format!("<a ID=\"_1\" id=\"i{number}\" b='&lt;&#10;\t\"'/>"), 1_900),
        fill("", &|_| format!("{}{}", "<a xmlns=\"urn:x\">".repeat(20), "</a>".repeat(20)), 90),
        fill("", &|_| format!("<a b=\"{}\"/>", "&#9;".repeat(2_000)), 16),
        fill("", &|_| format!("<a b=\"{}\"/>", "x".repeat(8_000)), 16),
    ]
}

fn queries() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let texts = [requests(), large("AuthnRequest", &ends_of(&full_request()))].concat();
    for text in &texts {
        let compressed = deflate(text.as_bytes());
        found.push(format!("SAMLRequest={}", encode64(&compressed)).into_bytes());
        found.push(compressed);
    }
    let (request, logout) = (encode64(&deflate(full_request().as_bytes())), logouts());
    for by in [algorithm::RSA_SHA256, algorithm::ECDSA_SHA256] {
        found.push(
            format!(
                "SAMLRequest={request}&RelayState=a%20b%2B&SigAlg={}&Signature={}",
                encode(by.as_bytes()),
                encode64(&[7; 256])
            )
            .into_bytes(),
        );
    }
    let encoding = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
    for text in [
        format!("SAMLRequest={request}&SAMLEncoding={}&x=y", encode(encoding.as_bytes())),
        format!("x&RelayState=&SAMLResponse={}", encode64(&deflate(logout[6].as_bytes()))),
        format!("SAML%52equest={}", encode64(&deflate(logout[5].as_bytes()))),
        format!("SAMLRequest={}&RelayState={}", "%41".repeat(3_000), "%E2%82%AC".repeat(200)),
        "&".repeat(16 * 1024 - 2) + "a=",
        "%53AMLRequest=&".repeat(1_000),
    ] {
        found.push(text.into_bytes());
    }
    // As much as a query can carry, which inflates beyond every limit.
    found.push(deflate(&vec![b' '; 1024 * 1024]));
    found
}

fn metadata() -> Vec<Vec<u8>> {
    let entity = include_str!("../../../tests/corpus/metadata-lint/clean-small.xml");
    let (_, after) = entity.split_once("<md:EntityDescriptor").expect("a descriptor");
    let group = |count: usize| {
        let one = format!("<md:EntityDescriptor{after}");
        let open = format!("<md:EntitiesDescriptor xmlns:md=\"{}\" ID=\"_1\">", ns::METADATA);
        [&open, one.repeat(count).as_str(), "</md:EntitiesDescriptor>"].concat()
    };
    let certificate = |pem: &str| {
        let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(text).expect("a certificate")
    };
    let ec = rcgen::generate_simple_self_signed(["ec.example".to_owned()]).expect("a certificate");
    vec![
        entity.as_bytes().to_vec(),
        include_bytes!("../../../tests/corpus/metadata-lint/clean-full.xml").to_vec(),
        include_bytes!("../../../tests/corpus/metadata-lint/clean-group.xml").to_vec(),
        include_bytes!("../../../tests/corpus/metadata-lint/clean-both-roles.xml").to_vec(),
        include_bytes!("../../../tests/corpus/metadata-lint/clean-default-namespace.xml").to_vec(),
        group(2).into_bytes(),
        certificate(include_str!("../../../tests/vectors/sp.crt")),
        certificate(include_str!("../../../tests/vectors/idp.crt")),
        ec.cert.der().to_vec(),
    ]
}

fn notifications() -> Vec<String> {
    let json = |action: &str| {
        format!(
            "{{\"xUserId\":\"x-1\",\"domainId\":\"0a\",\"domainName\":\"n\",\"userId\":\"u\",\
             \"userName\":\"\\u00e9\",\"bindAction\":{action},\"other\":[1,{{}}]}}"
        )
    };
    let form = |request: &str| {
        format!(
            "bindRequest={}&SigAlg={}&Signature={}",
            encode64(request.as_bytes()),
            encode(algorithm::RSA_SHA256.as_bytes()),
            encode64(&[7; 256])
        )
    };
    vec![
        json("0"),
        json("1"),
        json("\"0\""),
        json("\"1\""),
        json("2"),
        json("null").replace("\"u\"", "null"),
        STANDARD.encode(json("0")),
        form(&json("0")),
        form(&json("\"1\"")),
        form("x").replace("rsa", "ecdsa"),
        "[".repeat(5_000),
        json(&format!("{}1{}", "[".repeat(120), "]".repeat(120))),
        json(&format!("\"{}\"", "\\ud83d\\ude00".repeat(10_000))),
        json(&format!("{}0", "1".repeat(100_000))),
    ]
}

fn documents() -> Vec<String> {
    let mut found =
        [requests(), logouts(), large("LogoutRequest", &ends_of(&full_logout()))].concat();
    found.extend(
        [
            "<a/>",
            "<a xmlns='urn:1'><b xmlns=''><c xmlns='urn:1' xmlns:p='urn:2' p:d='1' d='2'/></b></a>",
            "<p:a xmlns:p='urn:1' xmlns:q='urn:1' q:a='1' a='2' xml:lang='en'>x<!-- c -->y</p:a>",
            "<a b=\"&lt;&gt;&amp;&quot;&apos;&#x9;&#10;&#xD; \t\n\">&lt;&gt;&amp;\"'&#xD;\r\n</a>",
            "<a><![CDATA[x]]><![CDATA[]]>y<![CDATA[<&>]]]]>&gt;</a>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone='yes'?><?p i?><a></a ><!-- c -->",
            "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:space='x' xml:id='1'/>",
        ]
        .map(str::to_owned),
    );
    // Choices in place of a document.
    found.extend((1..9_u8).map(|step| {
        (0..200_u8).map(|at| char::from(b'0' + at.wrapping_mul(step) % 75)).collect::<String>()
    }));
    found
}
