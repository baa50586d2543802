//! samael behind a small application.

use std::process::Command;

use super::{Place, Provider, installed};

pub(super) fn command(place: &Place, providers: &[Provider]) -> Command {
    for provider in providers {
        let said = place.fill_for(provider, "samael/provider.json", &[]);
        place.write(&format!("{}/provider.json", provider.name), &said);
    }
    let mut command = super::command(place, installed("samael").join("debug/samael-peer"));
    command.arg(place.port.to_string());
    command
}
