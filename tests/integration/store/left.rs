//! That the servers of a test end with it, however it ends.

use std::io::{BufRead as _, BufReader, Read as _, stdin};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::redis::Wire;
use crate::support::redis_groups::SentinelGroup;

/// Set for the program that is killed.
const VICTIM: &str = "SKYBRIDGE_TEST_VICTIM";
const PATIENCE: Duration = Duration::from_secs(10);
const MEMBERS: usize = 6;

/// Starts itself once more, in another program, and kills that one.
#[test]
fn nothing_is_left_of_a_group_when_its_test_program_is_killed() {
    if std::env::var_os(VICTIM).is_some() {
        wait_to_be_killed();
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("store::left::nothing_is_left_of_a_group_when_its_test_program_is_killed")
        .env(VICTIM, "yes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let member = |line: String| {
        let (port, folder) = line.strip_prefix("member ")?.split_once(' ')?;
        Some((port.parse::<u16>().unwrap(), PathBuf::from(folder)))
    };
    let members: Vec<_> = lines.filter_map(member).take(MEMBERS).collect();
    assert_eq!(members.len(), MEMBERS);
    let answers = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!(members.iter().all(|(port, folder)| answers(*port) && folder.exists()));

    victim.kill().unwrap();
    victim.wait().unwrap();
    let begun = Instant::now();
    while let Some((port, _)) = members.iter().find(|(p, folder)| answers(*p) || folder.exists()) {
        assert!(begun.elapsed() < PATIENCE, "the member at {port} is still there");
    }
}

fn wait_to_be_killed() {
    let mut group = SentinelGroup::start(Wire::Plain);
    // One that cannot hear anything must end too.
    group.servers[1].freeze();
    for member in group.servers.iter().chain(&group.sentinels) {
        println!("\nmember {} {}", member.port, member.process.folder().display());
    }
    let _ = stdin().read_to_end(&mut Vec::new());
    panic!("not killed");
}
