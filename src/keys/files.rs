//! Keys in files: one `<tenant>.keys.json` a tenant, in one directory. Private to its owner,
//! replaced as a whole, and checked in full whenever it is read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{KeyError, KeyRecord, KeySet, KeyStore, Loaded, private_file};

const ENDING: &str = ".keys.json";
const FORMAT: u32 = 1;

/// Keys in the files of one directory.
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    /// The store in `directory`, which is made when the first key is saved.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    fn path(&self, tenant: &str) -> Result<PathBuf, KeyError> {
        if !is_name(tenant) {
            return Err(KeyError::BadTenant(tenant.chars().take(80).collect()));
        }
        Ok(self.directory.join(format!("{tenant}{ENDING}")))
    }

    /// One writer at a time, on this machine. The lock falls when the file is closed, even by a
    /// crash.
    fn lock(&self) -> Result<File, KeyError> {
        let path = self.directory.join(".lock");
        let failed = |error: io::Error| KeyError::io("lock", &path, &error);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    /// Puts the whole file in place, or leaves what is there: written beside it, flushed, renamed
    /// over it.
    fn replace(&self, path: &Path, content: &[u8]) -> Result<(), KeyError> {
        let draft = path.with_extension("json.draft");
        let failed = |error: io::Error| KeyError::io("write", path, &error);
        // A draft that a crash left behind; the lock says that nobody is writing it.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        private_file::create(&draft, content).map_err(failed)?;
        fs::rename(&draft, path).map_err(failed)?;
        // The rename itself is on the disk only when the directory is.
        File::open(&self.directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }

    /// The tenants that have a file.
    fn tenants(&self) -> Result<Vec<String>, KeyError> {
        let failed = |error: &io::Error| KeyError::io("read", &self.directory, error);
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&error)),
        };
        let mut tenants = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| failed(&error))?.file_name();
            if let Some(tenant) = name.to_str().and_then(|name| name.strip_suffix(ENDING)) {
                tenants.push(tenant.to_owned());
            }
        }
        Ok(tenants)
    }
}

impl KeyStore for FileStore {
    fn load_all(&self) -> Result<Vec<Loaded>, KeyError> {
        let load = |tenant: String| {
            let vanished = || KeyError::Vanished { tenant: tenant.clone() };
            let set = self.load(&tenant).and_then(|set| set.ok_or_else(vanished));
            (tenant, set)
        };
        Ok(self.tenants()?.into_iter().map(load).collect())
    }

    fn load(&self, tenant: &str) -> Result<Option<KeySet>, KeyError> {
        let path = self.path(tenant)?;
        // Asked first because "not there" is no error; a file that goes in between is one.
        if !path.try_exists().map_err(|error| KeyError::io("read", &path, &error))? {
            return Ok(None);
        }
        let text = private_file::read(&path)?;
        let broken = |cause: String| KeyError::FileBroken { path: path.clone(), cause };
        let form: Form = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        if form.format != FORMAT {
            return Err(broken(format!("its format is {}, and {FORMAT} is known", form.format)));
        }
        if form.tenant != tenant {
            return Err(broken(format!("it holds the keys of tenant {}", form.tenant)));
        }
        let set = KeySet { tenant: form.tenant, version: form.version, records: form.keys };
        set.check()?;
        Ok(Some(set))
    }

    fn save(&self, set: &KeySet) -> Result<(), KeyError> {
        set.check()?;
        let path = self.path(&set.tenant)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(|error| KeyError::io("make", &self.directory, &error))?;
        let _lock = self.lock()?;
        let there = self.load(&set.tenant)?.map_or(0, |there| there.version);
        if there != set.version {
            return Err(KeyError::Conflict { tenant: set.tenant.clone() });
        }
        let form = Form {
            format: FORMAT,
            tenant: set.tenant.clone(),
            version: set.version + 1,
            keys: set.records.clone(),
        };
        let broken = |error: serde_json::Error| KeyError::FileBroken {
            path: path.clone(),
            cause: error.to_string(),
        };
        let mut content = serde_json::to_vec_pretty(&form).map_err(broken)?;
        content.push(b'\n');
        self.replace(&path, &content)
    }
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    format: u32,
    tenant: String,
    version: u64,
    keys: Vec<KeyRecord>,
}

