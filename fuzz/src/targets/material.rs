//! Fuzzing: keys, and messages packed and signed as a peer would.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress};
use skybridge::saml::names::{algorithm, ns};
use skybridge::saml::signature::verify::Place;
use skybridge::saml::xml::{Element, Limits, c14n, parse};
use skybridge::saml::{MessageId, SignatureAlgorithm, SigningKey, VerifyingKey};
use url::form_urlencoded::byte_serialize;

/// A service provider with a key of this process, and another that never signs here.
pub(super) struct Peer {
    signing: SigningKey,
    /// What its metadata would list.
    pub(super) pinned: Vec<VerifyingKey>,
}

/// The one peer.
pub(super) fn peer() -> &'static Peer {
    static PEER: OnceLock<Peer> = OnceLock::new();
    PEER.get_or_init(|| {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let name = vec!["sp.example".to_owned()];
        let certificate = rcgen::CertificateParams::new(name).unwrap().self_signed(&pair).unwrap();
        let (key, certificate) = (pair.serialize_der(), certificate.der().to_vec());
        let of_rsa = include_str!("../../../tests/vectors/idp.crt");
        let of_rsa: String = of_rsa.lines().filter(|line| !line.starts_with("-----")).collect();
        let certificates = [STANDARD.decode(of_rsa).unwrap(), certificate.clone()];
        Peer {
            signing: SigningKey::new(&key, &certificate).unwrap(),
            pinned: certificates.map(|it| VerifyingKey::from_certificate(&it).unwrap()).into(),
        }
    })
}

impl Peer {
    /// How the peer signs.
    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.signing.algorithm()
    }

    /// The peer's signature over some octets.
    pub(super) fn sign(&self, octets: &[u8]) -> String {
        STANDARD.encode(self.signing.sign(octets).unwrap())
    }

    /// The canonical form of a document that can be read, with an enveloped signature where the
    /// schema has it. None where it has no place or nothing to refer to.
    pub(super) fn sign_document(
        &self,
        octets: &[u8],
        place: Place,
        limits: Limits,
    ) -> Option<String> {
        let document = parse(octets, limits).ok()?;
        let id = document.root().attribute("ID")?;
        MessageId::parse(id).ok()?;
        let canonical = c14n::exclusive(document.root(), &[], None, limits.bytes * 2).ok()?;
        let again = parse(canonical.as_bytes(), Limits { bytes: canonical.len(), ..limits });
        let again = again.expect("a canonical form can be read");
        let at = signature_place(again.root(), place).unwrap_or(canonical.rfind("</")?);
        let signature = self.signature(&canonical, id);
        Some([&canonical[..at], &signature, &canonical[at..]].concat())
    }

    fn signature(&self, canonical: &str, id: &str) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
        let info = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{c14n}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{enveloped}\"></ds:Transform>\
             <ds:Transform Algorithm=\"{c14n}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{sha256}\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>",
            c14n = algorithm::EXC_C14N,
            method = self.algorithm().uri(),
            enveloped = algorithm::ENVELOPED,
            sha256 = algorithm::SHA256,
            digest = STANDARD.encode(digest),
        );
        let dsig = ns::DSIG;
        let signed = format!("<ds:SignedInfo xmlns:ds=\"{dsig}\">{info}</ds:SignedInfo>");
        let value = self.sign(signed.as_bytes());
        format!(
            "<ds:Signature xmlns:ds=\"{dsig}\"><ds:SignedInfo>{info}</ds:SignedInfo>\
             <ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
        )
    }
}

/// Where the element begins before which the signature goes; none where it goes to the end.
fn signature_place(root: Element<'_>, place: Place) -> Option<usize> {
    let before = match place {
        Place::First => 0,
        Place::AfterIssuer => 1,
    };
    root.children().nth(before).map(Element::offset)
}

/// A value as it stands in a query or form.
pub(super) fn encode(value: &[u8]) -> String {
    byte_serialize(value).collect()
}

/// Octets in base64, as they stand in a query or form.
pub(super) fn encode64(octets: &[u8]) -> String {
    encode(STANDARD.encode(octets).as_bytes())
}

/// One raw DEFLATE stream.
pub(super) fn deflate(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 10 + 128);
    let mut compress = Compress::new(Compression::fast(), false);
    compress.compress_vec(octets, &mut out, FlushCompress::Finish).unwrap();
    out
}
