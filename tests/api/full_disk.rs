//! A disk that is full: writes are refused for now, reads go on, and what was acknowledged is there.

use crate::house::House;

#[test]
fn a_full_disk_refuses_orders_and_loses_none() {
    let house = House::with(&[("STORE__MAX_PAGES", "90")]);
    let shop = &house.client;
    shop.put_up("a", "1.00", 100_000, "");
    let remark = "x".repeat(500);
    let body = format!(r#"{{"user_id":"u","items":[{{"sku_id":"a","quantity":1}}],"remark":"{remark}"}}"#);
    let mut acknowledged = Vec::new();
    let refused = loop {
        let reply = shop.post("/orders", "", &body);
        if reply.status != 201 {
            break reply;
        }
        acknowledged.push(reply.json()["order_id"].as_str().expect("an id").to_owned());
        assert!(acknowledged.len() < 10_000, "the disk does not fill up");
    };
    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()), "{refused:?}");
    assert!(!acknowledged.is_empty());
    let ready = shop.get("/health/ready");
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &serde_json::json!(false)), "{ready:?}");
    assert_eq!(ready.json()["reasons"].as_array().map(Vec::len), Some(1));
    assert!(ready.header("retry-after").is_some());
    for id in &acknowledged {
        assert_eq!(shop.get(&format!("/orders/{id}")).status, 200);
    }
    let units = i64::try_from(acknowledged.len()).expect("few");
    assert_eq!(shop.stock("a"), [100_000, 100_000 - units, units, 0]);
}
