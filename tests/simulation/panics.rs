//! Every kind of actor panics a hundred times while orders come in, under a clock that stands still.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]

use std::time::Duration;

use actors::domain::rejection::Rejection;
use actors::node::LiveActor;
use actors::order::OrderRequest;
use actors::stock::VerdictState;
use actors::testing::fixtures::{put_sku, sku_id};
use futures_util::future::join_all;

use crate::overload::{request, run};

/// Panics per actor.
const PANICS: u64 = 100;
/// How soon a lost actor is back.
const BACK_WITHIN: Duration = Duration::from_millis(100);

/// A keyed request for what there is none of, which the refuser has to answer.
fn sold_out(round: u64) -> OrderRequest {
    let mut request = request(0);
    request.lines[0].sku_id = sku_id("b");
    OrderRequest { key: Some(format!("k-{round}").parse().expect("a valid key")), ..request }
}

#[test]
fn an_actor_of_any_kind_is_back_within_a_tenth_of_a_second_a_hundred_times() {
    run(async |bench| {
        bench.node.orders.put_sku(put_sku("b")).await.expect("nobody panics yet");
        let mut acknowledged = Vec::new();
        for LiveActor { kind, key, .. } in bench.node.live.list(None, None, 100) {
            for round in 0..PANICS {
                bench.node.live.poison(kind, &key);
                let answers = join_all((0..8).map(|user| bench.node.orders.place(request(user)))).await;
                for answer in answers {
                    match answer {
                        Ok(placed) => acknowledged.push(placed.order.order_id),
                        Err(Rejection::OutcomeUnknown | Rejection::Unavailable(_) | Rejection::Busy) => {}
                        Err(rejection) => panic!("{kind} {key}: {rejection:?}"),
                    }
                }
                let refused = bench.node.orders.place(sold_out(round)).await;
                let is_told = match &refused {
                    Err(Rejection::SoldOut { .. } | Rejection::OutcomeUnknown) => true,
                    Err(Rejection::Unavailable(_)) => kind == "stock",
                    _ => false,
                };
                assert!(is_told, "{kind} {key}: {refused:?}");
                // Those that work by their own clock, or are tried again by it, come to it within a second and a little.
                let by_clock = matches!(kind, "sweeper" | "worker" | "printer");
                bench.clock.sleep(if by_clock { Duration::from_millis(1_200) } else { BACK_WITHIN }).await;
                let restarts = bench.node.live.find(kind, &key).map(|actor| actor.restarts);
                assert!(
                    restarts == Some(round + 1),
                    "{kind} {key} was lost {restarts:?} times in {} rounds",
                    round + 1
                );
                assert!(bench.node.orders.place(request(9)).await.is_ok(), "{kind} {key} is back");
            }
        }
        // Grants of lost placements lapse, deadlines of lost supervisors are found, and all adds up.
        bench.clock.sleep(Duration::from_secs(900 + 10)).await;
        {
            let tables = bench.disk.tables();
            assert!(acknowledged.iter().all(|order_id| tables.orders.contains_key(order_id)));
            assert!(tables.orders.values().all(|order| order.expires_at().is_none()), "everything unpaid is cancelled");
            assert_eq!(tables.skus[&sku_id("a")].level.available, 100_000);
        }
        let verdict = bench.node.verdicts.give(None, None, 10).await.expect("the store can be read");
        assert_eq!(verdict.state, VerdictState::Agrees);
    });
}
