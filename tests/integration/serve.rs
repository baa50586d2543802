//! Listeners over real sockets: leaving without losing a request, crowds, TLS, and what reaches a
//! handler.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router, middleware};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use skybridge::app::health::{Readiness, operate_router};
use skybridge::app::proxy::{Proxies, see_client};
use skybridge::app::serve::{Drained, Listener, Options};
use skybridge::app::shutdown::{Pace, Shutdown, on_signals};
use skybridge::app::tls::{Certificates, Reload};
use skybridge::config::Network;
use skybridge::journey::Client;
use skybridge::limits;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

const LONG: Duration = Duration::from_hours(1);

/// A listener under test.
struct Site {
    address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<Drained>,
}

impl Site {
    async fn open(app: Router, pace: Pace, places: u32, tls: Option<TlsAcceptor>) -> Self {
        let shutdown = Shutdown::new(pace);
        let options = Options {
            name: "test",
            listen: "127.0.0.1:0".parse().unwrap(),
            tls,
            max_connections: NonZeroU32::new(places).unwrap(),
        };
        let listener = Listener::bind(options).await.unwrap();
        let address = listener.address();
        let ready = operate_router(Arc::new(Readiness::new(shutdown.clone(), vec![])), None);
        let serving = tokio::spawn(listener.serve(app.merge(ready), shutdown.clone()));
        Self { address, shutdown, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        get_over(&mut self.connect().await, path).await
    }

    /// Waits until nobody listens any more.
    async fn closed(&self) {
        while TcpStream::connect(self.address).await.is_ok() {
            yield_now().await;
        }
    }
}

fn pace(readiness_grace: Duration, drain: Duration) -> Pace {
    Pace { readiness_grace, drain }
}

/// The head of an answer, in lower case, and its body.
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn ends_the_connection(&self) -> bool {
        self.head.contains("\r\nconnection: close")
    }
}

async fn get_over<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read(stream).await.unwrap()
}

/// Reads one answer; `None` if the connection ended before it.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Answer> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap().to_lowercase();
    let length =
        head.split("content-length: ").nth(1).map_or("0", |rest| rest.split('\r').next().unwrap());
    let mut body = bytes.split_off(head_end);
    while body.len() < length.parse().unwrap() {
        assert_ne!(stream.read_buf(&mut body).await.unwrap(), 0);
    }
    Some(Answer { head, body: String::from_utf8(body).unwrap() })
}

/// A router with `/slow`, which says when it was entered and answers when it is released.
fn slow() -> (Router, Arc<Notify>, Arc<Semaphore>) {
    let (entered, released) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (tell, wait) = (Arc::clone(&entered), Arc::clone(&released));
    let handler = move || async move {
        tell.notify_one();
        wait.acquire().await.unwrap().forget();
        "finished"
    };
    (Router::new().route("/slow", get(handler)), entered, released)
}

