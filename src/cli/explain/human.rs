//! `skybridge explain`: an explanation as people read it in a terminal: a tree of what the message
//! says, a line for each check, a paragraph for each outcome. Values of a message are a stranger's:
//! nothing in them can move the cursor.

use std::fmt::Write as _;
use std::io::{self, Write};

use time::OffsetDateTime;

use crate::page::{self, Language};
use crate::saml::outline::Outline;
use crate::saml::types::parse_instant;
use crate::sso::explain::{Branch, End, Explanation, Outcome, Reply};

/// How wide the first column is.
const NAME: usize = 16;

/// Colours, or none.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    is_on: bool,
}

#[derive(Clone, Copy)]
enum Tone {
    Head,
    Good,
    Bad,
    Dim,
}

impl Paint {
    pub(super) fn for_terminal(is_on: bool) -> Self {
        Self { is_on }
    }

    fn in_tone(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Head => "1",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Dim => "2",
        };
        if self.is_on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Prints the whole explanation.
pub(super) fn print(it: &Explanation, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let head = |text: &str| paint.in_tone(Tone::Head, text);
    let dim = |text: &str| paint.in_tone(Tone::Dim, text);
    let at = crate::saml::types::format_instant(it.at);
    writeln!(
        out,
        "{}  {}",
        head(&safe(&it.kind)),
        dim(&format!("to {}, at {at}", safe(&it.tenant)))
    )?;
    if !it.layers.is_empty() {
        writeln!(out, "\n{}", head("How it came"))?;
    }
    for layer in &it.layers {
        let (mark, what) = match &layer.fault {
            None => (paint.in_tone(Tone::Good, "✓"), &layer.what),
            Some(fault) => (paint.in_tone(Tone::Bad, "✗"), fault),
        };
        writeln!(out, "  {mark} {:NAME$} {}", layer.name, safe(what))?;
    }
    for note in &it.notes {
        writeln!(out, "  {} {}", dim("i"), dim(&safe(note)))?;
    }
    if let Some(message) = &it.message {
        writeln!(out, "\n{}  {}", head("What it says"), dim("(as it stands, proved or not)"))?;
        tree(message, ("  ", "  "), (it.at, paint), out)?;
    }
    if !it.checks.is_empty() {
        writeln!(out, "\n{}", head("What is checked, in this order"))?;
    }
    for row in &it.checks {
        let (mark, what) = match row.end {
            End::Held => (paint.in_tone(Tone::Good, "✓"), safe(&row.what)),
            End::Failed => {
                (paint.in_tone(Tone::Bad, "✗"), paint.in_tone(Tone::Bad, &safe(&row.what)))
            }
            End::NotReached => (dim("–"), dim("not reached")),
            End::Unknown => (dim("?"), dim(&safe(&row.what))),
        };
        writeln!(out, "  {mark} {:NAME$} {what}", row.name)?;
    }
    if !it.findings.is_empty() {
        writeln!(out, "\n{}", head("What the linter finds"))?;
        crate::cli::metadata::print(&it.findings, out)?;
    }
    writeln!(out, "\n{}", head("What comes of it"))?;
    for branch in &it.branches {
        self::branch(branch, it.branches.len() == 1, paint, out)?;
    }
    match &it.reply {
        Some(reply) => self::reply(reply, paint, out),
        None => Ok(()),
    }
}

/// An element: its attributes, its text, and the elements in it.
fn tree(
    element: &Outline,
    (first, rest): (&str, &str),
    (now, paint): (OffsetDateTime, Paint),
    out: &mut dyn Write,
) -> io::Result<()> {
    let dim = |text: &str| paint.in_tone(Tone::Dim, text);
    let name = paint.in_tone(Tone::Head, &safe(&element.name));
    let text = element.text.as_ref().map(|text| format!("  {}", value(text, now, paint)));
    writeln!(out, "{}{name}{}", dim(first), text.unwrap_or_default())?;
    let bar = if element.children.is_empty() { "   " } else { "│  " };
    let width = element.attributes.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
    for it in &element.attributes {
        let line = format!("{rest}{bar}");
        writeln!(out, "{}{:width$}  {}", dim(&line), safe(&it.name), value(&it.value, now, paint))?;
    }
    let last = element.children.len().saturating_sub(1);
    for (place, child) in element.children.iter().enumerate() {
        let (branch, below) = if place == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let lines = (format!("{rest}{branch}"), format!("{rest}{below}"));
        tree(child, (&lines.0, &lines.1), (now, paint), out)?;
    }
    Ok(())
}

/// A value of the message; of a time also how far it is from now.
fn value(text: &str, now: OffsetDateTime, paint: Paint) -> String {
    let mut shown = safe(text);
    if let Ok(at) = parse_instant("a value", text) {
        let seconds = (now - at).whole_seconds();
        let far = match seconds {
            0 => "now".to_owned(),
            1.. => format!("{} ago", span(seconds)),
            _ => format!("in {}", span(-seconds)),
        };
        let _ = write!(shown, "  {}", paint.in_tone(Tone::Dim, &format!("({far})")));
    }
    shown
}

fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn branch(branch: &Branch, is_only: bool, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let dim = |text: &str| paint.in_tone(Tone::Dim, text);
    if !is_only {
        writeln!(out, "  {} {}", dim("if"), safe(&branch.when))?;
    }
    let indent = if is_only { "  " } else { "     " };
    let (good, bad) = (paint.in_tone(Tone::Good, "✓"), paint.in_tone(Tone::Bad, "✗"));
    match &branch.outcome {
        Outcome::Assertion { to } => {
            writeln!(out, "{indent}{good} Success, an assertion to {}", safe(to))
        }
        Outcome::Status { code, detail, to, advice } => {
            let names: Vec<_> = std::iter::once(*code).chain(*detail).map(short).collect();
            let is_good = advice.is_none() && names == ["Success"];
            let mark = if is_good { good } else { bad };
            writeln!(out, "{indent}{mark} {}, an answer to {}", names.join(" / "), safe(to))?;
            match advice {
                Some(advice) if is_only => writeln!(out, "{indent}  To do: {advice}"),
                _ => Ok(()),
            }
        }
        Outcome::SignIn { at } => {
            writeln!(out, "{indent}{good} a page to sign in on: {}", safe(at))
        }
        Outcome::Page { what } => writeln!(out, "{indent}{good} a page here: {}", safe(what)),
        Outcome::Refused { code, http, cause, advice } => {
            let words = page::explain(*code, Language::En);
            let title = format!("{code}, “{}”", words.title);
            writeln!(out, "{indent}{bad} {title}, HTTP {http}: a page here, nothing is sent")?;
            if is_only {
                let entry = code.entry();
                writeln!(out, "{indent}  Why:        {}", safe(cause))?;
                writeln!(out, "{indent}  Code:       {}", entry.meaning)?;
                writeln!(out, "{indent}  Whose move: {}", entry.owner.key())?;
                writeln!(out, "{indent}  To do:      {advice}")?;
                writeln!(out, "{indent}  They read:  {}", words.advice)?;
            }
            Ok(())
        }
        Outcome::Found { good: is_good, what } => {
            let mark = if *is_good { good } else { bad };
            writeln!(out, "{indent}{mark} {}", safe(what))
        }
    }
}

fn reply(reply: &Reply, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", paint.in_tone(Tone::Head, "The answer with an assertion"))?;
    let mut line = |name: &str, what: &str| writeln!(out, "    {name:NAME$} {}", safe(what));
    line("to", &format!("{} by HTTP-POST", reply.acs))?;
    line("InResponseTo", reply.in_response_to.as_deref().unwrap_or("none"))?;
    line("RelayState", reply.relay_state.as_deref().unwrap_or("none"))?;
    line("NameID", reply.name_id)?;
    let signed = match reply.signed {
        "both" => "Assertion and Response",
        "response" => "the Response",
        _ => "the Assertion",
    };
    line("signed", &format!("{signed}, {} by key {}", tail(reply.algorithm), reply.key))?;
    line("encrypted", reply.encrypted.map_or("no", tail))?;
    line(
        "AuthnContext",
        &reply.contexts.iter().map(|it| short(it)).collect::<Vec<_>>().join(" or "),
    )?;
    line("holds for", &span(reply.seconds))?;
    let attributes = reply.attributes.iter().map(|attribute| {
        let friendly = attribute.friendly_name.as_ref().map(|name| format!(" ({name})"));
        let need = if attribute.required { "" } else { ", if there is a value" };
        format!("{}{}{need}", attribute.name, friendly.unwrap_or_default())
    });
    let attributes: Vec<_> = attributes.collect();
    let Some((first, rest)) = attributes.split_first() else { return line("attributes", "none") };
    line("attributes", first)?;
    rest.iter().try_for_each(|attribute| line("", attribute))
}

/// The last part of a URN.
fn short(urn: &str) -> &str {
    urn.rsplit(':').next().unwrap_or(urn)
}

/// What stands behind the `#` of an algorithm's URI.
fn tail(uri: &str) -> &str {
    uri.rsplit('#').next().unwrap_or(uri)
}

/// A stranger's text on one line, in which nothing steers the terminal or turns the direction.
fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}
