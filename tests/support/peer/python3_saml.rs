//! python3-saml behind a small application.

use std::process::Command;

use super::{Place, Provider, body, files, installed};
use crate::support::gateway::material;

pub(super) fn command(place: &Place, providers: &[Provider]) -> Command {
    let pair = material::sp();
    let [certificate, key] = [&pair.certificate_pem, &pair.private_pem].map(|pem| body(pem));
    for provider in providers {
        let values = [("CERTIFICATE", certificate.as_str()), ("KEY", key.as_str())];
        let settings = place.fill_for(provider, "python3-saml/settings.json", &values);
        let name = &provider.name;
        place.write(&format!("{name}/settings.json"), &settings);
        let said = place.fill_for(provider, "python3-saml/provider.json", &[]);
        place.write(&format!("{name}/provider.json"), &said);
    }
    let mut command = super::command(place, installed("python3-saml").join("bin/python"));
    command.arg(files().join("python3-saml/app.py")).arg(place.port.to_string());
    command
}
