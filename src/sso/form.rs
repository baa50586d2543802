//! Layer 3, sso: forms that work only in the browser that opened them (conformance B-32).

use super::{Browser, Sso};
use crate::refusal::{Code, Refusal};
use crate::secret;

impl Sso {
    /// The token of a form that only this browser can send back.
    #[must_use]
    pub fn form_token(binding: &str) -> String {
        secret::fingerprint(&format!("form:{binding}"))
    }

    /// That a form was opened in this browser.
    ///
    /// # Errors
    /// [`Code::FormExpired`].
    pub(super) fn check_form(browser: &Browser, token: &str) -> Result<(), Refusal> {
        let expected = browser.binding.as_deref().map(Self::form_token);
        if expected.is_some_and(|expected| secret::same(expected.as_bytes(), token.as_bytes())) {
            return Ok(());
        }
        let cause = "expected the token of a form opened in this browser, found another";
        Err(Refusal::new(Code::FormExpired, cause))
    }
}
