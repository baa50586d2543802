//! Layer 0, saml: escapes: those of Canonical XML (Canonical XML 1.0 §2.3), for writer and
//! canonicaliser alike, and what the reader takes back.

use std::borrow::Cow;

use super::{Sink, is_xml_char};

/// Appends `text` as element content.
pub(super) fn text(out: &mut impl Sink, text: &str) {
    push(out, text, |c| match c {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Appends `value` as the inside of a double-quoted attribute value.
pub(super) fn attribute(out: &mut impl Sink, value: &str) {
    push(out, value, |c| match c {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#x9;"),
        b'\n' => Some("&#xA;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Whether every byte of `text` may be written as it is, in text and in attributes alike. True of
/// nearly all that is ever written; without a branch, so that many bytes are looked at at once.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| {
        plain & matches!(byte, b' '..=b'~') & !matches!(byte, b'&' | b'<' | b'>' | b'"')
    })
}

fn push(out: &mut impl Sink, text: &str, escape: impl Fn(u8) -> Option<&'static str>) {
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(escaped) = escape(byte) {
            // Only ASCII bytes are escaped, so `at` always lies between characters.
            out.take(&text[start..at]);
            out.take(escaped);
            start = at + 1;
        }
    }
    out.take(&text[start..]);
}

/// The five predefined entities and character references (XML 1.0 §4.1); no other entity exists.
pub(super) fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => {}
    }
    let number = name.strip_prefix('#')?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    // from_str_radix would take a sign.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let c = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    is_xml_char(c).then_some(c)
}

/// Line ends of text are `\n` (XML 1.0 §2.11).
pub(super) fn normalise_newlines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    }
}
