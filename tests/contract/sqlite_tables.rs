//! What SQLite's tables hold beyond what the store's port shows.

use std::sync::Arc;

use actors::domain::commit::{Mutation, Rules};
use actors::domain::order::CancelReason;
use actors::ports::{CommitError, Store};
use actors::testing::fixtures::{NEVER, PRICE, cancellation, payment, place, put_sku, stock_change, user_id};
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::sqlite::{SqliteOptions, SqliteStore, SqliteTokens};
use floodgate::backend::tokens::{NewToken, Removal, StoredToken, TokenStore as _};
use rusqlite::Connection;
use tempfile::TempDir;

struct Bench {
    store: SqliteStore,
    tables: Connection,
    _directory: TempDir,
}

async fn bench() -> Bench {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("floodgate.db");
    let clock = Arc::<ManualClock>::default();
    let store =
        SqliteStore::open(SqliteOptions::at(&path), clock, Rules::default()).expect("the database can be opened");
    let tables = Connection::open(&path).expect("the database can be opened");
    let bench = Bench { store, tables, _directory: directory };
    let change = Mutation::ChangeStock { change: stock_change("a", 10, "k"), deadline: NEVER };
    bench.commit([Mutation::PutSku(put_sku("a")), change]).await;
    bench
}

impl Bench {
    async fn commit(&self, mutations: impl Into<Arc<[Mutation]>>) {
        let verdicts = self.store.commit(mutations.into()).await.expect("the store takes the batch").verdicts;
        assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.tables.prepare(sql).expect("the query is sound");
        let rows = statement.query_map([], |row| row.get(0)).expect("readable");
        rows.collect::<rusqlite::Result<_>>().expect("readable")
    }
}

#[tokio::test]
async fn a_payment_is_paid_or_refund_due_and_becomes_due_when_its_order_is_cancelled() {
    let bench = bench().await;
    bench.commit([1, 2].map(|number| Mutation::Place(place(number, "u", &[("a", 1)])))).await;
    bench.commit([1, 2].map(|number| Mutation::Pay(payment(&format!("p-{number}"), number, PRICE)))).await;
    bench.commit([Mutation::Pay(payment("p-3", 1, PRICE))]).await;
    let payments = "SELECT concat_ws(' ', payment_id, coalesce(reason, 'paid'), coalesce(refund_reason, 'kept'), \
         refund_status) FROM payment_info ORDER BY payment_id";
    assert_eq!(bench.rows(payments), ["p-1 paid kept", "p-2 paid kept", "p-3 already_paid already_paid due"]);
    bench.commit([Mutation::Cancel(cancellation(1, CancelReason::Shop))]).await;
    let after = ["p-1 paid order_cancelled due", "p-2 paid kept", "p-3 already_paid already_paid due"];
    assert_eq!(bench.rows(payments), after);
}

#[tokio::test]
async fn stock_flow_and_order_lines_together_tell_everything_that_happened_to_a_sku() {
    let bench = bench().await;
    bench.commit([1, 2].map(|number| Mutation::Place(place(number, "u", &[("a", 2)])))).await;
    bench
        .commit([Mutation::Pay(payment("p", 1, 2 * PRICE)), Mutation::Cancel(cancellation(2, CancelReason::Customer))])
        .await;
    let reduce = Mutation::ChangeStock { change: stock_change("a", -3, "l"), deadline: NEVER };
    bench.commit([Mutation::Cancel(cancellation(1, CancelReason::Shop)), reduce]).await;
    let flow = bench.rows(
        "SELECT concat_ws(' ', seq, kind, change, available_before, available_after) FROM (\
             SELECT seq, kind, change, available_before, available_after FROM stock_flow WHERE sku_id = 'a' \
             UNION ALL \
             SELECT flow_seq, 'reserve', -quantity, available_after + quantity, available_after \
             FROM order_detail_info WHERE sku_id = 'a') ORDER BY seq",
    );
    let expected = [
        "1 restock 10 0 10",
        "2 reserve -2 10 8",
        "3 reserve -2 8 6",
        "4 confirm -2 6 6",
        "5 release 2 6 8",
        "6 return 2 8 10",
        "7 reduce -3 10 7",
    ];
    assert_eq!(flow, expected);
}

