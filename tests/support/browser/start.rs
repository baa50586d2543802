//! Starts what a browser test needs, and ends it with all that it started in turn.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use crate::support::program as gateway_program;

/// `skybridge demo`, as users start it.
pub(super) struct Demo {
    pub(super) partner: String,
    pub(super) gateway: String,
    pub(super) cloud: String,
    pub(super) folder: TempDir,
    _process: Leashed,
}

impl Demo {
    pub(super) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("demo-").tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.env_remove("SKYBRIDGE_REDIS_URL");
        let home = folder.path().to_str().unwrap();
        let arguments = ["demo", "--port-base", "0", "--dir", home];
        let mut process = Leashed::start(shell, gateway_program().to_str().unwrap(), &arguments);
        let mut address = |name: &str| {
            let line = process.line(|line| line.trim_start().starts_with(name));
            line.split_whitespace().nth(1).unwrap().to_owned()
        };
        let [partner, gateway, cloud] = ["partner", "gateway", "cloud"].map(&mut address);
        Self { partner, gateway, cloud, folder, _process: process }
    }
}

/// Chromedriver, which the tests of a process share, and which goes with the last of them.
pub(super) struct Chromedriver {
    pub(super) url: String,
    _process: Leashed,
    /// Where browsers keep their profiles; goes after they did.
    _folder: TempDir,
}

impl Chromedriver {
    pub(super) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Chromedriver>> = Mutex::new(Weak::new());
        // A test that failed to start it left nothing behind.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("chromium-").tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.env("TMPDIR", folder.path());
        let mut process = Leashed::start(shell, &program("chromedriver"), &["--port=0"]);
        let line = process.line(|line| line.contains("started successfully on port"));
        let port = line.trim_end().trim_end_matches('.').rsplit(' ').next().unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), _process: process, _folder: folder }
    }
}

/// A process that is killed, with all that it started, when this is dropped; also when the test
/// process ends in any other way, for then the leash breaks.
struct Leashed {
    shell: Child,
    leash: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Leashed {
    /// `shell` is `sh` with the environment that the program gets.
    fn start(mut shell: Command, program: &str, arguments: &[&str]) -> Self {
        let mut shell = shell
            // In a group of its own: the shell waits for the end of its input, then kills all.
            .process_group(0)
            .args(["-c", "\"$@\" & exec >&-; read -r _; kill -KILL 0", "sh", program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let leash = shell.stdin.take();
        let output = BufReader::new(shell.stdout.take().unwrap());
        Self { shell, leash, output }
    }

    /// The first line of output that is like this.
    fn line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if wanted(&line) {
                return line;
            }
            line.clear();
        }
        panic!("a process ended before it was ready");
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        if let Some(mut leash) = self.leash.take() {
            let _ = leash.write_all(b"end\n");
        }
        let _ = self.shell.wait();
    }
}

/// Where a program is that the tests need.
pub(super) fn program(name: &str) -> String {
    let places = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&places).map(|place| place.join(name)).find(|path| path.exists());
    let Some(path) = found else {
        panic!("{name} is missing. Get it by: apt-get install chromium chromium-driver");
    };
    path.to_str().unwrap().to_owned()
}
