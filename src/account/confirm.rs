//! Layer 3, account: asks the cloud's list whether a bind notification tells the truth. The
//! notification does not say for which sales platform it is (contract §1.6.3), so one that was made
//! for another tenant, with the same customer id, would pass for ours.

use tokio::time::{Instant, sleep, timeout_at};

use super::remote::Remote;
use crate::cloud::api::{Failure, Filter, Page};
use crate::limits;
use crate::store::record::PersonId;

/// Whether the list has the customer with just this account. The cloud may need a moment to list
/// what it has just bound; after [`limits::CONFIRM`] the answer is no.
///
/// # Errors
/// [`Failure`]: then nothing is known.
pub async fn confirmed(
    remote: &dyn Remote,
    account_id: &PersonId,
    domain_id: &str,
) -> Result<bool, Failure> {
    let until = Instant::now() + limits::CONFIRM;
    let filter = Filter::Id(domain_id.to_owned());
    let asked = async {
        loop {
            let listed = remote.list(&filter, Page::first()).await?;
            let found = listed.customers.iter().find(|one| one.account.id == domain_id);
            if let Some(found) = found {
                let platform = found.x_account_type.as_deref();
                let is_ours = platform.is_none_or(|platform| platform == remote.account_type());
                return Ok(is_ours && found.x_account_id.as_deref() == Some(account_id.as_str()));
            }
            sleep(limits::CONFIRM_PAUSE).await;
        }
    };
    timeout_at(until, asked).await.unwrap_or(Ok(false))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Lists, customer};
    use super::*;

    async fn confirms(lists: Lists) -> bool {
        let account_id = PersonId::parse("li").unwrap();
        confirmed(&lists, &account_id, "d1").await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_customer_s_own_account_on_our_platform_is_confirmed() {
        let one = |customer| Lists::always([customer]);
        assert!(confirms(one(customer("li", "acme_IDP", 1))).await);
        assert!(!confirms(one(customer("wu", "acme_IDP", 1))).await);
        assert!(!confirms(one(customer("li", "bravo_IDP", 1))).await);
        let mut nameless = customer("li", "acme_IDP", 1);
        nameless.x_account_id = None;
        assert!(!confirms(one(nameless)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_is_listed_a_moment_later_is_confirmed_and_one_that_is_not_is_not() {
        let late = Lists::of([vec![], vec![], vec![customer("li", "acme_IDP", 1)]]);
        assert!(confirms(late).await);
        let begun = Instant::now();
        assert!(!confirms(Lists::always([])).await);
        assert_eq!(begun.elapsed(), limits::CONFIRM);
    }
}
