//! Reading from MySQL: lists are not in the way of what every request needs, and what is too much is said to be so.

use std::time::Duration;

use actors::ports::{Store, StoreError};
use actors::testing::fixtures::{order_id, sku_id};
use floodgate::backend::mysql::MysqlTokens;
use floodgate::backend::tokens::TokenStore as _;
use futures_util::future::{join_all, select_all};
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use tokio::time::timeout;

use crate::mysql_database::Database;

/// Less than what waits for a table is waited for.
const SOON: Duration = Duration::from_secs(2);

/// Somebody who keeps a table from everyone else.
async fn keep(database: &Database, table: &str) -> Conn {
    let mut other = database.other().await;
    other.query_drop(format!("LOCK TABLES {table} WRITE")).await.expect("the user may");
    other
}

#[tokio::test]
async fn tokens_and_single_rows_are_not_read_behind_lists() {
    let database = Database::new();
    let store = database.fresh_store().await;
    let mut other = keep(&database, "stock_flow").await;
    let lists = join_all((0..8).map(|_| store.flow(sku_id("a"), None, 20)));
    let tokens = MysqlTokens::of(&store);
    let reads = async {
        assert_eq!(tokens.find([1; 32]).await, Ok(None));
        assert_eq!(store.order(order_id(1)).await, Ok(None));
        other.query_drop("UNLOCK TABLES").await.expect("the user may");
    };
    let (lists, reads) = tokio::join!(lists, timeout(SOON, reads));
    reads.expect("nobody waits for lists");
    assert!(lists.iter().all(Result::is_ok), "{lists:?}");
}

#[tokio::test]
async fn more_reads_than_may_wait_are_busy_at_once() {
    let database = Database::new();
    let store = database.fresh_store().await;
    let mut other = keep(&database, "order_event").await;
    let reads: Vec<_> = (0..2_000).map(|_| store.events(order_id(1))).collect();
    let busy = async {
        let (first, _, rest) = select_all(reads).await;
        other.query_drop("UNLOCK TABLES").await.expect("the user may");
        (first, join_all(rest).await)
    };
    let (first, rest) = timeout(SOON, busy).await.expect("nobody waits who is refused");
    assert_eq!(first, Err(StoreError::Busy));
    assert!(rest.iter().all(|read| matches!(read, Ok(_) | Err(StoreError::Busy))), "{rest:?}");
    assert!(rest.iter().filter(|read| read.is_ok()).count() >= 1_000);
}
