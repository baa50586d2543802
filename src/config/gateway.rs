//! Config: what concerns the whole gateway: addresses, log, store, keys, sessions, clouds.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::address::{BaseUrl, Network};
use super::confidential::{MasterKey, Password, StoreUrl};
use super::declare::section;
use super::durable::LedgerUrl;
use super::place::{Directory, FilePath, PrivateFile};
use super::provider::MetadataEnd;
use super::read::{Reader, join};
use super::value::{KeyPlace, LogFilter, LogFormat, LoginName, Prefix};
use crate::limits;

section! {
    /// How browsers, proxies and probes reach the gateway.
    #[check(check_server)]
    pub struct Server, draft ServerDraft {
        /// The address under which browsers and the cloud reach the gateway. It stands in our
        /// metadata and in every link; the `Host` header is never asked. Scheme, host and port
        /// only.
        base_url: BaseUrl, eg "https://sso.partner.example";
        /// The address that the gateway listens on.
        listen: SocketAddr = "127.0.0.1:8080";
        /// A second address, for probes and monitoring only: `/health/live`, `/health/ready` and
        /// `/metrics`. Without it the health pages are on `listen`.
        operate_listen: Option<SocketAddr>, eg "127.0.0.1:9090";
        /// Whether `/metrics` is also served on `listen`, where anybody can read it.
        public_metrics: bool = false;
        /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. From everybody
        /// else these headers are ignored.
        trusted_proxies: Vec<Network> = [], eg ["10.0.0.0/8", "fd00::5"];
        /// How long one request may take before it is answered with 503.
        request_timeout: Duration = "10s";
        /// After SIGTERM: how long `/health/ready` says no while requests are still accepted, so
        /// that the load balancer can notice. `"0s"` stops at once.
        readiness_grace: Duration = "5s";
        /// After the grace: how long requests that are under way may take to finish.
        drain: Duration = "30s";
        /// How many journeys may begin to wait for their person within ten minutes, of browsers at
        /// one address (IPv6: of one /64 network). Who goes on with a session is not counted, but
        /// for requests that are posted, which show none. An office or a mobile network shares one
        /// address, so be generous.
        journeys_per_address: NonZeroU32 = 3000;
        /// Most connections at one time; further ones wait. Stay below the limit of open files
        /// (`ulimit -n`).
        max_connections: NonZeroU32 = 1000;
        /// TLS in the gateway itself. Without this table a proxy in front of it does TLS.
        tls: Option<Tls>;
    }
}

section! {
    /// TLS in the gateway itself. Both files are read again when they change.
    pub struct Tls, draft TlsDraft {
        /// The certificate chain in PEM, the server's own certificate first.
        certificate: FilePath, eg "certs/tls.crt";
        /// The private key in PEM. The file may not be readable by others.
        key: PrivateFile, eg "certs/tls.key";
    }
}

section! {
    /// What is written to standard error.
    pub struct Log, draft LogDraft {
        /// `human` for a terminal, `json` for a collector: one object a line.
        format: LogFormat = "json";
        /// What is logged: a level, or levels of single modules.
        level: LogFilter = "info", eg "info,skybridge::sso=debug";
    }
}

section! {
    /// Short-lived state: sessions, journeys under way, tickets, request ids that were used.
    #[check(check_store)]
    pub struct Store, draft StoreDraft {
        /// `"memory"` for a single node, which forgets all sessions at a restart; else Redis: one
        /// server `redis://host:6379/0`, the primary that Sentinels know by a name
        /// `redis+sentinel://host:26379,host:26379/name/0`, or a Cluster by some of its nodes
        /// `redis+cluster://host:6379,host:6379`. User and password of the servers stand before
        /// the first host, `user:password@`, percent-encoded. `rediss` in place of `redis` is TLS,
        /// to Sentinels too. An address with a password is named as a secret. What each form needs
        /// and what a failover may lose: docs/operations.md.
        url: StoreUrl = "memory", eg { env = "SKYBRIDGE_REDIS_URL" };
        /// The ACL user at the Sentinels, where they have another than the default one.
        sentinel_user: Option<LoginName>, eg "skybridge";
        /// The password of the Sentinels, where they want one. The address holds that of the
        /// servers.
        sentinel_password: Option<Password>, eg { env = "SKYBRIDGE_SENTINEL_PASSWORD" };
        /// The beginning of every key in Redis: gateways that share a Redis but nothing else need
        /// different ones.
        prefix: Prefix = "skybridge";
        /// Certificate authorities, in PEM, that vouch for the Redis servers and Sentinels instead
        /// of the public ones.
        ca_file: Option<FilePath>, eg "certs/redis-ca.pem";
    }
}

