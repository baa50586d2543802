//! Config: tests of the whole: files in, settings or faults out.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::declare::{Section, Table as _};
use super::*;
use crate::password;
use crate::random::SequenceRandom;

/// 32 bytes in base64, and nothing like any other text here.
const MASTER_KEY: &str = "c2VjcmV0LW1hc3Rlci1rZXktb2YtMzItYnl0ZXMhISE=";

/// A secret for a webhook.
const WEBHOOK_SECRET: &str = "whsec_YS1zZWNyZXQtb2YtdGhlLXdlYmhvb2shIQ==\n";

const MINIMAL: &str = r#"
[server]
base_url = "https://sso.partner.example"
[keys]
master_key = { env = "MASTER" }
[[tenant]]
id = "acme"
name = "Acme"
cloud = "huawei-cn"
portal_url = "https://shop.partner.example/"
partner_login_url = "https://shop.partner.example/login"
"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "MASTER" => Some(MASTER_KEY.into()),
        "SKYBRIDGE_REDIS_URL" => Some("rediss://app:hunter2@redis.internal/0".into()),
        "SKYBRIDGE_DATABASE_URL" => Some("postgres://app:hunter2@db.internal/skybridge".into()),
        "SKYBRIDGE_SENTINEL_PASSWORD" => Some("hunter2".into()),
        "ALICE_PASSWORD_HASH" => {
            password::Hash::make(b"alice", &SequenceRandom::new(1)).ok().map(|hash| hash.to_phc())
        }
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Config, Faults> {
    parse(text, Path::new("skybridge.toml"), &environment)
}

fn faults(text: &str) -> Vec<Fault> {
    read(text).expect_err("the file has faults").faults
}

/// The one fault of the minimal file with one text replaced by another, as it is printed.
fn only_fault(from: &str, to: &str) -> String {
    assert!(MINIMAL.contains(from), "{from}");
    let faults = faults(&MINIMAL.replace(from, to));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults[0].to_string()
}

/// Makes a private file and its directories.
fn put(directory: &TempDir, name: &str, content: &str) {
    let path = directory.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    set_mode(&path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) {}

/// A directory with every file that an example in the document or the example file names.
fn documented_files() -> TempDir {
    let directory = TempDir::new().unwrap();
    put(&directory, "certs/master.key", &format!("{MASTER_KEY}\n"));
    for name in [
        "certs/tls.crt",
        "certs/tls.key",
        "certs/redis-ca.pem",
        "certs/postgres-ca.pem",
        "certs/cloud-metadata.pem",
        "partner/ticket-key.pem",
        "partner/secret.key",
    ] {
        put(&directory, name, "content");
    }
    put(&directory, "partner/webhook.key", WEBHOOK_SECRET);
    directory
}

#[test]
fn a_minimal_file_gives_a_gateway_with_safe_defaults() {
    let config = read(MINIMAL).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.base_url.origin(), "https://sso.partner.example");
    assert!(!config.server.public_metrics);
    assert!(config.server.trusted_proxies.is_empty());
    assert_eq!(config.session.idle, Duration::from_mins(30));
    assert_eq!(config.session.absolute, Duration::from_hours(8));
    assert!(matches!(config.store.url, StoreUrl::Memory));
    assert_eq!(config.keys.master_key.expose(), b"secret-master-key-of-32-bytes!!!");
    let tenant = &config.tenants[0];
    assert_eq!(tenant.sign_in, SignIn::Partner);
    assert!(tenant.enabled && !tenant.assume_linked);
    let base = &config.server.base_url;
    assert_eq!(tenant.entity_id(base).as_str(), "https://sso.partner.example/acme");
    assert_eq!(tenant.ticket_audience(base), "https://sso.partner.example/acme");
}

