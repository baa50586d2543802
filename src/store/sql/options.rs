//! Layer 1: where the database is and how it is reached: read once, so that nothing can be wrong
//! with it later.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use url::Url;

use crate::limits;

const DEFAULT_PORT: u16 = 5432;

/// Where the database is and how it is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:FILE`, or `postgres://user[:password]@host[:port]/database`; user, password and
    /// database percent-encoded, the port 5432 unless said.
    ///
    /// `PostgreSQL` is spoken to over TLS, and its certificate must name the host. Plain
    /// connections have to be asked for by `?sslmode=disable`. A host that begins with `%2F` is the
    /// directory of a Unix socket; TLS is not used there.
    pub url: SecretString,
    /// PEM file of authorities that may vouch for the server, beside the public ones that are built
    /// in (Mozilla's list).
    pub ca_file: Option<PathBuf>,
}

/// Why options cannot work. The texts never repeat the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum BadOptions {
    /// The address is not of the form that [`Options::url`] describes.
    #[error("the database's address is unusable: {0}")]
    Url(&'static str),
    /// A CA file was named for a connection without TLS.
    #[error("a CA file is given for the database, but the connection is without TLS")]
    CaWithoutTls,
    /// The CA file cannot be read or holds no certificate.
    #[error("the CA file {} for the database is unusable: {cause}", file.display())]
    CaFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

/// A database, ready to be connected to.
pub(super) enum Target {
    Sqlite { file: PathBuf, options: Box<SqliteConnectOptions> },
    Postgres { options: Box<PgConnectOptions>, place: String },
}

impl Target {
    /// Which database, for people.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Sqlite { file, .. } => format!("SQLite file {}", file.display()),
            Self::Postgres { place, .. } => format!("PostgreSQL at {place}"),
        }
    }
}

/// Reads options.
pub(super) fn target(options: &Options) -> Result<Target, BadOptions> {
    let url = options.url.expose_secret();
    match url.strip_prefix("sqlite:") {
        Some(_) if options.ca_file.is_some() => Err(BadOptions::CaWithoutTls),
        Some(file) => sqlite(file),
        None => postgres(url, options.ca_file.as_deref()),
    }
}

fn sqlite(file: &str) -> Result<Target, BadOptions> {
    let file = file.strip_prefix("//").unwrap_or(file);
    if file.is_empty() || file.starts_with(':') {
        return Err(BadOptions::Url("it names no file"));
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(limits::SQL_BUSY)
        .disable_statement_logging();
    Ok(Target::Sqlite { file: file.into(), options: Box::new(options) })
}

fn postgres(url: &str, ca_file: Option<&Path>) -> Result<Target, BadOptions> {
    let url = Url::parse(url).map_err(|_| BadOptions::Url("it is not an absolute URL"))?;
    if !["postgres", "postgresql"].contains(&url.scheme()) {
        return Err(BadOptions::Url("it begins neither with sqlite: nor with postgres://"));
    }
    if url.fragment().is_some() {
        return Err(BadOptions::Url("it has a fragment, which would have no effect"));
    }
    let database = decoded(url.path().trim_start_matches('/'))?;
    let user = decoded(url.username())?;
    if database.is_empty() || user.is_empty() {
        return Err(BadOptions::Url("it names no user or no database"));
    }
    let mut options = PgConnectOptions::new_without_pgpass()
        .username(&user)
        .database(&database)
        .application_name("skybridge")
        .options([
            ("statement_timeout", millis(limits::SQL_DEADLINE)),
            ("idle_in_transaction_session_timeout", millis(2 * limits::SQL_DEADLINE)),
        ])
        .disable_statement_logging();
    if let Some(password) = url.password() {
        options = options.password(&decoded(password)?);
    }
    let (options, server) = reached(options, &url, ca_file)?;
    Ok(Target::Postgres { options: Box::new(options), place: format!("{server}/{database}") })
}

/// The way to the server, and its name for people.
fn reached(
    options: PgConnectOptions,
    url: &Url,
    ca_file: Option<&Path>,
) -> Result<(PgConnectOptions, String), BadOptions> {
    let mut tls = true;
    for (name, value) in url.query_pairs() {
        tls = match (name.as_ref(), value.as_ref()) {
            ("sslmode", "verify-full") => true,
            ("sslmode", "disable") => false,
            ("sslmode", _) => {
                return Err(BadOptions::Url("its sslmode is neither verify-full nor disable"));
            }
            _ => return Err(BadOptions::Url("it has a parameter that is not known")),
        }
    }
    let host = decoded(url.host_str().unwrap_or_default().trim_matches(['[', ']']))?;
    if host.is_empty() {
        return Err(BadOptions::Url("it names no host"));
    }
    let port = url.port().unwrap_or(DEFAULT_PORT);
    let options = options.host(&host).port(port);
    let options = if host.starts_with('/') { options.socket(&host) } else { options };
    let options = match ca_file {
        Some(_) if !tls || host.starts_with('/') => return Err(BadOptions::CaWithoutTls),
        _ if !tls || host.starts_with('/') => options.ssl_mode(PgSslMode::Disable),
        None => options.ssl_mode(PgSslMode::VerifyFull),
        Some(file) => {
            options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert_from_pem(authorities(file)?)
        }
    };
    Ok((options, format!("{host}:{port}")))
}

fn millis(time: std::time::Duration) -> String {
    time.as_millis().to_string()
}

fn decoded(text: &str) -> Result<String, BadOptions> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| BadOptions::Url("its user, password or database is not percent-encoded UTF-8"))
}

