//! The one way to Redis: every call has a deadline, is counted and told, and is not made while Redis does not answer.

use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actors::ports::{Clock, LedgerError};
use futures_util::future::{BoxFuture, Either, select};
use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind};

use super::claim::Claim;
use super::connection::{Connection, Connections};
use super::health::Health;
use super::{CALL_DEADLINE, ConfigurationError, RedisOptions, RedisWorld};
use crate::calls::CallCounts;

/// See the module.
pub(super) struct Caller {
    connections: Connections,
    pub(super) claim: Claim,
    pub(super) health: Arc<Health>,
    clock: Arc<dyn Clock>,
    pub(super) calls: Arc<CallCounts>,
}

/// What a failed call tells.
struct Failure {
    problem: String,
    /// Whether it is Redis that fails, and not this one call.
    is_outage: bool,
}

impl Caller {
    pub(super) fn new(options: &RedisOptions, world: &RedisWorld) -> Result<Self, ConfigurationError> {
        let health = Arc::new(Health::new());
        let claim = Claim::new(options.prefix.clone(), options.shop.clone(), Arc::clone(&health));
        let connections = Connections::new(options, claim.clone(), Arc::clone(&health), &world.runtime)
            .map_err(|error| ConfigurationError(error.to_string()))?;
        let clock = Arc::clone(&world.clock);
        Ok(Self { connections, claim, health, clock, calls: Arc::new(CallCounts::of("redis")) })
    }

    /// Calls Redis, unless it does not answer: then it fails at once. The call is about `tag`.
    pub(super) async fn call<T: Debug>(
        &self,
        name: &'static str,
        tag: &str,
        arguments: &impl Debug,
        work: impl for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, RedisResult<T>>,
    ) -> Result<T, LedgerError> {
        if !self.health.is_up() {
            self.calls.spare(name);
            return Err(LedgerError("redis did not answer before, and is not asked until it does".to_owned()));
        }
        self.call_anyway(name, tag, arguments, work).await
    }

    /// Calls Redis, whether it answers or not.
    pub(super) async fn call_anyway<T: Debug>(
        &self,
        name: &'static str,
        tag: &str,
        arguments: &impl Debug,
        work: impl for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, RedisResult<T>>,
    ) -> Result<T, LedgerError> {
        let started = self.clock.now().monotonic;
        let generation = self.health.generation.load(Ordering::Relaxed);
        let result = self.within_deadline(work).await;
        let elapsed = self.clock.now().monotonic.since(started);
        self.calls.note(name, result.is_ok(), elapsed);
        match result {
            Ok(answer) => {
                tracing::debug!(call = name, tag, ?arguments, result = ?answer, ?elapsed, "redis");
                Ok(answer)
            }
            Err(Failure { problem, is_outage }) => {
                tracing::debug!(call = name, tag, ?arguments, error = problem, ?elapsed, "redis");
                match is_outage {
                    true => self.health.fail(generation, tag, &problem),
                    false => tracing::warn!(call = name, tag, error = problem, "one call of redis failed"),
                }
                Err(LedgerError(problem))
            }
        }
    }

    async fn within_deadline<T>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, RedisResult<T>>,
    ) -> Result<T, Failure> {
        let started = self.clock.now().monotonic;
        let mut patience = self.clock.sleep(CALL_DEADLINE);
        let is_crowded = self.connections.are_in_use();
        let mut connection = match select(pin!(self.connections.get()), &mut patience).await {
            Either::Left((Ok(connection), _)) => connection,
            Either::Left((Err(_), _)) | Either::Right(_) if self.connections.are_in_use() => {
                return Err(Failure::crowded());
            }
            Either::Left((Err(problem), _)) => return Err(Failure { problem, is_outage: true }),
            Either::Right(_) => return Err(Failure::late()),
        };
        let waited = self.clock.now().monotonic.since(started);
        match select(work(&mut connection), patience).await {
            Either::Left((result, _)) => result.map_err(|error| Failure::of(&error)),
            // Redis had little time for it.
            Either::Right(_) if is_crowded && waited > CALL_DEADLINE / 2 => Err(Failure::crowded()),
            Either::Right(_) => Err(Failure::late()),
        }
    }
}

impl Failure {
    fn late() -> Self {
        Self { problem: format!("no answer within {CALL_DEADLINE:?}"), is_outage: true }
    }

    /// Other calls have all the connections. Whether Redis answers, they find out.
    fn crowded() -> Self {
        Self { problem: format!("no connection was free within {CALL_DEADLINE:?}"), is_outage: false }
    }

    fn of(error: &RedisError) -> Self {
        // What is said of one key or one script would be said again; anything else may be over soon.
        let is_of_this_call = match error.kind() {
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => true,
            ErrorKind::Server(kind) => matches!(kind, ServerErrorKind::ResponseError | ServerErrorKind::CrossSlot),
            ErrorKind::Extension => error.code() == Some("WRONGTYPE"),
            _ => false,
        };
        Self { problem: error.to_string(), is_outage: !is_of_this_call }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::runtime::Handle;

    use super::super::CONNECTIONS_MAX;
    use super::*;
    use crate::app::clock::SystemClock;
    use crate::backend::shop::ShopId;

    /// A server that says yes to everything, and that all it has is ours.
    async fn agree(mut stream: TcpStream) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes).await {
            let asked = String::from_utf8_lossy(&bytes[..count]).into_owned();
            let answer = |command: &str| if command.contains("\r\nGET\r\n") { "$4\r\nours\r\n" } else { "+OK\r\n" };
            let answers: String = asked.split('*').skip(1).map(answer).collect();
            stream.write_all(answers.as_bytes()).await.expect("it is read");
        }
    }

    #[actix_web::test]
    async fn who_waits_for_a_connection_in_vain_tells_of_no_outage() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(agree(stream));
            }
        });
        let options = RedisOptions {
            nodes: vec![("127.0.0.1".to_owned(), port)],
            is_cluster: false,
            is_tls: false,
            user: None,
            password: None,
            database: 0,
            prefix: "t:".to_owned(),
            shop: ShopId::known("ours"),
            node: "n1".to_owned(),
        };
        let clock = Arc::new(SystemClock::start());
        let world = RedisWorld { runtime: Handle::current(), clock: Arc::clone(&clock) as Arc<dyn Clock> };
        let caller = Caller::new(&options, &world).expect("good options");
        let hold = async |before: Duration| {
            clock.sleep(before).await;
            let held = clock.sleep(CALL_DEADLINE * 7 / 8);
            let work = async move {
                held.await;
                Ok(())
            };
            caller.call("hold", "", &(), |_| Box::pin(work)).await
        };
        let all = CONNECTIONS_MAX as usize;
        // The second ones have a connection when there is no time left for the call, the third ones have none.
        let first = join_all((0..all).map(|_| hold(Duration::ZERO)));
        let others = join_all((0..2 * all).map(|_| hold(CALL_DEADLINE / 4)));
        let (first, others) = futures_util::future::join(first, others).await;
        assert!(first.iter().all(Result::is_ok), "{first:?}");
        let told = "no connection was free within 400ms";
        assert!(others.iter().all(|other| *other == Err(LedgerError(told.to_owned()))), "{others:?}");
        assert!(caller.health.is_up(), "redis answers all the while");
        serving.abort();
    }
}
