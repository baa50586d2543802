//! `skybridge fake-cloud`: the simulated cloud alone, for a gateway that runs elsewhere.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::Outcome;
use crate::app::log::Log;
use crate::app::serve::{self, Listener};
use crate::app::shutdown::{Pace, Shutdown, on_signals};
use crate::app::system::{SystemClock, SystemRandom};
use crate::config::LogFormat;
use crate::fakecloud::{
    self, BindActionType, BindRefusal, Certificates, FakeCloud, IssueInstant, KeySize, Knobs,
    Registrations, RequestSignature, RetryAfterForm,
};

/// Run a simulated cloud: the service provider's side of a login, with knobs to misbehave
///
/// For development and tests only. It makes its keys at start and forgets everything when it ends.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  skybridge fake-cloud --listen 127.0.0.1:8082 --base-url http://cloud.localhost:8082
  curl -H 'content-type: application/xml' --data-binary '@IDP Metadata.xml' \\
       'http://cloud.localhost:8082/api/provision?bp_id=demo&xAccountType=acme_IDP'")]
pub(super) struct FakeCloudCommand {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8082")]
    listen: SocketAddr,
    /// The public address: scheme, host and port. Without it, cloud.localhost and the port, by http
    #[arg(long, value_name = "URL")]
    base_url: Option<Url>,
    /// Which of the cloud's sites is played
    #[arg(long, value_enum, default_value_t = SiteName::Cn)]
    site: SiteName,
    /// Bits of the signing keys
    #[arg(long, value_name = "BITS", default_value = "2048", value_parser = key_size)]
    key_size: KeySize,
    /// What is logged to standard error
    #[arg(long, value_name = "LEVELS", default_value = "warn")]
    log: String,
    #[command(flatten)]
    knobs: KnobArguments,
}

/// The cloud's sites.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SiteName {
    /// China
    Cn,
    /// International
    Intl,
    /// Europe
    Eu,
}

/// How the simulated cloud misbehaves from the start. All can be changed later: PUT /api/knobs
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Knobs of the simulated cloud")]
pub(super) struct KnobArguments {
    /// Seconds that its clock is ahead; negative is behind
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_hyphen_values = true)]
    clock_skew: i64,
    /// The `IssueInstant` of requests: now, one hour ahead, one hour ago
    #[arg(long, value_name = "WHEN", default_value = "now", value_parser = issue_instant)]
    issue_instant: IssueInstant,
    /// Put this into Destination instead of the gateway's address
    #[arg(long, value_name = "URL")]
    wrong_destination: Option<String>,
    /// Ask for the answer at this address instead of its own
    #[arg(long, value_name = "URL")]
    foreign_acs: Option<String>,
    /// How requests are signed: good, missing, broken
    #[arg(long, value_name = "HOW", default_value = "good", value_parser = request_signature)]
    request_signature: RequestSignature,
    /// Certificates in metadata, and who signs: one, expired, two-first-signs, two-second-signs
    #[arg(long, value_name = "WHICH", default_value = "one", value_parser = certificates)]
    certificates: Certificates,
    /// Send the last request once more instead of a new one
    #[arg(long)]
    replay_request: bool,
    /// Ask for a fresh sign-in (`ForceAuthn`)
    #[arg(long)]
    force_authn: bool,
    /// Forbid pages (`IsPassive`)
    #[arg(long)]
    is_passive: bool,
    /// Wait so many milliseconds before each page
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    delay: u64,
    /// Whether people may create accounts: open, exceeded
    #[arg(long, value_name = "HOW", default_value = "open", value_parser = registrations)]
    registrations: Registrations,
    /// An existing account that cannot be bound, and why, such as some_account=in-arrears
    #[arg(long, value_name = "ACCOUNT=REASON", value_parser = bind_refusal)]
    bind_refusal: Vec<(String, BindRefusal)>,
    /// How notifications write bindAction: string, number
    #[arg(long, value_name = "TYPE", default_value = "string", value_parser = bind_action_type)]
    bind_action_type: BindActionType,
    /// Associate accounts that the API creates so many milliseconds later
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    association_delay: u64,
    /// How Retry-After is written when the API is called too often: seconds, date
    #[arg(long, value_name = "FORM", default_value = "seconds", value_parser = retry_after)]
    retry_after: RetryAfterForm,
}

impl KnobArguments {
    pub(super) fn knobs(&self) -> Knobs {
        Knobs {
            clock_skew_seconds: self.clock_skew,
            issue_instant: self.issue_instant,
            wrong_destination: self.wrong_destination.clone(),
            foreign_acs: self.foreign_acs.clone(),
            request_signature: self.request_signature,
            certificates: self.certificates,
            replay_request: self.replay_request,
            force_authn: self.force_authn,
            is_passive: self.is_passive,
            delay_ms: self.delay,
            registrations: self.registrations,
            bind_refusals: self.bind_refusal.iter().cloned().collect(),
            bind_action_type: self.bind_action_type,
            association_delay_ms: self.association_delay,
            retry_after: self.retry_after,
        }
    }
}

