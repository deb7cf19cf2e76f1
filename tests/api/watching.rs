//! What operators see of a running service: its numbers, and callers held to what they may send.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use crate::client::{Client, Reply};
use crate::house::House;

/// The number on the one line that begins so.
fn number(metrics: &Reply, line: &str) -> f64 {
    let found: Vec<&str> = metrics.text.lines().filter_map(|given| given.strip_prefix(line)).collect();
    assert_eq!(found.len(), 1, "{line} in {}", metrics.text);
    found[0].trim().parse().unwrap_or_else(|error| panic!("{error}: {line}{}", found[0]))
}

/// The metrics at a moment when every batch that was begun is committed. What was printed is committed in the background.
fn when_nothing_is_committed(shop: &Client) -> Reply {
    for _ in 0..100 {
        let metrics = shop.get("/metrics");
        let begun = number(&metrics, r#"floodgate_batch_size_count{kind="committer"}"#);
        if begun == number(&metrics, r#"floodgate_commits_total{outcome="done"}"#) {
            return metrics;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("what was begun is not committed: {}", shop.get("/metrics").text);
}

#[test]
fn what_is_done_is_counted_by_route_and_code_and_by_kind_of_actor() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 3, "");
    shop.placed("u", "a", 2);
    assert_eq!(shop.order("u", "", "a", 2).refusal(), (409, "sold_out".to_owned()));
    assert_eq!(shop.order("u", "k", "a", 2).refusal(), (409, "sold_out".to_owned()));
    shop.assert_agreement();
    let metrics = when_nothing_is_committed(shop);
    assert_eq!((metrics.status, metrics.header("content-type")), (200, Some("text/plain; version=0.0.4")));
    let requests = |code: &str, status: u16| {
        let labels = format!(r#"{{code="{code}",method="POST",route="/orders",status="{status}"}}"#);
        number(&metrics, &format!("floodgate_http_requests_total{labels}"))
    };
    assert_eq!((requests("ok", 201), requests("sold_out", 409)), (1.0, 2.0));
    let latency = r#"floodgate_http_request_seconds_count{method="POST",route="/orders"}"#;
    assert_eq!(number(&metrics, latency), 3.0);
    for kind in ["committer", "order_supervisor", "printer", "publisher", "refuser", "stock", "sweeper", "worker"] {
        let of = |name: &str| number(&metrics, &format!(r#"floodgate_actor{name}{{kind="{kind}"}}"#));
        assert!(of("s_live") >= 1.0 && of("_mailbox") >= 0.0 && of("_handled_total") >= 0.0, "{kind}");
        assert_eq!(of("_restarts_total"), 0.0, "{kind}");
    }
    // The SKU, its stock, the order.
    let commits = number(&metrics, r#"floodgate_commits_total{outcome="done"}"#);
    assert!(commits >= 3.0, "{}", metrics.text);
    assert_eq!(number(&metrics, r#"floodgate_commits_total{outcome="unknown"}"#), 0.0);
    assert_eq!(number(&metrics, r#"floodgate_commit_seconds_count{kind="committer"}"#), commits);
    assert!(number(&metrics, "floodgate_ledger_refusals_total ") >= 1.0, "{}", metrics.text);
    for invariant in ["stock_adds_up", "stock_matches_orders", "ledger_matches_store"] {
        let line = format!(r#"floodgate_invariant_violations_total{{invariant="{invariant}"}}"#);
        assert_eq!(number(&metrics, &line), 0.0);
    }
}

#[test]
fn calls_to_outside_systems_are_counted_where_there_are_any() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 3, "");
    shop.placed("u", "a", 2);
    // The embedded stack calls nobody, and has no such numbers.
    let expected: &[&str] = if house.is_full() { &["kafka", "mysql", "redis"] } else { &[] };
    let mut counted = BTreeMap::new();
    for _ in 0..100 {
        let metrics = shop.get("/metrics");
        counted.clear();
        for line in metrics.text.lines().filter(|line| line.starts_with("floodgate_backend_calls_total{")) {
            let (labels, number) = line.rsplit_once(' ').expect("a number");
            let system = labels.split('"').nth(1).expect("a system").to_owned();
            let number: u64 = number.parse().expect("a number");
            assert!(labels.contains(r#"outcome="done""#) || number == 0, "{line}");
            *counted.entry(system).or_insert(0) += number;
        }
        if counted.len() == expected.len() && counted.values().all(|calls| *calls > 0) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(counted.keys().collect::<Vec<_>>(), expected);
    assert!(counted.values().all(|calls| *calls > 0), "{counted:?}");
    assert_eq!(shop.get("/health/ready").json()["degraded"], serde_json::json!([]));
}

#[test]
fn requests_that_nobody_foresaw_are_counted_together() {
    let house = House::open();
    let shop = &house.client;
    let before = shop.get("/metrics").text.lines().count();
    for stranger in 0..50 {
        shop.get(&format!("/nothing/{stranger}"));
        shop.get(&format!("/orders/{stranger}"));
        shop.send(&format!("STRANGE{stranger}"), "/orders", &[], "");
    }
    let metrics = shop.get("/metrics");
    let of = |code: &str, method: &str, route: &str, status: u16| {
        let labels = format!(r#"{{code="{code}",method="{method}",route="{route}",status="{status}"}}"#);
        number(&metrics, &format!("floodgate_http_requests_total{labels}"))
    };
    assert_eq!(of("route_not_found", "other", "-", 404), 50.0);
    assert_eq!(of("order_not_found", "GET", "/orders/{id}", 404), 50.0);
    assert_eq!(of("method_not_allowed", "other", "/orders", 405), 50.0);
    let more = metrics.text.lines().count() - before;
    // Four kinds of answers, the first read of the metrics among them, each with its buckets.
    assert!(more < 100, "{more} more lines");
}

#[test]
fn metrics_are_for_admins_unless_they_are_opened() {
    let stranger = |house: &House| Client { token: String::new(), ..house.client.clone() };
    let house = House::open();
    assert_eq!(stranger(&house).get("/metrics").refusal(), (401, "unauthenticated".to_owned()));
    let house = House::with(&[("METRICS__ACCESS", "open")]);
    assert_eq!(stranger(&house).get("/metrics").status, 200);
    assert_eq!(stranger(&house).get("/admin/actors").refusal(), (401, "unauthenticated".to_owned()));
}

#[test]
fn a_caller_that_sends_more_than_it_may_is_told_when_to_come_back() {
    let house = House::with(&[("LIMITS__REQUESTS_PER_S", "2")]);
    let shop = &house.client;
    let answers: Vec<Reply> = (0..50).map(|_| shop.get("/skus")).collect();
    let refused: Vec<&Reply> = answers.iter().filter(|answer| answer.status != 200).collect();
    // However slow this is, it is not as slow as half a second each.
    assert!(answers[0].status == 200 && !refused.is_empty());
    for answer in refused {
        assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(shop.get("/health/live").status, 200, "what needs no token has no limit");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(shop.get("/skus").status, 200);
}

fn actors_of(house: &House, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_floodgate"));
    command.arg("actors").args(arguments).arg("--data").arg(house.data());
    command.env_remove("FLOODGATE_URL").env_remove("FLOODGATE_TOKEN").output().expect("the program runs")
}

#[test]
fn the_actors_are_printed_once_where_there_is_no_terminal() {
    let mut house = House::open();
    // More than a page of them: who sells something lives.
    for number in 0..120 {
        let sku = format!("s-{number}");
        house.client.put_up(&sku, "1.00", 1, "");
        house.client.placed("u", &sku, 1);
    }
    let told = |arguments: &[&str]| {
        let output = actors_of(&house, arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("it prints text")
    };
    let all = told(&[]);
    assert!(all.starts_with("actor "), "{all}");
    for name in ["stock/s-0 ", "stock/s-119 ", "committer/0 ", "order_supervisor/3 ", "printer/0 ", "publisher/0 "] {
        assert_eq!(all.lines().filter(|line| line.starts_with(name)).count(), 1, "{name} in {all}");
    }
    let stock = told(&["--kind", "stock"]);
    assert_eq!(stock.lines().count(), 121, "{stock}");
    assert!(stock.lines().skip(1).all(|line| line.starts_with("stock/") && line.contains("available=")), "{stock}");
    house.stop();
    let refused = actors_of(&house, &["--url", &format!("http://{}", house.client.address)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no service answers at"), "{refused:?}");
}
