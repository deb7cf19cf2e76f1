//! MySQL with others at the same rows: other nodes, and whoever holds a lock too long.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::domain::commit::{Mutation, Outcome};
use actors::domain::id::OrderId;
use actors::domain::limits::KEY_LIFETIME;
use actors::domain::order::CancelReason;
use actors::domain::rejection::Rejection;
use actors::ports::{CommitError, Committed, HandOn, Outbox as _, Store, Tally};
use actors::testing::fixtures::{
    NEVER, PRICE, cancellation, order_id, payment, place, place_keyed, put_limited_sku, put_sku, sku_id, stock_change,
    user_id,
};
use actors::testing::manual_clock::ManualClock;
use floodgate::app::clock::SystemClock;
use floodgate::backend::mysql::{MysqlOutbox, MysqlStore};
use mysql_async::prelude::Queryable as _;

use crate::mysql_database::Database;

async fn commit(store: &MysqlStore, mutations: Vec<Mutation>) -> Result<Committed, CommitError> {
    store.commit(mutations.into()).await
}

async fn stock_up(store: &MysqlStore, sku: &str, units: i64) {
    let change = Mutation::ChangeStock { change: stock_change(sku, units, "k"), deadline: NEVER };
    commit(store, vec![Mutation::PutSku(put_sku(sku)), change]).await.expect("the sku is put up");
}

async fn nodes() -> ([MysqlStore; 2], Arc<ManualClock>, Database) {
    let database = Database::new();
    let clock = Arc::<ManualClock>::default();
    let first = database.open_store(Arc::<ManualClock>::clone(&clock)).await;
    let second = database.store(Arc::<ManualClock>::clone(&clock));
    stock_up(&first, "a", 100).await;
    stock_up(&first, "b", 100).await;
    ([first, second], clock, database)
}

async fn reserved(store: &MysqlStore, sku: &str) -> i64 {
    store.skus(vec![sku_id(sku)]).await.expect("the store can be read")[&sku_id(sku)].level.reserved
}

#[tokio::test]
async fn two_nodes_sell_exactly_what_is_there() {
    let ([first, second], _clock, _database) = nodes().await;
    let rush = async |store: &MysqlStore, from: u64| {
        let mut placed = 0;
        for batch in 0..20 {
            let numbers = (0..8).map(|number| from + batch * 8 + number);
            let orders = numbers.map(|number| Mutation::Place(place(number, "u", &[("a", 1)])));
            let verdicts = commit(store, orders.collect()).await.expect("the store is there").verdicts;
            placed += verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        }
        placed
    };
    let (of_first, of_second) = tokio::join!(rush(&first, 1_000), rush(&second, 2_000));
    assert_eq!(of_first + of_second, 100, "{of_first} {of_second}");
    assert!(of_first > 0 && of_second > 0, "{of_first} {of_second}");
    let audit = first.audit(None, None, 9).await.expect("the store can be read");
    assert_eq!((audit[0].orders.reserved, audit[0].sku.level.reserved, audit[0].sku.level.available), (100, 100, 0));
}

#[tokio::test]
async fn one_key_on_two_nodes_makes_one_order_whatever_it_is_for() {
    let ([first, second], _clock, _database) = nodes().await;
    for round in 0..10 {
        let text = format!("k-{round}");
        // Of different SKUs, so that no row lock but only the unique index stands between them.
        let attempt = |store: &MysqlStore, number, sku: &str| {
            let order = Mutation::Place(place_keyed(number, "u", &text, &[(sku, 1)]));
            // Alone, and in a batch that is not to suffer.
            let others = (1..=3 * (round % 2)).map(|other| Mutation::Place(place(number + other, "v", &[(sku, 1)])));
            let batch: Vec<Mutation> = others.chain([order]).collect();
            let store = store.clone();
            async move { commit(&store, batch).await.expect("the store is there").verdicts }
        };
        let from = 100 + round * 10;
        let (of_first, of_second) = tokio::join!(attempt(&first, from, "a"), attempt(&second, from + 5, "b"));
        let refused = of_first.iter().chain(&of_second).filter_map(|verdict| verdict.as_ref().err());
        assert_eq!(refused.collect::<Vec<_>>(), [&Rejection::IdempotencyKeyReused], "{round}");
    }
    let audit = first.audit(None, None, 9).await.expect("the store can be read");
    for sku in &audit {
        assert_eq!(sku.orders.reserved, sku.sku.level.reserved, "reserved grows by exactly the rows inserted");
    }
    assert_eq!(audit.iter().map(|sku| sku.orders.reserved).sum::<i64>(), 40);
}

