//! HTTP/1.1 over a socket of our own: it sends whatever it is given, also what no client would.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::gateway::browser::Answer;

/// Within which an answer comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    /// Opens one.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends these octets and nothing else.
    pub(crate) async fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets).await
    }

    /// Sends no more, and still listens.
    pub(crate) async fn fall_silent(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Breaks off so that the other side is told of a fault and not of an end.
    pub(crate) fn break_off(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        timeout(PATIENCE, self.read()).await.map_err(late)?
    }

    /// Reads until the other side ends the connection.
    pub(crate) async fn read_out(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.map_err(late)?.map(drop)
    }

    async fn read(&mut self) -> io::Result<Answer> {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let (status, headers) = head(&self.buffer[..at])?;
                let length = headers.get("content-length").and_then(|it| it.to_str().ok());
                let length: usize = length.and_then(|it| it.parse().ok()).unwrap_or(0);
                let end = at + 4 + length;
                while self.buffer.len() < end {
                    self.more().await?;
                }
                let body = String::from_utf8(self.buffer[at + 4..end].to_vec());
                self.buffer.drain(..end);
                return Ok(Answer { status, headers, body: body.map_err(io::Error::other)? });
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Status and headers.
fn head(octets: &[u8]) -> io::Result<(StatusCode, HeaderMap)> {
    let unreadable = || io::Error::from(io::ErrorKind::InvalidData);
    let text = str::from_utf8(octets).map_err(io::Error::other)?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or_else(unreadable)?;
    let status = status.parse().map_err(io::Error::other)?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or_else(unreadable)?;
        let name = HeaderName::try_from(name).map_err(io::Error::other)?;
        headers.append(name, HeaderValue::from_str(value).map_err(io::Error::other)?);
    }
    Ok((status, headers))
}
