//! For the tests of this room: two small keys, made once a run, and records that hold them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::macros::datetime;

use super::make::{Material, make};
use super::{KeyRecord, KeySize, KeyState, MasterKey, Recipe};
use crate::random::SequenceRandom;

pub(super) const NOW: OffsetDateTime = datetime!(2026-11-21 10:00 UTC);

static KEYS: LazyLock<[Material; 2]> = LazyLock::new(|| {
    ["a.example", "b.example"].map(|host| {
        let recipe = Recipe { host: host.into(), size: KeySize::Rsa2048, years: 10 };
        make(&recipe, NOW, &SequenceRandom::new(1)).unwrap()
    })
});

pub(super) fn key_a() -> Material {
    copy(&KEYS[0])
}

pub(super) fn key_b() -> Material {
    copy(&KEYS[1])
}

pub(super) fn master() -> MasterKey {
    MasterKey::from_bytes(&[7; 32]).unwrap()
}

pub(super) fn record(tenant: &str, kid: &str, state: KeyState, key: &Material) -> KeyRecord {
    let kid = kid.parse().unwrap();
    let sealed = master().seal(&key.private, (tenant, &kid), &SequenceRandom::new(2)).unwrap();
    KeyRecord {
        kid,
        state,
        created: NOW,
        certificate: key.certificate.der().to_vec(),
        sealed: (state != KeyState::Retired).then_some(sealed),
    }
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn copy(key: &Material) -> Material {
    Material { private: key.private.clone(), certificate: key.certificate.clone() }
}
