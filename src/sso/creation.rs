//! Layer 3, sso: creating accounts for customers, who are first met as everywhere in the journey.

use std::sync::Arc;

use super::{Sso, Visit};
use crate::account::{Creations, Request};
use crate::refusal::{Code, Refusal};
use crate::store::account::Intent;

impl Sso {
    /// Everything that creates accounts.
    #[must_use]
    pub fn creations(&self) -> &Arc<Creations> {
        &self.creations
    }

    /// Begins to create an account for a customer of the tenant.
    ///
    /// # Errors
    /// Those of [`Creations::begin`]; [`Code::CustomerDisabled`] also for whom the configuration
    /// switches off.
    pub async fn create_account(
        &self,
        visit: &Visit,
        wish: Request<'_>,
    ) -> Result<Intent, Refusal> {
        let tenant = &visit.tenant;
        if let Some(same) = self.creations.begun_before(&tenant.id, &wish).await? {
            return Ok(same);
        }
        let customer = self.customer(tenant, wish.person).await?;
        if !customer.enabled {
            let cause = "expected an enabled customer, found one switched off";
            return Err(Refusal::new(Code::CustomerDisabled, cause));
        }
        self.creations.begin(&tenant.id, wish).await
    }
}
