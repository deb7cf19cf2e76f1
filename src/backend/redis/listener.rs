//! Listens, on a connection of its own, to what is told of newer levels. What is missed costs a second: one reserve a
//! second passes a sold-out flag anyhow.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::ports::{Clock, Hear, StockSignal};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use redis::{Client, ErrorKind, RedisResult};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::health::Health;
use super::{CALL_DEADLINE, ConfigurationError, RedisOptions, RedisWorld};

/// How often it is looked whether the connection still is one.
const PING_PAUSE: Duration = Duration::from_secs(1);
/// How long it waits before it connects again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(250);

/// Whom to listen to, and on what channel.
#[derive(Clone)]
pub(super) struct Listener {
    /// In a cluster every node tells what is told to any.
    nodes: Vec<Client>,
    channel: String,
    health: Arc<Health>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
}

impl Listener {
    pub(super) fn new(
        options: &RedisOptions,
        world: &RedisWorld,
        channel: String,
        health: Arc<Health>,
    ) -> Result<Self, ConfigurationError> {
        let open = |error: redis::RedisError| ConfigurationError(error.to_string());
        let nodes = options.connections().map_err(open)?.into_iter().map(Client::open);
        let nodes = nodes.collect::<RedisResult<Vec<_>>>().map_err(open)?;
        Ok(Self { nodes, channel, health, clock: Arc::clone(&world.clock), runtime: world.runtime.clone() })
    }

    async fn listen(self, hear: Hear) {
        for node in self.nodes.iter().cycle() {
            if let Err(error) = self.listen_to(node, &hear).await {
                tracing::debug!(%error, "redis is not heard, so it is tried again");
            }
            self.clock.sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn listen_to(&self, node: &Client, hear: &Hear) -> RedisResult<()> {
        let mut pubsub = self.in_time(node.get_async_pubsub()).await?;
        self.in_time(pubsub.subscribe(&self.channel)).await?;
        let (mut sink, mut signals) = pubsub.split();
        loop {
            match select(signals.next(), self.clock.sleep(PING_PAUSE)).await {
                // Another shop's news is none of ours.
                Either::Left((Some(_), _)) if self.health.is_foreign() => {}
                Either::Left((Some(message), _)) => match parsed(message.get_payload_bytes()) {
                    Some(signal) => hear(signal),
                    None => tracing::debug!(channel = self.channel, "something else is told"),
                },
                Either::Left((None, _)) => return Ok(()),
                Either::Right(_) => {
                    self.in_time(sink.ping::<redis::Value>()).await?;
                }
            }
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        match select(pin!(work), self.clock.sleep(CALL_DEADLINE)).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err((ErrorKind::Client, "no answer in time").into()),
        }
    }
}

/// Reads `SKU version available`.
fn parsed(told: &[u8]) -> Option<StockSignal> {
    let mut words = std::str::from_utf8(told).ok()?.split(' ');
    let mut word = || words.next();
    Some(StockSignal {
        sku_id: word()?.parse().ok()?,
        version: word()?.parse().ok()?,
        available: word()?.parse().ok()?,
    })
}

/// The tasks that listen. They end with this.
pub(super) struct Listeners {
    listener: Listener,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Listeners {
    pub(super) fn new(listener: Listener) -> Self {
        Self { listener, tasks: Mutex::default() }
    }

    pub(super) fn add(&self, hear: Hear) {
        let listening = self.listener.clone().listen(hear);
        let task = self.listener.runtime.spawn(listening).abort_handle();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner).iter().for_each(AbortHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read() {
        let signal = |version, available| Some(StockSignal { sku_id: "a".parse().expect("an id"), version, available });
        let table = [
            ("a 7 3", signal(7, 3)),
            ("a 7 -3", signal(7, -3)),
            ("a 7", None),
            ("a -7 3", None),
            ("", None),
            ("a b c", None),
        ];
        for (told, wanted) in table {
            assert_eq!(parsed(told.as_bytes()), wanted, "{told}");
        }
    }
}
