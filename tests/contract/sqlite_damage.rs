//! SQLite on files that are damaged, foreign, or not there at all: a clear sentence, and never a wrong answer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use actors::domain::commit::{Mutation, Rules};
use actors::domain::event::OrderEvent;
use actors::domain::id::{KeyScope, ScopedKey};
use actors::domain::order::{CancelReason, Order};
use actors::ports::{CommitError, EventLog, OrderQuery, RefundQuery, SkuAudit, Store, StoreError};
use actors::testing::fixtures::{
    NEVER, PRICE, cancellation, key, order_id, payment, place_keyed, put_sku, sku_id, stock_change, user_id,
};
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::sqlite::{OpenError, SqliteEventLog, SqliteOptions, SqliteStore};
use tempfile::TempDir;

const ORDERS: u64 = 60;
const PAGE: usize = 4096;

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(SqliteOptions::at(path), Arc::<ManualClock>::default(), Rules::default())
}

fn refusal(path: &Path) -> String {
    open(path).err().expect("the database is to be refused").to_string()
}

async fn fill(store: &SqliteStore) {
    let change = |sku: &str| Mutation::ChangeStock { change: stock_change(sku, 1_000, "k"), deadline: NEVER };
    let put_up = ["a", "b"].map(|sku| [Mutation::PutSku(put_sku(sku)), change(sku)]);
    store.commit(put_up.concat().into()).await.expect("skus are put up");
    for number in 1..=ORDERS {
        let lines: &[(&str, u32)] = if number % 3 == 0 { &[("a", 1), ("b", 1)] } else { &[("a", 1)] };
        let mut batch = vec![Mutation::Place(place_keyed(number, "u", &format!("k-{number}"), lines))];
        if number % 5 == 0 {
            batch.push(Mutation::Cancel(cancellation(number - 1, CancelReason::Shop)));
            batch.push(Mutation::Pay(payment(&format!("p-{number}"), number - 2, PRICE)));
            batch.push(Mutation::Pay(payment(&format!("q-{number}"), number - 2, PRICE)));
        }
        store.commit(batch.into()).await.expect("orders are placed");
    }
}

/// Everything that can be read of the store.
#[derive(Debug)]
struct Answers {
    orders: Vec<Result<Option<Order>, StoreError>>,
    events: Vec<Result<Vec<OrderEvent>, StoreError>>,
    keys: Vec<Result<String, StoreError>>,
    listed: Result<Vec<Order>, StoreError>,
    audit: Result<Vec<SkuAudit>, StoreError>,
    pages: Vec<Result<String, StoreError>>,
    log: Result<String, String>,
}

