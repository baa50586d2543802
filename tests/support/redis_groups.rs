//! Redis servers that stand in for each other: a Sentinel group and a Cluster, both of real
//! processes of the test's own. Their members know each other from the start, so that they need no
//! time to meet.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::redis::{
    PASSWORD, PASSWORD_ENCODED, PERMISSIONS, PREFIX, Process, Program, USER, Wire, free_port,
    write_certificates,
};

/// The user that the servers themselves and the test have everywhere.
const ADMIN: &str = "admin";
const ADMIN_PASSWORD: &str = "adminword";
/// The user of the gateway at the Sentinels.
pub(crate) const WATCHER: &str = "watcher";
/// The name of the primary at the Sentinels.
pub(crate) const SERVICE: &str = "sky-group";
/// Within which a group must be whole after its start, or after a member came back.
const PATIENCE: Duration = Duration::from_secs(30);
/// After how many milliseconds of silence a Sentinel takes a server for dead. Sentinels ask once a
/// second and see dead ones everywhere when this is no more.
const DOWN_AFTER: u32 = 2000;
/// What the user needs at the servers of a Sentinel group, beside the rest.
const WATCHED_PERMISSIONS: &str = "+wait +role";
/// What the user needs at the nodes of a Cluster, beside the rest.
const CLUSTER_PERMISSIONS: &str = "+wait +role +cluster|slots +cluster|info +asking";

/// One server or Sentinel of a group.
pub(crate) struct Member {
    pub(crate) port: u16,
    pub(crate) process: Process,
    wire: Wire,
}

impl Member {
    fn new(program: Program, wire: Wire) -> Self {
        let process = Process::new(program);
        if wire == Wire::Tls {
            write_certificates(process.folder());
        }
        Self { port: free_port(), process, wire }
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops it in its tracks.
    pub(crate) fn freeze(&mut self) {
        self.process.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&mut self) {
        self.process.signal("CONT");
    }

    /// Starts it again, with what it remembers of the group.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.start(), "it does not start on port {}", self.port);
    }

    /// What it answers to a command, as text; nothing when it does not run.
    pub(crate) fn tell(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let mut cli = Command::new("redis-cli");
        cli.args(["-h", "127.0.0.1", "-p", &port, "--user", ADMIN, "--no-auth-warning", "--raw"]);
        cli.args(["--pass", ADMIN_PASSWORD]);
        if self.wire == Wire::Tls {
            cli.arg("--tls").arg("--cacert").arg(self.process.folder().join("ca.pem"));
        }
        let output = cli.args(command).output().expect("apt-get install redis-tools");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether it says, among other things, all of these lines.
    fn says(&self, command: &[&str], lines: &[&str]) -> bool {
        let answer = self.tell(command);
        lines.iter().all(|line| answer.lines().any(|said| said.contains(line)))
    }

    /// Whether its replicas, if it has any, have confirmed something: new ones are silent for up to
    /// a second.
    fn is_confirmed(&self) -> bool {
        !self.says(&["INFO", "replication"], &["offset=0,"])
    }

    /// The lines that all of a group have in common.
    fn common(&self) -> String {
        let (folder, port) = (self.process.folder().display(), self.port);
        let mut lines = format!(
            "bind 127.0.0.1\ndir {folder}\nuser default off\n\
             user {ADMIN} on >{ADMIN_PASSWORD} ~* &* +@all\n"
        );
        let _ = match self.wire {
            Wire::Plain => writeln!(lines, "port {port}"),
            Wire::Tls => writeln!(
                lines,
                "port 0\ntls-port {port}\ntls-auth-clients no\ntls-replication yes\n\
                 tls-ca-cert-file {folder}/ca.pem\ntls-cert-file {folder}/server.pem\n\
                 tls-key-file {folder}/server.key"
            ),
        };
        lines
    }

    /// The lines of one that holds data.
    fn data(&self, permissions: &str) -> String {
        let mut lines = self.common();
        let _ = writeln!(
            lines,
            "save \"\"\nmaxmemory-policy noeviction\nrepl-diskless-sync-delay 0\n\
             repl-ping-replica-period 1\nmasteruser {ADMIN}\nmasterauth {ADMIN_PASSWORD}\n\
             user {USER} on >{PASSWORD} ~{PREFIX}* {PERMISSIONS} {permissions}"
        );
        lines
    }

    fn write(&self, file: &str, content: &str) {
        fs::write(self.process.folder().join(file), content).unwrap();
    }
}

/// Lets all members trust the same authority.
fn share_certificates(members: &[&Member]) {
    let (first, others) = members.split_first().unwrap();
    if first.wire == Wire::Tls {
        for file in ["ca.pem", "server.pem", "server.key"] {
            let content = fs::read(first.process.folder().join(file)).unwrap();
            for other in others {
                fs::write(other.process.folder().join(file), &content).unwrap();
            }
        }
    }
}

/// Tries to start a group until no other process took one of its ports.
fn started<T>(attempt: impl Fn() -> Option<T>) -> T {
    (0..10).find_map(|_| attempt()).expect("a group starts on one of ten sets of free ports")
}

/// Waits until something is so.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it is not so in time that {what}");
    }
}

