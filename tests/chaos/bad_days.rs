//! A rush on MySQL, Redis and Kafka at once, with each of them wiped, killed or held up in the middle of it. The verdict
//! is true, every acknowledged order is there, and every event is in the topic and printed, once.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::Cluster;
use crate::health::now;
use crate::redis::{copy, send};
use crate::rush::Rush;
use crate::service::{Service, wait};
use crate::told::{PROMISED, Printer};

/// Enough that the sale goes on for some seconds.
const BUYERS: u32 = 1_300;
const STOCK: u32 = 1_000;

/// A sale that has begun.
struct Day {
    cluster: Cluster,
    service: Service,
    rush: Rush,
}

impl Day {
    async fn begin() -> Self {
        let (cluster, service) = Cluster::with_a_service().await;
        let rush = Rush::start(&service, BUYERS, STOCK);
        let mut day = Self { cluster, service, rush };
        day.until_taken(STOCK / 8).await;
        day
    }

    async fn until_taken(&mut self, units: u32) {
        self.rush.until_taken(&self.service, units).await;
    }

    async fn make(&mut self, what: &'static str, name: &'static str) {
        self.cluster.make(what, name).await;
        if matches!(what, "kill" | "pause") {
            self.rush.expect_going_on();
        }
    }

    /// The sale ends well, and soon after everything was whole again. The service was killed where it says so.
    async fn end_well(self, recovered: Instant, deaths: &[usize]) {
        let Self { cluster, service, rush } = self;
        let told = rush.expect_true(STOCK).await;
        let verdict = recovered.elapsed();
        assert!(verdict < 5 * PROMISED, "a verdict after {verdict:?}: {told}");
        service.expect_agreement().await;
        service.expect_degraded(json!([])).await;
        let twice_published = cluster.expect_published(&service).await;
        let twice_printed = cluster.expect_printed(&[Printer::killed(&service, deaths)]).await;
        let all = recovered.elapsed();
        assert!(all < 5 * PROMISED, "all was told after {all:?}");
        eprintln!(
            "from recovery on: verdict {verdict:?}, all told and checked {all:?}; {twice_published} events twice in the \
             topic, {twice_printed} lines twice"
        );
    }
}

#[actix_web::test]
async fn a_rush_on_the_full_stack_is_true_though_redis_is_wiped_again_and_again() {
    let mut day = Day::begin().await;
    let redis = day.cluster.redis_url();
    for round in 1..=4 {
        day.until_taken(round * STOCK / 8).await;
        send::<()>(&redis, &["FLUSHALL"]).await;
        day.rush.expect_going_on();
    }
    day.end_well(now(), &[]).await;
}

#[actix_web::test]
async fn a_rush_on_the_full_stack_is_true_though_redis_is_taken_back_to_an_older_state() {
    let mut day = Day::begin().await;
    let aside = tempfile::tempdir().expect("a temporary directory");
    let data = day.cluster.data("redis");
    copy(&data, aside.path());
    day.until_taken(STOCK / 4).await;
    day.make("kill", "redis").await;
    fs::remove_dir_all(&data).expect("it can be removed");
    copy(aside.path(), &data);
    day.make("start", "redis").await;
    day.end_well(now(), &[]).await;
}

#[actix_web::test]
async fn a_rush_on_the_full_stack_is_true_though_redis_and_kafka_are_killed_at_once() {
    let mut day = Day::begin().await;
    day.make("kill", "redis").await;
    day.make("kill", "kafka").await;
    wait(Duration::from_millis(500)).await;
    day.rush.expect_going_on();
    day.make("start", "redis").await;
    day.make("start", "kafka").await;
    day.end_well(now(), &[]).await;
}

#[actix_web::test]
async fn a_rush_on_the_full_stack_is_true_though_kafka_is_killed() {
    let mut day = Day::begin().await;
    day.make("kill", "kafka").await;
    day.make("start", "kafka").await;
    day.end_well(now(), &[]).await;
}

#[actix_web::test]
async fn a_rush_on_the_full_stack_is_true_though_the_database_is_killed() {
    let mut day = Day::begin().await;
    for round in 2..=3 {
        day.make("kill", "mysql").await;
        day.make("start", "mysql").await;
        day.until_taken(round * STOCK / 8).await;
    }
    day.end_well(now(), &[]).await;
}

#[actix_web::test]
async fn a_rush_on_the_full_stack_is_true_though_the_database_hangs_for_a_while() {
    let mut day = Day::begin().await;
    day.make("pause", "mysql").await;
    // Longer than any exchange with it may take.
    wait(Duration::from_secs(5)).await;
    day.rush.expect_going_on();
    day.make("resume", "mysql").await;
    day.end_well(now(), &[]).await;
}

#[actix_web::test]
async fn a_rush_on_the_full_stack_is_true_though_the_service_is_killed() {
    let mut day = Day::begin().await;
    let mut deaths = Vec::new();
    for round in 1..=2 {
        day.until_taken(round * STOCK / 4).await;
        day.service.kill();
        day.rush.expect_going_on();
        deaths.push(day.service.printed().len());
        day.service.restart().await;
    }
    day.end_well(now(), &deaths).await;
}

#[actix_web::test]
async fn a_rush_on_the_full_stack_is_true_though_each_of_the_three_stutters() {
    let day = Day::begin().await;
    for _ in 0..3 {
        for name in ["mysql", "kafka", "redis"] {
            day.cluster.make("pause", name).await;
            wait(Duration::from_millis(150)).await;
            day.cluster.make("resume", name).await;
        }
    }
    day.end_well(now(), &[]).await;
}
