//! What clients tell by themselves: their log lines become ours.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// A client that has nothing to do but to tell.
pub(super) struct Teller;

impl ClientContext for Teller {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        tell(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tell_error(&error, reason);
    }
}

impl ConsumerContext for Teller {}

/// Tells a line of the client's log. No line has a credential unless the client's own debugging is on, which it is not.
pub(super) fn tell(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        // The service goes on, and says by itself what it goes on without.
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(facility, line, "the kafka client says");
        }
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => tracing::info!(facility, line, "the kafka client says"),
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::debug!(facility, line, "the kafka client says"),
    }
}

/// Tells what went wrong inside the client. Whether it matters, calls find out.
pub(super) fn tell_error(error: &KafkaError, reason: &str) {
    tracing::debug!(%error, reason, "the kafka client errs");
}
