//! `floodgate bench` runs and tells what it should; how fast anything is, no test asserts. Feature `bench` only.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test it stands in")]

use std::process::Command;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts};
use tempfile::TempDir;
use ulid::Ulid;

/// Benches for a moment. Gives the lines of the report, with single spaces.
fn bench(directory: &TempDir, more: &[&str]) -> Vec<String> {
    let bench = Command::new(env!("CARGO_BIN_EXE_floodgate"))
        .args(["bench", "--connections", "4", "--rounds", "1", "--seconds", "1"])
        .args(more)
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .output()
        .expect("the binary was built for this test");
    let told = String::from_utf8_lossy(&bench.stdout);
    assert_eq!(bench.status.code(), Some(0), "{told}\n{}", String::from_utf8_lossy(&bench.stderr));
    assert_eq!(std::fs::read_dir(directory.path()).expect("it is there").count(), 0, "nothing is left behind");
    told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn expect_told(told: &[String], starts: &[&str]) {
    for start in starts {
        assert!(told.iter().any(|line| line.starts_with(start)), "{start:?} is not in\n{}", told.join("\n"));
    }
}

#[test]
fn a_short_benchmark_succeeds_and_tells_every_figure() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let starts = [
        "4 connections, 1 rounds echo orders",
        "requests per second, median ",
        "success 100.000 % 100.000 %",
        "p50 ",
        "p99 ",
        "orders / echo, median 0.",
        "server's cpu per order ",
        "orders per commit ",
        "fdatasync of 4 KiB, p50 ",
        "orders: store journal_mode=wal sync=fdatasync synchronous=full",
    ];
    expect_told(&bench(&directory, &[]), &starts);
}

/// The service that a variable names. Without one there is nothing to test, which must not pass for a test.
fn service(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: scripts/services up; set -a; . target/services/env"))
}

#[tokio::test]
async fn orders_elsewhere_are_measured_beside_embedded_ones() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let server = service("FLOODGATE_TEST_MYSQL_URL");
    let name = format!("floodgate_{}", Ulid::new().to_string().to_lowercase());
    let (place, _) = server.rsplit_once('/').expect("the url names a database");
    let opts = Opts::from_url(&server).expect("a good url");
    let mut connection = Conn::new(opts).await.expect("the server is there");
    connection.query_drop(format!("CREATE DATABASE {name}")).await.expect("the user may make databases");
    let store = format!("{place}/{name}");
    let (ledger, stream) = (service("FLOODGATE_TEST_REDIS_URL"), service("FLOODGATE_TEST_KAFKA_URL"));
    let urls = ["--store-url", &store, "--ledger-url", &ledger, "--stream-url", &stream];
    // Twice, for what was there before must not answer for what comes next.
    for _ in 0..2 {
        let starts = [
            "4 connections, 1 rounds echo orders orders elsewhere",
            "success 100.000 % 100.000 % 100.000 %",
            "orders / embedded orders, median 1.000 0.",
            "orders: store journal_mode=wal sync=fdatasync synchronous=full",
            "orders elsewhere: store innodb_flush_log_at_trx_commit=1 log_bin=true sync_binlog=1",
            "orders elsewhere: ledger appendfsync=everysec appendonly=yes",
            "orders elsewhere: stream acks=all enable.idempotence=true",
        ];
        expect_told(&bench(&directory, &urls), &starts);
    }
    connection.query_drop(format!("DROP DATABASE {name}")).await.expect("the user may");
}
