//! Layer 1: where Redis is and how it is reached: read once, so that nothing can be wrong with it
//! later.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use redis::RedisConnectionInfo;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use url::Url;

const DEFAULT_PORT: u16 = 6379;

/// Where Redis is and how it is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// `redis[s]://[[user]:password@]host[:port][/database]`; user and password percent-encoded.
    /// The port is 6379 and the database 0 unless said.
    pub url: SecretString,
    /// What all keys of this deployment begin with, such as `skybridge:`.
    pub prefix: String,
    /// PEM file of the only authorities that may vouch for the server. Without it, the system's.
    pub ca_file: Option<PathBuf>,
}

/// Why options cannot work. The texts never repeat the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum BadOptions {
    /// The address is not of the form that [`Options::url`] describes.
    #[error("the Redis address is unusable: {0}")]
    Url(&'static str),
    /// A CA file was named for a connection without TLS.
    #[error("a CA file is given for Redis, but the address does not begin with rediss://")]
    CaWithoutTls,
    /// The CA file cannot be read or holds no certificate.
    #[error("the CA file {} for Redis is unusable: {cause}", file.display())]
    CaFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The system has no usable certificate authorities.
    #[error("the system has no certificate authorities (Debian: apt-get install ca-certificates)")]
    NoSystemRoots,
    /// The TLS library cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

/// A server, ready to be connected to.
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
    /// User, password and database.
    pub(super) session: RedisConnectionInfo,
}

/// Reads options.
pub(super) fn target(options: &Options) -> Result<Target, BadOptions> {
    let url = Url::parse(options.url.expose_secret())
        .map_err(|_| BadOptions::Url("it is not an absolute URL"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BadOptions::Url("it has a query or a fragment, which would have no effect"));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return Err(BadOptions::Url("it names no host"));
    }
    let tls = match (url.scheme(), &options.ca_file) {
        ("redis", None) => None,
        ("redis", Some(_)) => return Err(BadOptions::CaWithoutTls),
        ("rediss", ca_file) => Some((connector(ca_file.as_deref())?, server_name(&host)?)),
        _ => return Err(BadOptions::Url("it begins neither with redis:// nor with rediss://")),
    };
    let port = url.port().unwrap_or(DEFAULT_PORT);
    Ok(Target { host, port, tls, session: session(&url)? })
}

fn session(url: &Url) -> Result<RedisConnectionInfo, BadOptions> {
    let database = match url.path().trim_start_matches('/') {
        "" => 0,
        number => number
            .parse::<u16>()
            .map_err(|_| BadOptions::Url("its path is not the number of a database"))?,
    };
    let session = RedisConnectionInfo::default().set_db(database.into());
    match (decoded(url.username())?, url.password()) {
        (user, None) if user.is_empty() => Ok(session),
        (_, None) => Err(BadOptions::Url("it has a user but no password")),
        (user, Some(password)) => {
            let session = session.set_password(decoded(password)?);
            Ok(if user.is_empty() { session } else { session.set_username(user) })
        }
    }
}

fn decoded(text: &str) -> Result<String, BadOptions> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| BadOptions::Url("its user or password is not percent-encoded UTF-8"))
}

fn server_name(host: &str) -> Result<ServerName<'static>, BadOptions> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| BadOptions::Url("its host is no name that a certificate can carry"))
}

fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, BadOptions> {
    let roots = match ca_file {
        Some(file) => roots_of(file)?,
        None => system_roots()?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots_of(file: &Path) -> Result<RootCertStore, BadOptions> {
    let unusable = |cause: String| BadOptions::CaFile { file: file.to_owned(), cause };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unusable(e.to_string()))? {
        let certificate = certificate.map_err(|e| unusable(e.to_string()))?;
        roots.add(certificate).map_err(|e| unusable(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate".into()));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, BadOptions> {
    let mut roots = RootCertStore::empty();
    // A system's store may hold odd certificates; the others serve.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(BadOptions::NoSystemRoots) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Target, BadOptions> {
        target(&Options { url: url.into(), prefix: "t:".into(), ca_file: None })
    }

    #[test]
    fn an_address_names_host_port_user_password_and_database() {
        let target = read("redis://us%3Aer:p%40ss%2Fword@redis.internal:6380/3").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("redis.internal", 6380));
        assert_eq!(target.session.username(), Some("us:er"));
        assert_eq!(target.session.password(), Some("p@ss/word"));
        assert_eq!(target.session.db(), 3);
        assert!(target.tls.is_none());
    }

    #[test]
    fn what_an_address_leaves_out_has_a_default() {
        let target = read("redis://[::1]").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("::1", 6379));
        assert_eq!((target.session.username(), target.session.password()), (None, None));
        assert_eq!(target.session.db(), 0);
        let target = read("redis://:secret@h/").unwrap();
        assert_eq!((target.session.username(), target.session.password()), (None, Some("secret")));
    }

    #[test]
    fn an_unusable_address_is_refused_without_being_repeated() {
        let wrong = [
            "hunter2",
            "http://:hunter2@h",
            "redis://",
            "redis:hunter2",
            "redis:///0",
            "redis://hunter2@h",
            "redis://:hunter2@h/x",
            "redis://:hunter2@h/-1",
            "redis://:hunter2@h?db=1",
            "rediss://:hunter2@h/#insecure",
            "redis://:hunter2%FF@h",
        ];
        for url in wrong {
            let text = read(url).err().unwrap_or_else(|| panic!("{url} is accepted")).to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_ca_file_must_hold_a_certificate_and_needs_tls() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        let with_ca = |url: &str| {
            let ca_file = Some(empty.path().to_owned());
            target(&Options { url: url.into(), prefix: String::new(), ca_file })
        };
        assert!(matches!(with_ca("redis://h"), Err(BadOptions::CaWithoutTls)));
        assert!(matches!(with_ca("rediss://h"), Err(BadOptions::CaFile { .. })));
    }
}
