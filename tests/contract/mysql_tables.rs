//! What MySQL's tables hold beyond what the store's port shows, and how they come to be.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use actors::domain::commit::{Mutation, Rules};
use actors::domain::money::Currency;
use actors::domain::order::CancelReason;
use actors::ports::{Clock as _, CommitError, Store, StoreError};
use actors::testing::fixtures::{
    NEVER, PRICE, cancellation, payment, place, place_keyed, put_sku, sku_id, stock_change, user_id,
};
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::mysql::{Migrated, MysqlOptions, MysqlStore, MysqlTokens, NotUsable};
use floodgate::backend::shop::CurrencyError;
use floodgate::backend::tokens::{NewToken, Removal, TokenStore as _};
use mysql_async::prelude::Queryable as _;

use crate::mysql::currency;
use crate::mysql_database::Database;

async fn commit(store: &MysqlStore, mutations: impl Into<Arc<[Mutation]>>) {
    let verdicts = store.commit(mutations.into()).await.expect("the store takes the batch").verdicts;
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
}

async fn bench() -> (MysqlStore, Database) {
    let database = Database::new();
    let store = database.fresh_store().await;
    let change = Mutation::ChangeStock { change: stock_change("a", 10, "k"), deadline: NEVER };
    commit(&store, [Mutation::PutSku(put_sku("a")), change]).await;
    (store, database)
}

#[tokio::test]
async fn money_is_kept_as_a_decimal_and_ids_by_their_case() {
    let (store, database) = bench().await;
    commit(&store, [Mutation::PutSku(put_sku("A"))]).await;
    commit(&store, [Mutation::Place(place_keyed(1, "u", "key", &[("a", 2)]))]).await;
    commit(&store, [Mutation::Place(place_keyed(2, "U", "KEY", &[("a", 1)]))]).await;
    assert_eq!(database.rows("SELECT amount FROM order_info ORDER BY order_id").await, ["20.0000", "10.0000"]);
    assert_eq!(database.rows("SELECT user_id FROM order_info WHERE user_id = 'u'").await, ["u"]);
    let skus = store.skus(vec![sku_id("a"), sku_id("A")]).await.expect("the store can be read");
    assert_eq!(skus[&sku_id("a")].level.reserved, 3);
    assert_eq!(skus[&sku_id("A")].level.reserved, 0);
}

#[tokio::test]
async fn texts_of_any_script_and_with_any_sign_come_back_as_they_were() {
    let (store, _database) = bench().await;
    let mut order = place(1, "u", &[("a", 1)]);
    let remark = "雪 🎁 \\' \" ? ; -- \n\0 %_".to_owned();
    order.remark = Some(remark.clone());
    let order_id = order.order_id;
    commit(&store, [Mutation::Place(order)]).await;
    let found = store.order(order_id).await.expect("the store can be read").expect("the order is there");
    assert_eq!(found.remark, Some(remark));
}

#[cfg(not(feature = "oversell"))]
#[tokio::test]
async fn the_tables_themselves_refuse_to_oversell() {
    let (_store, database) = bench().await;
    for row in ["available = -1, reserved = 11", "available = 11, reserved = -1", "sold = 1"] {
        let update = format!("UPDATE sku_stock_info SET {row}");
        assert!(database.other().await.query_drop(update).await.is_err(), "{row}");
    }
}

#[tokio::test]
async fn an_order_is_paid_by_one_payment_in_the_tables_themselves() {
    let (store, database) = bench().await;
    commit(&store, [Mutation::Place(place(1, "u", &[("a", 1)]))]).await;
    commit(&store, [Mutation::Pay(payment("p-1", 1, PRICE)), Mutation::Pay(payment("p-2", 1, PRICE))]).await;
    let paid = "UPDATE payment_info SET reason = NULL WHERE payment_id = 'p-2'";
    assert!(database.other().await.query_drop(paid).await.is_err());
    commit(&store, [Mutation::Cancel(cancellation(1, CancelReason::Shop))]).await;
    let payments = "SELECT CONCAT_WS(' ', payment_id, COALESCE(reason, 'paid'), refund_reason, refund_status) \
         FROM payment_info ORDER BY payment_id";
    assert_eq!(database.rows(payments).await, ["p-1 paid order_cancelled due", "p-2 already_paid already_paid due"]);
}

