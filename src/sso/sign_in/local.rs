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
use crate::store::directory::Login;
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
        let login = self.directory.local_user(tenant, typed.username).await?;
        let user = self.whose_password_it_is(login, typed.password).await?;
        let wrong = || Refusal::new(Code::WrongCredentials, "expected name and password to match");
        let user = user.ok_or_else(wrong)?;
        if !user.enabled {
            return Err(Refusal::new(Code::CustomerDisabled, "expected an enabled local user"));
        }
        Ok(Proven {
            person: user.person.clone(),
            proved_at: Some(self.clock.now()),
            class: authn_context::PASSWORD_PROTECTED_TRANSPORT,
        })
    }

    async fn whose_password_it_is(
        &self,
        login: Login,
        typed: &str,
    ) -> Result<Option<Arc<LocalUser>>, Refusal> {
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
            check(login, typed.expose_secret().as_bytes())
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

/// The user whose password was typed. A name that nobody has costs the same work (B-36).
fn check(login: Login, typed: &[u8]) -> Option<Arc<LocalUser>> {
    match login {
        Login::Known(user) => user.password.verify(typed).then_some(user),
        Login::Unknown(like) => {
            password::refuse(typed, like.as_ref().map(|user| &user.password));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{Hash, Work};
    use crate::store::record::{Person, PersonId};

    fn user(login: &str, password: Hash) -> Arc<LocalUser> {
        let id = PersonId::parse(login).unwrap();
        let person = Person::of(id.clone(), id);
        Arc::new(LocalUser { login: login.to_owned(), password, enabled: true, person })
    }

    // Conformance B-36.
    #[test]
    fn an_unknown_name_costs_the_work_of_a_wrong_password() {
        // Hashes of two prices, as an operator may have taken over.
        let dear = "$argon2id$v=19$m=1024,t=3,p=1$c2FsdHNhbHRzYWx0c2E$\
                    aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
        let cheap = dear.replace("t=3", "t=1");
        for hash in [dear, &cheap] {
            let alice = user("alice", Hash::parse(hash).unwrap());
            let work = |login: Login, typed: &[u8]| Work::of(|| check(login, typed).is_some());
            for typed in [&b"wrong"[..], b"", &[b'x'; 5000]] {
                let (known, right) = work(Login::Known(Arc::clone(&alice)), typed);
                let (unknown, taken) = work(Login::Unknown(Some(Arc::clone(&alice))), typed);
                assert!(!right && !taken);
                assert_eq!(known, unknown, "{}", typed.len());
                assert_eq!(known.hashes.len(), usize::from(typed.len() < 5000));
            }
        }
    }
}
