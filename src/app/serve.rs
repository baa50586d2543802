//! App (layer 6): one accept loop for every listener of the process, plain or TLS, HTTP/1.1 (RFC
//! 9112).
//!
//! A listener is bound first and given its router afterwards, so that port 0 works and links can
//! name the real port.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use super::pace::{Paced, Pulse};
use super::shutdown::Shutdown;
use crate::journey::Transport;
use crate::{limits, measure};

/// How long to wait after the system refused to give a connection for want of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end of the connection. In the extensions of every request; handlers want
/// [`crate::journey::Client`] instead, which sees through listed proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address of the socket.
    pub address: SocketAddr,
    /// Whether this connection is TLS.
    pub transport: Transport,
}

/// How a listener takes connections.
#[derive(Clone)]
pub struct Options {
    /// Its name in log and metrics, such as `gateway`.
    pub name: &'static str,
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TLS, unless somebody in front does it.
    pub tls: Option<TlsAcceptor>,
    /// Most connections at one time. Further ones wait in the system's queue.
    pub max_connections: NonZeroU32,
}

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because their request took longer than the drain allows.
    pub cut: usize,
}

/// An open listener that has no router yet. Connections wait.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    options: Options,
}

impl Listener {
    /// Opens the listener.
    ///
    /// # Errors
    /// [`BindError`]: the address is taken, not of this machine, or not permitted.
    pub async fn bind(options: Options) -> Result<Self, BindError> {
        let error = |source| BindError { address: options.listen, source };
        let socket = TcpListener::bind(options.listen).await.map_err(error)?;
        let address = socket.local_addr().map_err(error)?;
        Ok(Self { socket, address, options })
    }

    /// The address that it has, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` has closed the doors and everything under way is finished or cut.
    pub async fn serve(self, app: Router, shutdown: Shutdown) -> Drained {
        let Self { socket, address, options } = self;
        let places = options.max_connections.get() as usize;
        let host = Arc::new(Host {
            app: app.with_state(()),
            http: http(),
            tls: options.tls,
            places: Arc::new(Semaphore::new(places)),
            name: options.name,
            capacity: places,
            shutdown: shutdown.clone(),
        });
        tracing::info!(listener = host.name, %address, tls = host.tls.is_some(), "listening");
        let mut connections = JoinSet::new();
        let mut closing = pin!(shutdown.closing());
        loop {
            tokio::select! {
                biased;
                () = &mut closing => break,
                // Reaping keeps the set as small as the number of open connections.
                Some(_) = connections.join_next() => {}
                (stream, peer, place) = next(&socket, &host.places) => {
                    connections.spawn(Arc::clone(&host).welcome(stream, peer, place));
                }
            }
            measure::connections(host.name, connections.len());
        }
        drop(socket);
        drain(host.name, connections, &shutdown).await
    }
}

/// What all connections of a listener share.
struct Host {
    app: Router,
    http: http1::Builder,
    tls: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
    name: &'static str,
    capacity: usize,
    shutdown: Shutdown,
}

impl Host {
    /// Serves one connection to its end. Whatever goes wrong with it concerns only its client.
    async fn welcome(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        _place: OwnedSemaphorePermit,
    ) {
        // A small answer must not wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(listener = self.name, %error, "connection lost");
            return;
        }
        let Some(tls) = &self.tls else {
            return self.talk(stream, Peer { address, transport: Transport::Plain }).await;
        };
        let shake = tls.accept(stream);
        match time::timeout(limits::HEAD_WAIT, shake).await {
            Ok(Ok(stream)) => self.talk(stream, Peer { address, transport: Transport::Tls }).await,
            Ok(Err(error)) => tracing::debug!(listener = self.name, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(listener = self.name, "the TLS handshake took too long"),
        }
    }

    async fn talk<S>(&self, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pulse = Pulse::default();
        let stream = TokioIo::new(Paced::new(stream, pulse.clone()));
        let service = service_fn(|request| self.answer(request, peer, pulse.clone()));
        let mut connection = pin!(self.http.serve_connection(stream, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.closing() => {
                // Ends a connection between requests at once, another one after its answer.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(listener = self.name, %error, "connection ended early");
        }
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: Peer,
        pulse: Pulse,
    ) -> Result<Response<Body>, Infallible> {
        let _busy = pulse.busy();
        request.extensions_mut().insert(peer);
        let mut response = self.app.clone().call(request).await?;
        // Leaving: clients that keep connections go elsewhere before doors close. Crowded: nobody
        // keeps a place.
        if self.shutdown.begun() || self.places.available_permits() <= self.capacity / 10 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    // `Paced` keeps the time: hyper's own limit on heads would also end connections that idle.
    http.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(limits::HEAD_BYTES);
    http
}

/// The next connection, once there is a place for it.
async fn next(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot take connections; trying again");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether an error of `accept` concerns the connection that was to be taken, not the listener.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Waits for what is under way, as long as the pace of leaving allows, then cuts the rest.
async fn drain(name: &'static str, mut connections: JoinSet<()>, shutdown: &Shutdown) -> Drained {
    let mut over = pin!(shutdown.drained());
    let cut = loop {
        tokio::select! {
            biased;
            ended = connections.join_next() => if ended.is_none() { break 0 },
            () = &mut over => break connections.len(),
        }
    };
    connections.shutdown().await;
    measure::connections(name, 0);
    if cut > 0 {
        tracing::warn!(listener = name, cut, "closed; some requests took too long and were cut");
    } else {
        tracing::info!(listener = name, "closed; everything under way was finished");
    }
    Drained { cut }
}
