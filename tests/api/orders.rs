//! Placing, reading, cancelling, expiring.

use std::time::Duration;

use serde_json::json;

use crate::house::House;

#[test]
fn an_order_is_answered_as_promised_and_read_back_the_same() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("sneaker-42", "99.99", 5, "");
    let body = r#"{"items":[{"sku_id":"sneaker-42","quantity":2,"expected_unit_price":"99.99"}],"user_id":"u-7","source":"web","remark":"gift"}"#;
    let placed = shop.post("/orders", "k-1", body);
    assert_eq!(placed.status, 201, "{placed:?}");
    let order = placed.json();
    let id = order["order_id"].as_str().expect("an id");
    assert_eq!(placed.header("location"), Some(&*format!("/orders/{id}")));
    assert_eq!(placed.header("etag"), Some("\"1\""));
    assert_eq!(placed.header("idempotency-replayed"), None);
    let (created_at, expires_at) = (&order["created_at"], &order["expires_at"]);
    assert!(created_at.as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z')), "{created_at}");
    let expected = json!({
        "order_id": id, "user_id": "u-7", "status": "submitted", "status_code": 1, "version": 1,
        "items": [{"sku_id": "sneaker-42", "name": "sneaker-42", "quantity": 2, "unit_price": "99.99", "amount": "199.98"}],
        "amount": "199.98", "currency": "CNY", "source": "web", "remark": "gift",
        "cancel_reason": null, "cancel_text": null, "refund": null,
        "created_at": created_at, "updated_at": created_at, "expires_at": expires_at,
    });
    assert_eq!(order, expected);
    let read = shop.get(&format!("/orders/{id}"));
    assert_eq!((read.status, &read.text, read.header("etag")), (200, &placed.text, Some("\"1\"")));
    let events = shop.get(&format!("/orders/{id}/events")).json();
    let submitted = json!({"version": 1, "type": "order_submitted", "status": "submitted", "at": created_at, "by": "admin", "reason": null});
    assert_eq!(events, json!({"events": [submitted]}));
    assert_eq!(shop.stock("sneaker-42"), [5, 3, 2, 0]);
    shop.assert_agreement();
}

#[test]
fn lines_of_one_sku_are_merged_and_an_order_is_taken_whole_or_not_at_all() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    shop.put_up("b", "2.50", 5, "");
    let order = |lines: &[(&str, u32)]| {
        let items: Vec<_> =
            lines.iter().map(|(sku_id, quantity)| json!({"sku_id": sku_id, "quantity": quantity})).collect();
        shop.post("/orders", "", &json!({"user_id": "u", "items": items}).to_string())
    };
    let merged = order(&[("b", 1), ("a", 2), ("b", 1)]).json();
    assert_eq!(merged["amount"], "7.00");
    assert_eq!(merged["items"].as_array().map(Vec::len), Some(2));
    for lines in [[("a", 1), ("b", 4)], [("b", 1), ("a", 4)], [("a", 1), ("none", 1)]] {
        assert!([404, 409].contains(&order(&lines).refusal().0), "{lines:?}");
    }
    let short = order(&[("a", 1), ("b", 4)]);
    let (sku_id, available) = (short.json()["sku_id"].clone(), short.json()["available"].clone());
    assert_eq!((sku_id, available), (json!("b"), json!(3)));
    assert_eq!((shop.stock("a"), shop.stock("b")), ([5, 3, 2, 0], [5, 3, 2, 0]));
    shop.assert_agreement();
}

