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
                    false => tracing::warn!(call = name, tag, error = problem, "redis refuses a call"),
                }
                Err(LedgerError(problem))
            }
        }
    }

    async fn within_deadline<T>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, RedisResult<T>>,
    ) -> Result<T, Failure> {
        let call = pin!(async {
            let got = self.connections.get().await;
            let mut connection = got.map_err(|problem| Failure { problem, is_outage: true })?;
            work(&mut connection).await.map_err(|error| Failure::of(&error))
        });
        match select(call, self.clock.sleep(CALL_DEADLINE)).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(Failure::late()),
        }
    }
}

impl Failure {
    fn late() -> Self {
        Self { problem: format!("no answer within {CALL_DEADLINE:?}"), is_outage: true }
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
