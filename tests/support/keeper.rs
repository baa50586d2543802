//! A process that ends with the test program, however that ends: a shell keeps it, and kills it
//! when it hears no more from us.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

/// Runs what it is given, with what it says in a file, until it is told to end.
const KEEPER: &str = "\"$@\" >\"$LOG\" 2>&1 </dev/null & process=$!\n\
                      read -r _; kill -KILL $process; wait $process";

/// A process. It ends when the last of its copies is dropped.
#[derive(Clone)]
pub(crate) struct Running(Arc<Keeper>);

struct Keeper {
    log: PathBuf,
    process: Mutex<Option<(Child, ChildStdin)>>,
}

impl Running {
    /// Runs `command`; what it says goes into the file `log`.
    pub(crate) fn start(command: &Command, log: PathBuf) -> Self {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(command.get_program()).args(command.get_args());
        keeper.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        keeper.env("LOG", &log).stdin(Stdio::piped()).stderr(Stdio::null());
        if let Some(folder) = command.get_current_dir() {
            keeper.current_dir(folder);
        }
        let mut process = keeper.spawn().expect("a shell");
        let orders = process.stdin.take().unwrap();
        Self(Arc::new(Keeper { log, process: Mutex::new(Some((process, orders))) }))
    }

    /// Everything that it said.
    pub(crate) fn log(&self) -> String {
        let said = fs::read(&self.0.log).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The number of the process, which runs.
    pub(crate) fn id(&self) -> u32 {
        let process = self.0.process.lock().unwrap();
        let shell = process.as_ref().expect("the process runs").0.id();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        children.split_whitespace().next().and_then(|id| id.parse().ok()).expect("one child")
    }

    /// Kills it, at once and without a chance to tidy up.
    pub(crate) fn kill(&self) {
        self.0.kill();
    }
}

impl Keeper {
    fn kill(&self) {
        if let Some((mut process, mut orders)) = self.process.lock().unwrap().take() {
            let _ = orders.write_all(b"end\n");
            drop(orders);
            let _ = process.wait();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.kill();
    }
}
