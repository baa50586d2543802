//! Config: secrets. A secret is named, not written: `{ file = "…" }` or `{ env = "…" }`. Its value
//! never reaches a fault, a log or `Debug`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use toml::de::DeValue;
use url::Url;

use super::place;
use super::read::{Node, Reader, Value, join};
use crate::password;

/// The two ways to name a secret, for the document and the faults.
pub(super) const SOURCES: &str = "{ file = \"…\" } or { env = \"…\" }";

/// The key under which private keys are sealed at rest: 256 bits.
#[derive(Debug)]
pub struct MasterKey(SecretBox<[u8; 32]>);

impl MasterKey {
    /// The octets, for the cipher.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl Value for MasterKey {
    fn kind() -> String {
        format!("a secret, {SOURCES}: 32 random bytes in base64")
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = named_secret(node, reader, &Self::kind())?;
        let bytes = STANDARD.decode(text.expose_secret().trim()).map(Zeroizing::new);
        if let Ok(bytes) = bytes
            && let Ok(key) = <[u8; 32]>::try_from(&bytes[..])
        {
            return Some(Self(SecretBox::new(Box::new(key))));
        }
        let hint = Some("make one with: head -c 32 /dev/urandom | base64".into());
        reader.fault(&node.path, "32 bytes in base64", "something else (not shown)", hint);
        None
    }
}

/// Where short-lived state is kept.
#[derive(Debug)]
pub enum StoreUrl {
    /// In this process: a single node, and everybody signs in again after a restart.
    Memory,
    /// In Redis: the address of a server, a Sentinel group or a Cluster, possibly with user and
    /// password.
    Redis(SecretString),
}

impl Value for StoreUrl {
    fn kind() -> String {
        format!("\"memory\", a Redis address without password, or {SOURCES}")
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let (text, written_here) = match node.value.get_ref() {
            DeValue::String(text) if text == "memory" => return Some(Self::Memory),
            DeValue::String(text) => (SecretString::from(text.to_string()), true),
            _ => (named_secret(node, reader, &Self::kind())?, false),
        };
        let expected = "redis://host[:port][/database], redis+sentinel://host[:port],…/name or \
                        redis+cluster://host[:port],… (rediss for TLS)";
        match redis_address(text.expose_secret()) {
            None if text.expose_secret() == "memory" => Some(Self::Memory),
            None => {
                let hint = Some("such as \"rediss://redis.internal:6379/0\"".into());
                reader.fault(&node.path, expected, "something else (not shown)", hint);
                None
            }
            Some(Login::WithPassword) if written_here => {
                let hint = Some("name the whole address with { file = … } or { env = … }".into());
                reader.fault(&node.path, "no password in this file", "one (not shown)", hint);
                None
            }
            Some(_) => Some(Self::Redis(text)),
        }
    }
}

enum Login {
    WithPassword,
    Without,
}

