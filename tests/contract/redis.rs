//! Redis and Redis Cluster, each case under a prefix of its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use ::redis::cluster::ClusterClientBuilder;
use ::redis::cluster_async::ClusterConnection;
use ::redis::{Client, FromRedisValue};
use actors::domain::id::{GrantId, OrderId};
use actors::ledger_contract;
use actors::ports::{Answer, Clock, Ledger, ReserveReply, ReserveRequest, ReserveVerdict, Settlement, Signals};
use actors::testing::contract::ledger::LedgerBackend;
use actors::testing::fixtures::sku_id;
use floodgate::app::clock::SystemClock;
use floodgate::backend::redis::{RedisLedger, RedisOptions, RedisWorld};
use floodgate::backend::shop::ShopId;
use floodgate::settings::{Flags, LedgerSettings, RedisUrl, Settings};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use ulid::Ulid;

const SERVER: &str = "FLOODGATE_TEST_REDIS_URL";
const CLUSTER: &str = "FLOODGATE_TEST_REDIS_CLUSTER_URL";

pub(crate) struct Shared {
    pub(crate) ledger: Arc<RedisLedger>,
    pub(crate) options: RedisOptions,
    pub(crate) clock: Arc<SystemClock>,
}

impl LedgerBackend for Shared {
    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::<RedisLedger>::clone(&self.ledger)
    }

    fn signals(&self) -> Arc<dyn Signals> {
        Arc::<RedisLedger>::clone(&self.ledger)
    }

    /// Redis has a clock of its own, so its time has to be waited for.
    fn pass(&self, duration: Duration) -> Answer<'_, ()> {
        self.clock.sleep(duration)
    }
}

impl Shared {
    /// Another node on the same Redis.
    fn beside(&self) -> Self {
        Self::on(RedisOptions { node: "n2".to_owned(), ..self.options.clone() })
    }

    pub(crate) fn on(options: RedisOptions) -> Self {
        let clock = Arc::new(SystemClock::start());
        let world = RedisWorld { runtime: Handle::current(), clock: Arc::<SystemClock>::clone(&clock) };
        let ledger = RedisLedger::new(&options, &world).expect("good options");
        Self { ledger: Arc::new(ledger), options, clock }
    }

    pub(crate) async fn settle(&self, grants: &[u128], level: Option<(u64, i64)>) {
        let grants = grants.iter().map(|grant| named(*grant)).collect();
        self.ledger.settle(&sku_id("a"), Settlement { grants, level }).await.expect("redis answers");
    }

    async fn reserve(&self, wanted: &[(u128, u32)]) -> Vec<ReserveVerdict> {
        let who = |grant: u128| format!("buyer \"{grant}\"").into();
        let request =
            |&(grant, quantity): &(u128, u32)| ReserveRequest { grant: named(grant), quantity, who: who(grant) };
        let reply = self.ledger.reserve(&sku_id("a"), wanted.iter().map(request).collect()).await;
        match reply.expect("redis answers") {
            ReserveReply::Answered { verdicts, .. } => verdicts,
            ReserveReply::Missing => panic!("the sku is to be known"),
        }
    }

    /// Asks Redis itself about a key of the SKU.
    async fn ask<T: FromRedisValue>(&self, command: &str, key: &str, arguments: &[&str]) -> T {
        let mut asked = redis::cmd(command);
        asked.arg(format!("{}{{a}}:{key}", self.options.prefix)).arg(arguments);
        self.send(&asked).await
    }

    pub(crate) async fn send<T: FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let urls = self.options.nodes.iter().map(|(host, port)| {
            let login =
                self.options.password.as_deref().map_or(String::new(), |password| format!("default:{password}@"));
            format!("redis://{login}{host}:{port}")
        });
        let urls: Vec<String> = urls.collect();
        if self.options.is_cluster {
            let cluster = ClusterClientBuilder::new(urls).build().expect("good urls");
            let mut connection: ClusterConnection = cluster.get_async_connection().await.expect("it can be reached");
            return command.query_async(&mut connection).await.expect("it answers");
        }
        let client = Client::open(urls[0].as_str()).expect("a good url");
        let mut connection = client.get_multiplexed_async_connection().await.expect("it can be reached");
        command.query_async(&mut connection).await.expect("it answers")
    }
}

