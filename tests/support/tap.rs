//! A tap on the wires of one gateway: a relay to `PostgreSQL` and one to the cloud's API. They
//! number what the gateway does there, and kill it at one of these places: before the message goes
//! on, or after it was answered and before the answer comes back.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Ends a gateway at once.
pub(crate) type Kill = Box<dyn FnOnce() + Send>;

/// On which side of an action the gateway dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The message is never sent on.
    Before,
    /// The message is sent on and answered; the answer never arrives.
    After,
}

/// What to listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `PostgreSQL`'s protocol 3, without TLS.
    Postgres,
    /// HTTP/1.1.
    Http,
}

/// The tap of one gateway.
#[derive(Clone, Default)]
pub(crate) struct Tap(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Whether actions count.
    is_armed: bool,
    /// Every action since it was armed, and whether it changed anything.
    seen: Vec<(String, bool)>,
    /// The actions to come, and at which of them to kill.
    blow: Option<Blow>,
    kill: Option<Kill>,
    /// The gateway is dead: nothing passes any more.
    is_dead: bool,
}

struct Blow {
    script: VecDeque<String>,
    left: usize,
    moment: Moment,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    KillNow,
    KillWhenAnswered,
}

impl Tap {
    /// Counts from now on.
    pub(crate) fn watch(&self) {
        self.0.lock().unwrap().is_armed = true;
    }

    /// The actions since [`Tap::watch`] that changed something.
    pub(crate) fn actions(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let seen = state.seen.iter().filter(|(_, works)| *works);
        seen.map(|(name, _)| name.clone()).collect()
    }

    /// From now on waits for these actions, one after the other, and kills at number `at`.
    pub(crate) fn strike(&self, script: &[String], (at, moment): (usize, Moment), kill: Kill) {
        let mut state = self.0.lock().unwrap();
        let script = script.iter().cloned().collect();
        state.blow = Some(Blow { script, left: at, moment });
        state.kill = Some(kill);
        state.is_armed = true;
    }

    /// Whether the gateway was killed.
    pub(crate) fn struck(&self) -> bool {
        self.0.lock().unwrap().is_dead
    }

    /// Listens in front of a server, and relays.
    pub(crate) async fn tap(&self, wire: Wire, server: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, tap) = (listener.local_addr().unwrap(), self.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(there) = TcpStream::connect(server).await else { continue };
                if tap.struck() {
                    return;
                }
                client.set_nodelay(true).unwrap();
                there.set_nodelay(true).unwrap();
                tap.relay(wire, client, there);
            }
        });
        address
    }

    fn relay(&self, wire: Wire, client: TcpStream, server: TcpStream) {
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let line = Line { tap: self.clone(), waiting: Arc::default() };
        let (up, down) = (line.clone(), line);
        tokio::spawn(async move {
            // An end of either side ends the line.
            let _ = match wire {
                Wire::Postgres => up.postgres_up(from_client, to_server).await,
                Wire::Http => up.http_up(from_client, to_server).await,
            };
        });
        tokio::spawn(async move {
            let _ = match wire {
                Wire::Postgres => down.postgres_down(from_server, to_client).await,
                Wire::Http => down.http_down(from_server, to_client).await,
            };
        });
    }

    /// An action is about to happen. Gives its number beside what to do.
    fn meets(&self, name: &str) -> (Option<usize>, Verdict) {
        let mut state = self.0.lock().unwrap();
        if !state.is_armed {
            return (None, Verdict::Pass);
        }
        state.seen.push((name.to_owned(), true));
        let number = Some(state.seen.len() - 1);
        // What is not the next of the script is something that goes on beside it.
        let Some(blow) = &mut state.blow else { return (number, Verdict::Pass) };
        if blow.script.front().map(String::as_str) != Some(name) {
            return (number, Verdict::Pass);
        }
        blow.script.pop_front();
        if blow.left > 0 {
            blow.left -= 1;
            return (number, Verdict::Pass);
        }
        blow.script.clear();
        match blow.moment {
            Moment::Before => (number, Verdict::KillNow),
            Moment::After => (number, Verdict::KillWhenAnswered),
        }
    }

    fn did_nothing(&self, number: usize) {
        self.0.lock().unwrap().seen[number].1 = false;
    }

    fn kill(&self) {
        let kill = {
            let mut state = self.0.lock().unwrap();
            state.is_dead = true;
            state.kill.take()
        };
        if let Some(kill) = kill {
            tokio::task::block_in_place(kill);
        }
    }
}

/// One connection.
#[derive(Clone)]
struct Line {
    tap: Tap,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    /// What was sent and is not answered, by number where it counts.
    sent: VecDeque<Option<usize>>,
    /// The next answer is the last thing that happens.
    fatal: bool,
}

type Ended = std::io::Result<()>;

fn gone() -> std::io::Error {
    std::io::Error::other("the gateway is dead")
}