/// What an address of Redis holds before the `@`; none when it is no such address. The store reads
/// it more closely.
fn redis_address(text: &str) -> Option<Login> {
    let (scheme, rest) = text.trim().split_once("://")?;
    let form = scheme.strip_prefix("rediss").or_else(|| scheme.strip_prefix("redis"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let several = !form.is_empty();
    let database = match (form, path.split_once('/')) {
        ("", _) => path,
        ("+sentinel", Some((name, database))) if !name.is_empty() => database,
        ("+sentinel", None) if !path.is_empty() => "",
        ("+cluster", _) if path.is_empty() => "",
        _ => return None,
    };
    let is_host = |text: &str| {
        Url::parse(&format!("redis://{text}"))
            .is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
    };
    let right = database.bytes().all(|b| b.is_ascii_digit())
        && !rest.contains(['?', '#'])
        && (several || !hosts.contains(','))
        && hosts.split(',').all(is_host);
    right.then(|| if login.contains(':') { Login::WithPassword } else { Login::Without })
}

/// What another server knows us by: a password, or the secret half of an access key.
#[derive(Debug)]
pub struct Password(SecretString);

impl Password {
    /// The secret, for the login or the signature.
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}

impl Value for Password {
    fn kind() -> String {
        format!("a secret, {SOURCES}")
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        named_secret(node, reader, &Self::kind()).map(Self)
    }
}

/// A secret that signs messages to a partner.
#[derive(Debug)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    /// The text of the secret, for the signer.
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}

impl Value for WebhookSecret {
    fn kind() -> String {
        format!("a secret, {SOURCES}: whsec_ and the base64 of 24 to 64 random bytes")
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = named_secret(node, reader, &Self::kind())?;
        let text = SecretString::from(text.expose_secret().trim());
        let base64 = text.expose_secret().strip_prefix("whsec_").unwrap_or_default();
        let octets = STANDARD.decode(base64).map(Zeroizing::new);
        if octets.is_ok_and(|octets| (24..=64).contains(&octets.len())) {
            return Some(Self(text));
        }
        let hint = Some("make one with: echo whsec_$(openssl rand -base64 32)".into());
        let expected = "whsec_ and the base64 of 24 to 64 random bytes";
        reader.fault(&node.path, expected, "something else (not shown)", hint);
        None
    }
}

impl Value for password::Hash {
    fn kind() -> String {
        format!("an Argon2id hash in PHC notation, as text or as {SOURCES}")
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = match node.value.get_ref() {
            // A hash in the file is a choice of the operator: it is not the password.
            DeValue::String(text) => SecretString::from(text.to_string()),
            _ => named_secret(node, reader, &<Self as Value>::kind())?,
        };
        match password::Hash::parse(text.expose_secret().trim()) {
            Ok(hash) => Some(hash),
            Err(problem) => {
                let hint = Some(format!("{problem}; make one with: skybridge user hash-password"));
                let expected = "an Argon2id hash in PHC notation";
                reader.fault(&node.path, expected, "something else (not shown)", hint);
                None
            }
        }
    }
}

/// The secret that a table with one key, `file` or `env`, names.
pub(super) fn named_secret(
    node: &Node<'_>,
    reader: &mut Reader<'_>,
    kind: &str,
) -> Option<SecretString> {
    let entry = match node.value.get_ref() {
        DeValue::Table(table) if table.len() == 1 => table.iter().next(),
        DeValue::Table(_) => None,
        DeValue::String(text) => {
            let found = format!("a text of {} characters (not shown)", text.chars().count());
            let hint = Some("secrets do not stand in this file".into());
            reader.fault(&node.path, kind, &found, hint);
            return None;
        }
        _ => {
            reader.wrong(node, kind, None);
            return None;
        }
    };
    match entry.map(|(key, value)| (key.get_ref().as_ref(), value)) {
        Some(("file", value)) => {
            let node = Node { path: join(&node.path, "file"), value };
            place::secret_file(&node, reader).map(SecretString::from)
        }
        Some(("env", value)) => environment(&Node { path: join(&node.path, "env"), value }, reader),
        _ => {
            reader.fault(&node.path, SOURCES, "a table with other keys", None);
            None
        }
    }
}

fn environment(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<SecretString> {
    let Some(name) = node.value.get_ref().as_str() else {
        reader.wrong(node, "the name of an environment variable", None);
        return None;
    };
    match (reader.env)(name) {
        Some(value) if !value.trim().is_empty() => Some(SecretString::from(value)),
        value => {
            let state = if value.is_some() { "empty" } else { "not set" };
            let found = format!("the variable {name}, which is {state}");
            reader.fault(&node.path, "an environment variable that is set", &found, None);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redis_address_has_hosts_and_at_most_a_database() {
        for right in [
            "redis://h",
            "rediss://u:p@h:6380/3",
            "redis://[::1]:6379/",
            "redis://:p@h",
            "redis+sentinel://a,b:26379/group",
            "rediss+sentinel://u:p@a,[::1]:1/group/2",
            "redis+cluster://a:7000,b:7001",
            "rediss+cluster://u:p@a/",
        ] {
            assert!(redis_address(right).is_some(), "{right}");
        }
        for wrong in [
            "http://h",
            "redis://",
            "redis:///0",
            "redis://h/x",
            "redis://h?db=1",
            "h:6379",
            "redis://a,b",
            "redis+sentinel://a,b",
            "redis+sentinel://a,b//2",
            "redis+sentinel://a,b/group/x",
            "redis+cluster://a,b/1",
            "redis+cluster://a,",
            "redis+other://a",
            "redisx://a",
        ] {
            assert!(redis_address(wrong).is_none(), "{wrong}");
        }
    }
}