/// The file's content, once all of it is known to be certificates.
fn authorities(file: &Path) -> Result<Vec<u8>, BadOptions> {
    let unusable = |cause: String| BadOptions::CaFile { file: file.to_owned(), cause };
    let content = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&content) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate".into()));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Target, BadOptions> {
        target(&Options { url: url.into(), ca_file: None })
    }

    fn server(url: &str) -> PgConnectOptions {
        match read(url).map_err(|error| error.to_string()) {
            Ok(Target::Postgres { options, .. }) => *options,
            Ok(Target::Sqlite { .. }) => panic!("{url} is a file"),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    #[test]
    fn an_address_names_host_port_user_and_database() {
        let options = server("postgres://us%3Aer:p%40ss%2Fword@db.internal:5433/sky%2Fbridge");
        assert_eq!((options.get_host(), options.get_port()), ("db.internal", 5433));
        assert_eq!(options.get_username(), "us:er");
        assert_eq!(options.get_database(), Some("sky/bridge"));
        assert_eq!(server("postgresql://u@[::1]/d").get_host(), "::1");
        assert_eq!(server("postgresql://u@[::1]/d").get_port(), DEFAULT_PORT);
    }

    #[test]
    fn tls_is_left_out_only_when_asked_for_or_on_a_socket() {
        let mode = |url| server(url).get_ssl_mode();
        assert!(matches!(mode("postgres://u@h/d"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres://u@h/d?sslmode=verify-full"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres://u@h/d?sslmode=disable"), PgSslMode::Disable));
        let socket = server("postgres://u@%2Frun%2Fpostgresql:5433/d");
        assert!(matches!(socket.get_ssl_mode(), PgSslMode::Disable));
        assert_eq!(socket.get_socket(), Some(&PathBuf::from("/run/postgresql")));
        assert_eq!(socket.get_port(), 5433);
    }

    #[test]
    fn a_file_is_named_with_or_without_slashes() {
        for (url, path) in [
            ("sqlite:/var/lib/x.db", "/var/lib/x.db"),
            ("sqlite:///var/lib/x.db", "/var/lib/x.db"),
            ("sqlite:x y?.db", "x y?.db"),
        ] {
            match read(url) {
                Ok(Target::Sqlite { file, .. }) => assert_eq!(file, Path::new(path)),
                _ => panic!("{url}"),
            }
        }
    }

    #[test]
    fn an_unusable_address_is_refused_without_being_repeated() {
        let wrong = [
            "hunter2",
            "sqlite:",
            "sqlite::memory:",
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h",
            "postgres://:hunter2@h/d",
            "postgres://u:hunter2@/d",
            "postgres://u:hunter2@h/d?sslmode=require",
            "postgres://u:hunter2@h/d?sslmode=prefer",
            "postgres://u:hunter2@h/d?host=other",
            "postgres://u:hunter2@h/d?target_session_attrs=any",
            "postgres://u:hunter2@h/d#x",
            "postgres://u:hunter2%FF@h/d",
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
            target(&Options { url: url.into(), ca_file: Some(empty.path().to_owned()) })
        };
        for url in ["sqlite:x", "postgres://u@h/d?sslmode=disable", "postgres://u@%2Frun/d"] {
            assert!(matches!(with_ca(url), Err(BadOptions::CaWithoutTls)), "{url}");
        }
        assert!(matches!(with_ca("postgres://u@h/d"), Err(BadOptions::CaFile { .. })));
    }
}
