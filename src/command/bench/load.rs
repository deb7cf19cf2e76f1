//! Keeps a number of connections busy for a while, each with one request at a time.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Builder;
use std::time::Duration;

use actors::domain::time::Monotonic;
use actors::ports::Clock;
use futures_util::future::join_all;

use super::wire::{Answer, Connection};
use crate::command::Failure;

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To write the body back.
    Echo,
    /// To place an order, each under a key of its own and for a user of its own.
    Order,
}

/// The generator.
pub(super) struct Load<'a> {
    pub(super) address: SocketAddr,
    pub(super) token: &'a str,
    pub(super) sku_id: &'a str,
    pub(super) connections: u16,
    pub(super) clock: &'a dyn Clock,
    /// Numbers the requests of all rounds, so that each has a user and a key of its own.
    pub(super) next: &'a AtomicU64,
}

/// What came of a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    /// From the first request to the last answer.
    pub(super) elapsed: Duration,
    /// How long each success took, in microseconds.
    pub(super) times: Vec<u32>,
    /// Answers that say no, and answers that did not come.
    pub(super) failed: u64,
    /// The first of those.
    pub(super) failure: Option<String>,
}

impl Load<'_> {
    /// Runs one round on as many threads as there are cores.
    pub(super) fn round(&self, kind: Kind, duration: Duration) -> Result<Round, Failure> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(self.connections.into());
        let started = self.clock.now().monotonic;
        let until = started.plus(duration);
        let mut round = Round::default();
        let parts: io::Result<Vec<Round>> = std::thread::scope(|scope| {
            let start = |thread: usize| {
                // The first threads take what cannot be dealt out evenly.
                let share = (usize::from(self.connections) + threads - 1 - thread) / threads;
                Builder::new().name("load".to_owned()).spawn_scoped(scope, move || self.part(kind, share, until))
            };
            let running: Vec<_> = (0..threads).map(start).collect::<io::Result<_>>()?;
            let ended = |thread: std::thread::ScopedJoinHandle<'_, io::Result<Vec<Round>>>| {
                thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the load was lost")))
            };
            let parts: io::Result<Vec<_>> = running.into_iter().map(ended).collect();
            Ok(parts?.into_iter().flatten().collect())
        });
        for part in parts.map_err(|error| Failure::Work(format!("cannot put load on the service: {error}")))? {
            round.times.extend(part.times);
            round.failed += part.failed;
            round.failure = round.failure.or(part.failure);
        }
        round.elapsed = self.clock.now().monotonic.since(started);
        Ok(round)
    }

    fn part(&self, kind: Kind, connections: usize, until: Monotonic) -> io::Result<Vec<Round>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let driven = runtime.block_on(join_all((0..connections).map(|_| self.drive(kind, until))));
        driven.into_iter().collect()
    }

    async fn drive(&self, kind: Kind, until: Monotonic) -> io::Result<Round> {
        let mut connection = Connection::open(self.address).await?;
        let (mut round, mut request) = (Round::default(), Vec::new());
        let mut sent = self.clock.now().monotonic;
        while sent < until {
            self.write_request(kind, &mut request)?;
            let asked = connection.ask(&request).await;
            let answered = self.clock.now().monotonic;
            match asked {
                Ok(answer) if answer.is_success() => {
                    round.times.push(u32::try_from(answered.since(sent).as_micros()).unwrap_or(u32::MAX));
                }
                Ok(Answer { status, body }) => {
                    round.failed += 1;
                    round.failure.get_or_insert_with(|| format!("{status} {}", String::from_utf8_lossy(body)));
                }
                Err(error) => {
                    round.failed += 1;
                    round.failure.get_or_insert_with(|| error.to_string());
                    // What comes next on it may belong to the request before.
                    connection = Connection::open(self.address).await?;
                }
            }
            sent = answered;
        }
        Ok(round)
    }

    /// Both kinds send the same body; an order comes with what it needs besides.
    fn write_request(&self, kind: Kind, request: &mut Vec<u8>) -> io::Result<()> {
        let number = scatter(self.next.fetch_add(1, Ordering::Relaxed));
        let Self { token, sku_id, .. } = self;
        request.clear();
        match kind {
            Kind::Echo => write!(request, "POST /bench/echo HTTP/1.1\r\nHost: bench\r\n")?,
            Kind::Order => write!(
                request,
                "POST /orders HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
                 Idempotency-Key: {:016x}{number:016x}\r\n",
                scatter(number)
            )?,
        }
        let length = ORDER_BYTES + sku_id.len();
        write!(
            request,
            "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n\
             {{\"items\":[{{\"sku_id\":\"{sku_id}\",\"quantity\":1}}],\"user_id\":\"u{number:016x}\",\"source\":\"bench\"}}"
        )
    }
}

/// Bytes of an order's body without the SKU's id.
const ORDER_BYTES: usize =
    r#"{"items":[{"sku_id":"","quantity":1}],"user_id":"u0123456789abcdef","source":"bench"}"#.len();

/// Users and keys come in no order, as they would: numbers that follow each other are sent far apart, each to a place of
/// its own (the finish of splitmix64, which is a bijection).
const fn scatter(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::clock::SystemClock;

    #[test]
    fn a_request_announces_the_length_its_body_has_and_no_two_orders_are_alike() {
        let clock = SystemClock::start();
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let next = AtomicU64::new(0);
        let load = Load { address, token: "t", sku_id: "hot", connections: 1, clock: &clock, next: &next };
        let mut seen = std::collections::HashSet::new();
        for kind in [Kind::Echo, Kind::Order, Kind::Order] {
            let mut request = Vec::new();
            load.write_request(kind, &mut request).expect("a vector takes all");
            let request = String::from_utf8(request).expect("it is text");
            let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{request}");
            assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{body}");
            assert!(seen.insert(request));
        }
    }
}
