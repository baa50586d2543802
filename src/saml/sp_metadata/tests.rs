//! Tests of reading a service provider's metadata.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::macros::datetime;

use super::*;
use crate::limits;
use crate::saml::allowed::{DigestAlgorithm, SignatureAlgorithm};
use crate::saml::names::algorithm;
use crate::saml::tests::{ec_key_of, key_of, keys};

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
const ACS: &str = "<md:AssertionConsumerService index='0' Location='https://sp.example/acs' \
                   Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'/>";

fn key_info(number: usize) -> String {
    key_info_of(&key_of(number).1)
}

fn key_info_of(certificate: &[u8]) -> String {
    let der = STANDARD.encode(certificate);
    let (first, rest) = der.split_at(64);
    format!(
        "<ds:KeyInfo xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:X509Data><ds:X509Certificate>\n\
         {first}\n {rest} \r\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    )
}

fn key(number: usize, attributes: &str) -> String {
    format!("<md:KeyDescriptor {attributes}>{}</md:KeyDescriptor>", key_info(number))
}

fn role(attributes: &str, inside: &str) -> String {
    format!(
        "<md:SPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:1.1:protocol \
         urn:oasis:names:tc:SAML:2.0:protocol' {attributes}>{inside}</md:SPSSODescriptor>"
    )
}

fn entity(attributes: &str, inside: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' {attributes}>\
         {inside}</md:EntityDescriptor>"
    )
}

fn group(attributes: &str, inside: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' {attributes}>\
         {inside}</md:EntitiesDescriptor>"
    )
}

/// A descriptor of `https://sp.example` whose role has `inside`.
fn sp(inside: &str) -> String {
    entity("entityID='https://sp.example'", &role("", inside))
}

fn read_text(text: &str) -> Result<ServiceProvider, Error> {
    read(text.as_bytes(), None, Trust::Origin, NOW)
}

fn acs(index: u16, attributes: &str) -> String {
    ACS.replace("index='0'", &format!("index='{index}' {attributes}"))
}

#[test]
fn a_small_description_is_enough() {
    let provider = read_text(&sp(ACS)).unwrap();
    assert_eq!(provider.entity_id.as_str(), "https://sp.example");
    assert!(!provider.authn_requests_signed && !provider.want_assertions_signed);
    assert_eq!(provider.acs.len(), 1);
    assert_eq!(provider.acs_by_url("https://sp.example/acs").unwrap().index, 0);
    assert!(provider.acs_by_url("https://sp.example/acs/").is_none());
    assert!(provider.acs_by_url("https://SP.example/acs").is_none());
    assert_eq!(provider.warnings, [Warning::NoSigningKey]);
}

#[test]
fn a_full_description_is_read_whole() {
    let inside = [
        key(1, "use='signing'"),
        key(2, "use='encryption'"),
        "<md:SingleLogoutService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect' \
         Location='https://sp.example/out' ResponseLocation='https://sp.example/back'/>\
         <md:SingleLogoutService Binding='urn:oasis:names:tc:SAML:2.0:bindings:SOAP' \
         Location='http://sp.example/soap'/>\
         <md:NameIDFormat>\n urn:a\n</md:NameIDFormat><md:NameIDFormat>urn:b</md:NameIDFormat>"
            .to_owned(),
        ACS.to_owned(),
        "<md:AttributeConsumingService index='3'><md:ServiceName xml:lang='en'>x</md:ServiceName>\
         <md:RequestedAttribute Name='mail' isRequired='true'/><md:RequestedAttribute Name='name'/>\
         </md:AttributeConsumingService><x:unknown xmlns:x='urn:x' x:y='z'/>"
            .to_owned(),
    ]
    .concat();
    let role = role("AuthnRequestsSigned='1' WantAssertionsSigned='true'", &inside);
    let provider = read_text(&entity("entityID='urn:sp'", &role)).unwrap();
    assert!(provider.authn_requests_signed && provider.want_assertions_signed);
    assert_eq!(provider.signing_keys[0].certificate(), key_of(1).1);
    assert_eq!(provider.encryption_keys.len(), 1);
    assert_eq!(provider.encryption_keys[0].certificate(), key_of(2).1);
    let logout = &provider.logout[0];
    assert_eq!(
        (logout.binding, logout.location.as_str()),
        (Binding::Redirect, "https://sp.example/out")
    );
    assert_eq!(logout.response_location.as_ref().unwrap().as_str(), "https://sp.example/back");
    assert_eq!(provider.name_id_formats, ["urn:a", "urn:b"]);
    assert_eq!(provider.attribute_services[0].index, 3);
    let requested = &provider.attribute_services[0].requested;
    assert_eq!(
        requested[0],
        RequestedAttribute {
            name: "mail".to_owned(),
            name_format: None,
            required: true,
            values: Vec::new(),
        }
    );
    assert!(!requested[1].required);
    assert!(matches!(
        &provider.warnings[..],
        [Warning::Binding { element: "SingleLogoutService", .. }]
    ));
}

