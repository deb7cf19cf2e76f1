//! A member of the consumer group, on a thread of its own: it fetches ahead of who asks, commits what is done, and hands
//! its partitions over in order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use actors::domain::time::Monotonic;
use actors::ports::Place;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::{Notify, watch};

use super::call::{Caller, Failure, words};
use super::context::tell;
use super::hand::{Hand, Raw};
use super::letter::{self, REPLAY, SHOP};
use super::options::KafkaOptions;

/// How long is waited for a message before anything else is looked after.
const POLL: Duration = Duration::from_millis(50);
/// Messages that are taken before anything else is looked after.
const BATCH_MAX: usize = 256;
/// How long whoever has enough in hand may take to get some of it done, before no more is fetched.
const FULL_PATIENCE: Duration = Duration::from_millis(250);
/// How often what is done is committed.
const COMMIT_PAUSE: Duration = Duration::from_millis(100);
/// How long is waited before a member that broke down joins again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What the thread shares with who asks for messages.
pub(super) struct Reading {
    pub(super) options: KafkaOptions,
    pub(super) caller: Arc<Caller>,
    pub(super) has_topic: watch::Receiver<bool>,
    pub(super) is_stopping: Arc<AtomicBool>,
    hand: Mutex<Hand>,
    /// Something was done.
    is_less: Condvar,
    /// Something came.
    pub(super) is_more: Notify,
    /// Since when a commit is on its way.
    committing: Mutex<Option<Monotonic>>,
}

impl Reading {
    pub(super) fn new(
        options: KafkaOptions,
        caller: Arc<Caller>,
        has_topic: watch::Receiver<bool>,
        is_stopping: Arc<AtomicBool>,
    ) -> Self {
        Self {
            options,
            caller,
            has_topic,
            is_stopping,
            hand: Mutex::default(),
            is_less: Condvar::new(),
            is_more: Notify::new(),
            committing: Mutex::new(None),
        }
    }

    /// What is in hand.
    pub(super) fn hand(&self) -> MutexGuard<'_, Hand> {
        // Whoever panicked with it in hand left whole messages in it.
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the thread that something was done.
    pub(super) fn note_less(&self) {
        self.is_less.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    fn committing(&self) -> MutexGuard<'_, Option<Monotonic>> {
        self.committing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with these partitions. Nobody tells any more what became of a commit that is on its way.
    fn begin(&self, partitions: impl IntoIterator<Item = i32>) {
        *self.committing() = None;
        self.hand().begin(partitions);
    }

    fn now(&self) -> Monotonic {
        self.caller.clock.now().monotonic
    }

    /// Reads until it is told to stop; wakes every now and then to see.
    pub(super) fn run(self: &Arc<Self>) {
        while !self.is_stopping() {
            // A member that asks for a topic which is not there would not look again for minutes.
            if !*self.has_topic.borrow() {
                thread::park_timeout(POLL);
                continue;
            }
            match catch_unwind(AssertUnwindSafe(|| self.be_member())) {
                Ok(Ok(())) => continue,
                Ok(Err(failure)) => tracing::warn!(problem = failure.problem, "kafka: a member broke down"),
                Err(_) => tracing::error!("kafka: a member broke down in a panic"),
            }
            self.begin([]);
            thread::park_timeout(RETRY_PAUSE);
        }
    }

    fn be_member(self: &Arc<Self>) -> Result<(), Failure> {
        let member: BaseConsumer<Member> = self.options.member().create_with_context(Member(Arc::clone(self)))?;
        member.subscribe(&[&self.options.topic])?;
        let mut is_paused = false;
        let mut committed_at = self.now();
        while !self.is_stopping() {
            self.fetch(&member)?;
            is_paused = self.pause_or_resume(&member, is_paused);
            if self.now().since(committed_at) >= COMMIT_PAUSE {
                committed_at = self.now();
                self.commit_by_the_way(&member);
            }
        }
        // Leaves the group on its way out, which revokes the partitions.
        drop(member);
        Ok(())
    }

    /// Takes what comes.
    fn fetch(&self, member: &BaseConsumer<Member>) -> Result<(), Failure> {
        let mut patience = POLL;
        let mut count = 0_usize;
        while count < BATCH_MAX {
            match member.poll(patience) {
                Some(Ok(message)) => {
                    let place = Place { partition: message.partition(), offset: message.offset() };
                    self.hand().take(place, raw(&message));
                    count += 1;
                }
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    return Err(KafkaError::MessageConsumptionFatal(code).into());
                }
                Some(Err(error)) => self.note_problem(&error),
                None => break,
            }
            patience = Duration::ZERO;
        }
        if count > 0 {
            self.caller.note(
                Some(&self.caller.health.reading),
                "fetch",
                &self.options.topic,
                &Ok(count),
                Duration::ZERO,
            );
            self.is_more.notify_one();
        }
        Ok(())
    }

