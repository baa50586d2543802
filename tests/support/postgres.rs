//! A real `PostgreSQL` server of the tests' own: on a free loopback port and a socket, in a folder
//! of its own. Gone with its folder when dropped, and at the latest when the process that started
//! it is, however that ends.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, raw_sql};
use tempfile::TempDir;

use super::redis::{free_port, write_certificates};

/// The server's user, and the password. Characters that an address must encode, on purpose.
const USER: &str = "skybridge";
const PASSWORD: &str = "p@ss/w:rd%";
const PASSWORD_ENCODED: &str = "p%40ss%2Fw%3Ard%25";
/// Whom Debian's package runs the server as: it refuses to run as root.
const ACCOUNT: &str = "postgres";

/// What a power cut may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Everything: nothing is flushed, which is fast.
    Forgets,
    /// Nothing that was committed.
    Keeps,
}

/// A running server, or one that was killed and can be started again at the same address.
pub(crate) struct PostgresServer {
    port: u16,
    disk: Disk,
    folder: TempDir,
    process: Option<Child>,
    /// Cleans up when this end of its pipe is closed, which the system does for a dead process.
    keeper: Option<(Child, ChildStdin)>,
}

/// The server that tests share which leave it as it is. Each has a database of its own.
pub(crate) fn shared() -> &'static PostgresServer {
    static SHARED: OnceLock<PostgresServer> = OnceLock::new();
    SHARED.get_or_init(|| PostgresServer::start(Disk::Forgets))
}

impl PostgresServer {
    /// A server that asks for a password over TCP, and speaks TLS to whoever wants it.
    pub(crate) fn start(disk: Disk) -> Self {
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir().unwrap();
        write_certificates(folder.path());
        fs::write(folder.path().join("password"), PASSWORD).unwrap();
        for file in ["", "ca.pem", "server.pem", "server.key", "password"] {
            give_away(&folder.path().join(file));
        }
        let keeper = keeper(folder.path());
        let mut server = Self { port: 0, disk, folder, process: None, keeper: Some(keeper) };
        server.make_cluster();
        // Another process may take the port before the server does; then it is another port.
        for _ in 0..20 {
            server.port = free_port();
            if server.try_start() {
                return server;
            }
        }
        panic!("postgres does not start on any of 20 free ports");
    }

    /// Starts a killed server, at the address it always had.
    pub(crate) fn start_again(&mut self) {
        // What the kill left may take a moment to notice that its master is gone.
        let started = (0..50).any(|_| self.try_start());
        assert!(started, "postgres does not start on port {}", self.port);
    }

    /// Kills the server and all its processes at once, as a power cut would: one that outlives the
    /// first would answer a moment longer.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            send(&child, "KILL");
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops every process of the server in its tracks: connections stay open and nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen server go on.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// A new database, and its address without TLS.
    pub(crate) async fn database(&self) -> String {
        let name = self.new_database().await;
        format!("postgres://{USER}:{PASSWORD_ENCODED}@{}/{name}?sslmode=disable", self.place())
    }

    /// A new database, and its address with TLS and a password that may be a wrong one.
    pub(crate) async fn database_over_tls(&self, password: Option<&str>) -> String {
        let name = self.new_database().await;
        let password = password.unwrap_or(PASSWORD_ENCODED);
        format!("postgres://{USER}:{password}@{}/{name}", self.place())
    }

    /// A new database, and its address on the socket.
    pub(crate) async fn database_on_socket(&self) -> String {
        let name = self.new_database().await;
        let folder = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://{USER}@{folder}:{}/{name}", self.port)
    }

    /// The authority that vouches for the server.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A connection for looking at a database and changing it from outside.
    pub(crate) async fn admin(&self, database: &str) -> PgConnection {
        let options = PgConnectOptions::new_without_pgpass();
        let options = options.host("127.0.0.1").port(self.port).username(USER).password(PASSWORD);
        let options = options.database(database).ssl_mode(PgSslMode::Disable);
        options.disable_statement_logging().connect().await.unwrap()
    }

    fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    async fn new_database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let text = format!("CREATE DATABASE {name}");
        raw_sql(AssertSqlSafe(text)).execute(&mut self.admin("postgres").await).await.unwrap();
        name
    }

    fn make_cluster(&self) {
        let output = program("initdb")
            .args(["--username", USER, "--encoding", "UTF8", "--locale", "C", "--no-sync"])
            .args(["--auth-local", "trust", "--auth-host", "scram-sha-256"])
            .arg("--pwfile")
            .arg(self.folder.path().join("password"))
            .arg(self.folder.path().join("data"))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn try_start(&mut self) -> bool {
        let folder = self.folder.path();
        let durable = if self.disk == Disk::Keeps { "on" } else { "off" };
        let mut child = program("postgres")
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(folder)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-N", "200"])
            .args(["-c", &format!("fsync={durable}")])
            .args(["-c", "ssl=on"])
            .args(["-c", &format!("ssl_cert_file={}/server.pem", folder.display())])
            .args(["-c", &format!("ssl_key_file={}/server.key", folder.display())])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while log.read_line(&mut line).unwrap() > 0 {
            if line.contains("ready to accept connections") {
                self.process = Some(child);
                // It goes on writing, and would wait for a reader.
                std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
                return true;
            }
            line.clear();
        }
        let _ = child.wait();
        false
    }

    /// To the server and all its processes, which have groups of their own.
    fn signal(&self, name: &str) {
        assert!(send(self.process.as_ref().expect("the server runs"), name));
    }
}

/// Sends a signal to the server and all its processes; whether all were there.
fn send(server: &Child, name: &str) -> bool {
    let server = server.id();
    let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
    // The shell's own `kill`: a bare machine may have no other.
    let command = format!("kill -{name} {server} {}", children.unwrap_or_default());
    Command::new("sh").args(["-c", &command]).status().is_ok_and(|status| status.success())
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some((mut child, pipe)) = self.keeper.take() {
            drop(pipe);
            let _ = child.wait();
        }
        self.kill();
    }
}

/// Waits until we are gone, kills what is left of the server and removes its folder.
fn keeper(folder: &Path) -> (Child, ChildStdin) {
    let script = r#"
        trap '' INT TERM HUP
        read -r _
        if [ -e "$0/data/postmaster.pid" ]; then
            server=$(head -n 1 "$0/data/postmaster.pid")
            kill -CONT "$server" 2>/dev/null
            kill -QUIT "$server" 2>/dev/null
            for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                [ -e "$0/data/postmaster.pid" ] && kill -0 "$server" 2>/dev/null || break
                sleep 0.1
            done
        fi
        rm -rf "$0"
    "#;
    let mut child = Command::new("sh")
        .args(["-c", script])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pipe = child.stdin.take().unwrap();
    (child, pipe)
}

/// A program of the newest server that is installed, run as somebody whom it accepts.
fn program(name: &str) -> Command {
    let found = place_of(name).unwrap_or_else(|| {
        panic!("{name} of PostgreSQL is missing. Get it by: sudo apt-get install postgresql")
    });
    if !is_root() {
        return Command::new(found);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups"]).arg(found);
    command
}

/// Where Debian has the newest version, where `pg_config` says, or wherever the shell finds it.
fn place_of(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |version: &fs::DirEntry| version.file_name().to_str()?.parse::<u32>().ok();
    let mut versions: Vec<_> =
        versions.filter_map(|version| Some((number(&version)?, version.path()))).collect();
    versions.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
    let debian = versions.into_iter().map(|(_, folder)| folder.join("bin"));
    let said = Command::new("pg_config").arg("--bindir").output().ok();
    let said = said.and_then(|said| String::from_utf8(said.stdout).ok());
    let said = said.map(|text| PathBuf::from(text.trim()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = debian.chain(said).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|path| path.is_absolute() && path.exists())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Makes a file or folder private to whom the server runs as.
fn give_away(path: &Path) {
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    if is_root() {
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        let line = passwd.lines().find(|line| line.starts_with(&format!("{ACCOUNT}:")));
        let line = line.unwrap_or_else(|| {
            panic!("the user {ACCOUNT} is missing. Get it by: sudo apt-get install postgresql")
        });
        let number = |field: usize| line.split(':').nth(field).unwrap().parse().unwrap();
        chown(path, Some(number(2)), Some(number(3))).unwrap();
    }
}
