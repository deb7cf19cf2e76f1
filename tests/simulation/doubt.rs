//! Batches that went through in part: what of them is not known is found out order by order.

use std::time::Duration;

use actors::domain::limits::GRANT_LIFETIME;
use actors::order::OrderRequest;
use actors::ports::Ledger;
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::{key, money, sku_id, user_id};

use crate::overload::{request, run};

/// Places an order for each of two users in one batch, of which the second one's part breaks off. Answers the code of
/// that answer, none if it was placed.
async fn place_two(bench: &BenchNode) -> Option<&'static str> {
    bench.store.set_open(false);
    let place = |number| bench.node.orders.place(request(number));
    let opening = async {
        bench.clock.sleep(Duration::from_millis(100)).await;
        bench.store.set_open(true);
    };
    // The first is in flight alone, and the others wait to be the next batch.
    let (ahead, known, doubted, ()) = tokio::join!(place(0), place(1), place(2), opening);
    assert!(ahead.is_ok() && known.is_ok(), "{ahead:?} {known:?}");
    doubted.err().map(|rejection| rejection.code())
}

async fn open_grants(bench: &BenchNode) -> usize {
    bench.clock.sleep(Duration::from_millis(10)).await;
    let level = bench.ledger.read(&sku_id("a")).await.ok().flatten();
    level.map_or(0, |level| level.grants)
}

fn counted(bench: &BenchNode, name: &'static str) -> u64 {
    bench.node.live.counts.totals().get(&("committer", name)).copied().unwrap_or_default()
}

#[test]
fn an_order_whose_part_of_the_batch_broke_off_is_found_and_its_grant_lapses() {
    run(async |bench| {
        bench.store.doubt(user_id("u-2"), true);
        assert_eq!(place_two(&bench).await, None, "it was committed, and found by its id");
        assert_eq!(open_grants(&bench).await, 1, "nothing is known of the level that belongs to it");
        bench.clock.sleep(GRANT_LIFETIME).await;
        assert_eq!(open_grants(&bench).await, 0);
        assert_eq!(counted(&bench, "commits_unknown"), 1);
    });
}

#[test]
fn an_order_that_is_not_found_is_left_unknown_with_its_grant_and_not_counted() {
    run(async |bench| {
        bench.clock.sleep(Duration::from_secs(1)).await;
        let before = counted(&bench, "committed");
        bench.store.doubt(user_id("u-2"), false);
        assert_eq!(place_two(&bench).await, Some("outcome_unknown"), "it may still land");
        assert_eq!(open_grants(&bench).await, 1);
        assert_eq!(counted(&bench, "committed") - before, 2, "the two that were written");
    });
}

#[test]
fn what_is_refused_or_only_recorded_is_not_counted_as_committed() {
    run(async |bench| {
        bench.node.orders.place(request(1)).await.expect("there is stock");
        bench.clock.sleep(Duration::from_secs(1)).await;
        let before = (counted(&bench, "commits"), counted(&bench, "committed"));
        assert_eq!(before.1, 3, "the sku, its stock, the order: not how far the printer has come");
        let mut dear = OrderRequest { key: Some(key("k")), ..request(2) };
        dear.lines[0].expected_unit_price = Some(money(1));
        let asked = bench.store.asked();
        assert!(bench.node.orders.place(dear).await.is_err());
        assert_eq!(bench.store.asked() - asked, 1, "it was refused under the lock");
        assert_eq!((counted(&bench, "commits"), counted(&bench, "committed")), before);
    });
}
