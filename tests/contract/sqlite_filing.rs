//! SQLite files new orders under their users and keys later, many at a time: they are found all the same.

use std::path::PathBuf;
use std::sync::Arc;

use actors::domain::commit::{Mutation, Outcome, Rules};
use actors::domain::id::{KeyScope, OrderId, ScopedKey};
use actors::domain::limits::KEY_LIFETIME;
use actors::ports::{OrderQuery, Store};
use actors::testing::fixtures::{
    NEVER, key, order_id, place_keyed, put_limited_sku, put_sku, sku_id, stock_change, user_id,
};
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

/// New orders in one batch that are much to do.
const MANY: u64 = 40;

struct Bench {
    clock: Arc<ManualClock>,
    path: PathBuf,
    tables: Connection,
    _directory: TempDir,
}

impl Bench {
    async fn new() -> (Self, SqliteStore) {
        let directory = TempDir::new().expect("a temporary directory");
        let (clock, path) = (Arc::<ManualClock>::default(), directory.path().join("floodgate.db"));
        let store = open(&path, &clock);
        let tables = Connection::open(&path).expect("the database can be opened");
        let change = Mutation::ChangeStock { change: stock_change("a", 10_000, "k"), deadline: NEVER };
        commit(&store, vec![Mutation::PutSku(put_sku("a")), change]).await;
        (Self { clock, path, tables, _directory: directory }, store)
    }

    fn open(&self) -> SqliteStore {
        open(&self.path, &self.clock)
    }

    fn count(&self, sql: &str) -> i64 {
        self.tables.query_row(sql, [], |row| row.get(0)).expect("readable")
    }

    /// How many orders are filed under their users and under their keys, and up to which row all are.
    fn filed(&self) -> [i64; 3] {
        ["SELECT count(*) FROM order_by_user", "SELECT count(*) FROM order_key", "SELECT filed_to FROM order_filing"]
            .map(|sql| self.count(sql))
    }
}

fn open(path: &std::path::Path, clock: &Arc<ManualClock>) -> SqliteStore {
    SqliteStore::open(SqliteOptions::at(path), Arc::clone(clock) as _, Rules::default())
        .expect("the database can be opened")
}

async fn commit(store: &SqliteStore, mutations: Vec<Mutation>) -> Vec<Outcome> {
    let verdicts = store.commit(mutations.into()).await.expect("the store takes the batch").verdicts;
    verdicts.into_iter().collect::<Result<_, _>>().expect("every mutation is accepted")
}

/// The order with this number, of one of ten users, under a key of its own.
fn wanted(number: u64) -> Mutation {
    Mutation::Place(place_keyed(number, &format!("u-{}", number % 10), &format!("k-{number}"), &[("a", 1)]))
}

async fn place_many(store: &SqliteStore, first: u64) {
    commit(store, (first..first + MANY).map(wanted).collect()).await;
}

/// Something to commit that is no order.
async fn pass(store: &SqliteStore) {
    commit(store, vec![Mutation::PutSku(put_sku("b"))]).await;
}

/// As many of those as show that there is little to do.
async fn rest(store: &SqliteStore) {
    for _ in 0..4 {
        pass(store).await;
    }
}

/// The numbers of the orders of one user that are found, newest first, three at a time.
async fn found(store: &SqliteStore, user: &str) -> Vec<OrderId> {
    let mut query = OrderQuery { user_id: Some(user_id(user)), limit: 3, ..OrderQuery::default() };
    let mut found = Vec::new();
    loop {
        let page = store.orders(query.clone()).await.expect("the store can be read");
        found.extend(page.orders.iter().map(|order| order.order_id));
        query.before = page.next;
        if page.next.is_none() {
            return found;
        }
    }
}

/// Fails unless each order up to `last` is found under its user and under its key.
async fn assert_all_found(store: &SqliteStore, last: u64) {
    for user in 0..10 {
        let expected: Vec<_> = (1..=last).rev().filter(|number| number % 10 == user).map(order_id).collect();
        assert_eq!(found(store, &format!("u-{user}")).await, expected, "of user {user}");
    }
    let keys = (1..=last).map(|number| ScopedKey {
        scope: KeyScope::PlaceOrder(user_id(&format!("u-{}", number % 10))),
        key: key(&format!("k-{number}")),
    });
    let records = store.keys(keys.collect()).await.expect("the store can be read");
    assert_eq!(records.len() as u64, last);
}

