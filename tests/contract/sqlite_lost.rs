//! SQLite when its files are removed, replaced or emptied while they are open: nothing more is acknowledged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::domain::commit::{Mutation, Rules};
use actors::domain::money::Currency;
use actors::ports::{CommitError, Store};
use actors::testing::fixtures::{NEVER, order_id, place, put_sku, stock_change};
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

fn open(path: &Path) -> SqliteStore {
    let clock = Arc::<ManualClock>::default();
    SqliteStore::open(SqliteOptions::at(path), clock, Rules::default()).expect("the database can be opened")
}

async fn try_to_place(store: &SqliteStore, number: u64) -> Result<(), CommitError> {
    store.commit([Mutation::Place(place(number, "u", &[("a", 1)]))].into()).await.map(|_| ())
}

/// A database with an order in it, and the path of its log.
async fn shop(directory: &TempDir) -> (SqliteStore, PathBuf, PathBuf) {
    let path = directory.path().join("floodgate.db");
    let store = open(&path);
    let change = Mutation::ChangeStock { change: stock_change("a", 100, "k"), deadline: NEVER };
    store.commit([Mutation::PutSku(put_sku("a")), change].into()).await.expect("the sku is put up");
    try_to_place(&store, 1).await.expect("there are units");
    (store, path, directory.path().join("floodgate.db-wal"))
}

async fn expect_refused(store: &SqliteStore, number: u64, why: &str) {
    let refusal = try_to_place(store, number).await.expect_err("it would be lost");
    assert!(matches!(&refusal, CommitError::NotDone(reason) if reason.contains(why)), "{refusal:?}");
    let refusal = store.order(order_id(1)).await.expect_err("nobody knows what is true");
    assert!(refusal.to_string().contains(why), "{refusal}");
    let refusal = store.check().await.expect_err("it is not ready");
    assert!(refusal.to_string().contains(why), "{refusal}");
}

#[tokio::test]
async fn a_file_that_is_moved_away_stops_every_answer_until_it_is_back() {
    let directory = TempDir::new().expect("a temporary directory");
    let (store, database, log) = shop(&directory).await;
    let aside = directory.path().join("aside");
    for (number, path) in [(2, &database), (4, &log)] {
        fs::rename(path, &aside).expect("it can be moved");
        expect_refused(&store, number, "was removed while it was in use").await;
        fs::rename(&aside, path).expect("it can be moved");
        try_to_place(&store, number + 1).await.expect("it is back");
        assert_eq!(store.check().await, Ok(()));
        assert_eq!(store.order(order_id(number)).await, Ok(None), "what was refused is not there");
    }
    drop(store);
    let store = open(&database);
    for (number, is_there) in [(1, true), (2, false), (3, true), (4, false), (5, true)] {
        let order = store.order(order_id(number)).await.expect("the store can be read");
        assert_eq!(order.is_some(), is_there, "{number}");
    }
}

#[tokio::test]
async fn another_file_in_its_place_is_not_written() {
    let directory = TempDir::new().expect("a temporary directory");
    let (store, database, _) = shop(&directory).await;
    let backup = directory.path().join("backup");
    fs::copy(&database, &backup).expect("it can be copied");
    let before = fs::read(&backup).expect("a file");
    fs::rename(&backup, &database).expect("it can be moved");
    expect_refused(&store, 2, "was replaced while it was in use").await;
    drop(store);
    assert_eq!(fs::read(&database).expect("a file"), before);
}

#[tokio::test]
async fn an_emptied_database_is_told_as_that() {
    let directory = TempDir::new().expect("a temporary directory");
    let (store, database, _) = shop(&directory).await;
    fs::File::options().write(true).open(&database).and_then(|file| file.set_len(0)).expect("it can be emptied");
    expect_refused(&store, 2, "was emptied while it was in use").await;
}

#[tokio::test]
async fn another_program_that_copies_the_log_into_the_file_does_no_harm() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("floodgate.db");
    let (store, _, log) = shop(&directory).await;
    let meddler = rusqlite::Connection::open(&path).expect("the database can be opened");
    meddler.execute_batch("PRAGMA wal_checkpoint(FULL)").expect("nobody writes");
    drop(meddler);
    assert!(log.exists(), "the log stays as long as the store is open");
    try_to_place(&store, 2).await.expect("nothing is lost");
}

#[tokio::test]
async fn the_currency_stays_and_its_digits_only_grow() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("floodgate.db");
    let table: [(&str, u32, &str); 7] = [
        ("CNY", 2, ""),
        ("CNY", 2, ""),
        ("EUR", 2, "shop.currency must be CNY and not EUR"),
        ("CNY", 0, "shop.currency_digits must be 2 or more, not 0"),
        ("CNY", 3, ""),
        ("CNY", 2, "shop.currency_digits must be 3 or more, not 2"),
        ("CNY", 4, ""),
    ];
    for (code, digits, why) in table {
        let store = open(&path);
        let kept = store.keep_currency(&Currency { code: code.to_owned(), digits }).await;
        let said = kept.err().map(|refusal| refusal.to_string()).unwrap_or_default();
        assert!(said.contains(why) && said.is_empty() == why.is_empty(), "{code} {digits}: {said}");
    }
}
