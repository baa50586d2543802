//! docs/service-providers.md against the files that the tests run.

use std::fs;
use std::path::Path;

/// What stands in the recipes for what is particular to a run.
const EXAMPLES: [(&str, &str); 11] = [
    ("ORIGIN", "https://sp.example"),
    ("NAME", "app"),
    ("FOLDER", "/etc/app"),
    ("IDP", "https://sso.partner.example/acme"),
    ("FORMAT", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"),
    ("SIGNS", "true"),
    ("SEALS", "true"),
    ("WANTS_RESPONSE", "true"),
    ("WANTS_ASSERTION", "true"),
    ("CERTIFICATE", "MIIC…"),
    ("KEY", "MIIE…"),
];

#[test]
fn every_recipe_is_a_part_of_what_the_tests_run() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&top.join("tests/peers"), &mut files);
    let text = fs::read_to_string(top.join("docs/service-providers.md")).unwrap();
    let blocks: Vec<&str> = text.split("\n```").collect();
    let recipes = blocks.iter().skip(1).step_by(2).filter_map(|block| {
        let (language, body) = block.split_once('\n')?;
        (!["toml", "sh"].contains(&language)).then_some(body)
    });
    let mut count = 0;
    for recipe in recipes {
        let found = files.iter().any(|file| flat(file).contains(&flat(recipe)));
        assert!(found, "this recipe is in no file of tests/peers:\n{recipe}");
        count += 1;
    }
    assert!(count >= 6, "{count} recipes: are they still found?");
}

/// Indentation is the documentation's own affair.
fn flat(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let mut text = fs::read_to_string(&path).unwrap();
            for (name, value) in EXAMPLES {
                text = text.replace(&format!("@{name}@"), value);
            }
            files.push(text);
        }
    }
}
