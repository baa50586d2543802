//! Malformed requests without end, of many kinds, from one number: the same number makes the same
//! ones.

use std::io;
use std::net::SocketAddr;

use super::octets;
use crate::support::gateway::browser::Answer;
use crate::support::gateway::hostile::{Hostile, messages, others};
use crate::support::wire::Wire;

/// How many requests go over one kept connection at most.
const KEPT: usize = 200;

/// Numbers that look random (`SplitMix64`).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).expect("fewer than sides")
    }
}

/// What is sent.
pub(super) struct Arsenal {
    /// Those with codes of their own; without one, it changes with the time.
    rows: Vec<(Vec<u8>, Option<&'static str>)>,
    /// What is mutated.
    seeds: Vec<Seed>,
}

struct Seed {
    target: String,
    body: Option<(&'static str, String)>,
}

impl Arsenal {
    pub(super) fn new(at: i64) -> Self {
        let mut all: Vec<Hostile> = messages(at).into_iter().chain(others(at)).collect();
        all.retain(|hostile| !hostile.is_of_a_moment());
        let code = |it: &Hostile| Some(it.code).filter(|_| !it.name.starts_with("ticket"));
        let rows = all.iter().map(|hostile| (octets(hostile), code(hostile))).collect();
        let is_seed = |hostile: &Hostile| {
            let length =
                hostile.target.len() + hostile.body.as_ref().map_or(0, |body| body.1.len());
            length < 8 * 1024 && hostile.headers.is_empty()
        };
        let seed = |hostile: Hostile| Seed { target: hostile.target, body: hostile.body };
        Self { rows, seeds: all.into_iter().filter(is_seed).map(seed).collect() }
    }
}

/// One client.
pub(super) struct Client<'a> {
    arsenal: &'a Arsenal,
    address: SocketAddr,
    dice: Dice,
    kept: Option<(Wire, usize)>,
    /// Answers that were no refusal.
    pub(super) wrong: Vec<String>,
}

impl<'a> Client<'a> {
    pub(super) fn new(arsenal: &'a Arsenal, address: SocketAddr, seed: u64) -> Self {
        Self { arsenal, address, dice: Dice(seed), kept: None, wrong: Vec::new() }
    }

    /// Sends so many malformed requests, and leaves.
    pub(super) async fn send(&mut self, requests: usize) {
        for _ in 0..requests {
            match self.dice.throw(20) {
                0 => self.break_http().await,
                1 => self.give_up().await,
                2..=9 => self.row().await,
                _ => self.mutant().await,
            }
        }
        self.kept = None;
    }

    async fn row(&mut self) {
        let (octets, code) = &self.arsenal.rows[self.dice.throw(self.arsenal.rows.len())];
        match self.ask(octets).await {
            Ok(answer) if code.is_some() && answer.code().as_deref() == *code => {}
            Ok(answer) if code.is_none() && answer.status.is_client_error() => {}
            other => self.wrong.push(format!("expected {code:?}, found {other:?}")),
        }
    }

    /// Something hostile with a few octets changed, taken away or doubled.
    async fn mutant(&mut self) {
        let seed = &self.arsenal.seeds[self.dice.throw(self.arsenal.seeds.len())];
        let (mut target, mut body) = (seed.target.clone().into_bytes(), Vec::new());
        if let Some((_, text)) = &seed.body {
            body.extend_from_slice(text.as_bytes());
        }
        for _ in 0..=self.dice.throw(3) {
            if body.is_empty() || self.dice.throw(8) == 0 {
                let from = target.iter().position(|octet| *octet == b'?').unwrap_or(0) + 1;
                // What an address is made of: other octets break HTTP, which is another kind.
                self.mutate(&mut target, from, |octet| (b'!'..=b'~').contains(&octet));
            } else {
                self.mutate(&mut body, 0, |_| true);
            }
        }
        let method = if seed.body.is_some() { "POST" } else { "GET" };
        let mut octets = format!("{method} ").into_bytes();
        octets.extend_from_slice(&target);
        let length = body.len();
        let head = match seed.body {
            Some((kind, _)) => format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n"),
            None => String::new(),
        };
        octets.extend_from_slice(format!(" HTTP/1.1\r\nHost: x\r\n{head}\r\n").as_bytes());
        octets.extend_from_slice(&body);
        match self.ask(&octets).await {
            Ok(answer)
                if answer.status.is_server_error() || answer.body.contains("SAMLResponse\"") =>
            {
                self.wrong.push(format!("{answer:?} to {}", String::from_utf8_lossy(&octets)));
            }
            Ok(_) => {}
            Err(error) => {
                self.wrong.push(format!("{error:?} to {}", String::from_utf8_lossy(&octets)));
            }
        }
    }

