//! Metadata of both sides against the world outside: XML schemas, the cloud's real document.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skybridge::saml::allowed::SignatureAlgorithm;
use skybridge::saml::idp_metadata::{Form, IdpMetadata, Localised, Logo, Organization, Rich};
use skybridge::saml::lint::{Question, lint};
use skybridge::saml::names::{algorithm, binding, ns};
use skybridge::saml::sp_metadata::{self, Lifetime, Trust};
use skybridge::saml::xml::{Element, Limits, parse};
use skybridge::saml::{EndpointUrl, EntityId, Error, VerifyingKey};
use time::OffsetDateTime;
use time::macros::datetime;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::support::schema::{Schema, assert_valid, validate};
use crate::support::xmlsec;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

/// A certificate, DER.
fn certificate(name: &str) -> Vec<u8> {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.self_signed(&pair).unwrap().der().to_vec()
}

fn url(text: &str) -> EndpointUrl {
    EndpointUrl::parse(text).unwrap()
}

/// The metadata of a tenant with `form`, two signing certificates and two SSO locations.
fn idp(form: Form<'_>) -> Result<String, Error> {
    let entity_id = EntityId::parse("https://sso.partner.example").unwrap();
    let (active, next) = (certificate("active.example"), certificate("next.example"));
    let sso = [
        url("https://sso.partner.example/t/saml/sso/k1"),
        url("https://sso.partner.example/t/saml/sso"),
    ];
    IdpMetadata {
        entity_id: &entity_id,
        signing: &[&active, &next],
        encryption: &[&active],
        sso: &sso,
        slo: &url("https://sso.partner.example/t/saml/slo"),
        form,
        signer: None,
    }
    .write()
}

/// Local names of the elements inside `element`, in document order, with the `use` of keys.
fn outline(element: Element<'_>) -> Vec<String> {
    element
        .children()
        .map(|child| match child.attribute("use") {
            Some(used) => format!("{} {used}", child.local()),
            None => child.local().to_owned(),
        })
        .collect()
}

#[test]
fn the_plain_form_has_exactly_the_elements_of_the_contract_and_fits_the_schema() {
    let document = idp(Form::Plain).unwrap();
    assert_valid(Schema::Metadata, &document);
    assert!(
        document.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntityDescriptor ")
    );
    let parsed = parse(document.as_bytes(), Limits::METADATA).unwrap();
    let root = parsed.root();
    let names =
        |element: Element<'_>| element.attributes().map(|a| a.local.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(root), ["entityID"]);
    assert_eq!(outline(root), ["IDPSSODescriptor"]);
    let role = root.children().next().unwrap();
    assert_eq!(names(role), ["protocolSupportEnumeration"]);
    assert_eq!(
        outline(role),
        [
            "KeyDescriptor signing",
            "KeyDescriptor signing",
            "KeyDescriptor encryption",
            "SingleLogoutService",
            "NameIDFormat",
            "SingleSignOnService",
            "SingleSignOnService",
        ]
    );
    let last = role.children().next_back().unwrap();
    assert_eq!(last.attribute("Location"), Some("https://sso.partner.example/t/saml/sso"));
}

#[test]
fn the_certificates_in_the_metadata_are_the_ones_given() {
    let entity_id = EntityId::parse("https://sso.partner.example").unwrap();
    let (signing, encryption) = (certificate("a.example"), certificate("b.example"));
    let document = IdpMetadata {
        entity_id: &entity_id,
        signing: &[&signing],
        encryption: &[&encryption],
        sso: &[url("https://sso.partner.example/sso")],
        slo: &url("https://sso.partner.example/slo"),
        form: Form::Plain,
        signer: None,
    }
    .write()
    .unwrap();
    let parsed = parse(document.as_bytes(), Limits::METADATA).unwrap();
    let found: Vec<_> = parsed
        .all()
        .filter(|e| e.local() == "X509Certificate")
        .map(|e| STANDARD.decode(e.text().unwrap()).unwrap())
        .collect();
    assert_eq!(found, [signing, encryption]);
}

