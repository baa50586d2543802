//! SP Metadata.xml in the shape of the live cloud's. Apart room `fakecloud`; contract §3.3,
//! Metadata 2.4.4.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra::keys::loader;
use bergshamra::{DsigContext, KeysManager};

use super::escape::Escaped;
use super::key::SpKeys;
use super::knobs::Certificates;
use super::{Addresses, Error};

/// The metadata without a signature.
pub(crate) fn unsigned(at: &Addresses, keys: &SpKeys, setting: Certificates) -> String {
    document(at, keys, setting, "")
}

/// The metadata with an enveloped signature of the key that signs requests: exclusive C14N,
/// rsa-sha256. The live cloud's copy of 2018 digests with sha1; we do not follow it there.
pub(crate) fn signed(
    at: &Addresses,
    keys: &SpKeys,
    setting: Certificates,
) -> Result<String, Error> {
    let signature = signature_template(&at.metadata_id, keys.signing_certificate(setting));
    let template = document(at, keys, setting, &signature);
    let key = keys.signing(setting);
    let signer = loader::load_rsa_private_pem(key.private_pem().as_bytes())
        .map_err(|e| Error::Key(e.to_string()))?;
    let mut manager = KeysManager::new();
    manager.add_key(signer);
    bergshamra::dsig::sign::sign_owned(&DsigContext::new(manager), template)
        .map_err(|e| Error::Key(e.to_string()))
}

fn document(at: &Addresses, keys: &SpKeys, setting: Certificates, signature: &str) -> String {
    let mut keys_xml = String::new();
    for usage in ["signing", "encryption"] {
        for certificate in keys.listed(setting) {
            let certificate = wrapped(certificate);
            let _ = write!(
                keys_xml,
                "<md:KeyDescriptor use=\"{usage}\">\n<ds:KeyInfo xmlns:ds=\"{DS}\">\n\
                 <ds:X509Data>\n\
                 <ds:X509Certificate>\n{certificate}\n</ds:X509Certificate>\n</ds:X509Data>\n\
                 </ds:KeyInfo>\n</md:KeyDescriptor>\n"
            );
        }
    }
    let base = Escaped(&at.base);
    let acs = Escaped(&at.acs);
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"{id}\" \
         entityID=\"{entity_id}\">\n{signature}\
         <md:SPSSODescriptor AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n{keys_xml}\
         <md:ArtifactResolutionService Binding=\"{BINDING}HTTP-Artifact\" Location=\"{acs}\" \
         index=\"0\" isDefault=\"true\"/>\n\
         <md:SingleLogoutService Binding=\"{BINDING}HTTP-Redirect\" \
         Location=\"{base}/authui/saml/LogoutServiceHTTPRedirect\" \
         ResponseLocation=\"{base}/authui/saml/LogoutServiceHTTPRedirectResponse\"/>\n\
         <md:SingleLogoutService Binding=\"{BINDING}HTTP-POST\" \
         Location=\"{base}/authui/saml/LogoutServiceHTTPPost\" \
         ResponseLocation=\"{base}/authui/saml/LogoutServiceHTTPPostResponse\"/>\n\
         <md:ManageNameIDService Binding=\"{BINDING}HTTP-POST\" \
         Location=\"{base}/authui/saml/ManageNameIDServiceHTTPPost\" \
         ResponseLocation=\"{base}/authui/saml/ManageNameIDServiceHTTPPostResponse\"/>\n\
         <md:ManageNameIDService Binding=\"{BINDING}HTTP-Redirect\" \
         Location=\"{base}/authui/saml/ManageNameIDServiceHTTPRedirect\" \
         ResponseLocation=\"{base}/authui/saml/ManageNameIDServiceHTTPRedirectResponse\"/>\n\
         <md:ManageNameIDService Binding=\"{BINDING}SOAP\" \
         Location=\"{base}/authui/saml/ManageNameIDServiceSOAP\"/>\n\
         <md:NameIDFormat>\nurn:oasis:names:tc:SAML:2.0:nameid-format:transient\n\
         </md:NameIDFormat>\n\
         <md:AssertionConsumerService Binding=\"{BINDING}HTTP-POST\" Location=\"{acs}\" \
         index=\"0\" isDefault=\"true\"/>\n\
         </md:SPSSODescriptor>\n</md:EntityDescriptor>\n",
        id = at.metadata_id,
        entity_id = Escaped(&at.entity_id),
    )
}

fn signature_template(id: &str, certificate: &[u8]) -> String {
    let certificate = wrapped(certificate);
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\">\n<ds:SignedInfo>\n\
         <ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"/>\n\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\n\
         <ds:Reference URI=\"#{id}\">\n<ds:Transforms>\n\
         <ds:Transform Algorithm=\"{DS}enveloped-signature\"/>\n\
         <ds:Transform Algorithm=\"{EXC_C14N}\"/>\n</ds:Transforms>\n\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\n\
         <ds:DigestValue></ds:DigestValue>\n</ds:Reference>\n</ds:SignedInfo>\n\
         <ds:SignatureValue></ds:SignatureValue>\n\
         <ds:KeyInfo>\n<ds:X509Data>\n<ds:X509Certificate>\n{certificate}\n\
         </ds:X509Certificate>\n</ds:X509Data>\n</ds:KeyInfo>\n</ds:Signature>\n"
    )
}

/// Base64 in blocks of 76 with spaces between, as the live cloud's metadata has it: readers must
/// strip them.
fn wrapped(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    let blocks: Vec<&str> =
        (0..text.len()).step_by(76).map(|at| &text[at..text.len().min(at + 76)]).collect();
    blocks.join(" ")
}

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:";
