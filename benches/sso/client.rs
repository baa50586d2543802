//! A browser's side of HTTP/1.1 over one kept connection: as little work as possible, for it shares
//! the machine.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a browser sends along.
const BROWSER: &str = "Host: gateway.localhost\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: zh-CN,zh;q=0.8,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: cross-site\r\n";

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, as long as the next request has not begun.
pub(crate) struct Answer<'c> {
    head: &'c str,
    body: &'c str,
}

impl Client {
    /// Opens a connection.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Asks for a page. `headers` are whole lines.
    pub(crate) fn get(&mut self, target: &str, headers: &str) -> io::Result<Answer<'_>> {
        self.ask(&format!("GET {target} HTTP/1.1\r\n{BROWSER}{headers}\r\n"))
    }

    /// Posts JSON.
    pub(crate) fn post(
        &mut self,
        target: &str,
        headers: &str,
        json: &str,
    ) -> io::Result<Answer<'_>> {
        let length = json.len();
        self.ask(&format!(
            "POST {target} HTTP/1.1\r\nHost: gateway.localhost\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{json}"
        ))
    }

    fn ask(&mut self, request: &str) -> io::Result<Answer<'_>> {
        self.stream.write_all(request.as_bytes())?;
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        let (head, whole) = loop {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
            if let Some(head) = head_of(&self.buffer) {
                let whole = head + content_length(&self.buffer[..head])?;
                if self.buffer.len() >= whole {
                    break (head, whole);
                }
            }
        };
        let text = |bytes| str::from_utf8(bytes).map_err(io::Error::other);
        Ok(Answer { head: text(&self.buffer[..head])?, body: text(&self.buffer[head..whole])? })
    }
}

impl Answer<'_> {
    /// The status code.
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// Status line and headers.
    pub(crate) fn head(&self) -> &str {
        self.head
    }

    /// The body.
    pub(crate) fn body(&self) -> &str {
        self.body
    }
}

fn head_of(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// The length that a head announces; the gateway sends nothing in chunks.
fn content_length(head: &[u8]) -> io::Result<usize> {
    let head = str::from_utf8(head).map_err(io::Error::other)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value.trim())
    });
    length.and_then(|length| length.parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
}
