//! Two whole gateways over one `PostgreSQL`: what one declares, loads or signs with, the other has.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use skybridge::app::gateway::Gateway;
use skybridge::app::parts::{Assembly, System, key_store};
use skybridge::app::system::{SystemClock, SystemRandom};
use skybridge::cloud::registration::{Fetch, FetchError, Fetching};
use skybridge::config::{self, Config};
use skybridge::keys::{Kid, Locksmith, MasterKey};
use skybridge::saml::{EndpointUrl, EntityId};
use skybridge::store::sql::Sql;
use skybridge::store::tenancy::{Copies as _, Declarations as _};

use super::postgres::options;
use super::rows::{START, acme};
use crate::support::gateway::cloud::SP;
use crate::support::gateway::material::{self, base64};
use crate::support::postgres::shared;

const MASTER: [u8; 32] = [7; 32];

/// The configuration of every node, each in a folder of its own.
fn configuration(folder: &Path, database: &str) -> Config {
    fs::write(folder.join("sp.xml"), SP.metadata()).unwrap();
    let text = "[server]\nbase_url = \"https://gateway.example\"\nlisten = \"127.0.0.1:0\"\n\
         [store]\nurl = \"memory\"\n[ledger]\nurl = { env = \"DATABASE\" }\n\
         [keys]\nkept_in = \"ledger\"\nmaster_key = { env = \"MASTER\" }\n\
         [[tenant]]\nid = \"acme\"\nname = \"Acme\"\ncloud = \"generic\"\n\
         portal_url = \"https://acme.example/\"\n\
         partner_login_url = \"https://acme.example/login\"\n\
         [[tenant.service_provider]]\nmetadata = \"sp.xml\"\n";
    let env = |name: &str| match name {
        "DATABASE" => Some(database.to_owned()),
        "MASTER" => Some(base64(&MASTER)),
        _ => None,
    };
    config::parse(text, &folder.join("gateway.toml"), &env)
        .unwrap_or_else(|faults| panic!("{faults}"))
}

fn system() -> System {
    System { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
}

/// Does something with acme's keys, as `skybridge keys` would on that machine.
fn with_keys<T>(config: &Config, work: impl Fn(Locksmith<'_>) -> T) -> T {
    let store = key_store(config).unwrap();
    let master = MasterKey::from_bytes(&MASTER).unwrap();
    work(Locksmith { store: &*store, master: &master, clock: &SystemClock, random: &SystemRandom })
}

fn import(config: &Config, pair: &material::Pair) -> Kid {
    with_keys(config, |smith| {
        smith.import("acme", &pair.private_pem, &pair.certificate_pem).unwrap().kid
    })
}

/// No address answers.
struct Nowhere;

impl Fetch for Nowhere {
    fn fetch<'a>(&'a self, _: &'a EndpointUrl) -> Fetching<'a> {
        Box::pin(async { Err(FetchError::Status(404)) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_declare_their_tenants_and_keep_their_metadata_once() {
    let database = shared().database().await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let configs = folders.each_ref().map(|folder| configuration(folder.path(), &database));
    import(&configs[0], material::idp());
    let again = configuration(folders[0].path(), &database);
    // Each in a task of its own: what one computes at its start must not hold up the other.
    let starts = configs
        .map(|config| tokio::spawn(async move { Gateway::build(&config, system(), None).await }));
    let nowhere: Arc<dyn Fetch> = Arc::new(Nowhere);
    for start in starts {
        let node = start.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
        for report in node.registrations().refresh(&nowhere).await {
            assert!(report.outcome.is_ok(), "{report:?}");
        }
    }
    let ledger = Arc::new(Sql::open(&options(database)).await.unwrap());
    let copies = ledger.copies(&acme(), &EntityId::parse(SP.entity_id).unwrap()).await.unwrap();
    assert_eq!(copies.len(), 1);
    assert_eq!(copies[0].metadata, SP.metadata());
    let declared = Assembly::of(&again, &system(), ledger.clone()).unwrap().declared;
    assert_eq!(declared.len(), 1);
    assert_eq!(ledger.declare(&declared, START).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_promoted_on_one_machine_is_the_active_one_of_every_node() {
    let database = shared().database().await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let configs = folders.each_ref().map(|folder| configuration(folder.path(), &database));
    let old = import(&configs[0], material::idp());
    let ledger = Arc::new(Sql::open(&options(database.clone())).await.unwrap());
    let node = Assembly::of(&configs[1], &system(), ledger).unwrap();
    assert_eq!(node.rings.get("acme").unwrap().active().kid, old);
    let new = import(&configs[0], material::idp_next());
    with_keys(&configs[0], |smith| smith.promote("acme", &new)).unwrap();
    assert_eq!(node.rings.reload().unwrap().changed, ["acme"]);
    assert_eq!(node.rings.get("acme").unwrap().active().kid, new);
    for folder in folders {
        assert!(!folder.path().join("keys").exists(), "a key was written to a directory");
    }
}
