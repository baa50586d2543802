//! What we encrypt, decrypted by others: xmlsec1 (OpenSSL through its own reader) and Python's
//! cryptography with lxml; and what xmlsec1 encrypted, decrypted by us (conformance,
//!

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skybridge::app::system::SystemRandom;
use skybridge::saml::allowed::Declared;
use skybridge::saml::encryption::{
    DecryptionKey, EncryptionKey, Envelope, Recipient, Unauthenticated, decrypt_id,
};
use skybridge::saml::names::{algorithm, binding, ns};
use skybridge::saml::response::{Signed, Signing};
use skybridge::saml::signature::sign::PrefixList;
use skybridge::saml::sp_metadata::{self, Trust};
use skybridge::saml::xml::{Limits, parse};
use skybridge::saml::{Error, SigningKey};
use tempfile::NamedTempFile;
use time::macros::datetime;

use crate::support::answer::Answer;
use crate::support::schema::{Schema, assert_valid};
use crate::support::signxml::{self, Asked};
use crate::support::xmlsec;

/// An RSA key with its certificate, in files and in memory.
struct Party {
    private_pem: String,
    private: Vec<u8>,
    certificate: Vec<u8>,
    pem: String,
    key_file: NamedTempFile,
    certificate_file: NamedTempFile,
}

impl Party {
    fn new(host: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let params = rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap();
        let file = |text: &str| {
            let file = NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            file
        };
        Self {
            private_pem: pair.serialize_pem(),
            private: pair.serialize_der(),
            certificate: certificate.der().to_vec(),
            pem: certificate.pem(),
            key_file: file(&pair.serialize_pem()),
            certificate_file: file(&certificate.pem()),
        }
    }
}

static SP: LazyLock<Party> = LazyLock::new(|| Party::new("sp.example"));
static IDP: LazyLock<Party> = LazyLock::new(|| Party::new("idp.example"));

/// The key of the service provider, whose metadata has these methods beside it.
fn key(methods: &str) -> EncryptionKey {
    let certificate = STANDARD.encode(&SP.certificate);
    let text = format!(
        "<md:EntityDescriptor xmlns:md='{}' xmlns:ds='{}' xmlns:xenc11='{}' entityID='urn:sp'>\
         <md:SPSSODescriptor protocolSupportEnumeration='{}'><md:KeyDescriptor use='encryption'>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo>{methods}</md:KeyDescriptor><md:AssertionConsumerService \
         index='0' Binding='{}' Location='https://sp.example/acs'/></md:SPSSODescriptor>\
         </md:EntityDescriptor>",
        ns::METADATA,
        ns::DSIG,
        ns::XENC11,
        ns::PROTOCOL,
        binding::POST
    );
    assert_valid(Schema::Metadata, &text);
    let now = datetime!(2026-01-02 03:04:05 UTC);
    let provider = sp_metadata::read(text.as_bytes(), None, Trust::Origin, now).unwrap();
    provider.encryption_keys.into_iter().next().unwrap()
}

fn method(uri: &str, inside: &str) -> String {
    format!("<md:EncryptionMethod Algorithm='{uri}'>{inside}</md:EncryptionMethod>")
}

const SHAPES: [(Signed, &[&str]); 4] = [
    (Signed::Assertion, &["xsd"]),
    (Signed::Response, &[]),
    (Signed::Both, &["xsd"]),
    (Signed::Both, &[]),
];

/// The contract's answer, signed as said and encrypted for the key.
fn sealed(key: &EncryptionKey, (what, prefixes): (Signed, &[&str])) -> String {
    let signer = SigningKey::new(&IDP.private, &IDP.certificate).unwrap();
    let prefixes = PrefixList::new(prefixes.iter().copied()).unwrap();
    let signing = Signing { what, prefixes, declared: Declared::default() };
    let keys = [key.clone()];
    let recipient = Recipient::choose(&keys, Unauthenticated::Accept).unwrap();
    let envelope = Envelope::new(recipient, &SystemRandom);
    Answer::of_the_contract().seal(&signer, &signing, envelope).unwrap()
}

/// The assertion in a decrypted document.
fn assertion_in(decrypted: &str) -> &str {
    let start = decrypted.find("<saml2:Assertion ").unwrap();
    let end = decrypted.find("</saml2:Assertion>").unwrap() + "</saml2:Assertion>".len();
    &decrypted[start..end]
}

/// That the signatures hold, each where it can be seen, and that the text inside is ours.
fn assert_holds((sealed, decrypted): (&str, &str), assertion: &str, what: Signed) {
    let verify = |text: &str, element: &str| {
        xmlsec::verify(&[text], IDP.certificate_file.path(), element).unwrap();
    };
    if what != Signed::Assertion {
        verify(sealed, &format!("{}:Response", ns::PROTOCOL));
    }
    // The assertion left its envelope: it has to stand on its own.
    assert_valid(Schema::Assertion, assertion);
    assert!(assertion.contains(">05ab000000000000000000000000bp01<"), "{assertion}");
    if what != Signed::Response {
        verify(decrypted, &format!("{}:Assertion", ns::ASSERTION));
    }
}

