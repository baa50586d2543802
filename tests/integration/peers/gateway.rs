//! The real gateway for foreign service providers: a process with a tenant for each way of
//! answering, that keeps what it knows in memory.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use skybridge::app::system::{SystemClock, SystemRandom};
use skybridge::keys::{FileStore, Locksmith, MasterKey};
use tempfile::TempDir;

use crate::support::gateway::material;
use crate::support::keeper::Running;
use crate::support::program;
use crate::support::redis::free_port;
use crate::support::site::{PATIENCE, client};

const MASTER: [u8; 32] = [7; 32];

/// A gateway that is set up and, once its service providers are known, runs.
pub(super) struct Gateway {
    /// Scheme, host and port.
    pub(super) origin: String,
    tenants: Vec<Tenant>,
    folder: TempDir,
    process: Option<Running>,
}

/// One way of answering.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub(super) id: String,
    /// What its answers look like, as `metadata/README.md` words it.
    pub(super) sign: &'static str,
    /// Whether every Assertion is encrypted, or none.
    pub(super) seals: bool,
}

impl Gateway {
    /// Keys, profiles and a configuration without service providers.
    pub(super) fn set_up(tenants: Vec<Tenant>) -> Self {
        let folder = tempfile::Builder::new().prefix("peers-gateway-").tempdir().unwrap();
        let origin = format!("http://127.0.0.1:{}", free_port());
        let store = FileStore::new(folder.path().join("keys"));
        let master = MasterKey::from_bytes(&MASTER).unwrap();
        let (clock, random) = (&SystemClock, &SystemRandom);
        let smith = Locksmith { store: &store, master: &master, clock, random };
        let key = material::idp();
        for tenant in &tenants {
            smith.import(&tenant.id, &key.private_pem, &key.certificate_pem).unwrap();
            let profile = folder.path().join("clouds").join(&tenant.id);
            fs::create_dir_all(&profile).unwrap();
            fs::write(profile.join("profile.toml"), tenant.profile()).unwrap();
        }
        Self { origin, tenants, folder, process: None }
    }

    /// A tenant's metadata.
    pub(super) fn metadata(&self, tenant: &str) -> String {
        self.configure(&[]);
        let output = self.command(&["metadata", "--tenant", tenant]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it with service providers: of whom, and their metadata.
    pub(super) async fn start(&mut self, providers: &[(&str, String)]) {
        self.configure(providers);
        let log = self.folder.path().join("gateway.log");
        let process = self.process.insert(Running::start(&self.command(&["serve"]), log));
        let (begun, url) = (Instant::now(), format!("{}/health/ready", self.origin));
        let mut beat = tokio::time::interval(std::time::Duration::from_millis(20));
        while !client().get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            beat.tick().await;
            assert!(begun.elapsed() < PATIENCE, "not ready: {}", process.log());
        }
    }

    /// Everything that it said.
    pub(super) fn log(&self) -> String {
        self.process.as_ref().map(Running::log).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.arg("--config").arg(self.folder.path().join("gateway.toml")).args(arguments);
        command.env("MASTER", material::base64(&MASTER)).env("HASH", material::password_hash());
        command
    }

    fn configure(&self, providers: &[(&str, String)]) {
        let origin = &self.origin;
        let mut text = format!(
            "[server]\nbase_url = \"{origin}\"\nlisten = \"{}\"\n\
             [log]\nlevel = \"warn,skybridge::request=info,skybridge::app::gateway=error\"\n\
             [ledger]\nurl = \"memory\"\n\
             [keys]\ndirectory = \"keys\"\nmaster_key = {{ env = \"MASTER\" }}\n\
             [clouds]\ndirectory = \"clouds\"\n",
            origin.strip_prefix("http://").unwrap(),
        );
        for Tenant { id, .. } in &self.tenants {
            write!(
                text,
                "[[tenant]]\nid = \"{id}\"\nname = \"{id}\"\ncloud = \"{id}\"\n\
                 portal_url = \"{origin}/\"\nsign_in = \"local\"\nassume_linked = true\n\
                 [[tenant.user]]\nlogin = \"alice\"\npassword_hash = {{ env = \"HASH\" }}\n\
                 user_id = \"local-1\"\nname = \"Alice\"\nemail = \"alice@example.com\"\n"
            )
            .unwrap();
            let own = providers.iter().filter(|(tenant, _)| tenant == id);
            for (number, (_, metadata)) in own.enumerate() {
                let file = format!("{id}-{number}.xml");
                fs::write(self.folder.path().join(&file), metadata).unwrap();
                write!(text, "[[tenant.service_provider]]\nmetadata = \"{file}\"\n").unwrap();
            }
        }
        fs::write(self.folder.path().join("gateway.toml"), text).unwrap();
    }
}

impl Tenant {
    /// The profile for any service provider, with what is particular here.
    fn profile(&self) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("metadata/generic/profile.toml");
        let text = fs::read_to_string(file).unwrap();
        let encrypt = if self.seals { "always" } else { "never" };
        let keys = [("sign", "both", self.sign), ("encrypt", "when-possible", encrypt)];
        keys.into_iter().fold(text, |text, (key, before, after)| {
            let (before, after) =
                (format!("\n{key} = \"{before}\"\n"), format!("\n{key} = \"{after}\"\n"));
            assert_eq!(text.matches(&before).count(), 1, "{key}");
            text.replace(&before, &after)
        })
    }
}
