//! Placing orders.

use std::time::Duration;

use crate::domain::commit::{Mutation, Outcome, PutSku};
use crate::domain::event::EventType;
use crate::domain::order::{OrderState, PlaceOrder, Status, WantedLine};
use crate::domain::rejection::Rejection;
use crate::domain::stock::Goods;
use crate::domain::time::Monotonic;
use crate::ports::Clock;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, money, order_id, place, place_keyed, put_sku, sku_id};

/// Everything about an order survives its way into the store and out again.
pub async fn a_placed_order_is_read_back_as_it_was_answered(bench: Bench) {
    bench.stock_up("a", 10).await;
    let wanted = PlaceOrder {
        remark: Some("gift 🎁 \"for\" you\n".to_owned()),
        by: "service-1".to_owned(),
        ..place_keyed(1, "u", "k~!", &[("a", 2)])
    };
    let order = bench.place(wanted.clone()).await;
    let now = bench.clock.now().wall;
    assert_eq!((order.order_id, order.user_id.as_str(), order.version), (order_id(1), "u", 1));
    assert_eq!(order.state, OrderState::Submitted { expires_at: now.plus(Duration::from_secs(900)) });
    assert_eq!((order.created_at, order.updated_at), (now, now));
    assert_eq!((order.amount, &order.source, &order.remark), (money(2 * PRICE), &wanted.source, &wanted.remark));
    assert_eq!(order.key.as_ref().map(|key| key.body_hash), Some(wanted.body_hash()));
    assert_eq!(bench.order(1).await, Some(order));
    let events = bench.store.events(order_id(1)).await.expect("the store can be read");
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].event_type, events[0].status), (EventType::OrderSubmitted, Status::Submitted));
    assert_eq!((events[0].by.as_str(), events[0].at, &events[0].reason), ("service-1", now, &None));
    let bare = bench.place(PlaceOrder { source: None, ..place(2, "u", &[("a", 1)]) }).await;
    assert_eq!(bench.order(2).await, Some(bare));
}

/// Each line takes from its own SKU at its own price.
pub async fn an_order_of_two_lines_reserves_both(bench: Bench) {
    bench.stock_up("b", 10).await;
    bench.stock_up("a", 10).await;
    let order = bench.place(place(1, "u", &[("b", 3), ("a", 2)])).await;
    let lines: Vec<_> = order.lines.iter().map(|line| (line.sku_id.as_str(), line.quantity, line.amount)).collect();
    assert_eq!(lines, [("a", 2, money(2 * PRICE)), ("b", 3, money(3 * PRICE))]);
    assert_eq!(order.amount, money(5 * PRICE));
    assert_eq!((bench.units("a").await, bench.units("b").await), ((10, 8, 2, 0), (10, 7, 3, 0)));
    assert_eq!(bench.order(1).await, Some(order));
    bench.assert_sound([1]).await;
}

/// One short line refuses the order whole, and the batch goes on without it.
pub async fn an_order_is_all_or_nothing(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.stock_up("b", 1).await;
    let batch =
        [Mutation::Place(place(1, "u", &[("a", 1), ("b", 2)])), Mutation::Place(place(2, "u", &[("a", 1), ("b", 1)]))];
    let verdicts = bench.commit(batch).await.verdicts;
    let short = Rejection::SoldOut { sku_id: sku_id("b"), available: 1, wanted: 2 };
    assert_eq!(verdicts[0], Err(short));
    assert!(verdicts[1].is_ok());
    assert_eq!(bench.order(1).await, None);
    assert_eq!((bench.units("a").await, bench.units("b").await), ((10, 9, 1, 0), (1, 0, 1, 0)));
    bench.assert_sound([2]).await;
}

/// The first who ask get what is there, to the last unit and not one more.
pub async fn a_batch_sells_exactly_what_is_there(bench: Bench) {
    bench.stock_up("a", 7).await;
    let batch: Vec<_> = (1..=20).map(|number| Mutation::Place(place(number, "u", &[("a", 1)]))).collect();
    let verdicts = bench.commit(batch).await.verdicts;
    for (index, verdict) in verdicts.iter().enumerate() {
        match verdict {
            Ok(outcome) => assert!(index < 7 && matches!(outcome, Outcome::Placed { replayed: false, .. })),
            Err(refusal) => assert!(index >= 7 && refusal.code() == "sold_out", "{index}: {refusal}"),
        }
    }
    assert_eq!(bench.units("a").await, (7, 0, 7, 0));
    assert_eq!(bench.refused(Mutation::Place(place(21, "u", &[("a", 1)]))).await.code(), "sold_out");
    bench.assert_sound(1..=7).await;
}

