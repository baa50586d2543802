//! Layer 3, sso: what happens next with a checked request. One pure function of the situation; the
//! table test below is its specification (conformance, V2).

use crate::saml::names::status;
use crate::store::record::{Link, Unmet};

/// All that the decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Situation {
    /// Whether somebody is signed in, and since when.
    pub presence: Presence,
    /// The request asks for a fresh proof of presence.
    pub force_authn: bool,
    /// The request forbids to show a page.
    pub is_passive: bool,
    /// The request asks for something that nobody's sign-in could give.
    pub unmet: Option<Unmet>,
}

/// Whether somebody is signed in at this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Nobody.
    Nobody,
    /// Somebody, of whom this is known.
    Somebody {
        /// Whether they proved who they are after the request came.
        proof: Proof,
        /// The partner has not switched them off.
        enabled: bool,
        /// They have a cloud account.
        link: Link,
        /// This session was sent into a first login.
        first_login_begun: bool,
        /// How they were authenticated is one of the contexts that the request accepts.
        context_met: bool,
    },
}

/// How the proof of who somebody is stands to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// They signed in before the request came.
    Before,
    /// They came in after the request, and nobody says that they proved anew who they are.
    Unsaid,
    /// They proved it after the request came.
    Fresh,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An assertion about the signed-in customer.
    Assert,
    /// An answer without assertion: top-level and second-level status.
    Decline(&'static str, &'static str),
    /// A page to sign in.
    SignIn,
    /// The customer is switched off.
    Disabled,
    /// A fresh proof was asked for, and what came back is none.
    ProofNotFresh,
    /// The customer has no cloud account, and nobody sent them to make one.
    FirstLoginNotBegun,
}

/// Decides.
#[must_use]
pub(super) fn next(situation: Situation) -> Next {
    if let Some(unmet) = situation.unmet {
        return match unmet {
            Unmet::NameId => Next::Decline(status::REQUESTER, status::INVALID_NAME_ID_POLICY),
            Unmet::Subject => Next::Decline(status::RESPONDER, status::UNKNOWN_PRINCIPAL),
            Unmet::AuthnContext => Next::Decline(status::RESPONDER, status::NO_AUTHN_CONTEXT),
            Unmet::Idp => Next::Decline(status::RESPONDER, status::NO_SUPPORTED_IDP),
            Unmet::Other => Next::Decline(status::RESPONDER, status::REQUEST_UNSUPPORTED),
        };
    }
    match situation.presence {
        Presence::Somebody { proof, enabled, link, first_login_begun, context_met }
            if proof != Proof::Before || !situation.force_authn =>
        {
            if !enabled {
                Next::Disabled
            } else if situation.force_authn && proof == Proof::Unsaid {
                // To ask once more would go round in a circle.
                Next::ProofNotFresh
            } else if !context_met {
                Next::Decline(status::RESPONDER, status::NO_AUTHN_CONTEXT)
            } else if link == Link::Unlinked && !first_login_begun {
                Next::FirstLoginNotBegun
            } else {
                Next::Assert
            }
        }
        // Nobody, or not freshly proved: a page would be needed.
        _ if situation.is_passive => Next::Decline(status::RESPONDER, status::NO_PASSIVE),
        _ => Next::SignIn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Presence {
        proved(Proof::Before)
    }

    fn proved(proof: Proof) -> Presence {
        Presence::Somebody {
            proof,
            enabled: true,
            link: Link::Linked,
            first_login_begun: false,
            context_met: true,
        }
    }

    fn plain(presence: Presence) -> Situation {
        Situation { presence, force_authn: false, is_passive: false, unmet: None }
    }

    #[test]
    fn every_combination_of_force_authn_passive_and_presence_has_its_next_step() {
        const NO_PASSIVE: Next = Next::Decline(status::RESPONDER, status::NO_PASSIVE);
        let (unsaid, fresh) = (proved(Proof::Unsaid), proved(Proof::Fresh));
        let table = [
            // presence, ForceAuthn, IsPassive, expected
            (Presence::Nobody, false, false, Next::SignIn),
            (Presence::Nobody, false, true, NO_PASSIVE),
            (Presence::Nobody, true, false, Next::SignIn),
            (Presence::Nobody, true, true, NO_PASSIVE),
            (somebody(), false, false, Next::Assert),
            (somebody(), false, true, Next::Assert),
            (somebody(), true, false, Next::SignIn),
            (somebody(), true, true, NO_PASSIVE),
            (unsaid, false, false, Next::Assert),
            (unsaid, false, true, Next::Assert),
            (unsaid, true, false, Next::ProofNotFresh),
            (unsaid, true, true, Next::ProofNotFresh),
            (fresh, false, false, Next::Assert),
            (fresh, false, true, Next::Assert),
            (fresh, true, false, Next::Assert),
            (fresh, true, true, Next::Assert),
        ];
        for (presence, force_authn, is_passive, expected) in table {
            let situation = Situation { presence, force_authn, is_passive, unmet: None };
            assert_eq!(next(situation), expected, "{situation:?}");
        }
    }

    #[test]
    fn an_unlinked_customer_gets_an_assertion_only_inside_a_first_login() {
        for (link, first_login_begun, expected) in [
            (Link::Linked, false, Next::Assert),
            (Link::Linked, true, Next::Assert),
            (Link::Unlinked, false, Next::FirstLoginNotBegun),
            (Link::Unlinked, true, Next::Assert),
        ] {
            let presence = Presence::Somebody {
                proof: Proof::Before,
                enabled: true,
                link,
                first_login_begun,
                context_met: true,
            };
            assert_eq!(next(plain(presence)), expected);
        }
    }

    #[test]
    fn a_switched_off_customer_and_an_unmet_context_never_get_an_assertion() {
        for (enabled, context_met, expected) in [
            (false, true, Next::Disabled),
            (false, false, Next::Disabled),
            (true, false, Next::Decline(status::RESPONDER, status::NO_AUTHN_CONTEXT)),
        ] {
            let presence = Presence::Somebody {
                proof: Proof::Fresh,
                enabled,
                link: Link::Linked,
                first_login_begun: false,
                context_met,
            };
            assert_eq!(next(plain(presence)), expected);
        }
    }

    #[test]
    fn what_cannot_be_met_is_declined_whoever_is_there() {
        for presence in [Presence::Nobody, somebody()] {
            for (unmet, detail) in [
                (Unmet::NameId, status::INVALID_NAME_ID_POLICY),
                (Unmet::Subject, status::UNKNOWN_PRINCIPAL),
                (Unmet::AuthnContext, status::NO_AUTHN_CONTEXT),
                (Unmet::Idp, status::NO_SUPPORTED_IDP),
                (Unmet::Other, status::REQUEST_UNSUPPORTED),
            ] {
                let situation = Situation { unmet: Some(unmet), ..plain(presence) };
                assert!(matches!(next(situation), Next::Decline(_, found) if found == detail));
            }
        }
    }
}
