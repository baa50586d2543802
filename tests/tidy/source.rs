//! The repository as the house rules see it: files, their lines, and their Rust without comments or
//! texts.

use std::fs;
use std::iter::repeat_n;
use std::path::Path;

/// A file of the repository.
pub(crate) struct File {
    /// Its path from the top of the repository, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
    /// Rust without comments; the same lines and offsets.
    pub code: String,
    /// Rust without comments and without what is inside of string literals.
    pub bare: String,
}

impl File {
    /// A file of these words.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let kinds = kinds(text.as_bytes());
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: only(text, &kinds, &[Kind::Code, Kind::Text]),
            bare: only(text, &kinds, &[Kind::Code]),
        }
    }

    /// Its name, without the folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is a test as a whole.
    pub(crate) fn is_test(&self) -> bool {
        let name = self.name();
        self.path.starts_with("tests/")
            || self.path.starts_with("benches/")
            || self.path.starts_with("fuzz/")
            || ["tests.rs", "fixtures.rs"].contains(&name)
            || name.ends_with("_tests.rs")
    }

    /// The offset at which its unit tests begin; its end where it has none.
    pub(crate) fn tests_at(&self) -> usize {
        let mut at = 0;
        let lines: Vec<_> = self.text.split_inclusive('\n').collect();
        for (index, line) in lines.iter().enumerate() {
            let next = lines.iter().skip(index + 1).take(3);
            if line.trim_end() == "#[cfg(test)]" && next.clone().any(|line| has_word(line, "mod")) {
                return at;
            }
            at += line.len();
        }
        at
    }

    /// `path:line` of an offset, as editors and terminals understand it.
    pub(crate) fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.text[..offset].matches('\n').count() + 1)
    }
}

/// Every file below `folder` (or the file `folder`), in the order of their paths; texts only.
pub(crate) fn files(folder: &str) -> Vec<File> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut to_visit = vec![top.join(folder)];
    while let Some(path) = to_visit.pop() {
        if path.is_dir() {
            to_visit.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(top).unwrap().to_str().unwrap().replace('\\', "/");
            found.push(File::new(&path, &text));
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The Rust files of the library, the tests and the benchmarks.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<File> {
    let mut found: Vec<_> = folders.iter().flat_map(|folder| files(folder)).collect();
    found.retain(|file| file.name().rsplit('.').next() == Some("rs"));
    assert!(!found.is_empty(), "no Rust file in {folders:?}: the rules would hold for nothing");
    found
}

/// Whether `word` stands in `line` by itself.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    offsets(line, word).any(|at| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

/// Where `needle` begins in `text`.
pub(crate) fn offsets<'t>(text: &'t str, needle: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(needle).map(|(at, _)| at)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Text,
}

fn only(text: &str, kinds: &[Kind], keep: &[Kind]) -> String {
    let mask = |(byte, kind): (u8, &Kind)| {
        if byte == b'\n' || keep.contains(kind) { byte } else { b' ' }
    };
    let bytes = text.bytes().zip(kinds).map(mask).collect();
    String::from_utf8(bytes).expect("a token is made of whole characters")
}

/// What each byte of a Rust file belongs to.
fn kinds(text: &[u8]) -> Vec<Kind> {
    let mut kinds = Vec::with_capacity(text.len());
    while kinds.len() < text.len() {
        let rest = &text[kinds.len()..];
        let (kind, length) = token(rest);
        kinds.extend(repeat_n(kind, length.min(rest.len())));
    }
    kinds
}

/// The token that `rest` begins with, and its length; what is neither comment nor text is code.
fn token(rest: &[u8]) -> (Kind, usize) {
    if rest.starts_with(b"//") {
        return (Kind::Comment, until(rest, 0, b"\n"));
    }
    if rest.starts_with(b"/*") {
        return (Kind::Comment, until(rest, 2, b"*/"));
    }
    let prefix = rest.iter().take_while(|b| b"bcr".contains(b)).count();
    let hashes = rest[prefix..].iter().take_while(|b| **b == b'#').count();
    let quote = prefix + hashes;
    if rest.get(quote) == Some(&b'"') {
        if rest[..prefix].contains(&b'r') {
            let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
            return (Kind::Text, until(rest, quote + 1, &end));
        }
        if hashes == 0 {
            return (Kind::Text, quoted(rest, quote));
        }
    }
    match rest[0] {
        b'\'' if rest.get(1) == Some(&b'\\') => (Kind::Text, quoted(rest, 0)),
        b'\'' => {
            let character = String::from_utf8_lossy(&rest[1..rest.len().min(6)]);
            let length = character.chars().next().map_or(1, char::len_utf8);
            let is_literal = rest.get(1 + length) == Some(&b'\'');
            if is_literal { (Kind::Text, length + 2) } else { (Kind::Code, 1) }
        }
        first if is_word(first) => {
            (Kind::Code, rest.iter().take_while(|byte| is_word(**byte)).count())
        }
        _ => (Kind::Code, 1),
    }
}

/// The length of a literal whose opening quote is at `quote`, with escapes.
fn quoted(rest: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < rest.len() && rest[at] != rest[quote] {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length up to and with `end`, looked for from `from` on.
fn until(rest: &[u8], from: usize, end: &[u8]) -> usize {
    let found = rest[from..].windows(end.len()).position(|window| window == end);
    found.map_or(rest.len(), |at| from + at + end.len())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[test]
fn comments_and_texts_are_told_from_code() {
    let file = File::new(
        "x.rs",
        "a /* b */ c // d\n\"e\\\"f // g\" h r#\"i\"j\"# 'k' '\\'' l<'m> brand\"n\" \u{e9}o 'p",
    );
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&file.bare), ["a", "c", "h", "l<'m>", "brand", "\u{e9}o", "'p"]);
    assert!(file.code.contains("// g") && !file.code.contains("// d"));
    assert_eq!(file.place(file.text.find('h').unwrap()), "x.rs:2");
}
