//! Files that hold secrets: private to their owner, or refused.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyError;

/// Largest file of keys that is read, bytes: some hundred keys.
const LARGEST: u64 = 1024 * 1024;

/// Reads a whole text file, unless anyone but its owner can read or write it. The check is made on
/// the open file, so that nobody can swap it in between.
///
/// # Errors
/// [`KeyError::OpenToOthers`], [`KeyError::Io`], [`KeyError::FileBroken`] when it is no file or
/// larger than 1 MiB.
pub fn read(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let failed = |error: io::Error| KeyError::io("read", path, &error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let broken = |cause: &str| KeyError::FileBroken { path: path.into(), cause: cause.into() };
    if !metadata.is_file() {
        return Err(broken("it is not a file"));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::OpenToOthers { path: path.into(), mode });
    }
    if metadata.len() > LARGEST {
        return Err(broken("it is larger than 1 MiB"));
    }
    // All room at once: growing would leave copies behind.
    let room = usize::try_from(metadata.len()).unwrap_or(0) + 1;
    let mut text = Zeroizing::new(String::with_capacity(room));
    file.take(LARGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Writes a new file that only its owner can read and write, down to the disk. An existing one is
/// an error.
pub(super) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
