//! Callers: tokens given out, listed and taken back, and what a customer may.

use crate::house::House;

#[test]
fn a_token_is_shown_once_and_never_listed() {
    let house = House::open();
    let shop = &house.client;
    let created = shop.post("/admin/tokens", "", r#"{"role":"customer","user_id":"u-7","label":"for a test"}"#);
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.header("cache-control"), Some("no-store"));
    let created = created.json();
    let token = created["token"].as_str().expect("a token");
    assert!(token.len() >= 43, "too few characters to be unguessable");
    let listed = shop.get("/admin/tokens");
    assert!(!listed.text.contains(token), "{listed:?}");
    let newest = &listed.json()["tokens"][0];
    let members: Vec<&str> = newest.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["created_at", "label", "role", "token_id", "user_id"]);
    for member in members {
        assert_eq!(newest[member], created[member], "{member}");
    }
    // Nothing in the directory holds the token, in whatever file.
    for entry in std::fs::read_dir(house.data()).expect("a directory").flatten() {
        let bytes = std::fs::read(entry.path()).expect("a file");
        let holds = bytes.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!holds, "{}", entry.path().display());
    }
}

#[test]
fn tokens_are_listed_newest_first_page_by_page() {
    let house = House::open();
    let shop = &house.client;
    for number in 0..5 {
        shop.caller(&format!(r#""role":"service","label":"{number}""#));
    }
    let mut labels = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = shop.get(&format!("/admin/tokens?limit=2{cursor}")).json();
        let tokens = page["tokens"].as_array().expect("tokens");
        assert!(tokens.len() <= 2);
        labels.extend(tokens.iter().map(|token| token["label"].as_str().expect("a label").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(labels, ["4", "3", "2", "1", "0", "first admin"]);
    let orders_cursor = "00000000000000000000000000000000";
    let refused = shop.get(&format!("/admin/tokens?cursor={orders_cursor}"));
    assert_eq!(refused.refusal(), (422, "invalid_field".to_owned()));
}

#[test]
fn a_revoked_token_lets_nobody_in_from_the_answer_on() {
    let house = House::open();
    let shop = &house.client;
    for _ in 0..20 {
        let (token_id, caller) = shop.caller(r#""role":"service""#);
        assert_eq!(caller.get("/orders").status, 200);
        let path = format!("/admin/tokens/{token_id}");
        assert_eq!(shop.send("DELETE", &path, &[], "").status, 204);
        assert_eq!(caller.get("/orders").refusal(), (401, "unauthenticated".to_owned()));
        assert_eq!(shop.send("DELETE", &path, &[], "").refusal(), (404, "token_not_found".to_owned()));
    }
}

#[test]
fn revocations_and_tokens_outlive_a_restart() {
    let house = House::open();
    let (revoked_id, revoked) = house.client.caller(r#""role":"service""#);
    let (_, kept) = house.client.caller(r#""role":"service""#);
    assert_eq!(house.client.send("DELETE", &format!("/admin/tokens/{revoked_id}"), &[], "").status, 204);
    let house = house.restart();
    assert_eq!(house.client.with_token(&kept.token).get("/orders").status, 200);
    assert_eq!(house.client.with_token(&revoked.token).get("/orders").status, 401);
}

#[test]
fn the_last_admin_token_stays() {
    let house = House::open();
    let shop = &house.client;
    let first = shop.get("/admin/tokens").json()["tokens"][0]["token_id"].as_str().expect("an id").to_owned();
    let path = format!("/admin/tokens/{first}");
    shop.caller(r#""role":"service""#);
    let refused = shop.send("DELETE", &path, &[], "");
    assert_eq!(refused.refusal(), (409, "last_admin_token".to_owned()));
    let (_, second) = shop.caller(r#""role":"admin""#);
    assert_eq!(shop.send("DELETE", &path, &[], "").status, 204, "there is another now");
    assert_eq!(shop.get("/orders").status, 401);
    assert_eq!(second.get("/admin/tokens").status, 200);
}

#[test]
fn a_token_that_cannot_be_is_refused_and_not_made() {
    let house = House::open();
    let shop = &house.client;
    let long = format!(r#"{{"role":"service","label":"{}"}}"#, "x".repeat(101));
    let table = [
        ("{}", "invalid_field", "role"),
        (r#"{"role":"root"}"#, "invalid_field", "role"),
        (r#"{"role":"customer"}"#, "invalid_field", "user_id"),
        (r#"{"role":"customer","user_id":"a b"}"#, "invalid_field", "user_id"),
        (r#"{"role":"customer","user_id":"floodgate"}"#, "invalid_field", "user_id"),
        (r#"{"role":"service","user_id":"u"}"#, "field_not_allowed", "user_id"),
        (r#"{"role":"admin","user_id":"u"}"#, "field_not_allowed", "user_id"),
        (r#"{"role":"admin","token":"mine"}"#, "unknown_field", "token"),
        (long.as_str(), "invalid_field", "label"),
    ];
    for (body, code, field) in table {
        let refused = shop.post("/admin/tokens", "", body);
        assert_eq!(refused.refusal(), (422, code.to_owned()), "{body}");
        assert_eq!(refused.json()["field"], field, "{body}");
    }
    assert_eq!(shop.get("/admin/tokens").json()["tokens"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_customer_orders_lists_and_cancels_for_itself_only() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 10, "");
    let (one, other) = (shop.customer("u-1"), shop.customer("u-2"));
    let line = r#""items":[{"sku_id":"a","quantity":1}]"#;
    let placed = one.post("/orders", "k", &format!("{{{line}}}"));
    assert_eq!(placed.status, 201, "{placed:?}");
    assert_eq!(placed.json()["user_id"], "u-1");
    let order_id = placed.json()["order_id"].as_str().expect("an id").to_owned();
    for user_id in ["u-1", "u-2"] {
        let refused = one.post("/orders", "", &format!(r#"{{"user_id":"{user_id}",{line}}}"#));
        assert_eq!(refused.refusal(), (422, "field_not_allowed".to_owned()));
        assert_eq!(refused.json()["field"], "user_id");
    }
    let listed = |client: &crate::client::Client, query: &str| {
        let orders = client.get(&format!("/orders{query}")).json()["orders"].clone();
        orders.as_array().expect("orders").len()
    };
    assert_eq!((listed(&one, ""), listed(&one, "?user_id=u-1"), listed(&one, "?user_id=u-2")), (1, 1, 0));
    assert_eq!((listed(&other, ""), listed(&other, "?user_id=u-1"), listed(&other, "?sku_id=a")), (0, 0, 0));
    // Keys are the user's own: another's does not replay.
    let elsewhere = other.post("/orders", "k", &format!("{{{line}}}"));
    assert_eq!((elsewhere.status, elsewhere.header("idempotency-replayed")), (201, None));

    let cancelled = one.post(&format!("/orders/{order_id}/cancel"), "", r#"{"reason":"changed my mind"}"#).json();
    assert_eq!((cancelled["cancel_reason"].as_str(), cancelled["version"].as_u64()), (Some("customer"), Some(2)));
    let events = one.get(&format!("/orders/{order_id}/events")).json();
    assert_eq!(events["events"][1]["by"], "u-1");
    let shops = shop.placed("u-1", "a", 1);
    let cancelled = shop.post(&format!("/orders/{shops}/cancel"), "", "{}").json();
    assert_eq!(cancelled["cancel_reason"], "shop");
    shop.assert_agreement();
}
