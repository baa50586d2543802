//! What names, numbers, addresses and passwords look like. Apart room `fakecloud`; contract §7.4 to
//! §7.6.

use crate::fakecloud::bounds;

/// The eleven digits of a mobile number of China, with `0086-` in front or without.
pub(crate) fn china_mobile(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0086-").unwrap_or(text);
    let fits = digits.len() == 11
        && digits.starts_with('1')
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    fits.then(|| digits.to_owned())
}

/// An e-mail address as it is compared: in lower case.
pub(crate) fn email(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let visible = text.bytes().all(|octet| octet.is_ascii_graphic());
    let fits = !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && visible
        && text.len() <= bounds::EMAIL_CHARS;
    fits.then(|| text.to_ascii_lowercase())
}

/// Whether an account may be made under this name (§7.6).
pub(crate) fn is_account_name(name: &str) -> bool {
    may_begin(name, b"_-") && is_name(name)
}

/// Whether this name may be asked for (§7.4): the page on checking leaves the underscore out.
pub(super) fn is_name_to_check(name: &str) -> bool {
    may_begin(name, b"-") && is_name(name)
}

/// Whether this may be the password of an account of this name and contact (§7.6).
pub(super) fn is_password(password: &str, name: Option<&str>, contact: Option<&str>) -> bool {
    let kinds = [
        password.chars().any(|c| c.is_ascii_uppercase()),
        password.chars().any(|c| c.is_ascii_lowercase()),
        password.chars().any(|c| c.is_ascii_digit()),
        password.chars().any(|c| c.is_ascii_punctuation()),
    ];
    let is_name = |name: &str| password == name || password.chars().eq(name.chars().rev());
    password.chars().count() >= 8
        && kinds.iter().filter(|kind| **kind).count() >= 2
        && !name.is_some_and(is_name)
        && !contact.is_some_and(|contact| password.contains(contact))
}

fn may_begin(name: &str, marks: &[u8]) -> bool {
    name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || marks.contains(&b))
}

fn is_name(name: &str) -> bool {
    (5..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && !name.starts_with("op_")
        && !name.starts_with("shadow_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobile_number_of_china_has_eleven_digits_whatever_is_in_front() {
        assert_eq!(china_mobile("13800000000").as_deref(), Some("13800000000"));
        assert_eq!(china_mobile("0086-13800000000").as_deref(), Some("13800000000"));
        for other in ["1380000000", "23800000000", "0001-13800000000", "1380000000x", ""] {
            assert_eq!(china_mobile(other), None, "{other}");
        }
    }

    #[test]
    fn an_address_has_two_sides_and_no_case() {
        assert_eq!(email("Ann@Example.com").as_deref(), Some("ann@example.com"));
        for other in ["", "ann", "@b", "a@", "a@b@c", "a b@c", "字@c"] {
            assert_eq!(email(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_has_5_to_32_plain_characters_and_begins_well() {
        for name in ["abcde", "-abcd", "A2345", &"a".repeat(32)] {
            assert!(is_account_name(name) && is_name_to_check(name), "{name}");
        }
        assert!(is_account_name("_abcd") && !is_name_to_check("_abcd"));
        for name in ["abcd", "op_abc", "shadow_abc", "12345", "1abcd", "ab cd", &"a".repeat(33)] {
            assert!(!is_account_name(name) && !is_name_to_check(name), "{name}");
        }
    }

    #[test]
    fn a_password_has_two_kinds_of_characters_and_is_not_the_name() {
        let good = |password| is_password(password, Some("abc12345"), Some("13800000000"));
        assert!(good("abcd1234") && good("ABCDefgh") && good("abcdefg!"));
        for bad in ["abc123", "abcdefgh", "12345678", "abc12345", "54321cba", "a13800000000"] {
            assert!(!good(bad), "{bad}");
        }
    }
}
