//! The one way to Kafka: every call is counted and told, and what came of it says whether Kafka answers.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use actors::ports::{Clock, StreamError};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::health::{Health, Side};
use crate::calls::CallCounts;

/// See the module.
pub(super) struct Caller {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) health: Health,
    pub(super) calls: Arc<CallCounts>,
}

/// What a failed call tells.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) problem: String,
    /// Whether it is Kafka that fails, and not this one message.
    pub(super) is_outage: bool,
    /// Whether nothing at all came of it in time.
    pub(super) is_late: bool,
    /// Whether it is too large a message.
    pub(super) is_too_large: bool,
    /// Whether the client is of no use any more.
    pub(super) is_fatal: bool,
}

impl Caller {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, health: Health::new(), calls: Arc::new(CallCounts::of("kafka")) }
    }

    /// Calls Kafka. The client has its own deadline.
    pub(super) async fn call<T: Debug>(
        &self,
        side: &Side,
        name: &'static str,
        arguments: &impl Debug,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let started = self.clock.now().monotonic;
        let result = work.await;
        self.note(Some(side), name, arguments, &result, self.clock.now().monotonic.since(started));
        result
    }

    /// The same on a thread that may be held up. Without a side, what came of it alone tells nothing of one.
    pub(super) fn call_blocking<T: Debug>(
        &self,
        side: Option<&Side>,
        name: &'static str,
        arguments: &impl Debug,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let started = self.clock.now().monotonic;
        let result = work();
        self.note(side, name, arguments, &result, self.clock.now().monotonic.since(started));
        result
    }

    /// Takes note of a call that was made.
    pub(super) fn note<T: Debug>(
        &self,
        side: Option<&Side>,
        name: &'static str,
        arguments: &impl Debug,
        result: &Result<T, Failure>,
        elapsed: Duration,
    ) {
        self.calls.note(name, result.is_ok(), elapsed);
        match result {
            Ok(answer) => {
                tracing::debug!(call = name, ?arguments, result = ?answer, ?elapsed, "kafka");
                side.map(Side::mend);
            }
            Err(Failure { problem, is_outage, .. }) => {
                tracing::debug!(call = name, ?arguments, error = problem, ?elapsed, "kafka");
                match is_outage {
                    true => side.into_iter().for_each(|side| side.fail(problem)),
                    false => tracing::warn!(call = name, error = problem, "one call of kafka failed"),
                }
            }
        }
    }
}

impl Failure {
    /// Kafka did not do it, and would not do anything else either.
    pub(super) fn outage(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), is_outage: true, is_late: false, is_too_large: false, is_fatal: false }
    }

    /// The same failure, told in other words.
    pub(super) fn told(self, problem: String) -> Self {
        Self { problem, ..self }
    }
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        use RDKafkaErrorCode as Code;
        let Some(code) = error.rdkafka_error_code() else { return Self::outage(error.to_string()) };
        // What is said of one message would be said again; and a group that is being divided anew is well.
        let is_of_this_call = matches!(
            code,
            Code::MessageSizeTooLarge
                | Code::InvalidMessageSize
                | Code::InvalidRecord
                | Code::RebalanceInProgress
                | Code::IllegalGeneration
                | Code::UnknownMemberId
                | Code::NoOffset
        );
        let is_fatal = matches!(code, Code::Fatal) || matches!(error, KafkaError::MessageConsumptionFatal(_));
        let is_too_large = matches!(code, Code::MessageSizeTooLarge);
        let is_late = matches!(code, Code::MessageTimedOut);
        Self { problem: words(code), is_outage: !is_of_this_call, is_late, is_too_large, is_fatal }
    }
}

/// What an error code says, without its name.
pub(super) fn words(code: RDKafkaErrorCode) -> String {
    let told = code.to_string();
    let words = told.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
    words.unwrap_or(&told).to_owned()
}

impl From<Failure> for StreamError {
    fn from(failure: Failure) -> Self {
        Self(failure.problem)
    }
}