#[test]
fn seventeen_faults_are_reported_at_once_with_their_lines() {
    let text = r#"[server]
base_url = "http://sso.partner.example"
lisen = "0.0.0.0:80"
listen = "localhost:8080"
max_connections = "many"
request_timeout = 30
trusted_proxies = ["10.0.0.0/8", "10.1.2.3/8"]

[log]
format = "xml"

[store]
url = "mysql://store"

[session]
idle = "9h"

[keys]
master_key = { env = "NOT_SET" }

[[tenant]]
id = "Acme"
name = "Acme"
cloud = "huawei-cn"
portal_url = "shop.partner.example"
sign_in = "local"
enabled = "yes"

[[tenant.service_provider]]
metadata = "no/such/file.xml"

[[tenant]]
id = "shop"
cloud = "huawei-cn"
portal_url = "https://shop.partner.example"
entity_id = "urn:shop"
"#;
    let faults = faults(text);
    let places: Vec<(usize, &str)> =
        faults.iter().map(|fault| (fault.line, fault.path.as_str())).collect();
    assert_eq!(
        places,
        [
            (2, "server.base_url"),
            (3, "server.lisen"),
            (4, "server.listen"),
            (5, "server.max_connections"),
            (6, "server.request_timeout"),
            (7, "server.trusted_proxies[2]"),
            (10, "log.format"),
            (13, "store.url"),
            (16, "session.idle"),
            (19, "keys.master_key.env"),
            (22, "tenant[1].id"),
            (25, "tenant[1].portal_url"),
            (27, "tenant[1].enabled"),
            (30, "tenant[1].service_provider[1].metadata"),
            (32, "tenant[2].name"),
            (32, "tenant[2].partner_login_url"),
            (36, "tenant[2].entity_id"),
        ],
        "{faults:#?}"
    );
    assert_eq!(faults[5].column, 34);
    assert!(faults[4].to_string().ends_with("; for seconds write \"30s\""), "{}", faults[4]);
}

#[test]
fn a_fault_is_one_line_that_an_editor_can_follow() {
    let faults = read("[server]\nlisen = 1\n").unwrap_err();
    let first = faults.to_string().lines().next().unwrap().to_owned();
    assert!(first.starts_with("skybridge.toml:1:1: server.base_url: expected an https origin"));
    assert!(first.ends_with("; write base_url = \"https://sso.partner.example\""), "{first}");
    assert!(faults.to_string().contains("did you mean `listen`?"));
}

#[test]
fn an_option_in_the_wrong_table_is_told_where_it_belongs() {
    let text = only_fault("[keys]\n", "[keys]\nidle = \"5m\"\n");
    assert!(text.ends_with("found an unknown option; `idle` is an option of [session]"), "{text}");
    let text = only_fault("[keys]\n", "[sesion]\n[keys]\n");
    assert!(text.ends_with("found an unknown table; did you mean `session`?"), "{text}");
}

#[test]
fn broken_toml_is_reported_beside_the_faults_that_are_certain() {
    let faults = faults("[server]\nlisen = 1\nbase_url = \n\n[log]\nformat = \"xml\"\n");
    let places: Vec<(usize, &str)> =
        faults.iter().map(|fault| (fault.line, fault.path.as_str())).collect();
    assert_eq!(places, [(2, "server.lisen"), (3, ""), (6, "log.format")], "{faults:#?}");
}

#[test]
fn values_that_must_differ_name_the_line_of_the_first() {
    let second = MINIMAL.split_once("[[tenant]]").unwrap().1;
    let faults = faults(&format!("{MINIMAL}[[tenant]]{second}"));
    assert_eq!(faults[0].path, "tenant[2].id");
    assert_eq!(faults[0].line, 13);
    assert_eq!(faults[0].found, "the same as on line 7");
}

#[test]
fn a_stated_entity_id_may_not_be_the_one_that_another_tenant_derives() {
    let second = MINIMAL.split_once("[[tenant]]").unwrap().1.replace("\"acme\"", "\"other\"");
    let stated = "entity_id = \"https://sso.partner.example/acme\"\n";
    let faults = faults(&format!("{MINIMAL}[[tenant]]{second}{stated}"));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!((faults[0].line, faults[0].path.as_str()), (18, "tenant[2].entity_id"));
}

#[test]
fn options_that_contradict_each_other_are_faults() {
    let server = "base_url = \"https://sso.partner.example\"\n";
    let open = format!("{server}listen = \"0.0.0.0:8080\"\n");
    let text = only_fault(server, &open);
    assert!(text.contains("add [server.tls]"), "{text}");
    assert!(
        read(&MINIMAL.replace(server, &format!("{open}trusted_proxies = [\"10.0.0.1\"]\n")))
            .is_ok()
    );
    let text = only_fault(server, &format!("{server}operate_listen = \"127.0.0.1:8080\"\n"));
    assert!(text.contains("another address than `listen`"), "{text}");
    let text = only_fault("partner_login_url = ", "ticket_audience = ");
    assert!(text.contains("because `sign_in` is \"partner\""), "{text}");
    let text = only_fault("id = \"acme\"", "id = \"health\"");
    assert!(text.contains("expected a name other than api"), "{text}");
    let skew = "partner_login_url = \"https://shop.partner.example/login\"\n";
    let text = only_fault(skew, &format!("{skew}[tenant.cloud_override]\nclock_skew = \"1d\"\n"));
    assert!(text.contains("cloud_override.clock_skew: expected at most \"10m\""), "{text}");
    let text = only_fault("[keys]\n", "[clouds]\nmetadata_refresh = \"1s\"\n[keys]\n");
    assert!(text.contains("expected at least \"60s\", found 1000 ms"), "{text}");
    let text = only_fault(skew, &format!("{skew}force_parameter = \"continue\"\n"));
    assert!(text.contains("another name than that of `continue_parameter`"), "{text}");
    let text = only_fault("[keys]\n", "[session]\nidle = \"9h\"\n[keys]\n");
    assert!(text.contains("at most as long as `absolute`"), "{text}");
}

