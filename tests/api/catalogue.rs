//! Lists of SKUs, what happened to the stock of one, and warming up before a sale.

use serde_json::{Value, json};

use crate::client::Client;
use crate::house::House;

/// Walks a list to its end.
fn walk(shop: &Client, path: &str, noun: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop.get(&format!("{path}?limit={limit}{cursor}")).json();
        let items = page[noun].as_array().expect("a list").clone();
        assert!(items.len() <= limit, "{page}");
        all.extend(items);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn skus_are_listed_by_id_each_as_it_is_read() {
    let house = House::open();
    let shop = &house.client;
    assert_eq!(shop.get("/skus").json(), json!({"skus": [], "next_cursor": null}));
    for sku in ["c", "a", "B", "a.1", "b"] {
        shop.put_up(sku, "1.00", 1, "");
    }
    let expected: Vec<Value> =
        ["B", "a", "a.1", "b", "c"].iter().map(|sku| shop.get(&format!("/skus/{sku}")).json()).collect();
    for limit in [1, 2, 5, 100] {
        assert_eq!(walk(shop, "/skus", "skus", limit), expected, "{limit}");
    }
}

#[test]
fn the_stock_flow_tells_everything_newest_first() {
    let house = House::open();
    let shop = &house.client;
    let flow = |limit| walk(shop, "/skus/a/stock/flow", "entries", limit);
    shop.json("PUT", "/skus/a", "", r#"{"name":"a","price":"1.00","on_sale":true}"#);
    assert_eq!(flow(5), Vec::<Value>::new());
    shop.post("/skus/a/stock", "k-1", r#"{"change":10,"reason":"delivery"}"#);
    let (kept, given_up) = (shop.placed("u", "a", 2), shop.placed("v", "a", 3));
    shop.post(&format!("/orders/{kept}/pay"), "", r#"{"payment_id":"p","amount":"2.00"}"#);
    shop.send("POST", &format!("/orders/{given_up}/cancel"), &[], "");
    shop.post("/skus/a/stock", "k-2", r#"{"change":-1}"#);
    shop.send("POST", &format!("/orders/{kept}/cancel"), &[], "");
    let mut entries = flow(100);
    for entry in &mut entries {
        let at = entry.as_object_mut().and_then(|entry| entry.remove("at")).expect("a time");
        assert!(at.as_str().is_some_and(|at| at.ends_with('Z')), "{at}");
        let count = |name: &str| entry[name].as_i64().expect("a count");
        assert_eq!(count("available_before") + count("change"), count("available_after"), "{entry}");
    }
    let entry = |kind: &str, change: i64, quantity: i64, before: i64, order: Option<&str>, reason: Option<&str>| {
        json!({"kind": kind, "change": change, "quantity": quantity, "available_before": before,
            "available_after": before + change, "order_id": order, "by": "admin", "reason": reason})
    };
    let (kept, given_up) = (Some(&*kept), Some(&*given_up));
    let expected = [
        entry("return", 2, 2, 7, kept, Some("shop")),
        entry("reduce", -1, 1, 8, None, None),
        entry("release", 3, 3, 5, given_up, Some("shop")),
        entry("confirm", 0, 2, 5, kept, None),
        entry("reserve", -3, 3, 8, given_up, None),
        entry("reserve", -2, 2, 10, kept, None),
        entry("restock", 10, 10, 0, None, Some("delivery")),
    ];
    assert_eq!(entries, expected);
    let whole = flow(100);
    for limit in [1, 2, 3, 7] {
        assert_eq!(flow(limit), whole, "{limit}");
    }
}

#[test]
fn what_cannot_be_listed_is_told() {
    let house = House::open();
    let shop = &house.client;
    for sku in ["a", "b"] {
        shop.put_up(sku, "1.00", 5, "");
        shop.placed("u", sku, 1);
    }
    let cursor = |path: &str| shop.get(path).json()["next_cursor"].as_str().expect("there are more").to_owned();
    let (of_skus, of_flow) = (cursor("/skus?limit=1"), cursor("/skus/a/stock/flow?limit=1"));
    let table = [
        ("/skus?limit=0".to_owned(), 422, "invalid_field", Some("limit")),
        ("/skus?on_sale=true".to_owned(), 422, "unknown_field", Some("on_sale")),
        ("/skus?limit=1&limit=1".to_owned(), 400, "malformed_request", None),
        (format!("/skus?cursor={of_flow}"), 422, "invalid_field", Some("cursor")),
        ("/skus?cursor=".to_owned(), 422, "invalid_field", Some("cursor")),
        ("/skus/none/stock/flow?limit=0".to_owned(), 422, "invalid_field", Some("limit")),
        ("/skus/none/stock/flow".to_owned(), 404, "sku_not_found", None),
        ("/skus/a%20b/stock/flow".to_owned(), 404, "sku_not_found", None),
        (format!("/skus/a/stock/flow?cursor={of_skus}"), 422, "invalid_field", Some("cursor")),
        (format!("/skus/b/stock/flow?cursor={of_flow}"), 422, "invalid_field", Some("cursor")),
        (format!("/skus/a/stock/flow?cursor={of_flow}0"), 422, "invalid_field", Some("cursor")),
        ("/skus/a/stock/flow?kind=restock".to_owned(), 422, "unknown_field", Some("kind")),
    ];
    for (path, status, code, field) in table {
        let refused = shop.get(&path);
        assert_eq!(refused.refusal(), (status, code.to_owned()), "{path}");
        assert_eq!(refused.json()["field"].as_str(), field, "{path}");
    }
}

#[test]
fn skus_are_warmed_up_all_or_none() {
    let mut house = House::open();
    for sku in ["a", "b", "c"] {
        house.client.put_up(sku, "1.00", 5, "");
    }
    house.client.placed("u", "a", 2);
    house = house.restart();
    // In the process it began empty; Redis has to be made to forget.
    house.lose_ledger();
    let shop = &house.client;
    let ledger = |sku: &str| shop.get(&format!("/admin/verdict?sku_id={sku}")).json()["skus"][0]["ledger"].clone();
    let warm_up = |body: &Value| shop.post("/admin/warm-up", "", &body.to_string());
    assert_eq!(ledger("a"), json!(null), "the ledger is empty");
    let too_many: Vec<String> = (0..101).map(|number| format!("s-{number}")).collect();
    let table = [
        (json!({}), 422, "invalid_field", Some("sku_ids")),
        (json!({"sku_ids": []}), 422, "invalid_field", Some("sku_ids")),
        (json!({"sku_ids": too_many}), 422, "invalid_field", Some("sku_ids")),
        (json!({"sku_ids": ["a", "b c"]}), 422, "invalid_field", Some("sku_ids[1]")),
        (json!({"sku_ids": "a"}), 422, "invalid_field", Some("sku_ids")),
        (json!({"sku_ids": ["a"], "all": true}), 422, "unknown_field", Some("all")),
        (json!({"sku_ids": ["a", "none", "b"]}), 404, "sku_not_found", None),
    ];
    for (body, status, code, field) in table {
        let refused = warm_up(&body);
        assert_eq!(refused.refusal(), (status, code.to_owned()), "{body}");
        assert_eq!(refused.json()["field"].as_str(), field, "{body}");
    }
    assert_eq!(warm_up(&json!({"sku_ids": ["none"]})).json()["sku_id"], "none");
    assert_eq!((ledger("a"), ledger("b")), (json!(null), json!(null)), "nothing was warmed");
    let warmed = warm_up(&json!({"sku_ids": ["b", "a", "b"]}));
    let stock = |sku: &str| shop.get(&format!("/skus/{sku}/stock")).json();
    assert_eq!((warmed.status, warmed.json()), (200, json!({"skus": [stock("a"), stock("b")]})));
    assert_eq!(ledger("a"), json!({"available": 3, "grants": 0}));
    assert_eq!((ledger("b"), ledger("c")), (json!({"available": 5, "grants": 0}), json!(null)));
    shop.placed("u", "a", 3);
    assert_eq!(shop.order("u", "", "a", 1).refusal(), (409, "sold_out".to_owned()));
    shop.assert_agreement();
}
