//! SIGTERM under load: what was begun is finished, every event is printed, and the process ends well and soon.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use actors::ports::Clock as _;
use floodgate::app::clock::SystemClock;
use futures_util::future::join_all;

use crate::service::{Service, wait};
use crate::wire::{End, Wire, order};

/// How long a stop may take. Real runs get five times as long before they fail.
const PROMISED: Duration = Duration::from_secs(15);
const CLIENTS: usize = 100;

#[actix_web::test]
async fn a_stop_under_load_cuts_nothing_off_and_prints_every_event() {
    let mut service = Service::start().await;
    service.stock_up("a", 1_000_000, 900).await;
    let (address, token, clock) = (service.address(), service.token(), SystemClock::start());
    let (placed_before, is_stopping) = (Cell::new(0_usize), Cell::new(false));
    // Connections that nobody uses do not hold up the stop.
    let idle = join_all((0..20).map(|_| Wire::open(&address))).await;
    let trading = join_all((0..CLIENTS).map(|client| trade(client, &address, &token, &placed_before, &is_stopping)));
    let stopping = async {
        while placed_before.get() < 500 {
            wait(Duration::from_millis(10)).await;
        }
        is_stopping.set(true);
        service.terminate();
        let since = clock.now().monotonic;
        loop {
            if let Some(status) = service.ended() {
                return (status, clock.now().monotonic.since(since));
            }
            let taken = clock.now().monotonic.since(since);
            assert!(taken < 5 * PROMISED, "it has not stopped after {taken:?}");
            wait(Duration::from_millis(10)).await;
        }
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
