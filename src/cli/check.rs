//! Main room: `skybridge check`: what is wrong with the configuration, or what would run.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{Common, Outcome};
use crate::app::records::Records;
use crate::config::{
    self, Config, Credentials, EXAMPLE, Faults, LedgerUrl, PartnerApi, SignIn, StoreUrl, Tenant,
};

/// Tell everything that is wrong with the configuration file, or what would run
///
/// Reads the file, the secrets and files that it names, and starts nothing. Each fault is one line,
/// `file:line:column: option: what is expected and what is found`. Exit code 1 when there is one.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
    /// Print an example file instead
    #[arg(long, conflicts_with = "json")]
    example: bool,
}

impl Check {
    pub(super) fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        if self.example {
            out.write_all(EXAMPLE.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        let config = common.load().and_then(|config| built(&common.config, config));
        if self.json {
            let report = report(&common.config, &config);
            writeln!(out, "{report:#}")?;
            return Ok(if config.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        match config {
            Ok(config) => {
                summary(&common.config, &config, out)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(faults) => {
                let count = counted(faults.faults.len(), "fault");
                Err(format!("{faults}\n{count}; nothing was started").into())
            }
        }
    }
}

/// The configuration, if the parts that it declares can be built: each cloud is known, each key
/// file holds a key.
fn built(file: &Path, config: Config) -> Result<Config, Faults> {
    match Records::of(&config) {
        Ok(_) => Ok(config),
        Err(complaints) => Err(config::locate(file, complaints)),
    }
}

fn summary(file: &Path, config: &Config, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: no faults", file.display())?;
    let server = &config.server;
    let tls = match (&server.tls, server.base_url.is_https()) {
        (Some(_), _) => "with TLS",
        (None, true) => "behind a proxy that does TLS",
        (None, false) => "WITHOUT TLS, for this machine only",
    };
    writeln!(out, "  address  {} on {}, {tls}", server.base_url, server.listen)?;
    let store = match config.store.url {
        StoreUrl::Memory => "memory: one node only, sessions end with the process",
        StoreUrl::Redis(_) => "Redis",
    };
    writeln!(out, "  store    {store}")?;
    let ledger = match &config.ledger.url {
        LedgerUrl::Memory => "memory: a restart forgets who is linked".to_owned(),
        LedgerUrl::Sqlite(file) => format!("SQLite, {}: one node only", file.display()),
        LedgerUrl::Postgres(_) => "PostgreSQL".to_owned(),
    };
    writeln!(out, "  ledger   {ledger}")?;
    writeln!(out, "  keys     {}", config.keys.directory.as_path().display())?;
    for tenant in &config.tenants {
        writeln!(out, "  tenant   {}", describe(tenant, config))?;
    }
    Ok(())
}

fn describe(tenant: &Tenant, config: &Config) -> String {
    let mut parts = vec![
        format!("{} to {}", tenant.id, tenant.cloud),
        format!("entityID {}", tenant.entity_id(&config.server.base_url)),
        counted(tenant.service_providers.len(), "service provider"),
        match tenant.sign_in {
            SignIn::Partner => "the partner signs people in".into(),
            SignIn::Local => counted(tenant.users.len(), "local user"),
        },
        counted(tenant.ticket_keys.len(), "ticket key"),
        counted(tenant.api_keys.len(), "API key"),
    ];
    if let Some(api) = &tenant.partner_api {
        parts.push(format!("partner API by {}", caller(api)));
    }
    if !tenant.enabled {
        parts.push("DISABLED".into());
    }
    parts.join(", ")
}

fn caller(api: &PartnerApi) -> &'static str {
    match api.credentials() {
        Some(Credentials::AccessKey { .. }) => "access key",
        Some(Credentials::User { .. }) => "user and password",
        None => "nothing",
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn report(file: &Path, config: &Result<Config, Faults>) -> Value {
    let (faults, config) = match config {
        Ok(config) => (&[][..], Some(config)),
        Err(faults) => (&faults.faults[..], None),
    };
    let tenants: Vec<Value> = config
        .iter()
        .flat_map(|config| config.tenants.iter().map(|tenant| (tenant, &config.server.base_url)))
        .map(|(tenant, base)| {
            json!({
                "id": tenant.id.as_str(),
                "enabled": tenant.enabled,
                "cloud": tenant.cloud.as_str(),
                "entity_id": tenant.entity_id(base).as_str(),
                "sign_in": tenant.sign_in.as_str(),
                "service_providers": tenant.service_providers.len(),
                "partner_api": tenant.partner_api.as_ref().map(caller),
            })
        })
        .collect();
    json!({
        "file": file.display().to_string(),
        "base_url": config.map(|config| config.server.base_url.origin()),
        "faults": faults,
        "tenants": tenants,
    })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const SOUND: &str = r#"
[server]
base_url = "https://sso.partner.example"
[keys]
master_key = { file = "master.key" }
[[tenant]]
id = "acme"
name = "Acme"
cloud = "huawei-cn"
x_account_type = "acme_IDP"
bp_id = "6d0d2b1c0e9a4f7f"
sign_in = "local"
portal_url = "https://shop.partner.example"
"#;

    fn check(text: &str, json: bool) -> (Outcome, String) {
        let directory = TempDir::new().unwrap();
        let config = directory.path().join("skybridge.toml");
        std::fs::write(&config, text).unwrap();
        let key = directory.path().join("master.key");
        std::fs::write(&key, "c2VjcmV0LW1hc3Rlci1rZXktb2YtMzItYnl0ZXMhISE=").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mut out = Vec::new();
        let outcome = Check { json, example: false }.run(&Common { config }, &mut out);
        (outcome, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_sound_file_is_summed_up() {
        let (outcome, out) = check(SOUND, false);
        assert_eq!(outcome.unwrap(), ExitCode::SUCCESS);
        assert!(out.contains("no faults\n"), "{out}");
        assert!(out.contains("behind a proxy that does TLS"), "{out}");
        assert!(out.contains("acme to huawei-cn, entityID https://sso.partner.example/acme"));
    }

    #[test]
    fn access_to_a_partner_api_is_shown_or_what_it_lacks() {
        let api = "[tenant.partner_api]\naccess_key = \"AK\"\n\
                   secret_key = { file = \"master.key\" }\n";
        let (outcome, out) = check(&format!("{SOUND}{api}"), false);
        assert_eq!(outcome.unwrap(), ExitCode::SUCCESS);
        assert!(out.contains("partner API by access key"), "{out}");

        let european = SOUND.replace("huawei-cn", "huawei-eu");
        let (outcome, _) = check(&format!("{european}{api}"), false);
        let error = outcome.unwrap_err().to_string();
        let expected = "14:1: tenant[1].partner_api.url: expected an https address, because the \
                        cloud's profile names no host";
        assert!(error.contains(expected), "{error}");

        let generic = SOUND.replace("huawei-cn", "generic");
        let (outcome, _) = check(&format!("{generic}{api}"), false);
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("partner_api: expected a cloud whose profile has"), "{error}");
    }

    #[test]
    fn faults_are_printed_and_counted() {
        let (outcome, out) = check("[server]\nlisen = 1\n", false);
        let error = outcome.unwrap_err().to_string();
        assert!(out.is_empty());
        assert!(error.contains("skybridge.toml:2:1: server.lisen: expected an option of [server]"));
        assert!(error.ends_with("4 faults; nothing was started"), "{error}");
    }

    #[test]
    fn json_holds_the_faults_or_the_tenants() {
        let (outcome, out) = check("[server]\nlisen = 1\n", true);
        assert_eq!(outcome.unwrap(), ExitCode::FAILURE);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["faults"][3]["line"], 2);
        assert_eq!(report["faults"][3]["path"], "server.lisen");

        let (outcome, out) = check(SOUND, true);
        assert_eq!(outcome.unwrap(), ExitCode::SUCCESS);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["faults"], json!([]));
        assert_eq!(report["tenants"][0]["sign_in"], "local");
    }

    #[test]
    fn the_example_is_printed_without_reading_a_file() {
        let mut out = Vec::new();
        let common = Common { config: "no/such/file".into() };
        Check { json: false, example: true }.run(&common, &mut out).unwrap();
        assert_eq!(out, EXAMPLE.as_bytes());
    }
}
