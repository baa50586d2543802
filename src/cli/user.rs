//! Main room: `skybridge user`: what an operator needs for local users.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::Outcome;
use crate::app::system::SystemRandom;
use crate::limits::{PASSWORD_BYTES, PASSWORD_CHARS};
use crate::password::Hash;

/// Prepare users who sign in with a password here
#[derive(Args, Debug)]
pub(super) struct User {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the hash of a password, for `password_hash` in the configuration file
    ///
    /// The password is asked for twice and not shown. From a pipe, it is read from standard input;
    /// one newline at its end is cut: `printf %s "$PASSWORD" | skybridge user hash-password`.
    HashPassword,
}

impl User {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        match self.command {
            Command::HashPassword => {
                let password =
                    if io::stdin().is_terminal() { typed_twice()? } else { piped(io::stdin())? };
                hash_password(&password, out)
            }
        }
    }
}

fn hash_password(password: &str, out: &mut dyn Write) -> Outcome {
    if password.chars().count() < PASSWORD_CHARS {
        return Err(format!("a password has at least {PASSWORD_CHARS} characters").into());
    }
    let hash = Hash::make(password.as_bytes(), &SystemRandom)?;
    writeln!(out, "{}", hash.to_phc())?;
    Ok(ExitCode::SUCCESS)
}

fn piped(input: impl io::Read) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    input.take(PASSWORD_BYTES as u64 + 3).read_to_string(&mut text)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn typed_twice() -> Result<Zeroizing<String>, Box<dyn std::error::Error>> {
    let first = typed("Password: ")?;
    let second = typed("Once more: ")?;
    if *first == *second { Ok(first) } else { Err("the two passwords differ".into()) }
}

fn typed(prompt: &str) -> io::Result<Zeroizing<String>> {
    eprint!("{prompt}");
    let mut line = Zeroizing::new(String::with_capacity(PASSWORD_BYTES));
    let read = {
        let _silence = silence::Silence::begin()?;
        io::stdin().lock().take(PASSWORD_BYTES as u64 + 3).read_line(&mut line)
    };
    eprintln!();
    read?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(unix)]
mod silence {
    //! A terminal that does not show what is typed, until the end of a scope.

    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    pub(super) struct Silence(Termios);

    impl Silence {
        pub(super) fn begin() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
            Ok(Self(before))
        }
    }

    impl Drop for Silence {
        fn drop(&mut self) {
            // Nothing better can be done for a terminal that is gone.
            _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}

#[cfg(not(unix))]
mod silence {
    //! No way to silence this terminal is known: refuse to show a password.

    use std::io;

    pub(super) struct Silence;

    impl Silence {
        pub(super) fn begin() -> io::Result<Self> {
            Err(io::Error::other("pipe the password into this command instead"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piped_password_loses_one_newline_and_nothing_else() {
        for (input, password) in [
            ("secret word\n", "secret word"),
            ("secret word\r\n", "secret word"),
            (" secret\n\n", " secret\n"),
            ("secret", "secret"),
        ] {
            assert_eq!(*piped(input.as_bytes()).unwrap(), password);
        }
    }

    #[test]
    fn the_printed_hash_verifies_the_password() {
        let mut out = Vec::new();
        hash_password("correct horse", &mut out).unwrap();
        let phc = String::from_utf8(out).unwrap();
        assert!(Hash::parse(phc.trim_end()).unwrap().verify(b"correct horse"));
    }

    #[test]
    fn a_short_or_overlong_password_is_refused() {
        let mut out = Vec::new();
        assert!(hash_password("1234567", &mut out).is_err());
        assert!(hash_password(&"x".repeat(PASSWORD_BYTES + 1), &mut out).is_err());
        let endless = piped(io::repeat(b'x')).unwrap();
        assert!(hash_password(&endless, &mut out).is_err());
        assert!(out.is_empty());
    }
}
