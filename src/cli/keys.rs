//! Main room: `skybridge keys`: making, importing and rotating the keys that sign.

mod share;
mod show;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use url::Url;

use self::show::{Row, print_ring, ring_as_json};
use super::{Common, Outcome};
use crate::app::parts::key_store;
use crate::app::system::{SystemClock, SystemRandom};
use crate::cloud::Clouds;
use crate::cloud::profile::MetadataForm;
use crate::config::{self, Config, KeyPlace};
use crate::keys::{
    Added, FileStore, KeyError, KeySize, KeyState, Kid, Locksmith, MasterKey, Recipe,
    read_private_file,
};
use crate::saml::key::KeyKind;

const ROTATION: &str = "\
A rotation, without an outage even where people upload metadata by hand:
  1. skybridge keys new --tenant acme               makes the next key, say 2026-11-21-k7fq
  2. give the cloud the metadata of that key; it names the key's own SSO address, so from the
     moment the cloud uses it, answers are signed with the new key, and until then with the old
  3. skybridge keys promote --tenant acme 2026-11-21-k7fq
     the new key is active; the former one still answers at its own address
  4. when nobody comes by the former key's address any more:
     skybridge keys retire --tenant acme 2025-11-20-m3xd
     its private half is destroyed

A running gateway takes changes over by itself within a minute, or at once on SIGHUP.
In an emergency (a key was stolen) do 1, 3 and 4 at once: the cloud refuses logins until it has the
new metadata, and that is what you want.";

/// Make, import and rotate the keys that sign
#[derive(Args, Debug)]
#[command(after_help = ROTATION)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(New),
    List(List),
    Import(Import),
    Promote(Promote),
    Retire(Retire),
    /// Copy the keys of the directory into the ledger's database, for all nodes
    Share,
}

/// Make a key: active when it is the tenant's first, next otherwise
#[derive(Args, Debug)]
struct New {
    #[command(flatten)]
    on: On,
    /// rsa, or p256 for an EC key on that curve: the cheapest logins, where the service provider
    /// takes it and nobody has to encrypt for us
    #[arg(long, value_enum, default_value_t = Kind::Rsa)]
    kind: Kind,
    /// Bits of an RSA key, 3072 unless you say otherwise; more bits make each login dearer
    #[arg(long, value_enum)]
    bits: Option<Bits>,
    /// How long its certificate lasts, years
    #[arg(
        long,
        default_value_t = 10,
        value_parser = RangedU64ValueParser::<u8>::new().range(1..=30)
    )]
    years: u8,
}

/// Show the keys of a tenant, or of all
#[derive(Args, Debug)]
struct List {
    /// Whose keys; without it, those of all tenants
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Take over a key that exists: an RSA key of at least 2048 bits or an EC key on P-256, and its
/// certificate, both as PEM
#[derive(Args, Debug)]
struct Import {
    #[command(flatten)]
    on: On,
    /// The private key, PKCS#8, PKCS#1 or SEC 1, not encrypted, in a file that only you can read
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Its certificate
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
}

/// Make a next key the active one, or go back to a previous one
#[derive(Args, Debug)]
struct Promote {
    #[command(flatten)]
    on: On,
    /// The key's id
    kid: Kid,
}

/// Retire a key for good and destroy its private half
#[derive(Args, Debug)]
struct Retire {
    #[command(flatten)]
    on: On,
    /// The key's id
    kid: Kid,
}

/// What every change has.
#[derive(Args, Debug)]
struct On {
    /// Whose keys
    #[arg(long, value_name = "ID")]
    tenant: String,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Rsa,
    P256,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bits {
    #[value(name = "2048")]
    B2048,
    #[value(name = "3072")]
    B3072,
    #[value(name = "4096")]
    B4096,
}

impl Keys {
    pub(super) fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        let config = common.load()?;
        let master = MasterKey::from_bytes(config.keys.master_key.expose())?;
        let store = key_store(&config)?;
        let desk = Desk {
            smith: Locksmith {
                store: &*store,
                master: &master,
                clock: &SystemClock,
                random: &SystemRandom,
            },
            tenants: tenants(&config),
            directory: (config.keys.kept_in == KeyPlace::Ledger)
                .then(|| FileStore::new(config.keys.directory.as_path())),
        };
        desk.serve(&self.command, out)
    }
}

/// A tenant as the keys' commands see it.
struct Tenant {
    id: String,
    /// Host of its entityID.
    host: String,
    /// The address of its SSO endpoint, without a key's id.
    sso_url: String,
    /// The form in which its cloud takes metadata, if its cloud is known.
    form: Option<MetadataForm>,
}

fn tenants(config: &Config) -> Vec<Tenant> {
    let base = &config.server.base_url;
    // Faulty profiles are the concern of `skybridge check`, and no reason to leave keys alone.
    let extra = config.clouds.directory.as_ref().map(config::Directory::as_path);
    let clouds = Clouds::load(extra).unwrap_or_default();
    let tenants = config.tenants.iter();
    tenants
        .map(|tenant| Tenant {
            id: tenant.id.to_string(),
            host: Url::parse(tenant.entity_id(base).as_str())
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned))
                .unwrap_or_else(|| base.host().to_owned()),
            sso_url: format!("{}/{}/saml/sso", base.origin(), tenant.id),
            form: clouds.get(tenant.cloud.as_str()).map(|profile| profile.metadata_form),
        })
        .collect()
}

