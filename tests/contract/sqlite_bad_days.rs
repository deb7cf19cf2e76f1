//! SQLite when the disk is full, when another process holds the database, and when our own work breaks off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::domain::commit::{Mutation, Outcome, Rules};
use actors::domain::time::Now;
use actors::ports::{Answer, Clock, CommitError, Committed, Store, StoreError, Tally};
use actors::testing::fixtures::{NEVER, order_id, place, place_keyed, put_sku, sku_id, stock_change};
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

const FULL: &str = "the disk is full or the database has reached its size limit";
const LOCKED: &str = "the database is locked by another process";

fn open(options: &SqliteOptions) -> SqliteStore {
    let clock = Arc::<ManualClock>::default();
    SqliteStore::open(options.clone(), clock, Rules::default()).expect("the database can be opened")
}

async fn stock_up(store: &SqliteStore, units: i64) {
    let change = Mutation::ChangeStock { change: stock_change("a", units, "k"), deadline: NEVER };
    commit(store, vec![Mutation::PutSku(put_sku("a")), change]).await.expect("the sku is put up");
}

async fn commit(store: &SqliteStore, mutations: Vec<Mutation>) -> Result<Committed, CommitError> {
    store.commit(mutations.into()).await
}

async fn try_to_place(store: &SqliteStore, number: u64) -> Result<Committed, CommitError> {
    commit(store, vec![Mutation::Place(place_keyed(number, "u", &format!("k-{number}"), &[("a", 1)]))]).await
}

