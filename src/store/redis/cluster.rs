//! Layer 1: a Redis Cluster: a link to each node, and which of them a command is for.
//!
//! Not the `redis` crate's own cluster client, because that one repeats commands whose answer was
//! lost. Here a command is sent again only when a node said that it did nothing with it (`MOVED`,
//! `ASK`). The map of slots is made at the first call, and again whenever it proved wrong or a node
//! was lost; until the new one is there the old one serves, so that one lost node does not keep up
//! what the others hold.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use redis::{FromRedisValue, Pipeline, Value, cmd, pipe};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::StoreError;
use super::address::Address;
use super::census::{self, Dated};
use super::deadline::within;
use super::fault::{Fault, Redirection, Stay};
use super::link::{Failure, Link, Place, Undone};
use super::options::Access;
use super::slot::{SlotMap, redirected, slot_of};
use super::wire;
use crate::limits;

/// How many names are tried to find one in a slot of a node; with a single slot, one in 16384 is.
const PROBES: u32 = 200_000;

/// The cluster, as all tasks share it.
#[derive(Clone)]
pub(super) struct Cluster(Arc<Shared>);

struct Shared {
    /// Where it is first asked for.
    seeds: Vec<Address>,
    access: Arc<Access>,
    /// What the names of our keys begin with: the servers may allow no others.
    prefix: String,
    links: Mutex<HashMap<Address, Link>>,
    state: watch::Sender<State>,
}

/// What is known about who serves what.
struct State {
    map: Option<Arc<Map>>,
    doubt: Doubt,
    /// Why there is no map.
    cause: String,
}

struct Map {
    slots: SlotMap,
    /// A key in a slot of each node that serves any.
    probes: Vec<String>,
}

/// Whether another map is wanted.
enum Doubt {
    None,
    /// Wanted, but not before that time.
    Due(Instant),
    /// Being made. The time is a safety net for the task that makes it: a runtime may end under it.
    Asking {
        gives_up: Instant,
    },
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Address>, access: Arc<Access>, prefix: String) -> Self {
        let doubt = Doubt::Due(Instant::now());
        let state = watch::Sender::new(State { map: None, doubt, cause: String::new() });
        let links = Mutex::default();
        Self(Arc::new(Shared { seeds, access, prefix, links, state }))
    }

    /// Sends commands, all for the key of that name, to the node that serves it. Ends within four
    /// times [`limits::STORE_DEADLINE`], whatever the nodes do; without a redirection sooner.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        name: &str,
        pipeline: &Pipeline,
        undone: Undone,
    ) -> Result<T, StoreError> {
        within(4 * limits::STORE_DEADLINE, self.follow(name, pipeline, undone))
            .await
            .unwrap_or_else(|| Err(self.0.away("no answer in time")))
    }

    /// Whether every node that serves slots takes commands for them.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        let map = self.map_in_time().await?;
        let mut asked = JoinSet::new();
        for probe in map.probes.clone() {
            let cluster = self.clone();
            asked.spawn(async move {
                let mut pipeline = pipe();
                pipeline.cmd("GET").arg(&probe).ignore();
                cluster.ask::<()>(&probe, &pipeline, Undone::Bearable).await
            });
        }
        while let Some(answer) = asked.join_next().await {
            answer.unwrap_or_else(|_| Err(self.0.away("a probe was interrupted")))?;
        }
        Ok(())
    }

    async fn follow<T: FromRedisValue>(
        &self,
        name: &str,
        pipeline: &Pipeline,
        undone: Undone,
    ) -> Result<T, StoreError> {
        let map = self.map_in_time().await?;
        let Some(at) = map.slots.node(slot_of(name)) else {
            self.doubt();
            return Err(self.0.away("no node serves the key"));
        };
        let mut link = self.0.link(at);
        let mut outcome = link.ask(pipeline, undone).await;
        for _ in 0..limits::STORE_REDIRECTS {
            let (by, to) = match outcome {
                Ok(answer) => return Ok(answer),
                Err(Failure::Elsewhere(by, to)) => (by, to),
                Err(Failure::Refused(error)) => return Err(error),
                Err(Failure::Lost(error)) => {
                    self.doubt();
                    return Err(error);
                }
            };
            link = self.redirect(&by, &to)?;
            outcome = match to.stay {
                Stay::ForGood => link.ask(pipeline, undone).await,
                Stay::Once if pipeline.is_transaction() => {
                    // A server takes none for a slot that has not wholly arrived.
                    return Err(self.0.away("it is moving the slot of the key"));
                }
                Stay::Once => link.ask(&asking(pipeline), undone).await,
            };
        }
        self.doubt();
        outcome.map_err(|failure| match failure {
            Failure::Elsewhere(..) => self.0.away("its nodes send us in a circle"),
            failure => failure.into(),
        })
    }

    fn redirect(&self, by: &Address, to: &Redirection) -> Result<Link, StoreError> {
        if to.stay == Stay::ForGood {
            self.doubt();
        }
        let at = redirected(&to.detail, by);
        at.map(|at| self.0.link(&at)).ok_or_else(|| self.0.away("its redirection cannot be read"))
    }

    async fn map_in_time(&self) -> Result<Arc<Map>, StoreError> {
        within(limits::STORE_DEADLINE, self.map())
            .await
            .unwrap_or_else(|| Err(self.0.away("not connected in time")))
    }

    /// The last known map; waits for the first one if it is being made.
    async fn map(&self) -> Result<Arc<Map>, StoreError> {
        let mut changes = self.0.state.subscribe();
        loop {
            self.learn_if_due();
            {
                let state = changes.borrow_and_update();
                match (&state.map, &state.doubt) {
                    (Some(map), _) => return Ok(map.clone()),
                    (None, Doubt::Asking { .. }) => {}
                    (None, _) => return Err(self.0.away(&state.cause)),
                }
            }
            // Cannot fail: the sender is ours.
            let _ = changes.changed().await;
        }
    }

    fn doubt(&self) {
        self.0.state.send_if_modified(|state| {
            if matches!(state.doubt, Doubt::None) {
                state.doubt = Doubt::Due(Instant::now());
            }
            // Nobody waits for a doubt.
            false
        });
        self.learn_if_due();
    }

    fn learn_if_due(&self) {
        let now = Instant::now();
        let mut due = false;
        self.0.state.send_if_modified(|state| {
            due = match state.doubt {
                Doubt::None => false,
                Doubt::Due(time) | Doubt::Asking { gives_up: time } => time <= now,
            };
            if due {
                state.doubt = Doubt::Asking { gives_up: now + 2 * limits::STORE_CONNECT };
            }
            due
        });
        if due {
            tokio::spawn(learn(self.0.clone()));
        }
    }
}