#[test]
fn the_first_address_that_can_be_called_by_soap_is_taken_and_others_spoil_nothing() {
    let soap = |location: &str| {
        let binding = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
        format!("<md:SingleLogoutService Binding='{binding}' {location}/>")
    };
    let provider = read_text(&sp(&[
        soap(""),
        soap("Location='http://sp.example/plain'"),
        soap("Location='https://sp.example/soap'"),
        soap("Location='https://sp.example/second'"),
        ACS.to_owned(),
    ]
    .concat()))
    .unwrap();
    assert_eq!(provider.logout_by_soap.as_ref().unwrap().as_str(), "https://sp.example/soap");
    assert!(provider.logout.is_empty() && provider.hears_of_logout());
    let left_out = |warning: &&Warning| matches!(warning, Warning::Binding { .. });
    assert_eq!(provider.warnings.iter().filter(left_out).count(), 2);
}

#[test]
fn a_key_without_use_serves_both() {
    let provider = read_text(&sp(&[key(1, ""), ACS.to_owned()].concat())).unwrap();
    assert_eq!(provider.signing_keys.len(), 1);
    assert_eq!(provider.encryption_keys.len(), 1);
}

#[test]
fn several_keys_are_kept_in_order_and_repeated_ones_once() {
    let inside = [key(2, "use='signing'"), key(1, ""), key(2, ""), ACS.to_owned()].concat();
    let provider = read_text(&sp(&inside)).unwrap();
    let certificates: Vec<_> =
        provider.signing_keys.iter().map(VerifyingKey::certificate).collect();
    assert_eq!(certificates, [key_of(2).1, key_of(1).1]);
}

#[test]
fn only_the_first_certificate_of_a_key_info_counts() {
    let two = key(1, "use='signing'").replace(
        "</ds:X509Certificate>",
        "</ds:X509Certificate><ds:X509Certificate>AAAA</ds:X509Certificate>",
    );
    let provider = read_text(&sp(&[two, ACS.to_owned()].concat())).unwrap();
    assert_eq!(provider.signing_keys.len(), 1);
    assert!(provider.warnings.is_empty());
}

#[test]
fn an_unusable_key_is_left_out_with_a_warning_that_names_it() {
    let bad = "<md:KeyDescriptor/>".to_owned();
    let worse = key(2, "").replace("MII", "*II");
    let inside = [bad, worse, key(1, ""), ACS.to_owned()].concat();
    let provider = read_text(&sp(&inside)).unwrap();
    assert_eq!(provider.signing_keys.len(), 1);
    let warnings: Vec<_> = provider.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings[0].contains("KeyDescriptor 1") && warnings[0].contains("X509Certificate"));
    assert!(warnings[1].contains("KeyDescriptor 2") && warnings[1].contains("base64"));
    assert_eq!(warnings.len(), 2);
}