#[tokio::test]
async fn orders_wait_while_there_is_much_to_do_and_are_filed_with_what_comes_later() {
    let (bench, store) = Bench::new().await;
    place_many(&store, 1).await;
    place_many(&store, 1 + MANY).await;
    rest(&store).await;
    assert_eq!(bench.filed(), [0, 0, 0]);
    assert_all_found(&store, 2 * MANY).await;
    pass(&store).await;
    let [by_user, by_key, filed_to] = bench.filed();
    assert!(by_user == by_key && (1..80).contains(&by_user) && filed_to == 0, "{by_user} {by_key} {filed_to}");
    assert_all_found(&store, 2 * MANY).await;
    commit(&store, vec![wanted(2 * MANY + 1)]).await;
    assert_eq!(bench.filed()[..2], [80, 80]);
    assert_all_found(&store, 2 * MANY + 1).await;
    for _ in 0..2 {
        pass(&store).await;
    }
    assert_eq!(bench.filed(), [81, 81, 81], "all is filed, and it is known");
    assert_all_found(&store, 2 * MANY + 1).await;
}

#[tokio::test]
async fn a_user_with_many_orders_has_them_filed_however_much_there_is_to_do() {
    let (bench, store) = Bench::new().await;
    let of_one = |number| Mutation::Place(place_keyed(number, "u-0", &format!("k-{number}"), &[("a", 1)]));
    for first in [1, 1 + MANY, 1 + 2 * MANY] {
        commit(&store, (first..first + MANY).map(of_one).collect()).await;
    }
    assert_eq!(bench.filed(), [80, 80, 0], "all but the latest");
    let expected: Vec<_> = (1..=3 * MANY).rev().map(order_id).collect();
    assert_eq!(found(&store, "u-0").await, expected);
    let replayed = commit(&store, (1..=3 * MANY).map(of_one).collect()).await;
    assert!(replayed.iter().all(|outcome| matches!(outcome, Outcome::Placed { replayed: true, .. })));
}

#[tokio::test]
async fn what_was_not_filed_is_found_after_a_restart_whatever_was_filed_since() {
    let (bench, store) = Bench::new().await;
    place_many(&store, 1).await;
    place_many(&store, 1 + MANY).await;
    rest(&store).await;
    pass(&store).await;
    drop(store);
    let store = bench.open();
    assert_all_found(&store, 2 * MANY).await;
    let replayed = commit(&store, (1..=2 * MANY).map(wanted).collect()).await;
    assert!(replayed.iter().all(|outcome| matches!(outcome, Outcome::Placed { replayed: true, .. })));
    for _ in 0..3 {
        pass(&store).await;
    }
    assert_eq!(bench.filed(), [80, 80, 80]);
    assert_all_found(&store, 2 * MANY).await;
}

#[tokio::test]
async fn what_another_process_committed_is_known_before_anything_is_decided() {
    let (bench, store) = Bench::new().await;
    let other = bench.open();
    place_many(&other, 1).await;
    assert_all_found(&store, MANY).await;
    let replayed = commit(&store, vec![wanted(1)]).await;
    assert!(matches!(replayed[0], Outcome::Placed { replayed: true, .. }), "{replayed:?}");
    place_many(&store, 1 + MANY).await;
    for store in [&other, &store] {
        rest(store).await;
        pass(store).await;
        assert_all_found(store, 2 * MANY).await;
    }
}

#[tokio::test]
async fn a_key_that_ends_before_its_order_is_filed_is_free_again() {
    let (bench, store) = Bench::new().await;
    place_many(&store, 1).await;
    bench.clock.advance(KEY_LIFETIME);
    let again = |number| Mutation::Place(place_keyed(number, "u-1", "k-1", &[("a", 2)]));
    commit(&store, vec![again(1_000)]).await;
    let replayed = commit(&store, vec![again(1_001)]).await;
    assert!(
        matches!(&replayed[0], Outcome::Placed { replayed: true, order } if order.order_id == order_id(1_000)),
        "{replayed:?}"
    );
    for _ in 0..2 {
        rest(&store).await;
    }
    assert_eq!(bench.filed(), [41, 40, 41]);
    let user = "SELECT count(*) FROM order_key k JOIN order_info o USING (order_id) \
         WHERE o.user_id = k.user_id AND o.idempotency_key = k.idempotency_key";
    assert_eq!(bench.count(user), 40);
}

#[tokio::test]
async fn units_count_towards_a_limit_once_whether_or_not_their_order_is_filed() {
    let (_bench, store) = Bench::new().await;
    let limit = u32::try_from(MANY / 10 + 1).expect("a small number");
    place_many(&store, 1).await;
    commit(&store, vec![Mutation::PutSku(put_limited_sku("a", limit))]).await;
    for number in [1_001, 1_002] {
        let order = place_keyed(number, "u-1", &format!("k-{number}"), &[("a", 1)]);
        let verdicts = store.commit(vec![Mutation::Place(order)].into()).await.expect("the batch is taken").verdicts;
        assert_eq!(verdicts[0].is_ok(), number == 1_001, "{verdicts:?}");
    }
    let skus = store.skus(vec![sku_id("a")]).await.expect("the store can be read");
    assert_eq!(skus[&sku_id("a")].level.reserved, 41);
}
