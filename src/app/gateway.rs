//! Room app (layer 6): the gateway, built from its configuration and kept running: listeners,
//! reloads, refreshes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinSet, block_in_place};

use super::creations;
use super::fetch::HttpFetch;
use super::health::{Check, Readiness, operate_router};
use super::ledger;
use super::log::{Log, log_request};
use super::marks;
use super::metrics::Numbers;
use super::parts::{Assembly, StartError, System};
use super::proxy::{Proxies, see_client};
use super::reconciler::Schedule;
use super::serve::{self, Listener};
use super::shutdown::{Pace, Shutdown};
use super::tls::Certificates;
use super::webhooks;
use crate::account::Creations;
use crate::account::webhook::Postman;
use crate::clock::Clock;
use crate::cloud::registrar::Registrar;
use crate::cloud::registration::{Fetch, Registrations, Report};
use crate::config::Config;
use crate::http;
use crate::keys::Rings;
use crate::limits;
use crate::random::Random;
use crate::store::Ephemeral;
use crate::store::ledger::Ledger;

/// How often the key rings and TLS certificates are looked at for changes.
const RELOAD: Duration = Duration::from_secs(30);

/// A gateway that is built and not yet open.
pub struct Gateway {
    listener: Listener,
    operate: Option<Listener>,
    app: Router,
    operate_app: Router,
    tls: Option<Arc<Certificates>>,
    rings: Arc<Rings>,
    registrations: Arc<Registrations>,
    registrar: Arc<Registrar>,
    postman: Arc<Postman>,
    creations: Arc<Creations>,
    schedule: Schedule,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    refresh: Duration,
    shutdown: Shutdown,
}

impl Gateway {
    /// Builds every part, opens the listeners' sockets, and loads what is on this machine. Waits
    /// for no network: the store and the clouds' metadata may come up later.
    ///
    /// # Errors
    /// [`StartError`]: rather than start half, it does not start (conformance D-22).
    pub async fn build(
        config: &Config,
        system: System,
        numbers: Option<Numbers>,
    ) -> Result<Self, StartError> {
        let part = |error: &dyn std::fmt::Display| StartError::Part(error.to_string());
        let ledger = ledger::open(&config.ledger).await?;
        let kept = Arc::clone(&ledger);
        // Files and shared keys are waited for, which must not hold up what else this thread does.
        let built = block_in_place(|| Assembly::of(config, &system, ledger))?;
        ledger::declare(&*kept, &built.declared, &*system.clock).await?;
        let schedule = Schedule::of(config, &built, &system);
        let Assembly { sso, book, store, hooks, rings, registrations, registrar, .. } = built;
        let postman = webhooks::postman(hooks, &book, &system)?;
        registrations.restore().await.iter().for_each(log_report);
        take_up(&registrar).await;
        crate::page::warm_up();
        let pace =
            Pace { readiness_grace: config.server.readiness_grace, drain: config.server.drain };
        let shutdown = Shutdown::new(pace);
        let ledger = answers_too(Arc::clone(&kept));
        let checks = vec![("store", answers(store)), ("ledger", ledger)];
        let readiness = Arc::new(Readiness::new(shutdown.clone(), checks));
        let public = if config.server.public_metrics { numbers.clone() } else { None };
        let tls = certificates(config)?;
        let creations = Arc::clone(sso.creations());
        let random = Arc::clone(&system.random);
        let routes = http::router(http::Gateway {
            sso,
            book,
            registrar: Arc::clone(&registrar),
            upload_bytes: config.clouds.metadata_upload_bytes,
            clock: Arc::clone(&system.clock),
            request_timeout: config.server.request_timeout,
            strict_transport: config.server.base_url.is_https(),
        });
        let app = routes.merge(operate_router(Arc::clone(&readiness), public));
        let proxies = Proxies::new(&config.server.trusted_proxies);
        let app = app
            .layer(from_fn_with_state(system.random, log_request))
            .layer(from_fn_with_state(proxies, see_client));
        let acceptor = tls.as_ref().map(|tls| tls.acceptor()).transpose();
        let options = |name, listen, tls| serve::Options {
            name,
            listen,
            tls,
            max_connections: config.server.max_connections,
        };
        let main = options("gateway", config.server.listen, acceptor.map_err(|e| part(&e))?);
        let operate = match config.server.operate_listen {
            None => None,
            Some(listen) => Some(Listener::bind(options("operate", listen, None)).await?),
        };
        Ok(Self {
            listener: Listener::bind(main).await?,
            operate,
            app,
            operate_app: operate_router(readiness, numbers),
            tls,
            rings,
            registrations,
            registrar,
            postman,
            creations,
            schedule,
            ledger: kept,
            clock: system.clock,
            random,
            refresh: config.clouds.metadata_refresh,
            shutdown,
        })
    }

    /// The address that the main listener has.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The handle that makes the gateway leave.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// The service providers' metadata, for whoever wants to refresh it now.
    #[must_use]
    pub fn registrations(&self) -> Arc<Registrations> {
        Arc::clone(&self.registrations)
    }