    /// Takes note of a problem that the client mends by itself, unless it is not let in.
    fn note_problem(&self, error: &KafkaError) {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            // Whether Kafka answers at all, others find out.
            Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::Resolve) => {}
            Some(code @ (Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed)) => {
                self.caller.health.reading.fail(&words(code));
            }
            _ => tracing::warn!(%error, "kafka: reading is disturbed"),
        }
    }

    /// Takes no more while there is enough in hand. If that lasts, no more is fetched either: that throws away what the
    /// client has fetched ahead, so it is not done at once.
    fn pause_or_resume(&self, member: &BaseConsumer<Member>, is_paused: bool) -> bool {
        let mut hand = self.hand();
        if hand.is_full() && !is_paused {
            let until = self.now().plus(FULL_PATIENCE);
            while !hand.has_room() && self.now() < until && !self.is_stopping() {
                hand = self.is_less.wait_timeout(hand, POLL).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        let (is_full, has_room) = (hand.is_full(), hand.has_room());
        drop(hand);
        let changed = match is_paused {
            false if is_full => member.assignment().and_then(|partitions| member.pause(&partitions)),
            true if has_room => member.assignment().and_then(|partitions| member.resume(&partitions)),
            _ => return is_paused,
        };
        if let Err(error) = changed {
            tracing::debug!(%error, "kafka: partitions are not paused or resumed");
            return is_paused;
        }
        !is_paused
    }

    /// Commits what is done, one commit at a time. What becomes of it is told later.
    fn commit_by_the_way(&self, member: &BaseConsumer<Member>) {
        let mut committing = self.committing();
        let due = self.hand().to_commit();
        if due.is_empty() || committing.is_some() {
            return;
        }
        match member.commit(&self.list(&due), CommitMode::Async) {
            Ok(()) => {
                *committing = Some(self.now());
                self.hand().note_committed(&due);
            }
            Err(error) => tracing::debug!(%error, "kafka: what is done is not committed yet"),
        }
    }

    /// Commits what is done before anybody else has the partitions.
    fn commit_now(&self, member: &BaseConsumer<Member>) {
        *self.committing() = None;
        let due = {
            let mut hand = self.hand();
            // Whatever is on its way may be lost.
            hand.forget_committed();
            hand.to_commit()
        };
        if due.is_empty() {
            return;
        }
        let list = self.list(&due);
        let committed = self.caller.call_blocking(Some(&self.caller.health.reading), "commit", &due, || {
            Ok(member.commit(&list, CommitMode::Sync)?)
        });
        if committed.is_ok() {
            self.hand().note_committed(&due);
        }
    }

    fn list(&self, offsets: &[(i32, i64)]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            // Fails only for offsets below zero, which no message has.
            let _ = list.add_partition_offset(&self.options.topic, *partition, Offset::Offset(*offset));
        }
        list
    }

    /// Gives the partitions up: waits for what is in hand, unless nobody is there any more to do it.
    fn hand_over(&self, member: &BaseConsumer<Member>) {
        let mut hand = self.hand();
        hand.close();
        if member.assignment_lost() {
            drop(hand);
            tracing::warn!("kafka: partitions were lost, what was in hand is read again by whoever has them now");
        } else {
            let until = self.now().plus(self.options.hand_over);
            while hand.in_hand() > 0 && self.now() < until && !self.is_stopping() {
                hand = self.is_less.wait_timeout(hand, POLL).unwrap_or_else(PoisonError::into_inner).0;
            }
            drop(hand);
            self.commit_now(member);
        }
        self.begin([]);
    }
}

/// What the client tells a member.
struct Member(Arc<Reading>);

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        tell(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the kafka client errs");
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, member: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let partitions: Vec<i32> = list.elements().iter().map(|element| element.partition()).collect();
                tracing::info!(group = self.0.options.group, ?partitions, "kafka: partitions came");
                self.0.caller.health.reading.mend();
                self.0.begin(partitions);
            }
            Rebalance::Revoke(list) => {
                tracing::info!(group = self.0.options.group, count = list.count(), "kafka: partitions have to go");
                self.0.hand_over(member);
            }
            Rebalance::Error(error) => tracing::warn!(%error, "kafka: partitions are not divided"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        // A commit that was waited for tells by itself.
        let Some(since) = self.0.committing().take() else { return };
        let result = result.map_err(Failure::from);
        let caller = &self.0.caller;
        caller.note(Some(&caller.health.reading), "commit", &offsets, &result, self.0.now().since(since));
        if result.is_err() {
            self.0.hand().forget_committed();
        }
    }
}

fn raw(message: &BorrowedMessage<'_>) -> Raw {
    let said = |name| message.headers().and_then(|headers| letter::header(headers, name));
    Raw {
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().map(<[u8]>::to_vec),
        is_replay: said(REPLAY).is_some(),
        shop: said(SHOP).map(str::to_owned),
        left_out: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::clock::SystemClock;

    #[test]
    fn who_begins_anew_waits_for_no_commit_of_before() {
        let caller = Arc::new(Caller::new(Arc::new(SystemClock::start())));
        let (_sender, has_topic) = watch::channel(true);
        let reading = Reading::new(KafkaOptions::at(Vec::new()), caller, has_topic, Arc::default());
        *reading.committing() = Some(reading.now());
        reading.begin([0]);
        assert_eq!(*reading.committing(), None);
    }
}
