//! Whether Kafka answers, by what came of the latest calls. Each kind of call is looked at apart: who may not send may be
//! told of topics all the same, and a group that may not commit must not keep events from being published.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actors::domain::time::Monotonic;

/// How often something is sent to find out whether it is taken again.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Health {
    /// Asking for the topic of events, and making it.
    pub(super) asking: Side,
    /// Sending events.
    pub(super) sending: Side,
    /// The membership in the group.
    pub(super) reading: Side,
    /// The topic of dead letters. Nothing else waits for it.
    pub(super) letter_topic: Side,
    /// Sending dead letters.
    pub(super) letters: Side,
}

/// One of them.
pub(super) struct Side {
    is_well: AtomicBool,
    problem: Mutex<String>,
    probed_at: Mutex<Option<Monotonic>>,
    /// What is told when it fails, and when it is well again.
    told: (&'static str, &'static str),
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            asking: Side::new("kafka does not answer, so order events wait until it does", "kafka answers again"),
            sending: Side::new(
                "kafka takes no order events, so they wait until it does",
                "kafka takes order events again",
            ),
            reading: Side::new("kafka does not let the consumer group go on", "the consumer group goes on"),
            letter_topic: Side::new("kafka has no topic for dead letters", "kafka has a topic for dead letters"),
            letters: Side::new("kafka takes no dead letters", "kafka takes dead letters again"),
        }
    }

    /// What is wrong with the stream, if anything is known to be.
    pub(super) fn problem(&self) -> Option<String> {
        [&self.asking, &self.sending, &self.reading].into_iter().find_map(Side::problem)
    }

    /// Takes note that it tells of the topic of events. If it did not before, it was away, and what was not taken
    /// meanwhile tells nothing of the time after; otherwise only a send tells whether sending goes.
    pub(super) fn mend_asking(&self) {
        if self.asking.mend() {
            self.sending.mend();
            self.letters.mend();
        }
    }
}

impl Side {
    fn new(failed: &'static str, mended: &'static str) -> Self {
        let told = (failed, mended);
        Self { is_well: AtomicBool::new(true), problem: Mutex::default(), probed_at: Mutex::new(None), told }
    }

    /// What is wrong, if anything is known to be.
    pub(super) fn problem(&self) -> Option<String> {
        let is_well = self.is_well.load(Ordering::Relaxed);
        (!is_well).then(|| self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The same, but every now and then it is as if nothing were wrong: whoever asked then finds out.
    pub(super) fn problem_or_probe(&self, now: Monotonic) -> Option<String> {
        let problem = self.problem()?;
        let mut probed_at = self.probed_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = probed_at.is_none_or(|at| now.since(at) >= PROBE_PAUSE);
        if is_due {
            *probed_at = Some(now);
        }
        (!is_due).then_some(problem)
    }

    /// Takes note of a call that Kafka did not answer.
    pub(super) fn fail(&self, problem: &str) {
        problem.clone_into(&mut self.problem.lock().unwrap_or_else(PoisonError::into_inner));
        if self.is_well.swap(false, Ordering::Relaxed) {
            tracing::warn!(problem, "{}", self.told.0);
        }
    }

    /// Takes note of a call that it answered. Whether that is news.
    pub(super) fn mend(&self) -> bool {
        let is_news = !self.is_well.swap(true, Ordering::Relaxed);
        if is_news {
            tracing::info!("{}", self.told.1);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_send_told_stays_until_a_send_succeeds_or_an_outage_is_over() {
        let health = Health::new();
        health.sending.fail("not authorized");
        health.mend_asking();
        assert_eq!(health.problem().as_deref(), Some("not authorized"));
        health.sending.mend();
        assert_eq!(health.problem(), None);
        health.sending.fail("timed out");
        health.asking.fail("no answer");
        health.sending.mend();
        assert_eq!(health.problem().as_deref(), Some("no answer"), "a send does not mend what a look told");
        health.sending.fail("timed out");
        health.mend_asking();
        assert_eq!(health.problem(), None);
    }

    #[test]
    fn one_send_a_second_finds_out_whether_it_is_taken_again() {
        let (health, at) = (Health::new(), |ms| Monotonic::since_start(Duration::from_millis(ms)));
        let is_let_through = |ms| health.sending.problem_or_probe(at(ms)).is_none();
        assert!(is_let_through(0) && is_let_through(1));
        health.sending.fail("not authorized");
        let let_through: Vec<u64> = (10..=3_010).step_by(250).filter(|ms| is_let_through(*ms)).collect();
        assert_eq!(let_through, [10, 1_010, 2_010, 3_010]);
    }

    #[test]
    fn dead_letters_that_are_not_taken_keep_no_event_waiting() {
        let health = Health::new();
        health.letter_topic.fail("not authorized");
        health.letters.fail("not authorized");
        assert_eq!(health.problem(), None);
    }
}