impl FakeCloudCommand {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let _log = Log::start(LogFormat::Human, &self.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve(out))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn serve(&self, out: &mut dyn Write) -> Result<(), Box<dyn std::error::Error>> {
        let listener = Listener::bind(serve::Options {
            name: "fake-cloud",
            listen: self.listen,
            tls: None,
            max_connections: NonZeroU32::new(1000).expect("1000 is not 0"),
        })
        .await?;
        let base_url = match &self.base_url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("http://cloud.localhost:{}", listener.address().port()))?,
        };
        let options =
            fakecloud::Options::new(base_url, Arc::new(SystemClock), Arc::new(SystemRandom));
        let base = options.base_url.origin().ascii_serialization();
        let cloud = FakeCloud::new(fakecloud::Options {
            site: match self.site {
                SiteName::Cn => fakecloud::Site::Cn,
                SiteName::Intl => fakecloud::Site::Intl,
                SiteName::Eu => fakecloud::Site::Eu,
            },
            key_size: self.key_size,
            knobs: self.knobs.knobs(),
            ..options
        })?;
        writeln!(out, "{}", welcome(&base))?;
        out.flush()?;
        let shutdown =
            Shutdown::new(Pace { readiness_grace: Duration::ZERO, drain: Duration::from_secs(2) });
        tokio::select! {
            done = on_signals(shutdown.clone()) => done?,
            _ = listener.serve(cloud.router(), shutdown) => {}
        }
        Ok(())
    }
}

fn welcome(base: &str) -> String {
    format!(
        "\
The simulated cloud is at {base}

  its metadata, for the gateway   {base}/authui/saml/metadata.xml
  its certificates                {base}/api/sp.pem
  hand in IDP Metadata.xml        {base}/provision
  the login link                  {base}/authui/saml/login?xAccountType=…&isFirstLogin=false
  knobs, GET and PUT              {base}/api/knobs
  faults of the API, GET and PUT  {base}/api/faults
  accounts, calls of the API      {base}/api/accounts, {base}/api/calls
  verification codes              {base}/api/codes?receiver=…
  the last exchanges              {base}/api/last

End it with Ctrl-C."
    )
}

/// Reads a knob as its JSON spells it; a hyphen is as good as an underscore.
fn knob<T: serde::de::DeserializeOwned>(text: &str, known: &str) -> Result<T, String> {
    serde_json::from_value(text.replace('-', "_").into()).map_err(|_| format!("one of {known}"))
}

fn issue_instant(text: &str) -> Result<IssueInstant, String> {
    knob(text, "now, future, expired")
}

fn request_signature(text: &str) -> Result<RequestSignature, String> {
    knob(text, "good, missing, broken")
}

fn certificates(text: &str) -> Result<Certificates, String> {
    knob(text, "one, expired, two-first-signs, two-second-signs")
}

fn registrations(text: &str) -> Result<Registrations, String> {
    knob(text, "open, exceeded")
}

fn bind_action_type(text: &str) -> Result<BindActionType, String> {
    knob(text, "string, number")
}

fn bind_refusal(text: &str) -> Result<(String, BindRefusal), String> {
    let (account, reason) = text.split_once('=').ok_or("ACCOUNT=REASON")?;
    Ok((account.to_owned(), knob(reason, "the reasons, such as in-arrears, is-partner")?))
}

fn retry_after(text: &str) -> Result<RetryAfterForm, String> {
    knob(text, "seconds, date")
}

fn key_size(text: &str) -> Result<KeySize, String> {
    match text {
        "2048" => Ok(KeySize::Rsa2048),
        "3072" => Ok(KeySize::Rsa3072),
        "4096" => Ok(KeySize::Rsa4096),
        _ => Err("one of 2048, 3072, 4096".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        knobs: KnobArguments,
    }

    #[test]
    fn every_knob_can_be_turned_on_the_command_line() {
        let line = "x --clock-skew -5 --issue-instant expired --wrong-destination https://a.example \
                    --foreign-acs https://b.example --request-signature broken \
                    --certificates two-second-signs --replay-request --force-authn --is-passive \
                    --delay 7 --registrations exceeded --bind-refusal theirs=in-arrears \
                    --bind-action-type number --association-delay 8 --retry-after date";
        let knobs = Line::try_parse_from(line.split_whitespace()).unwrap().knobs.knobs();
        let turned = serde_json::to_value(&knobs).unwrap();
        let still = serde_json::to_value(Knobs::default()).unwrap();
        for (name, value) in turned.as_object().unwrap() {
            assert_ne!(value, &still[name], "{name} has no option");
        }
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_known_ones() {
        assert!(issue_instant("yesterday").unwrap_err().contains("expired"));
        for line in ["x --certificates three", "x --bind-refusal theirs", "x --bind-refusal a=b"] {
            assert!(Line::try_parse_from(line.split_whitespace()).is_err(), "{line}");
        }
        let still = Line::try_parse_from(["x"]).unwrap().knobs.knobs();
        assert_eq!(still, Knobs::default());
    }
}
