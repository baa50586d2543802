//! `skybridge webhooks`: the messages to partners' webhooks: which are dead, and sending these
//! anew.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Common, Outcome};
use crate::app::ledger;
use crate::app::system::SystemClock;
use crate::clock::Clock as _;
use crate::config::LedgerUrl;
use crate::store::account::{Message, MessageId, MessageState};
use crate::store::ledger::Ledger;
use crate::store::record::TenantId;

/// Most messages that are listed, or sent anew by one command.
const AT_MOST: usize = 10_000;

/// See the messages to a partner's webhook, and send dead ones anew
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  skybridge webhooks replay --tenant acme --all")]
pub(super) struct Webhooks {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List messages, oldest first: id, type, time, attempts, the last problem
    List {
        /// The tenant
        #[arg(long, value_name = "ID")]
        tenant: String,
        /// How far they are: waiting, delivered or dead
        #[arg(long, default_value = "dead", value_parser = state)]
        state: MessageState,
    },
    /// Send dead messages anew, each with all attempts
    Replay {
        /// The tenant
        #[arg(long, value_name = "ID")]
        tenant: String,
        /// All that are dead now
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// The ids of the messages
        #[arg(required_unless_present = "all", value_name = "MESSAGE")]
        ids: Vec<String>,
    },
}

fn state(text: &str) -> Result<MessageState, String> {
    MessageState::named(text).ok_or_else(|| "expected waiting, delivered or dead".to_owned())
}

impl Webhooks {
    pub(super) fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        let config = common.load()?;
        if matches!(config.ledger.url, LedgerUrl::Memory) {
            return Err(
                "the ledger is in memory: only the running gateway knows its messages; ask \
                        it at /api/v1/TENANT/webhooks"
                    .into(),
            );
        }
        let named = match &self.command {
            Command::List { tenant, .. } | Command::Replay { tenant, .. } => tenant,
        };
        if !config.tenants.iter().any(|tenant| tenant.id.as_str() == named) {
            return Err(format!("expected a tenant of the configuration, found {named:?}").into());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let ledger = ledger::open(&config.ledger).await;
            let ledger = ledger.map_err(|error| error.located(&common.config))?;
            self.work(&*ledger, SystemClock.now(), out).await
        })
    }

    async fn work(&self, ledger: &dyn Ledger, now: OffsetDateTime, out: &mut dyn Write) -> Outcome {
        let tenant = |text| TenantId::parse(text).ok_or("expected the name of a tenant");
        match &self.command {
            Command::List { tenant: named, state } => {
                for message in ledger.messages(&tenant(named)?, *state, AT_MOST).await? {
                    writeln!(out, "{}", line(&message))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Replay { tenant: named, all, ids } => {
                let tenant = tenant(named)?;
                let mut wanted: Vec<_> = ids.iter().cloned().map(MessageId).collect();
                if *all {
                    let dead = ledger.messages(&tenant, MessageState::Dead, AT_MOST).await?;
                    wanted.extend(dead.into_iter().map(|message| message.id));
                }
                let mut missed = 0;
                for id in wanted {
                    let revived = ledger.revive(&tenant, &id, now).await?;
                    missed += usize::from(!revived);
                    let what = if revived { "will be sent" } else { "is not dead, or unknown" };
                    writeln!(out, "{} {what}", id.0)?;
                }
                Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
        }
    }
}

fn line(message: &Message) -> String {
    let at = message.created_at.format(&Rfc3339).unwrap_or_default();
    let problem = message.problem.as_deref().unwrap_or("-");
    format!("{}\t{}\t{at}\t{}\t{problem}", message.id.0, message.kind, message.attempts)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use time::macros::datetime;

    use super::*;
    use crate::store::ledger::{Accounts as _, Change, Outbox as _};
    use crate::store::memory_ledger::MemoryLedger;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        webhooks: Webhooks,
    }

    async fn run(ledger: &MemoryLedger, line: &str) -> (ExitCode, String) {
        let words = ["webhooks"].into_iter().chain(line.split(' '));
        let line = Line::try_parse_from(words).map_err(|error| error.to_string()).unwrap();
        let mut out = Vec::new();
        let code = line.webhooks.work(ledger, NOW, &mut out).await.unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    async fn with(states: &[(&str, MessageState)]) -> MemoryLedger {
        let ledger = MemoryLedger::default();
        for (id, state) in states {
            let message = Message {
                id: MessageId((*id).to_owned()),
                tenant: TenantId::parse("acme").unwrap(),
                kind: "account.linked".to_owned(),
                body: "{}".to_owned(),
                created_at: NOW,
                state: *state,
                attempts: 20,
                next_at: NOW,
                problem: Some("status 500".to_owned()),
            };
            let change = Change { messages: vec![message], ..Change::default() };
            ledger.commit(&change).await.unwrap();
        }
        ledger
    }

    #[tokio::test]
    async fn the_dead_are_listed_and_those_that_wait_only_on_request() {
        let ledger = with(&[("evt_1", MessageState::Dead), ("evt_2", MessageState::Waiting)]).await;
        let (_, listed) = run(&ledger, "list --tenant acme").await;
        assert_eq!(listed, "evt_1\taccount.linked\t2026-01-02T03:04:05Z\t20\tstatus 500\n");
        let (_, waiting) = run(&ledger, "list --tenant acme --state waiting").await;
        assert!(waiting.starts_with("evt_2\t") && waiting.lines().count() == 1, "{waiting}");
        assert_eq!(run(&ledger, "list --tenant bravo").await.1, "");
    }

    #[tokio::test]
    async fn a_replay_names_what_it_sends_and_fails_for_what_it_cannot() {
        let ledger = with(&[("evt_1", MessageState::Dead), ("evt_2", MessageState::Dead)]).await;
        let (code, told) = run(&ledger, "replay --tenant acme evt_1 evt_9").await;
        assert_eq!(told, "evt_1 will be sent\nevt_9 is not dead, or unknown\n");
        assert_eq!(code, ExitCode::FAILURE);
        let (code, told) = run(&ledger, "replay --tenant acme --all").await;
        assert_eq!((code, told.as_str()), (ExitCode::SUCCESS, "evt_2 will be sent\n"));
        let acme = TenantId::parse("acme").unwrap();
        assert_eq!(ledger.messages(&acme, MessageState::Waiting, 10).await.unwrap().len(), 2);
    }
}
