//! Stock actors that have nothing to do rest, and come back from ledger and store.

use std::time::Duration;

use actors::domain::limits::{FAREWELL, IDLE_MAX};
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::sku_id;

use crate::overload::{request, run};

fn live_stock_actors(bench: &BenchNode) -> usize {
    bench.node.live.list(Some("stock"), None, 10).len()
}

#[test]
fn an_idle_stock_actor_rests_and_comes_back_with_what_the_store_has() {
    run(async |bench| {
        bench.node.orders.place(request(1)).await.expect("there is stock");
        assert_eq!(live_stock_actors(&bench), 1);
        bench.clock.sleep(IDLE_MAX * 3 + FAREWELL).await;
        assert_eq!(live_stock_actors(&bench), 0, "nobody is live who has nothing to do");
        bench.node.orders.place(request(2)).await.expect("there is stock");
        assert_eq!(live_stock_actors(&bench), 1);
        assert_eq!(bench.disk.tables().skus[&sku_id("a")].level.reserved, 2);
    });
}

#[test]
fn a_busy_stock_actor_does_not_rest() {
    run(async |bench| {
        for number in 0..20 {
            bench.node.orders.place(request(number)).await.expect("there is stock");
            bench.clock.sleep(IDLE_MAX / 2).await;
            assert_eq!(live_stock_actors(&bench), 1);
        }
        assert_eq!(bench.node.live.find("stock", "a").map(|actor| actor.restarts), Some(0));
    });
}

#[test]
fn requests_that_come_while_an_actor_goes_to_rest_are_all_served() {
    run(async |bench| {
        // Around the moment at which it leaves, in steps shorter than its farewell.
        for round in 0..10 {
            bench.clock.sleep(IDLE_MAX - Duration::from_secs(2) + Duration::from_millis(round * 400)).await;
            assert!(bench.node.orders.place(request(1)).await.is_ok());
        }
    });
}
