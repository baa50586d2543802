//! Layer 3, sso: the checks of a message on its way in, by name, and somebody who watches how they
//! end. At work nobody does, which costs nothing; [`explain`](super::explain) watches, to tell
//! afterwards what was looked at. Who watches decides nothing: there is one way to check a message.

use time::Duration;

use super::request::as_time;
use crate::cloud::registration::Registered;
use crate::cloud::skew::Verdict;
use crate::measure;
use crate::store::record::{Tenant, Unmet};

/// A check of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// The address is one of a tenant who is switched on.
    Tenant,
    /// The key that the address names may sign.
    Key,
    /// The parameters can be decoded, and hold the message that is expected here.
    Message,
    /// Who says that they sent it is registered.
    Issuer,
    /// A key of theirs has signed it, or it need not be signed.
    Signature,
    /// It was sent to this very address.
    Destination,
    /// Metadata lists where the answer shall go.
    ReplyTo,
    /// It is neither too old nor from the future.
    Time,
    /// Its own end is not over.
    End,
    /// The state to echo is short enough.
    RelayState,
    /// The person whom it names can be somebody here.
    Subject,
    /// The group of attributes that it asks for is in metadata.
    Attributes,
    /// We are among the identity providers that it accepts.
    IdpList,
    /// Somebody could be authenticated as it asks.
    AuthnContext,
    /// The name identifier that it asks for is given.
    NameId,
    /// The name that it gives can be read.
    Name,
    /// Its id was not used before. Only the gateway that serves knows.
    Replay,
}

impl Check {
    /// The checks of an `AuthnRequest`, in their order.
    pub(super) const OF_REQUEST: &[Self] = &[
        Self::Tenant,
        Self::Key,
        Self::Message,
        Self::Issuer,
        Self::Signature,
        Self::Destination,
        Self::ReplyTo,
        Self::Time,
        Self::RelayState,
        Self::Subject,
        Self::Attributes,
        Self::IdpList,
        Self::AuthnContext,
        Self::NameId,
        Self::Replay,
    ];

    /// The checks of a `LogoutRequest`, in their order.
    pub(super) const OF_LOGOUT_REQUEST: &[Self] = &[
        Self::Tenant,
        Self::Message,
        Self::Issuer,
        Self::Signature,
        Self::Destination,
        Self::Time,
        Self::End,
        Self::Name,
        Self::Replay,
    ];

    /// The checks of a `LogoutResponse`, in their order.
    pub(super) const OF_LOGOUT_RESPONSE: &[Self] = &[
        Self::Tenant,
        Self::Message,
        Self::Issuer,
        Self::Signature,
        Self::Destination,
        Self::Time,
    ];

    /// The check that finds what a request asks for in vain.
    pub(super) fn of(unmet: Unmet) -> Self {
        match unmet {
            Unmet::NameId => Self::NameId,
            Unmet::Subject => Self::Subject,
            Unmet::AuthnContext => Self::AuthnContext,
            Unmet::Idp => Self::IdpList,
            Unmet::Other => Self::Attributes,
        }
    }

    /// What it looks at, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tenant => "Tenant",
            Self::Key => "Key",
            Self::Message => "Message",
            Self::Issuer => "Issuer",
            Self::Signature => "Signature",
            Self::Destination => "Destination",
            Self::ReplyTo => "Answer to",
            Self::Time => "Time",
            Self::End => "NotOnOrAfter",
            Self::RelayState => "RelayState",
            Self::Subject => "Subject",
            Self::Attributes => "Attributes",
            Self::IdpList => "IDPList",
            Self::AuthnContext => "AuthnContext",
            Self::NameId => "NameID",
            Self::Name => "Name",
            Self::Replay => "ID used once",
        }
    }
}

/// Somebody who watches a message being checked.
pub(super) trait Watch {
    /// A check held. `seen` says what was looked at.
    fn held(&mut self, check: Check, seen: impl FnOnce() -> String);

    /// A request whose sender is proved is so old.
    fn dated(&mut self, tenant: &Tenant, registered: &Registered, age: Duration);
}

/// The gateway at work: nobody watches, and what messages say about clocks is noted.
pub(super) struct AtWork;

impl Watch for AtWork {
    fn held(&mut self, _check: Check, _seen: impl FnOnce() -> String) {}

    fn dated(&mut self, tenant: &Tenant, registered: &Registered, age: Duration) {
        note_skew(tenant, registered, age);
    }
}

/// Notes what a request says about its sender's clock, and tells the operator in time.
fn note_skew(tenant: &Tenant, registered: &Registered, age: Duration) {
    let allowed = as_time(registered.profile.request.skew);
    let verdict = registered.skew.note(age, allowed);
    let offset = registered.skew.offset().unwrap_or_default();
    let (tenant, sp) = (tenant.id.as_str(), registered.service_provider.entity_id.as_str());
    measure::sp_clock(tenant, sp, offset.as_seconds_f64());
    let (seconds, most) = (offset.whole_seconds(), allowed.whole_seconds());
    match verdict {
        Verdict::Same => {}
        Verdict::Wide => tracing::warn!(
            tenant,
            sp,
            "its clock is {seconds} s behind ours (negative: ahead); beyond {most} s its requests \
             are refused: set both by NTP"
        ),
        Verdict::Near => tracing::info!(tenant, sp, "its clock is near ours again"),
    }
}
