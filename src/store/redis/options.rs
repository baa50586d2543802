//! Layer 1: where Redis is and how it is reached: read once, so that nothing can be wrong with it
//! later.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use redis::RedisConnectionInfo;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use super::address::{self, Address, Form, Location};

/// Where Redis is and how it is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// One of three forms; `rediss` in place of `redis` is TLS to every process. User and password
    /// are percent-encoded and for the servers that hold data.
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`: one server.
    /// - `redis+sentinel://[[user]:password@]host[:port],…/name[/database]`: the primary that these
    ///   Sentinels know by that name.
    /// - `redis+cluster://[[user]:password@]host[:port],…`: the cluster of these nodes; it tells
    ///   the others.
    ///
    /// The port is 6379, of a Sentinel 26379, and the database 0 unless said.
    pub url: SecretString,
    /// What all keys of this deployment begin with, such as `skybridge:`.
    pub prefix: String,
    /// PEM file of the only authorities that may vouch for the servers. Without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// What the Sentinels want to know, if anything.
    pub sentinel_login: Option<Login>,
}

/// A user and a password.
#[derive(Clone, Debug)]
pub struct Login {
    /// The ACL user; without it, the server's default one.
    pub user: Option<String>,
    /// The password.
    pub password: SecretString,
}

/// Why options cannot work. The texts never repeat the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum BadOptions {
    /// The address is not of a form that [`Options::url`] describes.
    #[error("the Redis address is unusable: {0}")]
    Url(&'static str),
    /// A CA file was named for a connection without TLS.
    #[error("a CA file is given for Redis, but the address does not begin with rediss")]
    CaWithoutTls,
    /// A login for Sentinels was given where there are none.
    #[error("a login for Sentinels is given, but the address does not begin with redis+sentinel")]
    LoginWithoutSentinels,
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

/// Where to find what, ready to be connected to.
pub(super) enum Target {
    /// One server.
    Server(Address, Arc<Access>),
    /// The primary that Sentinels know.
    Watched(Watch, Arc<Access>),
    /// The cluster that these nodes know.
    Cluster(Vec<Address>, Arc<Access>),
}

/// How a process is entered, wherever it is.
pub(super) struct Access {
    pub(super) tls: Option<TlsConnector>,
    /// User, password and database.
    pub(super) session: RedisConnectionInfo,
}

/// Sentinels and what they are asked for.
pub(super) struct Watch {
    pub(super) sentinels: Vec<Address>,
    /// The name of the primary.
    pub(super) service: String,
    /// How the Sentinels are entered.
    pub(super) access: Arc<Access>,
}

/// Reads options.
pub(super) fn target(options: &Options) -> Result<Target, BadOptions> {
    let location = address::read(options.url.expose_secret())?;
    let tls = match (location.encrypted, &options.ca_file) {
        (false, None) => None,
        (false, Some(_)) => return Err(BadOptions::CaWithoutTls),
        (true, ca_file) => {
            location.hosts.iter().try_for_each(|at| server_name(&at.host).map(drop)).map_err(
                |_| BadOptions::Url("one of its hosts is no name that a certificate can carry"),
            )?;
            Some(connector(ca_file.as_deref())?)
        }
    };
    let access = Arc::new(Access { tls: tls.clone(), session: session(&location) });
    let Location { form, hosts: mut at, .. } = location;
    match (form, &options.sentinel_login) {
        (Form::Sentinels(service), login) => {
            let session = login.as_ref().map_or_else(RedisConnectionInfo::default, login_session);
            let watch = Watch { sentinels: at, service, access: Arc::new(Access { tls, session }) };
            Ok(Target::Watched(watch, access))
        }
        (_, Some(_)) => Err(BadOptions::LoginWithoutSentinels),
        (Form::Server, None) => Ok(Target::Server(at.swap_remove(0), access)),
        (Form::Cluster, None) => Ok(Target::Cluster(at, access)),
    }
}

/// The name under which a host must prove who it is.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| "its host is no name that a certificate can carry".to_owned())
}

fn session(location: &Location) -> RedisConnectionInfo {
    let session = RedisConnectionInfo::default().set_db(location.database.into());
    with_login(session, location.user.as_deref(), location.password.as_deref())
}

fn login_session(login: &Login) -> RedisConnectionInfo {
    let password = login.password.expose_secret();
    with_login(RedisConnectionInfo::default(), login.user.as_deref(), Some(password))
}

fn with_login(
    mut session: RedisConnectionInfo,
    user: Option<&str>,
    password: Option<&str>,
) -> RedisConnectionInfo {
    if let Some(user) = user {
        session = session.set_username(user);
    }
    if let Some(password) = password {
        session = session.set_password(password);
    }
    session
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

    fn options(url: &str) -> Options {
        Options { url: url.into(), prefix: "t:".into(), ca_file: None, sentinel_login: None }
    }

    #[test]
    fn the_login_of_an_address_is_for_the_servers_and_the_other_for_the_sentinels() {
        let mut options = options("redis+sentinel://data:one@h/group/3");
        let login = Login { user: Some("watcher".into()), password: "two".into() };
        options.sentinel_login = Some(login);
        let Ok(Target::Watched(watch, access)) = target(&options) else { panic!("not watched") };
        assert_eq!(access.session.username(), Some("data"));
        assert_eq!(access.session.password(), Some("one"));
        assert_eq!(access.session.db(), 3);
        assert_eq!(watch.access.session.username(), Some("watcher"));
        assert_eq!(watch.access.session.password(), Some("two"));
        assert_eq!(watch.access.session.db(), 0);
    }

    #[test]
    fn a_login_for_sentinels_needs_sentinels() {
        for url in ["redis://h", "redis+cluster://h"] {
            let mut options = options(url);
            options.sentinel_login = Some(Login { user: None, password: "two".into() });
            assert!(matches!(target(&options), Err(BadOptions::LoginWithoutSentinels)));
        }
    }

    #[test]
    fn a_ca_file_must_hold_a_certificate_and_needs_tls() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        let with_ca =
            |url: &str| target(&Options { ca_file: Some(empty.path().to_owned()), ..options(url) });
        assert!(matches!(with_ca("redis+cluster://h"), Err(BadOptions::CaWithoutTls)));
        assert!(matches!(with_ca("rediss+cluster://h"), Err(BadOptions::CaFile { .. })));
    }
}
