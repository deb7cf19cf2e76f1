//! Ten times more than the service takes on: who is too much hears so at once, the others are served, and nothing grows.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use actors::ports::Clock as _;
use floodgate::app::clock::SystemClock;
use futures_util::future::join_all;
use rusqlite::Connection;

use crate::service::{Service, wait};
use crate::wire::{End, Heard, Wire, order};

/// What the service takes in hand, and who ask at once.
const IN_HAND: usize = 100;
const CLIENTS: usize = 10 * IN_HAND;
/// How long everyone asks again and again.
const RUSH: Duration = Duration::from_secs(6);
/// Kilobytes that the process may grow by in the second half of that: far less than a request that is kept would need.
const GROWTH_MAX_KB: u64 = 32 * 1_024;

async fn start() -> Service {
    let service = Service::with(&[("LIMITS__IN_HAND", &IN_HAND.to_string())]).await;
    service.stock_up("a", 100_000_000, 900).await;
    service
}

async fn wires(service: &Service, count: usize) -> Vec<Wire> {
    let address = service.address();
    let opened = join_all((0..count).map(|_| Wire::open(&address))).await;
    opened.into_iter().map(|wire| wire.expect("the service takes connections")).collect()
}

fn answered(end: End) -> Heard {
    let End::Answered(heard) = end else { panic!("every request is answered, not {end:?}") };
    if heard.status == 503 {
        assert_eq!(heard.retry_after.as_deref(), Some("1"), "{heard:?}");
    }
    heard
}

#[actix_web::test]
async fn who_is_too_much_hears_so_while_the_store_still_hangs() {
    let service = start().await;
    let mut wires = wires(&service, CLIENTS).await;
    let token = service.token();
    // Nothing is committed while another holds the database.
    let database = Connection::open(service.data().join("floodgate.db")).expect("the database is there");
    database.execute_batch("BEGIN IMMEDIATE").expect("the database is free for a moment");
    let busy = RefCell::new(0_usize);
    let asked = join_all(wires.iter_mut().enumerate().map(|(client, wire)| {
        let (busy, token) = (&busy, &token);
        async move {
            let heard = answered(wire.ask(&order(token, &format!("k-{client}"), "u", "a")).await);
            *busy.borrow_mut() += usize::from(heard.code() == "busy");
            heard
        }
    }));
    let letting_go = async {
        // All but those in hand need not wait for the database. Where the machine is slow some in hand have run out of
        // time before the last ones ask, who then take their places.
        for _ in 0..100 {
            if *busy.borrow() >= CLIENTS - IN_HAND {
                break;
            }
            wait(Duration::from_millis(50)).await;
        }
        let told = *busy.borrow();
        database.execute_batch("ROLLBACK").expect("it was begun");
        told
    };
    let (heard, told) = tokio::join!(asked, letting_go);
    assert!(told >= CLIENTS - 2 * IN_HAND, "only {told} heard that they were too much while the database was held");
    assert!(heard.iter().all(|heard| matches!(heard.status, 201 | 503)), "{heard:?}");
    // It goes on as if nothing had been.
    let again = answered(wires[0].ask(&order(&token, "k-again", "u", "a")).await);
    assert_eq!(again.status, 201, "{again:?}");
    service.expect_agreement().await;
}

/// Has so many clients ask again and again. Answers how many heard what.
async fn rush(service: &Service, clients: usize, name: &str) -> BTreeMap<(u16, String), usize> {
    let (mut wires, token, clock) = (wires(service, clients).await, service.token(), SystemClock::start());
    let until = clock.now().monotonic.plus(RUSH);
    let heard = RefCell::new(BTreeMap::new());
    join_all(wires.iter_mut().enumerate().map(|(client, wire)| {
        let (heard, clock, token) = (&heard, &clock, &token);
        async move {
            for attempt in 0.. {
                if clock.now().monotonic >= until {
                    break;
                }
                let key = format!("{name}-{client}-{attempt}");
                let answer = answered(wire.ask(&order(token, &key, &format!("u-{client}"), "a")).await);
                *heard.borrow_mut().entry((answer.status, answer.code().to_owned())).or_default() += 1;
            }
        }
    }))
    .await;
    heard.into_inner()
}

#[actix_web::test]
async fn ten_times_too_many_are_told_so_the_others_are_served_and_memory_stays_flat() {
    let service = start().await;
    let served = |heard: &BTreeMap<(u16, String), usize>| heard.get(&(201, String::new())).copied().unwrap_or(0);
    let peak = rush(&service, IN_HAND / 2, "peak").await;
    let first = rush(&service, CLIENTS, "first").await;
    let before_kb = service.memory_kb();
    let second = rush(&service, CLIENTS, "second").await;
    let after_kb = service.memory_kb();
    eprintln!(
        "as many as it takes on: {peak:?}; ten times as many: {first:?}, {second:?}; {before_kb} to {after_kb} kB"
    );
    for heard in [&first, &second] {
        let codes: Vec<&(u16, String)> = heard.keys().collect();
        assert_eq!(codes, [&(201, String::new()), &(503, "busy".to_owned())]);
        assert!(served(heard) > IN_HAND, "those who are taken on are served: {heard:?}");
    }
    assert!(after_kb <= before_kb + GROWTH_MAX_KB, "{before_kb} kB grew to {after_kb} kB");
    let ordered = served(&peak) + served(&first) + served(&second);
    let reserved = usize::try_from(service.units("a").await.2).expect("a count");
    assert_eq!(reserved, ordered, "who heard 201 has a unit, and nobody else");
    service.expect_agreement().await;
}
