//! Fuzzing: the input is the query of a request, or else the compressed octets in one.

use skybridge::saml::logout::{LogoutRequest, LogoutResponse};
use skybridge::saml::{AuthnRequest, Parameter, Unsigned, redirect};

use super::cost;
use super::material::{encode, encode64, peer};
use super::messages::verified;

pub(super) fn run(octets: &[u8]) {
    match std::str::from_utf8(octets) {
        Ok(query) if query.contains('=') => as_it_stands(query),
        _ => signed(octets),
    }
}

/// Nobody can sign with these keys, so nothing that needs a signature is believed.
fn as_it_stands(query: &str) {
    let which = cost::of(|| Parameter::of(query));
    let request = verified(cost::of(|| redirect::read::<AuthnRequest>(query)), Unsigned::Refuse);
    assert!(request.is_err(), "forged: {request:?}");
    let request = verified(cost::of(|| redirect::read::<LogoutRequest>(query)), Unsigned::Refuse);
    assert!(request.is_err(), "forged: {request:?}");
    let response = verified(cost::of(|| redirect::read::<LogoutResponse>(query)), Unsigned::Accept);
    if response.is_ok() {
        assert_eq!(which, Ok(Some(Parameter::Response)));
    }
    let request = verified(cost::of(|| redirect::read::<AuthnRequest>(query)), Unsigned::Accept);
    if request.is_ok() {
        assert_eq!(which, Ok(Some(Parameter::Request)));
    }
}

/// What its sender signed is believed, whatever it says.
fn signed(compressed: &[u8]) {
    let query = format!(
        "SAMLRequest={}&RelayState=a%20%2B&SigAlg={}",
        encode64(compressed),
        encode(peer().algorithm().uri().as_bytes())
    );
    let signature = peer().sign(query.as_bytes());
    let query = format!("{query}&Signature={}", encode(signature.as_bytes()));
    let read = cost::of(|| redirect::read::<AuthnRequest>(&query));
    if let Ok(unverified) = read {
        let request = verified(Ok(unverified), Unsigned::Refuse);
        assert!(request.is_ok(), "a good signature is refused: {request:?}");
    }
}
