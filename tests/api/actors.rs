//! Who lives on the node, as operators see it.

use crate::house::House;

#[test]
fn every_actor_is_listed_with_what_it_does() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    shop.placed("u", "a", 2);
    shop.assert_agreement();
    let listed = shop.get("/admin/actors?limit=100").json();
    let actors = listed["actors"].as_array().expect("a list").clone();
    let kinds: std::collections::BTreeSet<&str> = actors.iter().filter_map(|actor| actor["kind"].as_str()).collect();
    let expected = ["committer", "order_supervisor", "printer", "publisher", "refuser", "stock", "sweeper", "worker"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    let stock = shop.get("/admin/actors/stock/a").json();
    assert_eq!((&stock["node"], &stock["mailbox"], &stock["restarts"]), (&"n1".into(), &0.into(), &0.into()));
    assert!(stock["handled"].as_u64() >= Some(2), "{stock}");
    assert_eq!(stock["state"]["available"], 3);
    assert!(stock["last_activity"].as_str().is_some_and(|at| at.ends_with('Z')), "{stock}");
}

#[test]
fn the_list_goes_on_page_by_page_and_by_kind() {
    let house = House::open();
    let shop = &house.client;
    let mut names = Vec::new();
    let mut path = "/admin/actors?limit=3".to_owned();
    loop {
        let page = shop.get(&path).json();
        let actors = page["actors"].as_array().expect("a list").clone();
        names.extend(actors.iter().map(|actor| format!("{} {}", actor["kind"], actor["key"])));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/admin/actors?limit=3&cursor={cursor}");
    }
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(names, sorted);
    assert_eq!(names.len(), 10, "four supervisors and six others");
    let of_kind = shop.get("/admin/actors?kind=order_supervisor").json();
    assert_eq!(of_kind["actors"].as_array().map(Vec::len), Some(4));
    let foreign = shop.get("/admin/actors?limit=3&kind=stock").json()["next_cursor"].clone();
    assert!(foreign.is_null());
}

#[test]
fn who_does_not_live_is_not_found() {
    let house = House::open();
    for path in ["/admin/actors/stock/a", "/admin/actors/nobody/0", "/admin/actors/committer/1"] {
        assert_eq!(house.client.get(path).refusal(), (404, "actor_not_found".to_owned()), "{path}");
    }
    assert_eq!(house.client.get("/admin/actors?cursor=00").refusal(), (422, "invalid_field".to_owned()));
}
