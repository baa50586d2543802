//! Room demo (layer 6): the gateway's configuration as text, so that the demo runs on a real example of one.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};

use super::home::{KEYS, MASTER_KEY, TICKET_KEY};
use super::people::{CUSTOMERS, LOCAL_USERS, Person};
use super::{Addresses, BRAVO, Error, TENANT, TICKET_KID, account_type};
use crate::app::parts::System;
use crate::password::Hash;

/// The partners' account ids at the cloud.
pub(super) const BP_IDS: [(&str, &str); 2] = [(TENANT, "demo0000acme"), (BRAVO, "demo000bravo")];

/// Where short-lived state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// In this process.
    Memory,
    /// In the Redis that `SKYBRIDGE_REDIS_URL` names.
    Redis,
}

/// The whole file.
pub(super) fn text(
    at: &Addresses,
    port: u16,
    store: StoreChoice,
    api_key: &SecretString,
    system: &System,
) -> Result<String, Error> {
    let mut text = head(at, port, store);
    text.push_str(&acme(at, api_key));
    text.push_str(&bravo(at));
    for user in &LOCAL_USERS {
        let hash = Hash::make(user.password.as_bytes(), &*system.random);
        let hash = hash.map_err(|error| Error::Part(error.to_string()))?;
        writes(write!(text, "\n[[tenant.user]]\nlogin = \"{}\"\n", user.login));
        writes(writeln!(text, "password_hash = \"{}\"", hash.to_phc()));
        text.push_str(&person(user));
    }
    Ok(text)
}

fn head(at: &Addresses, port: u16, store: StoreChoice) -> String {
    let url = match store {
        StoreChoice::Memory => "\"memory\"",
        StoreChoice::Redis => "{ env = \"SKYBRIDGE_REDIS_URL\" }",
    };
    format!(
        "\
# The gateway of `skybridge demo`. Everything is on this machine: http and *.localhost are allowed here only.

[server]
base_url = \"{gateway}\"
listen = \"127.0.0.1:{port}\"
readiness_grace = \"0s\"
drain = \"2s\"

[log]
format = \"human\"
level = \"warn\"

[store]
url = {url}
prefix = \"skybridge-demo\"

[keys]
directory = \"{KEYS}\"
master_key = {{ file = \"{MASTER_KEY}\" }}

# A partner whose customers sign in at the partner's site and come here with a ticket.
",
        gateway = at.gateway,
    )
}

fn acme(at: &Addresses, api_key: &SecretString) -> String {
    let hash = digest(&SHA256, api_key.expose_secret().as_bytes());
    let hash: String = hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
        writes(write!(hex, "{byte:02x}"));
        hex
    });
    let mut text = tenant(at, TENANT, ("Acme Cloud Store", "示例云商城"));
    writes(write!(
        text,
        "\
sign_in = \"partner\"
partner_login_url = \"{partner}/login\"

{override}
[[tenant.api_key]]
id = \"demo\"
sha256 = \"{hash}\"

[[tenant.ticket_key]]
id = \"{TICKET_KID}\"
file = \"{TICKET_KEY}\"
algorithm = \"EdDSA\"
",
        partner = at.partner,
        override = cloud(at),
    ));
    for customer in &CUSTOMERS {
        writes(write!(
            text,
            "\n[[tenant.customer]]\nuser_id = \"{}\"\nlinked = {}\n",
            customer.user_id, customer.linked
        ));
    }
    text.push_str("\n# A partner whose users sign in at the gateway.\n");
    text
}

fn bravo(at: &Addresses) -> String {
    let mut text = tenant(at, BRAVO, ("Bravo Systems", "布拉沃系统"));
    writes(write!(text, "sign_in = \"local\"\n\n{}", cloud(at)));
    text
}

fn tenant(at: &Addresses, id: &str, (en, zh): (&str, &str)) -> String {
    let bp_id = BP_IDS.iter().find(|(tenant, _)| *tenant == id).map_or("", |(_, bp_id)| bp_id);
    format!(
        "\
[[tenant]]
id = \"{id}\"
name = \"{en}\"
name_zh = \"{zh}\"
cloud = \"huawei-cn\"
x_account_type = \"{account_type}\"
bp_id = \"{bp_id}\"
portal_url = \"{partner}/\"
",
        account_type = account_type(id),
        partner = at.partner,
    )
}

/// The simulated cloud in the place of the real one.
fn cloud(at: &Addresses) -> String {
    let cloud = &at.cloud;
    let authority = cloud.trim_start_matches("http://");
    format!(
        "\
[tenant.cloud_override]
login_url = \"{cloud}/authui/saml/login\"
service_hosts = [\"{authority}\"]
default_service = \"{cloud}/iam/\"

[[tenant.service_provider]]
metadata = \"{cloud}/authui/saml/metadata.xml\"
"
    )
}

fn person(user: &Person) -> String {
    format!(
        "user_id = \"{}\"\nname = \"{}\"\nmobile = \"{}\"\nemail = \"{}\"\nlinked = {}\n",
        user.user_id, user.account_name, user.mobile, user.email, user.linked
    )
}

fn writes(result: std::fmt::Result) {
    result.expect("writing to a String cannot fail");
}
