//! MySQL that is killed, that hangs, that is not there yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actors::domain::commit::Mutation;
use actors::ports::{Clock, CommitError, Committed, Store};
use actors::testing::fixtures::{NEVER, order_id, place, put_sku, sku_id, stock_change};
use floodgate::app::clock::SystemClock;
use floodgate::backend::mysql::MysqlStore;
use mysql_async::prelude::Queryable as _;
use tokio::time::timeout;

use crate::mysql_database::Database;
use crate::server::Server;

async fn commit(store: &MysqlStore, mutations: Vec<Mutation>) -> Result<Committed, CommitError> {
    store.commit(mutations.into()).await
}

async fn try_to_place(store: &MysqlStore, number: u64) -> Result<Committed, CommitError> {
    commit(store, vec![Mutation::Place(place(number, "u", &[("a", 1)]))]).await
}

async fn shop(server: &Server) -> (MysqlStore, Database, Arc<dyn Clock>) {
    let database = Database::on(&server.url());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let store = database.open_store(Arc::clone(&clock)).await;
    let change = Mutation::ChangeStock { change: stock_change("a", 1_000_000, "k"), deadline: NEVER };
    commit(&store, vec![Mutation::PutSku(put_sku("a")), change]).await.expect("the sku is put up");
    (store, database, clock)
}

async fn off_the_thread(work: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(work).await.expect("the script does what it is told");
}

