//! Layer 3, sso: local users with passwords. Unknown names cost as much as known ones (B-36),
//! attempts are limited (B-42), and the form works only in the browser that opened it (B-32).

use std::sync::Arc;

use super::super::limit::Limit;
use super::super::session::Proven;
use super::super::{Browser, Sso};
use crate::limits;
use crate::password;
use crate::refusal::{Code, Refusal};
use crate::saml::names::authn_context;
use crate::store::record::{LocalUser, Tenant};

/// Most attempts for one name from one address. A person who forgot needs fewer.
const PER_NAME_AND_ADDRESS: u64 = 10;
/// Most attempts for one name from anywhere: high, so that strangers cannot lock its owner out.
const PER_NAME: u64 = 200;
/// Most attempts from one address: an office shares one.
const PER_ADDRESS: u64 = 100;

/// How many passwords are checked at once: each takes 19 MiB and a core for tens of milliseconds.
pub(in crate::sso) const AT_ONCE: usize = 2;
/// How many more sign-ins may wait for their check: about a second of work.
pub(in crate::sso) const WAITING: usize = 64;

/// What was typed into the sign-in form.
pub struct Typed<'a> {
    /// The name.
    pub username: &'a str,
    /// The password.
    pub password: &'a str,
    /// The form's token.
    pub csrf: &'a str,
}

impl Sso {
    /// Checks what was typed.
    pub(in crate::sso) async fn check_password(
        &self,
        tenant: &Tenant,
        browser: &Browser,
        typed: &Typed<'_>,
    ) -> Result<Proven, Refusal> {
        Self::check_form(browser, typed.csrf)?;
        self.count_attempt(tenant, browser, typed.username).await?;
        let user = self.directory.local_user(tenant, typed.username).await?;
        let right = self.password_is_right(user.clone(), typed.password).await?;
        let wrong = || Refusal::new(Code::WrongCredentials, "expected name and password to match");
        let user = user.filter(|_| right).ok_or_else(wrong)?;
        if !user.enabled {
            return Err(Refusal::new(Code::CustomerDisabled, "expected an enabled local user"));
        }
        Ok(Proven {
            person: user.person.clone(),
            proved_at: Some(self.clock.now()),
            class: authn_context::PASSWORD_PROTECTED_TRANSPORT,
        })
    }

    async fn password_is_right(
        &self,
        user: Option<Arc<LocalUser>>,
        typed: &str,
    ) -> Result<bool, Refusal> {
        let full = || {
            let cause = "expected a free place to wait for a password check, found none";
            Refusal::new(Code::Overloaded, cause)
        };
        let _waiting = self.password_queue.try_acquire().map_err(|_| full())?;
        let running = Arc::clone(&self.password_checks).acquire_owned().await;
        let permit = running.map_err(|_| full())?;
        let typed = secrecy::SecretString::from(typed);
        let check = move || {
            use secrecy::ExposeSecret as _;
            let _permit = permit;
            let typed = typed.expose_secret().as_bytes();
            match user {
                Some(user) => user.password.verify(typed),
                None => password::refuse_unknown(typed, None),
            }
        };
        tokio::task::spawn_blocking(check)
            .await
            .map_err(|e| Refusal::new(Code::Internal, format!("checking a password: {e}")))
    }

    /// Counts an attempt.
    async fn count_attempt(
        &self,
        tenant: &Tenant,
        browser: &Browser,
        username: &str,
    ) -> Result<(), Refusal> {
        let address = browser.address.map(|address| address.to_string()).unwrap_or_default();
        let (what, code) = ("attempts", Code::TooManyAttempts);
        for (of, most) in [
            (format!("name {username} address {address}"), PER_NAME_AND_ADDRESS),
            (format!("name {username}"), PER_NAME),
            (format!("address {address}"), PER_ADDRESS),
        ] {
            let limit = Limit { what, most, window: limits::SIGN_IN_WINDOW, code };
            self.count(tenant, &of, &limit).await?;
        }
        Ok(())
    }
}
