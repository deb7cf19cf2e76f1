//! Lists: newest first, filtered, page by page.

use crate::client::Client;
use crate::house::House;

/// Walks a list to its end; answers the order ids of every page.
fn walk(shop: &Client, filters: &str, limit: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = shop.get(&format!("/orders?{filters}&limit={limit}{cursor}")).json();
        let ids = page["orders"].as_array().expect("orders").iter();
        pages.push(ids.map(|order| order["order_id"].as_str().expect("an id").to_owned()).collect());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

#[test]
fn orders_are_listed_newest_first_by_filters_and_pages() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 100, "");
    shop.put_up("b", "1.00", 100, "");
    let mut orders: Vec<String> =
        (0..7).map(|number| shop.placed(["u", "v"][number % 2], ["a", "b"][number / 4], 1)).collect();
    shop.send("POST", &format!("/orders/{}/cancel", orders[2]), &[], "");
    orders.reverse();
    let select = |indices: &[usize]| -> Vec<String> { indices.iter().map(|index| orders[*index].clone()).collect() };
    // Newest first: 0 to 6 are u v u v u v u from the end, of b b b a a a a; the one at 4 is cancelled.
    let table: [(&str, &[usize]); 8] = [
        ("", &[0, 1, 2, 3, 4, 5, 6]),
        ("user_id=u", &[0, 2, 4, 6]),
        ("user_id=v&sku_id=a", &[3, 5]),
        ("sku_id=b", &[0, 1, 2]),
        ("status=cancelled", &[4]),
        ("status=submitted&user_id=u", &[0, 2, 6]),
        ("user_id=nobody", &[]),
        ("sku_id=nothing", &[]),
    ];
    for (filters, indices) in table {
        for limit in [1, 2, 100] {
            let pages = walk(shop, filters, limit);
            assert!(pages.iter().all(|page| page.len() <= limit), "{filters:?} {limit}");
            assert_eq!(pages.concat(), select(indices), "{filters:?} {limit}");
        }
    }
}

#[test]
fn a_cursor_belongs_to_its_filters() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 100, "");
    for _ in 0..3 {
        shop.placed("u", "a", 1);
    }
    let page = shop.get("/orders?user_id=u&limit=1").json();
    let cursor = page["next_cursor"].as_str().expect("there are more");
    assert_eq!(shop.get(&format!("/orders?user_id=u&limit=2&cursor={cursor}")).status, 200, "the limit may change");
    let table = [
        (format!("cursor={cursor}"), "invalid_field", Some("cursor")),
        (format!("user_id=v&cursor={cursor}"), "invalid_field", Some("cursor")),
        (format!("user_id=u&status=paid&cursor={cursor}"), "invalid_field", Some("cursor")),
        (format!("user_id=u&cursor={cursor}00"), "invalid_field", Some("cursor")),
        ("cursor=".to_owned(), "invalid_field", Some("cursor")),
        ("cursor=%F0%9F%8D%8B".to_owned(), "invalid_field", Some("cursor")),
        ("limit=0".to_owned(), "invalid_field", Some("limit")),
        ("limit=101".to_owned(), "invalid_field", Some("limit")),
        ("status=open".to_owned(), "invalid_field", Some("status")),
        ("status=".to_owned(), "invalid_field", Some("status")),
        ("user_id=a%20b".to_owned(), "invalid_field", Some("user_id")),
        ("user=u".to_owned(), "unknown_field", Some("user")),
        ("limit=1&limit=2".to_owned(), "malformed_request", None),
    ];
    for (query, code, field) in table {
        let refused = shop.get(&format!("/orders?{query}"));
        let status = if code == "malformed_request" { 400 } else { 422 };
        assert_eq!(refused.refusal(), (status, code.to_owned()), "{query}");
        assert_eq!(refused.json()["field"].as_str(), field, "{query}");
    }
}
