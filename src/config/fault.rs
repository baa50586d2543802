//! Config: what is wrong with a configuration file, where, and how to put it right.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// One thing that is wrong. It never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line, in characters from 1.
    pub column: usize,
    /// The option, such as `tenant[2].sign_in`; tables of a list are counted from 1. Empty for the
    /// whole file.
    pub path: String,
    /// What ought to stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// What would help, where that can be said.
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Every fault of one file, in the order of the lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// The file as it was named by the caller.
    pub file: PathBuf,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    /// One line a fault, `file:line:column: option: sentence`: editors and terminals make links of
    /// it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{fault}", self.file.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Line and column of a byte offset, both from 1; the column counts characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_not_bytes() {
        let text = "a = 1\n华为 = 2\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, text.find('=').unwrap()), (1, 3));
        assert_eq!(position(text, text.rfind('2').unwrap()), (2, 6));
        assert_eq!(position(text, 10_000), (3, 1));
    }
}