/// Whether a tenant's name makes a file name that stays in its directory and is not hidden.
fn is_name(tenant: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=64).contains(&tenant.len())
        && tenant.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::fixtures::{key_a, key_b, record};
    use crate::keys::{KeyState, Kid};
    use std::os::unix::fs::PermissionsExt as _;

    fn set() -> KeySet {
        let records = vec![
            record("acme", "k1", KeyState::Retired, &key_b()),
            record("acme", "k2", KeyState::Active, &key_a()),
        ];
        KeySet { tenant: "acme".into(), version: 0, records }
    }

    fn saved() -> (tempfile::TempDir, FileStore, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path().join("keys"));
        store.save(&set()).unwrap();
        let path = dir.path().join("keys/acme.keys.json");
        (dir, store, path)
    }

    fn rewrite(path: &Path, edit: impl Fn(String) -> String) {
        let text = fs::read_to_string(path).unwrap();
        let edited = edit(text.clone());
        assert_ne!(edited, text, "the edit must change something");
        fs::write(path, edited).unwrap();
    }

    #[test]
    fn what_was_saved_is_loaded_with_the_next_version() {
        let (_dir, store, _) = saved();
        let loaded = store.load("acme").unwrap().unwrap();
        assert_eq!(loaded, KeySet { version: 1, ..set() });
        assert_eq!(store.tenants().unwrap(), ["acme"]);
        assert_eq!(store.load("other").unwrap(), None);
    }

    #[test]
    fn a_store_whose_directory_is_not_there_yet_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path().join("none"));
        assert_eq!(store.tenants().unwrap(), Vec::<String>::new());
        assert_eq!(store.load("acme").unwrap(), None);
    }

    #[test]
    fn files_and_directory_are_private() {
        let (_dir, _, path) = saved();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn a_key_file_that_others_can_touch_is_refused_with_the_remedy() {
        let (_dir, store, path) = saved();
        for mode in [0o640, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = store.load("acme").unwrap_err();
            assert_eq!(error, KeyError::OpenToOthers { path: path.clone(), mode });
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn the_later_of_two_writers_with_one_version_is_refused() {
        let (_dir, store, _) = saved();
        let mine = store.load("acme").unwrap().unwrap();
        let yours = mine.clone();
        store.save(&mine).unwrap();
        assert_eq!(store.save(&yours), Err(KeyError::Conflict { tenant: "acme".into() }));
        assert_eq!(store.save(&set()), Err(KeyError::Conflict { tenant: "acme".into() }));
    }

    #[test]
    fn of_many_concurrent_writers_exactly_one_wins() {
        let (_dir, store, _) = saved();
        let loaded = store.load("acme").unwrap().unwrap();
        let won = std::thread::scope(|scope| {
            let writers: Vec<_> =
                (0..16).map(|_| scope.spawn(|| store.save(&loaded).is_ok())).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(won, 1);
        assert_eq!(store.load("acme").unwrap().unwrap().version, 2);
    }

    #[test]
    fn a_draft_that_a_crash_left_behind_is_in_nobodys_way() {
        let (_dir, store, path) = saved();
        fs::write(path.with_extension("json.draft"), "half").unwrap();
        let loaded = store.load("acme").unwrap().unwrap();
        store.save(&loaded).unwrap();
        assert!(!path.with_extension("json.draft").exists());
        assert_eq!(store.tenants().unwrap(), ["acme"]);
    }

    #[test]
    fn a_damaged_file_is_refused_with_its_place() {
        let edits: [(&str, &str, &str); 6] = [
            ("\"format\": 1", "\"format\": 2", "its format is 2"),
            ("\"tenant\": \"acme\"", "\"tenant\": \"other\"", "the keys of tenant other"),
            ("\"active\"", "\"next\"", "0 keys are active"),
            ("\"kid\": \"k1\"", "\"kid\": \"k2\"", "k2 is there twice"),
            ("\"kid\": \"k1\"", "\"kid\": \"../k1\"", "is not a key id"),
            ("\"state\"", "\"stat\"", "unknown field `stat`"),
        ];
        for (from, to, why) in edits {
            let (_dir, store, path) = saved();
            rewrite(&path, |text| text.replacen(from, to, 1));
            let error = store.load("acme").unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_cut_file_is_refused() {
        let (_dir, store, path) = saved();
        rewrite(&path, |text| text[..text.len() / 2].to_owned());
        assert!(matches!(store.load("acme"), Err(KeyError::FileBroken { .. })));
    }

    #[test]
    fn a_file_copied_to_another_tenant_is_refused() {
        let (_dir, store, path) = saved();
        fs::copy(&path, path.with_file_name("other.keys.json")).unwrap();
        let error = store.load("other").unwrap_err().to_string();
        assert!(error.contains("it holds the keys of tenant acme"), "{error}");
    }

    #[test]
    fn a_set_that_breaks_a_rule_is_not_saved() {
        let (_dir, store, _) = saved();
        let mut bad = store.load("acme").unwrap().unwrap();
        bad.records[1].state = KeyState::Next;
        assert!(matches!(store.save(&bad), Err(KeyError::RingBroken { .. })));
        assert_eq!(store.load("acme").unwrap().unwrap().version, 1);
    }

    #[test]
    fn names_that_leave_the_directory_are_refused() {
        let (_dir, store, _) = saved();
        for name in ["", "..", "../acme", "a/b", ".acme", "A", "a.b", &"a".repeat(65)] {
            assert!(matches!(store.load(name), Err(KeyError::BadTenant(_))), "{name}");
        }
    }

    #[test]
    fn the_private_half_of_a_retired_key_leaves_no_trace_in_the_file() {
        let (_dir, store, path) = saved();
        let mut set = store.load("acme").unwrap().unwrap();
        set.add(record("acme", "k3", KeyState::Next, &key_b()));
        store.save(&set).unwrap();
        let mut set = store.load("acme").unwrap().unwrap();
        let sealed = String::from(set.records[2].sealed.clone().unwrap());
        assert!(fs::read_to_string(&path).unwrap().contains(&sealed));
        set.retire(&"k3".parse::<Kid>().unwrap()).unwrap();
        store.save(&set).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains(&sealed));
    }
}
