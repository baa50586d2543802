//! Whether links survive: gateways that are killed at every step, a hundred first logins at once, a
//! cloud that loses half of what it should say. By default small samples run;
//! `SKYBRIDGE_FULL=1` runs all of it, and `SKYBRIDGE_WRITE_DOCS=1` beside it writes the numbers to
//! `docs/reliability.md`.

mod at_once;
mod creation;
mod link;
mod lossy;
mod matrix;
mod refused;
mod report;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// A few of everything, chosen by a fixed seed.
    Sample,
    /// All of it.
    Full,
}

impl Size {
    /// What the environment asks for.
    fn wanted() -> Self {
        if std::env::var_os("SKYBRIDGE_FULL").is_some() { Self::Full } else { Self::Sample }
    }
}