fn texts(provider: &ServiceProvider) -> Vec<String> {
    provider.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn an_ec_key_signs_and_is_never_encrypted_for() {
    let (_, certificate) = ec_key_of(&rcgen::PKCS_ECDSA_P384_SHA384);
    let key = |attributes: &str| {
        format!("<md:KeyDescriptor {attributes}>{}</md:KeyDescriptor>", key_info_of(&certificate))
    };
    let provider = read_text(&sp(&[key(""), ACS.to_owned()].concat())).unwrap();
    assert_eq!((provider.signing_keys.len(), provider.encryption_keys.len()), (1, 0));
    assert_eq!(texts(&provider), [""; 0]);
    let both = [key("use='signing'"), key("use='encryption'"), ACS.to_owned()].concat();
    let provider = read_text(&sp(&both)).unwrap();
    assert_eq!((provider.signing_keys.len(), provider.encryption_keys.len()), (1, 0));
    assert!(texts(&provider)[0].contains("KeyDescriptor 2 is not used"), "{provider:?}");
}

// Conformance.
#[test]
fn a_key_whose_algorithms_are_all_forbidden_is_left_out_with_a_warning() {
    let with = |number: usize, uri: &str| {
        let method = format!("<md:EncryptionMethod Algorithm='{uri}'/></md:KeyDescriptor>");
        key(number, "").replace("</md:KeyDescriptor>", &method)
    };
    let old = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
    let inside = [with(1, old), with(2, algorithm::AES128_GCM), ACS.to_owned()].concat();
    let provider = read_text(&sp(&inside)).unwrap();
    assert_eq!(provider.signing_keys.len(), 2, "it still verifies");
    assert_eq!(provider.encryption_keys.len(), 1);
    assert_eq!(provider.encryption_keys[0].certificate(), key_of(2).1);
    assert!(texts(&provider)[0].contains("rsa-1_5"), "{:?}", texts(&provider));
}

// Conformance A-118.
#[test]
fn a_service_provider_that_can_have_only_cbc_is_warned_of() {
    let method = |uri| format!("<md:EncryptionMethod Algorithm='{uri}'/></md:KeyDescriptor>");
    let with = |uri| key(1, "").replace("</md:KeyDescriptor>", &method(uri));
    let provider = read_text(&sp(&[with(algorithm::AES128_CBC), ACS.to_owned()].concat())).unwrap();
    assert_eq!(provider.warnings, [Warning::OnlyCbc]);
    let two = [with(algorithm::AES128_CBC), key(2, ""), ACS.to_owned()].concat();
    assert_eq!(read_text(&sp(&two)).unwrap().warnings, []);
}

/// `Extensions` that declare these algorithms.
fn declares(name: &str, uris: &[&str]) -> String {
    let methods: Vec<_> =
        uris.iter().map(|uri| format!("<alg:{name} Algorithm='{uri}'/>")).collect();
    let inside = methods.concat();
    format!("<md:Extensions xmlns:alg='{}'>{inside}</md:Extensions>", ns::ALG)
}

// Conformance A-117.
#[test]
fn declared_algorithms_count_in_their_order_as_far_as_they_are_allowed() {
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    let signing = [sha1, algorithm::ECDSA_SHA384, algorithm::RSA_SHA512];
    let own = declares("SigningMethod", &signing);
    let around = declares("SigningMethod", &[algorithm::RSA_SHA256])
        + declares("DigestMethod", &[algorithm::SHA512, algorithm::SHA256]).as_str();
    let text =
        entity("entityID='urn:sp'", &(around + role("", &[own.as_str(), ACS].concat()).as_str()));
    let provider = read_text(&text).unwrap();
    let declared = provider.declared.clone();
    assert_eq!(
        declared.signatures,
        [SignatureAlgorithm::EcdsaSha384, SignatureAlgorithm::RsaSha512]
    );
    assert_eq!(declared.digests, [DigestAlgorithm::Sha512, DigestAlgorithm::Sha256]);
    assert_eq!(provider.warnings, [Warning::NoSigningKey]);
}

#[test]
fn declaring_only_what_is_forbidden_is_warned_of() {
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    let inside = [declares("SigningMethod", &[sha1, "urn:x"]).as_str(), ACS].concat();
    let provider = read_text(&sp(&inside)).unwrap();
    assert_eq!(provider.declared, Declared::default());
    assert!(texts(&provider)[0].contains("rsa-sha1"), "{:?}", texts(&provider));
    let nameless = declares("DigestMethod", &["x"]).replace(" Algorithm='x'", "");
    assert!(read_text(&sp(&[nameless.as_str(), ACS].concat())).is_err());
}

#[test]
fn signed_requests_without_a_usable_key_are_refused() {
    let role = role("AuthnRequestsSigned='true'", &["<md:KeyDescriptor/>", ACS].concat());
    let error = read_text(&entity("entityID='urn:sp'", &role)).unwrap_err().to_string();
    assert!(error.contains("a usable signing key") && error.contains("KeyDescriptor 1"), "{error}");
}

#[test]
fn the_default_endpoint_is_chosen_as_the_standard_says() {
    let chosen = |attributes: [&str; 3]| {
        let all: Vec<_> = (0..).zip(attributes).map(|(at, a)| acs(at, a)).collect();
        read_text(&sp(&all.concat())).unwrap().default_acs().unwrap().index
    };
    assert_eq!(chosen(["", "isDefault='true'", "isDefault='1'"]), 1);
    assert_eq!(chosen(["isDefault='false'", "", ""]), 1);
    assert_eq!(chosen(["isDefault='false'", "isDefault='0'", "isDefault='false'"]), 0);
    assert_eq!(chosen(["", "", ""]), 0);
}

#[test]
fn an_endpoint_with_a_bad_scheme_refuses_the_metadata() {
    for bad in ["javascript:alert(1)", "http://sp.example/acs", "data:,x", "/acs", ""] {
        let one = ACS.replace("https://sp.example/acs", bad);
        let error = read_text(&sp(&[acs(1, ""), one].concat())).unwrap_err();
        assert!(matches!(error, Error::Value { what: "endpoint URL", .. }), "{bad}: {error}");
        let logout = format!(
            "<md:SingleLogoutService Location='{bad}' \
             Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'/>"
        );
        let error = read_text(&sp(&[ACS, &logout].concat())).unwrap_err();
        assert!(matches!(error, Error::Value { what: "endpoint URL", .. }), "{bad}: {error}");
    }
}

#[test]
fn endpoints_of_other_bindings_are_left_out_with_a_warning() {
    let artifact = acs(7, "").replace("HTTP-POST", "HTTP-Artifact").replace("https", "javascript");
    let provider = read_text(&sp(&[&artifact, ACS].concat())).unwrap();
    assert!(provider.acs_by_index(7).is_none());
    assert!(provider.warnings.iter().any(|w| w.to_string().contains("HTTP-Artifact")));
    let error = read_text(&sp(&artifact)).unwrap_err();
    assert!(matches!(error, Error::Metadata { expected, .. } if expected.contains("HTTP-POST")));
}

#[test]
fn an_ambiguous_or_malformed_index_is_refused() {
    let twice = read_text(&sp(&[ACS, ACS].concat())).unwrap_err();
    assert!(matches!(twice, Error::Metadata { .. }));
    for bad in ["65536", "-1", "+1", "", "x"] {
        let error = read_text(&sp(&ACS.replace("'0'", &format!("'{bad}'")))).unwrap_err();
        assert!(matches!(error, Error::Value { what: "index", .. }), "{bad}");
    }
    let absent = read_text(&sp(&ACS.replace("index='0'", ""))).unwrap_err();
    assert_eq!(absent, Error::Absent { what: "index", inside: "AssertionConsumerService" });
}

#[test]
fn a_flag_that_is_no_boolean_is_refused() {
    let text = entity("entityID='urn:sp'", &role("AuthnRequestsSigned='TRUE'", ACS));
    assert!(matches!(read_text(&text), Err(Error::Value { what: "AuthnRequestsSigned", .. })));
}

#[test]
fn one_entity_is_picked_from_nested_groups() {
    let other = entity("entityID='urn:other'", &role("", &acs(5, "")));
    let idp = entity("entityID='urn:idp'", "<md:IDPSSODescriptor/>");
    let text = group("", &[idp.clone(), group("", &sp(ACS)), other].concat());
    let pick =
        |id: &str| read(text.as_bytes(), Some(&EntityId::parse(id).unwrap()), Trust::Origin, NOW);
    assert_eq!(pick("https://sp.example").unwrap().acs[0].index, 0);
    assert_eq!(pick("urn:other").unwrap().acs[0].index, 5);
    assert!(matches!(pick("urn:Other"), Err(Error::Metadata { .. })));
    assert!(matches!(pick("urn:idp"), Err(Error::Metadata { .. })));
    assert!(matches!(read_text(&text), Err(Error::Metadata { found, .. }) if found == "2"));
    let alone = group("", &[idp, sp(ACS)].concat());
    assert_eq!(read_text(&alone).unwrap().entity_id.as_str(), "https://sp.example");
    let twice = group("", &[sp(ACS), sp(ACS)].concat());
    let wanted = EntityId::parse("https://sp.example").unwrap();
    assert!(read(twice.as_bytes(), Some(&wanted), Trust::Origin, NOW).is_err());
}

#[test]
fn another_entity_than_the_wanted_one_is_refused() {
    let wanted = EntityId::parse("https://sp.example/").unwrap();
    let error = read(sp(ACS).as_bytes(), Some(&wanted), Trust::Origin, NOW).unwrap_err();
    assert!(error.to_string().contains("https://sp.example"), "{error}");
}

#[test]
fn a_description_of_something_else_is_refused() {
    let idp = entity("entityID='urn:idp'", "<md:IDPSSODescriptor/>");
    assert!(read_text(&idp).unwrap_err().to_string().contains("IDPSSODescriptor"));
    let old = sp(ACS).replace("SAML:2.0:protocol", "SAML:1.0:protocol");
    assert!(matches!(read_text(&old), Err(Error::Metadata { .. })));
    let two = entity("entityID='urn:sp'", &[role("", ACS), role("", ACS)].concat());
    assert!(matches!(read_text(&two), Err(Error::Metadata { found, .. }) if found == "several"));
    assert!(matches!(read_text("<html/>"), Err(Error::Element { .. })));
    assert!(matches!(
        read_text(&sp(ACS).replace("2.0:meta", "9:meta")),
        Err(Error::Element { .. })
    ));
    let nameless = entity("", &role("", ACS));
    assert!(matches!(read_text(&nameless), Err(Error::Absent { what: "entityID", .. })));
}

#[test]
fn the_strictest_validity_around_the_role_counts() {
    let text = |group_until: &str, entity_until: &str, role_until: &str| {
        group(
            &format!("validUntil='{group_until}' cacheDuration='P1D'"),
            &entity(
                &format!("entityID='urn:sp' validUntil='{entity_until}' cacheDuration='PT6H'"),
                &role(&format!("validUntil='{role_until}'"), ACS),
            ),
        )
    };
    let (later, soon) = ("2027-01-01T00:00:00Z", "2026-01-02T03:04:06Z");
    for text in [text(soon, later, later), text(later, soon, later), text(later, later, soon)] {
        let provider = read_text(&text).unwrap();
        assert_eq!(provider.valid_until, Some(datetime!(2026-01-02 03:04:06 UTC)));
        assert_eq!(provider.cache_duration, Some(Duration::from_hours(6)));
    }
    for over in ["2026-01-02T03:04:05Z", "2020-01-01T00:00:00Z"] {
        let error = read_text(&text(over, later, later)).unwrap_err();
        assert!(matches!(error, Error::MetadataExpired { .. }), "{error}");
    }
    assert!(matches!(read_text(&text("soon", later, later)), Err(Error::Value { .. })));
}

#[test]
fn with_trust_keys_an_unsigned_document_is_refused() {
    let trust = [keys(1).1];
    let result = read(sp(ACS).as_bytes(), None, Trust::Signature(&trust), NOW);
    assert_eq!(result.unwrap_err(), Error::SignatureMissing);
}

#[test]
fn a_document_beyond_the_limit_is_refused() {
    let large = sp(ACS) + &" ".repeat(limits::METADATA_BYTES);
    assert!(matches!(read_text(&large), Err(Error::TooLong { .. })));
    assert!(matches!(read_text(&format!("<!DOCTYPE x>{}", sp(ACS))), Err(Error::Doctype)));
}

// Conformance A-112.
#[test]
fn the_subject_identifier_that_is_needed_is_an_attribute_of_the_entity() {
    let of = |name: &str, values: &[&str]| {
        let value = |value: &&str| format!("<s:AttributeValue>{value}</s:AttributeValue>");
        let values = values.iter().map(value).collect::<Vec<_>>().concat();
        let extensions = format!(
            "<md:Extensions><a:EntityAttributes xmlns:a='{}' xmlns:s='{}'>\
             <s:Attribute Name='urn:other'><s:AttributeValue>any</s:AttributeValue></s:Attribute>\
             <s:Attribute Name='{name}'>{values}</s:Attribute></a:EntityAttributes></md:Extensions>",
            ns::MDATTR,
            ns::ASSERTION
        );
        read_text(&entity("entityID='urn:sp'", &(extensions + &role("", ACS)))).unwrap().subject_id
    };
    let req = crate::saml::names::SUBJECT_ID_REQ;
    assert_eq!(read_text(&sp(ACS)).unwrap().subject_id, SubjectId::Unneeded);
    assert_eq!(of(req, &["subject-id"]), SubjectId::Shared);
    assert_eq!(of(req, &[" pairwise-id\n"]), SubjectId::Pairwise);
    assert_eq!(of(req, &["any"]), SubjectId::Pairwise);
    for unneeded in [&["none"][..], &["Subject-ID"], &[]] {
        assert_eq!(of(req, unneeded), SubjectId::Unneeded);
    }
    assert_eq!(of("urn:third", &["subject-id"]), SubjectId::Unneeded);
}

// Conformance A-042.
#[test]
fn attributes_of_the_entity_and_wanted_values_are_read_from_its_own_description_only() {
    let values = |values: &[&str]| -> String {
        let value = |value: &&str| format!("<s:AttributeValue>{value}</s:AttributeValue>");
        values.iter().map(value).collect::<Vec<_>>().concat()
    };
    let extensions = |name: &str| {
        format!(
            "<md:Extensions><a:EntityAttributes xmlns:a='{}' xmlns:s='{}'>\
             <s:Attribute Name='{name}'>{}<s:AttributeValue><x/></s:AttributeValue></s:Attribute>\
             <s:Assertion><s:AttributeStatement><s:Attribute Name='urn:asserted'/>\
             </s:AttributeStatement></s:Assertion></a:EntityAttributes></md:Extensions>",
            ns::MDATTR,
            ns::ASSERTION,
            values(&["one", "\n two "]),
        )
    };
    let group = format!(
        "<md:AttributeConsumingService index='1' xmlns:s='{}'><md:ServiceName xml:lang='en'>x\
         </md:ServiceName><md:RequestedAttribute Name='urn:a'>{}</md:RequestedAttribute>\
         </md:AttributeConsumingService>",
        ns::ASSERTION,
        values(&["x", " y"]),
    );
    let inside =
        extensions("urn:own") + &role("", &format!("{}{ACS}{group}", extensions("urn:role")));
    let provider = read_text(&entity("entityID='urn:sp'", &inside)).unwrap();
    let own = EntityAttribute {
        name: "urn:own".to_owned(),
        values: vec!["one".to_owned(), "two".to_owned()],
    };
    assert_eq!(provider.entity_attributes, [own]);
    assert_eq!(provider.attribute_services[0].requested[0].values, ["x", "y"]);
    let around = format!(
        "<md:EntitiesDescriptor xmlns:md='{}'>{}{}</md:EntitiesDescriptor>",
        ns::METADATA,
        extensions("urn:group"),
        entity("entityID='urn:sp'", &role("", ACS)),
    );
    assert!(read_text(&around).unwrap().entity_attributes.is_empty());
}

// Conformance.
#[test]
fn friendly_names_and_unknown_attributes_change_nothing() {
    let service = "<md:AttributeConsumingService index='1'><md:ServiceName xml:lang='en'>x\
                   </md:ServiceName><md:RequestedAttribute Name='urn:a'/>\
                   </md:AttributeConsumingService>";
    let plain = sp(&[ACS, service].concat());
    let known = read_text(&plain).unwrap();
    let renamed = plain.replace("Name='urn:a'", "FriendlyName='mail' Name='urn:a'");
    let mut odd = plain.replace("</md:ServiceName>", "</md:ServiceName><!-- x -->");
    for element in [
        "EntityDescriptor",
        "SPSSODescriptor",
        "AssertionConsumerService",
        "AttributeConsumingService",
        "RequestedAttribute",
    ] {
        let (from, to) =
            (format!("<md:{element} "), format!("<md:{element} xmlns:o='urn:o' o:q='1' "));
        assert!(odd.contains(&from), "{element}");
        odd = odd.replacen(&from, &to, 1);
    }
    for text in [renamed, odd] {
        let provider = read_text(&text).unwrap();
        assert_eq!(provider.attribute_services, known.attribute_services, "{text}");
        assert_eq!(provider.acs.len(), known.acs.len());
        assert_eq!(provider.warnings, known.warnings);
    }
}
