//! Fuzzing: the input is the XML of a `LogoutRequest` or `LogoutResponse`, by the browser bindings
//! and in an envelope of SOAP, or the envelope itself.

use std::fmt::Debug;
use std::sync::OnceLock;

use skybridge::saml::encryption::{DecryptionKey, decrypt_id};
use skybridge::saml::logout::{LogoutRequest, LogoutResponse, Principal};
use skybridge::saml::message::{Message, Received};
use skybridge::saml::names::ns;
use skybridge::saml::xml::{Limits, parse};
use skybridge::saml::{Error, Unsigned, Unverified, post, soap};

use super::cost;
use super::material::{encode64, peer};
use super::messages::by_every_way;

pub(super) fn run(xml: &[u8]) {
    by_every_way::<LogoutRequest>(xml);
    by_every_way::<LogoutResponse>(xml);
    in_an_envelope::<LogoutRequest>(xml);
    in_an_envelope::<LogoutResponse>(xml);
    if let Ok(request) = read::<LogoutRequest>(cost::of(|| soap::read(xml))) {
        decrypted(&request);
    }
    _ = read::<LogoutResponse>(cost::of(|| soap::read(xml)));
    let body = format!("SAMLRequest={}", encode64(xml)).into_bytes();
    let posted = post::read::<LogoutRequest>("", &body);
    let posted = posted.and_then(|it| it.verify(&peer().pinned, Unsigned::Accept));
    if let Ok(posted) = posted {
        decrypted(&posted.get().message);
    }
}

/// An envelope changes nothing in a message.
fn in_an_envelope<T: Message + Debug>(xml: &[u8]) {
    let body = format!("{}={}", T::PARAMETER.name(), encode64(xml)).into_bytes();
    let posted = post::read::<T>("", &body);
    let Ok(posted) = posted.and_then(|it| it.verify(&peer().pinned, Unsigned::Accept)) else {
        return;
    };
    let head = format!("<s:Envelope xmlns:s=\"{}\"><s:Body>", ns::SOAP);
    let wrapped = [head.as_bytes(), xml, b"</s:Body></s:Envelope>"].concat();
    if let Ok(message) = read::<T>(cost::of(|| soap::read(&wrapped))) {
        assert_eq!(format!("{message:?}"), format!("{:?}", posted.get().message));
    }
}

/// A message of an envelope. Nobody can sign with these keys.
fn read<T: Message>(found: Result<Unverified<Received<T>>, Error>) -> Result<T, Error> {
    let unverified = found?;
    let verified = cost::of(|| unverified.verify(&peer().pinned, Unsigned::Accept))?;
    Ok(verified.into_inner().message)
}

/// What was not encrypted for our key is never decrypted.
fn decrypted(request: &LogoutRequest) {
    static KEY: OnceLock<DecryptionKey> = OnceLock::new();
    let Principal::Encrypted(encrypted) = &request.principal else { return };
    let key = KEY.get_or_init(|| {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        DecryptionKey::from_pkcs8(&pair.serialize_der()).unwrap()
    });
    let limits = Limits { bytes: encrypted.len(), ..Limits::MESSAGE };
    let document = parse(encrypted.as_bytes(), limits).expect("a canonical form can be read");
    let opened = cost::of(|| decrypt_id(document.root(), &[key]));
    assert!(opened.is_err(), "decrypted: {opened:?}");
}
