//! Layer 3, sso: tickets that the partner's back end signs itself, as JWTs (RFC 7519) with `EdDSA`,
//! ES256 or RS256. Used once, for sixty seconds, for this audience only (design §6).

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use time::OffsetDateTime;

use super::super::Sso;
use super::super::session::Proven;
use super::ticket::{Claims, Redeemed, SKEW};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::names::authn_context;
use crate::store::mark::MarkKind;
use crate::store::record::Tenant;

/// Longest `jti`, characters.
const JTI_CHARS: usize = 128;

/// A public key of the partner, pinned to one algorithm.
#[derive(Clone)]
pub struct TicketKey {
    id: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The algorithms of tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketAlgorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
}

impl TicketKey {
    /// Reads the keys in a file's text: one public key as PEM, or a JWKS whose keys of this
    /// algorithm are taken.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn read(id: &str, algorithm: TicketAlgorithm, text: &str) -> Result<Vec<Self>, String> {
        let (algorithm, from_pem): (_, fn(&[u8]) -> _) = match algorithm {
            TicketAlgorithm::EdDsa => (Algorithm::EdDSA, DecodingKey::from_ed_pem),
            TicketAlgorithm::Es256 => (Algorithm::ES256, DecodingKey::from_ec_pem),
            TicketAlgorithm::Rs256 => (Algorithm::RS256, DecodingKey::from_rsa_pem),
        };
        if !text.trim_start().starts_with('{') {
            let key = from_pem(text.as_bytes())
                .map_err(|_| format!("expected a public key for {algorithm:?} as PEM"))?;
            return Ok(vec![Self { id: id.to_owned(), algorithm, key }]);
        }
        let set: JwkSet =
            serde_json::from_str(text).map_err(|_| "expected a JWKS (RFC 7517 §5)".to_owned())?;
        let keys: Vec<_> = set.keys.iter().filter_map(|jwk| from_jwk(id, algorithm, jwk)).collect();
        if keys.is_empty() {
            return Err(format!("expected a JWKS with a key for {algorithm:?}, found none"));
        }
        Ok(keys)
    }
}

fn from_jwk(id: &str, algorithm: Algorithm, jwk: &Jwk) -> Option<TicketKey> {
    use jsonwebtoken::jwk::AlgorithmParameters as P;
    let fits = match &jwk.algorithm {
        P::OctetKeyPair(_) => algorithm == Algorithm::EdDSA,
        P::EllipticCurve(_) => algorithm == Algorithm::ES256,
        P::RSA(_) => algorithm == Algorithm::RS256,
        // A symmetric key is nobody's public key (conformance C-14).
        _ => false,
    };
    let key = fits.then(|| DecodingKey::from_jwk(jwk).ok())??;
    let id = jwk.common.key_id.clone().unwrap_or_else(|| id.to_owned());
    Some(TicketKey { id, algorithm, key })
}

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TicketKey({}, {:?})", self.id, self.algorithm)
    }
}

/// The claims of a signed ticket.
#[derive(Deserialize)]
struct Signed {
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
    #[serde(flatten)]
    claims: Claims,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Sso {
    /// Redeems a signed ticket.
    pub(super) async fn redeem_signed(
        &self,
        tenant: &Tenant,
        ticket: &str,
    ) -> Result<Redeemed, Refusal> {
        let keys = self.partners.of(&tenant.id).map_or(&[][..], |partner| &partner.ticket_keys);
        let signed = verify(ticket, keys)?;
        let now = self.clock.now();
        check(&signed, &tenant.ticket_audience, now)?;
        let redeemed = Redeemed {
            proven: Proven {
                person: signed.claims.person()?,
                proved_at: signed.claims.proved_at(now)?,
                class: authn_context::PREVIOUS_SESSION,
            },
            service: signed.claims.service,
        };
        // Claimed last: a ticket that is refused for another reason is not used up.
        self.use_up(tenant, MarkKind::UsedJti, &signed.jti).await?;
        Ok(redeemed)
    }
}

/// Checks the signature with the keys that the header may mean.
fn verify(ticket: &str, keys: &[TicketKey]) -> Result<Signed, Refusal> {
    let unreadable =
        |found: String| Refusal::new(Code::TicketUnreadable, format!("expected a JWT, {found}"));
    let header = jsonwebtoken::decode_header(ticket)
        .map_err(|_| unreadable("found a header that cannot be read".to_owned()))?;
    let named = |key: &&TicketKey| header.kid.as_ref().is_none_or(|kid| *kid == key.id);
    let fitting = keys.iter().filter(|key| key.algorithm == header.alg).filter(named);
    let mut tried = 0;
    for key in fitting {
        tried += 1;
        // Times and audience are checked below, by our clock.
        let mut validation = Validation::new(key.algorithm);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        match jsonwebtoken::decode::<Signed>(ticket, &key.key, &validation) {
            Ok(decoded) => return Ok(decoded.claims),
            Err(error) if matches!(error.kind(), ErrorKind::Json(_)) => {
                let cause =
                    "expected aud, exp, jti, sub and attributes in their forms, found others";
                return Err(Refusal::new(Code::TicketClaims, cause));
            }
            // Another key of the partner may verify it.
            Err(_) => {}
        }
    }
    let cause =
        format!("expected a signature by a registered key, tried {tried} of {}", keys.len());
    Err(Refusal::new(Code::TicketSignature, cause))
}

fn check(signed: &Signed, audience: &str, now: OffsetDateTime) -> Result<(), Refusal> {
    let meant = match &signed.aud {
        Audience::One(one) => one == audience,
        Audience::Many(many) => many.iter().any(|one| one == audience),
    };
    if !meant {
        let cause = format!("expected aud {audience}, found another");
        return Err(Refusal::new(Code::TicketAudience, cause));
    }
    let now = now.unix_timestamp();
    let life = i64::try_from(limits::TICKET_LIFE.as_secs()).unwrap_or(i64::MAX);
    let skew = SKEW.whole_seconds();
    if signed.exp <= now {
        let cause =
            format!("expected exp after now, found it {} s ago", now.saturating_sub(signed.exp));
        return Err(Refusal::new(Code::TicketExpired, cause));
    }
    if signed.exp.saturating_sub(now) > life + skew {
        let cause = format!("expected exp at most {life} s ahead, found {}", signed.exp - now);
        return Err(Refusal::new(Code::TicketClaims, cause));
    }
    if signed.nbf.is_some_and(|nbf| nbf > now.saturating_add(skew)) {
        return Err(Refusal::new(Code::TicketClaims, "expected nbf now or before, found it ahead"));
    }
    if signed.jti.is_empty() || signed.jti.chars().count() > JTI_CHARS {
        let cause = format!("expected a jti of 1 to {JTI_CHARS} characters, found another");
        return Err(Refusal::new(Code::TicketClaims, cause));
    }
    Ok(())
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
