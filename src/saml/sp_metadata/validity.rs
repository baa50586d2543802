//! Layer 0, saml: how long metadata may be used (saml-metadata-2.0-os §2.3.1, §2.3.2): the
//! strictest of what the role, its entity and the groups around them say.

use std::time::Duration;

use time::OffsetDateTime;

use crate::saml::error::Error;
use crate::saml::types::{format_instant, parse_instant, value};
use crate::saml::xml::Element;

/// The strictest limits that govern a description.
pub(super) struct Validity {
    pub(super) until: Option<OffsetDateTime>,
    pub(super) cache: Option<Duration>,
}

/// Reads the limits of the elements that govern a description.
pub(super) fn read<'d>(
    governing: impl Iterator<Item = Element<'d>>,
    now: OffsetDateTime,
) -> Result<Validity, Error> {
    let mut validity = Validity { until: None, cache: None };
    for element in governing {
        if let Some(text) = element.attribute("validUntil") {
            let until = parse_instant("validUntil", text.trim_ascii())?;
            validity.until = Some(validity.until.map_or(until, |other| other.min(until)));
        }
        if let Some(text) = element.attribute("cacheDuration") {
            let cache = duration(text.trim_ascii())
                .ok_or_else(|| value("cacheDuration", "a duration such as PT6H", text))?;
            validity.cache = Some(validity.cache.map_or(cache, |other| other.min(cache)));
        }
    }
    match validity.until {
        Some(until) if until <= now => Err(Error::MetadataExpired { until: format_instant(until) }),
        _ => Ok(validity),
    }
}

/// An `xs:duration` that is not negative: `P[nY][nM][nD][T[nH][nM][n[.n]S]]`. It only says when to
/// look again, so a year counts 365 days, a month 30, and fractions of a second nothing.
pub(in crate::saml) fn duration(text: &str) -> Option<Duration> {
    const DATE: &[(char, u64)] = &[('Y', 31_536_000), ('M', 2_592_000), ('D', 86_400)];
    const TIME: &[(char, u64)] = &[('H', 3_600), ('M', 60), ('S', 1)];
    let text = text.strip_prefix('P')?;
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    if time.map_or(date, |time| time).is_empty() {
        return None;
    }
    let seconds = fields(date, DATE)?.checked_add(fields(time.unwrap_or_default(), TIME)?)?;
    Some(Duration::from_secs(seconds))
}

/// The sum of the fields of `text`, each a number and its unit, in the order of `units`.
fn fields(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut sum = 0_u64;
    for (unit, seconds) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        let whole = match number.split_once('.') {
            Some((whole, fraction)) if *unit == 'S' && is_digits(fraction) => whole,
            Some(_) => return None,
            None => number,
        };
        if !is_digits(whole) {
            return None;
        }
        sum = sum.checked_add(whole.parse::<u64>().ok()?.checked_mul(*seconds)?)?;
        text = rest;
    }
    text.is_empty().then_some(sum)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_in_seconds() {
        for (text, seconds) in [
            ("PT6H", 21_600),
            ("P1D", 86_400),
            ("P1Y2M3DT4H5M6.7S", 31_536_000 + 5_184_000 + 259_200 + 14_706),
            ("PT0S", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "P1H",
            "PT1D",
            "-PT1H",
            "PT-1H",
            "P1DT",
            "PT1S1H",
            "PT1.5H",
            "PT.5S",
            "PT99999999999999999999S",
            "P99999999999999999Y",
            "6H",
            "PT1HX",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
