//! Layer 0, saml: how long a description says that it is good (saml-metadata-2.0-os §2.3.1,
//! §2.3.2).

use std::time::Duration;

use time::OffsetDateTime;

use super::{Lint, faults, quoted};
use crate::saml::sp_metadata::{End, duration};
use crate::saml::types::{format_instant, parse_instant};
use crate::saml::xml::Element;

/// Before its end a document should have been replaced for so long.
const NEAR: time::Duration = time::Duration::days(7);
/// An end beyond this ends nothing.
const FAR: time::Duration = time::Duration::days(3 * 366);
/// Nobody asks more often than this.
const SHORT: Duration = Duration::from_mins(1);

/// Looks at the role and all that is around it.
pub(super) fn look(role: Element<'_>, lint: &mut Lint<'_>) {
    let mut ends: Vec<(OffsetDateTime, Element<'_>)> = Vec::new();
    let mut shortest: Option<(Duration, Element<'_>)> = None;
    let mut unreadable = false;
    for element in std::iter::successors(Some(role), |element| element.parent()) {
        if let Some(text) = element.attribute("validUntil") {
            if let Ok(end) = parse_instant("validUntil", text.trim_ascii()) {
                ends.push((end, element));
            } else {
                unreadable = true;
                let what = format!("validUntil={} of {}", quoted(text), element.local());
                lint.note(element, END_UNREADABLE, what);
            }
        }
        if let Some(text) = element.attribute("cacheDuration") {
            match duration(text.trim_ascii()) {
                Some(cache) if shortest.is_none_or(|(other, _)| cache < other) => {
                    shortest = Some((cache, element));
                }
                Some(_) => {}
                None => {
                    let what = format!("cacheDuration={} of {}", quoted(text), element.local());
                    lint.note(element, CACHE_UNREADABLE, what);
                }
            }
        }
    }
    let end = ends.into_iter().min_by_key(|(end, _)| *end);
    match end {
        Some((end, element)) => look_at_end(end, element, lint),
        None if lint.question.lifetime.end == End::Required && !unreadable => {
            lint.note(role, END_MISSING, "no validUntil on the role or around it");
        }
        None if !unreadable => {
            lint.note(role, ENDLESS, "no validUntil on the role or around it");
        }
        None => {}
    }
    if let Some((cache, element)) = shortest {
        look_at_cache(cache, end.map(|(end, _)| end), element, lint);
    }
}

fn look_at_end(end: OffsetDateTime, element: Element<'_>, lint: &mut Lint<'_>) {
    let now = lint.question.now;
    let what = format!("validUntil {}", format_instant(end));
    let left = end - now;
    if end <= now {
        lint.note(element, ENDED, what);
    } else if lint.question.lifetime.longest.is_some_and(|longest| left > longest) {
        lint.note(element, END_BEYOND_LIMIT, what);
    } else if left < NEAR {
        lint.note(element, END_NEAR, what);
    } else if left > FAR {
        lint.note(element, END_FAR, what);
    }
}

fn look_at_cache(
    cache: Duration,
    end: Option<OffsetDateTime>,
    element: Element<'_>,
    lint: &mut Lint<'_>,
) {
    let what = format!("cacheDuration of {} s", cache.as_secs());
    let left = end.map(|end| end - lint.question.now).filter(|left| left.is_positive());
    if cache < SHORT {
        lint.note(element, CACHE_SHORT, what);
    } else if left.is_some_and(|left| left < cache) {
        lint.note(element, CACHE_PAST_END, what);
    }
}

faults! {
    END_UNREADABLE = 40, Error,
        "validUntil is no UTC instant.",
        "It is not known when the metadata ends.",
        "Write it as 2027-01-02T03:04:05Z, with Z at its end.";
    ENDED = 41, Error,
        "The metadata's time is over.",
        "It may not be used (saml-metadata-2.0-os §2.3.2).",
        "Ask the service provider for its present metadata; better, register the address where it \
         publishes it.";
    END_NEAR = 42, Warning,
        "The metadata ends within a week.",
        "From then on all its requests are refused.",
        "Register the address where the service provider publishes its metadata, or send the next \
         version in time.";
    END_FAR = 43, Advice,
        "The metadata ends in more than three years.",
        "An old copy with keys that were given up can be passed off as the present one for years.",
        "Let the service provider publish a validUntil of days or weeks, and renew it.";
    END_BEYOND_LIMIT = 44, Error,
        "The metadata ends later than the configuration allows.",
        "It is not taken (`clouds.metadata_valid_within`).",
        "Ask for a document with an earlier validUntil, or raise the limit.";
    END_MISSING = 45, Error,
        "The metadata has no validUntil, and the configuration wants one.",
        "It is not taken (`clouds.metadata_valid_until`).",
        "Ask for a document with a validUntil, or make it optional.";
    CACHE_UNREADABLE = 46, Error,
        "cacheDuration is no duration.",
        "It is not known how soon to look for a newer copy.",
        "Write it as PT6H or P1D.";
    CACHE_SHORT = 47, Warning,
        "cacheDuration is shorter than a minute.",
        "It is not fetched as often as that.",
        "Write an hour, PT1H, or more.";
    CACHE_PAST_END = 48, Warning,
        "cacheDuration is longer than the time that is left until validUntil.",
        "Who looks for a newer copy only after cacheDuration comes too late.",
        "Write a cacheDuration of a fraction of the validity.";
    ENDLESS = 49, Advice,
        "The metadata has no validUntil.",
        "It never ends: an old copy with keys that were given up can be passed off as the present \
         one for ever.",
        "Let the service provider publish a validUntil of days or weeks, and renew it; \
         `clouds.metadata_valid_until` refuses what has none.";
}
