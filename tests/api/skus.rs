//! SKUs, their stock, and the shop's currency.

use serde_json::json;

use crate::house::House;

#[test]
fn a_sku_is_created_then_replaced_and_its_stock_stays() {
    let house = House::open();
    let shop = &house.client;
    let created = shop.json("PUT", "/skus/a", "", r#"{"name":"Sneaker","price":"99.9","on_sale":false}"#);
    assert_eq!((created.status, created.header("location")), (201, Some("/skus/a")));
    let at = created.json()["created_at"].clone();
    let expected = json!({"sku_id": "a", "name": "Sneaker", "price": "99.90", "currency": "CNY", "on_sale": false,
        "payment_window_s": null, "purchase_limit": null, "created_at": at, "updated_at": at});
    assert_eq!(created.json(), expected);
    assert_eq!(shop.stock("a"), [0, 0, 0, 0]);
    assert_eq!(shop.post("/skus/a/stock", "k", r#"{"change":5,"reason":"delivery"}"#).status, 200);
    let body = r#"{"name":"Sneaker","price":"0","on_sale":true,"payment_window_s":60,"purchase_limit":2}"#;
    let replaced = shop.json("PUT", "/skus/a", "", body);
    assert_eq!((replaced.status, replaced.header("location")), (200, None));
    let read = shop.get("/skus/a").json();
    assert_eq!(read, replaced.json());
    assert_eq!(
        (&read["price"], &read["payment_window_s"], &read["purchase_limit"]),
        (&json!("0.00"), &json!(60), &json!(2))
    );
    assert_eq!(shop.stock("a"), [5, 5, 0, 0]);
}

#[test]
fn a_sku_is_not_made_under_an_id_that_cannot_be() {
    let house = House::open();
    let long = "x".repeat(33);
    for id in ["a%20b", "%ff", "a%2Fb", ".", "..", "%2e%2E", &long] {
        let body = r#"{"name":"A","price":"1.00","on_sale":true}"#;
        let refused = house.client.json("PUT", &format!("/skus/{id}"), "", body);
        assert_eq!(refused.refusal(), (422, "invalid_field".to_owned()), "{id}");
        assert_eq!(refused.json()["field"], "sku_id", "{id}");
        let detail = "sku_id must be 1 to 32 of A-Z a-z 0-9 . _ - and not only dots";
        assert_eq!(refused.json()["detail"], detail, "{id}");
    }
}

#[test]
fn a_price_that_changes_touches_new_orders_only() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let order = shop.placed("u", "a", 1);
    shop.json("PUT", "/skus/a", "", r#"{"name":"New","price":"2.00","on_sale":true}"#);
    let stale = shop.post(
        "/orders",
        "",
        r#"{"user_id":"u","items":[{"sku_id":"a","quantity":1,"expected_unit_price":"1.00"}]}"#,
    );
    assert_eq!(stale.refusal(), (409, "price_changed".to_owned()));
    assert_eq!(stale.json()["unit_price"], "2.00");
    let old = shop.get(&format!("/orders/{order}")).json();
    assert_eq!((&old["amount"], &old["items"][0]["name"]), (&json!("1.00"), &json!("a")));
    assert_eq!(shop.order("u", "", "a", 1).json()["amount"], "2.00");
}

#[test]
fn stock_changes_once_per_key_and_only_by_what_is_available() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    shop.put_up("b", "1.00", 5, "");
    shop.placed("u", "a", 2);
    let change = |sku: &str, key: &str, change: i64| {
        shop.post(&format!("/skus/{sku}/stock"), key, &json!({"change": change}).to_string())
    };
    let short = change("a", "k-1", -4);
    assert_eq!(short.refusal(), (409, "insufficient_stock".to_owned()));
    assert_eq!((&short.json()["available"], &short.json()["wanted"]), (&json!(3), &json!(4)));
    assert_eq!(change("a", "k-1", -1_000_000_000_000).json()["wanted"], json!(1_000_000_000_000_u64));
    let first = change("a", "k-1", -3);
    assert_eq!(
        (first.status, first.json()),
        (200, json!({"sku_id": "a", "total": 2, "available": 0, "reserved": 2, "sold": 0}))
    );
    assert_eq!(first.header("idempotency-replayed"), None);
    change("a", "k-2", 7);
    let again = change("a", "k-1", -3);
    assert_eq!((again.status, &again.text, again.header("idempotency-replayed")), (200, &first.text, Some("true")));
    assert_eq!(change("a", "k-1", -2).refusal(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(change("b", "k-1", -2).status, 200, "keys belong to a sku");
    assert_eq!(change("none", "k-1", 1).refusal(), (404, "sku_not_found".to_owned()));
    assert_eq!((shop.stock("a"), shop.stock("b")), ([9, 7, 2, 0], [3, 3, 0, 0]));
    shop.assert_agreement();
}

#[test]
fn the_currency_decides_how_sums_are_read_and_written() {
    for (code, digits, price, amount, refused) in [
        ("JPY", "0", "120", "240", "120.0"),
        ("KWD", "3", "1.5", "3.000", "1.5000"),
        ("XTS", "4", "0.0001", "0.0002", "0.00010"),
    ] {
        let house = House::with(&[("SHOP__CURRENCY", code), ("SHOP__CURRENCY_DIGITS", digits)]);
        let shop = &house.client;
        let body = |price: &str| json!({"name": "a", "price": price, "on_sale": true}).to_string();
        assert_eq!(shop.json("PUT", "/skus/a", "", &body(refused)).refusal(), (422, "invalid_field".to_owned()));
        shop.put_up("a", price, 5, "");
        let order = shop.order("u", "", "a", 2).json();
        assert_eq!((&order["amount"], &order["currency"]), (&json!(amount), &json!(code)));
    }
}

#[test]
fn the_verdict_tells_what_everyone_says() {
    let house = House::open();
    let shop = &house.client;
    assert_eq!(shop.get("/admin/verdict").json(), json!({"state": "agrees", "skus": []}));
    shop.put_up("a", "1.00", 5, "");
    shop.put_up("b", "1.00", 5, "");
    shop.placed("u", "a", 2);
    shop.assert_agreement();
    let verdict = shop.get("/admin/verdict?sku_id=a").json();
    let counts = json!({"total": 5, "available": 3, "reserved": 2, "sold": 0});
    let sku = &verdict["skus"][0];
    assert_eq!((&verdict["state"], &sku["state"], &sku["store"]), (&json!("agrees"), &json!("agrees"), &counts));
    assert_eq!(
        (&sku["orders"], &sku["ledger"]),
        (&json!({"reserved": 2, "sold": 0}), &json!({"available": 3, "grants": 0}))
    );
    assert_eq!((&sku["actor"]["available"], &sku["differences"]), (&json!(3), &json!([])));
    assert_eq!(shop.get("/admin/verdict").json()["skus"].as_array().map(Vec::len), Some(2));
}
