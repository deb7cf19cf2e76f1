//! Warming up, under a clock that stands still: nothing but the call itself has run when its answer is looked at.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]

use actors::domain::commit::Mutation;
use actors::ports::Store;
use actors::stock::SkuVerdict;
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::{NEVER, put_sku, sku_id, stock_change};
use tokio::task::LocalSet;

/// What ledger and actor know of a SKU.
async fn known(bench: &BenchNode, sku: &str) -> (Option<i64>, Option<i64>) {
    let verdict = bench.node.verdicts.give(Some(sku_id(sku)), None, 1).await.expect("the store can be read");
    let SkuVerdict { ledger, actor, .. } = verdict.skus.into_iter().next().expect("the sku exists");
    (ledger.map(|ledger| ledger.available), actor.map(|level| level.available))
}

#[test]
fn what_was_warmed_up_is_loaded_when_that_is_answered_and_nothing_is_loaded_of_a_refusal() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    LocalSet::new().block_on(&runtime.expect("a runtime without io can always be built"), async {
        let bench = BenchNode::start();
        // Committed behind the node's back, as by another node: here nobody has heard of them.
        for sku in ["a", "b"] {
            let change = Mutation::ChangeStock { change: stock_change(sku, 7, "k"), deadline: NEVER };
            bench.store.commit([Mutation::PutSku(put_sku(sku)), change].into()).await.expect("the store is open");
        }
        let refused = bench.node.warm_up.warm_up(vec![sku_id("a"), sku_id("nothing"), sku_id("b")]).await;
        assert_eq!(refused.map_err(|rejection| rejection.code()), Err("sku_not_found"));
        assert_eq!((known(&bench, "a").await, known(&bench, "b").await), ((None, None), (None, None)));
        let warmed = bench.node.warm_up.warm_up(vec![sku_id("a"), sku_id("a")]).await.expect("the sku exists");
        assert_eq!(warmed.iter().map(|sku| sku.sku_id.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!((known(&bench, "a").await, known(&bench, "b").await), ((Some(7), Some(7)), (None, None)));
    });
}