#[tokio::test]
async fn a_database_without_tables_is_refused_until_it_is_migrated() {
    let database = Database::new();
    database.create().await;
    let store = database.store(Arc::<ManualClock>::default());
    let refusal = store.is_usable().await.expect_err("there are no tables");
    assert_eq!(refusal, NotUsable::Behind { missing: 12 });
    assert!(refusal.to_string().ends_with("bring it up to date with floodgate migrate"), "{refusal}");
    let refused = store.commit([Mutation::PutSku(put_sku("a"))].into()).await.expect_err("there are no tables");
    assert_eq!(refused, CommitError::NotDone(refusal.to_string()));
    assert_eq!(store.check().await, Err(StoreError::Unavailable(refusal.to_string())));
    assert_eq!(store.migrate().await, Ok(Migrated { applied: 12, version: 12 }));
    assert_eq!(store.is_usable().await, Ok(Some(())));
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(store.migrate().await, Ok(Migrated { applied: 0, version: 12 }));
}

#[tokio::test]
async fn a_migration_that_broke_off_half_way_is_finished_by_the_next() {
    let (_store, database) = bench().await;
    let broken = "DELETE FROM schema_migration WHERE version >= 4; DROP TABLE consumer_progress; DROP TABLE shop_info; DROP TABLE shop_identity";
    database.other().await.query_drop(broken).await.expect("the user may");
    let store = database.store(Arc::<ManualClock>::default());
    assert_eq!(store.migrate().await, Ok(Migrated { applied: 9, version: 12 }));
    assert_eq!(store.check().await, Ok(()));
}

#[tokio::test]
async fn two_who_migrate_at_once_do_not_get_in_each_others_way() {
    let database = Database::new();
    database.create().await;
    let stores = [(); 2].map(|()| database.store(Arc::<ManualClock>::default()));
    let [first, second] = stores.each_ref().map(MysqlStore::migrate);
    let (first, second) = tokio::join!(first, second);
    let applied = first.expect("one after the other").applied + second.expect("one after the other").applied;
    assert_eq!(applied, 12);
}