#[tokio::test]
async fn a_kill_under_load_loses_nothing_that_was_acknowledged_and_the_store_comes_back_by_itself() {
    let server = Arc::new(Server::start("mysql"));
    let (store, _database, clock) = shop(&server).await;
    let (is_over, next) = (AtomicBool::new(false), AtomicU64::new(1));
    let buy = async || {
        let (mut acknowledged, mut in_doubt) = (Vec::new(), Vec::new());
        while !is_over.load(Ordering::Relaxed) {
            let from = next.fetch_add(4, Ordering::Relaxed);
            let numbers = from..from + 4;
            let orders = numbers.clone().map(|number| Mutation::Place(place(number, "u", &[("a", 1)])));
            match commit(&store, orders.collect()).await {
                Ok(committed) => {
                    let done = numbers.zip(committed.verdicts).filter(|(_, verdict)| verdict.is_ok());
                    acknowledged.extend(done.map(|(number, _)| number));
                }
                Err(CommitError::Unknown(_)) => in_doubt.extend(numbers),
                Err(CommitError::NotDone(_)) => clock.sleep(Duration::from_millis(50)).await,
            }
        }
        (acknowledged, in_doubt)
    };
    let storm = async {
        for _ in 0..3 {
            clock.sleep(Duration::from_millis(500)).await;
            let killed = Arc::clone(&server);
            off_the_thread(move || {
                killed.kill();
                killed.start_again();
            })
            .await;
        }
        clock.sleep(Duration::from_millis(500)).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let (first, second, ()) = tokio::join!(buy(), buy(), storm);
    let (acknowledged, in_doubt) = ([first.0, second.0].concat(), [first.1, second.1].concat());
    eprintln!("{} acknowledged, {} in doubt", acknowledged.len(), in_doubt.len());
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    let ids = acknowledged.iter().copied().map(order_id).collect();
    let found = store.answers(ids).await.expect("the store is back");
    assert_eq!(found.len(), acknowledged.len(), "acknowledged orders are lost");
    let audit = store.audit(Some(sku_id("a")), None, 1).await.expect("the store is back");
    assert_eq!(audit[0].orders.reserved, audit[0].sku.level.reserved, "stock and orders differ");
    let may_be_there = i64::try_from(acknowledged.len() + in_doubt.len()).expect("few");
    assert!((i64::try_from(found.len()).expect("few")..=may_be_there).contains(&audit[0].sku.level.reserved));
    assert_eq!(store.check().await, Ok(()));
}

#[tokio::test]
async fn a_server_that_hangs_is_refused_in_time_and_used_again_when_it_goes_on() {
    let server = Server::start("mysql");
    let (store, database, clock) = shop(&server).await;
    try_to_place(&store, 1).await.expect("the server is well");
    let mut other = database.other().await;
    other.query_drop("START TRANSACTION").await.expect("the server is well");
    other.query_drop("SELECT 1 FROM sku_stock_info FOR UPDATE").await.expect("the row is free");
    let started = clock.now().monotonic;
    let pause = async {
        // The order is in the middle of its transaction by then, waiting for the row.
        clock.sleep(Duration::from_millis(300)).await;
        server.pause();
    };
    let (refused, ()) = tokio::join!(try_to_place(&store, 5), pause);
    assert_eq!(refused.err(), Some(CommitError::NotDone("the database does not answer".to_owned())));
    // An exchange takes 3 s at most; a commit and a read take one each before they give up, a new connection another.
    let bound = Duration::from_secs(7);
    for number in 2..4 {
        let refused = timeout(bound, try_to_place(&store, number)).await.expect("in time");
        assert_eq!(refused.err(), Some(CommitError::NotDone("the database does not answer".to_owned())));
    }
    let reads = [(); 8].map(|()| timeout(bound, store.order(order_id(1))));
    for read in futures_util::future::join_all(reads).await {
        assert!(read.expect("in time").is_err());
    }
    assert!(timeout(bound, store.check()).await.expect("in time").is_err());
    let elapsed = clock.now().monotonic.since(started);
    assert!(elapsed > Duration::from_secs(6), "it did hang: {elapsed:?}");
    // One that was given up while it was being opened is closed a moment later.
    let is_closed = async {
        while open_connections(database.options.port) > 1 {
            clock.sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(2), is_closed).await.expect("only the other's connection is left open");
    server.resume();
    other.query_drop("ROLLBACK").await.expect("the server goes on");
    assert_eq!(store.check().await, Ok(()));
    try_to_place(&store, 4).await.expect("the server goes on");
    // What was given up is not done behind our back, for it never came to its commit.
    for number in [2, 3, 5] {
        assert_eq!(store.order(order_id(number)).await, Ok(None), "{number}");
    }
}

/// Connections of this machine to a port of its own, as far as this side has not closed them.
fn open_connections(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("every linux has it");
    let is_open = |line: &&str| {
        let mut columns = line.split_whitespace().skip(2);
        let (remote, state) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        remote.ends_with(&format!(":{port:04X}")) && state == "01"
    };
    table.lines().filter(is_open).count()
}

#[tokio::test]
async fn a_commit_that_hangs_has_an_unknown_outcome() {
    let server = Arc::new(Server::start("mysql"));
    let (store, _database, clock) = shop(&server).await;
    let is_over = AtomicBool::new(false);
    let next = AtomicU64::new(1);
    let buy = async || {
        let mut in_doubt = None;
        while in_doubt.is_none() && !is_over.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if let Err(CommitError::Unknown(why)) = try_to_place(&store, number).await {
                in_doubt = Some((number, why));
            }
        }
        in_doubt
    };
    let storm = async {
        let mut tries = 0;
        while tries < 12 && !is_over.load(Ordering::Relaxed) {
            tries += 1;
            clock.sleep(Duration::from_millis(37)).await;
            let paused = Arc::clone(&server);
            off_the_thread(move || paused.pause()).await;
            clock.sleep(Duration::from_millis(3_300)).await;
            let resumed = Arc::clone(&server);
            off_the_thread(move || resumed.resume()).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let meeting = async {
        let in_doubt = buy().await;
        is_over.store(true, Ordering::Relaxed);
        in_doubt
    };
    let (in_doubt, ()) = tokio::join!(meeting, storm);
    let (number, why) = in_doubt.expect("one of the pauses meets a commit");
    assert_eq!(why, "the database does not answer");
    // Whatever came of it, stock and orders agree about it.
    let found = store.answers(vec![order_id(number)]).await.expect("the store is back");
    let audit = store.audit(Some(sku_id("a")), None, 1).await.expect("the store is back");
    eprintln!("the commit in doubt was done: {}", !found.is_empty());
    assert_eq!(audit[0].orders.reserved, audit[0].sku.level.reserved);
}

#[tokio::test]
async fn a_connection_that_the_server_has_ended_costs_no_order() {
    let database = Database::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let store = database.open_store(clock).await;
    let change = Mutation::ChangeStock { change: stock_change("a", 10, "k"), deadline: NEVER };
    commit(&store, vec![Mutation::PutSku(put_sku("a")), change]).await.expect("the sku is put up");
    for number in 1..=3 {
        let of_store = format!(
            "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE db = '{}' AND id <> CONNECTION_ID()",
            database.options.database
        );
        let mut other = database.other().await;
        let kills: Vec<String> = other.query(of_store).await.expect("the user sees its own");
        assert!(!kills.is_empty());
        for kill in kills {
            // Some may be gone already.
            let _ = other.query_drop(kill).await;
        }
        try_to_place(&store, number).await.expect("a new connection is taken");
        assert!(store.order(order_id(number)).await.expect("a new connection is taken").is_some());
    }
}
