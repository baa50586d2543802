//! Layer 0, saml: whether an authentication meets what was asked for (saml-core-2.0-os §3.3.2.2.1,
//! saml-authn-context-2.0-os §3.4; conformance A-038).

use super::authn_request::Comparison;
use super::names::authn_context;

/// Classes from the weakest to the strongest, as far as they can be ordered. The standard orders
/// none (§3.3.2.2.1 leaves it to the responder); a class that is not listed compares with nothing
/// but itself.
const BY_STRENGTH: [&[&str]; 6] = [
    &[authn_context::UNSPECIFIED],
    &[authn_context::PREVIOUS_SESSION, authn_context::INTERNET_PROTOCOL],
    &[authn_context::PASSWORD],
    &[authn_context::PASSWORD_PROTECTED_TRANSPORT],
    &[authn_context::TIME_SYNC_TOKEN, authn_context::MOBILE_TWO_FACTOR_CONTRACT],
    &[authn_context::X509, authn_context::SMARTCARD_PKI],
];

/// Whether the class that is asserted satisfies the requested ones. Nothing is asked for when there
/// are none; who asks for the unspecified class takes any.
#[must_use]
pub fn met(requested: &[String], comparison: Comparison, asserted: &str) -> bool {
    if requested.is_empty() {
        return true;
    }
    let is_same = |class: &String| class == asserted;
    match comparison {
        Comparison::Exact => {
            requested.iter().any(|class| is_same(class) || class == authn_context::UNSPECIFIED)
        }
        Comparison::Minimum => {
            requested.iter().any(|class| is_same(class) || is_at_least(asserted, class))
        }
        Comparison::Maximum => {
            requested.iter().any(|class| is_same(class) || is_at_least(class, asserted))
        }
        Comparison::Better => requested.iter().all(|class| {
            !is_same(class) && is_at_least(asserted, class) && !is_at_least(class, asserted)
        }),
    }
}

fn is_at_least(one: &str, other: &str) -> bool {
    let strength = |class: &str| BY_STRENGTH.iter().position(|level| level.contains(&class));
    matches!((strength(one), strength(other)), (Some(one), Some(other)) if one >= other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEAK: &str = authn_context::PREVIOUS_SESSION;
    const OURS: &str = authn_context::PASSWORD_PROTECTED_TRANSPORT;
    const STRONG: &str = authn_context::SMARTCARD_PKI;
    const FOREIGN: &str = "urn:x";

    #[test]
    fn each_comparison_accepts_what_the_standard_says() {
        use Comparison::{Better, Exact, Maximum, Minimum};
        for (requested, comparison, expected) in [
            (&[][..], Exact, true),
            (&[][..], Better, true),
            (&[OURS], Exact, true),
            (&[WEAK, OURS], Exact, true),
            (&[WEAK], Exact, false),
            (&[STRONG, FOREIGN], Exact, false),
            (&[authn_context::UNSPECIFIED], Exact, true),
            (&[WEAK], Minimum, true),
            (&[OURS], Minimum, true),
            (&[STRONG], Minimum, false),
            (&[STRONG, WEAK], Minimum, true),
            (&[FOREIGN], Minimum, false),
            (&[STRONG], Maximum, true),
            (&[OURS], Maximum, true),
            (&[WEAK], Maximum, false),
            (&[FOREIGN], Maximum, false),
            (&[WEAK], Better, true),
            (&[OURS], Better, false),
            (&[WEAK, STRONG], Better, false),
            (&[WEAK, FOREIGN], Better, false),
        ] {
            let requested: Vec<_> = requested.iter().map(|class| (*class).to_owned()).collect();
            assert_eq!(met(&requested, comparison, OURS), expected, "{comparison:?} {requested:?}");
        }
    }

    #[test]
    fn a_class_that_nobody_ordered_equals_itself_only() {
        let foreign = [FOREIGN.to_owned()];
        for comparison in [Comparison::Exact, Comparison::Minimum, Comparison::Maximum] {
            assert!(met(&foreign, comparison, FOREIGN));
        }
        assert!(!met(&foreign, Comparison::Better, FOREIGN));
    }
}
