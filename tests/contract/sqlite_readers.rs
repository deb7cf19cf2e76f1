//! SQLite's readers: what takes long is not waited for by what is soon done, and what is too much is said to be so.

use std::sync::Arc;

use actors::domain::commit::{Mutation, Rules};
use actors::domain::rejection::Rejection;
use actors::ports::{Store, StoreError};
use actors::testing::fixtures::{order_id, put_sku, sku_id};
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::sqlite::{SqliteOptions, SqliteStore, SqliteTokens};
use floodgate::backend::tokens::TokenStore as _;
use futures_util::FutureExt as _;
use rusqlite::Connection;
use tempfile::TempDir;

/// Rows that take long to count.
const LONG: u64 = 2_000_000;

async fn open() -> (SqliteStore, Connection, TempDir) {
    let directory = TempDir::new().expect("a temporary directory");
    let options = SqliteOptions::at(directory.path().join("floodgate.db"));
    let tables = options.path.clone();
    let store = SqliteStore::open(options, Arc::<ManualClock>::default(), Rules::default());
    let store = store.expect("the database can be opened");
    store.commit([Mutation::PutSku(put_sku("a"))].into()).await.expect("the sku is put up");
    (store, Connection::open(tables).expect("the database can be opened"), directory)
}

/// Puts something in a table's place that has nothing and takes long to say so.
fn slow_down(tables: &Connection, table: &str, columns: &str) {
    let sql = format!(
        "DROP TABLE {table}; CREATE VIEW {table} AS WITH RECURSIVE many(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM many \
         WHERE x < {LONG}) SELECT {columns} FROM many WHERE x = 0"
    );
    tables.execute_batch(&sql).expect("the table can be replaced");
}

#[tokio::test]
async fn tokens_single_rows_and_lists_are_not_read_behind_audits() {
    let (store, tables, _directory) = open().await;
    slow_down(&tables, "order_detail_info", "x AS order_id, hex(x) AS sku_id, x AS quantity");
    let audits: Vec<_> = (0..4).map(|_| store.audit(None, None, 20)).collect();
    let tokens = SqliteTokens::of(&store, Arc::<ManualClock>::default());
    assert_eq!(tokens.find([1; 32]).await, Ok(None));
    assert_eq!(store.order(order_id(1)).await, Ok(None));
    assert_eq!(store.skus(vec![sku_id("a")]).await.map(|skus| skus.len()), Ok(1));
    assert_eq!(store.sku_page(None, 10).await.map(|page| page.skus.len()), Ok(1));
    // As many as there are readers of single rows would be done, if those were the ones that read them.
    let second = audits.into_iter().nth(1).expect("there are some");
    assert!(second.now_or_never().is_none(), "audits take longer than everything else");
}

#[tokio::test]
async fn tokens_and_single_rows_are_not_read_behind_lists() {
    let (store, tables, _directory) = open().await;
    let columns = "hex(x) AS sku_id, x AS seq, '' AS kind, x AS change, x AS available_before, x AS available_after, \
        '' AS order_id, '' AS create_by, '' AS reason, x AS create_time";
    slow_down(&tables, "stock_flow", columns);
    let lists: Vec<_> = (0..4).map(|_| store.flow(sku_id("a"), None, 20)).collect();
    let tokens = SqliteTokens::of(&store, Arc::<ManualClock>::default());
    assert_eq!(tokens.find([1; 32]).await, Ok(None));
    assert_eq!(store.skus(vec![sku_id("a")]).await.map(|skus| skus.len()), Ok(1));
    let second = lists.into_iter().nth(1).expect("there are some");
    assert!(second.now_or_never().is_none(), "lists take longer than everything else");
}

#[tokio::test]
async fn more_reads_than_may_wait_are_busy_at_once() {
    let (store, tables, _directory) = open().await;
    slow_down(&tables, "order_detail_info", "x AS order_id, hex(x) AS sku_id, x AS quantity");
    let refused = (0..1_000).find_map(|_| store.audit(None, None, 20).now_or_never());
    assert_eq!(refused, Some(Err(StoreError::Busy)));
    assert_eq!(Rejection::from(StoreError::Busy), Rejection::Busy);
    // What waits need not be waited for.
    std::mem::forget(store);
}