fn scheme(wire: Wire, form: &str) -> String {
    format!("redis{}+{form}", if wire == Wire::Tls { "s" } else { "" })
}

fn ca_file(wire: Wire, folder: &Path) -> Option<PathBuf> {
    (wire == Wire::Tls).then(|| folder.join("ca.pem"))
}

fn addresses(members: &[Member]) -> String {
    let addresses: Vec<_> = members.iter().map(|m| format!("127.0.0.1:{}", m.port)).collect();
    addresses.join(",")
}

/// A name of forty digits, as servers have.
fn node_id(number: usize) -> String {
    format!("{number:040x}")
}

/// One primary, two replicas and three Sentinels, two of which must agree.
pub(crate) struct SentinelGroup {
    pub(crate) servers: Vec<Member>,
    pub(crate) sentinels: Vec<Member>,
}

impl SentinelGroup {
    /// A group that is whole.
    pub(crate) fn start(wire: Wire) -> Self {
        let group = started(|| Self::attempt(wire));
        until("the primary has two replicas", || group.is_whole());
        group
    }

    fn attempt(wire: Wire) -> Option<Self> {
        let member = |program| move |_| Member::new(program, wire);
        let servers: Vec<_> = (0..3).map(member(Program::Server)).collect();
        let sentinels: Vec<_> = (0..3).map(member(Program::Sentinel)).collect();
        let mut group = Self { servers, sentinels };
        share_certificates(&group.servers.iter().chain(&group.sentinels).collect::<Vec<_>>());
        let primary = group.servers[0].port;
        for server in &mut group.servers {
            let mut lines = server.data(WATCHED_PERMISSIONS);
            lines.push_str("min-replicas-to-write 1\nmin-replicas-max-lag 2\n");
            if server.port != primary {
                let _ = writeln!(lines, "replicaof 127.0.0.1 {primary}");
            }
            server.write("redis.conf", &lines);
            if !server.process.start() {
                return None;
            }
        }
        for number in 0..3 {
            group.sentinels[number].write("redis.conf", &group.sentinel_lines(number));
        }
        group.sentinels.iter_mut().all(|sentinel| sentinel.process.start()).then_some(group)
    }

    fn sentinel_lines(&self, number: usize) -> String {
        let mut lines = self.sentinels[number].common();
        let primary = self.servers[0].port;
        let _ = writeln!(
            lines,
            "user {WATCHER} on >{PASSWORD} resetchannels -@all +sentinel|master +ping\n\
             sentinel sentinel-user {ADMIN}\nsentinel sentinel-pass {ADMIN_PASSWORD}\n\
             sentinel myid {}\nsentinel monitor {SERVICE} 127.0.0.1 {primary} 2\n\
             sentinel auth-user {SERVICE} {ADMIN}\nsentinel auth-pass {SERVICE} {ADMIN_PASSWORD}\n\
             sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER}\n\
             sentinel failover-timeout {SERVICE} 5000",
            node_id(number)
        );
        for server in &self.servers[1..] {
            let _ = writeln!(lines, "sentinel known-replica {SERVICE} 127.0.0.1 {}", server.port);
        }
        for (other, sentinel) in self.sentinels.iter().enumerate().filter(|(o, _)| *o != number) {
            let (port, id) = (sentinel.port, node_id(other));
            let _ = writeln!(lines, "sentinel known-sentinel {SERVICE} 127.0.0.1 {port} {id}");
        }
        lines
    }

    /// Where the Sentinels are, with the right user and password of the servers.
    pub(crate) fn url(&self) -> String {
        let (scheme, hosts) =
            (scheme(self.servers[0].wire, "sentinel"), addresses(&self.sentinels));
        format!("{scheme}://{USER}:{PASSWORD_ENCODED}@{hosts}/{SERVICE}")
    }

