//! Stopping and starting again on the same data, and a second server that must not.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{House, ground};
use crate::process::{Process, STOP, floodgate};

#[test]
fn a_restart_keeps_orders_keys_tokens_and_stock() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 2, "");
    let first = shop.order("u", "k-1", "a", 2);
    let id = first.json()["order_id"].as_str().expect("an id").to_owned();
    shop.post(&format!("/orders/{id}/pay"), "", r#"{"payment_id":"p-1","amount":"2.00"}"#);
    let (paid, token) = (shop.get(&format!("/orders/{id}")), shop.token.clone());
    let house = house.restart();
    let shop = &house.client;
    assert_eq!(shop.token, token);
    assert_eq!(shop.get(&format!("/orders/{id}")).text, paid.text);
    let again = shop.order("u", "k-1", "a", 2);
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(shop.order("u", "k-1", "a", 1).refusal(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(shop.order("u", "k-2", "a", 1).refusal(), (409, "sold_out".to_owned()));
    let stocked = shop.post("/skus/a/stock", "first-a", r#"{"change":2}"#);
    assert_eq!(stocked.header("idempotency-replayed"), Some("true"));
    assert_eq!(shop.stock("a"), [2, 0, 0, 2]);
    shop.assert_agreement();
}

#[test]
fn what_fell_due_while_nothing_ran_is_cancelled_after_the_start() {
    let mut house = House::with(&[("SHOP__PAYMENT_WINDOW_S", "1")]);
    house.client.put_up("a", "1.00", 5, "");
    let order = house.client.placed("u", "a", 2);
    house.stop();
    std::thread::sleep(Duration::from_millis(1_100));
    let house = house.restart();
    for _ in 0..100 {
        if house.client.stock("a")[2] == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(house.client.stock("a"), [5, 5, 0, 0]);
    assert_eq!(house.client.get(&format!("/orders/{order}")).json()["cancel_reason"], "payment_timeout");
}

#[test]
fn every_event_is_printed_and_a_repeat_can_be_told() {
    let house = House::open();
    house.client.put_up("a", "1.00", 9, "");
    let orders: Vec<String> = (0..3).map(|_| house.client.placed("u", "a", 1)).collect();
    let house = house.restart();
    house.client.send("POST", &format!("/orders/{}/cancel", orders[0]), &[], "");
    let printed = || -> BTreeMap<(String, u64), Value> {
        let key = |line: &Value| {
            (line["order_id"].as_str().unwrap_or_default().to_owned(), line["version"].as_u64().unwrap_or(0))
        };
        house.printed().into_iter().map(|line| (key(&line), line)).collect()
    };
    for _ in 0..100 {
        if printed().len() == 4 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let printed = printed();
    assert_eq!(printed.len(), 4, "{printed:?}");
    let cancelled = &printed[&(orders[0].clone(), 2)];
    let expected = json!({"order_id": orders[0], "version": 2, "type": "order_cancelled", "status": "cancelled",
        "at": cancelled["at"], "by": "admin", "reason": "shop"});
    assert_eq!(*cancelled, expected);
}

#[test]
fn a_second_server_on_the_same_data_is_kept_out() {
    let mut house = House::open();
    let data = house.data().display().to_string();
    let run = std::fs::read_to_string(house.data().join("run.json")).expect("it says where it runs");
    let run: Value = serde_json::from_str(&run).expect("json");
    assert_eq!(run, json!({"url": format!("http://{}", house.client.address), "pid": std::process::id()}));
    let second = floodgate(&["serve", "--listen", "127.0.0.1:0", "--data", &data]);
    let sentence = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{sentence}");
    assert!(sentence.contains(&house.client.address.to_string()), "{sentence}");
    assert_eq!(sentence.trim().lines().count(), 1, "{sentence}");
    assert_eq!(house.client.get("/health/live").status, 200);
    house.stop();
    assert!(!house.data().join("run.json").exists(), "nothing runs any more");
}

#[test]
fn a_service_that_cannot_say_where_it_is_serves() {
    let mut house = House::open();
    house.stop();
    // Stands for a full disk.
    std::fs::create_dir_all(house.data().join("run.json").join("in-the-way")).expect("it can be made");
    let house = house.restart();
    assert_eq!(house.client.get("/health/ready").status, 200);
}

#[test]
fn a_token_that_was_lost_is_made_anew_and_the_old_one_works_on() {
    let mut house = House::open();
    let path = house.data().join("admin-token");
    // Where the database is a server's, it has no file here.
    let database = ["floodgate.db", "floodgate.db-wal", "floodgate.db-shm"];
    let database = if house.is_full() { &[][..] } else { &database };
    for name in ["admin-token", "lock", "run.json"].iter().chain(database) {
        let mode = house.data().join(name).metadata().expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let old = house.client.clone();
    house.stop();
    std::fs::remove_file(&path).expect("it is there");
    let house = house.restart();
    assert_ne!(house.client.token, old.token);
    for token in [&house.client.token, &old.token] {
        let client = crate::client::Client { token: token.clone(), ..house.client.clone() };
        assert_eq!(client.get("/orders").status, 200);
    }
}

#[test]
fn a_shop_keeps_its_currency() {
    let stack = ground(&[]);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let start = |settings: &[(&str, &str)]| Process::start(&stack, directory.path(), settings);
    let mut process = start(&[]);
    process.client().put_up("a", "1.25", 9, "");
    process.terminate();
    process.end(STOP);
    start(&[("SHOP__CURRENCY", "EUR")]).expect_refused(&["shop.currency must be CNY and not EUR"]);
    let digits = "SHOP__CURRENCY_DIGITS";
    start(&[(digits, "1")]).expect_refused(&["shop.currency_digits must be 2 or more, not 1"]);
    let mut process = start(&[(digits, "3")]);
    assert_eq!(process.client().get("/skus/a").json()["price"], "1.250");
}
