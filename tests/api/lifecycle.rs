//! What becomes of an order after it was placed: amended, shipped, received, deleted.

use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::house::House;

const UNKNOWN: &str = "01KAJ3ZZZZZZZZZZZZZZZZZZZZ";

fn patch(shop: &Client, order: &str, if_match: &str, body: &str) -> Reply {
    let mut headers = vec![("Content-Type", "application/json")];
    if !if_match.is_empty() {
        headers.push(("If-Match", if_match));
    }
    shop.send("PATCH", &format!("/orders/{order}"), &headers, body)
}

fn act(shop: &Client, order: &str, verb: &str) -> Reply {
    shop.send("POST", &format!("/orders/{order}/{verb}"), &[], "")
}

fn delete(shop: &Client, order: &str) -> Reply {
    shop.send("DELETE", &format!("/orders/{order}"), &[], "")
}

fn pay(shop: &Client, order: &str, payment: &str, amount: &str) -> Reply {
    shop.post(&format!("/orders/{order}/pay"), "", &json!({"payment_id": payment, "amount": amount}).to_string())
}

fn types(shop: &Client, order: &str) -> Vec<Value> {
    let events = shop.get(&format!("/orders/{order}/events")).json();
    events["events"].as_array().into_iter().flatten().map(|event| event["type"].clone()).collect()
}

