//! Config: the reader. It walks the parsed file with the declarations at hand, takes each declared
//! option with its type, and collects every fault instead of stopping at the first.

use std::collections::HashMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::declare::{Declared, Section};
use super::fault::{Fault, position};

/// What is found where an option is missing.
pub(super) const NOTHING: &str = "nothing";

/// A value with its place in the file.
pub(super) struct Node<'n> {
    /// Such as `tenant[2].sign_in`; empty for the file itself.
    pub path: String,
    /// What was parsed there.
    pub value: &'n Spanned<DeValue<'n>>,
}

/// A type that an option can have.
pub(super) trait Value: Sized {
    /// Whether the option may be absent without a default.
    const OPTIONAL: bool = false;
    /// The table that this value is, or of which it is a list.
    const SECTION: Option<&'static Section> = None;
    /// Whether this is a list of tables.
    const MANY: bool = false;

    /// What to write, as a noun phrase.
    fn kind() -> String;

    /// Reads it; `None` when a fault was reported.
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self>;

    /// The value of an option that is absent and has no default.
    fn absent() -> Option<Self> {
        None
    }
}

/// A type that is written as a text.
pub(super) trait FromText: Sized {
    /// Whether a wrong text may be shown: false where somebody may have put a secret there.
    const SHOWN: bool = true;

    /// What to write, as a noun phrase.
    fn kind() -> String;

    /// Parses it, or gives a hint where one can be given.
    fn from_text(text: &str) -> Result<Self, Option<String>>;
}

impl<T: FromText> Value for T {
    fn kind() -> String {
        <T as FromText>::kind()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::String(text) = node.value.get_ref() else {
            reader.wrong(node, &<T as FromText>::kind(), None);
            return None;
        };
        match T::from_text(text) {
            Ok(value) => Some(value),
            Err(hint) if T::SHOWN => {
                reader.wrong(node, &<T as FromText>::kind(), hint);
                None
            }
            Err(hint) => {
                let found = format!("a text of {} characters (not shown)", text.chars().count());
                reader.fault(&node.path, &<T as FromText>::kind(), &found, hint);
                None
            }
        }
    }
}

impl<T: Value> Value for Option<T> {
    const OPTIONAL: bool = true;
    const SECTION: Option<&'static Section> = T::SECTION;
    const MANY: bool = T::MANY;

    fn kind() -> String {
        T::kind()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, reader).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Value> Value for Vec<T> {
    const SECTION: Option<&'static Section> = T::SECTION;
    const MANY: bool = T::SECTION.is_some();

    fn kind() -> String {
        if Self::MANY { "a list of tables".into() } else { format!("a list, each {}", T::kind()) }
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Array(items) = node.value.get_ref() else {
            let hint = match (T::SECTION, node.value.get_ref()) {
                (Some(_), DeValue::Table(_)) => {
                    Some(format!("write two brackets: [[{}]]", without_counts(&node.path)))
                }
                _ => None,
            };
            reader.wrong(node, &Self::kind(), hint);
            return None;
        };
        let nodes: Vec<Node<'_>> = items
            .iter()
            .enumerate()
            .map(|(index, value)| Node { path: format!("{}[{}]", node.path, index + 1), value })
            .collect();
        for item in &nodes {
            reader.note_place(item);
        }
        for key in T::SECTION.map_or(&[][..], |section| section.unique) {
            reader.refuse_twice(&nodes, key);
        }
        // Every element is read, also behind a faulty one.
        let values: Vec<Option<T>> = nodes.iter().map(|item| T::read(item, reader)).collect();
        values.into_iter().collect()
    }
}

/// Walks one file and remembers what was wrong.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// The directory of the file: relative paths start there.
    pub directory: &'a Path,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    root: &'static Section,
    places: HashMap<String, usize>,
    faults: Vec<Fault>,
    in_default: bool,
}

impl<'a> Reader<'a> {
    /// A reader of `text`, whose outermost table is `root`.
    pub(super) fn new(
        text: &'a str,
        directory: &'a Path,
        env: &'a dyn Fn(&str) -> Option<String>,
        root: &'static Section,
    ) -> Self {
        let (places, faults) = (HashMap::new(), Vec::new());
        Self { text, directory, env, root, places, faults, in_default: false }
    }

