//! Bad bodies: each is refused with a 4xx of its own, and nothing changes.

use crate::house::House;

/// A body, what it is refused with, and the field that is named, if any.
type Row<'a> = (&'a str, u16, &'a str, Option<&'a str>);

#[test]
fn what_is_wrong_with_an_order_is_told_and_nothing_changes() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "99.99", 5, "");
    shop.put_up("off", "1.00", 5, "");
    shop.json("PUT", "/skus/off", "", r#"{"name":"off","price":"1.00","on_sale":false}"#);
    let lines = |count: usize| {
        format!(r#"{{"user_id":"u","items":[{}]}}"#, vec![r#"{"sku_id":"a","quantity":1}"#; count].join(","))
    };
    let with = |member: &str| format!(r#"{{"user_id":"u","items":[{{"sku_id":"a","quantity":1}}],{member}}}"#);
    let item = |item: &str| format!(r#"{{"user_id":"u","items":[{item}]}}"#);
    let quantity = |quantity: &str| item(&format!(r#"{{"sku_id":"a","quantity":{quantity}}}"#));
    let expected = |price: &str| item(&format!(r#"{{"sku_id":"a","quantity":1,"expected_unit_price":{price}}}"#));
    let (too_many, long_id, long_text) = (lines(51), "x".repeat(33), "x".repeat(501));
    let table: &[Row<'_>] = &[
        ("{", 400, "malformed_json", None),
        (r#"{"items":[]}x"#, 400, "malformed_json", None),
        ("\u{feff}{}", 400, "malformed_json", None),
        (&with(r#""user_id":"v""#), 400, "malformed_json", None),
        ("[]", 422, "invalid_field", Some("body")),
        ("{}", 422, "invalid_field", Some("items")),
        (r#"{"items":[{"sku_id":"a","quantity":1}]}"#, 422, "invalid_field", Some("user_id")),
        (r#"{"user_id":"u","items":[]}"#, 422, "invalid_field", Some("items")),
        (r#"{"user_id":"u","items":null}"#, 422, "invalid_field", Some("items")),
        (r#"{"user_id":"u v","items":[]}"#, 422, "invalid_field", Some("user_id")),
        (r#"{"user_id":7,"items":[]}"#, 422, "invalid_field", Some("user_id")),
        (&with(r#""price":"1.00""#), 422, "unknown_field", Some("price")),
        (&item(r#"{"sku_id":"a","quantity":1,"price":"1.00"}"#), 422, "unknown_field", Some("items[0].price")),
        (&item(r#"["a",1]"#), 422, "invalid_field", Some("items[0]")),
        (&item(r#"{"quantity":1}"#), 422, "invalid_field", Some("items[0].sku_id")),
        (&item(r#"{"sku_id":"a"}"#), 422, "invalid_field", Some("items[0].quantity")),
        (&item(r#"{"sku_id":"","quantity":1}"#), 422, "invalid_field", Some("items[0].sku_id")),
        (&item(&format!(r#"{{"sku_id":"{long_id}","quantity":1}}"#)), 422, "invalid_field", Some("items[0].sku_id")),
        (&quantity("0"), 422, "invalid_field", Some("items[0].quantity")),
        (&quantity("-1"), 422, "invalid_field", Some("items[0].quantity")),
        (&quantity("1.5"), 422, "invalid_field", Some("items[0].quantity")),
        (&quantity("1e2"), 422, "invalid_field", Some("items[0].quantity")),
        (&quantity("\"1\""), 422, "invalid_field", Some("items[0].quantity")),
        (&quantity("1000001"), 422, "invalid_field", Some("items[0].quantity")),
        (&quantity("4294967296"), 422, "invalid_field", Some("items[0].quantity")),
        (&quantity("99999999999999999999999999"), 422, "invalid_field", Some("items[0].quantity")),
        (&quantity("1e999"), 422, "invalid_field", Some("items[0].quantity")),
        (&too_many, 422, "too_many_lines", None),
        (&expected("\"99.990\""), 422, "invalid_field", Some("items[0].expected_unit_price")),
        (&expected("\"-1\""), 422, "invalid_field", Some("items[0].expected_unit_price")),
        (&expected("99.99"), 422, "invalid_field", Some("items[0].expected_unit_price")),
        (&with(&format!(r#""source":"{}""#, &long_text[..33])), 422, "invalid_field", Some("source")),
        (&with(&format!(r#""remark":"{long_text}""#)), 422, "invalid_field", Some("remark")),
        (&item(r#"{"sku_id":"none","quantity":1}"#), 404, "sku_not_found", None),
        (&item(r#"{"sku_id":"off","quantity":1}"#), 409, "sku_not_on_sale", None),
        (&expected("\"99.98\""), 409, "price_changed", None),
        (&quantity("6"), 409, "sold_out", None),
    ];
    for (body, status, code, field) in table {
        for key in ["", "k-1"] {
            let refused = shop.post("/orders", key, body);
            assert_eq!(refused.refusal(), (*status, (*code).to_owned()), "{body} {refused:?}");
            assert_eq!(refused.json()["field"].as_str(), *field, "{body} {refused:?}");
        }
    }
    assert_eq!(shop.get("/orders").json()["orders"].as_array().map(Vec::len), Some(0));
    assert_eq!(shop.stock("a"), [5, 5, 0, 0]);
    let key_is_free = shop.post("/orders", "k-1", &lines(1));
    assert_eq!(key_is_free.status, 201, "a refusal does not use up its key: {key_is_free:?}");
}

#[test]
fn whatever_is_no_quantity_is_refused_in_the_same_words() {
    let house = House::open();
    house.client.put_up("a", "1.00", 5, "");
    let numbers = ["0", "-1", "1.5", "1e2", "1000001", "4294967296", "99999999999999999999999999", "1e999"];
    let others = [r#""2""#, "true", "null", "[2]", r#"{"units":2}"#];
    for quantity in numbers.into_iter().chain(others) {
        let body = format!(r#"{{"user_id":"u","items":[{{"sku_id":"a","quantity":{quantity}}}]}}"#);
        let refused = house.client.post("/orders", "", &body);
        assert_eq!(refused.refusal(), (422, "invalid_field".to_owned()), "{quantity}");
        let problem = refused.json();
        assert_eq!(problem["field"], "items[0].quantity", "{quantity}");
        assert_eq!(problem["detail"], "items[0].quantity must be a whole number from 1 to 1000000", "{quantity}");
    }
}

#[test]
fn a_key_of_the_wrong_form_is_refused() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let body = r#"{"user_id":"u","items":[{"sku_id":"a","quantity":1}]}"#;
    for key in ["k 1", "", "é", &"x".repeat(65)] {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let refused = shop.send("POST", "/orders", &headers, body);
        assert_eq!(refused.refusal(), (422, "invalid_field".to_owned()), "{key:?}");
        assert_eq!(refused.json()["field"], "Idempotency-Key");
    }
    assert_eq!(shop.stock("a"), [5, 5, 0, 0]);
}

#[test]
fn what_is_wrong_with_other_bodies_is_told_and_nothing_changes() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let order = shop.placed("u", "a", 2);
    let (sku, stock) = ("/skus/a".to_owned(), "/skus/a/stock".to_owned());
    let (pay, cancel) = (format!("/orders/{order}/pay"), format!("/orders/{order}/cancel"));
    let put = |members: &str| format!(r#"{{"name":"a","price":"1.00","on_sale":true{members}}}"#);
    let (long_name, long_text) = ("x".repeat(251), "x".repeat(501));
    let bad_name = |name: &str| format!(r#"{{"name":"{name}","price":"1.00","on_sale":true}}"#);
    let bad_price = |price: &str| format!(r#"{{"name":"a","price":{price},"on_sale":true}}"#);
    let table: &[(&str, &str, String, &str, &str)] = &[
        ("PUT", &sku, "{}".to_owned(), "invalid_field", "name"),
        ("PUT", &sku, bad_name(""), "invalid_field", "name"),
        ("PUT", &sku, bad_name(&long_name), "invalid_field", "name"),
        ("PUT", &sku, bad_price("1"), "invalid_field", "price"),
        ("PUT", &sku, bad_price("\"1.001\""), "invalid_field", "price"),
        ("PUT", &sku, bad_price("\"-1.00\""), "invalid_field", "price"),
        ("PUT", &sku, bad_price("\"100000000000000.00\""), "invalid_field", "price"),
        ("PUT", &sku, put(r#","payment_window_s":0"#), "invalid_field", "payment_window_s"),
        ("PUT", &sku, put(r#","payment_window_s":2592001"#), "invalid_field", "payment_window_s"),
        ("PUT", &sku, put(r#","purchase_limit":0"#), "invalid_field", "purchase_limit"),
        ("PUT", &sku, put(r#","stock":5"#), "unknown_field", "stock"),
        ("POST", &stock, "{}".to_owned(), "invalid_field", "change"),
        ("POST", &stock, r#"{"change":0}"#.to_owned(), "invalid_field", "change"),
        ("POST", &stock, r#"{"change":1.5}"#.to_owned(), "invalid_field", "change"),
        ("POST", &stock, r#"{"change":9223372036854775808}"#.to_owned(), "invalid_field", "change"),
        ("POST", &stock, r#"{"change":-9223372036854775808}"#.to_owned(), "invalid_field", "change"),
        ("POST", &stock, r#"{"change":1000000000000}"#.to_owned(), "invalid_field", "change"),
        ("POST", &stock, format!(r#"{{"change":1,"reason":"{long_text}"}}"#), "invalid_field", "reason"),
        ("POST", &pay, "{}".to_owned(), "invalid_field", "payment_id"),
        ("POST", &pay, r#"{"payment_id":"p 1","amount":"2.00"}"#.to_owned(), "invalid_field", "payment_id"),
        ("POST", &pay, r#"{"payment_id":"p-1","amount":"2.000"}"#.to_owned(), "invalid_field", "amount"),
        ("POST", &pay, r#"{"payment_id":"p-1","amount":2}"#.to_owned(), "invalid_field", "amount"),
        ("POST", &cancel, format!(r#"{{"reason":"{long_text}"}}"#), "invalid_field", "reason"),
        ("POST", &cancel, r#"{"why":"x"}"#.to_owned(), "unknown_field", "why"),
    ];
    for (method, path, body, code, field) in table {
        let refused = shop.json(method, path, "k-1", body);
        assert_eq!(refused.refusal(), (422, (*code).to_owned()), "{path} {body} {refused:?}");
        assert_eq!(refused.json()["field"], *field, "{path} {body}");
    }
    let without_key = shop.post(&stock, "", r#"{"change":1}"#);
    assert_eq!(without_key.refusal(), (422, "invalid_field".to_owned()));
    assert_eq!(without_key.json()["field"], "Idempotency-Key");
    assert_eq!(shop.stock("a"), [5, 3, 2, 0]);
    assert_eq!(shop.get(&format!("/orders/{order}")).json()["version"], 1);
}

#[test]
fn a_body_is_bounded_and_must_be_said_to_be_json() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let body = r#"{"user_id":"u","items":[{"sku_id":"a","quantity":1}]}"#;
    let padded = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    assert_eq!(shop.post("/orders", "", &padded(16 * 1024)).status, 201);
    let too_large = || (413, "body_too_large".to_owned());
    assert_eq!(shop.post("/orders", "", &padded(16 * 1024 + 1)).refusal(), too_large());
    let head = format!("POST /orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {}\r\n", shop.token);
    let announced = format!("{head}Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n");
    assert_eq!(shop.raw(announced.as_bytes()).refusal(), too_large(), "it is not waited for");
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let chunked =
        format!("{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    assert_eq!(shop.raw(chunked.as_bytes()).refusal(), too_large());

    let unsupported = || (415, "unsupported_media_type".to_owned());
    let table: [&[(&str, &str)]; 3] =
        [&[], &[("Content-Type", "text/plain")], &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")]];
    for headers in table {
        assert_eq!(shop.send("POST", "/orders", headers, body).refusal(), unsupported(), "{headers:?}");
    }
    let order = shop.placed("u", "a", 1);
    let cancel = format!("/orders/{order}/cancel");
    assert_eq!(shop.send("POST", &cancel, &[], "{}").refusal(), unsupported());
    assert_eq!(shop.send("POST", &cancel, &[], "").status, 200, "a body that may be left out need not be announced");
    assert_eq!(shop.stock("a"), [5, 4, 1, 0]);
}