#[test]
fn an_order_is_shipped_received_and_deleted() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let order = shop.placed("u", "a", 2);
    pay(shop, &order, "p-1", "2.00");
    let shipped = shop.post(&format!("/orders/{order}/ship"), "", "{}");
    assert_eq!((shipped.status, shipped.header("etag")), (200, Some("\"3\"")), "{shipped:?}");
    let body = shipped.json();
    assert_eq!((&body["status"], &body["status_code"], &body["version"]), (&json!("shipped"), &json!(3), &json!(3)));
    assert_eq!(shop.get(&format!("/orders/{order}")).text, shipped.text);
    let received = act(shop, &order, "receive");
    let body = received.json();
    assert_eq!((received.status, &body["status"], &body["status_code"]), (200, &json!("completed"), &json!(4)));
    assert_eq!(shop.stock("a"), [5, 3, 0, 2]);
    assert_eq!(types(shop, &order), ["order_submitted", "order_paid", "order_shipped", "order_completed"]);

    let deleted = delete(shop, &order);
    assert_eq!((deleted.status, deleted.text.as_str(), deleted.header("content-type")), (204, "", None));
    for (method, path) in [
        ("GET", format!("/orders/{order}")),
        ("GET", format!("/orders/{order}/events")),
        ("DELETE", format!("/orders/{order}")),
        ("POST", format!("/orders/{order}/cancel")),
        ("POST", format!("/orders/{order}/ship")),
        ("POST", format!("/orders/{order}/receive")),
    ] {
        let refused = shop.send(method, &path, &[], "");
        assert_eq!(refused.refusal(), (404, "order_not_found".to_owned()), "{method} {path}");
    }
    assert_eq!(patch(shop, &order, "*", r#"{"remark":"x"}"#).refusal(), (404, "order_not_found".to_owned()));
    assert_eq!(shop.get("/orders?user_id=u").json()["orders"], json!([]));
    let kept = shop.get(&format!("/admin/orders/{order}"));
    assert_eq!((kept.status, kept.header("etag")), (200, Some("\"5\"")));
    let mut expected = received.json();
    let kept = kept.json();
    (expected["version"], expected["deleted"]) = (json!(5), json!(true));
    expected["updated_at"] = kept["updated_at"].clone();
    assert_eq!(kept, expected);
    let paid = pay(shop, &order, "p-2", "2.00").json();
    assert_eq!((&paid["outcome"], &paid["reason"]), (&json!("refund_due"), &json!("already_paid")));
    assert_eq!(shop.stock("a"), [5, 3, 0, 2]);
    shop.assert_agreement();
}

#[test]
fn an_order_moves_in_its_turn_only() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let order = shop.placed("u", "a", 1);
    let steps: [(&str, &[&str], &dyn Fn()); 4] = [
        ("submitted", &["ship", "receive", "delete"], &|| drop(pay(shop, &order, "p", "1.00"))),
        ("paid", &["receive", "delete"], &|| drop(act(shop, &order, "ship"))),
        ("shipped", &["ship", "delete"], &|| drop(act(shop, &order, "receive"))),
        ("completed", &["ship", "receive", "cancel", "amend"], &|| drop(delete(shop, &order))),
    ];
    for (status, refused, next) in steps {
        for verb in refused {
            let refused = match *verb {
                "delete" => delete(shop, &order),
                "amend" => patch(shop, &order, "*", r#"{"remark":"x"}"#),
                verb => act(shop, &order, verb),
            };
            assert_eq!(refused.refusal(), (409, "illegal_transition".to_owned()), "{status} {verb}");
            assert_eq!(refused.json()["order_status"], status, "{verb}");
        }
        next();
    }
    assert_eq!(shop.get(&format!("/orders/{order}")).status, 404);
}

#[test]
fn an_amendment_says_what_it_was_made_from() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let placed = shop.post(
        "/orders",
        "",
        r#"{"user_id":"u","items":[{"sku_id":"a","quantity":1}],"source":"web","remark":"gift"}"#,
    );
    let mut expected = placed.json();
    let order = expected["order_id"].as_str().expect("an id").to_owned();
    let amended = patch(shop, &order, "\"1\"", r#"{"remark":"ring twice"}"#);
    assert_eq!((amended.status, amended.header("etag")), (200, Some("\"2\"")), "{amended:?}");
    (expected["remark"], expected["version"]) = (json!("ring twice"), json!(2));
    expected["updated_at"] = amended.json()["updated_at"].clone();
    assert_eq!(amended.json(), expected, "the rest is as it was");
    assert_eq!(shop.get(&format!("/orders/{order}")).text, amended.text);

    let stale = patch(shop, &order, "\"1\"", r#"{"remark":"ring once"}"#);
    assert_eq!(stale.refusal(), (412, "version_mismatch".to_owned()));
    assert_eq!(stale.json()["version"], 2);
    // Anything that names the version; then null clears, and what is as it was is no change.
    let table = [
        ("\"1\", \"2\"", r#"{"source":null}"#, json!([null, "ring twice", 3])),
        ("*", r#"{"source":"app","remark":null}"#, json!(["app", null, 4])),
        ("\"4\"", "{}", json!(["app", null, 4])),
        ("\"4\"", r#"{"source":"app"}"#, json!(["app", null, 4])),
        ("\"4\"", r#"{"remark":""}"#, json!(["app", "", 5])),
    ];
    for (if_match, body, expected) in table {
        let amended = patch(shop, &order, if_match, body);
        assert_eq!(amended.status, 200, "{body} {amended:?}");
        let (tag, amended) = (amended.header("etag").map(str::to_owned), amended.json());
        assert_eq!(json!([amended["source"], amended["remark"], amended["version"]]), expected, "{body}");
        assert_eq!(tag, Some(format!("\"{}\"", amended["version"])), "{body}");
    }
    let amended = "order_amended";
    assert_eq!(types(shop, &order), ["order_submitted", amended, amended, amended, amended]);
    let [paid, shipped] = [pay(shop, &order, "p", "1.00"), act(shop, &order, "ship")].map(|reply| reply.status);
    assert_eq!((paid, shipped), (200, 200));
    assert_eq!(patch(shop, &order, "\"7\"", r#"{"remark":"on its way"}"#).json()["version"], 8);
}

#[test]
fn what_is_wrong_with_a_change_is_told_in_order_of_precedence() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let order = shop.placed("u", "a", 1);
    act(shop, &order, "cancel");
    let (long_source, long_remark) =
        (format!(r#"{{"source":"{}"}}"#, "x".repeat(33)), format!(r#"{{"remark":"{}"}}"#, "x".repeat(501)));
    let table: [(&str, &str, &str, u16, &str, Option<&str>); 15] = [
        // order, If-Match, body, status, code, field
        (UNKNOWN, "", "{", 400, "malformed_json", None),
        (UNKNOWN, "", r#"{"remark":"a","remark":"b"}"#, 400, "malformed_json", None),
        (UNKNOWN, "", "[]", 422, "invalid_field", Some("body")),
        (UNKNOWN, "", r#"{"amount":"1.00"}"#, 422, "unknown_field", Some("amount")),
        (UNKNOWN, "", r#"{"remark":7}"#, 422, "invalid_field", Some("remark")),
        (UNKNOWN, "", &long_source, 422, "invalid_field", Some("source")),
        (UNKNOWN, "", &long_remark, 422, "invalid_field", Some("remark")),
        (UNKNOWN, "", "{}", 428, "precondition_required", None),
        ("nonsense", "", "{}", 428, "precondition_required", None),
        (UNKNOWN, "1", "{}", 422, "invalid_field", Some("If-Match")),
        (UNKNOWN, "\"1\"", "{}", 404, "order_not_found", None),
        ("nonsense", "\"1\"", "{}", 404, "order_not_found", None),
        (&order, "\"1\"", r#"{"remark":"x"}"#, 412, "version_mismatch", None),
        (&order, "W/\"2\"", r#"{"remark":"x"}"#, 412, "version_mismatch", None),
        (&order, "\"2\"", r#"{"remark":"x"}"#, 409, "illegal_transition", None),
    ];
    for (order, if_match, body, status, code, field) in table {
        let refused = patch(shop, order, if_match, body);
        assert_eq!(refused.refusal(), (status, code.to_owned()), "{order} {if_match} {body}");
        assert_eq!(refused.json()["field"].as_str(), field, "{order} {if_match} {body}");
    }
    for verb in ["ship", "receive"] {
        let path = |order: &str| format!("/orders/{order}/{verb}");
        let table = [
            (shop.post(&path(UNKNOWN), "", "{"), 400, "malformed_json"),
            (shop.post(&path(UNKNOWN), "", r#"{"by":"mail"}"#), 422, "unknown_field"),
            (shop.post(&path(UNKNOWN), "", "[]"), 422, "invalid_field"),
            (shop.send("POST", &path(UNKNOWN), &[], "{}"), 415, "unsupported_media_type"),
            (shop.post(&path(UNKNOWN), "", "{}"), 404, "order_not_found"),
            (shop.send("POST", &path("nonsense"), &[], ""), 404, "order_not_found"),
            (shop.post(&path(&order), "", "{}"), 409, "illegal_transition"),
        ];
        for (refused, status, code) in table {
            assert_eq!(refused.refusal(), (status, code.to_owned()), "{verb}");
        }
    }
    for order in [UNKNOWN, "nonsense"] {
        assert_eq!(delete(shop, order).refusal(), (404, "order_not_found".to_owned()));
        let read = shop.get(&format!("/admin/orders/{order}"));
        assert_eq!(read.refusal(), (404, "order_not_found".to_owned()));
    }
    assert_eq!(shop.get(&format!("/orders/{order}")).json()["version"], 2, "nothing has changed");
}

#[test]
fn a_customer_changes_its_own_orders_and_knows_of_no_others() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let (own, other) = (shop.customer("u"), shop.customer("v"));
    let order = shop.placed("u", "a", 1);
    let foreign = |reply: Reply, unknown: Reply| {
        let text = reply.text.replace(&order, UNKNOWN);
        let without_name = |reply: &Reply, text: &str| text.replace(reply.header("x-request-id").expect("a name"), "");
        assert_eq!((reply.status, without_name(&reply, &text)), (404, without_name(&unknown, &unknown.text)));
    };
    let body = r#"{"remark":"x"}"#;
    foreign(patch(&other, &order, "\"1\"", body), patch(&other, UNKNOWN, "\"1\"", body));
    foreign(act(&other, &order, "receive"), act(&other, UNKNOWN, "receive"));
    foreign(act(&other, &order, "cancel"), act(&other, UNKNOWN, "cancel"));
    foreign(delete(&other, &order), delete(&other, UNKNOWN));
    for forbidden in [act(&own, &order, "ship"), own.get(&format!("/admin/orders/{order}"))] {
        assert_eq!(forbidden.refusal(), (403, "forbidden".to_owned()));
    }
    assert_eq!(patch(&own, &order, "\"1\"", body).json()["remark"], "x");
    pay(shop, &order, "p", "1.00");
    act(shop, &order, "ship");
    assert_eq!(act(&own, &order, "receive").json()["status"], "completed");
    assert_eq!(delete(&own, &order).status, 204);
    assert_eq!(own.get(&format!("/orders/{order}")).refusal(), (404, "order_not_found".to_owned()));
    let kept = shop.get(&format!("/admin/orders/{order}")).json();
    assert_eq!((&kept["deleted"], &kept["version"]), (&json!(true), &json!(6)));
}