#[tokio::test]
async fn one_retry_on_another_node_is_answered_as_the_first_attempt() {
    let ([first, second], _clock, _database) = nodes().await;
    let attempt = async |store: &MysqlStore, number| {
        let order = Mutation::Place(place_keyed(number, "u", "k", &[("a", 1)]));
        commit(store, vec![order]).await.expect("the store is there").verdicts.remove(0).expect("it is taken")
    };
    let (of_first, of_second) = tokio::join!(attempt(&first, 1), attempt(&second, 2));
    let (Outcome::Placed { order, replayed }, Outcome::Placed { order: other, replayed: other_replayed }) =
        (of_first, of_second)
    else {
        panic!("two placements answer as placements");
    };
    assert_eq!((order.order_id, replayed), (other.order_id, !other_replayed));
    assert_eq!(reserved(&first, "a").await, 1);
}

#[tokio::test]
async fn an_expired_key_that_two_nodes_use_again_makes_one_order_more() {
    let ([first, second], clock, database) = nodes().await;
    commit(&first, vec![Mutation::Place(place_keyed(1, "u", "k", &[("a", 1)]))]).await.expect("the store is there");
    clock.advance(KEY_LIFETIME);
    let attempt = async |store: &MysqlStore, number, sku: &str| {
        let order = Mutation::Place(place_keyed(number, "u", "k", &[(sku, 1)]));
        commit(store, vec![order]).await.expect("the store is there").verdicts.remove(0).is_ok()
    };
    let (of_first, of_second) = tokio::join!(attempt(&first, 2, "a"), attempt(&second, 3, "b"));
    assert!(of_first != of_second, "one of them came first: {of_first} {of_second}");
    assert_eq!(database.rows("SELECT COUNT(*) FROM order_info WHERE idempotency_key = 'k'").await, ["1"]);
    assert_eq!(database.rows("SELECT COUNT(*) FROM order_info").await, ["2"]);
}

#[tokio::test]
async fn a_purchase_limit_holds_across_nodes() {
    let ([first, second], _clock, _database) = nodes().await;
    commit(&first, vec![Mutation::PutSku(put_limited_sku("a", 3))]).await.expect("the store is there");
    let buy = async |store: &MysqlStore, from: u64| {
        let mut bought = 0;
        for number in from..from + 5 {
            let order = Mutation::Place(place(number, "u", &[("a", 1)]));
            bought += usize::from(commit(store, vec![order]).await.expect("the store is there").verdicts[0].is_ok());
        }
        bought
    };
    let (of_first, of_second) = tokio::join!(buy(&first, 100), buy(&second, 200));
    assert_eq!(of_first + of_second, 3);
}

#[tokio::test]
async fn of_a_payment_and_a_cancellation_on_two_nodes_one_comes_first_and_nothing_is_lost() {
    let ([first, second], _clock, _database) = nodes().await;
    for number in 1..=20 {
        let order = Mutation::Place(place(number, "u", &[("a", 1), ("b", 1)]));
        commit(&first, vec![order]).await.expect("the store is there");
        let pay = commit(&first, vec![Mutation::Pay(payment(&format!("p-{number}"), number, 2 * PRICE))]);
        let cancel = commit(&second, vec![Mutation::Cancel(cancellation(number, CancelReason::Customer))]);
        let (paid, _cancelled) = tokio::join!(pay, cancel);
        assert!(paid.expect("the store is there").verdicts[0].is_ok());
        let order = first.order(order_id(number)).await.expect("readable").expect("it is there");
        let events = first.events(order_id(number)).await.expect("readable");
        assert_eq!(events.len(), 3, "{events:?}");
        assert_eq!(order.refund.map(|refund| refund.due), Some(order.amount), "paid and cancelled is owed back");
    }
    let audit = first.audit(None, None, 9).await.expect("the store can be read");
    for sku in audit {
        assert_eq!((sku.sku.level.available, sku.orders.reserved, sku.orders.sold), (100, 0, 0));
    }
}

