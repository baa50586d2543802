//! Config: where that is kept which must survive: `SQLite` beside the file, or `PostgreSQL`.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use toml::de::DeValue;
use url::Url;

use super::confidential::{SOURCES, named_secret};
use super::read::{Node, Reader, Value};

const SQLITE: &str = "sqlite:";

/// Where customers, their links and what is under way are kept.
#[derive(Debug)]
pub enum LedgerUrl {
    /// In this process, for tests and demonstrations: a restart forgets who is linked.
    Memory,
    /// In a file on this machine, for one node.
    Sqlite(PathBuf),
    /// In `PostgreSQL`, for any number of nodes: an address, possibly with a password.
    Postgres(SecretString),
}

impl Value for LedgerUrl {
    fn kind() -> String {
        format!("\"memory\", sqlite:FILE, a postgres:// address without password, or {SOURCES}")
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let (text, written_here) = match node.value.get_ref() {
            DeValue::String(text) => (SecretString::from(text.to_string()), true),
            _ => (named_secret(node, reader, &Self::kind())?, false),
        };
        let exposed = text.expose_secret().trim();
        if exposed == "memory" {
            return Some(Self::Memory);
        }
        if let Some(file) = exposed.strip_prefix(SQLITE) {
            let file = file.strip_prefix("//").unwrap_or(file);
            if !file.is_empty() && !file.starts_with(':') && !file.contains('\0') {
                return Some(Self::Sqlite(reader.directory.join(file)));
            }
        }
        let Some(url) = postgres(exposed) else {
            let expected = "memory, sqlite:FILE, or a postgres:// address with user and database";
            let hint = Some("such as \"postgres://skybridge@db.internal/skybridge\"".into());
            reader.fault(&node.path, expected, "something else (not shown)", hint);
            return None;
        };
        if written_here && url.password().is_some() {
            let hint = Some("name the whole address with { file = … } or { env = … }".into());
            reader.fault(&node.path, "no password in this file", "one (not shown)", hint);
            return None;
        }
        Some(Self::Postgres(SecretString::from(exposed)))
    }
}

fn postgres(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let right = matches!(url.scheme(), "postgres" | "postgresql")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && !url.username().is_empty()
        && url.path().len() > 1;
    right.then_some(url)
}