// Conformance A-003, A-051.
#[test]
fn our_entity_id_is_an_absolute_uri_of_a_bounded_length() {
    let with = |entity_id: &str| {
        MINIMAL.replacen("id = \"acme\"", &format!("id = \"acme\"\nentity_id = \"{entity_id}\""), 1)
    };
    let long = |length: usize| format!("https://{}", "x".repeat(length - 8));
    assert!(read(&with(&long(1024))).is_ok());
    for bad in ["acme", "/acme", "sso.partner.example/acme", "https://", &long(1025)] {
        let faults = faults(&with(bad));
        assert_eq!(faults[0].path, "tenant[1].entity_id", "{bad}");
    }
}

// Conformance A-067.
#[test]
fn a_relay_state_that_is_sent_unasked_has_at_most_80_bytes() {
    let with = |state: &str| {
        format!(
            "{MINIMAL}[[tenant.service_provider]]\nmetadata = \"https://sp.example/metadata\"\n\
             unsolicited = true\nrelay_states = [\"https://sp.example/\", \"{state}\"]\n"
        )
    };
    assert!(read(&with(&"x".repeat(80))).is_ok());
    for long in ["x".repeat(81), "状".repeat(27)] {
        let faults = faults(&with(&long));
        assert_eq!(faults[0].path, "tenant[1].service_provider[1].relay_states");
        assert!(faults[0].to_string().contains("at most 80 bytes"), "{}", faults[0]);
    }
}

#[test]
fn tls_in_the_gateway_needs_an_https_base_url() {
    let directory = documented_files();
    let tls = "[server.tls]\ncertificate = \"certs/tls.crt\"\nkey = \"certs/tls.key\"\n[keys]\n";
    let text = MINIMAL.replace("[keys]\n", tls);
    let path = directory.path().join("skybridge.toml");
    let config = parse(&text, &path, &environment).unwrap();
    let certificate = config.server.tls.unwrap().certificate;
    assert_eq!(certificate.as_path(), directory.path().join("certs/tls.crt"));
    let plain = text.replace("https://sso.partner.example", "http://sso.localhost");
    let faults = parse(&plain, &path, &environment).unwrap_err().faults;
    assert_eq!(faults[0].hint.as_deref(), Some("write \"https://sso.localhost\""));
}

#[test]
fn one_cloud_account_belongs_to_one_person() {
    let hash = environment("ALICE_PASSWORD_HASH").unwrap();
    let user = |login: &str, rest: &str| {
        format!("[[tenant.user]]\nlogin = \"{login}\"\npassword_hash = \"{hash}\"\n{rest}\n")
    };
    let alice = user("alice", "user_id = \"u1\"\naccount_id = \"x\"");
    let bob = user("bob", "user_id = \"x\"");
    let customer = "[[tenant.customer]]\nuser_id = \"u1\"\n";
    let faults = faults(&format!("{MINIMAL}{alice}{bob}{customer}"));
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["tenant[1].user[2].user_id", "tenant[1].customer[1].user_id"]);
    let config = read(&format!("{MINIMAL}{alice}")).unwrap();
    assert_eq!(config.tenants[0].users[0].account_id().as_str(), "x");
    assert!(config.tenants[0].users[0].password_hash.verify(b"alice"));
}

