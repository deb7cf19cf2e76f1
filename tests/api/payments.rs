//! Payments: each that is told of ends as paid or as refund due, once.

use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::house::House;

fn pay(shop: &Client, order: &str, payment: &str, amount: &str) -> Reply {
    shop.post(&format!("/orders/{order}/pay"), "", &json!({"payment_id": payment, "amount": amount}).to_string())
}

fn outcome(reply: &Reply) -> (Value, Value, Value, Value) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    let order = &body["order"];
    let version = format!("\"{}\"", order["version"]);
    assert_eq!(reply.header("etag"), Some(&*version));
    (body["outcome"].clone(), body["reason"].clone(), order["status"].clone(), order["refund"].clone())
}

#[test]
fn a_payment_ends_as_paid_or_as_refund_due_and_repeats_its_answer() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.50", 10, "");
    let order = shop.placed("u", "a", 2);
    let wrong = outcome(&pay(shop, &order, "p-0", "2.99"));
    let owed = |due: &str, reason: &str| json!({"due": due, "reason": reason});
    assert_eq!(
        wrong,
        (json!("refund_due"), json!("amount_mismatch"), json!("submitted"), owed("2.99", "amount_mismatch"))
    );
    assert_eq!(shop.stock("a"), [10, 8, 2, 0]);
    for _ in 0..2 {
        let paid = outcome(&pay(shop, &order, "p-1", "3.00"));
        assert_eq!(paid, (json!("paid"), json!(null), json!("paid"), owed("2.99", "amount_mismatch")));
        assert_eq!(shop.stock("a"), [10, 8, 0, 2]);
    }
    let twice = outcome(&pay(shop, &order, "p-2", "3.00"));
    assert_eq!(twice, (json!("refund_due"), json!("already_paid"), json!("paid"), owed("5.99", "already_paid")));
    let reused = pay(shop, &order, "p-1", "2.00");
    assert_eq!(reused.refusal(), (422, "payment_id_reused".to_owned()));
    let events = shop.get(&format!("/orders/{order}/events")).json();
    let types: Vec<_> = events["events"].as_array().into_iter().flatten().map(|event| event["type"].clone()).collect();
    assert_eq!(types, ["order_submitted", "order_refund_due", "order_paid", "order_refund_due"]);
    shop.assert_agreement();
}

#[test]
fn a_late_payment_revives_nothing() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.50", 10, "");
    let order = shop.placed("u", "a", 2);
    shop.send("POST", &format!("/orders/{order}/cancel"), &[], "");
    let late = outcome(&pay(shop, &order, "p-1", "3.00"));
    let owed = json!({"due": "3.00", "reason": "order_cancelled"});
    assert_eq!(late, (json!("refund_due"), json!("order_cancelled"), json!("cancelled"), owed));
    assert_eq!(shop.stock("a"), [10, 10, 0, 0]);
    shop.assert_agreement();
}

#[test]
fn cancelling_what_was_paid_makes_its_refund_due_and_returns_the_stock() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.50", 10, "");
    let order = shop.placed("u", "a", 2);
    pay(shop, &order, "p-1", "3.00");
    let cancelled = shop.send("POST", &format!("/orders/{order}/cancel"), &[], "").json();
    assert_eq!(cancelled["refund"], json!({"due": "3.00", "reason": "order_cancelled"}));
    assert_eq!((&cancelled["status"], &cancelled["version"]), (&json!("cancelled"), &json!(3)));
    assert_eq!(shop.stock("a"), [10, 10, 0, 0]);
    shop.assert_agreement();
}

#[test]
fn a_payment_for_an_order_that_is_not_there_is_not_taken() {
    let house = House::open();
    let refused = pay(&house.client, "01KAJ3ZZZZZZZZZZZZZZZZZZZZ", "p-1", "3.00");
    assert_eq!(refused.refusal(), (404, "order_not_found".to_owned()));
}
