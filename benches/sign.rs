//! How much a complete signed Response costs beside the RSA operation in it: writing, digesting and
//! splicing may take a twentieth at most (bar: ratio 0.95).
//!
//! `cargo bench --bench sign [-- --json]`. One thread signs, in turns within each round, complete
//! Responses (six attributes, the Assertion signed, fresh ids and times) and bare messages of the
//! size of `SignedInfo`, with the same RSA-2048 key of the same library. What counts is the
//! processor time of that thread, so that other work on the machine matters little. The ratio is
//! the median of the rounds. Beside it stand the rates of other ways to sign and of encryption,
//! which no bar is on. Without `--bench`, as `cargo test` starts it, a few of each show that
//! it works.

#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/support/answer.rs"]
mod answer;

use std::collections::BTreeMap;
use std::hint::black_box;

use answer::Answer;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use rcgen::RsaKeySize;
use rustix::time::{ClockId, clock_gettime};
use skybridge::app::system::SystemRandom;
use skybridge::random;
use skybridge::saml::allowed::Declared;
use skybridge::saml::encryption::{EncryptionKey, Envelope, Methods, Recipient, Unauthenticated};
use skybridge::saml::key::KeyKind;
use skybridge::saml::response::{Signed, Signing};
use skybridge::saml::signature::sign::PrefixList;
use skybridge::saml::{MessageId, SigningKey};

/// So many of one kind before it is the other's turn.
const TURN: u32 = 4;

fn main() {
    let is_set = |name: &str| std::env::args().any(|argument| argument == name);
    let (rounds, turns) = if is_set("--bench") { (31, 80) } else { (1, 1) };
    let mut bench = Bench::new();
    bench.round(turns);
    let measured: Vec<_> = (0..rounds).map(|_| bench.round(turns)).collect();
    let others = ways().into_iter().map(|mut way| (way.name, way.rate(rounds, turns)));
    let report = Report::of(&measured, turns * TURN, others.collect());
    if is_set("--json") {
        println!("{}", report.json());
    } else {
        report.print();
    }
}

/// Both signers, with the same key.
struct Bench {
    answer: Answer,
    signing: Signing,
    key: SigningKey,
    bare: KeyPair,
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// What one round took, seconds.
struct Round {
    responses: f64,
    bare: f64,
}

impl Bench {
    fn new() -> Self {
        let (pkcs8, certificate) = pair(RsaKeySize::_2048);
        let key = SigningKey::new(&pkcs8, &certificate).unwrap();
        assert_eq!(key.kind(), KeyKind::Rsa(2048));
        let answer = Answer::of_the_contract();
        let signing = signing(Signed::Assertion);
        let document = answer.sign(&key, &signing).unwrap();
        let start = document.find("<ds:SignedInfo>").unwrap();
        let end = document.find("<ds:SignatureValue>").unwrap();
        let bare = KeyPair::from_pkcs8(&pkcs8).unwrap();
        let signature = vec![0; bare.public_modulus_len()];
        let message = document.as_bytes()[start..end].to_vec();
        Self { answer, signing, key, bare, message, signature }
    }

    fn round(&mut self, turns: u32) -> Round {
        let mut round = Round { responses: 0.0, bare: 0.0 };
        for _ in 0..turns {
            let start = thread_time();
            (0..TURN).for_each(|_| self.sign_response());
            let middle = thread_time();
            (0..TURN).for_each(|_| self.sign_bare());
            round.responses += middle - start;
            round.bare += thread_time() - middle;
        }
        round
    }

    fn sign_response(&mut self) {
        renew(&mut self.answer);
        black_box(self.answer.sign(&self.key, &self.signing).unwrap());
    }

    fn sign_bare(&mut self) {
        let unused = aws_lc_rs::rand::SystemRandom::new();
        let message = black_box(&self.message);
        self.bare.sign(&RSA_PKCS1_SHA256, &unused, message, &mut self.signature).unwrap();
        black_box(&self.signature);
    }
}

/// Another way to make a Response.
struct Way {
    name: &'static str,
    answer: Answer,
    signing: Signing,
    key: SigningKey,
    /// Whom it is encrypted for, if it is.
    readers: Vec<EncryptionKey>,
}

impl Way {
    fn new(name: &'static str, what: Signed, (pkcs8, certificate): (Vec<u8>, Vec<u8>)) -> Self {
        let key = SigningKey::new(&pkcs8, &certificate).unwrap();
        let answer = Answer::of_the_contract();
        Self { name, answer, signing: signing(what), key, readers: Vec::new() }
    }

