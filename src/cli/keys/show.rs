//! Main room: `skybridge keys`: how keys are shown, to people and to programs.

use std::io::{self, Write};

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Tenant;
use crate::keys::{Certificate, KeyError, KeyRing, KeyState, Kid};

/// One key as it is shown.
pub(super) struct Row<'a> {
    pub(super) kid: &'a Kid,
    pub(super) state: KeyState,
    pub(super) created: OffsetDateTime,
    pub(super) certificate: &'a Certificate,
}

impl Row<'_> {
    pub(super) fn as_json(&self, tenant: &Tenant, now: OffsetDateTime) -> Value {
        let retired = self.state == KeyState::Retired;
        let certificate = self.certificate;
        json!({
            "tenant": tenant.id,
            "kid": self.kid.as_str(),
            "state": self.state.word(),
            "kind": certificate.kind().to_string(),
            "created": instant(self.created),
            "not_before": instant(certificate.not_before()),
            "not_after": instant(certificate.not_after()),
            "subject": certificate.subject(),
            "sha256": certificate.fingerprint(),
            "sso_url": (!retired).then(|| tenant.address_of(self.kid)),
            "warning": self.warning(now),
        })
    }

    /// What wants attention; nothing does on a retired key.
    fn warning(&self, now: OffsetDateTime) -> Option<String> {
        let warning = self.certificate.warning(now)?;
        (self.state != KeyState::Retired).then(|| warning.to_string())
    }
}

fn rows(ring: &KeyRing) -> impl Iterator<Item = Row<'_>> {
    let keys = ring.keys().map(|key| Row {
        kid: &key.kid,
        state: key.state,
        created: key.created,
        certificate: &key.certificate,
    });
    let retired = ring.retired().iter().map(|key| Row {
        kid: &key.kid,
        state: KeyState::Retired,
        created: key.created,
        certificate: &key.certificate,
    });
    keys.chain(retired)
}

/// For people.
pub(super) fn print_ring(
    tenant: &Tenant,
    ring: &Result<KeyRing, KeyError>,
    now: OffsetDateTime,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", tenant.id)?;
    let ring = match ring {
        Ok(ring) => ring,
        Err(error) => return writeln!(out, "  {error}"),
    };
    writeln!(
        out,
        "  {:<16}  {:<8}  {:<8}  MADE        EXPIRES     SHA-256",
        "KEY", "STATE", "KIND"
    )?;
    for row in rows(ring) {
        writeln!(
            out,
            "  {:<16}  {:<8}  {:<8}  {}  {}  {}…",
            row.kid,
            row.state.word(),
            row.certificate.kind().to_string(),
            row.created.date(),
            row.certificate.not_after().date(),
            &row.certificate.fingerprint()[..23],
        )?;
        if let Some(warning) = row.warning(now) {
            writeln!(out, "    attention: {warning}")?;
        }
    }
    Ok(())
}

/// For programs.
pub(super) fn ring_as_json(
    tenant: &Tenant,
    ring: &Result<KeyRing, KeyError>,
    now: OffsetDateTime,
) -> Value {
    match ring {
        Ok(ring) => {
            let keys: Vec<Value> = rows(ring).map(|row| row.as_json(tenant, now)).collect();
            json!({ "tenant": tenant.id, "keys": keys, "error": null })
        }
        Err(error) => json!({ "tenant": tenant.id, "keys": [], "error": error.to_string() }),
    }
}

fn instant(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