fn named(grant: u128) -> GrantId {
    GrantId::of_order(OrderId::from_u128(grant))
}

/// The Redis that a variable names. Without one there is nothing to test, which must not pass for a test.
fn options(variable: &str) -> RedisOptions {
    let url = std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: scripts/services up redis redis-cluster; set -a; . target/services/env")
    });
    let environment = [("FLOODGATE_LEDGER__URL".to_owned(), url)];
    let settings = Settings::load(&Flags::default(), environment).expect("a good url");
    let LedgerSettings::Redis { url, .. } = settings.ledger else { panic!("{variable} names no redis") };
    let RedisUrl { is_cluster, is_tls, nodes, user, password, database } = url;
    let (password, prefix) = (password.map(|secret| secret.0), format!("t-{}:", Ulid::new()));
    let (shop, node) = (ShopId::known("a-shop"), "n1".to_owned());
    RedisOptions { nodes, is_cluster, is_tls, user, password, database, prefix, shop, node }
}

pub(crate) fn server() -> Shared {
    Shared::on(options(SERVER))
}

pub(crate) fn cluster() -> Shared {
    Shared::on(options(CLUSTER))
}

async fn stock_is_kept_for_ever(shared: Shared) {
    shared.settle(&[], Some((1, 5))).await;
    shared.reserve(&[(1, 1)]).await;
    for key in ["stock", "grants", "lapses"] {
        assert_eq!(shared.ask::<i64>("TTL", key, &[]).await, -1, "{key}");
    }
    assert!(shared.ask::<i64>("TTL", "flow", &[]).await > 3_600);
}

async fn a_redis_that_forgot_the_scripts_is_given_them_again(shared: Shared) {
    shared.settle(&[], Some((1, 5))).await;
    shared.send::<()>(redis::cmd("SCRIPT").arg("FLUSH")).await;
    assert_eq!(shared.reserve(&[(1, 1)]).await, [ReserveVerdict::Granted]);
    shared.send::<()>(redis::cmd("SCRIPT").arg("FLUSH")).await;
    shared.settle(&[1], Some((2, 4))).await;
    shared.send::<()>(redis::cmd("SCRIPT").arg("FLUSH")).await;
    let level = shared.ledger.read(&sku_id("a")).await.expect("redis answers").expect("the sku is known");
    assert_eq!((level.base, level.version, level.available, level.grants), (4, 2, 4, 0));
    assert!(shared.ledger.is_answering());
}

async fn a_retry_finds_its_grant_on_another_node(shared: Shared) {
    let other = shared.beside();
    shared.settle(&[], Some((1, 2))).await;
    assert_eq!(shared.reserve(&[(1, 2)]).await, [ReserveVerdict::Granted]);
    let verdicts = other.reserve(&[(1, 2), (2, 1)]).await;
    assert!(matches!(verdicts[..], [ReserveVerdict::Granted, ReserveVerdict::Refused(_)]), "{verdicts:?}");
    other.settle(&[1], Some((2, 2))).await;
    assert_eq!(shared.reserve(&[(2, 1)]).await, [ReserveVerdict::Granted]);
}