#[tokio::test]
async fn while_leaving_requests_are_served_and_connections_sent_elsewhere() {
    let (app, ..) = slow();
    let site = Site::open(app, pace(LONG, LONG), 100, None).await;
    let mut kept = site.connect().await;
    let before = get_over(&mut kept, "/health/ready").await;
    assert_eq!((before.status(), before.ends_the_connection()), (200, false));
    site.shutdown.begin();
    let after = get_over(&mut kept, "/health/ready").await;
    assert_eq!((after.status(), after.ends_the_connection()), (503, true));
    assert_eq!(kept.read(&mut [0; 1]).await.unwrap(), 0, "the connection was kept");
    assert_eq!(site.get("/health/live").await.status(), 200);
    site.shutdown.at_once();
    assert_eq!(site.serving.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_request_under_way_is_finished_after_doors_closed() {
    let (app, entered, released) = slow();
    let site = Site::open(app, pace(Duration::ZERO, LONG), 100, None).await;
    let mut idle = site.connect().await;
    get_over(&mut idle, "/health/live").await;
    let ahead = site.connect().await;
    let mut slow = site.connect().await;
    let asking = tokio::spawn(async move { get_over(&mut slow, "/slow").await });
    entered.notified().await;

    site.shutdown.begin();
    site.closed().await;
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection was kept");
    assert!(!site.serving.is_finished());
    released.add_permits(1);
    let answer = asking.await.unwrap();
    assert_eq!((answer.status(), answer.body.as_str()), (200, "finished"));
    // `ahead` was opened ahead of need, as browsers do, and never used: nobody waits for it.
    assert_eq!(site.serving.await.unwrap(), Drained { cut: 0 });
    drop(ahead);
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_when_the_drain_is_over() {
    let (app, entered, _released) = slow();
    let site = Site::open(app, pace(Duration::ZERO, Duration::from_millis(1)), 100, None).await;
    let mut slow = site.connect().await;
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    entered.notified().await;
    site.shutdown.begin();
    assert_eq!(site.serving.await.unwrap(), Drained { cut: 1 });
    assert!(read(&mut slow).await.is_none());
}

#[tokio::test]
async fn sigterm_begins_to_leave_and_the_next_one_ends_it() {
    let shutdown = Shutdown::new(pace(LONG, LONG));
    let signals = tokio::spawn(on_signals(shutdown.clone()));
    yield_now().await;
    let send = || {
        let pid = std::process::id().to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
    };
    send();
    shutdown.beginning().await;
    send();
    // Both waits are an hour long unless the second signal ends them.
    shutdown.closing().await;
    shutdown.drained().await;
    signals.abort();
}

#[tokio::test]
async fn a_crowd_waits_for_places_and_is_served_in_turn() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, peak) = (Arc::clone(&inside), Arc::clone(&most));
    let handler = move || async move {
        peak.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..50 {
            yield_now().await;
        }
        count.fetch_sub(1, Ordering::SeqCst);
    };
    let app = Router::new().route("/", get(handler));
    let site = Site::open(app, pace(Duration::ZERO, LONG), 2, None).await;
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        let mut stream = site.connect().await;
        crowd.spawn(async move { get_over(&mut stream, "/").await.status() });
    }
    assert_eq!(crowd.join_all().await, [200; 20]);
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn whoever_takes_the_last_place_may_not_keep_it() {
    let site = Site::open(Router::new(), pace(Duration::ZERO, LONG), 1, None).await;
    assert!(site.get("/health/live").await.ends_the_connection());
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_refused() {
    let site = Site::open(Router::new(), pace(Duration::ZERO, LONG), 10, None).await;
    let mut stream = site.connect().await;
    // Exactly the limit and not yet its end: nothing stays unread, so closing does not reset what
    // was answered.
    let mut head = String::from("GET /health/live HTTP/1.1\r\nHost: test\r\nCookie: ");
    head.extend(std::iter::repeat_n('x', limits::HEAD_BYTES - head.len()));
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read(&mut stream).await.map(|answer| answer.status()), Some(431));
}

#[tokio::test]
async fn the_client_behind_a_listed_proxy_reaches_the_handler() {
    let echo = |Extension(client): Extension<Client>| async move {
        Ok::<_, Infallible>(format!("{client:?}"))
    };
    for (listed, seen) in [
        ("127.0.0.0/8", "198.51.100.7, transport: Tls"),
        ("10.0.0.0/8", "127.0.0.1, transport: Plain"),
    ] {
        let proxies = Proxies::new(&[Network::parse(listed).unwrap()]);
        let app = Router::new()
            .route("/", get(echo))
            .layer(middleware::from_fn_with_state(proxies, see_client));
        let site = Site::open(app, pace(Duration::ZERO, LONG), 10, None).await;
        let mut stream = site.connect().await;
        let request = "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 1.1.1.1, 198.51.100.7\r\n\
                       X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read(&mut stream).await.unwrap();
        assert!(answer.body.contains(seen), "{}", answer.body);
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let site = Site::open(Router::new(), pace(Duration::ZERO, LONG), 10, None).await;
    let options = Options {
        name: "second",
        listen: site.address,
        tls: None,
        max_connections: NonZeroU32::MIN,
    };
    let error = Listener::bind(options).await.err().unwrap().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}", site.address)), "{error}");
}

/// A certificate for `gateway.localhost`, written where the gateway reads it.
fn install(directory: &Path) -> CertificateDer<'static> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = rcgen::generate_simple_self_signed(["gateway.localhost".to_owned()]).unwrap();
    std::fs::write(directory.join("tls.crt"), made.cert.pem()).unwrap();
    let mut options = std::fs::OpenOptions::new();
    let mut key = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(directory.join("tls.key"))
        .unwrap();
    std::io::Write::write_all(&mut key, made.signing_key.serialize_pem().as_bytes()).unwrap();
    made.cert.der().clone()
}

type Version = &'static rustls::SupportedProtocolVersion;

/// Shakes hands as a client that trusts this certificate only.
async fn shake(
    site: &Site,
    trusted: &CertificateDer<'static>,
    version: Version,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("gateway.localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, site.connect().await).await
}

#[tokio::test]
async fn a_replaced_certificate_serves_new_connections_and_cuts_no_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let first = install(directory.path());
    let (chain, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
    let certificates = Certificates::load(&chain, &key).unwrap();
    let tls = certificates.acceptor().unwrap();
    let site = Site::open(Router::new(), pace(Duration::ZERO, LONG), 10, Some(tls)).await;

    let mut old = shake(&site, &first, &TLS13).await.unwrap();
    assert_eq!(get_over(&mut old, "/health/live").await.status(), 200);
    assert_eq!(old.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));

    let second = install(directory.path());
    assert!(shake(&site, &second, &TLS13).await.is_err(), "taken over before anybody looked");
    assert_eq!(certificates.reload(), Ok(Reload::Replaced));
    for version in [&TLS12, &TLS13] {
        let mut new = shake(&site, &second, version).await.unwrap();
        assert_eq!(new.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(get_over(&mut new, "/health/live").await.status(), 200);
        assert!(shake(&site, &first, version).await.is_err());
    }
    assert_eq!(get_over(&mut old, "/health/live").await.status(), 200);
}

#[tokio::test]
async fn plain_http_is_not_answered_on_a_tls_listener() {
    let directory = tempfile::tempdir().unwrap();
    install(directory.path());
    let (chain, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
    let tls = Certificates::load(&chain, &key).unwrap().acceptor().unwrap();
    let site = Site::open(Router::new(), pace(Duration::ZERO, LONG), 10, Some(tls)).await;
    let mut stream = site.connect().await;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _closed = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
}
