//! The rooms of the house and which way their arrows run: downward only (docs/ARCHITECTURE.md).

use super::source::{File, offsets};

/// Where a room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    /// On a layer; it may use every layer below, and of its own layer the named rooms.
    Layer(u8, &'static [&'static str]),
    /// What the file of configuration says: for the rooms that build the others.
    Config,
    /// The cloud's side, apart: it must not share code with the side that it judges.
    Apart,
    /// For everybody; a leaf may itself use only leaves that stand above it in this table.
    Leaf,
}
use Floor::{Apart, Config, Layer, Leaf};

const ROOMS: &[(&str, Floor)] = &[
    ("main", Layer(6, &["cli"])),
    ("cli", Layer(6, &["app", "demo"])),
    ("demo", Layer(6, &["app"])),
    ("app", Layer(6, &[])),
    ("http", Layer(5, &[])),
    ("page", Layer(4, &[])),
    ("sso", Layer(3, &["account"])),
    ("account", Layer(3, &[])),
    ("cloud", Layer(2, &[])),
    ("store", Layer(1, &[])),
    ("keys", Layer(1, &[])),
    ("saml", Layer(0, &[])),
    ("config", Config),
    ("fakecloud", Apart),
    ("clock", Leaf),
    ("random", Leaf),
    ("limits", Leaf),
    ("secret", Leaf),
    ("password", Leaf),
    ("refusal", Leaf),
    ("measure", Leaf),
    ("journey", Leaf),
];

/// The rooms that `config` is for, and the only ones that may start the fake cloud.
const BUILDERS: &[&str] = &["app", "cli", "demo"];

/// What is wrong with the arrows of a file of `src`.
pub(crate) fn complaints(file: &File) -> Vec<String> {
    let from = room_of(&file.path);
    if from == "lib" {
        return Vec::new();
    }
    let Some(floor) = floor(from) else {
        let path = &file.path;
        return vec![format!(
            "{path}: the room {from} is not in the table of rooms. Put the file into one of the rooms \
             of docs/ARCHITECTURE.md, or give the room its place there and in tests/tidy/arrows.rs."
        )];
    };
    let complaint = |(at, to): (usize, &str)| {
        let reason = refusal(from, floor, to)?;
        Some(format!("{} uses crate::{to}: {reason}", file.place(at)))
    };
    let mut found: Vec<_> = uses(&file.bare).into_iter().filter_map(complaint).collect();
    found.extend(escapes(file));
    found
}