async fn reserved(store: &SqliteStore) -> i64 {
    let skus = store.skus(vec![sku_id("a")]).await.expect("the store can be read");
    skus[&sku_id("a")].level.reserved
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_keeps_what_is_there() {
    let directory = TempDir::new().expect("a temporary directory");
    let options = SqliteOptions::at(directory.path().join("floodgate.db"));
    let small = SqliteOptions { max_page_count: Some(64), ..options.clone() };
    let store = open(&small);
    stock_up(&store, 100_000).await;
    let mut placed = 0;
    let refusal = loop {
        match try_to_place(&store, placed + 1).await {
            Ok(_) => placed += 1,
            Err(refusal) => break refusal,
        }
    };
    assert!(placed > 10, "{placed}");
    assert_eq!(refusal, CommitError::NotDone(FULL.to_owned()));
    assert_eq!(refusal.to_string(), format!("the store cannot be written: {FULL}"));
    assert_eq!(try_to_place(&store, placed + 2).await.err(), Some(refusal), "it stays as it is");
    assert_eq!(store.check().await, Err(StoreError::Unavailable(FULL.to_owned())));
    for number in 1..=placed {
        assert!(store.order(order_id(number)).await.expect("the store can be read").is_some(), "{number}");
    }
    assert_eq!(store.order(order_id(placed + 1)).await, Ok(None));
    assert_eq!(reserved(&store).await, i64::try_from(placed).expect("a small number"));
    drop(store);
    let store = open(&options);
    assert_eq!(store.check().await, Ok(()));
    let verdicts = try_to_place(&store, placed + 1).await.expect("there is room again").verdicts;
    assert!(matches!(verdicts[0], Ok(Outcome::Placed { replayed: false, .. })), "{verdicts:?}");
    let audit = store.audit(None, None, 9).await.expect("the store can be read");
    assert_eq!(audit[0].orders.reserved, audit[0].sku.level.reserved);
}

#[tokio::test]
async fn writes_are_refused_while_another_process_holds_the_database_and_come_back_by_themselves() {
    let directory = TempDir::new().expect("a temporary directory");
    let options = SqliteOptions::at(directory.path().join("floodgate.db"));
    let store = open(&options);
    stock_up(&store, 10).await;
    let other = Connection::open(&options.path).expect("the database can be opened");
    other.execute_batch("BEGIN EXCLUSIVE").expect("nobody else writes");
    let refusal = tokio::time::timeout(Duration::from_secs(5), try_to_place(&store, 1)).await;
    assert_eq!(refusal.expect("within the timeout").err(), Some(CommitError::NotDone(LOCKED.to_owned())));
    assert_eq!(store.check().await, Err(StoreError::Unavailable(LOCKED.to_owned())));
    assert_eq!(reserved(&store).await, 0, "reading goes on");
    other.execute_batch("ROLLBACK").expect("it was open");
    assert_eq!(store.check().await, Ok(()));
    try_to_place(&store, 1).await.expect("the database is free again");
    assert_eq!(reserved(&store).await, 1);
}

#[tokio::test]
async fn a_write_waits_out_a_short_lock() {
    let directory = TempDir::new().expect("a temporary directory");
    let options = SqliteOptions::at(directory.path().join("floodgate.db"));
    let store = open(&options);
    stock_up(&store, 10).await;
    let other = Connection::open(&options.path).expect("the database can be opened");
    other.execute_batch("BEGIN EXCLUSIVE").expect("nobody else writes");
    // The writer has the batch from here on; it is answered once the lock is gone.
    let waiting = try_to_place(&store, 1);
    let release = async {
        tokio::task::yield_now().await;
        other.execute_batch("ROLLBACK").expect("it was open");
    };
    let (committed, ()) = tokio::join!(waiting, release);
    committed.expect("the lock was short");
}

/// A clock that panics when it is told to.
#[derive(Default)]
struct BrokenClock {
    clock: ManualClock,
    is_broken: AtomicBool,
}

impl Clock for BrokenClock {
    fn now(&self) -> Now {
        assert!(!self.is_broken.load(Ordering::Relaxed), "broken on purpose");
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> Answer<'static, ()> {
        self.clock.sleep(duration)
    }
}

#[tokio::test]
async fn a_batch_that_breaks_off_is_answered_and_the_next_one_goes_through() {
    let directory = TempDir::new().expect("a temporary directory");
    let clock = Arc::<BrokenClock>::default();
    let options = SqliteOptions::at(directory.path().join("floodgate.db"));
    let store = SqliteStore::open(options, Arc::<BrokenClock>::clone(&clock), Rules::default());
    let store = store.expect("the database can be opened");
    stock_up(&store, 10).await;
    clock.is_broken.store(true, Ordering::Relaxed);
    let outcome = try_to_place(&store, 1).await;
    assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
    clock.is_broken.store(false, Ordering::Relaxed);
    assert_eq!(store.order(order_id(1)).await, Ok(None));
    try_to_place(&store, 2).await.expect("the writer goes on");
    assert_eq!(store.check().await, Ok(()));
}

#[tokio::test]
async fn a_row_that_does_not_take_its_change_takes_the_whole_batch_back() {
    let directory = TempDir::new().expect("a temporary directory");
    let options = SqliteOptions::at(directory.path().join("floodgate.db"));
    let store = open(&options);
    stock_up(&store, 10).await;
    let other = Connection::open(&options.path).expect("the database can be opened");
    let ignore = "BEFORE UPDATE ON sku_stock_info BEGIN SELECT RAISE(IGNORE); END";
    other.execute_batch(&format!("CREATE TRIGGER stubborn {ignore}")).expect("writable");
    let why = "0 rows of sku_stock_info changed where exactly one had to";
    assert_eq!(try_to_place(&store, 1).await.err(), Some(CommitError::NotDone(why.to_owned())));
    assert_eq!(store.order(order_id(1)).await, Ok(None));
    other.execute_batch("DROP TRIGGER stubborn").expect("writable");
    try_to_place(&store, 1).await.expect("the row takes changes again");
    assert_eq!(reserved(&store).await, 1);
}

#[tokio::test]
async fn a_batch_is_committed_though_nobody_waits_for_it() {
    let directory = TempDir::new().expect("a temporary directory");
    let store = open(&SqliteOptions::at(directory.path().join("floodgate.db")));
    stock_up(&store, 10).await;
    drop(store.commit([Mutation::Place(place(1, "u", &[("a", 1)]))].into()));
    try_to_place(&store, 2).await.expect("the next batch comes after it");
    assert_eq!(reserved(&store).await, 2);
}

#[tokio::test]
async fn a_bad_row_holds_up_only_what_meets_it() {
    let directory = TempDir::new().expect("a temporary directory");
    let options = SqliteOptions::at(directory.path().join("floodgate.db"));
    let store = open(&options);
    stock_up(&store, 100).await;
    let change = Mutation::ChangeStock { change: stock_change("b", 100, "k"), deadline: NEVER };
    commit(&store, vec![Mutation::PutSku(put_sku("b")), change]).await.expect("the sku is put up");
    let other = Connection::open(&options.path).expect("the database can be opened");
    other
        .execute_batch("PRAGMA ignore_check_constraints = 1; UPDATE sku_stock_info SET sold = 7 WHERE sku_id = 'a'")
        .expect("the row can be spoilt");
    let batch = (1..=9).map(|number| {
        let sku = if number % 3 == 0 { "a" } else { "b" };
        Mutation::Place(place(number, "u", &[(sku, 1)]))
    });
    let committed = commit(&store, batch.collect()).await.expect("the others are done");
    let done: Vec<bool> = committed.verdicts.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, true, false, true, true, false, true, true, false]);
    let refusal = committed.verdicts[2].as_ref().expect_err("its row is bad").to_string();
    assert!(refusal.contains("the database is damaged"), "{refusal}");
    assert_eq!((committed.events.len(), committed.skus[&sku_id("b")].level.reserved), (6, 6));
    let Tally { done, not_done, unknown, written } = committed.tally;
    assert_eq!((done, not_done, unknown, written), (5, 3, 0, 6), "halves of halves, and three rows that are bad");
}