/// Serves one command.
struct Desk<'a> {
    smith: Locksmith<'a>,
    tenants: Vec<Tenant>,
    /// The directory whose keys can be shared, if they are not worked on there.
    directory: Option<FileStore>,
}

impl Desk<'_> {
    fn serve(&self, command: &Command, out: &mut dyn Write) -> Outcome {
        match command {
            Command::New(new) => self.make(new, out),
            Command::List(list) => self.list(list, out),
            Command::Import(import) => self.import(import, out),
            Command::Promote(Promote { on, kid }) => {
                let tenant = self.tenant(&on.tenant)?;
                self.smith.promote(&tenant.id, kid)?;
                self.changed(tenant, on, kid, out)
            }
            Command::Retire(Retire { on, kid }) => {
                let tenant = self.tenant(&on.tenant)?;
                self.smith.retire(&tenant.id, kid)?;
                self.changed(tenant, on, kid, out)
            }
            Command::Share => share::run(&self.smith, self.directory.as_ref(), out),
        }
    }

    fn make(&self, new: &New, out: &mut dyn Write) -> Outcome {
        let tenant = self.tenant(&new.on.tenant)?;
        if matches!(new.kind, Kind::P256) {
            tenant.takes_ec()?;
        }
        let size = match (new.kind, new.bits) {
            (Kind::Rsa, None) => KeySize::default(),
            (Kind::Rsa, Some(Bits::B2048)) => KeySize::Rsa2048,
            (Kind::Rsa, Some(Bits::B3072)) => KeySize::Rsa3072,
            (Kind::Rsa, Some(Bits::B4096)) => KeySize::Rsa4096,
            (Kind::P256, None) => KeySize::P256,
            (Kind::P256, Some(_)) => return Err("--bits is for RSA keys: leave it out".into()),
        };
        let recipe = Recipe { host: tenant.host.clone(), size, years: new.years };
        self.added(tenant, &new.on, &self.smith.make(&tenant.id, &recipe)?, out)
    }

    fn import(&self, import: &Import, out: &mut dyn Write) -> Outcome {
        let tenant = self.tenant(&import.on.tenant)?;
        let key = read_private_file(&import.key)?;
        let certificate = fs::read_to_string(&import.certificate)
            .map_err(|error| format!("cannot read {}: {error}", import.certificate.display()))?;
        if Locksmith::inspect(&key, &certificate)?.kind() == KeyKind::P256 {
            tenant.takes_ec()?;
        }
        let added = self.smith.import(&tenant.id, &key, &certificate)?;
        self.added(tenant, &import.on, &added, out)
    }

    fn list(&self, list: &List, out: &mut dyn Write) -> Outcome {
        let tenants: Vec<&Tenant> = match &list.tenant {
            Some(id) => vec![self.tenant(id)?],
            None => self.tenants.iter().collect(),
        };
        let rings: Vec<_> =
            tenants.into_iter().map(|tenant| (tenant, self.smith.ring(&tenant.id))).collect();
        let now = self.smith.clock.now();
        if list.json {
            let all: Vec<Value> =
                rings.iter().map(|(tenant, ring)| ring_as_json(tenant, ring, now)).collect();
            writeln!(out, "{:#}", Value::from(all))?;
        } else {
            for (tenant, ring) in &rings {
                print_ring(tenant, ring, now, out)?;
            }
        }
        let usable = rings.iter().all(|(_, ring)| ring.is_ok());
        Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn added(&self, tenant: &Tenant, on: &On, added: &Added, out: &mut dyn Write) -> Outcome {
        let Added { kid, state, certificate } = added;
        let now = self.smith.clock.now();
        if on.json {
            let row = Row { kid, state: *state, created: now, certificate };
            writeln!(out, "{:#}", row.as_json(tenant, now))?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(out, "{kid} is the {} key of tenant {}", state.word(), tenant.id)?;
        writeln!(out, "  {}, {}", certificate.kind(), certificate.subject())?;
        writeln!(out, "  SHA-256 {}", certificate.fingerprint())?;
        writeln!(out, "  SSO address {}", tenant.address_of(kid))?;
        if let Some(warning) = certificate.warning(now) {
            writeln!(out, "  attention: {warning}")?;
        }
        if *state == KeyState::Next {
            writeln!(out, "Give the cloud this key's metadata, then run:")?;
            writeln!(out, "  skybridge keys promote --tenant {} {kid}", tenant.id)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Shows the ring after a change.
    fn changed(&self, tenant: &Tenant, on: &On, kid: &Kid, out: &mut dyn Write) -> Outcome {
        let ring = self.smith.ring(&tenant.id);
        let now = self.smith.clock.now();
        if on.json {
            writeln!(out, "{:#}", ring_as_json(tenant, &ring, now))?;
            return Ok(ExitCode::SUCCESS);
        }
        let ring = ring?;
        let state = ring.by_kid(kid).map_or(KeyState::Retired, |key| key.state);
        writeln!(out, "{kid} is {} now", state.word())?;
        print_ring(tenant, &Ok(ring), now, out)?;
        Ok(ExitCode::SUCCESS)
    }

    fn tenant(&self, id: &str) -> Result<&Tenant, KeyError> {
        self.tenants.iter().find(|tenant| tenant.id == id).ok_or_else(|| {
            let known: Vec<&str> = self.tenants.iter().map(|tenant| tenant.id.as_str()).collect();
            KeyError::UnknownTenant { tenant: id.to_owned(), known: known.join(", ") }
        })
    }
}

impl Tenant {
    fn address_of(&self, kid: &Kid) -> String {
        format!("{}/{kid}", self.sso_url)
    }

    /// That its cloud can be told of an EC key.
    fn takes_ec(&self) -> Result<(), String> {
        if self.form != Some(MetadataForm::Plain) {
            return Ok(());
        }
        let advice = "its cloud takes RSA keys only: there is no metadata for an EC key";
        Err(format!("tenant {}: {advice}", self.id))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use time::macros::datetime;

    use super::*;
    use crate::clock::ManualClock;
    use crate::random::SequenceRandom;

    /// Runs lines such as `new --tenant acme` against a directory of their own.
    struct Shop {
        store: FileStore,
        master: MasterKey,
        clock: ManualClock,
        random: SequenceRandom,
        dir: tempfile::TempDir,
        /// Whose keys can be shared.
        directory: Option<PathBuf>,
    }

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        keys: Keys,
    }

    impl Shop {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            Self {
                store: FileStore::new(dir.path().join("keys")),
                master: MasterKey::from_bytes(&[7; 32]).unwrap(),
                clock: ManualClock::at(datetime!(2026-11-21 10:00 UTC)),
                random: SequenceRandom::new(1),
                dir,
                directory: None,
            }
        }

        fn run(&self, line: &str) -> Result<String, String> {
            let words = std::iter::once("keys").chain(line.split(' '));
            let line = Line::try_parse_from(words).unwrap();
            let smith = Locksmith {
                store: &self.store,
                master: &self.master,
                clock: &self.clock,
                random: &self.random,
            };
            let tenants = ["acme", "zeta"].map(|id| Tenant {
                id: id.into(),
                host: "sso.partner.example".into(),
                sso_url: format!("https://sso.partner.example/{id}/saml/sso"),
                form: (id == "zeta").then_some(MetadataForm::Plain),
            });
            let mut out = Vec::new();
            let directory = self.directory.as_ref().map(FileStore::new);
            let code = Desk { smith, tenants: tenants.into(), directory }
                .serve(&line.keys.command, &mut out);
            let out = String::from_utf8(out).unwrap();
            match code.map_err(|error| error.to_string())? {
                ExitCode::SUCCESS => Ok(out),
                _ => Err(out),
            }
        }

        fn json(&self, line: &str) -> Value {
            serde_json::from_str(&self.run(&format!("{line} --json")).unwrap()).unwrap()
        }
    }

    fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
        value.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    #[test]
    fn keys_of_a_directory_are_shared_once() {
        let node = Shop::new();
        let told = node.run("share").unwrap_err();
        assert!(told.contains("kept_in = \"ledger\""), "{told}");
        let made = node.json("new --tenant acme --bits 2048");
        node.run("new --tenant acme --bits 2048").unwrap();
        let all = Shop { directory: Some(node.dir.path().join("keys")), ..Shop::new() };
        assert_eq!(all.run("share").unwrap(), "acme: 2 keys are shared now\n");
        assert!(all.run("list --tenant acme").unwrap().contains(text(&made, "/kid")));
        let again = all.run("share").unwrap();
        assert_eq!(again, "acme: left alone, there are shared keys already\n");
        let foreign = MasterKey::from_bytes(&[8; 32]).unwrap();
        let stranger = Shop { master: foreign, ..Shop::new() };
        let stranger = Shop { directory: all.directory.clone(), ..stranger };
        assert!(stranger.run("share").is_err());
        assert!(stranger.run("list --tenant acme").is_err());
    }

    #[test]
    fn the_rotation_that_the_help_teaches_works_as_it_says() {
        let shop = Shop::new();
        let first = shop.json("new --tenant acme --bits 2048");
        assert_eq!(text(&first, "/state"), "active");
        assert_eq!(text(&first, "/subject"), "CN=sso.partner.example");
        let second = shop.json("new --tenant acme --bits 2048 --years 2");
        assert_eq!(text(&second, "/state"), "next");
        assert_eq!(text(&second, "/not_after"), "2028-11-21T10:00:00Z");
        let (old, new) = (text(&first, "/kid"), text(&second, "/kid"));
        let address = format!("https://sso.partner.example/acme/saml/sso/{new}");
        assert_eq!(text(&second, "/sso_url"), address);

        let promoted = shop.run(&format!("promote --tenant acme {new}")).unwrap();
        assert!(promoted.starts_with(&format!("{new} is active now\n")), "{promoted}");
        assert!(promoted.contains(&format!("{old}   previous  RSA-2048  2026-11-21  2036-11-21")));

        let retired = shop.json(&format!("retire --tenant acme {old}"));
        assert_eq!(text(&retired, "/keys/1/state"), "retired");
        assert_eq!(retired.pointer("/keys/1/sso_url"), Some(&Value::Null));
    }

    #[test]
    fn a_new_key_is_rsa_of_3072_bits_unless_something_else_is_asked_for() {
        let shop = Shop::new();
        assert_eq!(text(&shop.json("new --tenant acme"), "/kind"), "RSA-3072");
        assert_eq!(text(&shop.json("new --tenant acme --kind p256"), "/kind"), "P-256");
        assert!(shop.run("list --tenant acme").unwrap().contains("next      P-256     2026-11-21"));
        let both = shop.run("new --tenant acme --kind p256 --bits 2048").unwrap_err();
        assert!(both.contains("--bits is for RSA keys"), "{both}");
        let plain = shop.run("new --tenant zeta --kind p256").unwrap_err();
        assert!(plain.contains("its cloud takes RSA keys only"), "{plain}");
    }

    #[test]
    fn a_next_key_says_what_to_do_next() {
        let shop = Shop::new();
        let first = shop.run("new --tenant acme --bits 2048").unwrap();
        assert!(!first.contains("promote"), "{first}");
        let second = shop.run("new --tenant acme --bits 2048").unwrap();
        let kid = second.split(' ').next().unwrap();
        assert!(second.ends_with(&format!("skybridge keys promote --tenant acme {kid}\n")));
    }

    #[test]
    fn listing_shows_every_tenant_and_fails_when_one_has_no_usable_keys() {
        let shop = Shop::new();
        shop.run("new --tenant acme --bits 2048").unwrap();
        assert!(shop.run("list --tenant acme").unwrap().contains("active"));
        let all = shop.run("list").unwrap_err();
        assert!(all.contains("active") && all.contains("tenant zeta has no keys"), "{all}");
    }

    #[test]
    fn a_certificate_near_its_end_is_pointed_out_until_it_is_retired() {
        let shop = Shop::new();
        let first = shop.json("new --tenant acme --bits 2048 --years 1");
        shop.clock.advance(time::Duration::days(330));
        let listed = shop.run("list --tenant acme").unwrap();
        assert!(listed.contains("attention: the certificate expires on 2027-11-21"), "{listed}");
        let second = shop.json("new --tenant acme --bits 2048");
        shop.run(&format!("promote --tenant acme {}", text(&second, "/kid"))).unwrap();
        shop.run(&format!("retire --tenant acme {}", text(&first, "/kid"))).unwrap();
        assert!(!shop.run("list --tenant acme").unwrap().contains("attention"));
    }

    #[test]
    fn an_unknown_tenant_is_refused_before_anything_is_made() {
        let shop = Shop::new();
        let error = shop.run("new --tenant acne").unwrap_err();
        assert_eq!(error, "no tenant `acne` in the configuration; there are: acme, zeta");
        assert!(!shop.dir.path().join("keys").exists());
    }

    #[test]
    fn what_the_ring_refuses_is_refused_in_its_words() {
        let shop = Shop::new();
        let first = shop.json("new --tenant acme --bits 2048");
        let kid = text(&first, "/kid");
        let retired = shop.run(&format!("retire --tenant acme {kid}")).unwrap_err();
        assert!(retired.contains("is the active key; make another one active first"), "{retired}");
        let promoted = shop.run("promote --tenant acme nope").unwrap_err();
        assert!(promoted.contains("skybridge keys list --tenant acme"), "{promoted}");
    }

    #[test]
    fn an_import_takes_pem_files_and_refuses_a_key_that_others_can_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let shop = Shop::new();
        let pair =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
        let pair = pair.unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.not_before = datetime!(2020-01-01 0:00 UTC);
        params.not_after = datetime!(2026-01-01 0:00 UTC);
        let certificate = params.self_signed(&pair).unwrap();
        let (key_file, pem_file) = (shop.dir.path().join("k.pem"), shop.dir.path().join("c.pem"));
        fs::write(&key_file, pair.serialize_pem()).unwrap();
        fs::write(&pem_file, certificate.pem()).unwrap();
        let line = format!(
            "import --tenant acme --key {} --certificate {}",
            key_file.display(),
            pem_file.display()
        );

        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(shop.run(&line).unwrap_err().contains("chmod 600"));

        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
        let imported = shop.run(&line).unwrap();
        assert!(imported.contains("is the active key of tenant acme"), "{imported}");
        assert!(imported.contains("attention: the certificate expired on 2026-01-01"));
        assert!(shop.run(&line).unwrap_err().contains("is there already"));
    }

    #[test]
    fn an_ec_key_is_not_imported_where_the_cloud_could_not_be_told_of_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let shop = Shop::new();
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        let (key_file, pem_file) = (shop.dir.path().join("k.pem"), shop.dir.path().join("c.pem"));
        fs::write(&key_file, pair.serialize_pem()).unwrap();
        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&pem_file, certificate.pem()).unwrap();
        let line = |tenant: &str| {
            let (key, pem) = (key_file.display(), pem_file.display());
            format!("import --tenant {tenant} --key {key} --certificate {pem}")
        };
        let refused = shop.run(&line("zeta")).unwrap_err();
        assert!(refused.contains("its cloud takes RSA keys only"), "{refused}");
        assert!(shop.run("list --tenant zeta").is_err(), "nothing was kept");
        assert!(shop.run(&line("acme")).unwrap().contains("P-256"));
    }

    #[test]
    fn senseless_arguments_are_wrong_usage() {
        for line in [
            "new",
            "new --tenant acme --bits 1024",
            "new --tenant acme --years 31",
            "promote --tenant acme UPPER",
            "retire --tenant acme",
        ] {
            let words = std::iter::once("keys").chain(line.split(' '));
            assert_eq!(Line::try_parse_from(words).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