#[tokio::test]
async fn a_database_of_a_later_binary_or_another_currency_is_refused() {
    let (_store, database) = bench().await;
    let clock = Arc::<ManualClock>::default;
    let wanted = Currency { code: "EUR".to_owned(), digits: 2 };
    let euro = MysqlStore::open(&database.options, clock(), Rules::default(), wanted).expect("a thread");
    let other = CurrencyError::Other { stored: "CNY".to_owned(), wanted: "EUR".to_owned() };
    assert_eq!(euro.is_usable().await, Err(NotUsable::Currency(other)));
    let wanted = Currency { digits: 4, ..currency() };
    let finer = MysqlStore::open(&database.options, clock(), Rules::default(), wanted).expect("a thread");
    assert_eq!(finer.is_usable().await, Ok(Some(())));
    let fewer = CurrencyError::FewerDigits { stored: 4, wanted: 2 };
    assert_eq!(database.store(clock()).is_usable().await, Err(NotUsable::Currency(fewer)));
    let later = "INSERT INTO schema_migration VALUES (99, '0099_later.sql', 0)";
    database.other().await.query_drop(later).await.expect("the user may");
    assert_eq!(database.store(clock()).is_usable().await, Err(NotUsable::Newer { found: 99, known: 12 }));
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_without_credentials() {
    let (_store, database) = bench().await;
    let options = |password: &str, database: &str, port: u16| MysqlOptions {
        password: password.to_owned(),
        database: database.to_owned(),
        port,
        ..Database::new().options.clone()
    };
    let good = database.options.clone();
    let table = [
        (options("SECRET", &good.database, good.port), "the database refuses the user or the password"),
        (options(&good.password, "floodgate_nowhere", good.port), "the database server has no database of that name"),
        (options(&good.password, &good.database, 1), "the database cannot be reached: "),
    ];
    for (options, expected) in table {
        let clock = Arc::<ManualClock>::default();
        let store = MysqlStore::open(&options, clock, Rules::default(), currency()).expect("a thread");
        assert_eq!(store.is_usable().await, Ok(None));
        let StoreError::Unavailable(told) = store.check().await.expect_err(expected) else { panic!("{expected}") };
        assert!(told.starts_with(expected), "{told}");
        assert!(!told.contains("SECRET") && !told.contains(&good.user), "{told}");
    }
}

#[tokio::test]
async fn every_call_is_counted() {
    let (store, _database) = bench().await;
    let calls = store.calls().by_name();
    for call in ["connect", "migrate", "lock stock", "order_event", "commit"] {
        let is_made = calls.get(call).is_some_and(|count| count.made > 0);
        assert_eq!(is_made, call != "order_event", "{call}: {calls:?}");
    }
    assert_eq!(calls["commit"].failed, 0);
}

#[tokio::test]
async fn a_token_is_found_by_its_digest_alone_and_the_last_of_a_role_stays() {
    let (store, _database) = bench().await;
    let tokens = MysqlTokens::of(&store);
    assert_eq!(tokens.count().await, Ok(0));
    let token = |token_id: &str, token_hash: u8, role: &str| NewToken {
        token_id: token_id.to_owned(),
        token_hash: [token_hash; 32],
        role: role.to_owned(),
        user_id: (role == "customer").then(|| user_id("u")),
        label: None,
    };
    let now = ManualClock::default().now().wall;
    for new in [token("t-1", 1, "customer"), token("t-2", 255, "admin"), token("t-3", 3, "admin")] {
        assert_eq!(tokens.insert(new).await, Ok(now));
    }
    for repeated in [token("t-1", 4, "admin"), token("t-4", 1, "admin")] {
        assert!(matches!(tokens.insert(repeated).await, Err(CommitError::NotDone(_))));
    }
    let found = tokens.find([1; 32]).await.expect("the store can be read").expect("the token is there");
    assert_eq!((found.token_id.as_str(), found.user_id, found.created_at), ("t-1", Some(user_id("u")), now));
    assert_eq!(tokens.find([9; 32]).await, Ok(None));
    let listed = tokens.list(None, 2).await.expect("the store can be read");
    let ids: Vec<&str> = listed.iter().map(|(_, token)| token.token_id.as_str()).collect();
    assert_eq!(ids, ["t-3", "t-2"]);
    let rest = tokens.list(Some(listed[1].0), 9).await.expect("the store can be read");
    assert_eq!(rest.len(), 1);
    let (first, second) =
        tokio::join!(tokens.remove("t-2".to_owned(), "admin"), tokens.remove("t-3".to_owned(), "admin"));
    let mut removals = [first, second].map(|removal| removal.expect("the store can be written"));
    removals.sort_by_key(|removal| *removal != Removal::Done);
    assert_eq!(removals, [Removal::Done, Removal::LastOfRole]);
    assert_eq!(tokens.remove("t-1".to_owned(), "admin").await, Ok(Removal::Done));
    assert_eq!(tokens.remove("t-1".to_owned(), "admin").await, Ok(Removal::Unknown));
    assert_eq!(tokens.count().await, Ok(1));
}

#[test]
fn both_stores_have_the_same_migrations_by_number_and_name() {
    let names = |store: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(store);
        let files = fs::read_dir(folder).expect("the folder is there");
        files.map(|file| file.expect("readable").file_name().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names("mysql"), names("sqlite"));
}
