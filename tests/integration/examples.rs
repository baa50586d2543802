//! `examples/`: the commands of its README, run against the real gateway and with messages that the
//! gateway signed. Go, Java and Node run where they are on the machine; which ran is printed.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, StatusCode, redirect};
use skybridge::account::webhook::{Hook, Hooks, Letter, Post, Posting, Postman, Secret, Tools};
use skybridge::app::resolve::Names;
use skybridge::app::system::{SystemClock, SystemRandom};
use skybridge::app::webhooks::HttpPost;
use skybridge::clock::{Clock as _, ManualClock};
use skybridge::saml::EndpointUrl;
use skybridge::store::account::{Message, MessageId, MessageState};
use skybridge::store::ledger::{Change, Ledger};
use skybridge::store::memory_ledger::MemoryLedger;
use skybridge::store::record::TenantId;
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use crate::support::demo::DemoProcess;

const README: &str = include_str!("../../examples/README.md");
/// The languages whose runtime the tests bring along.
const ALWAYS: [&str; 2] = ["PHP", "Python"];
/// A runtime may have to compile first, on a machine that does other things too.
const START: Duration = Duration::from_mins(1);

/// A row of the README's table.
struct Language {
    name: &'static str,
    ticket: &'static str,
    webhook: &'static str,
}

/// What the README says how to run, as far as this machine can; the rest is named.
fn languages(purpose: &str) -> Vec<Language> {
    let rows = README.lines().filter_map(|row| {
        let [_, name, _, ticket, _, _, webhook, _, _] =
            row.split(['|', '`']).collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let name = name.split_whitespace().next()?;
        Some(Language { name, ticket, webhook })
    });
    let (here, missing): (Vec<_>, Vec<_>) = rows.partition(|language| {
        let program = language.ticket.split(' ').next().unwrap();
        shell(&format!("{program} --version || {program} version"))
            .output()
            .unwrap()
            .status
            .success()
    });
    let names = |some: &[Language]| some.iter().map(|one| one.name).collect::<Vec<_>>();
    assert_eq!(here.len() + missing.len(), 5);
    // Past the capture of output, which would keep it from everybody if the test passes.
    let said =
        format!("examples, {purpose}: ran {:?}, not here {:?}\n", names(&here), names(&missing));
    std::io::stderr().write_all(said.as_bytes()).unwrap();
    for always in ALWAYS {
        assert!(names(&here).contains(&always), "{always} is missing: tests/run --prepare");
    }
    here
}

/// A line for the shell, at the top of the repository.
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("no_proxy", "127.0.0.1").env("NO_PROXY", "127.0.0.1");
    command
}

fn ask_for_a_ticket(language: &Language, demo: &DemoProcess, key: &str) -> Output {
    // Not every runtime knows that the names under localhost are this machine.
    let gateway = demo.gateway.replace("gateway.localhost", "127.0.0.1");
    shell(language.ticket)
        .env("SKYBRIDGE_URL", gateway)
        .env("SKYBRIDGE_TENANT", "acme")
        .env("SKYBRIDGE_API_KEY", key)
        .output()
        .unwrap()
}

#[tokio::test]
async fn every_ticket_example_gets_an_address_that_works_once() {
    let demo = DemoProcess::start();
    let browser = Client::builder().redirect(redirect::Policy::none()).dns_resolver(Names);
    let browser = browser.no_proxy().build().unwrap();
    for language in languages("ticket") {
        let name = language.name;
        let given = ask_for_a_ticket(&language, &demo, &demo.api_key);
        assert!(given.status.success(), "{name}: {given:?}");
        let url = String::from_utf8(given.stdout).unwrap();
        let launch = format!("{}/acme/launch?ticket=", demo.gateway);
        assert!(url.starts_with(&launch) && url.ends_with('\n'), "{name}: {url}");
        let opened = browser.get(url.trim()).send().await.unwrap();
        assert_eq!(opened.status(), StatusCode::SEE_OTHER, "{name}");
        let again = browser.get(url.trim()).send().await.unwrap();
        assert!(again.status().is_client_error(), "{name}: {}", again.status());
    }
}

#[test]
fn every_ticket_example_tells_why_it_was_refused_and_fails() {
    let demo = DemoProcess::start();
    for language in languages("refused ticket") {
        let refused = ask_for_a_ticket(&language, &demo, "canary-key");
        assert!(!refused.status.success(), "{}: {refused:?}", language.name);
        assert!(refused.stdout.is_empty(), "{}: {refused:?}", language.name);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("SB-6001"), "{}: {said}", language.name);
        assert!(!said.contains("canary"), "{}: {said}", language.name);
    }
}

/// A webhook example that ends with its test, and with all it started.
struct Receiver {
    name: &'static str,
    port: u16,
    shell: Child,
    leash: Option<ChildStdin>,
}

impl Receiver {
    fn start(language: &Language, secret: &str) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        // The shell waits for the end of its input, then kills its group.
        let mut shell = shell(&format!("{} & read -r _; kill -KILL 0", language.webhook))
            .process_group(0)
            .env("SKYBRIDGE_WEBHOOK_SECRET", secret)
            .env("PORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let leash = shell.stdin.take();
        Self { name: language.name, port, shell, leash }
    }

    async fn listening(&self) {
        let mut ticks = interval(Duration::from_millis(20));
        let connected = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_err() {
                ticks.tick().await;
            }
        };
        timeout(START, connected).await.unwrap_or_else(|_| panic!("{} does not listen", self.name));
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.shell.wait();
    }
}

