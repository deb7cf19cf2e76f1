//! What is owed back: listed, settled, once.

use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::house::House;

fn pay(shop: &Client, order: &str, payment: &str, amount: &str) -> Value {
    let body = json!({"payment_id": payment, "amount": amount}).to_string();
    shop.post(&format!("/orders/{order}/pay"), "", &body).json()
}

fn settle(shop: &Client, payment: &str) -> Reply {
    shop.send("POST", &format!("/admin/refunds/{payment}/done"), &[], "")
}

fn listed(shop: &Client, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop.get(&format!("/admin/refunds?limit=2{query}{cursor}")).json();
        let refunds = page["refunds"].as_array().expect("refunds").iter();
        assert!(refunds.len() <= 2, "{page}");
        all.extend(refunds.map(|refund| refund["payment_id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn what_is_owed_back_is_listed_until_it_is_settled() {
    let house = House::open();
    let shop = &house.client;
    assert_eq!(shop.get("/admin/refunds").json(), json!({"refunds": [], "next_cursor": null}));
    shop.put_up("a", "1.50", 10, "");
    let (first, second) = (shop.placed("u", "a", 2), shop.placed("v", "a", 1));
    pay(shop, &first, "p-wrong", "2.99");
    pay(shop, &first, "p-right", "3.00");
    pay(shop, &second, "p-kept", "1.50");
    std::thread::sleep(std::time::Duration::from_millis(5));
    pay(shop, &second, "p-twice", "1.50");
    std::thread::sleep(std::time::Duration::from_millis(5));
    shop.send("POST", &format!("/orders/{first}/cancel"), &[], "");
    assert_eq!(listed(shop, "&status=due"), ["p-wrong", "p-twice", "p-right"]);
    assert_eq!(listed(shop, "&status=done"), Vec::<Value>::new());

    let order = shop.get(&format!("/orders/{first}"));
    assert_eq!(order.json()["refund"], json!({"due": "5.99", "reason": "order_cancelled"}));
    let due = shop.get("/admin/refunds?status=due&limit=1").json()["refunds"][0].clone();
    let mut expected = json!({"payment_id": "p-wrong", "order_id": first, "user_id": "u", "amount": "2.99",
        "reason": "amount_mismatch", "status": "due", "at": due["at"]});
    assert_eq!(due, expected);
    expected["status"] = json!("done");
    let done = shop.post("/admin/refunds/p-wrong/done", "", "{}");
    assert_eq!((done.status, done.json()), (200, expected));
    assert_eq!(settle(shop, "p-wrong").text, done.text, "a repeat is answered alike");
    assert_eq!(listed(shop, "&status=due"), ["p-twice", "p-right"]);
    assert_eq!(listed(shop, "&status=done"), ["p-wrong"]);
    assert_eq!(listed(shop, ""), ["p-wrong", "p-twice", "p-right"]);
    assert_eq!(shop.get(&format!("/orders/{first}")).text, order.text, "the order tells what it came to owe");

    assert_eq!(shop.send("DELETE", &format!("/orders/{first}"), &[], "").status, 204);
    assert_eq!(settle(shop, "p-right").json()["status"], "done", "deleted or not");
    let house = house.restart();
    assert_eq!(listed(&house.client, "&status=due"), ["p-twice"]);
    assert_eq!(listed(&house.client, "&status=done"), ["p-wrong", "p-right"]);
    house.client.assert_agreement();
}

#[test]
fn what_cannot_be_listed_or_settled_is_told() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.50", 10, "");
    let order = shop.placed("u", "a", 1);
    pay(shop, &order, "p-kept", "1.50");
    for number in 0..3 {
        pay(shop, &order, &format!("p-{number}"), "1.50");
    }
    let cursor = shop.get("/admin/refunds?status=due&limit=1").json()["next_cursor"].as_str().expect("more").to_owned();
    let other = shop.get("/orders?limit=1").json()["next_cursor"].clone();
    assert_eq!(other, json!(null));
    let table = [
        ("status=paid".to_owned(), "invalid_field", Some("status")),
        ("status=".to_owned(), "invalid_field", Some("status")),
        ("limit=0".to_owned(), "invalid_field", Some("limit")),
        ("order_id=x".to_owned(), "unknown_field", Some("order_id")),
        (format!("status=done&cursor={cursor}"), "invalid_field", Some("cursor")),
        (format!("cursor={cursor}"), "invalid_field", Some("cursor")),
        (format!("status=due&cursor={cursor}00"), "invalid_field", Some("cursor")),
    ];
    for (query, code, field) in table {
        let refused = shop.get(&format!("/admin/refunds?{query}"));
        assert_eq!(refused.refusal(), (422, code.to_owned()), "{query}");
        assert_eq!(refused.json()["field"].as_str(), field, "{query}");
    }
    let refused = |path: &str, body: &str| shop.post(&format!("/admin/refunds/{path}/done"), "", body);
    let table = [
        ("p-9", "{", 400, "malformed_json"),
        ("p-9", r#"{"amount":"1.50"}"#, 422, "unknown_field"),
        ("p-9", "{}", 404, "payment_not_found"),
        ("p%209", "{}", 404, "payment_not_found"),
        ("p-kept", "{}", 409, "no_refund_due"),
    ];
    for (payment, body, status, code) in table {
        assert_eq!(refused(payment, body).refusal(), (status, code.to_owned()), "{payment} {body}");
    }
    assert_eq!(refused("p-9", "{}").json()["payment_id"], "p-9");
    assert_eq!(refused("p-kept", "{}").json()["payment_id"], "p-kept");
    assert_eq!(listed(shop, "&status=done"), Vec::<Value>::new());
}
