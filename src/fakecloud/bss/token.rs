//! `POST /v3/auth/tokens`: a token for a name and password, or for acting as a customer. Apart room
//! `fakecloud`; contract §7.2.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::caller::Who;
use super::fields::is_json;
use super::trouble::Trouble;
use super::{Answer, Asked};
use crate::fakecloud::accounts::Account;
use crate::fakecloud::state::State;
use crate::fakecloud::{FakeCloud, bounds};
use crate::random;
use crate::secret::fingerprint;

/// Tokens by their fingerprint.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    given: HashMap<String, Given>,
}

#[derive(Debug)]
struct Given {
    who: Who,
    expires: OffsetDateTime,
}

impl Tokens {
    /// Whose token this is, while it lives.
    pub(super) fn owner(&self, token: &str, now: OffsetDateTime) -> Option<&Who> {
        let given = self.given.get(&fingerprint(token));
        given.filter(|given| given.expires > now).map(|given| &given.who)
    }

    /// Remembers a token; says no when the house is full of living ones.
    fn insert(&mut self, token: &str, given: Given, now: OffsetDateTime) -> Result<(), Trouble> {
        if self.given.len() >= bounds::TOKENS {
            self.given.retain(|_, old| old.expires > now);
        }
        if self.given.len() >= bounds::TOKENS {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Trouble::iam(status, "Too many tokens are alive."));
        }
        self.given.insert(fingerprint(token), given);
        Ok(())
    }
}

/// Gives a token.
pub(super) fn issue(cloud: &FakeCloud, asked: &Asked) -> Result<Answer, Trouble> {
    let unreadable = || Trouble::iam(StatusCode::BAD_REQUEST, "The request body is invalid.");
    let json = is_json(&asked.head.headers);
    let wish = serde_json::from_slice::<Wish>(&asked.body).ok().filter(|_| json);
    let identity = wish.ok_or_else(unreadable)?.auth.identity;
    let now = cloud.now();
    let mut state = cloud.state();
    let methods: Vec<&str> = identity.methods.iter().map(String::as_str).collect();
    let holder = match (&methods[..], identity.password, identity.assume_role) {
        (["password"], Some(password), _) => by_password(&state, &password.user)?,
        (["assume_role"], _, Some(role)) => by_role(&state, asked, &role, now)?,
        _ => return Err(unreadable()),
    };
    let token = random::token(&*cloud.random);
    let expires = now + LIFE;
    let body = holder.body(&methods, asked, (now, expires));
    state.bss.tokens.insert(&token, Given { who: holder.who, expires }, now)?;
    Ok(Answer::Token { token, body })
}

/// Who gets a token, and what its body says about them.
struct Holder {
    who: Who,
    domain: (String, String),
    user: (String, String),
}

impl Holder {
    fn of_customer(account: &Account) -> Self {
        Self {
            who: Who::Customer(account.domain_id.clone()),
            domain: (account.domain_id.clone(), account.domain_name.clone()),
            user: (account.user_id.clone(), account.user_name.clone()),
        }
    }

    fn body(
        &self,
        methods: &[&str],
        asked: &Asked,
        life: (OffsetDateTime, OffsetDateTime),
    ) -> Value {
        let domain = json!({ "id": self.domain.0, "name": self.domain.1 });
        let mut token = json!({
            "issued_at": instant(life.0),
            "expires_at": instant(life.1),
            "methods": methods,
            "domain": domain,
            "roles": [],
            "user": { "id": self.user.0, "name": self.user.1, "domain": domain },
        });
        if asked.head.uri.query() != Some("nocatalog=true") {
            token["catalog"] = json!([]);
        }
        json!({ "token": token })
    }
}

fn by_password(state: &State, user: &User) -> Result<Holder, Trouble> {
    let (domain, name) = (&user.domain.name, &user.name);
    let partner = state.platforms.values().find(|platform| {
        let known = platform.credentials.as_ref();
        known.is_some_and(|known| known.admit(domain, name, &user.password))
    });
    if let Some(platform) = partner {
        let id = platform.bp_id.clone();
        return Ok(Holder {
            who: Who::Partner(id.clone()),
            domain: (id, domain.clone()),
            user: (fingerprint(name)[..32].to_owned(), name.clone()),
        });
    }
    let customer = state.accounts.named(domain);
    let customer = customer.filter(|a| a.user_name == *name && a.opens_with(&user.password));
    customer.map(Holder::of_customer).ok_or_else(wrong_password)
}

/// A customer's token for the partner who sells to it: the account trusts the partner by an agency
/// that is named like the platform.
fn by_role(
    state: &State,
    asked: &Asked,
    role: &AssumeRole,
    now: OffsetDateTime,
) -> Result<Holder, Trouble> {
    let token = asked.header("x-auth-token").unwrap_or_default();
    let Some(Who::Partner(partner)) = state.bss.tokens.owner(token, now) else {
        let message = "The request you have made requires authentication.";
        return Err(Trouble::iam(StatusCode::UNAUTHORIZED, message));
    };
    let is_it = |account: &&Account| {
        role.domain_id.as_ref().is_none_or(|id| *id == account.domain_id)
            && role.domain_name.as_ref().is_none_or(|name| *name == account.domain_name)
            && (role.domain_id.is_some() || role.domain_name.is_some())
    };
    let trusts = |account: &&Account| {
        let link = account.link.as_ref();
        account.is_associated_with(partner, now)
            && link.is_some_and(|link| link.account_type.as_str() == role.agency_name)
    };
    let account = state.accounts.iter().find(is_it).filter(trusts);
    account.map(Holder::of_customer).ok_or_else(|| {
        Trouble::iam(StatusCode::FORBIDDEN, "You have no right to assume this agency.")
    })
}

fn wrong_password() -> Trouble {
    Trouble::iam(StatusCode::UNAUTHORIZED, "The username or password is wrong.")
}

fn instant(at: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    at.format(&format).unwrap_or_default()
}

#[derive(Deserialize)]
struct Wish {
    auth: Auth,
}

// The scope is not read: every token here is of the whole account.
#[derive(Deserialize)]
struct Auth {
    identity: Identity,
}

#[derive(Deserialize)]
struct Identity {
    methods: Vec<String>,
    password: Option<PasswordMethod>,
    assume_role: Option<AssumeRole>,
}

#[derive(Deserialize)]
struct PasswordMethod {
    user: User,
}

#[derive(Deserialize)]
struct User {
    name: String,
    password: String,
    domain: Domain,
}

#[derive(Deserialize)]
struct Domain {
    name: String,
}

#[derive(Deserialize)]
struct AssumeRole {
    domain_name: Option<String>,
    domain_id: Option<String>,
    agency_name: String,
}

const LIFE: Duration = Duration::hours(24);
