//! Layer 3, sso: everything that can happen next in a journey. `http` shows it; nothing else does.

use super::{Delivery, Opening, Telling, Way};
use crate::refusal::{Code, Refusal};
use crate::saml::EntityId;

/// What happens next.
#[derive(Debug)]
pub enum Step {
    /// The partner's own sign-in page, with a continuation.
    SignInAtPartner {
        /// The page with the continuation in its query.
        url: String,
    },
    /// Our sign-in page.
    SignInHere {
        /// The journey to continue afterwards, if one waits.
        handle: Option<String>,
    },
    /// Our sign-in page once more, with what was wrong.
    SignInAgain {
        /// The journey to continue afterwards, if one waits.
        handle: Option<String>,
        /// What was wrong.
        problem: Code,
        /// The name that was typed, which need not be typed again.
        username: String,
    },
    /// On to a request that was posted, at an address to which the browser shows its cookies.
    Arrived {
        /// The request.
        handle: String,
    },
    /// On to a parked journey, at an address without the ticket.
    Continue {
        /// The journey.
        handle: String,
    },
    /// Off to the cloud's login link.
    GoToCloud {
        /// The link.
        url: String,
    },
    /// Our page that opens an account, at its own address.
    OpenAccountHere {
        /// The page of the cloud to land on.
        service: Option<String>,
    },
    /// That page, as it is to be shown.
    OpenAccount(Box<Opening>),
    /// The page on which a customer waits for their account.
    AccountComing {
        /// The page of the cloud to land on.
        service: Option<String>,
    },
    /// A signed message to an ACS.
    Deliver(Box<Delivery>),
    /// No assertion because of who is there: our page says so, and the service provider can be
    /// told.
    TurnAway {
        /// Why.
        refusal: Box<Refusal>,
        /// What the service provider is told.
        answer: Box<Delivery>,
        /// Whether it is told at once, without a page of ours.
        is_at_once: bool,
    },
    /// The page that says that the account at the cloud is ready, at its own address.
    Linked,
    /// The page that says that the link with the cloud account has ended, at its own address.
    LinkEnded,
    /// On to a logout message that was posted, at an address to which the browser shows its
    /// cookies.
    Heard {
        /// The message.
        handle: String,
    },
    /// On to the page of a logout under way.
    Leaving {
        /// The logout.
        handle: String,
    },
    /// The page of a logout under way, which tells one service provider.
    Tell(Box<Telling>),
    /// The answer to the service provider that asked for a logout.
    LogoutAnswered {
        /// How it leaves.
        way: Box<Way>,
        /// Whom it is for.
        sp: EntityId,
    },
    /// The page that says goodbye.
    SignedOut {
        /// Who could not be told.
        missed: Vec<EntityId>,
    },
}

impl Step {
    /// Its name in log and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignInAtPartner { .. } => "sign-in-at-partner",
            Self::SignInHere { .. } => "sign-in",
            Self::SignInAgain { .. } => "sign-in-again",
            Self::Arrived { .. } => "arrived",
            Self::Continue { .. } => "continue",
            Self::GoToCloud { .. } => "go-to-cloud",
            Self::OpenAccountHere { .. } | Self::OpenAccount(_) => "open-account",
            Self::AccountComing { .. } => "account-coming",
            Self::Deliver(_) => "deliver",
            Self::TurnAway { .. } => "turn-away",
            Self::Linked => "linked",
            Self::LinkEnded => "link-ended",
            Self::Heard { .. } => "logout-heard",
            Self::Leaving { .. } => "leaving",
            Self::Tell(_) => "tell-of-logout",
            Self::LogoutAnswered { .. } => "logout-answered",
            Self::SignedOut { .. } => "signed-out",
        }
    }
}
