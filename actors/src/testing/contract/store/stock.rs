//! SKUs and their stock levels.

use std::time::Duration;

use crate::domain::commit::{Mutation, Outcome, PutSku};
use crate::domain::limits::KEY_LIFETIME;
use crate::domain::stock::{Goods, StockChange};
use crate::domain::time::Monotonic;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{NEVER, money, place, put_sku, sku_id, stock_change};

fn change(change: StockChange) -> Mutation {
    Mutation::ChangeStock { change, deadline: NEVER }
}

fn dearer(sku: &str) -> PutSku {
    let goods = Goods {
        name: "Dearer".to_owned(),
        price: money(7),
        on_sale: false,
        payment_window: Some(Duration::from_secs(60)),
        purchase_limit: Some(3),
    };
    PutSku { sku_id: sku_id(sku), goods }
}

/// A SKU that was not there is created, and comes with an empty stock row.
pub async fn a_new_sku_starts_at_version_one_without_stock(bench: Bench) {
    let Ok(Outcome::SkuPut { sku, created }) = bench.one(Mutation::PutSku(put_sku("a"))).await else {
        panic!("the sku is to be put up");
    };
    assert!(created);
    assert_eq!((sku.level.version, sku.flow_seq), (1, 0));
    assert_eq!(sku.goods, put_sku("a").goods);
    assert_eq!(bench.sku("a").await, sku);
    assert_eq!(bench.units("a").await, (0, 0, 0, 0));
}

/// The catalogue's side is replaced whole; stock, version and creation time stay.
pub async fn replacing_a_sku_keeps_its_stock_and_version(bench: Bench) {
    bench.stock_up("a", 5).await;
    let before = bench.sku("a").await;
    bench.clock.advance(Duration::from_secs(1));
    let Ok(Outcome::SkuPut { sku, created }) = bench.one(Mutation::PutSku(dearer("a"))).await else {
        panic!("the sku is to be replaced");
    };
    assert!(!created);
    assert_eq!(sku.goods, dearer("a").goods);
    assert_eq!((sku.level, sku.flow_seq, sku.created_at), (before.level, before.flow_seq, before.created_at));
    assert!(sku.updated_at > before.updated_at);
    assert_eq!(bench.sku("a").await, sku);
    bench.one(Mutation::PutSku(put_sku("a"))).await.expect("the sku is replaced");
    assert_eq!(bench.sku("a").await.goods, put_sku("a").goods, "what is no longer said is gone");
}

/// Whoever has seen a SKU before and after tells the newer, also if the clock was set back in between.
pub async fn a_sku_replaced_after_the_clock_was_set_back_is_newer(bench: Bench) {
    bench.stock_up("a", 5).await;
    let before = bench.sku("a").await;
    bench.clock.set_wall(before.updated_at.minus(Duration::from_secs(3600)));
    bench.one(Mutation::PutSku(dearer("a"))).await.expect("the sku is replaced");
    let after = bench.sku("a").await;
    assert_eq!(after.goods, dearer("a").goods);
    assert!(after.updated_at > before.updated_at);
}

/// Within a batch the last word on a SKU counts.
pub async fn goods_put_twice_in_one_batch_are_as_put_last(bench: Bench) {
    bench.commit([Mutation::PutSku(put_sku("a")), Mutation::PutSku(dearer("a"))]).await;
    assert_eq!(bench.sku("a").await.goods, dearer("a").goods);
    assert_eq!(bench.sku("a").await.level.version, 1);
}

/// Stock changes move total and available together.
pub async fn stock_may_be_added_and_available_stock_taken(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place(1, "u", &[("a", 3)])).await;
    let level = bench.change_stock("a", -7, "k").await;
    assert_eq!((level.total, level.available, level.reserved, level.sold), (3, 0, 3, 0));
    assert_eq!(bench.sku("a").await.level, level);
    bench.assert_sound([1]).await;
}

/// Reserved and sold units cannot be taken away.
pub async fn more_than_is_available_is_not_taken(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place(1, "u", &[("a", 3)])).await;
    let before = bench.sku("a").await;
    let refusal = bench.refused(change(stock_change("a", -8, "k"))).await;
    assert_eq!(refusal.code(), "insufficient_stock");
    assert_eq!(bench.sku("a").await, before);
    bench.change_stock("a", -7, "k").await;
}

/// Stock belongs to a SKU that exists.
pub async fn the_stock_of_an_unknown_sku_is_not_changed(bench: Bench) {
    assert_eq!(bench.refused(change(stock_change("a", 1, "k"))).await.code(), "sku_not_found");
}

/// A repeat gets the first answer, however the level has moved since.
pub async fn a_stock_change_under_one_key_is_made_once(bench: Bench) {
    bench.stock_up("a", 10).await;
    let first = bench.change_stock("a", 5, "k").await;
    bench.change_stock("a", 1, "l").await;
    let verdict = bench.one(change(stock_change("a", 5, "k"))).await;
    assert_eq!(verdict, Ok(Outcome::StockChanged { level: first, replayed: true }));
    assert_eq!(bench.units("a").await, (16, 16, 0, 0));
}