section! {
    /// What must survive: which customer is linked with which account at the cloud, accounts being
    /// created, messages to partners, which sessions ended and which tickets were used.
    #[check(check_ledger)]
    pub struct Ledger, draft LedgerDraft {
        /// `sqlite:FILE` for a single node, a `PostgreSQL` address for any number of them, or
        /// `"memory"`, which forgets all of it at a restart. `PostgreSQL` is spoken to over TLS
        /// unless the address ends in `?sslmode=disable`. An address with a password is named as a
        /// secret.
        url: LedgerUrl = "sqlite:skybridge.sqlite3", eg { env = "SKYBRIDGE_DATABASE_URL" };
        /// Certificate authorities, in PEM, that vouch for the `PostgreSQL` server beside the
        /// public ones.
        ca_file: Option<FilePath>, eg "certs/postgres-ca.pem";
    }
}

section! {
    /// The keys that sign assertions.
    pub struct Keys, draft KeysDraft {
        /// Where the key rings are, sealed under the master key: in the `directory` of each node,
        /// or in the `ledger`'s database, for all nodes. What changes in the database, every node
        /// uses within a minute. `skybridge keys share` takes those of the directory there.
        kept_in: KeyPlace = "directory";
        /// The directory. `skybridge keys new` creates it.
        directory: Directory = "keys";
        /// The key that seals the private keys. Keep a copy in a safe place: without it they are
        /// lost.
        master_key: MasterKey, eg { file = "certs/master.key" };
    }
}

section! {
    /// How long a person stays signed in at the gateway.
    #[check(check_session)]
    pub struct Session, draft SessionDraft {
        /// A session ends when it was not used for so long.
        idle: Duration = "30m";
        /// A session ends so long after its beginning in any case.
        absolute: Duration = "8h";
    }
}

section! {
    /// The clouds that people are sent to, and the metadata of their service providers.
    #[check(check_clouds)]
    pub struct Clouds, draft CloudsDraft {
        /// More cloud profiles, one directory each, beside those that are built in. None may have
        /// the name of a built-in one. See `metadata/README.md`.
        directory: Option<Directory>, eg "metadata";
        /// How often metadata that comes from an address is fetched again; sooner where its
        /// `cacheDuration` says so, though not within a minute. A failed fetch keeps the good copy.
        metadata_refresh: Duration = "1h";
        /// How far ahead the `validUntil` of metadata may be. Without it there is no limit. An old
        /// copy with keys that were given up can be passed off as the present one until then:
        /// `"14d"` is wise where all metadata is fetched.
        metadata_valid_within: Option<Duration>, eg "14d";
        /// Whether metadata must have a `validUntil` at all: `optional` or `required`. Many service
        /// providers publish none.
        metadata_valid_until: MetadataEnd = "optional";
        /// Most bytes of an uploaded document; at most 2 MiB.
        metadata_upload_bytes: NonZeroU32 = 2097152;
        /// Where good copies of fetched metadata are kept, so that a restart does not depend on the
        /// cloud's answer. Without it they live as long as the process.
        metadata_cache: Option<Directory>, eg "metadata-cache";
    }
}

