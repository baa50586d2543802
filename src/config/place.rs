//! Config: files and directories that the file names. A relative path starts at the directory of
//! the file, so the gateway may be started from anywhere.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::address::WebUrl;
use super::read::{FromText as _, Node, Reader, Value};
use crate::limits;

/// A file that exists and can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath(PathBuf);

/// A file that exists, can be read, and cannot be read by everybody on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateFile(PathBuf);

/// A directory; it need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory(PathBuf);

/// Where a service provider's metadata comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataSource {
    /// A file on this machine.
    File(FilePath),
    /// An address that is fetched at start and then again and again.
    Url(WebUrl),
}

impl FilePath {
    /// The path, absolute or relative to the working directory.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl PrivateFile {
    /// The path, absolute or relative to the working directory.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl Directory {
    /// The path, absolute or relative to the working directory.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl Value for FilePath {
    fn kind() -> String {
        "the path of a file".into()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let path = path(node, reader, &Self::kind())?;
        match open(&path) {
            Ok(_) => Some(Self(path)),
            Err(problem) => {
                reader.fault(&node.path, "a file that can be read", &problem, None);
                None
            }
        }
    }
}

impl Value for PrivateFile {
    fn kind() -> String {
        "the path of a file that not everybody may read".into()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let path = path(node, reader, &Self::kind())?;
        match open(&path) {
            Ok(file) => private(&node.path, &path, &file, reader).then_some(Self(path)),
            Err(problem) => {
                reader.fault(&node.path, "a file that can be read", &problem, None);
                None
            }
        }
    }
}

impl Value for Directory {
    fn kind() -> String {
        "the path of a directory".into()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let path = path(node, reader, &Self::kind())?;
        if path.exists() && !path.is_dir() {
            let found = format!("{}, which is no directory", path.display());
            reader.fault(&node.path, "a directory", &found, None);
            return None;
        }
        Some(Self(path))
    }
}

impl Value for MetadataSource {
    fn kind() -> String {
        "the path of a file or an https address".into()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match node.value.get_ref() {
            DeValue::String(text) if text.contains("://") => match WebUrl::from_text(text) {
                Ok(url) => Some(Self::Url(url)),
                Err(hint) => {
                    reader.wrong(node, &Self::kind(), hint);
                    None
                }
            },
            _ => FilePath::read(node, reader).map(Self::File),
        }
    }
}

/// The content of a file with a secret, without the newline that editors put at its end.
pub(super) fn secret_file(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let PrivateFile(path) = PrivateFile::read(node, reader)?;
    let mut text = String::new();
    let read = File::open(&path)
        .and_then(|file| file.take(limits::SECRET_FILE_BYTES + 1).read_to_string(&mut text));
    let problem = match read {
        Ok(length) if length as u64 > limits::SECRET_FILE_BYTES => {
            "a file that is too long to be a secret"
        }
        Ok(_) if text.trim_end().is_empty() => "an empty file",
        Ok(_) => return Some(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(_) => "a file that is not text",
    };
    let found = format!("{problem}: {}", path.display());
    reader.fault(&node.path, "a file that holds a secret", &found, None);
    None
}

fn path(node: &Node<'_>, reader: &mut Reader<'_>, kind: &str) -> Option<PathBuf> {
    match node.value.get_ref() {
        DeValue::String(text) if !text.is_empty() && !text.contains('\0') => {
            Some(reader.directory.join(&**text))
        }
        _ => {
            reader.wrong(node, kind, None);
            None
        }
    }
}

fn open(path: &Path) -> Result<File, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    match file.metadata() {
        Ok(about) if about.is_file() => Ok(file),
        _ => Err(format!("{}, which is no file", path.display())),
    }
}

#[cfg(unix)]
fn private(at: &str, path: &Path, file: &File, reader: &mut Reader<'_>) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_or(0o777, |about| about.permissions().mode());
    let others = mode & 0o077;
    if others == 0 {
        return true;
    }
    let found = format!("{} with mode {:04o}", path.display(), mode & 0o7777);
    let hint = Some(format!("chmod go-rwx {}", path.display()));
    reader.fault(at, "a file that others on this machine cannot read", &found, hint);
    false
}

#[cfg(not(unix))]
fn private(_at: &str, _path: &Path, _file: &File, _reader: &mut Reader<'_>) -> bool {
    true
}
