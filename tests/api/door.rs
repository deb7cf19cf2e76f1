//! What holds for every request: paths and methods, names, time limits.

use std::io::Write as _;

use crate::client::read;
use crate::house::House;

#[test]
fn a_token_that_is_not_known_is_told_from_one_that_is_missing() {
    let house = House::open();
    for (token, wanted) in [("nonsense", "this token is not known"), ("", "a bearer token is needed")] {
        let refused = house.client.with_token(token).get("/orders");
        assert_eq!(refused.refusal(), (401, "unauthenticated".to_owned()));
        let detail = refused.json()["detail"].clone();
        assert!(detail.as_str().is_some_and(|detail| detail.starts_with(wanted)), "{detail}");
    }
}

#[test]
fn what_is_not_there_is_told_apart_from_what_is_not_meant() {
    let house = House::open();
    let shop = &house.client;
    let table = [
        ("GET", "/", 404, "route_not_found", None),
        ("GET", "/orders/", 404, "route_not_found", None),
        ("GET", "/orders/a/b", 404, "route_not_found", None),
        ("GET", "/admin", 404, "route_not_found", None),
        ("PATCH", "/orders", 405, "method_not_allowed", Some("POST, GET, HEAD")),
        ("PUT", "/orders/a", 405, "method_not_allowed", Some("GET, PATCH, DELETE, HEAD")),
        ("POST", "/skus", 405, "method_not_allowed", Some("GET, HEAD")),
        ("POST", "/skus/a", 405, "method_not_allowed", Some("PUT, GET, HEAD")),
        ("GET", "/admin/warm-up", 405, "method_not_allowed", Some("POST")),
        ("GET", "/admin/refunds/p-1/done", 405, "method_not_allowed", Some("POST")),
        ("DELETE", "/skus/a/stock", 405, "method_not_allowed", Some("GET, POST, HEAD")),
        ("OPTIONS", "/health/live", 405, "method_not_allowed", Some("GET, HEAD")),
        ("GET", "/orders/01KAJ3ZZZZZZZZZZZZZZZZZZZZ", 404, "order_not_found", None),
        ("GET", "/orders/nonsense", 404, "order_not_found", None),
        ("GET", "/orders/nonsense/events", 404, "order_not_found", None),
        ("GET", "/orders/%00%ff", 404, "order_not_found", None),
        ("POST", "/orders/nonsense/cancel", 404, "order_not_found", None),
        ("GET", "/skus/a%20b", 404, "sku_not_found", None),
        ("GET", "/skus/..", 404, "sku_not_found", None),
        ("GET", "/skus/a/stock", 404, "sku_not_found", None),
        ("GET", "/admin/verdict?sku_id=a", 404, "sku_not_found", None),
        ("GET", "/admin/verdict?sku_id=a%20b", 422, "invalid_field", None),
        ("GET", "/admin/verdict?sku=a", 422, "unknown_field", None),
        ("GET", "/health/live?x=1", 422, "unknown_field", None),
    ];
    for (method, path, status, code, allow) in table {
        let refused = shop.send(method, path, &[], "");
        assert_eq!(refused.refusal(), (status, code.to_owned()), "{method} {path}");
        assert_eq!(refused.header("allow"), allow, "{method} {path}");
    }
}

#[test]
fn head_is_answered_as_get_is_but_without_a_body() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let order = format!("/orders/{}", shop.placed("u", "a", 1));
    for path in ["/health/live", "/skus/a", "/skus/a/stock", "/orders", &order, "/skus/b", "/nowhere", "/skus?limit=0"]
    {
        let (mut got, mut headed) = (shop.get(path), shop.send("HEAD", path, &[], ""));
        assert_eq!((headed.status, headed.text.as_str()), (got.status, ""), "{path}");
        // Every answer has a name and a time of its own.
        for reply in [&mut got, &mut headed] {
            reply.headers.retain(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
            reply.headers.sort();
        }
        assert!(headed.header("content-length").is_some_and(|bytes| bytes != "0"), "{path}");
        assert_eq!(headed.headers, got.headers, "{path}");
    }
    let refused = shop.send("HEAD", "/admin/warm-up", &[], "");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")));
    let nobody = shop.with_token("nonsense");
    assert_eq!(nobody.send("HEAD", "/skus/a", &[], "").status, 401);
}

#[test]
fn every_answer_has_a_name_of_its_own() {
    let house = House::open();
    let mut names: Vec<String> = ["/health/live", "/orders", "/nowhere", "/health/live"]
        .into_iter()
        .map(|path| house.client.get(path).header("x-request-id").expect("a name").to_owned())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 4);
}

#[test]
fn a_head_or_a_body_that_never_ends_is_given_up() {
    let house = House::open();
    let shop = &house.client;
    let head = format!("POST /orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {}\r\n", shop.token);
    let json = "Content-Type: application/json\r\n";
    let mut slow_head = shop.connect();
    slow_head.write_all(head.as_bytes()).expect("it is read");
    let mut no_body = shop.connect();
    no_body.write_all(format!("{head}{json}Content-Length: 9\r\n\r\n").as_bytes()).expect("it is read");
    let mut half_body = shop.connect();
    half_body.write_all(format!("{head}{json}Content-Length: 9\r\n\r\n{{\"it").as_bytes()).expect("it is read");
    let mut half_chunks = shop.connect();
    let chunk = format!("{head}{json}Transfer-Encoding: chunked\r\n\r\n4\r\n{{\"it\r\n");
    half_chunks.write_all(chunk.as_bytes()).expect("it is read");
    let mut unwanted = shop.connect();
    let chunk = format!("{}Transfer-Encoding: chunked\r\n\r\n4\r\n{{\"it\r\n", head.replace("POST", "GET"));
    unwanted.write_all(chunk.as_bytes()).expect("it is read");
    // Others are served meanwhile.
    assert_eq!(shop.get("/health/live").status, 200);
    for mut stream in [no_body, half_body, half_chunks] {
        assert_eq!(read(&mut stream).refusal(), (408, "request_timeout".to_owned()));
    }
    assert_eq!(read(&mut slow_head).status, 408);
    assert_eq!(read(&mut unwanted).status, 200, "a body that nobody asked for is not waited for");
}

#[test]
fn a_body_that_breaks_off_changes_nothing() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 5, "");
    let mut stream = shop.connect();
    let head = format!("POST /orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {}\r\n", shop.token);
    let body = r#"{"user_id":"u","items":[{"sku_id":"a","quantity":1}]}"#;
    let text = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 1);
    stream.write_all(text.as_bytes()).expect("it is read");
    stream.shutdown(std::net::Shutdown::Write).expect("it is open");
    drop(stream);
    assert_eq!(shop.get("/orders").json()["orders"].as_array().map(Vec::len), Some(0));
    assert_eq!(shop.stock("a"), [5, 5, 0, 0]);
}