    /// The faults, in the order of the lines.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|fault| (fault.line, fault.column));
        self.faults
    }

    /// A reader that knows the places and reports anew.
    pub(super) fn without_faults(mut self) -> Self {
        self.faults.clear();
        self
    }

    /// Reports a fault at an option, or at the nearest table above it that stands in the file.
    pub(super) fn fault(&mut self, path: &str, expected: &str, found: &str, hint: Option<String>) {
        let mut at = path;
        let offset = loop {
            match (self.places.get(at), at.rfind(['.', '['])) {
                (Some(offset), _) => break *offset,
                (None, Some(cut)) => at = &at[..cut],
                (None, None) => break 0,
            }
        };
        let (line, column) = position(self.text, offset);
        let (path, expected, found) = (path.to_owned(), expected.to_owned(), found.to_owned());
        self.faults.push(Fault { line, column, path, expected, found, hint });
    }

    /// Reports that the value of a node is not what is expected.
    pub(super) fn wrong(&mut self, node: &Node<'_>, expected: &str, hint: Option<String>) {
        self.fault(&node.path, expected, &describe(node.value.get_ref()), hint);
    }

    /// The table that a node is, after its unknown keys are reported.
    pub(super) fn open<'n>(
        &mut self,
        node: &Node<'n>,
        section: &Section,
    ) -> Option<&'n DeTable<'n>> {
        let DeValue::Table(table) = node.value.get_ref() else {
            self.wrong(node, "a table", None);
            return None;
        };
        for (key, value) in table {
            if !section.options.iter().any(|option| option.key == key.get_ref()) {
                let path = join(&node.path, key.get_ref());
                self.places.insert(path.clone(), key.span().start);
                let hint = self.hint_for(key.get_ref(), section);
                let place = match without_counts(&node.path) {
                    name if name.is_empty() => "a table of this file".to_owned(),
                    name => format!("an option of [{name}]"),
                };
                let what = if value.get_ref().is_table() { "table" } else { "option" };
                self.fault(&path, &place, &format!("an unknown {what}"), hint);
            }
        }
        Some(table)
    }

    /// Takes one declared option out of a table: its value, else its default, else a fault.
    pub(super) fn take<T: Value>(
        &mut self,
        node: &Node<'_>,
        table: &DeTable<'_>,
        option: &Declared,
    ) -> Option<T> {
        let path = join(&node.path, option.key);
        if let Some((key, value)) = table.get_key_value(option.key) {
            let node = Node { path, value };
            if !self.in_default {
                // A table is found by its header, every other value by its key.
                let at = if value.get_ref().is_table() { value.span() } else { key.span() };
                self.places.insert(node.path.clone(), at.start);
            }
            return T::read(&node, self);
        }
        let Some(default) = option.default else {
            let absent = T::absent();
            if absent.is_none() {
                let hint =
                    option.example.map(|example| format!("write {} = {example}", option.key));
                self.fault(&path, &T::kind(), NOTHING, hint);
            }
            return absent;
        };
        let value = DeValue::parse(default).expect("declared defaults are TOML");
        let outer = std::mem::replace(&mut self.in_default, true);
        let value = T::read(&Node { path, value: &value }, self);
        self.in_default = outer;
        value
    }

    fn note_place(&mut self, node: &Node<'_>) {
        if !self.in_default {
            self.places.insert(node.path.clone(), node.value.span().start);
        }
    }

    fn refuse_twice(&mut self, nodes: &[Node<'_>], key: &str) {
        let mut first: HashMap<String, usize> = HashMap::new();
        for node in nodes {
            let Some((name, value)) =
                node.value.get_ref().as_table().and_then(|table| table.get_key_value(key))
            else {
                continue;
            };
            let Some(text) = value.get_ref().as_str() else { continue };
            let start = name.span().start;
            if let Some(earlier) = first.insert(text.to_owned(), start) {
                let path = join(&node.path, key);
                self.places.insert(path.clone(), start);
                let line = position(self.text, earlier).0;
                let found = format!("the same as on line {line}");
                self.fault(&path, &format!("a `{key}` that stands only once"), &found, None);
            }
        }
    }

    fn hint_for(&self, key: &str, section: &Section) -> Option<String> {
        if let Some(near) = nearest(key, section.options.iter().map(|option| option.key)) {
            return Some(format!("did you mean `{near}`?"));
        }
        let home = home_of(key, self.root, "")?;
        Some(if home.is_empty() {
            format!("`{key}` stands at the outermost level")
        } else {
            format!("`{key}` is an option of [{home}]")
        })
    }
}

/// The path of an option inside a table.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The known name that is closest to a mistyped one, if one is close enough to be meant.
pub(super) fn nearest<'k>(typed: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|name| (edits(typed, name), name))
        .filter(|(edits, name)| *edits <= 1 + name.len() / 5)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().replace('-', "_").chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.to_lowercase().replace('-', "_").chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, r) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

/// The table in which a key is declared.
fn home_of(key: &str, section: &Section, path: &str) -> Option<String> {
    if section.options.iter().any(|option| option.key == key) {
        return Some(path.to_owned());
    }
    section
        .options
        .iter()
        .filter_map(|option| option.section.map(|inner| (option.key, inner)))
        .find_map(|(name, inner)| home_of(key, inner, &join(path, name)))
}

/// `tenant[2].user[1]` → `tenant.user`, as the header is written.
fn without_counts(path: &str) -> String {
    path.split('.').map(|part| part.split('[').next().unwrap_or(part)).collect::<Vec<_>>().join(".")
}

fn describe(value: &DeValue<'_>) -> String {
    match value {
        // An address with something before an @ may hold a password.
        DeValue::String(text) if text.contains("://") && text.contains('@') => {
            "an address with user information (not shown)".into()
        }
        DeValue::String(text) if text.chars().count() > 60 => {
            format!("{:?}…", text.chars().take(60).collect::<String>())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_likely_slip_and_nothing_farther() {
        let known = ["listen", "base_url", "trusted_proxies"];
        assert_eq!(nearest("lisen", known.into_iter()), Some("listen"));
        assert_eq!(nearest("base-url", known.into_iter()), Some("base_url"));
        assert_eq!(nearest("trusted_proxy", known.into_iter()), Some("trusted_proxies"));
        assert_eq!(nearest("colour", known.into_iter()), None);
    }

    #[test]
    fn a_path_without_counts_is_the_header_in_the_file() {
        assert_eq!(without_counts("tenant[2].user[11]"), "tenant.user");
        assert_eq!(without_counts(""), "");
    }

    #[test]
    fn an_address_that_may_hold_a_password_is_not_shown() {
        let value = DeValue::String("https://user:hunter2@host/".into());
        assert!(!describe(&value).contains("hunter2"));
    }
}
