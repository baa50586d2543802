//! Room `page` (layer 4): values that a browser must post back octet for octet (Bindings 3.5.4:
//! `RelayState`), and the addresses they may be posted to. HTML Standard, "Form submission" and
//! "Numeric character reference".

use std::fmt;

use askama::filters::HtmlSafe;

/// A value for a hidden field, proven to survive parsing and form submission unchanged.
///
/// HTML cannot carry everything. A NUL becomes U+FFFD when the page is parsed, and a CR or LF that
/// stands alone becomes CR LF when the form is submitted, whatever the page does. Such values are
/// not of this type.
#[derive(Clone, Copy, Debug)]
pub(super) struct FormValue<'a>(&'a str);

impl<'a> FormValue<'a> {
    /// `value`, or nothing if no HTML form can carry it.
    pub(super) fn new(value: &'a str) -> Option<Self> {
        let bytes = value.as_bytes();
        let carried = bytes.iter().enumerate().all(|(at, byte)| match byte {
            0 => false,
            b'\r' => bytes.get(at + 1) == Some(&b'\n'),
            b'\n' => at > 0 && bytes[at - 1] == b'\r',
            _ => true,
        });
        carried.then_some(Self(value))
    }
}

/// Writes the value for a double-quoted attribute. Line breaks are written as references because
/// the parser turns raw ones into LF; other controls are written raw because references to
/// U+0080…U+009F mean something else.
impl fmt::Display for FormValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.bytes().position(|byte| reference(byte).is_some()) {
            f.write_str(&rest[..at])?;
            f.write_str(reference(rest.as_bytes()[at]).unwrap_or_default())?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// What it writes is escaped already.
impl HtmlSafe for FormValue<'_> {}

fn reference(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        b'\t' => Some("&#9;"),
        b'\n' => Some("&#10;"),
        b'\r' => Some("&#13;"),
        _ => None,
    }
}

/// Where a form, and the redirects that answer it, may lead. Becomes CSP `form-action`.
///
/// Chromium (measured with 156) applies `form-action` to every redirect that follows a form
/// submission and shows the person nothing when it blocks one. So the page that posts to an ACS
/// must also allow the places to which the service provider sends the browser next, and a sign-in
/// form those to which we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward<'a> {
    /// Only the form's own target; nothing redirects to another origin.
    Nowhere,
    /// Besides the target these CSP host sources, such as `https://console.example.com` or
    /// `https://*.example.com`.
    Sources(&'a [&'a str]),
    /// Any address of the web: where the service provider goes next is not known to us.
    Anywhere,
}

/// The `form-action` for a form that posts to `target` (a CSP source) and goes `onward`.
///
/// A source that could end the directive or start another is left out, so a mistake in a profile
/// blocks instead of opening.
pub(super) fn form_action(target: &str, onward: Onward<'_>) -> String {
    let mut sources = target.to_owned();
    match onward {
        Onward::Nowhere => {}
        Onward::Sources(more) => {
            for source in more.iter().filter(|source| is_host_source(source)) {
                sources.push(' ');
                sources.push_str(source);
            }
        }
        // Plain http only where the target itself is plain: the demo on loopback.
        Onward::Anywhere if target.starts_with("http:") => sources.push_str(" http: https:"),
        Onward::Anywhere => sources.push_str(" https:"),
    }
    sources
}

fn is_host_source(source: &str) -> bool {
    (source.starts_with("https://") || source.starts_with("http://"))
        && source.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:/*".contains(&b))
}

/// The origin of an `http` or `https` address, as a CSP source; nothing for any other address.
pub(super) fn origin(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    (matches!(url.scheme(), "https" | "http") && url.has_host())
        .then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> Option<String> {
        FormValue::new(value).map(|value| value.to_string())
    }

    #[test]
    fn markup_and_line_breaks_become_references() {
        assert_eq!(written("\"><b>&'").as_deref(), Some("&quot;&gt;&lt;b&gt;&amp;&#39;"));
        assert_eq!(written("\r\na\tb").as_deref(), Some("&#13;&#10;a&#9;b"));
    }

    #[test]
    fn other_controls_and_all_of_unicode_stay_as_they_are() {
        let value = "\u{1}\u{7F}\u{80}\u{9F}\u{A0}中文😀\u{FFFE} ";
        assert_eq!(written(value).as_deref(), Some(value));
    }

    #[test]
    fn what_html_forms_cannot_carry_is_refused() {
        for value in ["\0", "a\nb", "\n", "a\rb", "\r", "\n\r", "\r\r\n", "\r\n\n"] {
            assert!(written(value).is_none(), "{value:?}");
        }
    }

    #[test]
    fn only_web_addresses_have_an_origin() {
        assert_eq!(origin("https://a.example/x?y").as_deref(), Some("https://a.example"));
        assert_eq!(origin("http://a.localhost:81/").as_deref(), Some("http://a.localhost:81"));
        for address in ["javascript:alert(1)", "data:,x", "/acs", "", "ftp://a.example/"] {
            assert!(origin(address).is_none(), "{address}");
        }
    }

    #[test]
    fn a_form_action_names_the_target_and_what_follows() {
        let target = "https://a.example";
        assert_eq!(form_action(target, Onward::Nowhere), target);
        assert_eq!(form_action(target, Onward::Anywhere), "https://a.example https:");
        assert_eq!(
            form_action(target, Onward::Sources(&["https://*.b.example", "x; script-src *", "*"])),
            "https://a.example https://*.b.example"
        );
    }
}