async fn the_flow_tells_who_did_what(shared: Shared) {
    shared.settle(&[], Some((4, 9))).await;
    shared.reserve(&[(1, 2), (2, 9), (3, 3)]).await;
    shared.settle(&[3], None).await;
    shared.settle(&[1], Some((5, 7))).await;
    shared.settle(&[], Some((5, 7))).await;
    let told: Vec<String> = shared.ask("LRANGE", "flow", &["0", "-1"]).await;
    let told: Vec<Value> = told.iter().rev().map(|entry| entry.parse().expect("it is json")).collect();
    let (first, third) = (named(1).to_string(), named(3).to_string());
    let table = [
        ("n1", "settle", "4", 0, 9, 9),
        ("buyer \"1\"", "reserve", &first, 9, 7, -2),
        ("buyer \"3\"", "reserve", &third, 7, 4, -3),
        ("n1", "release", &third, 4, 7, 3),
        ("n1", "settle", "5", 7, 7, 0),
    ];
    assert_eq!(told.len(), table.len(), "{told:?}");
    for (entry, (who, operation, id, before, after, change)) in told.iter().zip(table) {
        let members = json!({"who": who, "operation": operation, "id": id, "before": before, "after": after,
            "change": change, "time": entry["time"]});
        assert_eq!(*entry, members);
        assert!(entry["time"].as_i64() > Some(1_700_000_000_000), "{entry}");
    }
}

async fn as_many_as_wait_are_asked_for_at_once(shared: Shared) {
    shared.settle(&[], Some((1, 6_000))).await;
    let wanted: Vec<(u128, u32)> = (0..8_192).map(|grant| (grant, 1)).collect();
    let granted = |verdicts: Vec<ReserveVerdict>| {
        verdicts.into_iter().filter(|verdict| *verdict == ReserveVerdict::Granted).count()
    };
    assert_eq!(granted(shared.reserve(&wanted).await), 6_000);
    assert_eq!(shared.ask::<i64>("LLEN", "flow", &[]).await, 500);
    let grants: Vec<u128> = (0..6_000).collect();
    shared.settle(&grants, Some((2, 10))).await;
    assert_eq!(granted(shared.reserve(&wanted).await), 10);
}

async fn grants_that_are_half_gone_are_let_go(shared: Shared) {
    for half in ["grants", "lapses"] {
        shared.settle(&[], Some((1, 2))).await;
        shared.reserve(&[(1, 2)]).await;
        shared.ask::<i64>("DEL", half, &[]).await;
        let level = shared.ledger.read(&sku_id("a")).await.expect("redis answers").expect("the sku is known");
        assert_eq!((level.available, level.grants), (2, 0), "without {half}");
        assert_eq!(shared.reserve(&[(2, 2)]).await, [ReserveVerdict::Granted], "without {half}");
        shared.settle(&[2], None).await;
    }
}

async fn a_clock_that_went_back_keeps_no_grant_for_longer(shared: Shared) {
    shared.settle(&[], Some((1, 2))).await;
    shared.reserve(&[(1, 2)]).await;
    let grant = named(1).to_string();
    let lapses: f64 = shared.ask("ZINCRBY", "lapses", &["3600000", &grant]).await;
    shared.reserve(&[(2, 1)]).await;
    let mended: f64 = shared.ask("ZSCORE", "lapses", &[&grant]).await;
    assert!(mended <= lapses - 3_590_000.0, "{lapses} {mended}");
    shared.ask::<i64>("HINCRBY", "stock", &["base_at", "3600000"]).await;
    let reply = shared.ledger.reserve(&sku_id("a"), Vec::new()).await.expect("redis answers");
    let ReserveReply::Answered { base_age, .. } = reply else { panic!("the sku is known") };
    assert!(base_age > Duration::from_secs(60), "a base from the future is not believed");
}

async fn what_is_wrong_with_one_sku_is_no_outage(shared: Shared) {
    shared.ask::<()>("SET", "stock", &["x"]).await;
    assert!(shared.ledger.read(&sku_id("a")).await.is_err());
    assert!(shared.ledger.is_answering());
    shared.ledger.forget(&sku_id("a")).await.expect("redis answers");
    shared.settle(&[], Some((1, 1))).await;
    assert_eq!(shared.reserve(&[(1, 1)]).await, [ReserveVerdict::Granted]);
}