#[test]
fn a_secret_comes_from_a_file_without_its_last_newline() {
    let directory = documented_files();
    let text = MINIMAL.replace("{ env = \"MASTER\" }", "{ file = \"certs/master.key\" }");
    let path = directory.path().join("skybridge.toml");
    let config = parse(&text, &path, &environment).unwrap();
    assert_eq!(config.keys.master_key.expose(), b"secret-master-key-of-32-bytes!!!");
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_others_can_read_is_refused() {
    let directory = documented_files();
    set_mode(&directory.path().join("certs/master.key"), 0o644);
    let text = MINIMAL.replace("{ env = \"MASTER\" }", "{ file = \"certs/master.key\" }");
    let faults = parse(&text, &directory.path().join("x.toml"), &environment).unwrap_err().faults;
    assert_eq!(faults.len(), 1);
    assert!(faults[0].found.ends_with("with mode 0644"), "{}", faults[0]);
    assert!(faults[0].hint.as_ref().unwrap().starts_with("chmod go-rwx "));
}

#[test]
fn a_secret_that_is_not_there_is_a_fault() {
    let from = "{ env = \"MASTER\" }";
    assert!(only_fault(from, "{ env = \"NOT_SET\" }").contains("NOT_SET, which is not set"));
    assert!(only_fault(from, "{ env = \"EMPTY\" }").contains("EMPTY, which is empty"));
    assert!(only_fault(from, "{ file = \"no-such-file\" }").contains("no-such-file: No such file"));
    assert!(only_fault(from, "{ vault = \"x\" }").contains("a table with other keys"));
    assert!(only_fault("master_key = { env = \"MASTER\" }", "").contains("found nothing"));
}

#[test]
fn the_ledger_is_a_file_beside_the_configuration_unless_it_is_said_otherwise() {
    let ledger = |text: &str| {
        let directory = documented_files();
        let text = MINIMAL.replace("[keys]", &format!("[ledger]\n{text}\n[keys]"));
        let config = parse(&text, &directory.path().join("x.toml"), &environment);
        config.map(|config| (config.ledger.url, directory.path().to_owned()))
    };
    for (text, file) in [
        ("", "skybridge.sqlite3"),
        ("url = \"sqlite:a/b.db\"", "a/b.db"),
        ("url = \"sqlite:///var/lib/b.db\"", "/var/lib/b.db"),
    ] {
        let (url, directory) = ledger(text).unwrap();
        let LedgerUrl::Sqlite(found) = url else { panic!("{url:?}") };
        assert_eq!(found, directory.join(file));
    }
    let (url, _) = ledger("url = { env = \"SKYBRIDGE_DATABASE_URL\" }").unwrap();
    let LedgerUrl::Postgres(url) = url else { panic!("{url:?}") };
    assert!(url.expose_secret().contains("hunter2"));
    assert!(matches!(ledger("url = \"memory\"").unwrap().0, LedgerUrl::Memory));

    for (text, expected) in [
        ("url = \"postgres://app:hunter2@db/x\"", "no password in this file"),
        ("url = \"mysql://app@db/x\"", "a postgres:// address with user and database"),
        ("url = \"postgres://app@db\"", "a postgres:// address with user and database"),
        ("url = \"sqlite::memory:\"", "sqlite:FILE"),
        ("ca_file = \"certs/postgres-ca.pem\"", "no certificate authority without PostgreSQL"),
    ] {
        let faults = ledger(text).unwrap_err().to_string();
        assert!(faults.contains(expected) && !faults.contains("hunter2"), "{faults}");
    }
}

#[test]
fn no_fault_and_no_debug_output_shows_a_secret() {
    let text = MINIMAL
        .replace("{ env = \"MASTER\" }", "\"hunter2-master\"")
        .replace("[keys]", "[store]\nurl = \"redis://app:hunter2-redis@h\"\n[keys]")
        + "[[tenant.api_key]]\nid = \"a\"\nsha256 = \"hunter2-api-key\"\n\
           [[tenant.user]]\nlogin = \"alice\"\nuser_id = \"u\"\npassword_hash = \"hunter2-user\"\n\
           [[tenant.service_provider]]\nmetadata = \"https://me:hunter2-sp@sp.example/m\"\n";
    let faults = read(&text).unwrap_err();
    assert_eq!(faults.faults.len(), 5, "{faults}");
    assert!(!faults.to_string().contains("hunter2"), "{faults}");
    assert!(!serde_json::to_string(&faults).unwrap().contains("hunter2"));

    let url = "[store]\nurl = { env = \"SKYBRIDGE_REDIS_URL\" }\n[keys]";
    let config = read(&MINIMAL.replace("[keys]", url)).unwrap();
    let StoreUrl::Redis(url) = &config.store.url else { panic!("{:?}", config.store) };
    assert!(url.expose_secret().contains("hunter2"));
    let shown = format!("{config:?}");
    for secret in ["hunter2", "secret-master-key", "115, 101, 99, 114", MASTER_KEY] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn a_later_complaint_gets_the_line_of_its_option() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("skybridge.toml");
    fs::write(&path, MINIMAL).unwrap();
    let complaint = |path: &str| Complaint {
        path: path.into(),
        expected: "the name of a cloud".into(),
        found: "another".into(),
        hint: None,
    };
    let faults = locate(&path, vec![complaint("tenant[1].cloud"), complaint("tenant[1].bp_id")]);
    let lines: Vec<usize> = faults.faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [6, 9], "an absent option stands at its table");
    assert_eq!(faults.faults[1].path, "tenant[1].cloud");
}

