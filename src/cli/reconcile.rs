//! `skybridge reconcile`: compares a tenant's links with the cloud's list, now.

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{Common, Outcome};
use crate::account::{Done, Finding, Mode, Report, What};
use crate::app::parts::{Assembly, StartError, System};
use crate::app::system::{SystemClock, SystemRandom};
use crate::app::{ledger, reconciler};
use crate::config::{Config, LedgerUrl};
use crate::store::record::TenantId;

/// The exit code when something is left that a person has to decide.
const SOMETHING_LEFT: u8 = 3;

const HELP: &str = "\
What it does:
  It reads the cloud's list of the partner's customers, page by page and within the budget that all
  nodes share, and compares it with the links that are kept here.

  on the list, not linked here     linked: its notification was lost, or the ledger is a backup
  linked here, not on the list     in doubt; if the next list, ten minutes later or more, lacks it
                                   too, the link ends and the customer's next click begins anew
  on the list, a customer unknown here; several accounts of one customer; linked in another tenant
                                   told, and left to a person

  A list that fails or changes while it is read takes nothing away. A list that lacks more than 10
  links and more than a fifth of them is rather somebody else's (is it the right access key?) and
  takes nothing away either, unless --accept-losses says that a person has looked. Nothing is ever
  deleted. The running gateway does the same by itself every `partner_api.reconcile_every`.

Exit codes:
  0  everything agrees, or agrees now
  1  not compared: the list, the ledger or the session store could not be read, or another node is
     at it
  2  wrong usage
  3  compared, and something is left: see the lines, or `done` in JSON

Examples:
  skybridge reconcile --tenant acme --dry-run
  skybridge reconcile --tenant acme
  skybridge reconcile --tenant acme --json | jq '.findings[] | select(.done != \"repaired\")'";

/// Compare a tenant's links with the cloud's list of customers, and repair what has drifted apart
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Reconcile {
    /// The tenant
    #[arg(long, value_name = "ID")]
    tenant: String,
    /// Say what would be repaired, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Believe a list that lacks suspiciously many links: somebody has looked
    #[arg(long, conflicts_with = "dry_run")]
    accept_losses: bool,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    pub(super) fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        let config = common.load()?;
        if matches!(config.ledger.url, LedgerUrl::Memory) {
            let problem = "the ledger is in the memory of the running gateway, where this command \
                           cannot look; [ledger] url says where it is kept";
            return Err(problem.into());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let report = runtime.block_on(self.compare(&config, common))?;
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            writeln!(out)?;
        } else {
            show(&report, self.dry_run, out)?;
        }
        let code = if report.leaves_work() { SOMETHING_LEFT } else { 0 };
        Ok(ExitCode::from(code))
    }

    async fn compare(
        &self,
        config: &Config,
        common: &Common,
    ) -> Result<Report, Box<dyn std::error::Error>> {
        let located = |error: StartError| error.located(&common.config);
        let system = System { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
        let tenant = TenantId::parse(&self.tenant)
            .filter(|id| config.tenants.iter().any(|tenant| tenant.id.as_str() == id.as_str()))
            .ok_or_else(|| format!("no tenant {:?} in this file", self.tenant))?;
        let ledger = ledger::open(&config.ledger).await.map_err(located)?;
        let built = Assembly::of(config, &system, ledger).map_err(located)?;
        let mode = match (self.dry_run, self.accept_losses) {
            (true, _) => Mode::DryRun,
            (false, true) => Mode::RepairAll,
            (false, false) => Mode::Repair,
        };
        let shows = io::stderr().is_terminal();
        let progress = move |read, of| {
            if shows {
                eprint!("\r{}", bar(read, of));
            }
        };
        let ended = reconciler::reconciler(&built, &system).run(&tenant, mode, &progress).await;
        if shows {
            // The bar's line is free again.
            eprint!("\r\x1b[K");
        }
        Ok(ended?)
    }
}