#[test]
fn the_rich_form_fits_the_schema_and_keeps_hostile_text_as_text() {
    let name =
        Localised { zh: "云桥 <控制台> & \"伙伴\"", en: "</mdui:DisplayName><evil/>" };
    let page = url("https://partner.example/about");
    let document = idp(Form::Rich(Rich {
        display_name: name,
        information_url: &page,
        logo: Some(Logo { url: &url("https://partner.example/logo.png"), width: 80, height: 60 }),
        error_url: &url("https://sso.partner.example/error"),
        technical_contact: Some("sso@partner.example"),
        organization: Organization { name, url: &page },
        scopes: &["partner.example".to_owned()],
        more_name_id_formats: &["urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"],
        want_authn_requests_signed: true,
        valid_until: Some(datetime!(2026-02-02 03:04:05 UTC)),
    }))
    .unwrap();
    assert_valid(Schema::Metadata, &document);
    let parsed = parse(document.as_bytes(), Limits::METADATA).unwrap();
    assert_eq!(parsed.root().attribute("validUntil"), Some("2026-02-02T03:04:05.000Z"));
    assert_eq!(outline(parsed.root()), ["IDPSSODescriptor", "Organization", "ContactPerson"]);
    let names: Vec<_> =
        parsed.all().filter(|e| e.local() == "DisplayName").map(|e| e.text().unwrap()).collect();
    assert_eq!(names, [name.zh, name.en]);
    assert!(!parsed.all().any(|e| e.local() == "evil"));
    // Conformance A-117: our own algorithms, which are those that we take.
    let of = |name: &str| {
        let found = parsed.all().filter(|e| e.local() == name);
        found.map(|e| e.attribute("Algorithm").unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("SigningMethod"), SignatureAlgorithm::ALL.map(SignatureAlgorithm::uri));
    assert_eq!(
        of("EncryptionMethod"),
        [
            algorithm::AES256_GCM,
            algorithm::AES128_GCM,
            algorithm::RSA_OAEP,
            algorithm::RSA_OAEP_MGF1P
        ]
    );
    assert_eq!(of("MGF"), [algorithm::MGF1_SHA256]);
}

#[test]
fn the_schema_check_refuses_what_the_schema_does() {
    let document = idp(Form::Plain).unwrap();
    for (from, to) in [
        ("use=\"signing\"", "use=\"sign\""),
        ("md:NameIDFormat", "md:NameIdFormat"),
        ("entityID", "entityId"),
        ("<md:SingleLogoutService Binding", "<md:SingleLogoutService Bound"),
    ] {
        let report = validate(Schema::Metadata, &document.replace(from, to)).unwrap_err();
        assert!(report.contains("fails to validate"), "{to}: {report}");
    }
    assert!(validate(Schema::Protocol, &document).unwrap_err().contains("fails to validate"));
}

#[test]
fn the_schema_check_knows_assertions_and_messages() {
    let issuer = "<a:Issuer>https://idp.example</a:Issuer>";
    let attributes = "xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_1\" Version=\"2.0\" \
                      IssueInstant=\"2026-01-02T03:04:05Z\"";
    let assertion = format!("<a:Assertion {attributes}>{issuer}</a:Assertion>");
    assert_valid(Schema::Assertion, &assertion);
    assert!(validate(Schema::Assertion, &assertion.replace("_1", "1")).is_err());
    let request = format!(
        "<p:AuthnRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" {attributes}>{issuer}</p:AuthnRequest>"
    );
    assert_valid(Schema::Protocol, &request);
    assert!(validate(Schema::Protocol, &request.replace("Version", "Versio")).is_err());
}

#[test]
fn metadata_that_could_not_work_is_not_written() {
    let entity_id = EntityId::parse("urn:partner").unwrap();
    let certificate = certificate("a.example");
    let sso = [url("https://sso.partner.example/sso")];
    let metadata = IdpMetadata {
        entity_id: &entity_id,
        signing: &[&certificate],
        encryption: &[&certificate],
        sso: &sso,
        slo: &url("https://sso.partner.example/slo"),
        form: Form::Plain,
        signer: None,
    };
    assert!(matches!(metadata.write(), Err(Error::Value { what: "entityID", .. })));
    let unsigned = IdpMetadata { signing: &[], ..metadata.clone() };
    assert!(matches!(unsigned.write(), Err(Error::Absent { .. })));
    let deaf = IdpMetadata { encryption: &[], ..metadata.clone() };
    assert!(matches!(deaf.write(), Err(Error::Absent { .. })));
    let homeless = IdpMetadata { sso: &[], ..metadata };
    assert!(matches!(homeless.write(), Err(Error::Absent { .. })));
}

#[test]
fn the_cloud_s_real_metadata_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/sp-metadata-cn.xml");
    if !Path::new(path).exists() {
        println!(
            "skipped: the cloud's document may not be copied into this repository, and {path} is absent"
        );
        return;
    }
    let octets = std::fs::read(path).unwrap();
    let provider = sp_metadata::read(&octets, None, Trust::Origin, NOW).unwrap();
    assert_eq!(provider.entity_id.as_str(), "https://auth.huaweicloud.com/");
    assert!(provider.authn_requests_signed && provider.want_assertions_signed);
    assert_eq!(provider.acs.len(), 1);
    let acs = provider.acs_by_index(0).unwrap();
    assert_eq!(
        acs.location.as_str(),
        "https://auth.huaweicloud.com/authui/saml/SAMLAssertionConsumer"
    );
    assert_eq!(provider.default_acs(), Some(acs));
    assert_eq!(provider.signing_keys.len(), 1);
    let (_, certificate) =
        X509Certificate::from_der(provider.signing_keys[0].certificate()).unwrap();
    let PublicKey::RSA(key) = certificate.public_key().parsed().unwrap() else { panic!("not RSA") };
    assert_eq!(key.key_size(), 4096);
    assert_eq!(provider.logout.len(), 2);
    assert_eq!(provider.name_id_formats, ["urn:oasis:names:tc:SAML:2.0:nameid-format:transient"]);
    assert!(provider.warnings.is_empty(), "{:?}", provider.warnings);
    // The linter has nothing but advice about it: the signature, no end, services of no use here.
    let question = Question { wanted: None, now: NOW, lifetime: Lifetime::default() };
    let codes: Vec<_> =
        lint(&octets, &question).iter().map(|found| found.fault.to_string()).collect();
    assert_eq!(codes, ["SBM-118", "SBM-49", "SBM-84", "SBM-84"]);
    // Its own signature has a SHA-1 digest, which proves nothing any more.
    let trust = Trust::Signature(&provider.signing_keys);
    let refused = sp_metadata::read(&octets, None, trust, NOW).unwrap_err();
    assert!(matches!(&refused, Error::Digest { found } if found.ends_with("#sha1")), "{refused}");
}

