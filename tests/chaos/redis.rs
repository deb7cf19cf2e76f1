//! Bad days of Redis, under a sale: wiped, taken back to an older state, killed, hung, and not there from the start. The
//! store decides throughout, so nothing is oversold and nothing acknowledged is lost; and the gate returns by itself.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ::redis::Client;
use serde_json::json;
use ulid::Ulid;

use crate::rush::Rush;
use crate::service::{Service, wait};
use crate::services::Breakable;

/// Enough that the sale goes on for some seconds.
const BUYERS: u32 = 6_000;
const STOCK: u32 = 5_000;

async fn server() -> Breakable {
    Breakable::take("redis", "FLOODGATE_TEST_REDIS_URL").await
}

async fn cluster() -> Breakable {
    Breakable::take("redis-cluster", "FLOODGATE_TEST_REDIS_CLUSTER_URL").await
}

/// A service whose ledger is in this Redis, under a prefix of its own.
async fn service_on(redis: &Breakable) -> Service {
    let prefix = format!("t-{}:", Ulid::new());
    Service::with(&[("LEDGER__URL", &redis.url), ("LEDGER__PREFIX", &prefix)]).await
}

/// Sends one command to the Redis of a url.
pub(crate) async fn send<T: redis::FromRedisValue>(url: &str, words: &[&str]) -> T {
    let client = Client::open(url).expect("a good url");
    let mut connection = client.get_multiplexed_async_connection().await.expect("it can be reached");
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]).query_async(&mut connection).await.expect("it answers")
}

#[actix_web::test]
async fn a_rush_is_true_though_redis_is_wiped_again_and_again() {
    let redis = server().await;
    let service = service_on(&redis).await;
    let mut rush = Rush::start(&service, BUYERS, STOCK);
    for round in 1..=4 {
        rush.until_taken(&service, round * STOCK / 8).await;
        send::<()>(&redis.url, &["FLUSHALL"]).await;
        rush.expect_going_on();
    }
    rush.expect_true(STOCK).await;
    service.expect_agreement().await;
    assert_eq!(service.degraded().await, json!([]));
}

#[actix_web::test]
async fn a_rush_is_true_though_redis_is_taken_back_to_an_older_state() {
    let redis = server().await;
    let service = service_on(&redis).await;
    let mut rush = Rush::start(&service, BUYERS, STOCK);
    rush.until_taken(&service, STOCK / 8).await;
    // What it has written so far is the older state, cut off anywhere, as that of a machine that lost power.
    let aside = tempfile::tempdir().expect("a temporary directory");
    copy(&redis.data(), aside.path());
    rush.until_taken(&service, STOCK / 4).await;
    redis.make("kill").await;
    rush.expect_going_on();
    fs::remove_dir_all(redis.data()).expect("it can be removed");
    copy(aside.path(), &redis.data());
    redis.make("start").await;
    rush.expect_true(STOCK).await;
    service.expect_agreement().await;
}

/// Copies a directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it can be made");
    let copied = Command::new("cp").arg("-r").arg(from.join(".")).arg(to).status();
    assert!(copied.expect("every machine has cp").success());
}

#[actix_web::test]
async fn a_rush_is_true_though_redis_is_killed_and_comes_back() {
    let redis = server().await;
    let service = service_on(&redis).await;
    let mut rush = Rush::start(&service, BUYERS, STOCK);
    rush.until_taken(&service, STOCK / 8).await;
    redis.make("kill").await;
    rush.expect_going_on();
    service.expect_degraded(json!(["ledger"])).await;
    redis.make("start").await;
    service.expect_degraded(json!([])).await;
    rush.expect_true(STOCK).await;
    service.expect_agreement().await;
}

#[actix_web::test]
async fn a_rush_is_true_though_redis_hangs_for_a_while() {
    let redis = server().await;
    let service = service_on(&redis).await;
    let mut rush = Rush::start(&service, BUYERS, STOCK);
    rush.until_taken(&service, STOCK / 8).await;
    redis.make("pause").await;
    rush.expect_going_on();
    service.expect_degraded(json!(["ledger"])).await;
    wait(Duration::from_secs(1)).await;
    redis.make("resume").await;
    service.expect_degraded(json!([])).await;
    rush.expect_true(STOCK).await;
    service.expect_agreement().await;
}

#[actix_web::test]
async fn a_rush_is_true_though_the_service_dies_and_redis_remembers_its_grants() {
    let redis = server().await;
    let mut service = service_on(&redis).await;
    let mut rush = Rush::start(&service, BUYERS, STOCK);
    for round in 1..=2 {
        rush.until_taken(&service, round * STOCK / 4).await;
        service.kill_under_load();
        rush.expect_going_on();
        service.restart().await;
    }
    rush.expect_true(STOCK).await;
    service.expect_agreement().await;
}

