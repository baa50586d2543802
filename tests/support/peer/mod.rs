//! Foreign service providers that run for real: one process of a peer plays many service providers,
//! on a port and in a folder of its own, both gone when it is dropped. What they are configured
//! with lies in `tests/peers`, where docs/service-providers.md has its recipes from.

mod mellon;
mod python3_saml;
mod samael;
mod simplesamlphp;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::gateway::material;
use super::keeper::Running;
use super::redis::free_port;

/// Within which a peer starts, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Somebody else's implementation of a service provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `mod_auth_mellon` in Apache, from Debian.
    Mellon,
    /// `SimpleSAMLphp` in PHP's own server, from Debian.
    SimpleSamlPhp,
    /// `python3-saml`, from `PyPI`.
    Python3Saml,
    /// `samael`, from crates.io.
    Samael,
}

/// What an `AuthnRequest` is sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    Redirect,
    Post,
}

/// One service provider, and the identity provider that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    /// Its name in addresses, unlike that of any other: lower-case letters and hyphens.
    pub(crate) name: String,
    /// The metadata of its identity provider.
    pub(crate) idp: String,
    /// What its requests are sent by.
    pub(crate) binding: Binding,
    /// Whether its requests are signed.
    pub(crate) signs: bool,
    /// What it refuses an answer without.
    pub(crate) insists: Insists,
    /// How its requests ask for people to be named.
    pub(crate) names: NameForm,
}

/// A format of name identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameForm {
    Transient,
    Persistent,
    Email,
    Unspecified,
}

impl NameForm {
    pub(crate) const ALL: [Self; 4] =
        [Self::Transient, Self::Persistent, Self::Email, Self::Unspecified];

    pub(crate) fn uri(self) -> &'static str {
        match self {
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Email => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Unspecified => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        }
    }

    /// The format of the name that is given then: unspecified is whatever is usual.
    pub(crate) fn given(self) -> &'static str {
        match self {
            Self::Unspecified => Self::Transient.uri(),
            Self::Transient | Self::Persistent | Self::Email => self.uri(),
        }
    }

    /// A part of a name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Persistent => "persistent",
            Self::Email => "email",
            Self::Unspecified => "unspecified",
        }
    }
}

/// What a service provider refuses an answer without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insists {
    /// The Response is signed.
    pub(crate) response: bool,
    /// The Assertion is signed.
    pub(crate) assertion: bool,
    /// The Assertion is encrypted.
    pub(crate) sealed: bool,
}

/// A running peer.
pub(crate) struct Peer {
    kind: Kind,
    origin: String,
    process: Running,
    _folder: TempDir,
}

impl Peer {
    /// Starts one that plays all of `providers`.
    pub(crate) async fn start(kind: Kind, providers: &[Provider]) -> Self {
        let folder = tempfile::Builder::new().prefix("peer-").tempdir().unwrap();
        let place = Place { folder: folder.path().to_owned(), port: free_port() };
        place.write("sp.key", &material::sp().private_pem);
        place.write("sp.crt", &material::sp().certificate_pem);
        for provider in providers {
            place.write(&format!("{}/idp.xml", provider.name), &idp_metadata(kind, provider));
        }
        let command = match kind {
            Kind::Mellon => mellon::command(&place, providers),
            Kind::SimpleSamlPhp => simplesamlphp::command(&place, providers),
            Kind::Python3Saml => python3_saml::command(&place, providers),
            Kind::Samael => samael::command(&place, providers),
        };
        let process = Running::start(&command, folder.path().join("log"));
        let peer = Self { kind, origin: place.origin(), process, _folder: folder };
        peer.listens(place.port).await;
        peer
    }

