//! The gateway under load: the release binary, installed in a directory of its own and run as a
//! process of its own.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::cloud::{Cloud, SSO_ORIGIN, TENANT};

const BINARY: &str = env!("CARGO_BIN_EXE_skybridge");
const API_KEY: &str = "a key of the partner's back end, for this benchmark only";
/// How many of the kernel's ticks are a second of processor time, in `/proc/PID/stat`: 100 for
/// programs on Linux.
const TICKS: f64 = 100.0;

/// Configuration and keys of a gateway.
pub(crate) struct Installation {
    folder: TempDir,
    address: SocketAddr,
}

/// A running gateway; ends when dropped.
pub(crate) struct Gateway {
    process: Child,
    address: SocketAddr,
    /// From the start of the process to its first 200 at `/health/ready`.
    pub(crate) ready: Duration,
}

impl Installation {
    /// A gateway with one tenant, one RSA-2048 key and one service provider.
    pub(crate) fn new(redis: &str, cloud: &Cloud) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        drop(socket);
        let installation = Self { folder, address };
        let mut master = [0; 32];
        skybridge::random::Random::fill(&skybridge::app::system::SystemRandom, &mut master);
        let private = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(installation.path("master.key"));
        std::io::Write::write_all(&mut private.unwrap(), STANDARD.encode(master).as_bytes())
            .unwrap();
        fs::write(installation.path("cloud.xml"), cloud.metadata()).unwrap();
        fs::write(installation.path("skybridge.toml"), configuration(address, redis)).unwrap();
        let made = installation
            .command()
            .args(["keys", "new", "--tenant", TENANT, "--bits", "2048"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        installation
    }

    /// Starts the gateway and waits until it is ready. Its log goes to a file, in form and volume
    /// as the configuration has them by default.
    pub(crate) fn start(&self) -> Gateway {
        let log = File::create(self.path("log")).unwrap();
        let begun = Instant::now();
        let process = self.command().arg("serve").stderr(log).spawn().unwrap();
        let mut gateway = Gateway { process, address: self.address, ready: Duration::ZERO };
        while !gateway.is_ready() {
            let waited = begun.elapsed() < Duration::from_secs(10);
            let runs = gateway.process.try_wait().unwrap().is_none();
            assert!(waited && runs, "{}", fs::read_to_string(self.path("log")).unwrap());
            std::thread::sleep(Duration::from_micros(500));
        }
        gateway.ready = begun.elapsed();
        gateway
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.path("skybridge.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

fn configuration(address: SocketAddr, redis: &str) -> String {
    let hash = digest(&SHA256, API_KEY.as_bytes());
    let hash = hash.as_ref().iter().fold(String::new(), |mut hash, byte| {
        write!(hash, "{byte:02x}").unwrap();
        hash
    });
    format!(
        r#"
[server]
base_url = "{SSO_ORIGIN}"
listen = "{address}"

[store]
url = "{redis}"

[keys]
directory = "keys"
master_key = {{ file = "master.key" }}

[[tenant]]
id = "{TENANT}"
name = "Benchmark"
cloud = "huawei-cn"
x_account_type = "bench_IDP"
bp_id = "6d0d2b1c0e9a4f7f8a5b3c2d1e0f9a8b"
portal_url = "https://shop.partner.example/"
partner_login_url = "https://shop.partner.example/login"
assume_linked = true

[[tenant.service_provider]]
metadata = "cloud.xml"

[[tenant.api_key]]
id = "bench"
sha256 = "{hash}"
"#
    )
}

impl Gateway {
    /// A new connection.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address).unwrap()
    }

    /// Signs customers in by tickets, as a partner's back end and a browser do; gives their session
    /// cookies.
    pub(crate) fn sign_in(&self, customers: usize) -> Vec<String> {
        let mut client = self.connect();
        (0..customers).map(|number| sign_in(&mut client, number)).collect()
    }

    /// The certificate of its signing key, DER, out of its metadata.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        let mut client = self.connect();
        let answer = client.get(&format!("/{TENANT}/saml/metadata"), "").unwrap();
        let (_, rest) = answer.body().split_once("X509Certificate>").unwrap();
        STANDARD.decode(rest.split('<').next().unwrap().trim()).unwrap()
    }

    /// Processor time spent so far, by all of its threads, in its own code and in the kernel,
    /// seconds.
    pub(crate) fn processor_time(&self) -> f64 {
        let stat = fs::read_to_string(self.proc("stat")).unwrap();
        // The second field is the name, which may hold anything; utime and stime are the 14th and
        // the 15th.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2);
        ticks.map(|field| field.parse::<f64>().unwrap()).sum::<f64>() / TICKS
    }

    /// Resident memory, bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.process.id().to_string()).join(file)
    }

    fn is_ready(&self) -> bool {
        let ask = |mut client: Client| Ok(client.get("/health/ready", "")?.status());
        Client::connect(self.address).and_then(ask).is_ok_and(|status| status == 200)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

fn sign_in(client: &mut Client, number: usize) -> String {
    let body = format!(
        r#"{{"user_id":"cust-{number}","name":"customer-{number}","mobile":"0086-13800000000",
            "email":"c{number}@shop.example"}}"#
    );
    let headers = format!("Authorization: Bearer {API_KEY}\r\nIdempotency-Key: bench-{number}\r\n");
    let answer = client.post(&format!("/api/v1/{TENANT}/tickets"), &headers, &body).unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.body());
    let given: serde_json::Value = serde_json::from_str(answer.body()).unwrap();
    let launch = given["url"].as_str().unwrap().strip_prefix(SSO_ORIGIN).unwrap().to_owned();
    let answer = client.get(&launch, "").unwrap();
    assert_eq!(answer.status(), 303, "{}", answer.head());
    session_cookie(&answer)
}

fn session_cookie(answer: &Answer<'_>) -> String {
    let mut cookies = answer.head().lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let cookie = name.eq_ignore_ascii_case("set-cookie").then_some(value)?;
        cookie.split(';').next().filter(|pair| pair.contains("-session-"))
    });
    cookies.next().unwrap().to_owned()
}
