//! Room demo (layer 6): the directory of a demo, with every key that it needs. What is there
//! already is used again, so a kept directory is the same gateway after a restart.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rcgen::{KeyPair, PKCS_ED25519};
use secrecy::SecretString;

use super::{BRAVO, DIRECT, Error, TENANT};
use crate::app::parts::System;
use crate::keys::read_private_file;
use crate::keys::{FileStore, KeyError, KeySize, KeyStore as _, Locksmith, MasterKey, Recipe};
use crate::random;

/// The configuration.
pub(super) const CONFIG: &str = "skybridge.toml";
/// The key that seals the others.
pub(super) const MASTER_KEY: &str = "master.key";
/// The key rings.
pub(super) const KEYS: &str = "keys";
/// The public half of the key that signs tickets.
pub(super) const TICKET_KEY: &str = "partner-ticket-key.pem";
/// Its private half: at a real partner, it is in the partner's hands only.
const TICKET_PRIVATE_KEY: &str = "partner-ticket-private-key.pem";
/// The key of the API: likewise.
const API_KEY: &str = "partner-api.key";
/// The secret half of the access key to the cloud's partner API.
pub(super) const CLOUD_SECRET: &str = "cloud-access.key";

/// The directory of a demo. A temporary one goes with it.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    temporary: bool,
}

/// What a real partner's back end would hold.
pub(super) struct Secrets {
    /// The API key.
    pub(super) api_key: SecretString,
    /// The private key that signs tickets, in PEM.
    pub(super) ticket_key: SecretString,
    /// The secret half of the access key to the cloud's partner API.
    pub(super) cloud_secret: SecretString,
}

impl Home {
    /// Opens `wanted`, or makes a temporary directory that only its owner can enter.
    pub(super) fn open(wanted: Option<&Path>, system: &System) -> Result<Self, Error> {
        let path = wanted.map_or_else(
            || {
                let name = random::short_id(&*system.random);
                std::env::temp_dir().join(format!("skybridge-demo-{name}"))
            },
            Path::to_owned,
        );
        let temporary = wanted.is_none();
        // An existing temporary directory is somebody else's.
        let made = DirBuilder::new().recursive(!temporary).mode(0o700).create(&path);
        made.map_err(|error| Error::file(&path, error))?;
        Ok(Self { path, temporary })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it goes with the demo.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Makes what is not there yet: master key, the tenants' RSA keys, ticket key, API key, access
    /// key of the cloud.
    pub(super) fn furnish(&self, host: &str, system: &System) -> Result<Secrets, Error> {
        self.make_rings(host, system)?;
        let private = self.path.join(TICKET_PRIVATE_KEY);
        if !private.exists() {
            let made = |error: rcgen::Error| Error::Part(error.to_string());
            let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(made)?;
            self.write(TICKET_KEY, pair.public_key_pem().as_bytes())?;
            write_private(&private, pair.serialize_pem().as_bytes())?;
        }
        let [api_key, cloud_secret] = [API_KEY, CLOUD_SECRET].map(|name| self.path.join(name));
        for path in [&api_key, &cloud_secret] {
            if !path.exists() {
                write_private(path, random::token(&*system.random).as_bytes())?;
            }
        }
        Ok(Secrets {
            api_key: read(&api_key)?,
            ticket_key: read(&private)?,
            cloud_secret: read(&cloud_secret)?,
        })
    }

    /// Writes a file that everybody may read.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        fs::write(&path, content).map_err(|error| Error::file(&path, error))?;
        Ok(path)
    }

    fn make_rings(&self, host: &str, system: &System) -> Result<(), Error> {
        let path = self.path.join(MASTER_KEY);
        let master = if path.exists() {
            MasterKey::from_file(&path)
        } else {
            MasterKey::generate_to_file(&path, &*system.random)
        };
        let store = FileStore::new(self.path.join(KEYS));
        let smith = Locksmith {
            store: &store,
            master: &master?,
            clock: &*system.clock,
            random: &*system.random,
        };
        let recipe = Recipe { host: host.to_owned(), size: KeySize::Rsa2048, years: 10 };
        for tenant in [TENANT, DIRECT, BRAVO] {
            if store.load(tenant)?.is_none() {
                smith.make(tenant, &recipe)?;
            }
        }
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.temporary {
            // Nothing better can be done for a directory that cannot be removed.
            _ = fs::remove_dir_all(&self.path);
        }
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::Part(error.to_string())
    }
}

fn read(path: &Path) -> Result<SecretString, Error> {
    Ok(SecretString::from(read_private_file(path)?.trim_end()))
}

fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(content)
    };
    write().map_err(|error| Error::file(path, error))
}
