//! A server process of the test's own, in a folder of its own, both gone when the test program
//! ends, however that ends: a shell keeps the process, and ends it when it hears no more from us.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What the keeper understands: `start WORD` runs the server until its log has that word, `signal
/// NAME` sends a signal. It answers every line with one.
const KEEPER: &str = r#"
cd "$1" || exit 1
process=
end() { [ -z "$process" ] || { kill -KILL "$process"; wait "$process"; process=; }; }
trap '' INT HUP TERM
while read -r order word; do
    case $order in
        start)
            : >log
            redis-server redis.conf $2 >>log 2>&1 </dev/null &
            process=$!
            until grep -q -e "$word" log; do
                kill -0 "$process" || { process=; break; }
                sleep 0.01
            done
            [ -n "$process" ] && echo started || echo failed ;;
        kill) end; echo done ;;
        signal) kill -"$word" "$process" && echo done || echo failed ;;
    esac
done
end
cd / && rm -rf "$1"
"#;

/// Which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Holds data.
    Server,
    /// Watches servers that do.
    Sentinel,
}

/// A server that runs, or was stopped and can be started again in the same folder.
pub(crate) struct Process {
    program: Program,
    folder: PathBuf,
    keeper: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Process {
    /// A folder for a server that is not running yet. It is configured by the file `redis.conf` in
    /// it.
    pub(crate) fn new(program: Program) -> Self {
        let folder = tempfile::Builder::new().prefix("redis-").tempdir().unwrap().keep();
        let option = if program == Program::Sentinel { "--sentinel" } else { "" };
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .args([&folder, Path::new(option)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (orders, answers) = (keeper.stdin.take(), keeper.stdout.take().unwrap());
        Self { program, folder, keeper, orders, answers: BufReader::new(answers) }
    }

    /// Where it is at home.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it and waits until it is ready; false when it ended instead.
    pub(crate) fn start(&mut self) -> bool {
        // What a Sentinel says when it has read what to watch.
        let ready = match self.program {
            Program::Server => "Ready to accept connections",
            Program::Sentinel => "+monitor",
        };
        let started = self.order(&format!("start {ready}")) == "started";
        let missing = !started && self.log().contains("redis-server: not found");
        assert!(!missing, "redis-server cannot be run: apt-get install redis-server");
        started
    }

    /// Kills it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.order("kill");
    }

    /// Stops it in its tracks (`STOP`), or lets it go on (`CONT`).
    pub(crate) fn signal(&mut self, name: &str) {
        assert_eq!(self.order(&format!("signal {name}")), "done");
    }

    /// What it wrote since its last start.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn order(&mut self, order: &str) -> String {
        let orders = self.orders.as_mut().expect("the keeper is told to end only at the end");
        writeln!(orders, "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.keeper.wait();
    }
}

/// A port that is free now and that the system gives to nobody by itself, so that it is free again
/// after a restart.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let free = || {
        let number = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(process::id() * 101);
        let port = 20_000 + u16::try_from(number % 12_000).unwrap();
        TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
    };
    (0..12_000).find_map(|_| free()).expect("a free port between 20000 and 32000")
}