#[tokio::test]
async fn a_lock_that_is_held_for_long_is_waited_for_and_the_batch_tried_again() {
    let ([store, _], _clock, database) = nodes().await;
    let mut other = database.other().await;
    other.query_drop("START TRANSACTION").await.expect("the server is there");
    other.query_drop("SELECT 1 FROM sku_stock_info WHERE sku_id = 'a' FOR UPDATE").await.expect("the row is free");
    let placing = commit(&store, vec![Mutation::Place(place(1, "u", &[("a", 1)]))]);
    let release = async {
        // Longer than a statement waits for a lock, so that it is tried again at least once.
        other.query_drop("DO SLEEP(1.5)").await.expect("the server is there");
        other.query_drop("ROLLBACK").await.expect("it was open");
    };
    let (committed, ()) = tokio::join!(placing, release);
    assert!(committed.expect("the lock is gone").verdicts[0].is_ok());
    let locks = store.calls().by_name()["lock stock"];
    assert!(locks.failed >= 1 && locks.made > locks.failed, "{locks:?}");
    assert_eq!(reserved(&store, "a").await, 1);
}

#[tokio::test]
async fn a_lock_that_is_never_let_go_of_is_refused_in_the_end() {
    let ([store, _], _clock, database) = nodes().await;
    let mut other = database.other().await;
    other.query_drop("START TRANSACTION").await.expect("the server is there");
    other.query_drop("SELECT 1 FROM sku_stock_info WHERE sku_id = 'a' FOR UPDATE").await.expect("the row is free");
    let refused = commit(&store, vec![Mutation::Place(place(1, "u", &[("a", 1)]))]).await;
    let why = "a row of the database stayed locked by another transaction";
    assert_eq!(refused.err(), Some(CommitError::NotDone(why.to_owned())));
    let of_another = commit(&store, vec![Mutation::Place(place(2, "u", &[("b", 1)]))]).await;
    assert!(of_another.expect("its row is free").verdicts[0].is_ok());
    other.query_drop("ROLLBACK").await.expect("it was open");
    assert_eq!(reserved(&store, "a").await, 0);
}

#[tokio::test]
async fn a_deadlock_is_tried_again() {
    let ([store, _], _clock, database) = nodes().await;
    commit(&store, vec![Mutation::Place(place(1, "u", &[("a", 1)]))]).await.expect("the store is there");
    let mut other = database.other().await;
    let lock_order = "SELECT 1 FROM order_info FOR UPDATE";
    let lock_stock = "SELECT 1 FROM sku_stock_info WHERE sku_id = 'a' FOR UPDATE";
    // So that the server lets the store's transaction go, the other one has written more.
    let heavy = "INSERT INTO store_probe (filler) SELECT 'x' FROM schema_migration a, schema_migration b";
    for statement in ["START TRANSACTION", heavy, lock_order] {
        other.query_drop(statement).await.expect("the server is there");
    }
    let paying = commit(&store, vec![Mutation::Pay(payment("p", 1, PRICE))]);
    let crossing = async {
        // The payment has the stock row by now and waits for the order.
        other.query_drop("DO SLEEP(0.3)").await.expect("the server is there");
        other.query_drop(lock_stock).await.expect("the server ends the other one");
        other.query_drop("ROLLBACK").await.expect("it was open");
    };
    let (committed, ()) = tokio::join!(paying, crossing);
    assert!(committed.expect("it is tried again").verdicts[0].is_ok());
    assert!(store.calls().by_name()["lock orders"].failed >= 1, "{:?}", store.calls().by_name());
}

