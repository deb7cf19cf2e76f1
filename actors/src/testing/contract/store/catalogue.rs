//! Lists of SKUs, and of what happened to the stock of one.

use std::time::Duration;

use crate::domain::commit::Mutation;
use crate::domain::order::{CancelReason, SYSTEM};
use crate::domain::stock::{FlowEntry, FlowKind};
use crate::ports::{Clock, FlowPage, SkuPage};
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, order_id, payment, place, put_sku, sku_id};

/// By id, byte by byte, in pages of every size, whole.
pub async fn skus_are_listed_by_id_page_by_page(bench: Bench) {
    assert_eq!(bench.store.sku_page(None, 5).await, Ok(SkuPage::default()));
    for sku in ["c", "a", "B", "a.1", "b"] {
        bench.one(Mutation::PutSku(put_sku(sku))).await.expect("the sku is put up");
    }
    bench.change_stock("a", 5, "k").await;
    bench.place(place(1, "u", &[("a", 2)])).await;
    let mut expected = Vec::new();
    for sku in ["B", "a", "a.1", "b", "c"] {
        expected.push(bench.sku(sku).await);
    }
    for limit in [1, 2, 4, 5, 100] {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = bench.store.sku_page(after, limit).await.expect("the store can be read");
            assert!(page.skus.len() <= limit && (page.next.is_none() || page.skus.len() == limit));
            all.extend(page.skus);
            after = page.next;
            if after.is_none() {
                break;
            }
            assert!(all.len() <= expected.len(), "paging comes to an end");
        }
        assert_eq!(all, expected, "{limit}");
    }
    let last = bench.store.sku_page(Some(sku_id("c")), 5).await.expect("the store can be read");
    assert_eq!(last, SkuPage::default());
}

async fn flow(bench: &Bench, sku: &str, before: Option<u64>, limit: usize) -> FlowPage {
    bench.store.flow(sku_id(sku), before, limit).await.expect("the store can be read")
}

/// Everything that can happen to a SKU, some of it in one batch with others.
async fn busy_sku(bench: &Bench) {
    bench.stock_up("a", 10).await;
    bench.stock_up("b", 10).await;
    let placements = [
        Mutation::Place(place(1, "u", &[("a", 2), ("b", 1)])),
        Mutation::Place(place(2, "v", &[("a", 3)])),
        Mutation::Place(place(3, "u", &[("b", 1)])),
    ];
    bench.commit(placements).await;
    bench.change(Mutation::Pay(payment("p", 1, 3 * PRICE))).await;
    bench.change_stock("a", -1, "k").await;
    bench.place(place(4, "u", &[("a", 1)])).await;
    bench.change(Mutation::Cancel(cancellation(1, CancelReason::Shop))).await;
    bench.change(Mutation::Cancel(cancellation(2, CancelReason::Customer))).await;
    bench.clock.advance(Duration::from_secs(900));
    bench.one(Mutation::Expire(order_id(4))).await.expect("expiring is never refused");
}

/// Reserves stand between the other entries, each with its order, and the numbers have no gap.
pub async fn the_stock_flow_tells_everything_that_happened_newest_first(bench: Bench) {
    let start = bench.clock.now().wall;
    busy_sku(&bench).await;
    let entry = |seq, kind, change, before, after, order: u64, by: &str, reason: Option<&str>| FlowEntry {
        sku_id: sku_id("a"),
        seq,
        kind,
        change,
        available_before: before,
        available_after: after,
        order_id: (order > 0).then(|| order_id(order)),
        by: by.to_owned(),
        reason: reason.map(str::to_owned),
        at: if seq == 9 { bench.clock.now().wall } else { start },
    };
    let expected = [
        entry(9, FlowKind::Release, 1, 8, 9, 4, SYSTEM, Some("payment_timeout")),
        entry(8, FlowKind::Release, 3, 5, 8, 2, "customer", Some("customer")),
        entry(7, FlowKind::Return, 2, 3, 5, 1, "shop", Some("shop")),
        entry(6, FlowKind::Reserve, -1, 4, 3, 4, "u", None),
        entry(5, FlowKind::Reduce, -1, 5, 4, 0, "shop", None),
        entry(4, FlowKind::Confirm, -2, 5, 5, 1, "shop", None),
        entry(3, FlowKind::Reserve, -3, 8, 5, 2, "v", None),
        entry(2, FlowKind::Reserve, -2, 10, 8, 1, "u", None),
        entry(1, FlowKind::Restock, 10, 0, 10, 0, "shop", None),
    ];
    for limit in [1, 2, 3, 9, 100] {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = flow(&bench, "a", before, limit).await;
            assert!(page.entries.len() <= limit && (page.next.is_none() || page.entries.len() == limit));
            all.extend(page.entries);
            before = page.next;
            if before.is_none() {
                break;
            }
            assert!(all.len() <= expected.len(), "paging comes to an end");
        }
        assert_eq!(all, expected, "{limit}");
    }
    assert_eq!(bench.sku("a").await.flow_seq, 9);
    let of_other: Vec<_> =
        flow(&bench, "b", None, 9).await.entries.iter().map(|entry| (entry.seq, entry.kind)).collect();
    let expected = [
        (5, FlowKind::Return),
        (4, FlowKind::Confirm),
        (3, FlowKind::Reserve),
        (2, FlowKind::Reserve),
        (1, FlowKind::Restock),
    ];
    assert_eq!(of_other, expected, "skus do not share their flow");
}

/// New entries sort before the cursor and do not disturb who pages on.
pub async fn entries_written_while_paging_are_not_met_before_the_cursor(bench: Bench) {
    busy_sku(&bench).await;
    let first = flow(&bench, "a", None, 4).await;
    assert_eq!(first.next, Some(6));
    bench.place(place(5, "u", &[("a", 1)])).await;
    bench.change_stock("a", 1, "l").await;
    let rest = flow(&bench, "a", first.next, 9).await;
    assert_eq!(rest.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert_eq!(rest.next, None);
}

/// Nothing happened, or there is nothing it could have happened to.
pub async fn a_sku_without_stock_and_an_unknown_one_have_no_flow(bench: Bench) {
    bench.one(Mutation::PutSku(put_sku("a"))).await.expect("the sku is put up");
    for sku in ["a", "nothing"] {
        assert_eq!(flow(&bench, sku, None, 9).await, FlowPage::default());
        assert_eq!(flow(&bench, sku, Some(u64::MAX), 9).await, FlowPage::default());
    }
}