    /// Serves until told to leave and everything under way is finished.
    ///
    /// # Errors
    /// When metadata cannot be fetched at all: no root certificates, no TLS.
    pub async fn run(self) -> Result<(), StartError> {
        let fetch = HttpFetch::new().map_err(|error| StartError::Part(error.to_string()))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(refresh(
            self.registrations,
            Arc::new(fetch),
            self.refresh,
            self.shutdown.clone(),
        ));
        tasks.spawn(follow_uploads(self.registrar, self.shutdown.clone()));
        tasks.spawn(self.schedule.keep(self.shutdown.clone()));
        tasks.spawn(webhooks::send(self.postman, self.shutdown.clone()));
        let random = Arc::clone(&self.random);
        tasks.spawn(marks::forget(self.ledger, self.clock, random, self.shutdown.clone()));
        let hangup = signal(SignalKind::hangup());
        let hangup = hangup.map_err(|error| StartError::Part(format!("SIGHUP: {error}")))?;
        tasks.spawn(reload(self.rings, hangup, self.shutdown.clone()));
        if let Some(tls) = self.tls {
            tasks.spawn(tls.watch(RELOAD, self.shutdown.clone()));
        }
        if let Some(operate) = self.operate {
            let (app, shutdown) = (self.operate_app, self.shutdown.clone());
            tasks.spawn(async move {
                operate.serve(app, shutdown).await;
            });
        }
        let hands = creations::run(self.creations, self.random, self.shutdown.clone());
        let hands = tokio::spawn(hands);
        self.listener.serve(self.app, self.shutdown).await;
        if let Err(error) = hands.await {
            tracing::error!(%error, "the work on creations ended early");
        }
        tasks.shutdown().await;
        Ok(())
    }
}

/// The certificates of the gateway's own TLS, if it does TLS.
fn certificates(config: &Config) -> Result<Option<Arc<Certificates>>, StartError> {
    let Some(tls) = &config.server.tls else { return Ok(None) };
    let loaded = Certificates::load(tls.certificate.as_path(), tls.key.as_path());
    let loaded = loaded.map_err(|error| StartError::Part(error.to_string()))?;
    Ok(Some(Arc::new(loaded)))
}

fn answers(store: Arc<dyn Ephemeral>) -> Check {
    Box::new(move || {
        let store = Arc::clone(&store);
        Box::pin(async move { store.ping().await.is_ok() })
    })
}

fn answers_too(ledger: Arc<dyn Ledger>) -> Check {
    Box::new(move || {
        let ledger = Arc::clone(&ledger);
        Box::pin(async move { ledger.reachable().await.is_ok() })
    })
}

/// Fetches metadata at start and then again and again; sooner after a failure.
async fn refresh(
    registrations: Arc<Registrations>,
    fetch: Arc<dyn Fetch>,
    every: Duration,
    shutdown: Shutdown,
) {
    const AFTER_FAILURE: Duration = Duration::from_secs(30);
    loop {
        let reports = registrations.refresh_due(&fetch, every).await;
        reports.iter().for_each(log_report);
        let failed = reports.iter().any(|report| report.outcome.is_err());
        let rest = registrations.rest(every).await;
        let pause = if failed { AFTER_FAILURE.min(every) } else { rest };
        tokio::select! {
            () = shutdown.beginning() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Uses what was uploaded at other nodes, soon after.
async fn follow_uploads(registrar: Arc<Registrar>, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.beginning() => return,
            () = tokio::time::sleep(limits::UPLOAD_POLL) => {}
        }
        take_up(&registrar).await;
    }
}

async fn take_up(registrar: &Registrar) {
    match registrar.take_up().await {
        Ok(reports) => reports.iter().for_each(log_report),
        Err(error) => tracing::warn!(%error, "uploaded service providers cannot be read"),
    }
}

fn log_report(report: &Report) {
    let tenant = report.tenant.as_str();
    match &report.outcome {
        Ok(loaded) => {
            let (sp, change) = (&loaded.entity_id, loaded.change);
            tracing::info!(tenant, %sp, ?change, "metadata loaded");
            for warning in &loaded.warnings {
                tracing::warn!(tenant, sp = %loaded.entity_id, %warning, "metadata not used whole");
            }
            if let Some(fault) = &loaded.cache_fault {
                tracing::warn!(tenant, sp = %loaded.entity_id, fault, "metadata not kept on disk");
            }
        }
        Err(failure) => {
            tracing::error!(tenant, source = ?report.source, %failure, "metadata failed");
        }
    }
}

/// Takes over what `skybridge keys` changed: twice a minute, and at once on SIGHUP.
async fn reload(rings: Arc<Rings>, mut hangup: Signal, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.beginning() => return,
            _ = hangup.recv() => {}
            () = tokio::time::sleep(RELOAD) => {}
        }
        let rings = Arc::clone(&rings);
        match tokio::task::spawn_blocking(move || rings.reload()).await {
            Ok(Ok(found)) => {
                for tenant in &found.changed {
                    tracing::info!(tenant, "signing keys changed");
                }
                for (tenant, problem) in &found.problems {
                    tracing::error!(tenant, %problem, "signing keys cannot be used");
                }
            }
            Ok(Err(problem)) => tracing::error!(%problem, "signing keys cannot be read"),
            Err(error) => tracing::error!(%error, "signing keys were not read"),
        }
    }
}

/// Runs the gateway of a configuration in this process until a signal ends it.
///
/// # Errors
/// [`StartError`].
pub async fn serve(config: &Config, system: System) -> Result<(), StartError> {
    let part = |error: &dyn std::fmt::Display| StartError::Part(error.to_string());
    let log = Log::start(config.log.format, config.log.level.as_str()).map_err(|e| part(&e))?;
    let numbers = Numbers::record().map_err(|e| part(&e))?;
    let gateway = Gateway::build(config, system, Some(numbers.clone())).await?;
    let shutdown = gateway.shutdown();
    let mut tasks = JoinSet::new();
    tasks.spawn(super::shutdown::on_signals(shutdown.clone()));
    let log = Arc::new(log);
    let kept = tokio::spawn(numbers.keep(Arc::clone(&log), shutdown));
    gateway.run().await?;
    kept.abort();
    Ok(())
}
