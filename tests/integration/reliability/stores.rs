//! One of the two stores killed under load while the other stays: three gateways that are processes
//! of the real program, customers who go into their consoles all the time, and others whose links
//! change in the very moment (D-01, D-04, V4).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::task::JoinSet;
use tokio::time::interval;

use super::creation::{DEADLINE, LEASE_IS_OVER, Partner, is_over};
use super::matrix::Faults;
use crate::support::gateway::browser::Answer;
use crate::support::outage::{Outages, Seen, until};
use crate::support::postgres::{self, PostgresServer};
use crate::support::redis::{Access, Disk, RedisServer, Wire};
use crate::support::report::Size;
use crate::support::site::{Node, Site};
use crate::support::visitor::{Fields, Landed, Visitor};

const NODES: usize = 3;
/// How many customers click all the time.
const LANES: usize = 6;
/// How many clicks end in a console between two blows, at least.
const CONSOLES: usize = 40;
/// How many links change in each way in each outage.
const CHANGES: usize = 3;
/// For how long the store is away, from when the last node noticed.
const AWAY: Duration = Duration::from_secs(1);
/// Within which a click has led somewhere: two answers, of each of which two calls to the database
/// may wait.
const SOON: Duration = Duration::from_secs(10);

/// Which of the two is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Redis,
    Postgres,
}

/// The nodes, and what their users meet.
struct House {
    site: Site,
    nodes: Vec<Node>,
    seen: Seen,
    consoles: AtomicUsize,
    ends: AtomicBool,
}

impl House {
    fn node(&self, number: usize) -> &Node {
        &self.nodes[number % NODES]
    }

    /// Somebody new, up to where the browser holds the cloud's notification.
    async fn newcomer(&self, customer: &str) -> (Visitor, Fields) {
        let mut visitor = Visitor::new(customer, &self.site, self.node(customer.len()));
        let landed = visitor.arrives().await.unwrap();
        let Landed::Newcomer(page) = landed else { panic!("{landed:?}") };
        let told = visitor.creates(&page).await.expect("the first account of this customer");
        (visitor, told)
    }

    /// Clicks, each at another node, that must all lead the customer into the own console, or to
    /// the page that says that the store is away.
    async fn clicks(self: Arc<Self>, lane: usize) {
        let customer = format!("lane-{lane}");
        let (mut visitor, told) = self.newcomer(&customer).await;
        carries(&mut visitor, &told).await;
        let mut beat = interval(Duration::from_millis(20));
        for number in lane.. {
            if self.ends.load(Ordering::Relaxed) {
                break;
            }
            beat.tick().await;
            let (node, begun) = (number % NODES, Instant::now());
            visitor.moves_to(self.node(node));
            let led = visitor.clicks().await.unwrap();
            assert!(begun.elapsed() < SOON, "a click took {:?}", begun.elapsed());
            match led {
                Ok(landed) => {
                    assert_eq!(landed, Landed::Console(customer.clone()));
                    self.consoles.fetch_add(1, Ordering::Relaxed);
                    self.seen.served(node, begun);
                }
                Err(answer) => {
                    expect_away(&answer);
                    self.seen.turned_away(node, begun);
                }
            }
        }
    }

    /// Somebody with a notification carries it, and is switched off by the partner if `off`.
    async fn links(
        self: Arc<Self>,
        (mut visitor, told): (Visitor, Fields),
        (number, off): (usize, bool),
    ) {
        visitor.moves_to(self.node(number));
        carries(&mut visitor, &told).await;
        if off {
            Partner::of(&visitor.customer).suspends(self.node(number + 1)).await.unwrap();
        }
    }

    async fn creates(self: Arc<Self>, customer: String, number: usize) {
        Partner::of(&customer).creates(self.node(number)).await.unwrap();
    }
}

async fn carries(visitor: &mut Visitor, told: &Fields) {
    let answer = visitor.carries(told).await.unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
}

fn expect_away(answer: &Answer) {
    answer.refused("SB-5001");
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
}

/// The customers whose links changed in an outage.
#[derive(Default)]
struct Changed {
    /// Linked by a notification.
    linked: Vec<String>,
    /// Linked, and then switched off.
    switched_off: Vec<String>,
    /// Created by the partner's API; asked for before the blow, or in the outage.
    created: Vec<String>,
}

impl Changed {
    fn sum(&self) -> usize {
        self.linked.len() + 2 * self.switched_off.len() + self.created.len()
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.linked.iter().chain(&self.switched_off).chain(&self.created)
    }
}

/// Both servers.
struct Servers {
    redis: RedisServer,
    postgres: PostgresServer,
}

impl Servers {
    /// What they acknowledged they still know after a kill.
    fn start() -> Self {
        Self {
            redis: RedisServer::with(Access::Open, Wire::Plain, Disk::Keeps),
            postgres: PostgresServer::start(postgres::Disk::Keeps),
        }
    }

    fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Redis => self.redis.kill(),
            Victim::Postgres => self.postgres.kill(),
        }
    }

    fn start_again(&mut self, victim: Victim) {
        match victim {
            Victim::Redis => self.redis.start_again(),
            Victim::Postgres => self.postgres.start_again(),
        }
    }
}

