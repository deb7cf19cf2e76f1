//! Stock actors that have nothing to do rest, and come back from ledger and store.

use std::time::Duration;

use actors::domain::id::GrantId;
use actors::domain::limits::{FAREWELL, IDLE_MAX};
use actors::domain::payment::PaymentNotice;
use actors::ports::{Ledger, ReserveRequest, Settlement};
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::{PRICE, order_id, payment, put_sku, sku_id, stock_change};

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
fn a_catalogue_that_is_put_up_and_orders_that_are_paid_or_expire_start_nobody() {
    run(async |bench| {
        for number in 0..1_000 {
            let sku = format!("s-{number}");
            bench.node.orders.put_sku(put_sku(&sku)).await.expect("the store is open");
            bench.node.orders.change_stock(stock_change(&sku, 5, "k")).await.expect("the store is open");
        }
        assert_eq!(live_stock_actors(&bench), 0, "a catalogue is put up");
        let first = bench.node.orders.place(request(1)).await.expect("there is stock").order;
        bench.node.orders.place(request(2)).await.expect("there is stock");
        bench.clock.sleep(IDLE_MAX * 3 + FAREWELL).await;
        assert_eq!(live_stock_actors(&bench), 0, "nobody is live who has nothing to do");
        let notice = PaymentNotice { order_id: first.order_id, ..payment("p-1", 0, PRICE) };
        bench.node.orders.pay(notice).await.expect("it may be paid");
        assert_eq!(live_stock_actors(&bench), 0, "an order is paid");
        bench.clock.sleep(Duration::from_secs(900)).await;
        let level = bench.disk.tables().skus[&sku_id("a")].level;
        assert_eq!((level.sold, level.reserved), (1, 0));
        assert_eq!(live_stock_actors(&bench), 0, "an order has expired");
        assert_eq!(
            bench.ledger.read(&sku_id("a")).await,
            Ok(None),
            "nor is it known to a ledger that had forgotten it"
        );
    });
}

#[test]
fn a_ledger_that_knows_a_sku_hears_what_becomes_of_it_on_a_node_where_it_is_not_live() {
    run(async |bench| {
        let version = bench.disk.tables().skus[&sku_id("a")].level.version;
        // As another node might that sells it.
        let settlement = Settlement { grants: Vec::new(), level: Some((version, 100_000)) };
        bench.ledger.settle(&sku_id("a"), settlement).await.expect("it is in this process");
        let (grant, who) = (GrantId::of_order(order_id(1_000_000)), "u".into());
        let request = ReserveRequest { grant, quantity: 1, who };
        bench.ledger.reserve(&sku_id("a"), vec![request]).await.expect("it is in this process");
        bench.node.orders.change_stock(stock_change("a", 5, "more")).await.expect("the store is open");
        bench.clock.sleep(Duration::from_millis(10)).await;
        let level = bench.ledger.read(&sku_id("a")).await.expect("it is in this process").expect("a unit is held");
        assert_eq!((level.base, level.version, level.grants), (100_005, version + 1, 1));
        assert_eq!(live_stock_actors(&bench), 0);
    });
}

#[test]
fn goods_that_are_put_up_while_a_buyer_looks_for_them_are_not_missed() {
    run(async |bench| {
        let mut put = put_sku("b");
        put.goods.on_sale = false;
        bench.node.orders.put_sku(put).await.expect("the store is open");
        bench.node.orders.change_stock(stock_change("b", 5, "k")).await.expect("the store is open");
        let mut wanted = request(1);
        wanted.lines[0].sku_id = sku_id("b");
        bench.store.set_readable(false);
        let putting = async {
            bench.clock.sleep(Duration::from_millis(10)).await;
            let put = bench.node.orders.put_sku(put_sku("b")).await;
            bench.store.set_readable(true);
            put
        };
        // What the buyer has read is older than what was committed before anyone was live to be told of it.
        let (placed, put) = tokio::join!(bench.node.orders.place(wanted), putting);
        assert!(put.is_ok() && placed.is_ok(), "{placed:?}");
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
