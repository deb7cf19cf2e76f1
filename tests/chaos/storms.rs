//! Storms of payments, cancellations and expiries, with deaths among them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::service::{Answer, Service, wait};

/// What a client knows of one order in the end.
struct Fate {
    order_id: String,
    amount: String,
    payment: Option<Answer>,
}

#[actix_web::test]
async fn payments_cancellations_and_expiries_hold_every_invariant_through_deaths() {
    let mut service = Service::start().await;
    service.stock_up("a", 5_000, 2).await;
    service.stock_up("b", 5_000, 2).await;
    let mut fates = Vec::new();
    for round in 0..3 {
        let trading = join_all((0..24).map(|client| trade(&service, round, client)));
        let killing = async {
            for pause in [250, 350] {
                wait(Duration::from_millis(pause)).await;
            }
            service.kill_under_load();
        };
        let (traded, ()) = tokio::join!(trading, killing);
        fates.extend(traded.into_iter().flatten());
        service.restart().await;
    }
    assert!(fates.len() > 100, "only {} orders were placed", fates.len());
    settle_unknown_payments(&service, &mut fates).await;
    // The longest deadline and the promised ten seconds after it.
    wait(Duration::from_secs(3)).await;
    service.expect_nothing_reserved(&["a", "b"]).await;
    service.expect_agreement().await;
    let mut sold = 0;
    for Fate { order_id, payment, .. } in &fates {
        let order = service.get(&format!("/orders/{order_id}")).await.body;
        match payment.as_ref().map(|payment| payment.text("outcome")).as_deref() {
            Some("paid") => {
                // Paid, and perhaps cancelled after that: then the money is owed back.
                assert!(order["status"] == "paid" || !order["refund"].is_null(), "{order}");
            }
            Some("refund_due") => assert!(!order["refund"].is_null(), "{order}"),
            _ => assert_eq!(order["status"], "cancelled", "{order}"),
        }
        if order["status"] == "paid" {
            sold += order["items"]
                .as_array()
                .expect("lines")
                .iter()
                .filter_map(|line| line["quantity"].as_i64())
                .sum::<i64>();
        }
    }
    let known = service.units("a").await.3 + service.units("b").await.3;
    assert_eq!(known, sold, "what is sold is what is paid");
    let order_ids: Vec<String> = fates.into_iter().map(|fate| fate.order_id).collect();
    service.expect_every_event_printed(&order_ids).await;
}

/// Places, pays, cancels or lets lapse, until the service dies.
async fn trade(service: &Service, round: usize, client: usize) -> Vec<Fate> {
    let mut fates = Vec::new();
    for attempt in 0.. {
        let key = format!("k-{round}-{client}-{attempt}");
        let lines = match attempt % 3 {
            0 => json!([{"sku_id": "a", "quantity": 1}]),
            1 => json!([{"sku_id": "b", "quantity": 1}]),
            _ => json!([{"sku_id": "b", "quantity": 1}, {"sku_id": "a", "quantity": 1}]),
        };
        let body = json!({"items": lines, "user_id": format!("u-{client}")});
        let placed = service.post("/orders", Some(&key), body).await;
        if placed.status != 201 {
            // An order that nobody claims lapses by itself.
            return fates;
        }
        let (order_id, amount) = (placed.text("order_id"), placed.text("amount"));
        let mut fate = Fate { order_id: order_id.clone(), amount: amount.clone(), payment: None };
        let (to_pay, to_cancel) = (format!("/orders/{order_id}/pay"), format!("/orders/{order_id}/cancel"));
        let pay = || service.post(&to_pay, None, payment(&order_id, &amount));
        let cancel = || service.post(&to_cancel, None, json!({"reason": "storm"}));
        match (attempt + client) % 4 {
            0 => fate.payment = Some(pay().await),
            1 => {
                cancel().await;
            }
            2 => fate.payment = Some(tokio::join!(pay(), cancel()).0),
            _ => {}
        }
        fates.push(fate);
    }
    fates
}

fn payment(order_id: &str, amount: &str) -> serde_json::Value {
    json!({"payment_id": format!("p-{order_id}"), "amount": amount})
}

/// A notice without an answer is sent again, as payment providers do.
async fn settle_unknown_payments(service: &Service, fates: &mut [Fate]) {
    for fate in fates {
        if fate.payment.as_ref().is_some_and(|payment| payment.status != 200) {
            let path = format!("/orders/{}/pay", fate.order_id);
            let answer = service.insist(&path, None, payment(&fate.order_id, &fate.amount)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            fate.payment = Some(answer);
        }
    }
}