async fn a_wrong_password_is_an_outage_and_is_not_told(shared: Shared) {
    let wrong = Shared::on(RedisOptions { password: Some("not-the-password".to_owned()), ..shared.options.clone() });
    let told = wrong.ledger.read(&sku_id("a")).await.expect_err("it is not let in").to_string();
    assert!(told.contains("authentication failed") && !told.contains("not-the-password"), "{told}");
    assert!(!wrong.ledger.is_answering());
}

async fn a_sku_that_this_node_never_met_may_be_known(shared: Shared) {
    let other = shared.beside();
    other.settle(&[], Some((1, 5))).await;
    assert!(shared.ledger.may_know(&sku_id("a")), "another node has told of it, so its settlements must be told here");
}

macro_rules! beyond_the_contract {
    ($factory:path; $($case:ident,)+) => {
        $(#[tokio::test]
        async fn $case() {
            super::$case($factory()).await;
        })+
    };
    ($factory:path) => {
        beyond_the_contract! { $factory;
            stock_is_kept_for_ever,
            a_redis_that_forgot_the_scripts_is_given_them_again,
            a_retry_finds_its_grant_on_another_node,
            the_flow_tells_who_did_what,
            as_many_as_wait_are_asked_for_at_once,
            grants_that_are_half_gone_are_let_go,
            a_clock_that_went_back_keeps_no_grant_for_longer,
            what_is_wrong_with_one_sku_is_no_outage,
            a_wrong_password_is_an_outage_and_is_not_told,
            a_sku_that_this_node_never_met_may_be_known,
        }
    };
}

mod on_a_server {
    use super::*;

    ledger_contract!(server);
    beyond_the_contract!(server);
}

mod on_a_cluster {
    use super::*;

    ledger_contract!(cluster);
    beyond_the_contract!(cluster);
}

/// A Redis that nobody reaches, in every way there is.
mod unreached {
    use super::*;

    fn at(port: u16, is_cluster: bool) -> Shared {
        let (nodes, prefix, node) = (vec![("127.0.0.1".to_owned(), port)], "t:".to_owned(), "n1".to_owned());
        let (user, password, shop) = (None, None, ShopId::known("a-shop"));
        Shared::on(RedisOptions { nodes, is_cluster, is_tls: false, user, password, database: 0, prefix, shop, node })
    }

    /// Expects the first call to take no longer than a call may, and all others nothing.
    async fn costs_once(shared: &Shared, most_ms: u64) {
        let started = shared.clock.now().monotonic;
        assert!(shared.ledger.read(&sku_id("a")).await.is_err());
        let first = shared.clock.now().monotonic.since(started);
        assert!(first < Duration::from_millis(most_ms), "{first:?}");
        assert!(!shared.ledger.is_answering());
        let started = shared.clock.now().monotonic;
        for _ in 0..1_000 {
            assert!(shared.ledger.read(&sku_id("a")).await.is_err());
        }
        let others = shared.clock.now().monotonic.since(started);
        assert!(others < Duration::from_millis(200), "{others:?}");
        let read = shared.ledger.calls().by_name()["read"];
        assert_eq!((read.made, read.failed, read.spared), (1, 1, 1_000));
    }

    #[tokio::test]
    async fn a_redis_that_is_not_there_costs_next_to_nothing() {
        for is_cluster in [false, true] {
            let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
            let port = free.local_addr().expect("it is bound").port();
            drop(free);
            costs_once(&at(port, is_cluster), 200).await;
        }
    }

    #[tokio::test]
    async fn a_redis_that_takes_connections_and_answers_nothing_costs_half_a_second_once() {
        for is_cluster in [false, true] {
            let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
            let port = silent.local_addr().expect("it is bound").port();
            costs_once(&at(port, is_cluster), 800).await;
            drop(silent);
        }
    }
}