    fn mutate(&mut self, octets: &mut Vec<u8>, from: usize, is_legal: impl Fn(u8) -> bool) {
        if octets.len() <= from {
            return;
        }
        let at = from + self.dice.throw(octets.len() - from);
        match self.dice.throw(4) {
            0 => {
                octets.remove(at);
            }
            1 => octets.truncate(at),
            2 => {
                let end = (at + 1 + self.dice.throw(16)).min(octets.len());
                let twice = octets[at..end].to_vec();
                octets.splice(at..at, twice);
            }
            _ => {
                let octet = u8::try_from(self.dice.throw(256)).expect("an octet");
                octets[at] = if is_legal(octet) { octet } else { b'%' };
            }
        }
    }

    /// Asks over the connection that is kept, or over a new one.
    async fn ask(&mut self, octets: &[u8]) -> io::Result<Answer> {
        let (mut wire, times) = match self.kept.take() {
            Some((wire, times)) if times < KEPT => (wire, times),
            _ => (Wire::open(self.address).await?, 0),
        };
        let sent = wire.send(octets).await;
        let answer = wire.answer().await;
        let answer = match (sent, answer) {
            (_, Ok(answer)) => answer,
            // Ended between two requests, which is anybody's right; a new one is not.
            (_, Err(error)) if times == 0 => return Err(error),
            _ => {
                wire = Wire::open(self.address).await?;
                let _ = wire.send(octets).await;
                wire.answer().await?
            }
        };
        let closes = answer.header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"));
        // Who was refused for the size of a body has not been read to the end.
        if !closes && answer.status.as_u16() != 413 && answer.status.as_u16() != 431 {
            self.kept = Some((wire, times + 1));
        }
        Ok(answer)
    }

    /// Something that is not HTTP, until the other side has had enough.
    async fn break_http(&mut self) {
        let large = format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", "x".repeat(70_000));
        let noise: Vec<u8> =
            (0..200).map(|_| u8::try_from(self.dice.throw(256)).expect("an octet")).collect();
        let pieces: [&[u8]; 12] = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
            b"GET  /  HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
            b"POST /acme/saml/sso HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
            b"POST /acme/saml/sso HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"POST /acme/saml/sso HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            b"POST /acme/saml/sso HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            large.as_bytes(),
            &noise,
        ];
        let piece = pieces[self.dice.throw(pieces.len())];
        let Ok(mut wire) = Wire::open(self.address).await else {
            return self.wrong.push("nobody listens".to_owned());
        };
        if wire.send(piece).await.is_ok() && wire.fall_silent().await.is_ok() {
            match wire.read_out().await {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    self.wrong.push(format!("kept: {}", String::from_utf8_lossy(piece)));
                }
                _ => {}
            }
        }
    }

    /// A connection on which somebody begins and goes away.
    async fn give_up(&mut self) {
        let begun: [&[u8]; 6] = [
            b"",
            b"GET",
            b"GET /acme/saml/sso?SAMLRequest=abc HTTP/1.1\r\nHost: x\r\n",
            b"POST /acme/saml/sso HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nSAMLRequest=",
            b"POST /acme/link-result HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nbind",
            b"GET /acme/launch?ticket=never-given-out HTTP/1.1\r\nHost: x\r\n\r\n",
        ];
        let begun = begun[self.dice.throw(begun.len())];
        let Ok(mut wire) = Wire::open(self.address).await else {
            return self.wrong.push("nobody listens".to_owned());
        };
        if wire.send(begun).await.is_ok() && self.dice.throw(2) == 0 {
            let _ = wire.break_off();
        }
    }
}

#[test]
fn the_same_number_throws_the_same() {
    let throws = |seed| {
        let mut dice = Dice(seed);
        (0..100).map(|_| dice.throw(20)).collect::<Vec<_>>()
    };
    assert_eq!(throws(1), throws(1));
    assert_ne!(throws(1), throws(2));
}
