//! App (layer 6): TLS 1.2 and 1.3 in the gateway itself (RFC 8446, RFC 5246), by rustls on the same
//! cryptographic library that signs. Certificate and key are read again when their files change; a
//! bad pair never replaces a good one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use tokio::time;
use tokio_rustls::TlsAcceptor;

use super::shutdown::Shutdown;
use crate::keys::{KeyError, read_private_file};
use crate::measure;

/// Why certificate and key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The key's file cannot be read, or others can read it.
    #[error(transparent)]
    KeyFile(#[from] KeyError),
    /// The key's file holds no private key in PEM.
    #[error("{} holds no private key in PEM: {cause}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        cause: String,
    },
    /// The certificates' file cannot be read, or holds none in PEM.
    #[error("{} gives no certificate chain in PEM: {cause}", path.display())]
    Chain {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        cause: String,
    },
    /// The two files do not belong together, or hold something that TLS cannot use.
    #[error(
        "the first certificate in {} and the private key in {} cannot be used together: {cause}",
        chain.display(), key.display()
    )]
    Pair {
        /// The file with the certificates.
        chain: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What rustls says.
        cause: String,
    },
    /// TLS itself could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// The certificate in use, and the files that the next one comes from.
pub struct Certificates {
    files: Files,
    current: Arc<Current>,
    /// What the files held when they were last looked at, be it usable or not.
    seen: Mutex<Result<Mark, TlsError>>,
}

/// What looking at the files came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// They hold what they held before.
    Unchanged,
    /// New connections get the new certificate; open ones keep theirs.
    Replaced,
}

#[derive(Clone)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Tells contents of the files apart without keeping the key.
type Mark = [u8; 32];

impl Certificates {
    /// Reads the chain, the server's own certificate first, and its private key, both in PEM.
    /// Blocks.
    ///
    /// # Errors
    /// [`TlsError`] says which file and why. A key that others can read is refused.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files { chain: chain.into(), key: key.into() };
        let (text, mark) = files.read()?;
        let current = Arc::new(Current(ArcSwap::from_pointee(files.parse(&text)?)));
        Ok(Self { files, current, seen: Mutex::new(Ok(mark)) })
    }

    /// What a listener shakes hands with. It always uses the newest good certificate.
    ///
    /// # Errors
    /// [`TlsError::Setup`].
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let setup = |error: rustls::Error| TlsError::Setup(error.to_string());
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A returning browser resumes and saves us a signature; the tickets' keys turn over by
        // themselves.
        config.ticketer = Ticketer::new().map_err(setup)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Looks at the files and takes them over if they changed. Blocks.
    ///
    /// Contents are compared, not times: a file that is swapped for an older one, or written twice
    /// within one tick of the file system's clock, counts as changed.
    ///
    /// # Errors
    /// [`TlsError`]: the certificate in use stays. The same error comes once; until the files
    /// change again, or are well again, the answer is [`Reload::Unchanged`].
    pub fn reload(&self) -> Result<Reload, TlsError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.files.read();
        let now = found.as_ref().map(|(_, mark)| *mark).map_err(TlsError::clone);
        if *seen == now {
            return Ok(Reload::Unchanged);
        }
        *seen = now;
        let (text, _) = found?;
        self.current.0.store(Arc::new(self.files.parse(&text)?));
        Ok(Reload::Replaced)
    }

    /// Looks at the files again and again until the process leaves, and says in the log what it
    /// found.
    pub async fn watch(self: Arc<Self>, every: Duration, shutdown: Shutdown) {
        let mut ticks = time::interval(every);
        loop {
            tokio::select! {
                () = shutdown.beginning() => return,
                _ = ticks.tick() => {}
            }
            let this = Arc::clone(&self);
            let Ok(result) = tokio::task::spawn_blocking(move || this.reload()).await else {
                continue;
            };
            match result {
                Ok(Reload::Unchanged) => {}
                Ok(Reload::Replaced) => tracing::info!("the TLS certificate was replaced"),
                Err(error) => {
                    tracing::error!(%error, "the new TLS files are unusable; the old copy stays");
                }
            }
        }
    }
}

/// The two files' texts; the key's is wiped when dropped.
struct Texts {
    chain: Vec<u8>,
    key: zeroize::Zeroizing<String>,
}

impl Files {
    fn read(&self) -> Result<(Texts, Mark), TlsError> {
        let key = read_private_file(&self.key)?;
        let chain = fs::read(&self.chain).map_err(|error| self.chain_error(&error.to_string()))?;
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [&chain[..], key.as_bytes()] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut mark = Mark::default();
        mark.copy_from_slice(context.finish().as_ref());
        Ok((Texts { chain, key }, mark))
    }

