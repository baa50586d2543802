//! A real Redis server of the test's own: on a free loopback port, in a directory of its own, gone
//! when dropped.

mod process;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use redis::{Connection, cmd};

pub(crate) use process::{Process, Program, free_port};

/// The user of [`Access::User`].
pub(crate) const USER: &str = "skybridge";
/// The password of every server that wants one. Characters that an address must encode, on purpose.
pub(crate) const PASSWORD: &str = "p@ss/w:rd%";
pub(crate) const PASSWORD_ENCODED: &str = "p%40ss%2Fw%3Ard%25";
/// What all keys of the tests begin with.
pub(crate) const PREFIX: &str = "skybridge-test:";
/// What `src/store/redis.rs` says its user needs, and nothing more.
pub(crate) const PERMISSIONS: &str = "resetchannels -@all +get +set +getex +getdel +del +incr +pexpire +zadd +zrem +zrange \
     +zremrangebyscore +multi +exec +ping +select";

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
    process: Process,
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
            if server.process.start() {
                return server;
            }
        }
        panic!("redis-server does not start on any of 20 free ports");
    }

    /// A server that is not running yet, and its address.
    pub(crate) fn stopped(access: Access, wire: Wire, disk: Disk) -> Self {
        let process = Process::new(Program::Server);
        let server = Self { access, wire, port: free_port(), process };
        if wire == Wire::Tls {
            write_certificates(server.folder());
        }
        fs::write(server.folder().join("redis.conf"), server.configuration(disk)).unwrap();
        server
    }

    /// Starts a stopped server, at the address it always had.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.start(), "redis-server does not start on port {}", self.port);
    }

    /// Kills the server at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops the server's process in its tracks: connections stay open and nothing answers.
    pub(crate) fn freeze(&mut self) {
        self.process.signal("STOP");
    }

    /// Lets a frozen server go on.
    pub(crate) fn thaw(&mut self) {
        self.process.signal("CONT");
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
        (self.wire == Wire::Tls).then(|| self.folder().join("ca.pem"))
    }

    /// Another server's authority: one that does not vouch for this server.
    pub(crate) fn foreign_ca_file(&self) -> PathBuf {
        let folder = self.folder().join("foreign");
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

    /// What `doing` asks of the server: how often each command. Only without another user of it.
    pub(crate) async fn asked(&self, doing: impl Future<Output = ()>) -> BTreeMap<String, u64> {
        let mut admin = self.admin();
        let () = cmd("CONFIG").arg("RESETSTAT").query(&mut admin).unwrap();
        doing.await;
        let told: String = cmd("INFO").arg("commandstats").query(&mut admin).unwrap();
        let counted = told.lines().filter_map(|line| line.strip_prefix("cmdstat_")).map(|line| {
            let (command, rest) = line.split_once(":calls=").unwrap();
            (command.to_owned(), rest.split(',').next().unwrap().parse().unwrap())
        });
        // Ours, just now.
        counted.filter(|(command, _)| !command.starts_with("config")).collect()
    }

    fn folder(&self) -> &Path {
        self.process.folder()
    }

    fn configuration(&self, disk: Disk) -> String {
        let folder = self.folder().display();
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

/// Writes `ca.pem`, and `server.pem` with `server.key` for 127.0.0.1.
pub(crate) fn write_certificates(folder: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Another name than the server's: OpenSSL takes the server's to be signed by itself otherwise.
    authority.distinguished_name.push(DnType::CommonName, "authority of a test");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}
