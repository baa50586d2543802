//! Layer 2, cloud: the forms that values of attributes have (contract §4.3).

use serde::Deserialize;

use crate::saml::xml::is_xml_char;

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Any text without control characters.
    Text,
    /// An opaque id: no white space, and neither an e-mail address (no `@`) nor a phone number (no
    /// `+` in front), since those change hands while the id stays with the account (contract §11).
    OpaqueId,
    /// An e-mail address as HTML forms take it (contract §4.3).
    Email,
    /// `country code-number`, the country code with `00` in front: `0086-13800000000` (contract
    /// §4.3).
    Mobile,
    /// An account name of the cloud: 5 to 32 letters, digits, `_` or `-`, no digit in front, and
    /// not beginning with
    /// `op_` or `shadow_` (contract §7.6).
    DomainName,
}

impl Pattern {
    /// Whether `value`, which is not empty, has this form.
    #[must_use]
    pub fn fits(self, value: &str) -> bool {
        match self {
            Self::Text => {
                !value.trim().is_empty() && value.chars().all(|c| is_xml_char(c) && !c.is_control())
            }
            Self::OpaqueId => {
                !value.starts_with('+')
                    && !value.contains(|c: char| {
                        c == '@' || c.is_whitespace() || c.is_control() || !is_xml_char(c)
                    })
            }
            Self::Email => is_email(value),
            Self::Mobile => is_mobile(value),
            Self::DomainName => is_domain_name(value),
        }
    }

    pub(super) fn expectation(self) -> &'static str {
        match self {
            Self::Text => "text without control characters",
            Self::OpaqueId => "an opaque id without white space, no e-mail address or phone number",
            Self::Email => "an e-mail address",
            Self::Mobile => "a mobile number such as 0086-13800000000",
            Self::DomainName => {
                "5 to 32 letters, digits, _ or -, no digit in front, not beginning with op_ or \
                 shadow_"
            }
        }
    }
}

/// The expression that contract §4.3 quotes and HTML defines for `<input type=email>`.
fn is_email(value: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    value.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
            && domain.split('.').all(is_label)
    })
}

/// `00`, a country code of 1 to 4 digits, a hyphen, a number of 4 to 15 digits (ITU-T E.164 allows
/// no more).
fn is_mobile(value: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    value.strip_prefix("00").and_then(|rest| rest.split_once('-')).is_some_and(
        |(country, number)| {
            (1..=4).contains(&country.len())
                && !country.starts_with('0')
                && digits(country)
                && (4..=15).contains(&number.len())
                && digits(number)
        },
    )
}

fn is_domain_name(value: &str) -> bool {
    (5..=32).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && !value.starts_with(|c: char| c.is_ascii_digit())
        && !value.starts_with("op_")
        && !value.starts_with("shadow_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_what_html_forms_take() {
        for right in ["a@b", "a.b+c@d-e.example", "!#$%&'*+/=?^_`{|}~-@x.y"] {
            assert!(Pattern::Email.fits(right), "{right}");
        }
        let label = "a".repeat(64);
        for wrong in [
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a@b..c",
            "a@-b",
            "a@b-",
            "a b@c",
            "é@b",
            "a@é",
            "a@b.",
            &format!("a@{label}"),
        ] {
            assert!(!Pattern::Email.fits(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_mobile_number_names_its_country() {
        for right in ["0086-13800000000", "001-2025550123", "00852-61234567"] {
            assert!(Pattern::Mobile.fits(right), "{right}");
        }
        for wrong in [
            "13800000000",
            "86-13800000000",
            "+86-13800000000",
            "0086 13800000000",
            "0086-",
            "00-13800000000",
            "000-13800000000",
            "0086-138000000001234567",
            "0086-1380000000a",
            "0086-٣٨٠٠٠",
        ] {
            assert!(!Pattern::Mobile.fits(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_domain_name_is_the_contracts() {
        for right in ["alice", "_alice", "-alice", "a1234", &"a".repeat(32)] {
            assert!(Pattern::DomainName.fits(right), "{right}");
        }
        for wrong in [
            "alic",
            &"a".repeat(33),
            "1alice",
            "12345",
            "op_alice",
            "shadow_alice",
            "ali ce",
            "爱丽丝爱丽",
        ] {
            assert!(!Pattern::DomainName.fits(wrong), "{wrong}");
        }
    }
}
