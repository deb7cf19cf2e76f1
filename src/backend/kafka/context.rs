//! What clients tell by themselves: their log lines become ours, and their last trouble says more than an error code.

use std::sync::{Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What the client calls lines about connections that fail. It writes them again and again while a broker is away.
const FAILED_CONNECTION: &str = "FAIL";

/// A client that has nothing to do but to tell.
#[derive(Default)]
pub(super) struct Teller {
    trouble: Mutex<Option<String>>,
}

impl Teller {
    /// What went wrong since it was asked last, in the client's words.
    pub(super) fn take_trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Teller {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        tell(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the kafka client errs");
        // That all brokers are down says less than what was said of the last one.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            return;
        }
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }
}

impl ConsumerContext for Teller {}

/// Tells a line of the client's log. No line has a credential unless the client's own debugging is on, which it is not.
pub(super) fn tell(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        // That Kafka is away is told once, by who finds it out.
        _ if facility == FAILED_CONNECTION => tracing::debug!(facility, line, "the kafka client says"),
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(facility, line, "the kafka client says");
        }
        RDKafkaLogLevel::Warning => tracing::info!(facility, line, "the kafka client says"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(facility, line, "the kafka client says");
        }
    }
}
