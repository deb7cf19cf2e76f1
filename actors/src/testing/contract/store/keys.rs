//! Idempotency keys of placements.

use std::time::Duration;

use crate::domain::commit::{KeyedAnswer, Mutation};
use crate::domain::id::{KeyScope, ScopedKey};
use crate::domain::limits::KEY_LIFETIME;
use crate::domain::order::{CancelReason, PlaceOrder};
use crate::domain::time::Monotonic;
use crate::ports::Clock;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{
    PRICE, cancellation, key, order_id, payment, place, place_keyed, sku_id, stock_change, user_id,
};

const JUST: Duration = Duration::from_millis(1);

/// A retry finds the first order, whatever id it came with.
pub async fn placing_twice_under_one_key_gives_one_order(bench: Bench) {
    bench.stock_up("a", 10).await;
    let first = bench.place(place_keyed(1, "u", "k", &[("a", 2)])).await;
    assert_eq!(bench.replay(place_keyed(2, "u", "k", &[("a", 2)])).await, first);
    assert_eq!(bench.order(2).await, None);
    assert_eq!(bench.units("a").await, (10, 8, 2, 0));
    bench.assert_sound([1]).await;
}

/// The same in one batch, where nothing is committed yet when the retry is decided.
pub async fn placing_twice_under_one_key_in_one_batch_gives_one_order(bench: Bench) {
    bench.stock_up("a", 10).await;
    let batch = [1, 2, 3].map(|number| Mutation::Place(place_keyed(number, "u", "k", &[("a", 2)])));
    let committed = bench.commit(batch).await;
    assert_eq!(committed.verdicts[1], committed.verdicts[2]);
    assert_eq!(committed.events.len(), 1);
    assert_eq!((bench.order(2).await, bench.order(3).await), (None, None));
    assert_eq!(bench.units("a").await, (10, 8, 2, 0));
}

/// The stored answer is the first answer, not the order as it is now.
pub async fn a_replay_is_answered_as_the_first_time_whatever_became_of_the_order(bench: Bench) {
    bench.stock_up("a", 10).await;
    let wanted = PlaceOrder { remark: Some("first".to_owned()), ..place_keyed(1, "u", "k", &[("a", 2)]) };
    let first = bench.place(wanted.clone()).await;
    bench.clock.advance(JUST);
    bench.change(Mutation::Pay(payment("p", 1, 2 * PRICE))).await;
    assert_eq!(bench.replay(wanted.clone()).await, first);
    bench.change(Mutation::Cancel(cancellation(1, CancelReason::Shop))).await;
    assert_eq!(bench.replay(wanted).await, first);
    assert_ne!(bench.order(1).await, Some(first));
}

/// A committed key is answered before anything else is looked at.
pub async fn a_replay_is_answered_even_past_its_deadline_and_sold_out(bench: Bench) {
    bench.stock_up("a", 2).await;
    let deadline = Monotonic::since_start(Duration::from_secs(4));
    let wanted = PlaceOrder { deadline, ..place_keyed(1, "u", "k", &[("a", 2)]) };
    let first = bench.place(wanted.clone()).await;
    bench.clock.advance(Duration::from_secs(5));
    assert_eq!(bench.replay(wanted).await, first);
}

/// A key stands for one body.
pub async fn a_key_with_another_body_is_refused(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place_keyed(1, "u", "k", &[("a", 2)])).await;
    let remarked = PlaceOrder { remark: Some("other".to_owned()), ..place_keyed(3, "u", "k", &[("a", 2)]) };
    for other in [place_keyed(2, "u", "k", &[("a", 3)]), remarked] {
        assert_eq!(bench.refused(Mutation::Place(other)).await.code(), "idempotency_key_reused");
    }
    assert_eq!(bench.units("a").await, (10, 8, 2, 0));
}

/// Keys of different users never meet, nor do keys that differ by case.
pub async fn a_key_belongs_to_its_user(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place_keyed(1, "u", "k", &[("a", 1)])).await;
    bench.place(place_keyed(2, "v", "k", &[("a", 2)])).await;
    bench.place(place_keyed(3, "u", "K", &[("a", 3)])).await;
    bench.place(place_keyed(4, "U", "k", &[("a", 4)])).await;
}