#[tokio::test]
async fn an_order_of_one_line_is_one_row_in_each_of_three_tables() {
    let bench = bench().await;
    let count = "SELECT concat_ws(' ', (SELECT count(*) FROM order_info), (SELECT count(*) FROM order_detail_info), \
         (SELECT count(*) FROM order_event), (SELECT count(*) FROM stock_flow), \
         (SELECT version FROM sku_stock_info))";
    assert_eq!(bench.rows(count), ["0 0 0 1 2"]);
    bench.commit((1..=5).map(|number| Mutation::Place(place(number, "u", &[("a", 1)]))).collect::<Vec<_>>()).await;
    assert_eq!(bench.rows(count), ["5 5 5 1 3"]);
}

#[cfg(not(feature = "oversell"))]
#[tokio::test]
async fn the_tables_themselves_refuse_to_oversell() {
    let bench = bench().await;
    for row in ["available = -1, reserved = 11", "available = 11, reserved = -1", "sold = 1"] {
        let update = format!("UPDATE sku_stock_info SET {row}");
        assert!(bench.tables.execute(&update, []).is_err(), "{row}");
    }
}

fn token(token_id: &str, token_hash: [u8; 32], role: &str) -> NewToken {
    let user_id = (role == "customer").then(|| user_id("u"));
    NewToken { token_id: token_id.to_owned(), token_hash, role: role.to_owned(), user_id, label: None }
}

#[tokio::test]
async fn a_token_is_found_by_its_digest_alone() {
    let bench = bench().await;
    let tokens = SqliteTokens::of(&bench.store, Arc::<ManualClock>::default());
    assert_eq!(tokens.count().await, Ok(0));
    let created_at = tokens.insert(token("t-1", [1; 32], "customer")).await.expect("the token is new");
    let admin = NewToken { label: Some("bootstrap".to_owned()), ..token("t-2", [2; 32], "admin") };
    tokens.insert(admin).await.expect("the token is new");
    assert_eq!(tokens.count().await, Ok(2));
    let customer = StoredToken {
        token_id: "t-1".to_owned(),
        role: "customer".to_owned(),
        user_id: Some(user_id("u")),
        label: None,
        created_at,
    };
    assert_eq!(tokens.find([1; 32]).await, Ok(Some(customer)));
    let found = tokens.find([2; 32]).await.expect("the store can be read").expect("the token is there");
    assert_eq!((found.role.as_str(), found.user_id, found.label.as_deref()), ("admin", None, Some("bootstrap")));
    assert_eq!(tokens.find([3; 32]).await, Ok(None));
    for repeated in [token("t-1", [4; 32], "customer"), token("t-4", [1; 32], "customer")] {
        assert!(matches!(tokens.insert(repeated).await, Err(CommitError::NotDone(_))));
    }
    assert_eq!(tokens.count().await, Ok(2));
    assert_eq!(bench.store.check().await, Ok(()));
}

#[tokio::test]
async fn tokens_are_listed_newest_first_and_the_last_of_a_needed_role_stays() {
    let bench = bench().await;
    let tokens = SqliteTokens::of(&bench.store, Arc::<ManualClock>::default());
    for (number, role) in [(1, "admin"), (2, "customer"), (3, "admin"), (4, "service")] {
        tokens.insert(token(&format!("t-{number}"), [number; 32], role)).await.expect("the token is new");
    }
    let list = async |before, limit| {
        let page = tokens.list(before, limit).await.expect("the store can be read");
        page.into_iter().map(|(place, token)| (place, token.token_id)).unzip::<_, _, Vec<i64>, Vec<String>>()
    };
    let (places, ids) = list(None, 2).await;
    assert_eq!(ids, ["t-4", "t-3"]);
    assert_eq!(list(Some(places[1]), 9).await.1, ["t-2", "t-1"]);
    let table = [
        ("t-9", Removal::Unknown),
        ("t-2", Removal::Done),
        ("t-2", Removal::Unknown),
        ("t-1", Removal::Done),
        ("t-3", Removal::LastOfRole),
        ("t-4", Removal::Done),
    ];
    for (token_id, removal) in table {
        assert_eq!(tokens.remove(token_id.to_owned(), "admin").await, Ok(removal), "{token_id}");
    }
    assert_eq!(list(None, 9).await.1, ["t-3"]);
    assert_eq!(tokens.find([1; 32]).await, Ok(None));
}
