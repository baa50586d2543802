//! Layer 2, cloud: good copies on disk, so that a restart does not depend on somebody else's
//! server. A copy is judged anew when it is read, its signature included: the directory is no
//! source of trust.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use crate::limits;
use crate::saml::EndpointUrl;
use crate::store::record::TenantId;

/// The directory.
pub(super) struct Cache(PathBuf);

impl Cache {
    /// Uses `directory`, which is made when the first copy is written.
    pub(super) fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// The copy for one registration, if there is one.
    pub(super) async fn get(
        &self,
        tenant: &TenantId,
        url: &EndpointUrl,
    ) -> Option<Result<Arc<[u8]>, String>> {
        let path = self.path(tenant, url);
        if tokio::fs::try_exists(&path).await.is_ok_and(|exists| !exists) {
            return None;
        }
        Some(read(path).await)
    }

    /// Keeps a copy. It appears whole or not at all, also when the machine stops in between.
    ///
    /// # Errors
    /// What the file system says, with the path.
    pub(super) async fn put(
        &self,
        tenant: &TenantId,
        url: &EndpointUrl,
        octets: Arc<[u8]>,
    ) -> Result<(), String> {
        let path = self.path(tenant, url);
        blocking(path, move |path| replace(path, &octets)).await
    }

    /// The tenant is part of the name for people; the digest of the address keeps it a plain file
    /// name.
    fn path(&self, tenant: &TenantId, url: &EndpointUrl) -> PathBuf {
        let digest = digest(&SHA256, url.as_str().as_bytes());
        let address =
            u64::from_be_bytes(digest.as_ref()[..8].try_into().expect("eight of 32 octets"));
        self.0.join(format!("{tenant}-{address:016x}.xml"))
    }
}

/// Reads a file of metadata.
///
/// # Errors
/// What the file system says, with the path, or that it is too large.
pub(super) async fn read(path: PathBuf) -> Result<Arc<[u8]>, String> {
    blocking(path, |path| {
        let mut octets = Vec::new();
        File::open(path)?.take(limits::METADATA_BYTES as u64 + 1).read_to_end(&mut octets)?;
        if octets.len() > limits::METADATA_BYTES {
            let problem = format!("it is larger than {} bytes", limits::METADATA_BYTES);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        }
        Ok(Arc::from(octets))
    })
    .await
}

fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    // Another process may share the directory: each writes a file of its own and renames it.
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut file = File::create(&draft)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(directory)?.sync_all()
}

/// Does file work beside the runtime.
async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, String> {
    let shown = path.display().to_string();
    match tokio::task::spawn_blocking(move || work(&path)).await {
        Ok(done) => done.map_err(|error| format!("{shown}: {error}")),
        Err(_) => Err(format!("{shown}: the work was stopped")),
    }
}
