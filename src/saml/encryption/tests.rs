//! Tests of encryption: keys that are chosen and skipped, envelopes that never repeat, and name
//! identifiers from all that may and may not be.

use std::collections::HashSet;

use super::*;
use crate::limits;
use crate::random::SequenceRandom;
use crate::saml::tests::{ec_key_of, key_of};
use crate::saml::xml::{Document, Limits, parse};

/// A `KeyDescriptor` with these methods, each an `Algorithm` and what is inside.
fn methods(of: &[(&str, &str)]) -> Result<Methods, Error> {
    let methods: Vec<_> = of
        .iter()
        .map(|(uri, inside)| {
            format!("<md:EncryptionMethod Algorithm='{uri}'>{inside}</md:EncryptionMethod>")
        })
        .collect();
    let text = format!(
        "<md:KeyDescriptor xmlns:md='{}' xmlns:ds='{}' xmlns:xenc='{}' xmlns:xenc11='{}'>{}\
         </md:KeyDescriptor>",
        ns::METADATA,
        ns::DSIG,
        ns::XENC,
        ns::XENC11,
        methods.concat()
    );
    Methods::read(parse(text.as_bytes(), Limits::METADATA).unwrap().root())
}

fn key(number: usize, of: &[(&str, &str)]) -> EncryptionKey {
    EncryptionKey::new(&key_of(number).1, methods(of).unwrap()).unwrap()
}

/// What is chosen for one key that says this.
fn chosen(of: &[(&str, &str)]) -> (Cipher, KeyTransport) {
    let keys = [key(1, of)];
    let chosen = Recipient::choose(&keys, Unauthenticated::Refuse).unwrap();
    (chosen.cipher, chosen.transport)
}

const DIGEST_256: &str = "<ds:DigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/>";
const DIGEST_1: &str = "<ds:DigestMethod Algorithm='http://www.w3.org/2000/09/xmldsig#sha1'/>";
const MASK_256: &str = "<xenc11:MGF Algorithm='http://www.w3.org/2009/xmlenc11#mgf1sha256'/>";
const RSA_1_5: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
const TRIPLE_DES: &str = "http://www.w3.org/2001/04/xmlenc#tripledes-cbc";

// Conformance.
#[test]
fn what_the_metadata_says_is_done_as_far_as_it_is_allowed() {
    use algorithm::{AES128_CBC, AES128_GCM, AES256_GCM, RSA_OAEP, RSA_OAEP_MGF1P};
    let (gcm_256, gcm_128) = (Cipher::Aes256Gcm, Cipher::Aes128Gcm);
    let (sha_1, sha_256) = (KeyTransport::OaepSha1, KeyTransport::OaepSha256);
    assert_eq!(chosen(&[]), (gcm_256, sha_1));
    assert_eq!(chosen(&[(AES128_GCM, "")]), (gcm_128, sha_1));
    assert_eq!(chosen(&[(AES128_CBC, ""), (AES128_GCM, ""), (AES256_GCM, "")]).0, gcm_128);
    // How keys are encrypted says nothing of ciphers.
    assert_eq!(chosen(&[(RSA_OAEP_MGF1P, "")]), (gcm_256, sha_1));
    assert_eq!(chosen(&[(RSA_OAEP_MGF1P, DIGEST_1)]), (gcm_256, sha_1));
    assert_eq!(chosen(&[(RSA_OAEP, &[DIGEST_256, MASK_256].concat())]).1, sha_256);
    assert_eq!(chosen(&[(RSA_OAEP_MGF1P, ""), (RSA_OAEP, DIGEST_256)]).1, sha_256);
    assert_eq!(chosen(&[(RSA_OAEP, &[DIGEST_1, DIGEST_256].concat())]).1, sha_256);
    assert_eq!(chosen(&[(RSA_OAEP, DIGEST_1)]).1, sha_1);
    // Without a hash, the message says which it is; where the older way is offered too, that one.
    assert_eq!(chosen(&[(RSA_OAEP, "")]).1, sha_256);
    assert_eq!(chosen(&[(RSA_OAEP, ""), (RSA_OAEP_MGF1P, "")]).1, sha_1);
    assert_eq!(
        chosen(&[(RSA_1_5, ""), (RSA_OAEP_MGF1P, ""), (TRIPLE_DES, ""), (AES256_GCM, "")]).1,
        sha_1
    );
    assert_eq!(chosen(&[("urn:unknown", "")]), (gcm_256, sha_1));
}