    async fn listens(&self, port: u16) {
        let (begun, mut beat) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
        while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
            beat.tick().await;
            assert!(begun.elapsed() < PATIENCE, "{:?} does not start: {}", self.kind, self.log());
        }
    }

    /// Where a provider's metadata is.
    pub(crate) fn metadata(&self, provider: &str) -> String {
        let path = match self.kind {
            Kind::Mellon => "mellon/metadata",
            Kind::SimpleSamlPhp | Kind::Python3Saml | Kind::Samael => "metadata",
        };
        format!("{}/{provider}/{path}", self.origin)
    }

    /// The page of a provider that shows who is signed in, and signs in whoever is not.
    pub(crate) fn page(&self, provider: &str) -> String {
        format!("{}/{provider}/page", self.origin)
    }

    /// Where somebody leaves, here and everywhere. Who could goes on to the page `left`.
    pub(crate) fn logout(&self, provider: &str) -> String {
        let path = match self.kind {
            Kind::Mellon => format!("mellon/logout?ReturnTo={}", self.left(provider)),
            Kind::SimpleSamlPhp | Kind::Python3Saml | Kind::Samael => "logout".to_owned(),
        };
        format!("{}/{provider}/{path}", self.origin)
    }

    /// The page of a provider on which a logout that it began ends.
    pub(crate) fn left(&self, provider: &str) -> String {
        format!("{}/{provider}/left", self.origin)
    }

    /// Everything that it said.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

/// The metadata of its identity provider, as a provider gets it. `mod_auth_mellon` and
/// `SimpleSAMLphp` send requests by HTTP-Redirect where they have the choice; they have none where
/// they are to use HTTP-POST.
fn idp_metadata(kind: Kind, provider: &Provider) -> String {
    let all = &provider.idp;
    if provider.binding == Binding::Redirect || !matches!(kind, Kind::Mellon | Kind::SimpleSamlPhp)
    {
        return all.clone();
    }
    // Ours has each element on a line of its own.
    let by =
        |line: &str, binding| line.contains("<md:SingleSignOnService") && line.contains(binding);
    assert!(all.lines().any(|line| by(line, "HTTP-POST")), "{all}");
    all.split_inclusive('\n').filter(|line| !by(line, "HTTP-Redirect")).collect()
}

/// Where a peer's files are, and where it listens.
struct Place {
    folder: PathBuf,
    port: u16,
}

impl Place {
    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Writes a file that the peer may read, whoever it runs as.
    fn write(&self, name: &str, text: &str) {
        let file = self.folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// A file of `tests/peers` in which every `@NAME@` is replaced.
    fn fill(&self, template: &str, more: &[(&str, &str)]) -> String {
        let (port, origin) = (self.port.to_string(), self.origin());
        let folder = self.folder.to_str().unwrap();
        let values = [("PORT", port.as_str()), ("ORIGIN", &origin), ("FOLDER", folder)];
        let mut text = fs::read_to_string(files().join(template)).unwrap();
        for (name, value) in values.iter().chain(more) {
            text = text.replace(&format!("@{name}@"), value);
        }
        text
    }

    /// The same, of one provider.
    fn fill_for(&self, provider: &Provider, template: &str, more: &[(&str, &str)]) -> String {
        let said = |yes: bool| if yes { "true" } else { "false" };
        let binding = match provider.binding {
            Binding::Redirect => "redirect",
            Binding::Post => "post",
        };
        let mut values = vec![
            ("BINDING", binding),
            ("NAME", provider.name.as_str()),
            ("FORMAT", provider.names.uri()),
            ("SIGNS", said(provider.signs)),
            ("SEALS", said(provider.insists.sealed)),
            ("WANTS_RESPONSE", said(provider.insists.response)),
            ("WANTS_ASSERTION", said(provider.insists.assertion)),
        ];
        values.extend(more);
        self.fill(template, &values)
    }
}

/// The lines of a PEM file between its marks, as one.
fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

/// What is told about the peers, by their names.
fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// Where `tests/run` puts what a peer needs and Debian does not install.
fn installed(name: &str) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("peers").join(name);
    assert!(place.exists(), "{name} is not installed: run tests/run --prepare");
    place
}

/// A command that runs in the peer's folder.
fn command(place: &Place, program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(&place.folder);
    command
}
