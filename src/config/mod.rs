//! Config: the one TOML file. For `app` and `cli` only; it uses leaves.
//!
//! Every option is declared once, in [`gateway`] or [`tenant`], with its type, default, example and
//! meaning: the struct, the reader and `docs/configuration.md` all come from that. [`load`] reports
//! every fault of a file at once, each with line and column, and never the value of a secret.

mod address;
mod confidential;
mod declare;
mod document;
mod durable;
mod fault;
mod gateway;
mod partner_api;
mod place;
mod provider;
mod read;
mod tenant;
mod value;

use std::collections::HashMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use address::{BaseUrl, Network, WebUrl};
pub use confidential::{MasterKey, Password, StoreUrl, WebhookSecret};
pub use document::{EXAMPLE, document};
pub use durable::LedgerUrl;
pub use fault::{Fault, Faults};
pub use gateway::{Clouds, Keys, Ledger, Log, Server, Session, Store, Tls};
pub use partner_api::{Credentials, PartnerApi};
pub use place::{Directory, FilePath, MetadataSource, PrivateFile};
pub use provider::{MdqForm, MetadataEnd, Published, ServiceProvider};
pub use tenant::{Agreements, ApiKey, CloudOverride, Customer, Tenant, TicketKey, User, Webhook};
pub use value::{
    Code, EntityId, FirstLogin, KeyHash, KeyPlace, LogFilter, LogFormat, LoginName, ParameterName,
    PersonId, Prefix, Scope, ServiceHost, SignIn, Slug, TicketAlgorithm,
};

use declare::{Table as _, section};
use read::{Node, Reader, Value};

section! {
    /// The whole file.
    #[check(check_config)]
    pub struct Config, draft ConfigDraft {
        /// How browsers, proxies and probes reach the gateway.
        server: Server = {};
        /// What is logged, and how.
        log: Log = {};
        /// Where short-lived state is kept.
        store: Store = {};
        /// What must survive.
        ledger: Ledger = {};
        /// The keys that sign assertions.
        keys: Keys = {};
        /// How long people stay signed in.
        session: Session = {};
        /// The clouds and their metadata.
        clouds: Clouds = {};
        /// The partners' sales platforms, at least one.
        tenants as "tenant": Vec<Tenant> = [];
    }
}

/// Reads a file, the files that it names and the environment variables that it names.
///
/// # Errors
/// Every fault at once. A file that cannot be read is one fault.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Faults> {
    let text = std::fs::read(path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "bytes that are not UTF-8".into()));
    match text {
        Ok(text) => parse(&text, path, env),
        Err(found) => {
            let expected = "a configuration file that can be read".into();
            let hint = Some("print one to begin with: skybridge check --example".into());
            let fault = Fault { line: 1, column: 1, path: String::new(), expected, found, hint };
            Err(Faults { file: path.to_owned(), faults: vec![fault] })
        }
    }
}

/// Reads the text of a file. `path` is the file's name in faults, and relative paths start at its
/// directory.
///
/// # Errors
/// Every fault at once.
pub fn parse(
    text: &str,
    path: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Faults> {
    let (config, reader, broken) = walk(text, path, env);
    let mut faults = reader.into_faults();
    if !broken.is_empty() {
        faults = with_syntax_errors(text, &broken, faults);
    }
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(Faults { file: path.to_owned(), faults }),
    }
}

/// A fault that only shows when the parts are built: an unknown cloud, a key file that is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The option, such as `tenant[2].cloud`; tables of a list are counted from 1.
    pub path: String,
    /// What ought to stand there.
    pub expected: String,
    /// What stands there. Never the value of a secret.
    pub found: String,
    /// What would help, where that can be said.
    pub hint: Option<String>,
}

/// Gives complaints about a file that [`load`] accepted their lines and columns.
pub fn locate(path: &Path, complaints: Vec<Complaint>) -> Faults {
    // A file that has vanished since puts every complaint on its first line.
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let (_, reader, _) = walk(&text, path, &|_| None);
    let mut reader = reader.without_faults();
    for Complaint { path, expected, found, hint } in complaints {
        reader.fault(&path, &expected, &found, hint);
    }
    Faults { file: path.to_owned(), faults: reader.into_faults() }
}

/// Reads what can be read; the reader then knows the place of every option.
fn walk<'a>(
    text: &'a str,
    path: &'a Path,
    env: &'a dyn Fn(&str) -> Option<String>,
) -> (Option<Config>, Reader<'a>, Vec<toml::de::Error>) {
    let directory = path.parent().unwrap_or(Path::new(""));
    let (table, broken) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(text, directory, env, Config::TABLE);
    let value = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
    let config = Config::read(&Node { path: String::new(), value: &value }, &mut reader);
    (config, reader, broken)
}

/// Adds the errors of the TOML itself. What is missing may have been lost by them, and so may the
/// rest of their lines; so of the other faults only those remain that are certain.
fn with_syntax_errors(
    text: &str,
    broken: &[toml::de::Error],
    mut faults: Vec<Fault>,
) -> Vec<Fault> {
    let errors: Vec<Fault> = broken
        .iter()
        .map(|error| {
            let (line, column) = fault::position(text, error.span().map_or(0, |span| span.start));
            let (path, found) = (String::new(), error.message().to_owned());
            Fault { line, column, path, expected: "TOML".into(), found, hint: None }
        })
        .collect();
    faults.retain(|fault| {
        fault.found != read::NOTHING && errors.iter().all(|error| error.line != fault.line)
    });
    faults.extend(errors);
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.dedup_by_key(|fault| (fault.line, fault.column, fault.path.clone()));
    faults
}

fn check_config(config: &ConfigDraft, reader: &mut Reader<'_>) {
    if let (Some(keys), Some(ledger)) = (&config.keys, &config.ledger)
        && keys.kept_in == KeyPlace::Ledger
        && matches!(ledger.url, LedgerUrl::Memory)
    {
        let hint = Some("a restart would forget them".into());
        reader.fault("keys.kept_in", "keys in a directory, or a database", "\"ledger\"", hint);
    }
    let Some(tenants) = &config.tenants else { return };
    if tenants.is_empty() {
        let hint = Some("write a [[tenant]] table".into());
        reader.fault("tenant", "at least one tenant", read::NOTHING, hint);
    }
    // Stated entityIDs are compared by their declaration; this is about those that are derived.
    let Some(server) = &config.server else { return };
    let mut seen = HashMap::new();
    for (index, tenant) in tenants.iter().enumerate() {
        let entity_id = tenant.entity_id(&server.base_url);
        if let Some((earlier, stated)) =
            seen.insert(entity_id, (&tenant.id, tenant.entity_id.is_some()))
            && *earlier != tenant.id
            && !(stated && tenant.entity_id.is_some())
        {
            let path = format!("tenant[{}].entity_id", index + 1);
            let found = format!("that of tenant {earlier}");
            reader.fault(&path, "an entityID that no other tenant has", &found, None);
        }
    }
}

#[cfg(test)]
mod tests;