// Conformance A-116: RSA 1.5 never, nor what a library has not got, nor parameters.
#[test]
fn a_key_that_offers_nothing_allowed_is_refused_by_the_names_of_what_it_offers() {
    let parameters = "<xenc:OAEPparams>AAAA</xenc:OAEPparams>";
    let odd = "<ds:DigestMethod Algorithm='http://www.w3.org/2001/04/xmldsig-more#md5'/>";
    for of in [
        &[(RSA_1_5, "")][..],
        &[(TRIPLE_DES, "")],
        &[(algorithm::AES256_GCM, ""), (RSA_1_5, "")],
        // The mask would be made with SHA-1 and the digest with SHA-256.
        &[(algorithm::RSA_OAEP_MGF1P, DIGEST_256)],
        &[(algorithm::RSA_OAEP, MASK_256)],
        &[(algorithm::RSA_OAEP, odd)],
        &[(algorithm::RSA_OAEP_MGF1P, parameters)],
    ] {
        let Err(Error::Encryption { found }) = methods(of) else { panic!("{of:?}") };
        assert!(of.iter().any(|(uri, _)| found.contains(uri)), "{found}");
    }
}

// Conformance.
#[test]
fn the_first_usable_key_is_taken_and_cbc_only_when_it_must_be() {
    let cbc = [(algorithm::AES128_CBC, ""), (algorithm::AES256_CBC, "")];
    let keys = [key(1, &cbc), key(2, &[])];
    for unauthenticated in [Unauthenticated::Refuse, Unauthenticated::Accept] {
        let chosen = Recipient::choose(&keys, unauthenticated).unwrap();
        assert_eq!(chosen.key.certificate(), key_of(2).1);
        assert_eq!(chosen.cipher, Cipher::Aes256Gcm);
    }
    assert!(Recipient::choose(&keys[..1], Unauthenticated::Refuse).is_none());
    let chosen = Recipient::choose(&keys[..1], Unauthenticated::Accept).unwrap();
    assert_eq!(chosen.cipher, Cipher::Aes128Cbc);
    assert!(Recipient::choose(&[], Unauthenticated::Accept).is_none());
}

#[test]
fn nobody_encrypts_for_an_ec_key() {
    let (_, certificate) = ec_key_of(&rcgen::PKCS_ECDSA_P256_SHA256);
    let error = EncryptionKey::new(&certificate, Methods::default()).unwrap_err();
    assert!(matches!(error, Error::Key { expected: "an RSA key to encrypt for", .. }), "{error}");
}

const ID: &str = "<saml2:NameID Format=\"urn:f\">customer</saml2:NameID>";

/// An `EncryptedID` for key 1 that holds `plain`.
fn encrypted(plain: &str, of: &[(&str, &str)], seed: u64) -> String {
    let keys = [key(1, of)];
    let recipient = Recipient::choose(&keys, Unauthenticated::Accept).unwrap();
    let mut out = Writer::default();
    Envelope::new(recipient, &SequenceRandom::new(seed)).write(&mut out, plain).unwrap();
    out.finish().replace("EncryptedAssertion", "EncryptedID")
}

fn document(text: &str) -> Document {
    parse(text.as_bytes(), Limits::MESSAGE).unwrap()
}

fn ours(number: usize) -> DecryptionKey {
    DecryptionKey::from_pkcs8(&key_of(number).0).unwrap()
}

fn decrypt(text: &str) -> Result<String, Error> {
    let (one, two) = (ours(1), ours(2));
    let decrypted = decrypt_id(document(text).root(), &[&two, &one])?;
    Ok(decrypted.name_id().text().unwrap().to_owned())
}

// Conformance A-092.
#[test]
fn a_name_identifier_is_decrypted_by_whichever_of_our_keys_fits() {
    for of in [
        &[][..],
        &[(algorithm::AES128_GCM, "")],
        &[(algorithm::RSA_OAEP, DIGEST_256), (algorithm::AES256_GCM, "")],
    ] {
        let text = encrypted(ID, of, 1);
        assert_eq!(decrypt(&text), Ok("customer".to_owned()));
        let two = ours(2);
        assert_eq!(decrypt_id(document(&text).root(), &[&two]).unwrap_err(), Error::Decrypt);
        assert_eq!(decrypt_id(document(&text).root(), &[]).unwrap_err(), Error::Decrypt);
    }
}