impl Answers {
    async fn of(store: &SqliteStore) -> Self {
        let (mut orders, mut events, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for number in 1..=ORDERS + 1 {
            orders.push(store.order(order_id(number)).await);
            events.push(store.events(order_id(number)).await);
            let scoped = ScopedKey { scope: KeyScope::PlaceOrder(user_id("u")), key: key(&format!("k-{number}")) };
            keys.push(store.keys(vec![scoped]).await.map(|found| format!("{found:?}")));
        }
        let query = OrderQuery { user_id: Some(user_id("u")), limit: 100, ..OrderQuery::default() };
        let log = SqliteEventLog::of(store).read(0, 1_000).await;
        Self {
            orders,
            events,
            keys,
            listed: store.orders(query).await.map(|page| page.orders),
            audit: store.audit(None, None, 10).await,
            pages: vec![
                store.sku_page(None, 10).await.map(|page| format!("{page:?}")),
                store.flow(sku_id("a"), None, 100).await.map(|page| format!("{page:?}")),
                store
                    .refunds(RefundQuery { limit: 10, ..RefundQuery::default() })
                    .await
                    .map(|page| format!("{page:?}")),
            ],
            log: log.map(|events| format!("{events:?}")).map_err(|error| error.to_string()),
        }
    }

    /// How many answers there are that are not the right ones but sentences; panics at a wrong one.
    fn failures_beside(&self, right: &Self) -> usize {
        beside(&self.orders, &right.orders)
            + beside(&self.events, &right.events)
            + beside(&self.keys, &right.keys)
            + beside(std::slice::from_ref(&self.listed), std::slice::from_ref(&right.listed))
            + beside(std::slice::from_ref(&self.audit), std::slice::from_ref(&right.audit))
            + beside(&self.pages, &right.pages)
            + beside(std::slice::from_ref(&self.log), std::slice::from_ref(&right.log))
    }
}

fn beside<T, E>(answers: &[Result<T, E>], right: &[Result<T, E>]) -> usize
where
    Result<T, E>: PartialEq + std::fmt::Debug,
    E: ToString,
{
    let mut failures = 0;
    for (answer, right) in answers.iter().zip(right) {
        match answer {
            Ok(_) => assert_eq!(answer, right),
            Err(error) => {
                let sentence = error.to_string();
                assert!(sentence.contains("the database is damaged"), "{sentence}");
                failures += 1;
            }
        }
    }
    failures
}

#[tokio::test]
async fn no_overwritten_page_makes_a_wrong_answer() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("floodgate.db");
    let store = open(&path).expect("the database can be opened");
    fill(&store).await;
    let right = Answers::of(&store).await;
    drop(store);
    let sound = fs::read(&path).expect("the file can be read");
    assert!(!directory.path().join("floodgate.db-wal").exists(), "a closed database is one file");
    let (mut failures, mut refused) = (0, 0);
    for page in 0..sound.len() / PAGE {
        for filler in [0x00, 0x5A] {
            let damaged = directory.path().join(format!("damaged-{page}-{filler}.db"));
            let mut bytes = sound.clone();
            bytes[page * PAGE..(page + 1) * PAGE].fill(filler);
            fs::write(&damaged, bytes).expect("the file can be written");
            match open(&damaged) {
                Ok(store) => {
                    failures += Answers::of(&store).await.failures_beside(&right);
                    let place = place_keyed(ORDERS + 2, "u", "new", &[("a", 1)]);
                    match store.commit([Mutation::Place(place)].into()).await {
                        Ok(committed) => assert!(committed.verdicts[0].is_ok(), "{:?}", committed.verdicts),
                        Err(CommitError::NotDone(sentence)) => assert!(sentence.contains("damaged"), "{sentence}"),
                        Err(error) => panic!("nothing was committed: {error}"),
                    }
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.why.contains("damaged") || error.why.contains("not a database"), "{error}");
                }
            }
        }
    }
    assert!(failures > 100 && refused >= 2, "the damage is met: {failures} failures, {refused} refused");
}

#[test]
fn what_is_no_database_is_refused_with_a_sentence() {
    let directory = TempDir::new().expect("a temporary directory");
    let text = directory.path().join("notes.txt");
    fs::write(&text, "not a database, but long enough to be taken for one".repeat(100)).expect("writable");
    let named = |path: &Path, why: &str| format!("the database {} cannot be opened: {why}", path.display());
    assert_eq!(refusal(&text), named(&text, "the file is not a database"));
    let nowhere = directory.path().join("no/such/place.db");
    assert_eq!(refusal(&nowhere), named(&nowhere, "the file or its directory is not there or may not be used"));
}

#[test]
fn a_database_of_a_newer_binary_is_refused_and_left_alone() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("floodgate.db");
    drop(open(&path).expect("the database can be opened"));
    let other = rusqlite::Connection::open(&path).expect("the database can be opened");
    other.execute("INSERT INTO schema_migration VALUES (1000, '1000_later.sql', 0)", []).expect("writable");
    let sentence = refusal(&path);
    assert!(sentence.contains("it is at version 1000, and this binary knows versions up to"), "{sentence}");
}