/// Only success is stored.
pub async fn a_refused_placement_leaves_its_key_free(bench: Bench) {
    bench.stock_up("a", 1).await;
    assert_eq!(bench.refused(Mutation::Place(place_keyed(1, "u", "k", &[("a", 2)]))).await.code(), "sold_out");
    bench.change_stock("a", 1, "more").await;
    bench.place(place_keyed(2, "u", "k", &[("a", 2)])).await;
}

/// A day is a day.
pub async fn a_key_is_kept_for_its_whole_lifetime(bench: Bench) {
    bench.stock_up("a", 10).await;
    let first = bench.place(place_keyed(1, "u", "k", &[("a", 1)])).await;
    bench.clock.advance(KEY_LIFETIME - JUST);
    assert_eq!(bench.replay(place_keyed(2, "u", "k", &[("a", 1)])).await, first);
}

/// After a day the key may name another order, with the same body or another.
pub async fn a_key_past_its_lifetime_is_cleared_and_usable_again(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place_keyed(1, "u", "k", &[("a", 1)])).await;
    bench.clock.advance(KEY_LIFETIME);
    assert_eq!(bench.refused(Mutation::Place(place_keyed(2, "u", "k", &[("a", 99)]))).await.code(), "sold_out");
    let batch = [3, 4].map(|number| Mutation::Place(place_keyed(number, "u", "k", &[("a", 2)])));
    let verdicts = bench.commit(batch).await.verdicts;
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    assert_eq!(bench.replay(place_keyed(5, "u", "k", &[("a", 2)])).await.order_id, order_id(3));
    assert_eq!(bench.units("a").await, (10, 7, 3, 0));
    bench.assert_sound([1, 3]).await;
}

/// The order that loses its key is otherwise as it was, even if it changes in the same batch.
pub async fn a_cleared_key_is_gone_from_its_order_only(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place_keyed(1, "u", "k", &[("a", 1)])).await;
    bench.clock.advance(KEY_LIFETIME);
    let batch = [Mutation::Place(place_keyed(2, "u", "k", &[("a", 1)])), Mutation::Pay(payment("p", 1, PRICE))];
    let verdicts = bench.commit(batch).await.verdicts;
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    let (old, new) = (bench.order(1).await, bench.order(2).await);
    assert_eq!(old.as_ref().map(|order| (order.key.is_some(), order.version)), Some((false, 2)));
    assert_eq!(new.and_then(|order| order.key).map(|key| key.key), Some(key("k")));
    bench.assert_sound([1, 2]).await;
}

/// Keys of both kinds are looked up together; unknown ones are left out.
pub async fn committed_keys_are_found_with_their_answers(bench: Bench) {
    bench.stock_up("a", 10).await;
    let order = bench.place(place_keyed(1, "u", "k", &[("a", 2)])).await;
    bench.change(Mutation::Pay(payment("p", 1, 2 * PRICE))).await;
    let level = bench.change_stock("a", 5, "k").await;
    bench.place(place(2, "u", &[("a", 1)])).await;
    let of_user = |user: &str, text: &str| ScopedKey { scope: KeyScope::PlaceOrder(user_id(user)), key: key(text) };
    let of_sku = |sku: &str, text: &str| ScopedKey { scope: KeyScope::ChangeStock(sku_id(sku)), key: key(text) };
    let wanted = vec![of_user("u", "k"), of_user("u", "l"), of_user("a", "k"), of_sku("a", "k"), of_sku("u", "k")];
    let found = bench.store.keys(wanted).await.expect("the store can be read");
    let mut answers: Vec<_> = found.iter().map(|(key, record)| (key.clone(), record.answer.clone())).collect();
    answers.sort_by(|left, right| left.0.cmp(&right.0));
    let expected = [(of_user("u", "k"), KeyedAnswer::Order(order)), (of_sku("a", "k"), KeyedAnswer::Level(level))];
    assert_eq!(answers, expected);
    let hashes: Vec<_> = found.values().map(|record| record.body_hash).collect();
    assert_eq!(hashes, [place(1, "u", &[("a", 2)]).body_hash(), stock_change("a", 5, "k").body_hash()]);
    assert!(found.values().all(|record| record.at == bench.clock.now().wall));
}
