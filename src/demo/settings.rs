//! Room demo (layer 6): the gateway's configuration as text, so that the demo runs on a real
//! example of one.

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};

use super::home::{CLOUD_SECRET, KEYS, MASTER_KEY, TICKET_KEY};
use super::people::{CUSTOMERS, LOCAL_USERS, Person};
use super::{Addresses, BRAVO, DIRECT, Error, TENANT, TICKET_KID, access_key, account_type};
use crate::app::parts::System;
use crate::password::Hash;

/// Where short-lived state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// In this process.
    Memory,
    /// In the Redis that `SKYBRIDGE_REDIS_URL` names.
    Redis,
}

/// The file. It holds no text from outside, so nothing needs escaping.
#[derive(Template)]
#[template(path = "demo/skybridge.toml", escape = "none")]
struct File<'a> {
    at: &'a Addresses,
    port: u16,
    redis: bool,
    /// The cloud's host and port.
    authority: &'a str,
    /// The tenants of the store.
    stores: [&'static str; 2],
    api_key_sha256: String,
    users: Vec<(&'a Person, String)>,
}

/// The whole file.
pub(super) fn text(
    at: &Addresses,
    port: u16,
    store: StoreChoice,
    api_key: &SecretString,
    system: &System,
) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Part(error.to_string());
    let users = LOCAL_USERS.iter().map(|user| {
        let hash = Hash::make(user.password.as_bytes(), &*system.random).map_err(|e| failed(&e))?;
        Ok((user, hash.to_phc()))
    });
    let file = File {
        at,
        port,
        redis: store == StoreChoice::Redis,
        authority: at.cloud.trim_start_matches("http://"),
        stores: [TENANT, DIRECT],
        api_key_sha256: hex::encode(digest(&SHA256, api_key.expose_secret().as_bytes())),
        users: users.collect::<Result<_, Error>>()?,
    };
    file.render().map_err(|error| failed(&error))
}

/// The partner's account id at the cloud.
pub(super) fn bp_id(tenant: &str) -> String {
    format!("demo-partner-{tenant}")
}
