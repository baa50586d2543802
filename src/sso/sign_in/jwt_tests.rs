//! Tests of signed tickets: what their claims may say. The signature and the single use are tested
//! over HTTP.

use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

fn signed(changes: &[(&str, serde_json::Value)]) -> Signed {
    let mut claims = serde_json::json!({
        "aud": "https://idp.example",
        "exp": NOW.unix_timestamp() + 60,
        "jti": "1",
        "sub": "cust-1",
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    serde_json::from_value(claims).unwrap()
}

fn code(changes: &[(&str, serde_json::Value)]) -> Option<Code> {
    check(&signed(changes), "https://idp.example", NOW).err().map(|refusal| refusal.code)
}

#[test]
fn each_claim_has_its_bounds() {
    let now = NOW.unix_timestamp();
    assert_eq!(code(&[]), None);
    assert_eq!(code(&[("aud", serde_json::json!(["x", "https://idp.example"]))]), None);
    assert_eq!(code(&[("aud", "https://idp.example/".into())]), Some(Code::TicketAudience));
    assert_eq!(code(&[("aud", serde_json::json!([]))]), Some(Code::TicketAudience));
    assert_eq!(code(&[("exp", now.into())]), Some(Code::TicketExpired));
    assert_eq!(code(&[("exp", i64::MIN.into())]), Some(Code::TicketExpired));
    assert_eq!(code(&[("exp", (now + 65).into())]), None);
    assert_eq!(code(&[("exp", (now + 66).into())]), Some(Code::TicketClaims));
    assert_eq!(code(&[("exp", i64::MAX.into())]), Some(Code::TicketClaims));
    assert_eq!(code(&[("nbf", (now + 6).into())]), Some(Code::TicketClaims));
    assert_eq!(code(&[("jti", "".into())]), Some(Code::TicketClaims));
    assert_eq!(code(&[("jti", "x".repeat(129).into())]), Some(Code::TicketClaims));
}

#[test]
fn a_person_is_never_known_by_an_address() {
    let person = |changes: &[(&str, serde_json::Value)]| {
        signed(changes).claims.person().map_err(|refusal| refusal.code)
    };
    assert_eq!(person(&[]).unwrap().account_id.as_str(), "cust-1");
    assert_eq!(person(&[("sub", "a@b.example".into())]), Err(Code::TicketClaims));
    assert_eq!(person(&[("account_id", "+861380".into())]), Err(Code::TicketClaims));
    assert_eq!(person(&[("name", "x".repeat(257).into())]), Err(Code::TicketClaims));
}

#[test]
fn a_key_is_public_and_of_its_algorithm() {
    let secret = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#;
    for algorithm in [TicketAlgorithm::EdDsa, TicketAlgorithm::Es256, TicketAlgorithm::Rs256] {
        assert!(TicketKey::read("k", algorithm, secret).is_err());
        assert!(TicketKey::read("k", algorithm, "").is_err());
        assert!(TicketKey::read("k", algorithm, "{}").is_err());
    }
}