impl Shared {
    fn link(&self, at: &Address) -> Link {
        let mut links = self.links.lock().expect("nothing panics while it holds the links");
        let new = || Link::new(Place::Node(at.clone()), self.access.clone());
        links.entry(at.clone()).or_insert_with(new).clone()
    }

    fn forget_links_but(&self, nodes: &HashSet<&Address>) {
        let mut links = self.links.lock().expect("nothing panics while it holds the links");
        links.retain(|at, _| nodes.contains(at));
    }

    fn away(&self, cause: &str) -> StoreError {
        StoreError::Away(format!("Redis Cluster at {}: {cause}", self.seeds[0]))
    }

    /// The nodes that are known, and those that were given.
    fn candidates(&self) -> HashSet<Address> {
        let map = self.state.borrow().map.clone();
        let known = map.iter().flat_map(|map| map.slots.nodes());
        known.chain(&self.seeds).cloned().collect()
    }

    fn map_of(&self, slots: SlotMap) -> Map {
        let nodes: HashSet<_> = slots.nodes().collect();
        let probe = |node: &&Address| {
            let names = (0..PROBES).map(|number| format!("{}probe:{number}", self.prefix));
            names.into_iter().find(|name| slots.node(slot_of(name)) == Some(node))
        };
        let probes = nodes.iter().filter_map(probe).collect();
        Map { slots, probes }
    }
}

/// Asks who serves what and tells everybody.
async fn learn(shared: Arc<Shared>) {
    let asks =
        shared.candidates().into_iter().map(|at| {
            let access = shared.access.clone();
            async move {
                slots_by(&at, &access).await.map_err(|cause| format!("its node at {at}: {cause}"))
            }
        });
    let outcome = census::newest(asks).await.map(|slots| shared.map_of(slots));
    shared.state.send_modify(|state| match outcome {
        Ok(map) => {
            let nodes: HashSet<_> = map.slots.nodes().collect();
            tracing::info!(cluster = %shared.seeds[0], nodes = nodes.len(), "Redis Cluster mapped");
            shared.forget_links_but(&nodes);
            state.map = Some(Arc::new(map));
            state.doubt = Doubt::None;
        }
        Err(cause) => {
            state.cause = cause;
            state.doubt = Doubt::Due(Instant::now() + limits::STORE_REDIAL);
        }
    });
}

async fn slots_by(at: &Address, access: &Access) -> Result<Dated<SlotMap>, String> {
    let live = wire::open(at, access).await?;
    let mut pipeline = pipe();
    pipeline.cmd("CLUSTER").arg("SLOTS").cmd("CLUSTER").arg("INFO");
    let (slots, about): (Value, String) = pipeline
        .query_async(&mut live.connection.clone())
        .await
        .map_err(|error| Fault::of(error).text.to_owned())?;
    let epoch = about.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
    let epoch = epoch.and_then(|number| number.trim().parse().ok());
    epoch.zip(SlotMap::read(&slots, at)).ok_or_else(|| "it serves no part of a cluster".to_owned())
}

/// The same commands, to a node that a slot is on its way to.
fn asking(pipeline: &Pipeline) -> Pipeline {
    let mut asking = pipe();
    for command in pipeline.cmd_iter() {
        asking.add_command(cmd("ASKING")).ignore().add_command(command.clone());
    }
    asking
}