#[test]
fn keys_may_stand_beside_what_they_open_and_one_may_be_for_somebody_else() {
    let text = encrypted(ID, &[], 1);
    let (start, end) = ("<xenc:EncryptedKey>", "</xenc:EncryptedKey>");
    let at = text.find(start).unwrap();
    let key = &text[at..text.find(end).unwrap() + end.len()];
    let alone = key.replacen(
        start,
        &format!("<xenc:EncryptedKey xmlns:xenc='{}' xmlns:ds='{}'>", ns::XENC, ns::DSIG),
        1,
    );
    let data_end = "</xenc:EncryptedData>";
    let beside = text.replace(key, "").replace(data_end, &format!("{data_end}{alone}"));
    assert_eq!(decrypt(&beside), Ok("customer".to_owned()));
    let foreign = encrypted(ID, &[], 2);
    let foreign_key =
        &foreign[foreign.find(start).unwrap()..foreign.find(end).unwrap() + end.len()];
    let two = text.replace(key, &format!("{foreign_key}{key}"));
    assert_eq!(decrypt(&two), Ok("customer".to_owned()));
    let three = text.replace(key, &format!("{key}{key}{key}"));
    assert!(matches!(decrypt(&three), Err(Error::EncryptionForm { found, .. }) if found == "3"));
    let none = decrypt(&text.replace(key, ""));
    assert!(matches!(none, Err(Error::EncryptionForm { found, .. }) if found == "0"));
}

/// The text of the first `tag` in `text` replaced by what `change` makes of its octets.
fn change(text: &str, nth: usize, change: impl Fn(&mut Vec<u8>)) -> String {
    let tag = "<xenc:CipherValue>";
    let start = text.match_indices(tag).nth(nth).unwrap().0 + tag.len();
    let end = start + text[start..].find('<').unwrap();
    let mut octets = STANDARD.decode(&text[start..end]).unwrap();
    change(&mut octets);
    [&text[..start], &STANDARD.encode(octets), &text[end..]].concat()
}

#[test]
fn whatever_fails_behind_the_first_operation_on_a_key_is_one_error() {
    let text = encrypted(ID, &[], 1);
    let short = "<saml2:NameID>";
    let two = [ID, ID].concat();
    let deep = "<saml2:NameID><saml2:NameID/></saml2:NameID>";
    for failing in [
        change(&text, 0, |key| key[0] ^= 1),
        change(&text, 0, |key| key.truncate(10)),
        change(&text, 0, Vec::clear),
        change(&text, 1, |sealed| sealed[0] ^= 1),
        change(&text, 1, |sealed| *sealed.last_mut().unwrap() ^= 1),
        change(&text, 1, |sealed| sealed[20] ^= 1),
        change(&text, 1, |sealed| sealed.truncate(11)),
        change(&text, 1, Vec::clear),
        // The key has another length than the cipher that the document claims.
        text.replace(algorithm::AES256_GCM, algorithm::AES128_GCM),
        encrypted("customer", &[], 1),
        encrypted(short, &[], 1),
        encrypted(&two, &[], 1),
        encrypted(deep, &[], 1),
        encrypted("<saml2:Assertion/>", &[], 1),
        encrypted("<NameID>x</NameID>", &[], 1),
        encrypted("<!DOCTYPE x><saml2:NameID>x</saml2:NameID>", &[], 1),
        encrypted("", &[], 1),
    ] {
        assert_eq!(decrypt(&failing), Err(Error::Decrypt), "{failing}");
    }
}

