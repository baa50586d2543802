//! Layer 1: one connection to one Redis process: TCP, TLS where wanted, and the greeting.

use std::fmt::Display;
use std::mem;
use std::sync::Mutex;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, cmd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::address::Address;
use super::copies::Copies;
use super::fault::Fault;
use super::options::{Access, server_name};
use crate::limits;

/// A connection that worked when it was made.
pub(super) struct Live {
    pub(super) connection: MultiplexedConnection,
    /// Where it leads.
    pub(super) at: Address,
    /// Moves commands and answers; ends when the server hangs up.
    driver: JoinHandle<()>,
    looked: Mutex<Looked>,
    /// Which of the writes over it are copied.
    pub(super) copies: Copies,
    /// Held by the one who asks whether this is the right server while others wait.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Live {
    /// Whether the server hung up.
    pub(super) fn is_over(&self) -> bool {
        self.driver.is_finished()
    }

    /// How old the knowledge is that this is the right server.
    pub(super) fn knowledge(&self) -> Knowledge {
        let age = self.looked.lock().expect(HOLDS).ended.elapsed();
        if age < limits::STORE_LOOK {
            Knowledge::Fresh
        } else if age < 2 * limits::STORE_LOOK {
            Knowledge::Aging
        } else {
            Knowledge::Old
        }
    }

    /// Whether the caller is the one who shall ask again.
    pub(super) fn look_begins(&self) -> bool {
        !mem::replace(&mut self.looked.lock().expect(HOLDS).under_way, true)
    }

    /// It was asked, whatever came of it.
    pub(super) fn look_ended(&self) {
        *self.looked.lock().expect(HOLDS) = Looked::now();
    }
}

const HOLDS: &str = "nothing panics while it holds the time";

/// When it was last asked whether this is the right server.
struct Looked {
    ended: Instant,
    under_way: bool,
}

impl Looked {
    fn now() -> Self {
        Self { ended: Instant::now(), under_way: false }
    }
}

/// How old the knowledge is that a server is the right one.
pub(super) enum Knowledge {
    Fresh,
    /// Time to ask, while the connection goes on being used.
    Aging,
    /// Nobody used the connection for a while: ask before anything else.
    Old,
}

impl Drop for Live {
    fn drop(&mut self) {
        // Left alone it would wait for the answers of a server that may never answer.
        self.driver.abort();
    }
}

/// Connects, or says why not.
pub(super) async fn open(at: &Address, access: &Access) -> Result<Live, String> {
    let stream = TcpStream::connect((at.host.as_str(), at.port)).await.map_err(text)?;
    stream.set_nodelay(true).map_err(text)?;
    match &access.tls {
        None => greet(at, access, stream).await,
        Some(connector) => {
            let stream = connector.connect(server_name(&at.host)?, stream).await;
            greet(at, access, stream.map_err(|error| format!("TLS: {error}"))?).await
        }
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

/// Names user, password and database, and sees that the server takes commands.
async fn greet<S>(at: &Address, access: &Access, stream: S) -> Result<Live, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Every wait is bounded by our caller's deadlines, so the crate needs none of its own.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_pipeline_buffer_size(limits::STORE_QUEUE);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&access.session, stream, config)
            .await
            .map_err(|error| Fault::of(error).text.to_owned())?;
    let live = Live {
        connection,
        at: at.clone(),
        driver: tokio::spawn(driver),
        looked: Mutex::new(Looked::now()),
        copies: Copies::default(),
        turn: tokio::sync::Mutex::default(),
    };
    cmd("PING")
        .exec_async(&mut live.connection.clone())
        .await
        .map_err(|error| Fault::of(error).text.to_owned())?;
    Ok(live)
}
