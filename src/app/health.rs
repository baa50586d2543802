//! App (layer 6): what probes and monitoring ask: `/health/live`, `/health/ready` and `/metrics`.
//! No answer names anything that a stranger could use; they may still be kept to an address of
//! their own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{self, Instant};

use super::metrics::Numbers;
use super::shutdown::Shutdown;
use crate::{limits, measure};

/// One thing without which the gateway cannot do its work, asked anew each time.
pub type Check = Box<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// Whether the gateway can do its work.
pub struct Readiness {
    shutdown: Shutdown,
    checks: Vec<(&'static str, Check)>,
    last: Mutex<Option<(Instant, Found)>>,
}

/// What the checks said, in their order.
type Found = Vec<(&'static str, bool)>;

impl Readiness {
    /// Ready while nobody leaves and all `checks` pass. A check that takes longer than
    /// [`limits::READINESS`] fails.
    #[must_use]
    pub fn new(shutdown: Shutdown, checks: Vec<(&'static str, Check)>) -> Self {
        Self { shutdown, checks, last: Mutex::new(None) }
    }

    /// The checks' answers, at most [`limits::READINESS`] old: probes cost the store little,
    /// however many ask.
    async fn found(&self) -> Found {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < limits::READINESS
        {
            return found.clone();
        }
        let mut found = Found::with_capacity(self.checks.len());
        for (name, check) in &self.checks {
            let passed = time::timeout(limits::READINESS, check()).await.unwrap_or(false);
            found.push((name, passed));
        }
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

/// The routes for probes; `/metrics` only if there are `numbers`.
pub fn operate_router(readiness: Arc<Readiness>, numbers: Option<Numbers>) -> Router {
    let health = Router::new()
        .route("/health/live", get(|| async { answer(StatusCode::OK, json!({"live": true})) }))
        .route("/health/ready", get(ready).with_state(readiness));
    match numbers {
        Some(numbers) => health.route("/metrics", get(all_numbers).with_state(numbers)),
        None => health,
    }
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    // Leaving is never cached: it is what load balancers wait for.
    let leaving = readiness.shutdown.begun();
    let found = readiness.found().await;
    let ready = !leaving && found.iter().all(|(_, passed)| *passed);
    let checks: Map<_, _> =
        found.into_iter().map(|(name, passed)| (name.to_owned(), Value::from(passed))).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, json!({"ready": ready, "leaving": leaving, "checks": checks}))
}

async fn all_numbers(State(numbers): State<Numbers>) -> Response {
    measure::tasks(Handle::current().metrics().num_alive_tasks());
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([kind, NO_STORE], numbers.text()).into_response()
}

fn answer(status: StatusCode, body: Value) -> Response {
    (status, [NO_STORE], Json(body)).into_response()
}

const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::shutdown::Pace;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;
    use tower::ServiceExt as _;

    struct World {
        shutdown: Shutdown,
        store: Arc<AtomicBool>,
        asked: Arc<AtomicUsize>,
        router: Router,
    }

    fn world() -> World {
        let pace = Pace { readiness_grace: Duration::ZERO, drain: Duration::ZERO };
        let shutdown = Shutdown::new(pace);
        let (store, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let (state, count) = (Arc::clone(&store), Arc::clone(&asked));
        let check: Check = Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let passed = state.load(Ordering::SeqCst);
            Box::pin(async move { passed })
        });
        let keys: Check = Box::new(|| Box::pin(async { true }));
        let checks = vec![("store", check), ("keys", keys)];
        let router = operate_router(Arc::new(Readiness::new(shutdown.clone(), checks)), None);
        World { shutdown, store, asked, router }
    }

    impl World {
        async fn get(&self, path: &str) -> (u16, Value) {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ready_says_which_check_failed() {
        let world = world();
        let checks = json!({"store": true, "keys": true});
        let well = json!({"ready": true, "leaving": false, "checks": checks});
        assert_eq!(world.get("/health/ready").await, (200, well));
        world.store.store(false, Ordering::SeqCst);
        time::advance(limits::READINESS).await;
        let checks = json!({"store": false, "keys": true});
        let ill = json!({"ready": false, "leaving": false, "checks": checks});
        assert_eq!(world.get("/health/ready").await, (503, ill));
        assert_eq!(world.get("/health/live").await, (200, json!({"live": true})));
    }

    #[tokio::test(start_paused = true)]
    async fn many_probes_ask_the_store_once_a_second() {
        let world = world();
        for _ in 0..100 {
            world.get("/health/ready").await;
        }
        assert_eq!(world.asked.load(Ordering::SeqCst), 1);
        time::advance(limits::READINESS).await;
        world.get("/health/ready").await;
        assert_eq!(world.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn leaving_is_seen_at_once() {
        let world = world();
        assert_eq!(world.get("/health/ready").await.0, 200);
        world.shutdown.begin();
        let (status, body) = world.get("/health/ready").await;
        assert_eq!((status, &body["leaving"]), (503, &json!(true)));
        assert_eq!(world.get("/health/live").await.0, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_fails() {
        let hangs: Check = Box::new(|| Box::pin(std::future::pending()));
        let World { shutdown, .. } = world();
        let readiness = Readiness::new(shutdown, vec![("store", hangs)]);
        assert_eq!(readiness.found().await, [("store", false)]);
    }

    #[tokio::test]
    async fn numbers_are_on_the_page_only_where_they_are_wanted() {
        assert_eq!(world().get("/metrics").await.0, 404);
    }
}