// Conformance C-27.
#[test]
fn references_and_transforms_are_refused_unread() {
    let text = encrypted(ID, &[], 1);
    let value = |text: &str| {
        let start = text.rfind("<xenc:CipherValue>").unwrap();
        let end = text.rfind("</xenc:CipherValue>").unwrap() + "</xenc:CipherValue>".len();
        text[start..end].to_owned()
    };
    let transforms = "<ds:Transforms xmlns:ds='http://www.w3.org/2000/09/xmldsig#'>\
                      <ds:Transform Algorithm='http://www.w3.org/TR/1999/REC-xslt-19991116'/>\
                      </ds:Transforms>";
    let reference = "<xenc:CipherReference URI='https://evil.example/'>";
    let info_end = "</xenc:EncryptedKey>";
    let retrieval = "<ds:RetrievalMethod URI='#other'/>";
    for (errand, name) in [
        (text.replace(&value(&text), &format!("{reference}</xenc:CipherReference>")), "CipherReference"),
        (
            text.replace(
                &value(&text),
                &format!("{reference}<xenc:Transforms>{transforms}</xenc:Transforms></xenc:CipherReference>"),
            ),
            "CipherReference",
        ),
        (text.replace(info_end, &format!("{info_end}{retrieval}")), "RetrievalMethod"),
        (text.replace("<ds:X509Data>", &format!("{retrieval}<ds:X509Data>")), "RetrievalMethod"),
        (text.replace("<ds:X509Data>", &format!("{transforms}<ds:X509Data>")), "Transforms"),
    ] {
        let error = decrypt(&errand).unwrap_err();
        let Error::EncryptionForm { found, .. } = &error else { panic!("{name}: {error}") };
        assert!(found.contains(name), "{name}: {found}");
    }
}

// Conformance A-116: what betrays texts by its errors is not even tried.
#[test]
fn cbc_and_rsa_1_5_are_never_decrypted() {
    let cbc = encrypted(ID, &[(algorithm::AES256_CBC, "")], 1);
    assert_eq!(decrypt(&cbc), Err(Error::Encryption { found: algorithm::AES256_CBC.to_owned() }));
    let text = encrypted(ID, &[], 1);
    let old = text.replace(algorithm::RSA_OAEP_MGF1P, RSA_1_5);
    assert_eq!(decrypt(&old), Err(Error::Encryption { found: RSA_1_5.to_owned() }));
    for (from, to) in [
        (algorithm::SHA1, "http://www.w3.org/2001/04/xmldsig-more#md5"),
        (algorithm::SHA1, algorithm::SHA256),
        ("<ds:DigestMethod", "<xenc:OAEPparams>AAAA</xenc:OAEPparams><ds:DigestMethod"),
    ] {
        assert!(
            matches!(decrypt(&text.replacen(from, to, 1)), Err(Error::Encryption { .. })),
            "{to}"
        );
    }
}

#[test]
fn another_form_is_refused_by_its_name() {
    let text = encrypted(ID, &[], 1);
    let content = text.replace("xmlenc#Element", "xmlenc#Content");
    assert!(matches!(decrypt(&content), Err(Error::EncryptionForm { .. })));
    let absent = text.replace("xenc:CipherValue>", "xenc:Other>");
    assert!(matches!(decrypt(&absent), Err(Error::Absent { what: "CipherValue", .. })));
    let long = change(&text, 1, |sealed| sealed.resize(limits::ENCRYPTED_ID_BYTES * 3, 0));
    assert!(matches!(decrypt(&long), Err(Error::EncryptionForm { .. })));
}

// What xmlsec1 and others encrypt does not repeat the declarations around it.
#[test]
fn a_prefix_may_be_declared_around_what_was_encrypted() {
    let text = encrypted("<a:NameID>customer</a:NameID>", &[], 1);
    assert_eq!(decrypt(&text), Err(Error::Decrypt));
    let around = text.replacen(" xmlns", &format!(" xmlns:a='{}' xmlns", ns::ASSERTION), 1);
    assert_eq!(decrypt(&around), Ok("customer".to_owned()));
}

// Conformance A-061, C-25.
#[test]
fn a_hundred_thousand_envelopes_repeat_neither_key_nor_iv() {
    let random = SequenceRandom::new(7);
    let keys = [key(1, &[])];
    let recipient = Recipient::choose(&keys, Unauthenticated::Refuse).unwrap();
    let mut seen = HashSet::new();
    for _ in 0..100_000 {
        let envelope = Envelope::new(recipient, &random);
        assert!(seen.insert(STANDARD.encode(&envelope.content_key)), "a key came twice");
        let mut out = Writer::default();
        envelope.write(&mut out, ID).unwrap();
        let text = out.finish();
        // The encrypted key, and the IV with the first octets that it encrypts.
        let values: Vec<_> = text.split("<xenc:CipherValue>").skip(1).collect();
        assert_eq!(values.len(), 2);
        assert!(values.iter().all(|value| seen.insert(value[..32].to_owned())));
        assert!(seen.insert(values[1][..16].to_owned()), "an IV came twice");
    }
}
