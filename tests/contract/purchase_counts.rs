//! Counts are kept of what users with many orders hold of SKUs with a limit, so that no look-up goes through them all.

use std::sync::Arc;

use actors::domain::commit::{Mutation, Rules, Verdict};
use actors::domain::limits::ORDERS_SUMMED_MAX;
use actors::domain::order::CancelReason;
use actors::domain::rejection::Rejection;
use actors::ports::Store;
use actors::testing::fixtures::{NEVER, cancellation, place, put_limited_sku, put_sku, stock_change};
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::sqlite::{SqliteOptions, SqliteStore};
use mysql_async::prelude::Queryable as _;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::mysql_database::Database;

/// More orders than are summed up time and again.
const MANY: u64 = 3 * ORDERS_SUMMED_MAX as u64;

struct Bench {
    store: Arc<dyn Store>,
    tables: Tables,
}

/// A store's tables, for somebody else to look into.
enum Tables {
    Sqlite { tables: Connection, _directory: TempDir },
    Mysql(Database),
}

async fn sqlite() -> Bench {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("floodgate.db");
    let clock = Arc::<ManualClock>::default();
    let store =
        SqliteStore::open(SqliteOptions::at(&path), clock, Rules::default()).expect("the database can be opened");
    let tables = Connection::open(&path).expect("the database can be opened");
    with_history(Bench { store: Arc::new(store), tables: Tables::Sqlite { tables, _directory: directory } }).await
}

async fn mysql() -> Bench {
    let database = Database::new();
    let store = database.fresh_store().await;
    with_history(Bench { store: Arc::new(store), tables: Tables::Mysql(database) }).await
}

/// A shop with three SKUs without a limit, and user `u` who ordered and cancelled `a` many times.
async fn with_history(bench: Bench) -> Bench {
    for sku in ["a", "b", "c"] {
        let change = Mutation::ChangeStock { change: stock_change(sku, 1_000, "k"), deadline: NEVER };
        bench.accept(vec![Mutation::PutSku(put_sku(sku)), change]).await;
    }
    bench.accept((1..=MANY).map(|number| wanted(number, "u", "a", 1)).collect()).await;
    bench.accept((1..=MANY).map(cancelled).collect()).await;
    bench
}

fn wanted(number: u64, user: &str, sku: &str, units: u32) -> Mutation {
    Mutation::Place(place(number, user, &[(sku, units)]))
}

fn cancelled(number: u64) -> Mutation {
    Mutation::Cancel(cancellation(number, CancelReason::Customer))
}

fn limit(sku: &str, limit: u32) -> Mutation {
    Mutation::PutSku(put_limited_sku(sku, limit))
}

impl Bench {
    async fn commit(&self, mutations: Vec<Mutation>) -> Vec<Verdict> {
        self.store.commit(mutations.into()).await.expect("the store takes the batch").verdicts
    }

    async fn accept(&self, mutations: Vec<Mutation>) {
        let verdicts = self.commit(mutations).await;
        assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    }

    /// What the limit says that a user holds who wants too much.
    async fn held(&self, number: u64, user: &str, sku: &str) -> u64 {
        let refusal = self.commit(vec![wanted(number, user, sku, 500)]).await.remove(0).expect_err("it is too much");
        let held = match refusal {
            Rejection::PurchaseLimitReached { held, .. } => Some(held),
            _ => None,
        };
        held.expect("the limit is what refuses")
    }

    /// The counts that are kept.
    async fn counts(&self) -> Vec<String> {
        let sql = "SELECT concat(user_id, ' ', sku_id, ' ', units) FROM purchase_count ORDER BY 1";
        match &self.tables {
            Tables::Mysql(database) => database.rows(sql).await,
            Tables::Sqlite { tables, .. } => {
                let mut statement = tables.prepare(sql).expect("the query is sound");
                let rows = statement.query_map([], |row| row.get(0)).expect("readable");
                rows.collect::<rusqlite::Result<_>>().expect("readable")
            }
        }
    }