/// Metadata signed by xmlsec1, with a key and its certificate.
pub(crate) struct Signed {
    pub(crate) document: String,
    pub(crate) trust: Vec<VerifyingKey>,
}

/// Has xmlsec1 sign the element `name`, which has the ID `_m` and `@` for its signature, in
/// `template`. `hash` is the number of bits of the digest, `list` what stands in the
/// canonicalisation transform.
pub(crate) fn signed_by_xmlsec(template: &str, name: &str, hash: &str, list: &str) -> Signed {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["m.example".to_owned()])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    let here = tempfile::tempdir().unwrap();
    let key = here.path().join("key.pem");
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    let exc = algorithm::EXC_C14N;
    let digest = if hash == "384" {
        algorithm::SHA384
    } else {
        &format!("http://www.w3.org/2001/04/xmlenc#sha{hash}")
    };
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{}\">\n<ds:SignedInfo>\n\
         <ds:CanonicalizationMethod Algorithm=\"{exc}\">{list}</ds:CanonicalizationMethod>\n\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{hash}\"/>\n\
         <ds:Reference URI=\"#_m\"><ds:Transforms><ds:Transform Algorithm=\"{}\"/>\
         <ds:Transform Algorithm=\"{exc}\">{list}</ds:Transform></ds:Transforms>\n\
         <ds:DigestMethod Algorithm=\"{digest}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/><ds:KeyInfo><ds:KeyValue/></ds:KeyInfo></ds:Signature>",
        ns::DSIG,
        algorithm::ENVELOPED,
    );
    let options = ["--privkey-pem", key.to_str().unwrap(), "--id-attr:ID", name];
    Signed {
        document: xmlsec::sign(&template.replace('@', &signature), &options),
        trust: vec![VerifyingKey::from_certificate(certificate.der()).unwrap()],
    }
}

const LIST: &str = "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
                    PrefixList=\"xs #default\"/>";

fn sp_metadata(id: &str) -> String {
    format!(
        "<EntityDescriptor xmlns=\"{}\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" {id} \
         entityID=\"https://sp.example\">\n  <SPSSODescriptor protocolSupportEnumeration=\"{}\">\n\
         <!-- comment --><AssertionConsumerService index=\"1\" Location=\"https://sp.example/acs?a=1&amp;b=2\" \
         Binding=\"{}\"/></SPSSODescriptor></EntityDescriptor>",
        ns::METADATA,
        ns::PROTOCOL,
        binding::POST
    )
}

#[test]
fn metadata_that_xmlsec1_signed_is_verified_and_read() {
    let one = sp_metadata("ID=\"_m\"").replacen(">\n", ">@\n", 1);
    let group = format!(
        "<md:EntitiesDescriptor xmlns:md=\"{}\" ID=\"_m\">@{}</md:EntitiesDescriptor>",
        ns::METADATA,
        sp_metadata("")
    );
    let entity = format!("{}:EntityDescriptor", ns::METADATA);
    let entities = format!("{}:EntitiesDescriptor", ns::METADATA);
    for (template, name, hash, list) in
        [(&one, &entity, "256", ""), (&one, &entity, "384", LIST), (&group, &entities, "512", LIST)]
    {
        let signed = signed_by_xmlsec(template, name, hash, list);
        let read = |text: &str, keys: &[VerifyingKey]| {
            sp_metadata::read(text.as_bytes(), None, Trust::Signature(keys), NOW)
        };
        let provider = read(&signed.document, &signed.trust).unwrap();
        assert_eq!(provider.acs[0].location.as_str(), "https://sp.example/acs?a=1&b=2");
        let changed = signed.document.replace("acs?a=1", "acs?a=3");
        assert_eq!(read(&changed, &signed.trust).unwrap_err(), Error::DigestMismatch);
        assert!(matches!(read(&signed.document, &[]), Err(Error::SignatureInvalid { keys: 0 })));
    }
}