impl Line {
    /// Lets an action through, or ends everything.
    fn act(&self, name: Option<&str>) -> Ended {
        let (number, verdict) = match name {
            Some(name) => self.tap.meets(name),
            None => (None, Verdict::Pass),
        };
        self.waiting.lock().unwrap().sent.push_back(number);
        match verdict {
            Verdict::Pass if self.tap.struck() => Err(gone()),
            Verdict::Pass => Ok(()),
            Verdict::KillWhenAnswered => {
                self.waiting.lock().unwrap().fatal = true;
                Ok(())
            }
            Verdict::KillNow => {
                self.tap.kill();
                Err(gone())
            }
        }
    }

    fn is_fatal(&self) -> bool {
        self.waiting.lock().unwrap().fatal
    }

    async fn postgres_up(self, from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Ended {
        let mut from = BufReader::new(from);
        let (mut statements, mut bound) = (HashMap::new(), None);
        // The first message has no letter.
        let length = from.read_u32().await?;
        let body = exactly(&mut from, length).await?;
        to.write_all(&[&length.to_be_bytes(), &*body].concat()).await?;
        loop {
            let letter = from.read_u8().await?;
            let length = from.read_u32().await?;
            let body = exactly(&mut from, length).await?;
            let mut texts = body.split(|byte| *byte == 0);
            let mut text = || String::from_utf8_lossy(texts.next().unwrap_or_default());
            match letter {
                b'P' => {
                    let name = text().into_owned();
                    statements.insert(name, durable(&text()));
                }
                b'B' => {
                    let _portal = text();
                    bound = statements.get(text().as_ref()).cloned().flatten();
                }
                b'Q' => self.act(durable(&text()).as_deref())?,
                b'E' => self.act(bound.as_deref())?,
                _ => {}
            }
            to.write_all(&[&[letter], &length.to_be_bytes()[..], &*body].concat()).await?;
        }
    }

    async fn postgres_down(self, from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Ended {
        let mut from = BufReader::new(from);
        loop {
            let letter = from.read_u8().await?;
            let length = from.read_u32().await?;
            let body = exactly(&mut from, length).await?;
            if self.is_fatal() {
                if letter == b'Z' {
                    self.tap.kill();
                    return Err(gone());
                }
                continue;
            }
            if matches!(letter, b'C' | b'E' | b'I' | b's') {
                let sent = self.waiting.lock().unwrap().sent.pop_front().flatten();
                let in_vain = letter != b'C' || body.ends_with(b" 0\0");
                if let Some(number) = sent.filter(|_| in_vain) {
                    self.tap.did_nothing(number);
                }
            }
            if self.tap.struck() {
                return Err(gone());
            }
            to.write_all(&[&[letter], &length.to_be_bytes()[..], &*body].concat()).await?;
        }
    }

    async fn http_up(self, from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Ended {
        let mut from = BufReader::new(from);
        loop {
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let begin = head.len();
                if from.read_line(&mut head).await? == 0 {
                    return Ok(());
                }
                let line = head[begin..].trim_end().to_ascii_lowercase();
                if let Some(number) = line.strip_prefix("content-length: ") {
                    length = number.parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            from.read_exact(&mut body).await?;
            let request: Vec<&str> = head.split(' ').take(2).collect();
            self.act(Some(&request.join(" ")))?;
            to.write_all(&[head.as_bytes(), &*body].concat()).await?;
        }
    }

    async fn http_down(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Ended {
        let mut piece = vec![0; 64 * 1024];
        loop {
            let length = from.read(&mut piece).await?;
            if self.is_fatal() {
                // Whether an answer began or the line broke: it was worked on.
                self.tap.kill();
                return Err(gone());
            }
            if length == 0 || self.tap.struck() {
                return Err(gone());
            }
            to.write_all(&piece[..length]).await?;
        }
    }
}

/// The rest of a message whose length counts itself.
async fn exactly(from: &mut BufReader<OwnedReadHalf>, length: u32) -> std::io::Result<Vec<u8>> {
    let mut body = vec![0; (length - 4) as usize];
    from.read_exact(&mut body).await?;
    Ok(body)
}

/// What a statement does that outlives the process, in a few words.
fn durable(text: &str) -> Option<String> {
    let text = text.trim_start();
    let words: Vec<&str> = text.split_whitespace().take(3).collect();
    let what = match *words.as_slice() {
        ["COMMIT", ..] => "COMMIT".to_owned(),
        ["INSERT" | "DELETE", _, table] => format!("{} {table}", words[0]),
        ["UPDATE", table, _] if text.contains("SET leased_until") => format!("lease {table}"),
        ["UPDATE", table, _] => format!("UPDATE {table}"),
        ["WITH", ..] => {
            let (_, rest) = text.split_once(") UPDATE ")?;
            format!("lease {}", rest.split_whitespace().next()?)
        }
        _ => return None,
    };
    Some(what)
}