#[actix_web::test]
async fn orders_are_taken_while_redis_hangs_and_the_gate_returns() {
    let redis = server().await;
    let service = service_on(&redis).await;
    service.stock_up("a", 10, 900).await;
    service.expect_sale("a", "before").await;
    redis.make("pause").await;
    for attempt in 0..4 {
        service.expect_sale("a", &format!("hung-{attempt}")).await;
    }
    assert_eq!(service.degraded().await, json!(["ledger"]));
    redis.make("resume").await;
    service.expect_degraded(json!([])).await;
    service.expect_sale("a", "after").await;
    service.expect_agreement().await;
    assert_eq!(service.units("a").await, (10, 4, 6, 0));
    let ledger = service.get("/admin/verdict").await.body["skus"][0]["ledger"].clone();
    assert_eq!(ledger["available"], 4, "the ledger has caught up: {ledger}");
}

#[actix_web::test]
async fn a_service_starts_without_redis_and_takes_it_up_when_it_comes() {
    let redis = server().await;
    redis.make("kill").await;
    let service = service_on(&redis).await;
    assert_eq!(service.degraded().await, json!(["ledger"]));
    service.stock_up("a", 3, 900).await;
    service.expect_sale("a", "without").await;
    redis.make("start").await;
    service.expect_degraded(json!([])).await;
    service.expect_sale("a", "with").await;
    service.expect_agreement().await;
    assert_eq!(service.units("a").await, (3, 1, 2, 0));
}

#[actix_web::test]
async fn operators_see_what_became_of_the_calls_to_redis() {
    let redis = server().await;
    let service = service_on(&redis).await;
    service.stock_up("a", 10, 900).await;
    service.expect_sale("a", "before").await;
    redis.make("kill").await;
    service.expect_degraded(json!(["ledger"])).await;
    service.expect_sale("a", "without").await;
    let metrics = service.text("/metrics").await;
    for (call, outcome) in [("reserve", "done"), ("settle", "done"), ("probe", "failed"), ("reserve", "spared")] {
        let labels = format!(r#"{{backend="redis",call="{call}",outcome="{outcome}"}}"#);
        let line = format!("floodgate_backend_calls_total{labels} ");
        let count = metrics.lines().find_map(|found| found.strip_prefix(&line));
        assert!(count.is_some_and(|count| count != "0"), "{line}{count:?}");
    }
}

#[actix_web::test]
async fn a_ledger_of_another_shop_before_this_one_refuses_nobody() {
    let redis = server().await;
    let prefix = format!("t-{}:", Ulid::new());
    let settings = [("LEDGER__URL", redis.url.as_str()), ("LEDGER__PREFIX", prefix.as_str())];
    let first = Service::with(&settings).await;
    first.stock_up("a", 3, 900).await;
    for attempt in 0..3 {
        first.expect_sale("a", &format!("first-{attempt}")).await;
    }
    drop(first);
    // For a second what the ledger has heard from the store is believed.
    wait(Duration::from_millis(1_200)).await;
    // Another store from nothing, so its versions begin anew, below what the ledger has.
    let mut second = Service::not_started(&settings);
    second.launch();
    for _ in 0..100 {
        if second.ended().is_some() {
            break;
        }
        wait(Duration::from_millis(50)).await;
    }
    assert_eq!(second.ended().and_then(|status| status.code()), Some(2), "{}", second.log());
    let sentence =
        format!("floodgate: the ledger in redis under the prefix {prefix} belongs to another shop's database; ");
    assert!(second.log().lines().last().is_some_and(|said| said.starts_with(&sentence)), "{}", second.log());
    // What it says to do if that shop is no more.
    send::<()>(&redis.url, &["DEL", &format!("{prefix}shop")]).await;
    second.restart().await;
    second.stock_up("a", 2, 900).await;
    for attempt in 0..2 {
        second.expect_sale("a", &format!("second-{attempt}")).await;
    }
    second.expect_agreement().await;
    assert_eq!(second.units("a").await, (2, 0, 2, 0));
}

#[actix_web::test]
async fn a_rush_is_true_though_the_cluster_is_killed_and_comes_back() {
    let redis = cluster().await;
    let service = service_on(&redis).await;
    let mut rush = Rush::start(&service, BUYERS, STOCK);
    rush.until_taken(&service, STOCK / 8).await;
    for node in ["redis-cluster-1", "redis-cluster-2", "redis-cluster-3"] {
        redis.make_of(node, "kill").await;
    }
    rush.expect_going_on();
    service.expect_degraded(json!(["ledger"])).await;
    redis.make("start").await;
    service.expect_degraded(json!([])).await;
    rush.expect_true(STOCK).await;
    service.expect_agreement().await;
}