/// One blow, and what changes in it; gives how long the recovery took, and the server's start in
/// it.
async fn blow(
    (house, servers): (&Arc<House>, &mut Servers),
    (victim, number): (Victim, usize),
    changed: &mut Changed,
) -> [Duration; 2] {
    let (seen, mut changing) = (&house.seen, JoinSet::new());
    let before = house.consoles.load(Ordering::Relaxed);
    until("people come into their consoles", || {
        house.consoles.load(Ordering::Relaxed) >= before + CONSOLES
    })
    .await;
    let mut held = Vec::new();
    for change in 0..CHANGES {
        held.push(house.newcomer(&format!("page-{number}-{change}")).await);
    }
    for change in 0..CHANGES {
        let customer = format!("before-{number}-{change}");
        Partner::of(&customer).asks(house.node(change)).await.unwrap();
        changed.created.push(customer);
    }
    let struck = Instant::now();
    servers.kill(victim);
    until("every node notices", || seen.all_noticed(struck)).await;
    let noticed = Instant::now();
    for (change, held) in held.into_iter().enumerate() {
        let (page, api) = (held.0.customer.clone(), format!("api-{number}-{change}"));
        let off = change == 0;
        if off { &mut changed.switched_off } else { &mut changed.linked }.push(page);
        changing.spawn(Arc::clone(house).links(held, (change, off)));
        changing.spawn(Arc::clone(house).creates(api.clone(), change));
        changed.created.push(api);
    }
    if victim == Victim::Redis {
        // The ledger is there: nobody has to wait for Redis.
        while let Some(done) = changing.join_next().await {
            done.unwrap();
        }
    }
    until("time passes", || noticed.elapsed() > AWAY).await;
    let back = seen.is_back();
    servers.start_again(victim);
    let start = back.elapsed();
    let recovery = seen.recovered(back).await;
    while let Some(done) = changing.join_next().await {
        done.unwrap();
    }
    [recovery, start]
}

/// What is wrong when all is over.
async fn judged(house: &House, changed: &Changed) -> Faults {
    if Size::wanted() == Size::Sample {
        house.site.change(LEASE_IS_OVER).await;
    }
    super::matrix::until(DEADLINE, || is_over(&house.site)).await;
    let mut faults = Faults::default();
    let lanes = (0..LANES).map(|lane| format!("lane-{lane}")).collect::<Vec<_>>();
    for customer in changed.all().chain(&lanes) {
        faults.orphans(&house.site, customer).await;
        faults.links(&house.site, customer).await;
    }
    for customer in changed.all() {
        let mut visitor = Visitor::new(customer, &house.site, house.node(0));
        let led = visitor.clicks().await.unwrap();
        let is_right = if changed.switched_off.contains(customer) {
            led.is_err_and(|answer| answer.code().as_deref() == Some("SB-3014"))
        } else {
            led.is_ok_and(|landed| landed == Landed::Console(customer.clone()))
        };
        faults.wrong += usize::from(!is_right);
    }
    println!("{}", faults.notes);
    faults
}

async fn survives(victim: Victim, (name, title): (&str, &str), lines: [&'static str; 2]) {
    let (begun, mut servers) = (Instant::now(), Servers::start());
    let site = Site::on(servers.redis.url(), servers.postgres.database().await).await;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(site.node().await);
    }
    let (seen, consoles, ends) = (Seen::of(NODES), AtomicUsize::new(0), AtomicBool::new(false));
    let house = Arc::new(House { site, nodes, seen, consoles, ends });
    let mut crowd = JoinSet::new();
    for lane in 0..LANES {
        crowd.spawn(Arc::clone(&house).clicks(lane));
    }
    let (blows, mut changed) = (Size::wanted().choose(1, 10), Changed::default());
    let (mut recoveries, mut starts) = (Vec::new(), Vec::new());
    for number in 0..blows {
        let both = (&house, &mut servers);
        let [recovery, start] = blow(both, (victim, number), &mut changed).await;
        recoveries.push(recovery);
        starts.push(start);
    }
    house.ends.store(true, Ordering::Relaxed);
    let mut wrong = 0;
    while let Some(lane) = crowd.join_next().await {
        wrong += usize::from(lane.is_err());
    }
    let faults = judged(&house, &changed).await;
    let outages = Outages {
        done: vec![
            ("nodes, each a process of the program", NODES),
            (lines[0], blows),
            ("clicks that ended in the customer's console", house.consoles.load(Ordering::Relaxed)),
            (lines[1], changed.sum()),
        ],
        load: "clicks under load",
        requests: house.seen.sum(),
        failures: vec![
            ("wrong answers", wrong),
            ("consoles of a wrong account, or of somebody switched off", faults.wrong),
            ("links or creations lost", faults.lost),
            ("accounts, links or messages doubled", faults.doubled),
            ("orphans and creations that are not over", faults.orphans),
        ],
        since: "the order to start it",
        recoveries,
        starts,
        took: begun.elapsed(),
    };
    outages.told(name, title, Size::wanted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_change_rightly_while_redis_is_killed_under_load_and_the_ledger_stays() {
    let title = "Redis killed under load, and PostgreSQL stays";
    let lines = [
        "times that Redis was killed, and started again",
        "links, creations and switches made while it was away, or under way when it was killed",
    ];
    survives(Victim::Redis, ("redis-of-both", title), lines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_change_rightly_while_the_ledger_is_killed_under_load_and_redis_stays() {
    let title = "PostgreSQL killed under load, and Redis stays";
    let lines = [
        "times that PostgreSQL was killed, and started again",
        "links, creations and switches asked for while it was away, or under way when it was killed",
    ];
    survives(Victim::Postgres, ("postgres-of-both", title), lines).await;
}