#[test]
fn a_key_gives_its_first_answer_whatever_became_of_the_order() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 2, "");
    let first = shop.order("u", "k-1", "a", 2);
    assert_eq!(first.status, 201);
    let id = first.json()["order_id"].as_str().expect("an id").to_owned();
    let replays = |when: &str| {
        let again = shop.post("/orders", "k-1", r#" {"items":[{"quantity":2,"sku_id":"a"}],"user_id":"u"} "#);
        assert_eq!((again.status, &again.text), (201, &first.text), "{when}");
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{when}");
        assert_eq!((again.header("etag"), again.header("location")), (first.header("etag"), first.header("location")));
    };
    replays("sold out");
    assert_eq!(shop.order("u", "k-1", "a", 1).refusal(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(shop.order("v", "k-1", "a", 2).refusal(), (409, "sold_out".to_owned()), "keys belong to users");
    shop.post(&format!("/orders/{id}/pay"), "", r#"{"payment_id":"p-1","amount":"2.00"}"#);
    replays("paid");
    shop.send("POST", &format!("/orders/{id}/cancel"), &[], "");
    replays("cancelled");
    assert_eq!(shop.stock("a"), [2, 2, 0, 0]);
}

#[test]
fn a_purchase_limit_counts_what_is_not_cancelled() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 10, r#","purchase_limit":2"#);
    let limited = || (409, "purchase_limit_reached".to_owned());
    assert_eq!(shop.order("u", "", "a", 3).refusal(), limited());
    let first = shop.placed("u", "a", 1);
    shop.placed("u", "a", 1);
    let refused = shop.order("u", "", "a", 1);
    assert_eq!(refused.refusal(), limited());
    assert_eq!((&refused.json()["limit"], &refused.json()["held"]), (&json!(2), &json!(2)));
    shop.placed("v", "a", 2);
    shop.send("POST", &format!("/orders/{first}/cancel"), &[], "");
    shop.placed("u", "a", 1);
    assert_eq!(shop.stock("a"), [10, 6, 4, 0]);
    shop.assert_agreement();
}

#[test]
fn a_cancelled_order_gives_its_units_back_and_says_why() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let order = shop.placed("u", "a", 2);
    let path = format!("/orders/{order}/cancel");
    let cancelled = shop.post(&path, "", r#"{"reason":"out of paint"}"#);
    assert_eq!((cancelled.status, cancelled.header("etag")), (200, Some("\"2\"")));
    let body = cancelled.json();
    assert_eq!((&body["status"], &body["status_code"], &body["version"]), (&json!("cancelled"), &json!(5), &json!(2)));
    assert_eq!((&body["cancel_reason"], &body["cancel_text"]), (&json!("shop"), &json!("out of paint")));
    assert_eq!((&body["refund"], &body["expires_at"]), (&json!(null), &json!(null)));
    assert_eq!(shop.stock("a"), [5, 5, 0, 0]);
    let again = shop.send("POST", &path, &[], "");
    assert_eq!(again.refusal(), (409, "illegal_transition".to_owned()));
    assert_eq!(again.json()["order_status"], "cancelled");
    let unknown = shop.send("POST", "/orders/01KAJ3ZZZZZZZZZZZZZZZZZZZZ/cancel", &[], "");
    assert_eq!(unknown.refusal(), (404, "order_not_found".to_owned()));
    let events = shop.get(&format!("/orders/{order}/events")).json();
    assert_eq!(events["events"][1]["type"], "order_cancelled");
    assert_eq!(events["events"].as_array().map(Vec::len), Some(2));
    shop.assert_agreement();
}

#[test]
fn what_is_not_paid_in_time_cancels_itself_once() {
    let house = House::with(&[("SHOP__PAYMENT_WINDOW_S", "1")]);
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    shop.put_up("slow", "1.00", 5, r#","payment_window_s":60"#);
    let (short, long) = (shop.placed("u", "a", 2), shop.placed("u", "slow", 1));
    let status = |id: &str| shop.get(&format!("/orders/{id}")).json()["status"].clone();
    for _ in 0..100 {
        if status(&short) != "submitted" {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let order = shop.get(&format!("/orders/{short}")).json();
    assert_eq!((&order["status"], &order["cancel_reason"]), (&json!("cancelled"), &json!("payment_timeout")));
    assert_eq!((&order["version"], &order["expires_at"]), (&json!(2), &json!(null)));
    let events = shop.get(&format!("/orders/{short}/events")).json();
    assert_eq!(events["events"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&events["events"][1]["by"], &events["events"][1]["reason"]),
        (&json!("floodgate"), &json!("payment_timeout"))
    );
    assert_eq!((shop.stock("a"), shop.stock("slow")), ([5, 5, 0, 0], [5, 4, 1, 0]));
    assert_eq!(status(&long), "submitted");
    shop.assert_agreement();
}