/// How much of the list is read, in a line of 60 columns.
fn bar(read: u64, of: u64) -> String {
    const WIDTH: u64 = 30;
    let full = (read.min(of) * WIDTH).checked_div(of).unwrap_or(WIDTH);
    let rest = WIDTH - full;
    let part = |sign: &str, times: u64| sign.repeat(usize::try_from(times).unwrap_or(0));
    format!("[{}{}] {read} of {of} listed", part("#", full), part(".", rest))
}

fn show(report: &Report, dry_run: bool, out: &mut dyn Write) -> io::Result<()> {
    for found in &report.findings {
        writeln!(out, "{}", line(found))?;
    }
    let Report { tenant, listed, customers, links, .. } = report;
    writeln!(out, "{tenant}: {listed} listed, {customers} customers known, {links} with a link")?;
    if !report.whole {
        writeln!(
            out,
            "  the list changed while it was read: nobody counts as missing; run it again"
        )?;
    }
    for (done, words) in [
        (Done::Possible, "would be repaired"),
        (Done::Repaired, "repaired"),
        (Done::Changed, "changed meanwhile"),
        (Done::HeldBack, "held back: too many at once (--accept-losses, when you have looked)"),
        (Done::LinkedElsewhere, "linked in another tenant: somebody must look"),
        (Done::NeedsAPerson, "left: somebody must look"),
    ] {
        let count = report.count(done);
        if count > 0 {
            writeln!(out, "  {count} {words}")?;
        }
    }
    if report.findings.is_empty() && report.whole {
        writeln!(out, "  everything agrees")?;
    }
    if dry_run {
        writeln!(out, "  nothing was changed (--dry-run)")?;
    }
    Ok(())
}

fn line(found: &Finding) -> String {
    let who = match &found.user_id {
        Some(user) => format!("{} ({})", user.as_str(), found.account_id),
        None => found.account_id.clone(),
    };
    let what = match found.what {
        What::NotLinkedHere => "listed, not linked here so",
        What::NotListed => "linked here, not listed",
        What::NeverFinished => "a first login that nothing was heard of",
        What::Unknown => "listed, unknown here",
        What::SeveralAccounts => "listed with several accounts",
        What::Conflict => "in conflict",
    };
    let account = found.domain_id.as_ref().map(|id| format!(", account {id}")).unwrap_or_default();
    let change = match (found.from, found.to) {
        (Some(from), Some(to)) => format!(", {} to {}", from.name(), to.name()),
        _ => String::new(),
    };
    format!("{who}: {what}{account}{change}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(whole: bool, dry_run: bool) -> String {
        let report = Report {
            tenant: "acme".to_owned(),
            listed_at: "2026-01-02T03:04:05Z".to_owned(),
            whole,
            listed: 2,
            customers: 3,
            links: 2,
            findings: Vec::new(),
        };
        let mut out = Vec::new();
        show(&report, dry_run, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_was_compared_is_summed_up() {
        let summary = "acme: 2 listed, 3 customers known, 2 with a link\n";
        assert_eq!(shown(true, false), format!("{summary}  everything agrees\n"));
        let part = shown(false, true);
        assert!(part.starts_with(summary) && !part.contains("agrees"), "{part}");
        assert!(part.contains("nobody counts as missing"), "{part}");
        assert!(part.ends_with("nothing was changed (--dry-run)\n"), "{part}");
    }

    #[test]
    fn the_bar_is_full_at_the_end_and_as_wide_all_the_way() {
        assert_eq!(bar(0, 200), format!("[{}] 0 of 200 listed", ".".repeat(30)));
        assert_eq!(
            bar(100, 200),
            format!("[{}{}] 100 of 200 listed", "#".repeat(15), ".".repeat(15))
        );
        assert_eq!(bar(0, 0), format!("[{}] 0 of 0 listed", "#".repeat(30)));
        // The list may grow while it is read.
        assert_eq!(bar(300, 200), format!("[{}] 300 of 200 listed", "#".repeat(30)));
    }
}