#[tokio::test]
async fn an_id_that_is_there_already_holds_up_only_its_own_order() {
    let ([store, _], _clock, _database) = nodes().await;
    commit(&store, vec![Mutation::Place(place(5, "u", &[("a", 1)]))]).await.expect("the store is there");
    let batch = (1..=9).map(|number| Mutation::Place(place(number, "v", &[("a", 1)])));
    let committed = commit(&store, batch.collect()).await.expect("the others are done");
    let done: Vec<bool> = committed.verdicts.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, true, true, true, false, true, true, true, true]);
    assert_eq!((committed.events.len(), committed.skus[&sku_id("a")].level.reserved), (8, 9));
    assert_eq!(committed.tally, Tally { done: 3, not_done: 1, unknown: 0, written: 8 }, "halves of halves");
    assert_eq!(store.order(order_id(5)).await.expect("readable").map(|order| order.user_id), Some(user_id("u")));
}

#[tokio::test]
async fn a_change_never_writes_a_key_that_another_node_has_cleared() {
    let ([store, _], _clock, database) = nodes().await;
    commit(&store, vec![Mutation::Place(place_keyed(1, "u", "k", &[("a", 1)]))]).await.expect("the store is there");
    let clear = "UPDATE order_info SET idempotency_key = NULL, body_hash = NULL";
    database.other().await.query_drop(clear).await.expect("the user may");
    commit(&store, vec![Mutation::Pay(payment("p", 1, PRICE))]).await.expect("the store is there");
    let order = store.order(order_id(1)).await.expect("readable").expect("it is there");
    assert_eq!(order.key, None);
}

#[expect(clippy::disallowed_methods, reason = "a real server keeps real time")]
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Takes events, slowly, and notes which they were.
fn take_to(tray: &Arc<Mutex<Vec<(OrderId, u32)>>>) -> HandOn {
    let tray = Arc::clone(tray);
    Box::new(move |events| {
        Box::pin(async move {
            pause(2).await;
            tray.lock()
                .expect("no test panics with it")
                .extend(events.iter().map(|event| (event.order_id, event.version)));
            Ok(())
        })
    })
}

#[tokio::test]
async fn nodes_that_empty_the_outbox_at_once_hand_everything_on_once_and_in_order() {
    let ([first, second], _clock, _database) = nodes().await;
    let tray = Arc::<Mutex<Vec<(OrderId, u32)>>>::default();
    let commit_all = async {
        for batch in 0..10_u64 {
            let numbers = batch * 4 + 1..=batch * 4 + 4;
            let place = |number: u64| Mutation::Place(place(number, "u", &[("a", 1)]));
            commit(&first, numbers.clone().map(place).collect()).await.expect("the store is there");
            let cancel = |number: u64| Mutation::Cancel(cancellation(number, CancelReason::Shop));
            commit(&second, numbers.map(cancel).collect()).await.expect("the store is there");
        }
    };
    let empty = async |store: &MysqlStore| {
        let outbox = MysqlOutbox::of(store);
        let mut in_vain = 0;
        while in_vain < 20 {
            let relayed = outbox.relay(7, take_to(&tray)).await.expect("the outbox gives what it has");
            in_vain = if relayed.events == 0 { in_vain + 1 } else { 0 };
            pause(5).await;
        }
    };
    tokio::join!(commit_all, empty(&first), empty(&second));
    let handed_on = tray.lock().expect("no test panics with it").clone();
    assert_eq!(handed_on.len(), 80, "each event once");
    for number in 1..=40 {
        let own = handed_on.iter().filter(|(id, _)| *id == order_id(number)).map(|(_, version)| *version);
        assert_eq!(own.collect::<Vec<_>>(), [1, 2], "order {number}");
    }
}

