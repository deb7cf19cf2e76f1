//! What a node hears of the ledger that it shares, and a ledger that was told of another store.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]

use actors::domain::commit::Mutation;
use actors::ports::{Ledger, Settlement, Store};
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::{NEVER, sku_id, stock_change};

use crate::overload::{request, run};

/// Settles a level, as another node on the same ledger does.
async fn settle(bench: &BenchNode, version: u64, available: i64) {
    let settlement = Settlement { grants: Vec::new(), level: Some((version, available)) };
    bench.ledger.settle(&sku_id("a"), settlement).await.expect("it is in this process");
}

fn version(bench: &BenchNode) -> u64 {
    bench.disk.tables().skus[&sku_id("a")].level.version
}

#[test]
fn a_sold_out_flag_goes_when_another_node_settles_new_stock() {
    run(async |bench| {
        let code =
            async |number| bench.node.orders.place(request(number)).await.map_err(|refusal| refusal.code()).err();
        bench.node.orders.change_stock(stock_change("a", -100_000, "all")).await.expect("it is there");
        assert_eq!(code(1).await, Some("sold_out"));
        // Committed by another node: this one has not heard of it, and its flag stands until somebody looks again.
        let change = Mutation::ChangeStock { change: stock_change("a", 5, "more"), deadline: NEVER };
        bench.store.commit([change].into()).await.expect("the store is open");
        assert_eq!(code(2).await, Some("sold_out"));
        settle(&bench, version(&bench), 5).await;
        assert_eq!(code(3).await, None, "the clock stands still, so nobody looked again");
    });
}

#[test]
fn a_ledger_that_was_told_of_another_store_forgets_and_refuses_nobody() {
    run(async |bench| {
        settle(&bench, version(&bench) + 50, 0).await;
        // For a second what the ledger has heard from a store is believed.
        bench.clock.sleep(std::time::Duration::from_millis(1_001)).await;
        for number in 0..3 {
            bench.node.orders.place(request(number)).await.expect("the store has units");
        }
        let level = bench.ledger.read(&sku_id("a")).await.expect("it is in this process");
        assert_eq!(level.map(|level| level.version), Some(version(&bench)));
    });
}
