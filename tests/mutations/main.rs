//! Requests of every kind, made from the service's own document and then mutated, sent through the real handlers in
//! process: none may end in a panic or in a 5xx but 503, and each answer must be one that the document names.
//!
//! `REQUESTS=1000000 cargo test --test mutations` sends a million, `SEED=7` other ones; `FLOODGATE_TEST_STACK=full` sends
//! them to a service on MySQL, Redis and Kafka.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test it stands in")]

mod answer;
mod document;
mod draw;
mod judge;
mod memory;
mod mutate;
#[path = "../contract/mysql_database.rs"]
mod mysql_database;
mod request;
mod shop;
#[path = "../api/stack.rs"]
mod stack;

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::rt::time::timeout;
use fastrand::Rng;
use futures_util::StreamExt as _;
use futures_util::future::FutureExt as _;
use futures_util::stream;

use document::Document;
use draw::Draw;
use judge::Tally;
use memory::Memory;
use shop::Shop;

/// Requests of a run, if `REQUESTS` says nothing: seconds' worth.
const REQUESTS: usize = 40_000;
/// Requests in flight at a time.
const IN_FLIGHT: usize = 32;
/// No answer takes longer. A body has 5 s to arrive, and all of these have.
const PATIENCE: Duration = Duration::from_secs(20);
/// One of so many requests is left as it was drawn, to find its way to the bottom.
const UNHARMED: usize = 3;

/// Panics on whatever thread; most would be caught, and an actor's successor put in its place.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn number(name: &str, default: usize) -> usize {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn count_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        tell(panic);
    }));
}

/// What a run knows and gathers, shared by the requests in flight.
struct Run {
    rng: Rng,
    memory: Memory,
    tally: Tally,
}

#[actix_web::test]
async fn no_request_however_mutated_breaks_the_service() {
    count_panics();
    let (requests, seed) = (number("REQUESTS", REQUESTS), number("SEED", 1) as u64);
    let document = Document::read();
    let shop = Shop::open().await;
    let memory = Memory::with(shop.callers().await);
    let run = RefCell::new(Run { rng: Rng::with_seed(seed), memory, tally: Tally::default() });
    let answered = stream::iter(0..requests).map(|index| {
        let mut drawing = run.borrow_mut();
        let Run { rng, memory, .. } = &mut *drawing;
        let mut request = Draw::new(&document, memory, rng).request();
        if rng.usize(0..UNHARMED) != 0 {
            mutate::harm(&mut request, memory, rng);
        }
        drop(drawing);
        let (shop, document, run) = (&shop, &document, &run);
        async move {
            let case = || format!("request {index} of seed {seed}: {request:?}");
            let answered = AssertUnwindSafe(timeout(PATIENCE, shop.send(&request))).catch_unwind().await;
            let answered = answered.unwrap_or_else(|_| panic!("its handler panicked: {}", case()));
            let answer = answered.unwrap_or_else(|_| panic!("no answer: {}", case()));
            // What could not be written as a request is none.
            let Some(answer) = answer else { return };
            if let Err(problem) = judge::judge(document, &answer) {
                panic!("{problem}: {}\n{answer:?}", case());
            }
            let mut gathering = run.borrow_mut();
            gathering.memory.learn(&answer);
            gathering.tally.count(&answer);
        }
    });
    answered.buffer_unordered(IN_FLIGHT).collect::<()>().await;
    let Run { tally, .. } = run.into_inner();
    println!("seed {seed}: {tally}");
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "something panicked and was caught");
    tally.assert_depth(&document, requests);
    shop.assert_sound().await;
}
