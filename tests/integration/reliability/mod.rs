//! Whether links survive: gateways that are killed at every step, a hundred first logins at once, a
//! cloud that loses half of what it should say, stores that are killed while all goes on. By
//! default small samples run; `SKYBRIDGE_FULL=1` runs all of it, and `SKYBRIDGE_WRITE_DOCS=1`
//! beside it writes the numbers to `docs/reliability.md`.

mod at_once;
mod creation;
mod link;
mod lossy;
mod matrix;
mod refused;
mod stores;