    /// How many a second, the median of the rounds.
    fn rate(&mut self, rounds: u32, turns: u32) -> f64 {
        let round = |way: &mut Self| {
            let start = thread_time();
            (0..turns).for_each(|_| way.make());
            f64::from(turns) / (thread_time() - start)
        };
        round(self);
        median((0..rounds).map(|_| round(self)).collect())
    }

    fn make(&mut self) {
        renew(&mut self.answer);
        let recipient = Recipient::choose(&self.readers, Unauthenticated::Refuse);
        black_box(match recipient.map(|recipient| Envelope::new(recipient, &SystemRandom)) {
            None => self.answer.sign(&self.key, &self.signing).unwrap(),
            Some(envelope) => self.answer.seal(&self.key, &self.signing, envelope).unwrap(),
        });
    }
}

/// The ways that are told beside the one with the bar.
fn ways() -> Vec<Way> {
    let of_rsa_2048 = pair(RsaKeySize::_2048);
    let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let (_, reader) = pair(RsaKeySize::_2048);
    let encrypted = Way::new("RSA-2048, encrypted", Signed::Assertion, of_rsa_2048.clone());
    let readers = vec![EncryptionKey::new(&reader, Methods::default()).unwrap()];
    vec![
        Way::new("RSA-2048, both signed", Signed::Both, of_rsa_2048),
        Way::new("RSA-3072", Signed::Assertion, pair(RsaKeySize::_3072)),
        Way::new("RSA-3072, both signed", Signed::Both, pair(RsaKeySize::_3072)),
        Way::new("P-256", Signed::Assertion, certified(&ec)),
        Way::new("P-256, both signed", Signed::Both, certified(&ec)),
        Way { readers, ..encrypted },
    ]
}

fn pair(size: RsaKeySize) -> (Vec<u8>, Vec<u8>) {
    certified(&rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap())
}

/// The key as PKCS#8, and a certificate.
fn certified(pair: &rcgen::KeyPair) -> (Vec<u8>, Vec<u8>) {
    let params = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
    (pair.serialize_der(), params.self_signed(pair).unwrap().der().to_vec())
}

fn signing(what: Signed) -> Signing {
    let prefixes = PrefixList::new(["xsd"]).unwrap();
    Signing { what, prefixes, declared: Declared::default() }
}

/// Gives the answer ids and times of its own.
fn renew(answer: &mut Answer) {
    let fresh = || MessageId::parse(&random::xml_id(&SystemRandom)).unwrap();
    answer.response_id = fresh();
    answer.assertion_id = fresh();
    answer.name_id = random::xml_id(&SystemRandom);
    answer.now += time::Duration::milliseconds(7);
}

/// What the rounds come to.
struct Report {
    responses: f64,
    bare: f64,
    /// The ratios of the rounds, sorted.
    ratios: Vec<f64>,
    /// Other ways, by name.
    others: Vec<(&'static str, f64)>,
}

impl Report {
    fn of(rounds: &[Round], signatures: u32, others: Vec<(&'static str, f64)>) -> Self {
        let rate = |seconds| f64::from(signatures) / median(seconds);
        let ratio = |round: &Round| round.bare / round.responses;
        Self {
            responses: rate(rounds.iter().map(|round| round.responses).collect()),
            bare: rate(rounds.iter().map(|round| round.bare).collect()),
            ratios: sorted(rounds.iter().map(ratio).collect()),
            others,
        }
    }

    fn print(&self) {
        let micros = |rate: f64| 1e6 / rate;
        let (responses, bare) = (self.responses, self.bare);
        println!("signed Responses          {responses:7.1}/s, {:6.1} µs each", micros(responses));
        println!("bare RSA-2048 signatures  {bare:7.1}/s, {:6.1} µs each", micros(bare));
        for (name, rate) in &self.others {
            println!("{name:24}  {rate:7.1}/s, {:6.1} µs each", micros(*rate));
        }
        let (least, most) = (self.ratios[0], self.ratios[self.ratios.len() - 1]);
        println!("{} rounds, ratios from {least:.3} to {most:.3}", self.ratios.len());
        println!("ratio {:.2}", median(self.ratios.clone()));
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "responses_per_second": self.responses,
            "bare_per_second": self.bare,
            "others_per_second": self.others.iter().copied().collect::<BTreeMap<_, _>>(),
            "rounds": self.ratios.len(),
            "ratio": median(self.ratios.clone()),
            "ratio_min": self.ratios[0],
            "ratio_max": self.ratios[self.ratios.len() - 1],
        })
    }
}

/// The processor time that this thread has spent, seconds.
fn thread_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    std::time::Duration::try_from(time).unwrap().as_secs_f64()
}

fn median(values: Vec<f64>) -> f64 {
    let sorted = sorted(values);
    sorted[sorted.len() / 2]
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
