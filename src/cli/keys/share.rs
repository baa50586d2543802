//! Main room: `skybridge keys share`: from the directory of one node to the database of all.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::Outcome;
use crate::keys::{FileStore, KeyError, KeyRing, KeySet, KeyStore as _, Locksmith};

/// Copies keys, sealed as they are, which is possible only under the same master key. Those that
/// are there already win. Without a `directory` the keys are not shared.
pub(super) fn run(
    smith: &Locksmith<'_>,
    directory: Option<&FileStore>,
    out: &mut dyn Write,
) -> Outcome {
    let Some(directory) = directory else {
        let advice = "the keys are kept in the directory. Write kept_in = \"ledger\" into the \
                      [keys] of the configuration first";
        return Err(advice.into());
    };
    for (tenant, set) in directory.load_all()? {
        let set = set?;
        KeyRing::open(&set, smith.master)?;
        let count = set.records.len();
        match smith.store.save(&KeySet { version: 0, ..set }) {
            Ok(()) => writeln!(out, "{tenant}: {count} keys are shared now")?,
            Err(KeyError::Conflict { .. }) => {
                writeln!(out, "{tenant}: left alone, there are shared keys already")?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ExitCode::SUCCESS)
}
