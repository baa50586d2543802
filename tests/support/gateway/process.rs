//! The same gateway as a process of the program, with the system's clock.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use skybridge::app::system::SystemClock;
use skybridge::clock::{Clock as _, ManualClock};
use tempfile::TempDir;

use super::{BASE, MASTER, START, configuration, material, ticket, write_files};
use crate::support::gateway::browser::Answer;
use crate::support::gateway::cloud::Request;
use crate::support::keeper::Running;
use crate::support::program;
use crate::support::redis::free_port;
use crate::support::wire::Wire;

/// Within which it is ready.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running gateway. It ends when dropped.
pub(crate) struct Process {
    /// Where customers come.
    pub(crate) address: SocketAddr,
    operate: SocketAddr,
    running: Running,
    _folder: TempDir,
}

impl Process {
    /// Starts one that remembers in these stores, and waits until it is ready.
    pub(crate) async fn start(store: &str, ledger: &str) -> Self {
        // Another process may take a port before the gateway does; then it is another port.
        for _ in 0..20 {
            if let Some(process) = Self::try_start(store, ledger).await {
                return process;
            }
        }
        panic!("the gateway does not start in 20 tries");
    }

    async fn try_start(store: &str, ledger: &str) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("process-").tempdir().unwrap();
        write_files(folder.path(), &ManualClock::at(SystemClock.now()));
        let [address, operate] =
            [free_port(), free_port()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let listen = format!(
            "[ledger]\nurl = {{ env = \"LEDGER\" }}\n\
             [server]\nlisten = \"{address}\"\noperate_listen = \"{operate}\"\n"
        );
        let file: PathBuf = folder.path().join("gateway.toml");
        fs::write(&file, configuration().replacen("[server]\n", &listen, 1)).unwrap();
        let mut command = Command::new(program());
        command.arg("--config").arg(&file).arg("serve");
        command
            .env("STORE", store)
            .env("LEDGER", ledger)
            .env("HASH", material::password_hash())
            .env("MASTER", material::base64(&MASTER))
            .env("PARTNER_SECRET", "sk-of-the-partner");
        let running = Running::start(&command, folder.path().join("log"));
        let process = Self { address, operate, running, _folder: folder };
        process.is_ready().await.then_some(process)
    }

    async fn is_ready(&self) -> bool {
        let (begun, mut beat) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
        loop {
            beat.tick().await;
            match self.told("/health/ready").await {
                Some(answer) if answer.status.is_success() => return true,
                _ if self.log().contains("cannot listen") => return false,
                _ => assert!(begun.elapsed() < PATIENCE, "not ready: {}", self.log()),
            }
        }
    }

    async fn told(&self, path: &str) -> Option<Answer> {
        let mut wire = Wire::open(self.operate).await.ok()?;
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.ok()?;
        wire.answer().await.ok()
    }

    /// The numbers that it publishes.
    pub(crate) async fn numbers(&self) -> String {
        self.told("/metrics").await.expect("a gateway that runs tells its numbers").body
    }

    /// Everything that it said.
    pub(crate) fn log(&self) -> String {
        self.running.log()
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.running.id()
    }

    /// Takes a customer from the partner's link into the cloud, and says whether all went well.
    pub(crate) async fn serves_a_customer(&self) -> bool {
        let mut claims = ticket::claims("cust-1");
        claims["exp"] = (SystemClock.now().unix_timestamp() + 50).into();
        claims["jti"] = format!("jti-{}", SystemClock.now().unix_timestamp_nanos()).into();
        let launch = format!("/acme/launch?ticket={}", ticket::keys()[0].sign(&claims));
        let mut wire = Wire::open(self.address).await.unwrap();
        wire.send(get(&launch, "").as_bytes()).await.unwrap();
        let answer = wire.answer().await.unwrap();
        let cookies: Vec<&str> = answer
            .headers
            .get_all("set-cookie")
            .iter()
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .collect();
        let cookies = format!("Cookie: {}\r\n", cookies.join("; "));
        let request = Request::to("acme").issued(seconds_since_start());
        let unused = format!("_live-{}", SystemClock.now().unix_timestamp_nanos());
        let request = request.but(|it| it.id = unused);
        wire.send(get(&request.at("acme"), &cookies).as_bytes()).await.unwrap();
        let answer = wire.answer().await.unwrap();
        answer.status.is_success()
            && answer.field("SAMLResponse").is_some()
            && answer.delivered().asserts()
    }
}

/// How many seconds after [`START`] it is.
pub(crate) fn seconds_since_start() -> i64 {
    (SystemClock.now() - START).whole_seconds()
}

/// A request as a browser sends it. `headers` are whole lines.
fn get(target: &str, headers: &str) -> String {
    let host = BASE.trim_start_matches("https://");
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Language: en\r\n{headers}\r\n")
}
