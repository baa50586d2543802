//! The demo as a process: gateway, cloud and partner site, from the real binary.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use super::program;

/// A demo that ends with its test.
pub(crate) struct DemoProcess {
    /// Where the gateway is.
    pub gateway: String,
    /// Where the cloud is.
    pub cloud: String,
    /// Opens the API for the tenant `acme`.
    pub api_key: String,
    process: Child,
    /// Held open: the demo ends when it cannot write.
    _output: BufReader<ChildStdout>,
    _directory: TempDir,
}

impl DemoProcess {
    /// Starts it on ports that are free.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut process = Command::new(program())
            .args(["demo", "--port-base", "0", "--dir", directory.path().to_str().unwrap()])
            .env_remove("SKYBRIDGE_REDIS_URL")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut addresses = output.by_ref().lines().map_while(Result::ok).filter_map(|line| {
            let (name, address) = line.trim().split_once(' ')?;
            let address = address.split_whitespace().next()?;
            ["gateway", "cloud"].contains(&name).then(|| address.to_owned())
        });
        let (gateway, cloud) = (addresses.next().unwrap(), addresses.next().unwrap());
        let api_key = std::fs::read_to_string(directory.path().join("partner-api.key")).unwrap();
        Self { gateway, cloud, api_key, process, _output: output, _directory: directory }
    }
}

impl Drop for DemoProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