fn check_server(server: &ServerDraft, reader: &mut Reader<'_>) {
    at_least(
        reader,
        &server.path,
        "request_timeout",
        server.request_timeout,
        Duration::from_secs(1),
    );
    if let (Some(listen), Some(Some(operate))) = (server.listen, server.operate_listen)
        && listen == operate
        && listen.port() != 0
    {
        let path = join(&server.path, "operate_listen");
        reader.fault(&path, "another address than `listen`", &format!("the same, {listen}"), None);
    }
    let (Some(base), Some(tls)) = (&server.base_url, &server.tls) else { return };
    let path = join(&server.path, "base_url");
    if tls.is_some() && !base.is_https() {
        let hint = Some(format!("write \"https{}\"", &base.origin()["http".len()..]));
        reader.fault(&path, "an https address, because of [server.tls]", base.origin(), hint);
    }
    let behind_proxy = server.trusted_proxies.as_ref().is_none_or(|proxies| !proxies.is_empty())
        || server.listen.is_none_or(|listen| listen.ip().is_loopback());
    if tls.is_none() && base.is_https() && !behind_proxy {
        let hint = "add [server.tls], or list the proxy that does TLS in `trusted_proxies`";
        let found = "none: `listen` is open to the network without TLS";
        reader.fault(&path, "something that does TLS for this address", found, Some(hint.into()));
    }
}

fn check_store(store: &StoreDraft, reader: &mut Reader<'_>) {
    if let (Some(StoreUrl::Memory), Some(Some(_))) = (&store.url, &store.ca_file) {
        let path = join(&store.path, "ca_file");
        reader.fault(&path, "no certificate authority for the memory store", "one", None);
    }
    if let (Some(Some(_)), Some(None)) = (&store.sentinel_user, &store.sentinel_password) {
        let path = join(&store.path, "sentinel_user");
        reader.fault(&path, "a `sentinel_password` beside it", "a user alone", None);
    }
}

fn check_ledger(ledger: &LedgerDraft, reader: &mut Reader<'_>) {
    let server = matches!(ledger.url, Some(LedgerUrl::Postgres(_)));
    if !server && matches!(ledger.ca_file, Some(Some(_))) {
        let path = join(&ledger.path, "ca_file");
        reader.fault(&path, "no certificate authority without PostgreSQL", "one", None);
    }
}

fn check_session(session: &SessionDraft, reader: &mut Reader<'_>) {
    at_least(reader, &session.path, "idle", session.idle, limits::SHORTEST_PERIOD);
    at_least(reader, &session.path, "absolute", session.absolute, limits::SHORTEST_PERIOD);
    if let (Some(idle), Some(absolute)) = (session.idle, session.absolute)
        && idle > absolute
    {
        let path = join(&session.path, "idle");
        let found = format!("{} s, while `absolute` is {} s", idle.as_secs(), absolute.as_secs());
        reader.fault(&path, "at most as long as `absolute`", &found, None);
    }
}

fn check_clouds(clouds: &CloudsDraft, reader: &mut Reader<'_>) {
    at_least(
        reader,
        &clouds.path,
        "metadata_refresh",
        clouds.metadata_refresh,
        limits::SHORTEST_PERIOD,
    );
    let most = limits::METADATA_BYTES;
    if let Some(bytes) = clouds.metadata_upload_bytes
        && usize::try_from(bytes.get()).is_ok_and(|bytes| bytes > most)
    {
        let path = join(&clouds.path, "metadata_upload_bytes");
        reader.fault(&path, &format!("at most {most}"), &bytes.to_string(), None);
    }
}

fn at_least(
    reader: &mut Reader<'_>,
    section: &str,
    key: &str,
    value: Option<Duration>,
    least: Duration,
) {
    if let Some(value) = value
        && value < least
    {
        let expected = format!("at least \"{}s\"", least.as_secs());
        let found = format!("{} ms", value.as_millis());
        reader.fault(&join(section, key), &expected, &found, None);
    }
}