/// A repeat in the same batch gets the first answer too.
pub async fn a_stock_change_repeated_in_one_batch_is_made_once(bench: Bench) {
    bench.stock_up("a", 10).await;
    let verdicts = bench.commit([change(stock_change("a", 5, "k")), change(stock_change("a", 5, "k"))]).await.verdicts;
    let level = bench.sku("a").await.level;
    assert_eq!(verdicts[0], Ok(Outcome::StockChanged { level, replayed: false }));
    assert_eq!(verdicts[1], Ok(Outcome::StockChanged { level, replayed: true }));
    assert_eq!(level.total, 15);
}

/// A key stands for one body.
pub async fn a_stock_key_with_another_body_is_refused(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.change_stock("a", 5, "k").await;
    let other_reason = StockChange { reason: Some("found".to_owned()), ..stock_change("a", 5, "k") };
    for other in [stock_change("a", 6, "k"), other_reason] {
        assert_eq!(bench.refused(change(other)).await.code(), "idempotency_key_reused");
    }
    assert_eq!(bench.units("a").await.0, 15);
}

/// Keys of different SKUs never meet.
pub async fn a_stock_key_belongs_to_its_sku(bench: Bench) {
    bench.stock_up("a", 1).await;
    bench.stock_up("b", 2).await;
    bench.change_stock("a", 5, "k").await;
    bench.change_stock("b", 6, "k").await;
    assert_eq!((bench.units("a").await.0, bench.units("b").await.0), (6, 8));
}

/// After a day a key may name another change; the old change stays.
pub async fn a_stock_key_past_its_lifetime_is_cleared_and_usable_again(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.change_stock("a", 5, "k").await;
    bench.clock.advance(KEY_LIFETIME);
    let level = bench.change_stock("a", 7, "k").await;
    assert_eq!(level.total, 22);
    let verdict = bench.one(change(stock_change("a", 7, "k"))).await;
    assert_eq!(verdict, Ok(Outcome::StockChanged { level, replayed: true }));
}

/// However many changes a batch makes to a SKU, its version grows by one; untouched SKUs keep theirs.
pub async fn a_batch_adds_one_to_the_version_of_each_sku_it_changes(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.stock_up("b", 10).await;
    bench.stock_up("c", 10).await;
    let versions = [bench.sku("a").await, bench.sku("b").await, bench.sku("c").await].map(|sku| sku.level.version);
    bench
        .commit([
            Mutation::Place(place(1, "u", &[("a", 1), ("b", 1)])),
            Mutation::Place(place(2, "u", &[("a", 1)])),
            change(stock_change("a", 5, "k")),
            Mutation::Place(place(3, "u", &[("c", 11)])),
        ])
        .await;
    let after = [bench.sku("a").await, bench.sku("b").await, bench.sku("c").await].map(|sku| sku.level.version);
    assert_eq!(after, [versions[0] + 1, versions[1] + 1, versions[2]]);
    bench.assert_sound([1, 2]).await;
}

/// Each mutation of a batch sees what the ones before it did.
pub async fn a_sku_may_be_put_up_stocked_and_ordered_in_one_batch(bench: Bench) {
    let batch = [
        Mutation::PutSku(put_sku("a")),
        change(stock_change("a", 5, "k")),
        Mutation::Place(place(1, "u", &[("a", 2)])),
        Mutation::PutSku(dearer("a")),
        Mutation::Place(place(2, "u", &[("a", 2)])),
    ];
    let verdicts = bench.commit(batch).await.verdicts;
    assert!(verdicts[..4].iter().all(Result::is_ok), "{verdicts:?}");
    assert_eq!(verdicts[4].as_ref().map_err(crate::domain::rejection::Rejection::code), Err("sku_not_on_sale"));
    assert_eq!(bench.units("a").await, (5, 3, 2, 0));
    assert_eq!(bench.sku("a").await.goods, dearer("a").goods);
    bench.assert_sound([1]).await;
}

/// What waited too long for the store is not done late.
pub async fn a_stock_change_past_its_deadline_is_refused(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.clock.advance(Duration::from_secs(5));
    let deadline = Monotonic::since_start(Duration::from_secs(4));
    let late = Mutation::ChangeStock { change: stock_change("a", 5, "k"), deadline };
    assert_eq!(bench.refused(late).await.code(), "unavailable");
    assert_eq!(bench.units("a").await.0, 10);
}

/// Unknown SKUs are left out, known ones come whole.
pub async fn only_skus_that_exist_are_found(bench: Bench) {
    bench.stock_up("a", 1).await;
    bench.stock_up("b", 2).await;
    let wanted = vec![sku_id("b"), sku_id("nowhere"), sku_id("a"), sku_id("A")];
    let skus = bench.store.skus(wanted).await.expect("the store can be read");
    let totals: Vec<_> = skus.iter().map(|(sku_id, sku)| (sku_id.as_str(), sku.level.total)).collect();
    assert_eq!(totals, [("a", 1), ("b", 2)], "ids differ by case");
}