/// Whatever the reason, a refused placement leaves no trace.
pub async fn refused_placements_write_nothing(bench: Bench) {
    bench.stock_up("a", 5).await;
    bench.stock_up("off", 5).await;
    let off = PutSku { goods: Goods { on_sale: false, ..put_sku("off").goods }, ..put_sku("off") };
    bench.one(Mutation::PutSku(off)).await.expect("the sku is taken off sale");
    let before = bench.sku("a").await;
    let at_another_price =
        vec![WantedLine { sku_id: sku_id("a"), quantity: 1, expected_unit_price: Some(money(PRICE - 1)) }];
    let table = [
        (place(1, "u", &[("nowhere", 1)]), "sku_not_found"),
        (place(2, "u", &[("a", 1), ("off", 1)]), "sku_not_on_sale"),
        (PlaceOrder { lines: at_another_price, ..place(3, "u", &[("a", 1)]) }, "price_changed"),
        (place(4, "u", &[("a", 6)]), "sold_out"),
    ];
    for (number, (order, code)) in (1..).zip(table) {
        let committed = bench.commit([Mutation::Place(order)]).await;
        assert_eq!(committed.verdicts[0].as_ref().map_err(Rejection::code), Err(code));
        assert_eq!(committed.events, []);
        assert_eq!(bench.order(number).await, None);
        assert_eq!(bench.store.events(order_id(number)).await, Ok(vec![]));
    }
    assert_eq!(bench.sku("a").await, before);
}

/// The deadline is checked at the decision, and is the last moment that still counts.
pub async fn a_placement_past_its_deadline_is_refused_and_writes_nothing(bench: Bench) {
    bench.stock_up("a", 5).await;
    let deadline = Monotonic::since_start(Duration::from_secs(4));
    bench.clock.advance(Duration::from_secs(4));
    bench.place(PlaceOrder { deadline, ..place(1, "u", &[("a", 1)]) }).await;
    bench.clock.advance(Duration::from_millis(1));
    let late = PlaceOrder { deadline, ..place_keyed(2, "u", "k", &[("a", 1)]) };
    let refusal = bench.refused(Mutation::Place(late)).await;
    assert!(matches!(refusal, Rejection::Unavailable(_)), "{refusal:?}");
    assert_eq!(bench.order(2).await, None);
    assert_eq!(bench.units("a").await, (5, 4, 1, 0));
    bench.place(place_keyed(3, "u", "k", &[("a", 1)])).await;
}

/// The strictest SKU says how long the whole order may stay unpaid.
pub async fn an_order_takes_the_shortest_payment_window_of_its_lines(bench: Bench) {
    for (sku, window) in [("a", None), ("b", Some(60)), ("c", Some(1_800))] {
        let payment_window = window.map(Duration::from_secs);
        let put = PutSku { goods: Goods { payment_window, ..put_sku(sku).goods }, ..put_sku(sku) };
        bench.one(Mutation::PutSku(put)).await.expect("the sku is put up");
        bench.change_stock(sku, 9, "k").await;
    }
    let table = [
        (1, vec![("a", 1)], 900),
        (2, vec![("a", 1), ("b", 1)], 60),
        (3, vec![("b", 1), ("c", 1)], 60),
        (4, vec![("c", 1)], 1_800),
    ];
    let now = bench.clock.now().wall;
    for (number, lines, seconds) in table {
        let order = bench.place(place(number, "u", &lines)).await;
        assert_eq!(order.expires_at(), Some(now.plus(Duration::from_secs(seconds))));
    }
}

/// Order lines are entries of the stock flow and are numbered on from the others.
pub async fn reserves_are_numbered_in_the_stock_flow_without_a_gap(bench: Bench) {
    bench.stock_up("a", 9).await;
    let batch = [(1, 2), (2, 3)].map(|(number, units)| Mutation::Place(place(number, "u", &[("a", units)])));
    bench.commit(batch).await;
    bench.change_stock("a", 1, "k").await;
    bench.place(place(3, "u", &[("a", 1)])).await;
    let mut entries = Vec::new();
    for number in 1..=3 {
        let order = bench.order(number).await.expect("the order exists");
        entries.extend(order.lines.iter().map(|line| (line.flow_seq, line.available_after)));
    }
    assert_eq!(entries, [(2, 7), (3, 4), (5, 4)]);
    assert_eq!(bench.sku("a").await.flow_seq, 5);
}

/// Refused or not, the reply tells what the store has of every SKU it looked at.
pub async fn the_reply_carries_every_sku_as_it_is_after_the_commit(bench: Bench) {
    bench.stock_up("a", 2).await;
    bench.stock_up("b", 2).await;
    let batch = [Mutation::Place(place(1, "u", &[("a", 2)])), Mutation::Place(place(2, "u", &[("b", 3)]))];
    let committed = bench.commit(batch).await;
    let skus: Vec<_> = committed.skus.into_values().collect();
    assert_eq!(skus, [bench.sku("a").await, bench.sku("b").await]);
    assert_eq!(skus[0].level.available, 0);
    let committed = bench.commit([Mutation::Place(place(3, "u", &[("a", 1)]))]).await;
    assert_eq!(committed.skus.into_values().collect::<Vec<_>>(), [bench.sku("a").await]);
}

/// What is not there is answered as not there.
pub async fn an_unknown_order_is_not_found(bench: Bench) {
    assert_eq!(bench.order(1).await, None);
    assert_eq!(bench.store.events(order_id(1)).await, Ok(vec![]));
}
