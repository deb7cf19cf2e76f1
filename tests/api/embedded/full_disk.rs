//! A disk that is full: writes are refused for now, reads go on, and what was acknowledged is there.

use serde_json::json;

use crate::house::House;

#[test]
fn a_full_disk_refuses_orders_and_loses_none() {
    let house = House::embedded(&[("STORE__MAX_PAGES", "90")]);
    let shop = &house.client;
    shop.put_up("a", "1.00", 100_000, "");
    let remark = "x".repeat(500);
    let body = format!(r#"{{"user_id":"u","items":[{{"sku_id":"a","quantity":1}}],"remark":"{remark}"}}"#);
    let mut acknowledged = Vec::new();
    // A small write that still fits may stand between the order that is refused and the look.
    let not_ready = (0..10_000).find_map(|_| {
        let reply = shop.post("/orders", "", &body);
        if reply.status == 201 {
            acknowledged.push(reply.json()["order_id"].as_str().expect("an id").to_owned());
            return None;
        }
        assert_eq!(reply.refusal(), (503, "unavailable".to_owned()), "{reply:?}");
        Some(shop.get("/health/ready")).filter(|ready| ready.status != 200)
    });
    let not_ready = not_ready.expect("the disk fills up, and that is noticed");
    assert_eq!((not_ready.status, &not_ready.json()["ready"]), (503, &json!(false)), "{not_ready:?}");
    assert_eq!(not_ready.json()["reasons"].as_array().map(Vec::len), Some(1));
    assert!(not_ready.header("retry-after").is_some());
    assert!(!acknowledged.is_empty());
    for id in &acknowledged {
        assert_eq!(shop.get(&format!("/orders/{id}")).status, 200);
    }
    let units = i64::try_from(acknowledged.len()).expect("few");
    assert_eq!(shop.stock("a"), [100_000, 100_000 - units, units, 0]);
}
