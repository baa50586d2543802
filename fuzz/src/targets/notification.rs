//! Fuzzing: the input is the form of a link notification, or else the JSON in one that the cloud
//! signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skybridge::account::{Form, Notice};
use skybridge::refusal::Code;
use url::form_urlencoded;

use super::cost;
use super::material::peer;

pub(super) fn run(octets: &[u8]) {
    match std::str::from_utf8(octets) {
        Ok(form) if form.contains('=') => {
            posted(octets);
            signed(form);
        }
        _ => signed(&STANDARD.encode(octets)),
    }
}

/// Nobody can sign with these keys.
fn posted(body: &[u8]) {
    let field = |wanted| form_urlencoded::parse(body).find(|(name, _)| name == wanted);
    let (Some(request), Some(by), Some(signature)) =
        (field("bindRequest"), field("SigAlg"), field("Signature"))
    else {
        return;
    };
    let form = Form { bind_request: &request.1, algorithm: &by.1, signature: &signature.1 };
    let forged = cost::of(|| Notice::read(form, &peer().pinned));
    assert_eq!(forged.map_err(|it| it.code).unwrap_err(), Code::LinkNoticeSignature);
}

/// The signature is never what is wrong.
fn signed(bind_request: &str) {
    let signature = peer().sign(bind_request.as_bytes());
    let algorithm = peer().algorithm().uri();
    let form = Form { bind_request, algorithm, signature: &signature };
    match cost::of(|| Notice::read(form, &peer().pinned)) {
        Ok(notice) => assert!(!notice.account_id.as_str().is_empty()),
        Err(refusal) => assert_eq!(refusal.code, Code::LinkNoticeUnreadable),
    }
}