#[tokio::test]
async fn a_node_that_is_cut_off_with_events_in_hand_lets_go_of_them() {
    let ([first, second], _clock, database) = nodes().await;
    commit(&first, vec![Mutation::Place(place(1, "u", &[("a", 1)]))]).await.expect("the store is there");
    let (took, taken) = tokio::sync::oneshot::channel();
    let hang: HandOn = Box::new(move |_| {
        Box::pin(async move {
            took.send(()).expect("the test waits");
            std::future::pending().await
        })
    });
    let first = MysqlOutbox::of(&first);
    let hanging = tokio::spawn(async move { first.relay(10, hang).await });
    taken.await.expect("it is handed on");
    let tray = Arc::default();
    let second = MysqlOutbox::of(&second);
    assert_eq!(second.relay(10, take_to(&tray)).await.expect("the outbox is there").events, 0, "it is in hand");
    let cut = "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE db = DATABASE() \
         AND command = 'Sleep' AND id <> CONNECTION_ID()";
    let connections = database.rows(cut).await;
    let mut other = database.other().await;
    for kill in connections {
        // Some may be gone already.
        let _ = other.query_drop(kill).await;
    }
    assert_eq!(second.relay(10, take_to(&tray)).await.expect("the outbox is there").events, 1, "it was let go");
    hanging.abort();
}

#[tokio::test]
async fn a_node_that_is_stopped_with_events_in_hand_loses_them_and_one_that_is_slow_does_not() {
    let ([stopped, _], _clock, database) = nodes().await;
    // It gives signs of life by its clock.
    let slow = database.store(Arc::new(SystemClock::start()));
    let third = database.store(Arc::<ManualClock>::default());
    commit(&third, vec![Mutation::Place(place(1, "u", &[("a", 1)]))]).await.expect("the store is there");
    // Whatever runs on the node's thread stands still, as if the process were stopped.
    let (took, taken) = tokio::sync::oneshot::channel();
    let stop: HandOn = Box::new(move |_| {
        took.send(()).expect("the test waits");
        std::thread::sleep(Duration::from_secs(22));
        Box::pin(std::future::pending())
    });
    let stopped = MysqlOutbox::of(&stopped);
    let stopped = tokio::spawn(async move { stopped.relay(10, stop).await });
    taken.await.expect("it is handed on");
    commit(&third, vec![Mutation::Place(place(2, "u", &[("a", 1)]))]).await.expect("the store is there");
    let (took, taken) = tokio::sync::oneshot::channel();
    let wait: HandOn = Box::new(move |_| {
        took.send(()).expect("the test waits");
        Box::pin(std::future::pending())
    });
    let slow = MysqlOutbox::of(&slow);
    let slow = tokio::spawn(async move { slow.relay(10, wait).await });
    taken.await.expect("it is handed on");
    pause(17_000).await;
    let tray = Arc::default();
    let relayed = MysqlOutbox::of(&third).relay(10, take_to(&tray)).await.expect("the outbox is there");
    assert_eq!(relayed.events, 1);
    assert_eq!(*tray.lock().expect("no test panics with it"), [(order_id(1), 1)]);
    stopped.abort();
    slow.abort();
}

#[tokio::test]
async fn rows_that_may_not_go_hold_up_none_behind_them() {
    let ([first, second], _clock, _database) = nodes().await;
    commit(&first, (1..=4).map(|number| Mutation::Place(place(number, "u", &[("a", 1)]))).collect())
        .await
        .expect("the store is there");
    let (took, taken) = tokio::sync::oneshot::channel();
    let wait: HandOn = Box::new(move |_| {
        took.send(()).expect("the test waits");
        Box::pin(std::future::pending())
    });
    let holding = MysqlOutbox::of(&first);
    let holding = tokio::spawn(async move { holding.relay(10, wait).await });
    taken.await.expect("it is handed on");
    // Rows that wait for those in hand, and one more behind them.
    let cancel = |number: u64| Mutation::Cancel(cancellation(number, CancelReason::Shop));
    commit(&first, (1..=4).map(cancel).collect()).await.expect("the store is there");
    commit(&first, vec![Mutation::Place(place(9, "u", &[("a", 1)]))]).await.expect("the store is there");
    let tray = Arc::default();
    let relayed = MysqlOutbox::of(&second).relay(2, take_to(&tray)).await.expect("the outbox is there");
    assert_eq!(relayed.events, 1);
    assert_eq!(*tray.lock().expect("no test panics with it"), [(order_id(9), 1)]);
    let relayed = MysqlOutbox::of(&second).relay(2, take_to(&tray)).await.expect("the outbox is there");
    assert_eq!((relayed.events, relayed.may_be_more), (0, false), "nobody looks again and again");
    holding.abort();
}
