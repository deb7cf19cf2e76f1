//! An OpenTelemetry collector: takes spans as OTLP, in JSON over plain HTTP.
//!
//! The protocol is small and settled, and its crates would be a fifth of the build, so its one message is written here.

mod span;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use awc::Client;
use futures_util::future::{Either, select};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::trace::{Served, Tracer};

/// Spans that may wait for the collector. More are dropped: a slow collector costs spans, never orders.
const WAITING_MAX: usize = 4_096;
/// Spans of one call.
const BATCH_MAX: usize = 512;
/// How long the collector may take for a call.
const CALL_DEADLINE: Duration = Duration::from_secs(1);

/// Takes what is to be told; a task tells it.
pub struct OtlpTracer {
    waiting: mpsc::Sender<Served>,
    dropped: Arc<AtomicU64>,
}

impl Tracer for OtlpTracer {
    fn served(&self, served: Served) {
        if served.origin.is_none_or(|origin| origin.is_recorded) && self.waiting.try_send(served).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The task that tells the collector.
pub struct OtlpExporter {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl OtlpExporter {
    /// Begins to tell the collector at `endpoint`, as the node of this name. Call it inside an actix `System`.
    pub fn start(endpoint: &str, node: &str) -> (OtlpTracer, Self) {
        let (waiting, served) = mpsc::channel(WAITING_MAX);
        let (stop, stopped) = oneshot::channel();
        let dropped = Arc::<AtomicU64>::default();
        let collector = Collector {
            client: Client::builder().timeout(CALL_DEADLINE).finish(),
            url: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
            node: node.to_owned(),
            dropped: Arc::clone(&dropped),
            is_reached: true,
        };
        let task = actix_web::rt::spawn(collector.tell(served, stopped));
        (OtlpTracer { waiting, dropped }, Self { stop, task })
    }

    /// Tells what still waits, as long as the collector takes it, and until the time is up.
    pub async fn finish(self, time_is_up: impl Future<Output = ()>) {
        let Self { stop, mut task } = self;
        drop(stop);
        match select(&mut task, pin!(time_is_up)).await {
            Either::Left((Ok(()), _)) => {}
            Either::Left((Err(_), _)) => tracing::error!("the task that tells of traces ended in a panic"),
            Either::Right(_) => {
                task.abort();
                tracing::warn!("the collector takes too long, some spans are lost");
            }
        }
    }
}

struct Collector {
    client: Client,
    url: String,
    node: String,
    dropped: Arc<AtomicU64>,
    /// Whether it took the latest batch. Only a change is worth a line.
    is_reached: bool,
}

impl Collector {
    async fn tell(mut self, mut served: mpsc::Receiver<Served>, mut stopped: oneshot::Receiver<()>) {
        let mut batch = Vec::new();
        loop {
            let next = select(Box::pin(served.recv_many(&mut batch, BATCH_MAX)), &mut stopped).await;
            let is_over = matches!(next, Either::Left((0, _)) | Either::Right(_));
            drop(next);
            if is_over {
                break;
            }
            self.call(&mut batch).await;
        }
        while self.is_reached {
            batch.extend(std::iter::from_fn(|| served.try_recv().ok()).take(BATCH_MAX));
            if batch.is_empty() {
                break;
            }
            self.call(&mut batch).await;
        }
    }

    /// Tells of a batch, which is gone then, whether it was taken or not.
    async fn call(&mut self, batch: &mut Vec<Served>) {
        let count = batch.len();
        let outcome = match span::document(&self.node, batch.drain(..)) {
            Ok(document) => self.post(&document).await,
            Err(error) => Err(format!("the system gives no random numbers: {error}")),
        };
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        let is_reached = outcome.is_ok();
        match outcome {
            Ok(()) if dropped > 0 => tracing::warn!(dropped, "more spans than the collector takes"),
            Ok(()) if !self.is_reached => tracing::info!(url = self.url, "the collector takes spans again"),
            Ok(()) => tracing::debug!(url = self.url, spans = count, "told of spans"),
            Err(error) if self.is_reached => {
                tracing::warn!(url = self.url, %error, spans = count, dropped, "the collector takes no spans, they are lost");
            }
            Err(error) => tracing::debug!(url = self.url, %error, spans = count, dropped, "spans lost"),
        }
        self.is_reached = is_reached;
    }

    async fn post(&self, document: &Value) -> Result<(), String> {
        let answer = self.client.post(&self.url).send_json(document).await.map_err(|error| error.to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("it answers {}", answer.status())) }
    }
}

/// A list of attributes.
fn attributes(named: &[(&str, Value)]) -> Value {
    named.iter().map(|(name, value)| json!({"key": name, "value": value})).collect()
}

fn text(text: &str) -> Value {
    json!({"stringValue": text})
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;

    use actors::domain::time::Timestamp;
    use actors::ports::Clock as _;

    use super::*;
    use crate::app::clock::SystemClock;

    /// A collector that takes what it is sent, but half the deadline later.
    fn slow_collector() -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let collect = move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.expect("a connection"));
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let (_, rest) = head.split_once("content-length: ").expect("a length");
                let length: u64 = rest.lines().next().expect("a line").parse().expect("a number");
                std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink()).expect("the body is sent whole");
                std::thread::sleep(CALL_DEADLINE / 2);
                let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                // Whoever asked may have gone.
                let _ = reader.get_mut().write_all(answer);
            }
        };
        std::thread::Builder::new().spawn(collect).expect("a thread");
        format!("http://{address}")
    }

    #[actix_web::test]
    async fn a_slow_collector_is_told_until_the_time_is_up_and_no_longer() {
        let (tracer, exporter) = OtlpExporter::start(&slow_collector(), "n-1");
        for number in 0..WAITING_MAX {
            tracer.served(Served {
                origin: None,
                method: Some("GET"),
                route: "/skus",
                status: 200,
                code: "ok",
                request_id: number.to_string(),
                started: Timestamp::from_millis(0),
                elapsed: Duration::ZERO,
            });
        }
        let clock = SystemClock::start();
        exporter.finish(clock.sleep(CALL_DEADLINE)).await;
        let taken = clock.now().monotonic.since(Default::default());
        assert!(taken >= CALL_DEADLINE && taken < CALL_DEADLINE * 3, "{taken:?}");
    }
}