/// A message on its way.
struct Case {
    what: &'static str,
    /// Who signs: the partner's secret is 1.
    secrets: &'static [u8],
    /// When, seconds from now.
    at: i64,
    /// What happens to headers and body under way.
    bend: fn(&mut [(&'static str, String); 3], &mut String),
    status: u16,
}

const AS_IT_IS: Case =
    Case { what: "a message as it is", secrets: &[1], at: 0, bend: |_, _| (), status: 204 };
const CASES: &[Case] = &[
    AS_IT_IS,
    Case { what: "first of two signatures", secrets: &[1, 2], ..AS_IT_IS },
    Case { what: "second of two signatures", secrets: &[2, 1], ..AS_IT_IS },
    Case { what: "four minutes old", at: -240, ..AS_IT_IS },
    Case { what: "four minutes ahead", at: 240, ..AS_IT_IS },
    Case { what: "more than five minutes old", at: -310, status: 401, ..AS_IT_IS },
    Case { what: "more than five minutes ahead", at: 310, status: 401, ..AS_IT_IS },
    Case { what: "another secret", secrets: &[2], status: 401, ..AS_IT_IS },
    Case { what: "two other secrets", secrets: &[2, 3], status: 401, ..AS_IT_IS },
    Case {
        what: "another body",
        bend: |_, body| *body = body.replace("linked", "unlinked"),
        status: 401,
        ..AS_IT_IS
    },
    Case {
        what: "the same JSON in other bytes",
        bend: |_, body| body.push('\n'),
        status: 401,
        ..AS_IT_IS
    },
    Case { what: "another id", bend: |headers, _| headers[0].1.push('2'), status: 401, ..AS_IT_IS },
    Case {
        what: "an old message with a new time",
        at: -310,
        bend: |headers, _| headers[1].1 = SystemClock.now().unix_timestamp().to_string(),
        status: 401,
        ..AS_IT_IS
    },
    Case {
        what: "a time that is none",
        bend: |headers, _| "now".clone_into(&mut headers[1].1),
        status: 401,
        ..AS_IT_IS
    },
    Case { what: "no signature", bend: |headers, _| headers[2].1.clear(), status: 401, ..AS_IT_IS },
    Case {
        what: "a signature of another length",
        bend: |headers, _| headers[2].1.truncate(20),
        status: 401,
        ..AS_IT_IS
    },
];

#[tokio::test]
async fn every_webhook_example_takes_what_is_genuine_and_nothing_else() {
    let receivers: Vec<_> =
        languages("webhook").iter().map(|language| Receiver::start(language, &secret(1))).collect();
    for receiver in &receivers {
        receiver.listening().await;
        for case in CASES {
            let status = send(receiver.port, case).await;
            assert_eq!(status, case.status, "{}: {}", receiver.name, case.what);
        }
    }
}

/// The secret of that number, as the configuration has it.
fn secret(number: u8) -> String {
    format!("whsec_{}", STANDARD.encode([number; 32]))
}

/// The gateway signs and sends; gives the status that comes back.
async fn send(port: u16, case: &Case) -> u16 {
    let tenant = TenantId::parse("acme").unwrap();
    let url = EndpointUrl::parse(&format!("http://127.0.0.1:{port}/hooks/skybridge")).unwrap();
    let secrets = case.secrets.iter().map(|number| Secret::parse(&secret(*number)).unwrap());
    let hook = Hook { url, secrets: secrets.collect() };
    // In whole seconds, as the clock of a test has them.
    let now = SystemClock.now().replace_nanosecond(0).unwrap();
    let at = now + time::Duration::seconds(case.at);
    let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new());
    let messages = vec![message(&tenant, at)];
    ledger.commit(&Change { messages, ..Change::default() }).await.unwrap();
    let bent = Arc::new(Bent {
        post: HttpPost::new().unwrap(),
        bend: case.bend,
        status: Mutex::default(),
    });
    let tools = Tools {
        ledger,
        clock: Arc::new(ManualClock::at(at)),
        random: Arc::new(SystemRandom),
        post: Arc::clone(&bent) as Arc<dyn Post>,
    };
    let postman = Postman::new(tools, Hooks::from([(tenant, hook)]));
    for message in postman.due(1).await.unwrap() {
        postman.deliver(message).await.unwrap();
    }
    let status = bent.status.lock().unwrap().take();
    status.unwrap_or_else(|| panic!("{}: not sent, or no answer", case.what))
}

fn message(tenant: &TenantId, at: OffsetDateTime) -> Message {
    let body =
        r#"{"id":"evt_1","type":"account.linked","tenant":"acme","customer":{"user_id":"客户-1"}}"#;
    Message {
        id: MessageId("evt_1".to_owned()),
        tenant: tenant.clone(),
        kind: "account.linked".to_owned(),
        body: body.to_owned(),
        created_at: at,
        state: MessageState::Waiting,
        attempts: 0,
        next_at: at,
        problem: None,
    }
}

/// The gateway's client, on a way where letters are bent.
struct Bent {
    post: HttpPost,
    bend: fn(&mut [(&'static str, String); 3], &mut String),
    status: Mutex<Option<u16>>,
}

impl Post for Bent {
    fn post<'a>(&'a self, letter: &'a Letter<'a>) -> Posting<'a> {
        Box::pin(async move {
            let (mut headers, mut body) = (letter.headers.clone(), letter.body.to_owned());
            (self.bend)(&mut headers, &mut body);
            let bent = Letter { url: letter.url, headers, body: &body };
            let reply = self.post.post(&bent).await?;
            *self.status.lock().unwrap() = Some(reply.status);
            Ok(reply)
        })
    }
}
