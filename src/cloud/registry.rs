//! Layer 2, cloud: all profiles by name: those that are compiled in, and those of a directory of
//! the operator's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::built_in;
use super::profile::{Profile, ProfileFault};
use super::value::ProfileName;

/// The file of a profile in its directory.
const FILE: &str = "profile.toml";

/// All profiles.
#[derive(Clone, Debug, Default)]
pub struct Clouds(BTreeMap<String, Arc<Profile>>);

impl Clouds {
    /// Reads the built-in profiles and those of `extra`, one sub-directory each. A sub-directory
    /// that is named like a built-in profile is a fault: rules that are reviewed with the program
    /// are not replaced behind its back. Files beside the sub-directories are not looked at.
    ///
    /// # Errors
    /// Every fault of every profile.
    pub fn load(extra: Option<&Path>) -> Result<Self, Vec<ProfileFault>> {
        let mut clouds = Self(BTreeMap::new());
        let mut faults = Vec::new();
        for (name, text) in built_in::PROFILES {
            clouds.add(name, &format!("built-in profile {name}"), text, &mut faults);
        }
        if let Some(directory) = extra {
            clouds.add_directory(directory, &mut faults);
        }
        if faults.is_empty() { Ok(clouds) } else { Err(faults) }
    }

    /// The profile of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Profile>> {
        self.0.get(name).cloned()
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn add_directory(&mut self, directory: &Path, faults: &mut Vec<ProfileFault>) {
        let fault = |place: &Path, problem: String| ProfileFault {
            place: place.display().to_string(),
            problem,
        };
        let entries: Result<Vec<_>, _> = std::fs::read_dir(directory).and_then(Iterator::collect);
        let mut paths: Vec<_> = match entries {
            Ok(entries) => entries.iter().map(std::fs::DirEntry::path).collect(),
            Err(error) => {
                faults.push(fault(directory, format!("expected a directory: {error}")));
                return;
            }
        };
        paths.retain(|path| path.is_dir());
        paths.sort();
        for path in paths {
            let file = path.join(FILE);
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match std::fs::read_to_string(&file) {
                Ok(text) => self.add(&name, &file.display().to_string(), &text, faults),
                Err(error) => faults.push(fault(&file, format!("expected a profile: {error}"))),
            }
        }
    }

    fn add(&mut self, name: &str, place: &str, text: &str, faults: &mut Vec<ProfileFault>) {
        let fault = |problem| ProfileFault { place: place.to_owned(), problem };
        if self.0.contains_key(name) {
            let problem = "expected a name that no built-in profile has; rename the directory";
            faults.push(fault(problem.to_owned()));
            return;
        }
        let read = ProfileName::parse(name)
            .map_err(|problem| vec![fault(problem)])
            .and_then(|name| Profile::read(&name, place, text));
        match read {
            Ok(profile) => {
                self.0.insert(name.to_owned(), Arc::new(profile));
            }
            Err(found) => faults.extend(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cloud::profile::tests::text_of;

    fn directory(profiles: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("README.md"), "how to add a cloud").unwrap();
        for (name, text) in profiles {
            fs::create_dir(directory.path().join(name)).unwrap();
            fs::write(directory.path().join(name).join(FILE), text).unwrap();
        }
        directory
    }

    #[test]
    fn the_built_in_profiles_are_there() {
        let clouds = Clouds::load(None).unwrap();
        let names: Vec<_> = clouds.names().collect();
        assert_eq!(names, ["generic", "huawei-cn", "huawei-eu", "huawei-intl"]);
        assert_eq!(clouds.get("huawei-eu").unwrap().name.as_str(), "huawei-eu");
        assert!(clouds.get("acme").is_none());
    }

    #[test]
    fn a_directory_adds_profiles() {
        let extra = directory(&[("acme", text_of("generic"))]);
        let clouds = Clouds::load(Some(extra.path())).unwrap();
        assert!(clouds.get("acme").is_some() && clouds.get("generic").is_some());
    }

    #[test]
    fn a_directory_replaces_no_built_in_profile() {
        let extra = directory(&[("huawei-cn", text_of("generic"))]);
        let faults = Clouds::load(Some(extra.path())).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].to_string().contains("no built-in profile"), "{faults:?}");
    }

    #[test]
    fn the_faults_of_all_profiles_are_told_at_once() {
        let extra = directory(&[("Acme", text_of("generic")), ("zeta", "nonsense = 1")]);
        fs::create_dir(extra.path().join("empty")).unwrap();
        let faults = Clouds::load(Some(extra.path())).unwrap_err();
        let places: Vec<_> = faults.iter().map(|fault| fault.place.as_str()).collect();
        assert_eq!(places.len(), 3, "{faults:?}");
        for (place, name) in places.iter().zip(["Acme", "empty", "zeta"]) {
            assert!(place.ends_with(&format!("{name}/{FILE}")), "{place}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_a_fault() {
        assert!(Clouds::load(Some(Path::new("/nonexistent"))).is_err());
    }
}