#[test]
fn an_unreadable_file_is_one_fault() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("none.toml");
    let faults = load(&path, &environment).unwrap_err();
    assert_eq!(faults.faults.len(), 1);
    fs::write(&path, [0xFF, 0xFE, b'a']).unwrap();
    let faults = load(&path, &environment).unwrap_err();
    assert_eq!(faults.faults[0].found, "bytes that are not UTF-8");
}

#[test]
fn the_example_file_has_no_faults() {
    let directory = documented_files();
    let path = directory.path().join("skybridge.toml");
    fs::write(&path, EXAMPLE).unwrap();
    let config = load(&path, &environment).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.tenants[0].id.as_str(), "acme");
    assert_eq!(config.tenants[0].ticket_keys[0].algorithm, TicketAlgorithm::EdDsa);
}

/// A file that writes out what the declarations say: every default, or every example (else
/// default).
fn written_out(section: &Section, path: &str, examples: bool) -> String {
    let mut text = String::new();
    let mut tables = String::new();
    for option in section.options {
        if let Some(inner) = option.section {
            if examples || (!option.many && !option.optional) {
                let path = read::join(path, option.key);
                let header = if option.many { format!("[[{path}]]") } else { format!("[{path}]") };
                write!(tables, "{header}\n{}", written_out(inner, &path, examples)).unwrap();
            }
            continue;
        }
        let required = option.example.filter(|_| !option.optional);
        let value =
            if examples { option.example.or(option.default) } else { option.default.or(required) };
        if let Some(value) = value {
            writeln!(text, "{} = {value}", option.key).unwrap();
        }
    }
    text + &tables
}

#[test]
fn every_documented_example_is_valid() {
    let directory = documented_files();
    // A person is a local user or known as a customer, and the document shows both.
    let all = written_out(Config::TABLE, "", true);
    // A partner calls the cloud by access key or as a user, and the document shows both.
    let user = ["identity_url = ", "domain = ", "user = ", "password = "];
    let is_user = |line: &str| user.iter().any(|key| line.starts_with(key));
    let text: String = all.split_inclusive('\n').filter(|line| !is_user(line)).collect();
    let config = parse(&text, &directory.path().join("x.toml"), &environment)
        .unwrap_or_else(|faults| panic!("{faults}\n{text}"));
    assert!(config.server.tls.is_some());
    assert_eq!(config.tenants[0].users.len(), 1);
}

#[test]
fn an_absent_option_has_the_documented_default() {
    let directory = documented_files();
    let load = |text: &str| {
        parse(text, &directory.path().join("x.toml"), &environment)
            .unwrap_or_else(|faults| panic!("{faults}\n{text}"))
    };
    let tables = Config::TABLE.options.iter().find(|option| option.many).unwrap();
    let tenant = written_out(tables.section.unwrap(), "tenant", false)
        + "partner_login_url = \"https://shop.partner.example/login\"\n";
    let explicit = load(&format!("{}[[tenant]]\n{tenant}", written_out(Config::TABLE, "", false)));
    let required: String = tenant
        .lines()
        .filter(|line| {
            let key = line.split(" =").next().unwrap();
            let options = tables.section.unwrap().options;
            options.iter().any(|option| option.key == key && option.default.is_none())
        })
        .fold(String::new(), |text, line| text + line + "\n");
    let implicit = load(&format!(
        "[server]\nbase_url = \"https://sso.partner.example\"\n[keys]\n\
         master_key = {{ file = \"certs/master.key\" }}\n[[tenant]]\n{required}"
    ));
    assert_eq!(format!("{explicit:?}"), format!("{implicit:?}"));
}

#[test]
fn every_option_is_explained_and_required_ones_have_an_example() {
    fn check(section: &Section, path: &str) {
        assert!(!section.about.is_empty());
        for option in section.options {
            let path = read::join(path, option.key);
            assert!(option.about.iter().any(|line| line.len() > 10), "{path} is not explained");
            if option.default.is_none() && option.section.is_none() {
                assert!(option.example.is_some(), "{path} has neither default nor example");
            }
            if let Some(inner) = option.section {
                check(inner, &path);
            }
        }
    }
    check(Config::TABLE, "");
}

#[test]
fn the_documentation_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    if std::env::var_os("SKYBRIDGE_WRITE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, document()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == document(), "run: SKYBRIDGE_WRITE_DOCS=1 cargo test --lib config");
}
