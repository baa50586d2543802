//! Layer 3, sso: how many journeys begin at one address (conformance B-42). Each leaves something
//! behind in the store for a quarter of an hour, so nobody may begin them without end. Whoever
//! shows a session goes on without waiting, and is not counted; nobody shows one with a posted
//! request, which is kept and counted when it comes.

use std::net::{IpAddr, Ipv6Addr};

use super::limit::Limit;
use super::{Browser, Sso};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::store::record::Tenant;

/// Whether a journey that is about to wait was counted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// It was not.
    New,
    /// It was, when its request was posted.
    Counted,
}

impl Sso {
    /// Counts a journey that is about to wait.
    ///
    /// # Errors
    /// [`Code::JourneysTooMany`].
    pub(super) async fn count_beginning(
        &self,
        tenant: &Tenant,
        browser: &Browser,
    ) -> Result<(), Refusal> {
        let Some(address) = browser.address else { return Ok(()) };
        let limit = Limit {
            what: "journeys",
            most: self.journeys_per_address.get().into(),
            window: limits::JOURNEY_WINDOW,
            code: Code::JourneysTooMany,
        };
        let counted = self.count(tenant, &format!("journeys {}", network(address)), &limit).await;
        counted.map_err(|refusal| refusal.until(limits::JOURNEY_WINDOW))
    }
}

/// Whom an address stands for: who has one of IPv6 has its whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one_and_an_address_of_ipv4_as_itself() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }
}
