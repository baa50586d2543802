//! `SimpleSAMLphp` in PHP's own server, with a small application behind it.

use std::process::Command;

use super::{Place, Provider, files, installed};

pub(super) fn command(place: &Place, providers: &[Provider]) -> Command {
    let (mut sources, mut sections) = (String::new(), String::new());
    let mut known: Vec<&str> = Vec::new();
    for provider in providers {
        let (_, entity_id) = provider.idp.split_once("entityID=\"").unwrap();
        let (entity_id, _) = entity_id.split_once('"').unwrap();
        sections.push_str(&place.fill_for(
            provider,
            "simplesamlphp/provider.php",
            &[("IDP", entity_id)],
        ));
        if !known.contains(&entity_id) {
            known.push(entity_id);
            sources.push_str(&place.fill_for(provider, "simplesamlphp/source.php", &[]));
        }
    }
    let config = place.fill("simplesamlphp/config.php", &[("SOURCES", &sources)]);
    let providers = place.fill("simplesamlphp/authsources.php", &[("PROVIDERS", &sections)]);
    place.write("config.php", &config);
    place.write("authsources.php", &providers);
    place.write("tmp/empty", "");
    let root = installed("simplesamlphp").join("usr/share/simplesamlphp/www");
    let mut command = super::command(place, "php");
    command.env("SIMPLESAMLPHP_CONFIG_DIR", &place.folder);
    // Older than the PHP that Debian has it run on, whose advice is for its authors.
    command.args(["-d", "display_errors=0", "-d", "error_reporting=22527", "-d", "log_errors=1"]);
    command.arg("-S").arg(format!("127.0.0.1:{}", place.port)).arg("-t").arg(root);
    command.arg(files().join("simplesamlphp/app.php"));
    command
}