fn room_of(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

fn floor(room: &str) -> Option<Floor> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Why `from` must not use `to`, and what to do instead.
fn refusal(from: &str, floor: Floor, to: &str) -> Option<String> {
    let Some(target) = self::floor(to) else {
        return (!to.starts_with(char::is_uppercase) && to != "run")
            .then(|| "no room of this name is in the table of tests/tidy/arrows.rs.".to_owned());
    };
    let position = |room: &str| ROOMS.iter().position(|(name, _)| *name == room);
    match (floor, target) {
        _ if from == to => None,
        (Leaf, Leaf) if position(to) < position(from) => None,
        (Leaf, _) => Some(format!(
            "{from} is a leaf and may only use leaves that stand above it in the table. Take what \
             it needs as an argument, or move the code that needs {to} up into the room that calls it."
        )),
        (_, Leaf) => None,
        (_, Config | Apart) if BUILDERS.contains(&from) => None,
        (_, Config) => Some(format!(
            "the configuration is for {BUILDERS:?}. Give {from} a small struct of its own that app \
             fills from the configuration."
        )),
        (_, Apart) => Some("the fake cloud is for the demo and for tests.".to_owned()),
        (Apart, _) => Some(format!(
            "the fake cloud judges what we sign and must not share code with it. Write what it needs \
             of {to} again, from the cloud's documents."
        )),
        (Config, _) => Some(format!(
            "the configuration knows the leaves only. Keep the plain text or number here and let app \
             turn it into a type of {to}."
        )),
        (Layer(own, beside), Layer(other, _)) if own > other || beside.contains(&to) => None,
        (Layer(own, _), Layer(other, _)) => Some(format!(
            "{from} (layer {own}) may only look down, and {to} is on layer {other}. Move what {from} \
             needs into a room below both, or let the room above pass it in."
        )),
    }
}

/// The rooms that `crate::…` and, in `main.rs`, `skybridge::…` paths name, with their offsets.
fn uses(bare: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for start in ["crate::", "skybridge::"] {
        for at in offsets(bare, start) {
            let path = &bare[at + start.len()..];
            match path.strip_prefix('{') {
                Some(group) => found.extend(heads(group).into_iter().map(|name| (at, name))),
                None => found.push((at, name(path))),
            }
        }
    }
    found.sort_unstable();
    found
}

/// The first name of each path of a `{…}` group.
fn heads(group: &str) -> Vec<&str> {
    let mut depth = 0;
    let mut heads = vec![name(group.trim_start())];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(name(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn name(path: &str) -> &str {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    &path[..end]
}

/// `super::` chains that climb out of the room, where this test would not see them.
fn escapes(file: &File) -> Vec<String> {
    let folders = file.path.matches('/').count();
    let is_root = file.name() == "mod.rs" || folders == 1;
    let depth = if is_root { folders.max(2) - 1 } else { folders };
    let depth = depth + usize::from(file.name().ends_with("_tests.rs"));
    let mut found = Vec::new();
    for at in offsets(&file.bare, "super::") {
        if file.bare[..at].ends_with("super::") {
            continue;
        }
        let inside = usize::from(at >= file.tests_at());
        let climbed = file.bare[at..].split("super::").take_while(|part| part.is_empty()).count();
        if climbed >= depth + inside {
            let place = file.place(at);
            found.push(format!(
                "{place} leaves its room by super::. Write crate::room, which is seen."
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complains(path: &str, text: &str) -> bool {
        !complaints(&File::new(path, text)).is_empty()
    }

    #[test]
    fn an_arrow_may_run_down_and_never_up_or_sideways() {
        assert!(!complains("src/sso/next.rs", "use crate::saml::Response;"));
        assert!(!complains("src/cli/serve.rs", "use crate::{app, config::Config, clock};"));
        assert!(!complains("src/main.rs", "fn main() { skybridge::cli::run() }"));
        assert!(!complains("src/sso/next.rs", "// use crate::http, said a comment"));
        assert!(complains("src/page/x.rs", "use crate::http;"));
        assert!(complains("src/keys/x.rs", "use crate::store::Record;"));
        assert!(complains("src/sso/x.rs", "use crate::{clock, config::{Config, Faults}};"));
        assert!(complains("src/sso/x.rs", "fn f() { crate::fakecloud::start() }"));
        assert!(complains("src/fakecloud/x.rs", "use crate::saml;"));
        assert!(complains("src/config/x.rs", "use crate::keys;"));
        assert!(complains("src/refusal.rs", "use crate::journey;"));
        assert!(complains("src/attic/x.rs", ""));
    }

    #[test]
    fn an_arrow_cannot_hide_behind_super() {
        assert!(complains("src/journey.rs", "use super::saml;"));
        assert!(complains("src/page/mod.rs", "use super::http;"));
        assert!(complains("src/page/form.rs", "use super::super::http;"));
        assert!(!complains("src/page/form.rs", "use super::Page;"));
        assert!(!complains(
            "src/page/mod.rs",
            "#[cfg(test)]\nmod tests {\n    use super::Page;\n}"
        ));
        assert!(!complains("src/saml/xml/mod.rs", "use super::Error;"));
    }

    #[test]
    fn a_complaint_says_where_and_what_to_do() {
        let file = File::new("src/page/x.rs", "//! Label\nuse crate::http;\n");
        let complaints = complaints(&file);
        let complaint = &complaints[0];
        assert!(
            complaint.starts_with("src/page/x.rs:2 uses crate::http: page (layer 4)"),
            "{complaint}"
        );
        assert!(complaint.contains("Move what page needs into a room below both"), "{complaint}");
    }
}
