//! Room demo (layer 6): the one form of a page, read strictly: what a browser would mend is an
//! error here.

use url::Url;

use super::browser::Page;

/// A form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it is sent.
    pub(super) action: String,
    /// Its named inputs, in order. Buttons are not pressed, boxes not ticked.
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    /// The page's only form, which has to be sent by POST.
    pub(super) fn of(page: &Page) -> Result<Self, String> {
        Self::read(&page.body)
    }

    fn read(html: &str) -> Result<Self, String> {
        let begin: Vec<usize> = html.match_indices("<form").map(|(at, _)| at).collect();
        let [begin] = begin[..] else {
            return Err(format!("expected a page with one form, found {}", begin.len()));
        };
        let end = html[begin..].find("</form>").ok_or("expected </form>, found none")? + begin;
        let (form, mut rest) = tag(&html[begin..end])?;
        let of = |name: &str, tag: &[(String, String)]| {
            tag.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        if of("method", &form).as_deref() != Some("post") {
            return Err("expected method=\"post\", found another".to_owned());
        }
        let action = of("action", &form).ok_or("expected an action, found none")?;
        let mut fields = Vec::new();
        while let Some(at) = rest.find("<input") {
            let (input, after) = tag(&rest[at..])?;
            let is_box = of("type", &input).as_deref() == Some("checkbox");
            if let Some(name) = of("name", &input).filter(|_| !is_box) {
                fields.push((name, of("value", &input).unwrap_or_default()));
            }
            rest = after;
        }
        Ok(Self { action, fields })
    }

    /// The value of a field that must be there once.
    pub(super) fn one(&self, name: &str) -> Result<&str, String> {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(format!("expected the field {name}, found none")),
            _ => Err(format!("expected the field {name} once, found it twice")),
        }
    }

    /// Types into a field.
    pub(super) fn set(&mut self, name: &str, text: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), text.to_owned()));
    }

    /// Where it is sent, absolute.
    pub(super) fn target(&self, page: &Page) -> Result<Url, String> {
        page.url.join(&self.action).map_err(|error| format!("{}: {error}", self.action))
    }
}

/// Names and unescaped values.
type Attributes = Vec<(String, String)>;

/// The attributes of the tag that `html` begins with, and what follows it.
fn tag(html: &str) -> Result<(Attributes, &str), String> {
    let at = html.find([' ', '>', '\n']).ok_or("expected the end of a tag")?;
    let mut rest = html[at..].trim_start();
    let mut attributes = Attributes::new();
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return Ok((attributes, after));
        }
        let end = rest.find(['=', ' ', '>', '\n']).ok_or("expected the end of a tag")?;
        let (name, after) = rest.split_at(end);
        if attributes.iter().any(|(known, _)| known == name) {
            return Err(format!("expected each attribute once, found {name} twice"));
        }
        let mut value = "";
        rest = after;
        if let Some(after) = rest.strip_prefix('=') {
            let quoted = after.strip_prefix('"').ok_or("expected a quoted value")?;
            let end = quoted.find('"').ok_or("expected the end of a value")?;
            (value, rest) = (&quoted[..end], &quoted[end + 1..]);
        }
        attributes.push((name.to_owned(), unescaped(value)?));
        rest = rest.trim_start();
    }
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let end = rest[at..].find(';').ok_or("expected a reference, found a bare &")? + at;
        let name = &rest[at + 1..end];
        let unknown = || format!("expected a known reference, found &{name};");
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            _ => {
                let number = name.strip_prefix('#').ok_or_else(unknown)?;
                let number = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                number.ok().and_then(char::from_u32).ok_or_else(unknown)?
            }
        });
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_values_unescaped() {
        let form = Form::read(
            "<p><form class=\"c\" method=\"post\" action=\"/a?b=1&amp;c=2\">\n\
             <input type=\"hidden\" name=\"a\" value=\"&lt;&#34;&#x5b57;&amp;amp;\">\
             <input name=\"b\" required\n autofocus>\
             <input type=\"checkbox\" name=\"d\" value=\"yes\"><button name=\"c\">x</button></form>",
        )
        .unwrap();
        assert_eq!(form.action, "/a?b=1&c=2");
        assert_eq!(form.one("a").unwrap(), "<\"字&amp;");
        assert_eq!(form.one("b").unwrap(), "");
        assert!(form.one("c").is_err());
        assert!(form.one("d").is_err());
    }

    #[test]
    fn what_a_browser_would_mend_is_an_error() {
        for html in [
            "",
            "<form method=\"post\" action=\"/\">",
            "<form method=\"get\" action=\"/\"></form>",
            "<form method=\"post\"></form>",
            "<form method=\"post\" action=\"/\"></form><form method=\"post\" action=\"/\"></form>",
            "<form method=post action=\"/\"></form>",
            "<form method=\"post\" action=\"/?a&b\"></form>",
            "<form method=\"post\" action=\"/\"><input name=\"a\" name=\"b\"></form>",
        ] {
            assert!(Form::read(html).is_err(), "{html}");
        }
    }
}
