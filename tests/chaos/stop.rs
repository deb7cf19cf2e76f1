//! SIGTERM under load: what was begun is finished, every event is printed, and the process ends well and soon.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::File;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use actors::domain::time::Monotonic;
use actors::ports::Clock as _;
use floodgate::app::clock::SystemClock;
use futures_util::future::join_all;
use rusqlite::Connection;
use serde_json::json;

use crate::service::{Service, wait};
use crate::wire::{End, Wire, order};

/// How long a stop may take. Real runs get five times as long before they fail.
pub(crate) const PROMISED: Duration = Duration::from_secs(15);
const CLIENTS: usize = 100;

#[actix_web::test]
async fn a_stop_under_load_cuts_nothing_off_and_prints_every_event() {
    let mut service = Service::start().await;
    service.stock_up("a", 1_000_000, 900).await;
    let (address, token) = (service.address(), service.token());
    let (placed_before, is_stopping) = (Cell::new(0_usize), Cell::new(false));
    // Connections that nobody uses do not hold up the stop.
    let idle = join_all((0..20).map(|_| Wire::open(&address))).await;
    let trading = join_all((0..CLIENTS).map(|client| trade(client, &address, &token, &placed_before, &is_stopping)));
    let stopping = async {
        while placed_before.get() < 500 {
            wait(Duration::from_millis(10)).await;
        }
        is_stopping.set(true);
        stop(&mut service).await
    };
    let (placed, (status, taken)) = tokio::join!(trading, stopping);
    drop(idle);
    let placed: BTreeSet<String> = placed.into_iter().flatten().collect();
    eprintln!("stopped within {taken:?}, {} orders were placed", placed.len());
    assert!(status.success(), "{status}");
    let printed: BTreeSet<String> = service.printed().into_iter().map(|(order_id, _)| order_id).collect();
    assert_eq!(printed.difference(&placed).count(), 0, "an order that was made was answered");
    assert_eq!(placed.difference(&printed).count(), 0, "an event of an order that was answered is printed");
    let log = service.log();
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
    let lines = service.printed().len();
    service.restart().await;
    let reserved = usize::try_from(service.units("a").await.2).expect("a count");
    assert_eq!(reserved, placed.len(), "what is stored is what was answered");
    service.expect_agreement().await;
    wait(Duration::from_millis(500)).await;
    assert_eq!(service.printed().len(), lines, "nothing was left to print");
}

/// Stand-ins for tables that whoever reads them never comes to an end with.
const ENDLESS: &str = "WITH RECURSIVE endless(x) AS (SELECT 1 UNION ALL SELECT x FROM endless)";

#[actix_web::test]
async fn a_stop_ends_well_and_in_time_though_reads_of_the_store_and_the_printers_pipe_hang() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("every machine has mkfifo").success());
    // Both ends, so that opening does not wait; nothing is ever read.
    let reader = File::options().read(true).write(true).open(&pipe).expect("a pipe");
    let mut service = Service::with(&[("PRINTER__PATH", &pipe.display().to_string())]).await;
    service.stock_up("a", 1_000, 900).await;
    let mut order_id = String::new();
    for number in 0..500 {
        let order = json!({"user_id": "u", "items": [{"sku_id": "a", "quantity": 1}]});
        let placed = service.post("/orders", Some(&format!("k-{number}")), order).await;
        assert_eq!(placed.status, 201, "{placed:?}");
        order_id = placed.text("order_id");
    }
    let tables = Connection::open(service.data().join("floodgate.db")).expect("the database can be opened");
    let events = "0 AS id, hex(x) AS order_id, x AS version, '' AS event_type, 0 AS order_status, '' AS reason, \
        '' AS answered, '' AS create_by, 0 AS create_time";
    for (table, columns) in
        [("consumer_position", "'printer' AS consumer_group, x AS position"), ("order_event", events)]
    {
        let view = format!("CREATE VIEW {table} AS {ENDLESS} SELECT {columns} FROM endless WHERE x = 0");
        tables.execute_batch(&format!("DROP TABLE {table}; {view}")).expect("the table can be replaced");
    }
    let (address, token) = (service.address(), service.token());
    let request =
        format!("GET /orders/{order_id}/events HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut wire = Wire::open(&address).await.expect("it listens");
    let hung = wire.ask(&request);
    let stopping = async {
        wait(Duration::from_millis(200)).await;
        stop(&mut service).await
    };
    let (end, (status, taken)) = tokio::join!(hung, stopping);
    assert!(!matches!(end, End::Answered(_)), "a read that never ends is not answered: {end:?}");
    eprintln!("stopped within {taken:?}");
    assert!(status.success(), "{status} after {taken:?}");
    drop(reader);
}

/// Sends SIGTERM. Answers how the process ended, and after how long.
pub(crate) async fn stop(service: &mut Service) -> (ExitStatus, Duration) {
    let clock = SystemClock::start();
    service.terminate();
    loop {
        let taken = clock.now().monotonic.since(Monotonic::default());
        if let Some(status) = service.ended() {
            return (status, taken);
        }
        assert!(taken < 5 * PROMISED, "it has not stopped after {taken:?}");
        wait(Duration::from_millis(10)).await;
    }
}

/// Places orders until there is no service any more. Answers their ids.
async fn trade(
    client: usize,
    address: &str,
    token: &str,
    placed_in_all: &Cell<usize>,
    is_stopping: &Cell<bool>,
) -> Vec<String> {
    let mut placed = Vec::new();
    for connection in 0.. {
        let Ok(mut wire) = Wire::open(address).await else { return placed };
        for attempt in 0..50 {
            let key = format!("k-{client}-{connection}-{attempt}");
            let was_sent_before = !is_stopping.get();
            match wire.ask(&order(token, &key, &format!("u-{client}"), "a")).await {
                End::Answered(heard) => {
                    assert_eq!(heard.status, 201, "{heard:?}");
                    placed.push(heard.body["order_id"].as_str().expect("an order has an id").to_owned());
                    placed_in_all.set(placed_in_all.get() + 1);
                }
                // It was not begun, which is what the comparison with the store shows.
                End::Closed => {
                    assert!(!was_sent_before, "what was sent before the stop is answered");
                    break;
                }
                End::CutOff(text) => panic!("an answer was cut off: {text:?}"),
            }
        }
    }
    placed
}
