//! A real Redis server of the test's own: on a free loopback port, in a directory of its own, gone
//! when dropped.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use redis::{Connection, cmd};
use tempfile::TempDir;

/// The user of [`Access::User`].
const USER: &str = "skybridge";
/// The password of every server that wants one. Characters that an address must encode, on purpose.
const PASSWORD: &str = "p@ss/w:rd%";
const PASSWORD_ENCODED: &str = "p%40ss%2Fw%3Ard%25";
/// What all keys of the tests begin with.
pub(crate) const PREFIX: &str = "skybridge-test:";
/// What `src/store/redis.rs` says its user needs, and nothing more.
const PERMISSIONS: &str =
    "resetchannels -@all +get +set +getex +getdel +del +incr +pexpire +multi +exec +ping +select";

/// Who may use the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Open,
    /// Whoever knows the password.
    Password,
    /// One ACL user with a password and the least permissions that the store needs.
    User,
}

/// What protects the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Nothing.
    Plain,
    /// TLS with a certificate of an authority of the test's own.
    Tls,
}

/// What a restart keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Nothing.
    Forgets,
    /// Every acknowledged write.
    Keeps,
}

/// A running server, or one that was stopped and can be started again at the same address.
pub(crate) struct RedisServer {
    access: Access,
    wire: Wire,
    port: u16,
    folder: TempDir,
    process: Option<(Child, BufReader<ChildStdout>)>,
}

impl RedisServer {
    /// A server that takes commands from everybody on this machine.
    pub(crate) fn start() -> Self {
        Self::with(Access::Open, Wire::Plain, Disk::Forgets)
    }

    /// A server of that kind.
    pub(crate) fn with(access: Access, wire: Wire, disk: Disk) -> Self {
        // Another process may take the port before the server does; then it is another port.
        for _ in 0..20 {
            let mut server = Self::stopped(access, wire, disk);
            if server.try_start() {
                return server;
            }
        }
        panic!("redis-server does not start on any of 20 free ports");
    }

    /// A server that is not running yet, and its address.
    pub(crate) fn stopped(access: Access, wire: Wire, disk: Disk) -> Self {
        let folder = tempfile::Builder::new().prefix("redis-").tempdir().unwrap();
        let server = Self { access, wire, port: free_port(), folder, process: None };
        if wire == Wire::Tls {
            write_certificates(server.folder.path());
        }
        fs::write(server.folder.path().join("redis.conf"), server.configuration(disk)).unwrap();
        server
    }

    /// Starts a stopped server, at the address it always had.
    pub(crate) fn start_again(&mut self) {
        assert!(self.try_start(), "redis-server does not start on port {}", self.port);
    }

    /// Kills the server at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some((mut child, _)) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops the server's process in its tracks: connections stay open and nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen server go on.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// The address, with the right user and password.
    pub(crate) fn url(&self) -> String {
        self.url_with_password(PASSWORD_ENCODED)
    }

    /// The address, with a password that may be a wrong one.
    pub(crate) fn url_with_password(&self, password: &str) -> String {
        let scheme = if self.wire == Wire::Tls { "rediss" } else { "redis" };
        let login = match self.access {
            Access::Open => String::new(),
            Access::Password => format!(":{password}@"),
            Access::User => format!("{USER}:{password}@"),
        };
        format!("{scheme}://{login}127.0.0.1:{}/0", self.port)
    }

    /// The authority that vouches for a server with TLS.
    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        (self.wire == Wire::Tls).then(|| self.folder.path().join("ca.pem"))
    }

    /// Another server's authority: one that does not vouch for this server.
    pub(crate) fn foreign_ca_file(&self) -> PathBuf {
        let folder = self.folder.path().join("foreign");
        fs::create_dir_all(&folder).unwrap();
        write_certificates(&folder);
        folder.join("ca.pem")
    }

    /// A connection for looking at the server and changing it from outside; only without access
    /// control and TLS.
    pub(crate) fn admin(&self) -> Connection {
        assert_eq!((self.access, self.wire), (Access::Open, Wire::Plain));
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Everything that the server holds, for tests that look for what must not be there.
    pub(crate) fn contents(&self) -> Vec<Held> {
        let mut admin = self.admin();
        let keys: Vec<String> = cmd("KEYS").arg("*").query(&mut admin).unwrap();
        let hold = |key: String| Held {
            value: cmd("GET").arg(&key).query(&mut admin).unwrap(),
            life: cmd("PTTL").arg(&key).query(&mut admin).unwrap(),
            key,
        };
        keys.into_iter().map(hold).collect()
    }

    fn try_start(&mut self) -> bool {
        let mut child = Command::new("redis-server")
            .arg(self.folder.path().join("redis.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("redis-server cannot be run ({error}): apt-get install redis-server")
            });
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 {
            if line.contains("Ready to accept connections") {
                self.process = Some((child, output));
                return true;
            }
            line.clear();
        }
        let _ = child.wait();
        false
    }

    fn signal(&self, name: &str) {
        let (child, _) = self.process.as_ref().expect("the server runs");
        // The shell's own `kill`: a bare machine may have no other.
        let command = format!("kill -{name} {}", child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    fn configuration(&self, disk: Disk) -> String {
        let folder = self.folder.path().display();
        let mut lines = format!(
            "bind 127.0.0.1\ndir {folder}\nsave \"\"\nmaxmemory-policy noeviction\ndaemonize no\n"
        );
        match self.wire {
            Wire::Plain => writeln!(lines, "port {}", self.port),
            Wire::Tls => writeln!(
                lines,
                "port 0\ntls-port {}\ntls-auth-clients no\ntls-ca-cert-file {folder}/ca.pem\n\
                 tls-cert-file {folder}/server.pem\ntls-key-file {folder}/server.key",
                self.port
            ),
        }
        .unwrap();
        match self.access {
            Access::Open => Ok(()),
            Access::Password => writeln!(lines, "requirepass {PASSWORD}"),
            Access::User => writeln!(
                lines,
                "user default off\nuser {USER} on >{PASSWORD} ~{PREFIX}* {PERMISSIONS}"
            ),
        }
        .unwrap();
        if disk == Disk::Keeps {
            lines.push_str("appendonly yes\nappendfsync always\n");
        }
        lines
    }
}

/// One entry of a server.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    /// Milliseconds until it expires; -1 when it never does.
    pub(crate) life: i64,
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that is free now and that the system gives to nobody by itself, so that it is free again
/// after a restart.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let free = || {
        let number = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(process::id() * 101);
        let port = 20_000 + u16::try_from(number % 12_000).unwrap();
        TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
    };
    (0..12_000).find_map(|_| free()).expect("a free port between 20000 and 32000")
}

/// Writes `ca.pem`, and `server.pem` with `server.key` for 127.0.0.1.
pub(crate) fn write_certificates(folder: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}
