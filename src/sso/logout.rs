//! Layer 3, sso: the end of a session by plain redirect, as contract §1.10 allows: the cloud sends
//! the browser here once the person has logged out there.

use super::{Browser, SessionChange, Sso, Step, Turn, Visit};
use crate::refusal::Refusal;

impl Sso {
    /// Ends the browser's session, if it has one.
    ///
    /// # Errors
    /// A store's refusal: a session that could not be ended is not reported as ended (conformance
    /// V7).
    pub async fn log_out(&self, visit: &Visit, browser: &Browser) -> Result<Turn, Refusal> {
        self.close_session(&visit.tenant, browser).await?;
        Ok(Turn { session: SessionChange::Close, ..Turn::of(Step::SignedOut) })
    }
}
