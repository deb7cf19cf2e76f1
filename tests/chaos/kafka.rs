//! Bad days of Kafka: not there from the start, hung, dead at a stop. Orders go on, their events wait in the store, and all
//! of them are told when it is back.

use std::time::Duration;

use serde_json::json;

use crate::cluster::Cluster;
use crate::health::now;
use crate::service::wait;
use crate::stop;
use crate::told::{PROMISED, Printer};

/// Orders that are placed during an outage: some batches of events.
const ORDERS: usize = 2_000;

#[actix_web::test]
async fn a_service_starts_without_kafka_and_tells_all_that_waited_when_it_comes() {
    let cluster = Cluster::take().await;
    cluster.make("kill", "kafka").await;
    let mut service = cluster.node("n1", &[]);
    service.restart().await;
    service.expect_degraded(json!(["stream"])).await;
    service.stock_up("a", 1_000_000, 900).await;
    let started = now();
    service.place_many("a", ORDERS).await;
    eprintln!("{ORDERS} orders without kafka in {:?}", started.elapsed());
    assert_eq!(cluster.unpublished().await, ORDERS as u64, "their events wait");
    assert!(service.printed().is_empty());
    let told = service.log().matches("kafka does not answer").count();
    assert_eq!(told, 1, "an outage is told once: {}", service.log());
    cluster.make("start", "kafka").await;
    let started = now();
    service.expect_degraded(json!([])).await;
    let answering = started.elapsed();
    cluster.expect_published(&service).await;
    let published = started.elapsed();
    assert_eq!(cluster.expect_printed(&[Printer::of(&service)]).await, 0);
    let printed = started.elapsed();
    eprintln!("kafka is there: noticed {answering:?}, published {published:?}, printed {printed:?}");
    assert!(printed < 5 * PROMISED, "{printed:?}");
}

#[actix_web::test]
async fn orders_are_taken_and_a_stop_is_in_time_while_kafka_hangs() {
    orders_go_on_and_so_does_a_stop("pause", "resume").await;
}

#[actix_web::test]
async fn orders_are_taken_and_a_stop_is_in_time_while_kafka_is_dead() {
    orders_go_on_and_so_does_a_stop("kill", "start").await;
}

async fn orders_go_on_and_so_does_a_stop(breaking: &'static str, mending: &'static str) {
    let (cluster, mut service) = Cluster::with_a_service().await;
    service.stock_up("a", 1_000_000, 900).await;
    service.place_many("a", 200).await;
    service.until_printed(100).await;
    cluster.make(breaking, "kafka").await;
    // From the first moment on, and not only when it is known.
    for attempt in 0..20 {
        service.expect_sale("a", &format!("at-once-{attempt}")).await;
    }
    service.expect_degraded(json!(["stream"])).await;
    for attempt in 0..20 {
        service.expect_sale("a", &format!("later-{attempt}")).await;
    }
    let waiting = cluster.unpublished().await;
    assert!(waiting > 0, "some events wait");
    let (status, taken) = stop::stop(&mut service).await;
    eprintln!("stopped within {taken:?} with {waiting} events waiting");
    assert!(status.success() && taken < stop::PROMISED, "{status} after {taken:?}");
    service.restart().await;
    service.expect_sale("a", "after-a-stop").await;
    service.expect_degraded(json!(["stream"])).await;
    cluster.make(mending, "kafka").await;
    service.expect_degraded(json!([])).await;
    cluster.expect_published(&service).await;
    assert_eq!(cluster.expect_printed(&[Printer::of(&service)]).await, 0, "nothing is printed twice");
}

#[actix_web::test]
async fn a_service_starts_without_any_of_the_three_and_takes_each_up_when_it_comes() {
    let cluster = Cluster::take().await;
    cluster.make_all("kill", &["mysql", "redis", "kafka"]).await;
    let mut service = cluster.node("n1", &[]);
    service.launch();
    for _ in 0..200 {
        if service.get("/health/live").await.status == 200 {
            break;
        }
        wait(Duration::from_millis(50)).await;
    }
    assert_eq!(service.get("/health/ready").await.status, 503, "{}", service.log());
    cluster.make("start", "mysql").await;
    service.expect_ready().await;
    for _ in 0..200 {
        if !service.token().is_empty() {
            break;
        }
        wait(Duration::from_millis(50)).await;
    }
    service.expect_degraded(json!(["ledger", "stream"])).await;
    service.stock_up("a", 3, 900).await;
    service.expect_sale("a", "with-the-store-alone").await;
    cluster.make("start", "redis").await;
    service.expect_degraded(json!(["stream"])).await;
    service.expect_sale("a", "with-a-gate").await;
    cluster.make("start", "kafka").await;
    service.expect_degraded(json!([])).await;
    service.expect_sale("a", "with-everything").await;
    assert_eq!(service.units("a").await, (3, 0, 3, 0));
    service.expect_agreement().await;
    cluster.expect_published(&service).await;
    assert_eq!(cluster.expect_printed(&[Printer::of(&service)]).await, 0);
}
