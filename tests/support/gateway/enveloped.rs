//! Messages that carry their signature inside, as the HTTP-POST and SOAP bindings have them. They
//! are signed by xmlsec1, not by means of the gateway's.

use std::path::Path;

use super::material::Pair;
use crate::support::xmlsec;

/// Signs the document element of a message, which has an `Issuer` first.
pub(crate) fn signed(document: &str, pair: &Pair) -> String {
    // The first tag that closes is the Issuer's.
    let close = document.find("</").unwrap();
    let (before, after) = document.split_at(close + document[close..].find('>').unwrap() + 1);
    sign(&format!("{before}{}{after}", template(&id(document))), document, pair)
}

/// An identifier in an `EncryptedID`, encrypted by xmlsec1 for the certificate in that file.
pub(crate) fn encrypted(name_id: &str, cipher: &str, certificate: &Path) -> String {
    const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
    const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
    let document = format!(
        "<saml2:EncryptedID xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{name_id}\
         </saml2:EncryptedID>"
    );
    let template = format!(
        "<e:EncryptedData xmlns:e=\"{XENC}\" Type=\"{XENC}Element\">\
         <e:EncryptionMethod Algorithm=\"{cipher}\"/><d:KeyInfo xmlns:d=\"{DSIG}\">\
         <e:EncryptedKey><e:EncryptionMethod Algorithm=\"{XENC}rsa-oaep-mgf1p\"/>\
         <e:CipherData><e:CipherValue/></e:CipherData></e:EncryptedKey></d:KeyInfo>\
         <e:CipherData><e:CipherValue/></e:CipherData></e:EncryptedData>"
    );
    let text = xmlsec::encrypt((&document, "NameID"), &template, "aes-256", certificate).unwrap();
    text.split_once("?>").map_or(text.as_str(), |(_, element)| element.trim()).to_owned()
}

fn sign(prepared: &str, document: &str, pair: &Pair) -> String {
    let here = tempfile::tempdir().unwrap();
    let key = here.path().join("key.pem");
    std::fs::write(&key, &pair.private_pem).unwrap();
    let element = format!("urn:oasis:names:tc:SAML:2.0:protocol:{}", local(document));
    xmlsec::sign(
        prepared,
        &["--privkey-pem", key.to_str().unwrap(), "--id-attr:ID", element.as_str()],
    )
}

fn template(id: &str) -> String {
    format!(
        "<d:Signature xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\"><d:SignedInfo>\
         <d:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <d:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
         <d:Reference URI=\"#{id}\"><d:Transforms>\
         <d:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <d:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></d:Transforms>\
         <d:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><d:DigestValue/>\
         </d:Reference></d:SignedInfo><d:SignatureValue/></d:Signature>"
    )
}

/// The `ID` of a document element.
pub(crate) fn id(document: &str) -> String {
    let (_, rest) = document.split_once(" ID=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// The local name of a document element.
fn local(document: &str) -> &str {
    let body = document.split_once("?>").map_or(document, |(_, body)| body);
    let name = body.trim_start().trim_start_matches('<');
    let name = name.split([' ', '>', '\n', '/']).next().unwrap();
    name.split_once(':').map_or(name, |(_, local)| local)
}
