//! `mod_auth_mellon` in an Apache that serves one folder and nothing of the system.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::{Place, Provider, body, files};
use crate::support::gateway::material;

/// Where Debian has Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

pub(super) fn command(place: &Place, providers: &[Provider]) -> Command {
    let module = Path::new(MODULES).join("mod_auth_mellon.so");
    assert!(module.exists(), "missing: apt-get install apache2-bin libapache2-mod-auth-mellon");
    let mut text = place.fill("mellon/httpd.conf", &[("MODULES", MODULES)]);
    let certificate = body(&material::sp().certificate_pem);
    for provider in providers {
        let values = [("CERTIFICATE", certificate.as_str())];
        let metadata = place.fill_for(provider, "mellon/sp.xml", &values);
        let name = &provider.name;
        place.write(&format!("{name}/sp.xml"), &metadata);
        text.push_str(&place.fill_for(provider, "mellon/provider.conf", &[]));
    }
    place.write("httpd.conf", &text);
    for page in ["page.shtml", "left.json"] {
        let text = fs::read_to_string(files().join("mellon").join(page)).unwrap();
        place.write(&format!("pages/{page}"), &text);
    }
    // Started by root, Apache reads pages as somebody else.
    fs::set_permissions(&place.folder, Permissions::from_mode(0o755)).unwrap();
    let mut command = super::command(place, "/usr/sbin/apache2");
    command.args(["-X", "-f"]).arg(place.folder.join("httpd.conf"));
    command
}