    async fn change(&self, sql: &str) {
        match &self.tables {
            Tables::Mysql(database) => database.other().await.query_drop(sql).await.expect("writable"),
            Tables::Sqlite { tables, .. } => drop(tables.execute(sql, []).expect("writable")),
        }
    }
}

macro_rules! cases {
    ($store:ident: $($case:ident)*) => {
        mod $store {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(super::$store().await).await;
                }
            )*
        }
    };
    ($($case:ident)*) => {
        cases!(sqlite: $($case)*);
        cases!(mysql: $($case)*);
    };
}

cases! {
    nothing_is_counted_without_a_limit_nor_of_a_user_with_few_orders
    a_user_with_many_orders_is_counted_from_the_first_look_up_on_also_from_one_that_is_refused
    where_there_is_a_count_no_order_is_looked_at
    a_limit_that_is_lifted_takes_its_counts_with_it_and_no_others
}

async fn nothing_is_counted_without_a_limit_nor_of_a_user_with_few_orders(bench: Bench) {
    bench.accept(vec![wanted(1_001, "u", "a", 1), wanted(1_002, "u", "b", 1)]).await;
    bench.accept(vec![limit("b", 9), wanted(1_003, "v", "b", 1), wanted(1_004, "u", "a", 1)]).await;
    bench.accept(vec![cancelled(1_001), cancelled(1_002), cancelled(1_003)]).await;
    assert_eq!(bench.held(1_005, "v", "b").await, 0);
    assert_eq!(bench.counts().await, [""; 0]);
}

async fn a_user_with_many_orders_is_counted_from_the_first_look_up_on_also_from_one_that_is_refused(bench: Bench) {
    bench.accept(vec![wanted(1_001, "u", "a", 2), limit("a", 9), limit("b", 9)]).await;
    assert_eq!(bench.held(1_002, "u", "a").await, 2);
    assert_eq!(bench.counts().await, ["u a 2"]);
    bench.accept(vec![wanted(1_003, "u", "b", 1), cancelled(1_001), wanted(1_004, "u", "c", 1)]).await;
    assert_eq!(bench.counts().await, ["u a 0", "u b 1"], "kept at zero too, and not where there is no limit");
    bench.accept(vec![cancelled(1_003), wanted(1_005, "u", "a", 9)]).await;
    assert_eq!(bench.counts().await, ["u a 9", "u b 0"]);
}

async fn where_there_is_a_count_no_order_is_looked_at(bench: Bench) {
    bench.accept(vec![limit("a", 99), wanted(1_001, "u", "a", 1)]).await;
    // No orders add up to this, so whoever knows it has it from the count.
    bench.change("UPDATE purchase_count SET units = 50").await;
    assert_eq!(bench.held(1_002, "u", "a").await, 50);
    bench.accept(vec![wanted(1_003, "u", "a", 2), cancelled(1_001)]).await;
    assert_eq!(bench.counts().await, ["u a 51"]);
    assert_eq!(bench.held(1_004, "u", "a").await, 51);
}

async fn a_limit_that_is_lifted_takes_its_counts_with_it_and_no_others(bench: Bench) {
    bench.accept(vec![limit("a", 9), limit("b", 9), wanted(1_001, "u", "a", 1), wanted(1_002, "u", "b", 1)]).await;
    bench.accept(vec![limit("a", 5)]).await;
    assert_eq!(bench.counts().await, ["u a 1", "u b 1"], "another limit is a limit");
    bench.accept(vec![Mutation::PutSku(put_sku("a"))]).await;
    assert_eq!(bench.counts().await, ["u b 1"]);
    bench.accept(vec![wanted(1_003, "u", "a", 7), limit("a", 9)]).await;
    assert_eq!(bench.held(1_004, "u", "a").await, 8);
}