    fn parse(&self, texts: &Texts) -> Result<CertifiedKey, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&texts.chain)
            .collect::<Result<_, _>>()
            .map_err(|error| self.chain_error(&error.to_string()))?;
        let Some(own) = chain.first() else {
            return Err(self.chain_error("it has no CERTIFICATE section"));
        };
        let expires = not_after(own).map_err(|cause| self.chain_error(&cause))?;
        let key = PrivateKeyDer::from_pem_slice(texts.key.as_bytes())
            .map_err(|error| TlsError::Key { path: self.key.clone(), cause: error.to_string() })?;
        let pair = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| {
            let (chain, key) = (self.chain.clone(), self.key.clone());
            TlsError::Pair { chain, key, cause: error.to_string() }
        })?;
        measure::tls_expires(expires);
        Ok(pair)
    }

    fn chain_error(&self, cause: &str) -> TlsError {
        TlsError::Chain { path: self.chain.clone(), cause: cause.into() }
    }
}

/// When a certificate expires, in seconds since 1970.
fn not_after(certificate: &CertificateDer<'_>) -> Result<i64, String> {
    let (_, certificate) =
        x509_parser::parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
    Ok(certificate.validity().not_after.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str, mode: u32) {
            fs::write(self.path(name), text).unwrap();
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn load(&self) -> Result<Certificates, TlsError> {
            Certificates::load(&self.path("tls.crt"), &self.path("tls.key"))
        }

        fn install(&self, pair: &Pair) {
            self.write("tls.crt", &pair.chain, 0o644);
            self.write("tls.key", &pair.key, 0o600);
        }
    }

    struct Pair {
        chain: String,
        key: String,
        der: Vec<u8>,
    }

    fn pair() -> Pair {
        let made = rcgen::generate_simple_self_signed(["gateway.localhost".to_owned()]).unwrap();
        Pair {
            chain: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
            der: made.cert.der().to_vec(),
        }
    }

    fn in_use(certificates: &Certificates) -> Vec<u8> {
        certificates.current.0.load().cert[0].to_vec()
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (place, pair) = (Place::new(), pair());
        place.install(&pair);
        for mode in [0o640, 0o604, 0o660, 0o601] {
            place.write("tls.key", &pair.key, mode);
            let error = place.load().err().unwrap().to_string();
            let path = place.path("tls.key");
            assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
        place.write("tls.key", &pair.key, 0o400);
        assert!(place.load().is_ok());
    }

    #[test]
    fn a_missing_or_foreign_file_is_named() {
        let (place, own, other) = (Place::new(), pair(), pair());
        assert!(place.load().err().unwrap().to_string().contains("tls.key"));
        place.write("tls.key", &own.key, 0o600);
        assert!(place.load().err().unwrap().to_string().contains("tls.crt"));
        place.write("tls.crt", "hello", 0o644);
        assert!(matches!(place.load(), Err(TlsError::Chain { .. })));
        place.write("tls.crt", &other.chain, 0o644);
        assert!(matches!(place.load(), Err(TlsError::Pair { .. })));
        place.write("tls.crt", &own.chain, 0o644);
        place.write("tls.key", &own.chain, 0o600);
        assert!(matches!(place.load(), Err(TlsError::Key { .. })));
    }

    #[test]
    fn a_changed_pair_replaces_the_one_in_use() {
        let (place, first, second) = (Place::new(), pair(), pair());
        place.install(&first);
        let certificates = place.load().unwrap();
        assert_eq!(certificates.reload(), Ok(Reload::Unchanged));
        place.install(&second);
        assert_eq!(certificates.reload(), Ok(Reload::Replaced));
        assert_eq!(in_use(&certificates), second.der);
    }

    #[test]
    fn a_half_written_pair_is_reported_once_and_never_used() {
        let (place, first, second) = (Place::new(), pair(), pair());
        place.install(&first);
        let certificates = place.load().unwrap();
        place.write("tls.crt", &second.chain, 0o644);
        assert!(matches!(certificates.reload(), Err(TlsError::Pair { .. })));
        assert_eq!(certificates.reload(), Ok(Reload::Unchanged));
        assert_eq!(in_use(&certificates), first.der);
        place.write("tls.key", &second.key, 0o600);
        assert_eq!(certificates.reload(), Ok(Reload::Replaced));
        assert_eq!(in_use(&certificates), second.der);
    }

    #[test]
    fn files_that_come_back_as_they_were_are_taken_again() {
        let (place, first) = (Place::new(), pair());
        place.install(&first);
        let certificates = place.load().unwrap();
        fs::remove_file(place.path("tls.crt")).unwrap();
        assert!(matches!(certificates.reload(), Err(TlsError::Chain { .. })));
        assert_eq!(certificates.reload(), Ok(Reload::Unchanged));
        place.install(&first);
        assert_eq!(certificates.reload(), Ok(Reload::Replaced));
        assert_eq!(in_use(&certificates), first.der);
    }
}