#[test]
fn xmlsec1_decrypts_what_we_encrypt_and_the_signatures_hold() {
    let ciphers = [
        algorithm::AES256_GCM,
        algorithm::AES128_GCM,
        algorithm::AES256_CBC,
        algorithm::AES128_CBC,
    ];
    for cipher in ciphers {
        let key = key(&method(cipher, ""));
        for shape in SHAPES {
            let text = sealed(&key, shape);
            assert_valid(Schema::Protocol, &text);
            assert!(text.contains(cipher) && !text.contains("<saml2:Assertion"), "{text}");
            assert!(!text.contains("bp01"), "{text}");
            let decrypted = xmlsec::decrypt(&text, SP.key_file.path()).unwrap();
            assert_holds((&text, &decrypted), assertion_in(&decrypted), shape.0);
        }
    }
}

#[test]
fn python_decrypts_what_we_encrypt_by_what_it_says_itself() {
    let both = format!(
        "<ds:DigestMethod Algorithm='{}'/><xenc11:MGF Algorithm='{}'/>",
        algorithm::SHA256,
        algorithm::MGF1_SHA256
    );
    for (methods, cipher, transport, digest, mask) in [
        (String::new(), algorithm::AES256_GCM, algorithm::RSA_OAEP_MGF1P, algorithm::SHA1, None),
        (
            [method(algorithm::AES128_GCM, ""), method(algorithm::RSA_OAEP, &both)].concat(),
            algorithm::AES128_GCM,
            algorithm::RSA_OAEP,
            algorithm::SHA256,
            Some(algorithm::MGF1_SHA256),
        ),
        (
            method(algorithm::AES256_CBC, ""),
            algorithm::AES256_CBC,
            algorithm::RSA_OAEP_MGF1P,
            algorithm::SHA1,
            None,
        ),
    ] {
        let key = key(&methods);
        for shape in SHAPES {
            let text = sealed(&key, shape);
            let unsealed = signxml::unseal(&SP.private_pem, &[&text]).remove(0);
            assert_eq!(unsealed.error, None, "{text}");
            assert_eq!(unsealed.cipher, cipher);
            assert_eq!(unsealed.transport, transport);
            assert_eq!(unsealed.digest.as_deref(), Some(digest));
            assert_eq!(unsealed.mask.as_deref(), mask);
            assert_holds((&text, &unsealed.text), &unsealed.plain, shape.0);
        }
    }
}

#[test]
fn the_response_around_something_encrypted_is_signed_and_canonical() {
    let text = sealed(&key(""), (Signed::Both, &[]));
    let asked = Asked { text, signed: &["Response"], prefixes: &[] };
    let judged = signxml::judge(&IDP.pem, std::slice::from_ref(&asked)).remove(0);
    assert_eq!(judged.error, None);
    let start = asked.text.find("<saml2:EncryptedAssertion").unwrap();
    assert!(judged.canonical["Response"].contains(&asked.text[start..]), "{}", asked.text);
}

#[test]
fn a_changed_envelope_is_refused_by_everybody() {
    let text = sealed(&key(""), (Signed::Assertion, &[]));
    let value = text.rfind("<xenc:CipherValue>").unwrap() + 40;
    let other = if &text[value..=value] == "A" { "B" } else { "A" };
    let changed = format!("{}{other}{}", &text[..value], &text[value + 1..]);
    assert!(xmlsec::decrypt(&changed, SP.key_file.path()).is_err());
    assert!(signxml::unseal(&SP.private_pem, &[&changed])[0].error.is_some());
    assert!(xmlsec::decrypt(&text, IDP.key_file.path()).is_err(), "somebody else's key");
}

/// `EncryptedData` for xmlsec1 to fill in.
fn template(cipher: &str, transport: &str) -> String {
    format!(
        "<xenc:EncryptedData xmlns:xenc='{}' Type='{}'><xenc:EncryptionMethod Algorithm='{cipher}'/>\
         <ds:KeyInfo xmlns:ds='{}'><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm='{transport}'/>\
         <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
         <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>",
        ns::XENC,
        algorithm::ELEMENT,
        ns::DSIG
    )
}

// Conformance A-092.
#[test]
fn we_decrypt_the_name_identifier_that_xmlsec1_encrypted_with_either_of_two_keys() {
    const RSA_1_5: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
    let document = format!(
        "<s:EncryptedID xmlns:s='{}'><s:NameID Format='urn:f'>张伟 &amp; Co</s:NameID>\
         </s:EncryptedID>",
        ns::ASSERTION
    );
    let keys = [&IDP.private, &SP.private].map(|pkcs8| DecryptionKey::from_pkcs8(pkcs8).unwrap());
    let decrypt = |cipher, session, transport| {
        let template = template(cipher, transport);
        let to = SP.certificate_file.path();
        let text = xmlsec::encrypt((&document, "NameID"), &template, session, to).unwrap();
        let parsed = parse(text.as_bytes(), Limits::MESSAGE).unwrap();
        let decrypted = decrypt_id(parsed.root(), &[&keys[0], &keys[1]])?;
        let name_id = decrypted.name_id();
        assert_eq!(name_id.attribute("Format"), Some("urn:f"));
        Ok::<_, Error>(name_id.text().unwrap().to_owned())
    };
    let oaep = algorithm::RSA_OAEP_MGF1P;
    assert_eq!(decrypt(algorithm::AES128_GCM, "aes-128", oaep), Ok("张伟 & Co".to_owned()));
    assert_eq!(decrypt(algorithm::AES256_GCM, "aes-256", oaep), Ok("张伟 & Co".to_owned()));
    for (cipher, transport) in [(algorithm::AES256_CBC, oaep), (algorithm::AES256_GCM, RSA_1_5)] {
        let refused = decrypt(cipher, "aes-256", transport).unwrap_err();
        assert!(matches!(refused, Error::Encryption { .. }), "{refused}");
    }
}
