//! App (layer 6): log lines for people: time, level, room, message, then `name=value`. Whatever is
//! not printable, or could be taken for the next field or the next line, is escaped (B-35).

use std::fmt::{self, Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The format. Times are in UTC.
pub(super) struct Human;

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut out)?;
        let about = event.metadata();
        write!(out, " {:>5} {}:", about.level(), about.target())?;
        let mut line = Line { message: String::new(), fields: String::new() };
        event.record(&mut line);
        writeln!(out, "{}{}", line.message, line.fields)
    }
}

/// The message stands first, whatever the order of the fields.
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push(' ');
            value.chars().for_each(|c| push(&mut self.message, c));
        } else if is_plain(value) {
            self.write(field, format_args!("{value}"));
        } else {
            let mut quoted = String::with_capacity(value.len() + 2);
            for c in value.chars() {
                if matches!(c, '"' | '\\') {
                    quoted.push('\\');
                }
                push(&mut quoted, c);
            }
            self.write(field, format_args!("\"{quoted}\""));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_str(field, &value.to_string());
    }
}

impl Line {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _written = write!(self.fields, " {}={value}", field.name());
    }
}

/// Adds a character, or its escape if a terminal, a pager or a line reader would not show it as
/// itself: controls, line and paragraph separators, and formats such as the marks that turn the
/// direction of text.
fn push(out: &mut String, c: char) {
    match c {
        '"' | '\'' | '\\' => out.push(c),
        _ => out.extend(c.escape_debug()),
    }
}

/// Whether a value needs no quotes.
fn is_plain(value: &str) -> bool {
    let quiet = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '=');
    !value.is_empty() && value.chars().all(quiet)
}