    /// The authority that vouches for all.
    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        ca_file(self.servers[0].wire, self.servers[0].process.folder())
    }

    /// The server that is the primary now.
    pub(crate) fn primary(&mut self) -> &mut Member {
        let at = self.servers.iter().position(|s| s.says(&["ROLE"], &["master"]));
        &mut self.servers[at.expect("one is the primary")]
    }

    /// Cuts the primary off from its replicas: they stay as they are, with what they have, and it
    /// goes on alone, which it then may.
    pub(crate) fn cut_off_the_primary(&mut self) {
        let port = self.primary().port;
        for server in &self.servers {
            let setting = if server.port == port {
                ["CONFIG", "SET", "min-replicas-to-write", "0"]
            } else {
                ["CONFIG", "SET", "masterauth", "wrong"]
            };
            assert_eq!(server.tell(&setting).trim(), "OK");
        }
        self.primary().tell(&["CLIENT", "KILL", "TYPE", "replica"]);
        let primary = self.primary();
        until("the primary is alone", || {
            primary.says(&["INFO", "replication"], &["connected_slaves:0"])
        });
    }

    /// Kills the primary that was cut off: one of those that were its replicas takes over, and the
    /// others follow it.
    pub(crate) fn kill_the_lonely_primary(&mut self) {
        let primary = self.primary();
        primary.kill();
        let port = primary.port;
        for server in self.servers.iter().filter(|server| server.port != port) {
            let answer = server.tell(&["CONFIG", "SET", "masterauth", ADMIN_PASSWORD]);
            assert_eq!(answer.trim(), "OK");
        }
    }

    fn is_whole(&self) -> bool {
        let replicas = ["connected_slaves:2", "slave0:", "slave1:", "state=online"];
        let primaries = self.servers.iter().filter(|s| s.says(&["ROLE"], &["master"]));
        primaries.count() == 1
            && self.servers.iter().all(Member::is_confirmed)
            && self.servers.iter().any(|s| s.says(&["INFO", "replication"], &replicas))
            && self.servers.iter().all(|s| {
                s.says(&["INFO", "replication"], &["role:master"])
                    || s.says(&["INFO", "replication"], &["master_link_status:up"])
            })
            && self
                .sentinels
                .iter()
                .all(|s| s.says(&["INFO", "sentinel"], &["status=ok", "slaves=2", "sentinels=3"]))
    }
}

/// Three primaries with a replica each.
pub(crate) struct RedisCluster {
    /// The first three begin as primaries, each with a third of the slots; the others as their
    /// replicas.
    pub(crate) nodes: Vec<Member>,
}

/// The slots of the three primaries.
const SHARES: [&str; 3] = ["0-5460", "5461-10922", "10923-16383"];

impl RedisCluster {
    /// A cluster that is whole.
    pub(crate) fn start(wire: Wire) -> Self {
        let cluster = started(|| Self::attempt(wire));
        cluster.until_whole();
        cluster
    }

    /// Waits until every node is content and every primary has a replica.
    pub(crate) fn until_whole(&self) {
        until("the cluster is whole", || self.is_whole());
    }

    fn attempt(wire: Wire) -> Option<Self> {
        let nodes = (0..6).map(|_| Member::new(Program::Server, wire)).collect();
        let mut cluster = Self { nodes };
        share_certificates(&cluster.nodes.iter().collect::<Vec<_>>());
        let buses: Vec<_> = (0..6).map(|_| free_port()).collect();
        for (number, node) in cluster.nodes.iter().enumerate() {
            let encrypted = if wire == Wire::Tls { "tls-cluster yes\n" } else { "" };
            let lines = format!(
                "{}cluster-enabled yes\ncluster-port {}\ncluster-node-timeout 1000\n\
                 cluster-replica-validity-factor 0\n{encrypted}",
                node.data(CLUSTER_PERMISSIONS),
                buses[number]
            );
            node.write("redis.conf", &lines);
            node.write("nodes.conf", &cluster.known_nodes(number, &buses));
        }
        cluster.nodes.iter_mut().all(|node| node.process.start()).then_some(cluster)
    }

    /// What a node remembers of all of them.
    fn known_nodes(&self, myself: usize, buses: &[u16]) -> String {
        let mut lines = String::new();
        for (number, node) in self.nodes.iter().enumerate() {
            let (id, port, bus) = (node_id(number), node.port, buses[number]);
            let me = if number == myself { "myself," } else { "" };
            let role = match number {
                0..3 => format!("{me}master - 0 0 {} connected {}", number + 1, SHARES[number]),
                _ => format!("{me}slave {} 0 0 {} connected", node_id(number - 3), number - 2),
            };
            let _ = writeln!(lines, "{id} 127.0.0.1:{port}@{bus} {role}");
        }
        lines + "vars currentEpoch 3 lastVoteEpoch 0\n"
    }

    /// Where the nodes of these numbers are, with the right user and password.
    pub(crate) fn url_of(&self, nodes: std::ops::Range<usize>) -> String {
        let (scheme, hosts) =
            (scheme(self.nodes[0].wire, "cluster"), addresses(&self.nodes[nodes]));
        format!("{scheme}://{USER}:{PASSWORD_ENCODED}@{hosts}")
    }

    /// The authority that vouches for all.
    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        ca_file(self.nodes[0].wire, self.nodes[0].process.folder())
    }

    /// The name of a node among the nodes.
    pub(crate) fn id(number: usize) -> String {
        node_id(number)
    }

    fn is_whole(&self) -> bool {
        let content = |node: &Member| node.says(&["CLUSTER", "INFO"], &["cluster_state:ok"]);
        let replicated = |node: &Member| {
            node.says(&["INFO", "replication"], &["role:master", "state=online"])
                || node.says(&["INFO", "replication"], &["role:slave", "master_link_status:up"])
        };
        self.nodes.iter().all(|node| content(node) && replicated(node) && node.is_confirmed())
    }
}
