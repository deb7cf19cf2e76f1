//! What a member of the group has in hand: everything that came and is not done.
//!
//! A partition is committed up to the first message of it that is not done. All of this is forgotten when partitions
//! come or go, and begins a new term.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use actors::ports::Place;

/// Messages in hand from which on no more are fetched.
const MESSAGES_MAX: usize = 4_096;
/// Bytes of them from which on no more are fetched.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a message costs besides what it holds, about.
const MESSAGE_COST: usize = 128;

/// Bytes of what is small.
const KEPT_MAX: usize = 512;

/// A message as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) key: Option<Vec<u8>>,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) is_replay: bool,
    /// Whose it is, if it says so.
    pub(super) shop: Option<String>,
    /// Bytes of the payload, if that is left out.
    pub(super) left_out: Option<usize>,
}

impl Raw {
    /// What is small of it.
    pub(super) fn without_payload(&self) -> Self {
        Self {
            key: self.key.clone().filter(|key| key.len() <= KEPT_MAX),
            payload: None,
            is_replay: self.is_replay,
            shop: self.shop.clone().filter(|shop| shop.len() <= KEPT_MAX),
            left_out: Some(self.payload.as_ref().map_or(0, Vec::len)),
        }
    }

    fn cost(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        MESSAGE_COST + length(&self.key) + length(&self.payload)
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Hand {
    term: u64,
    partitions: BTreeMap<i32, Partition>,
    /// What was not delivered yet, in the order it will be.
    waiting: VecDeque<Place>,
    /// How many messages are held.
    messages: usize,
    /// What they cost.
    bytes: usize,
    /// How many of them are delivered.
    delivered: usize,
    /// Whether the partitions have to go, so that nothing more is delivered.
    is_closing: bool,
}

#[derive(Default)]
struct Partition {
    held: BTreeMap<i64, Held>,
    /// The offset after the last that came; none came yet.
    end: Option<i64>,
    /// What was committed last.
    committed: Option<i64>,
}

struct Held {
    raw: Arc<Raw>,
    is_delivered: bool,
}

impl Hand {
    /// The term that holds.
    pub(super) fn term(&self) -> u64 {
        self.term
    }

    /// Takes a message that came.
    pub(super) fn take(&mut self, place: Place, raw: Raw) {
        let is_repeated = self.partitions.get(&place.partition).is_some_and(|known| known.end > Some(place.offset));
        if is_repeated {
            // The partition begins anew: these are other messages than those that were here before.
            self.forget(place.partition);
            self.start_over();
        }
        let partition = self.partitions.entry(place.partition).or_default();
        partition.end = Some(place.offset + 1);
        self.messages += 1;
        self.bytes += raw.cost();
        partition.held.insert(place.offset, Held { raw: Arc::new(raw), is_delivered: false });
        self.waiting.push_back(place);
    }

    /// What comes next, and the term.
    pub(super) fn deliver(&mut self, limit: usize) -> (u64, Vec<(Place, Arc<Raw>)>) {
        let mut delivered = Vec::new();
        while !self.is_closing && delivered.len() < limit {
            let Some(place) = self.waiting.pop_front() else { break };
            if let Some(held) = self.held_mut(place) {
                held.is_delivered = true;
                delivered.push((place, Arc::clone(&held.raw)));
            }
        }
        self.delivered += delivered.len();
        (self.term, delivered)
    }

    /// Lets go of what is done.
    pub(super) fn done(&mut self, term: u64, places: &[Place]) {
        if term != self.term {
            return;
        }
        for place in places {
            if self.held_mut(*place).is_some_and(|held| held.is_delivered) {
                self.let_go(*place);
            }
        }
    }

    /// A message that was delivered in this term and is not done.
    pub(super) fn raw(&self, term: u64, place: Place) -> Option<Arc<Raw>> {
        let held = self.partitions.get(&place.partition)?.held.get(&place.offset)?;
        (term == self.term && held.is_delivered).then(|| Arc::clone(&held.raw))
    }

    /// Begins a term in which everything that is not done is delivered again.
    pub(super) fn start_over(&mut self) {
        self.term += 1;
        self.delivered = 0;
        self.waiting.clear();
        for (&partition, Partition { held, .. }) in &mut self.partitions {
            held.values_mut().for_each(|held| held.is_delivered = false);
            self.waiting.extend(held.keys().map(|&offset| Place { partition, offset }));
        }
    }

    /// Delivers nothing more: what waits is for whoever has the partitions next.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
    }

    /// How many messages are delivered and not done.
    pub(super) fn in_hand(&self) -> usize {
        self.delivered
    }

    /// Begins a term with these partitions, and nothing in hand.
    pub(super) fn begin(&mut self, partitions: impl IntoIterator<Item = i32>) {
        let partitions = partitions.into_iter().map(|partition| (partition, Partition::default())).collect();
        *self = Self { term: self.term + 1, partitions, ..Self::default() };
    }

    /// Partition by partition, the offset below which everything is done, where that was not committed yet.
    pub(super) fn to_commit(&self) -> Vec<(i32, i64)> {
        let due = |(&partition, known): (&i32, &Partition)| {
            let offset = known.held.keys().next().copied().or(known.end)?;
            // A partition of which nothing is done yet is committed where it was begun: without that, a group that never
            // got further would begin elsewhere if the topic's first messages went.
            let is_new = known.committed != Some(offset);
            is_new.then_some((partition, offset))
        };
        self.partitions.iter().filter_map(due).collect()
    }

    /// Takes note that these are committed, or on their way.
    pub(super) fn note_committed(&mut self, offsets: &[(i32, i64)]) {
        for (partition, offset) in offsets {
            if let Some(known) = self.partitions.get_mut(partition) {
                known.committed = Some(*offset);
            }
        }
    }

    /// Takes note that some of what was on its way was lost.
    pub(super) fn forget_committed(&mut self) {
        self.partitions.values_mut().for_each(|known| known.committed = None);
    }

    /// Whether there is enough in hand.
    pub(super) fn is_full(&self) -> bool {
        self.messages >= MESSAGES_MAX || self.bytes >= BYTES_MAX
    }

    /// Whether there is room for more again, after there was none.
    pub(super) fn has_room(&self) -> bool {
        self.messages <= MESSAGES_MAX / 2 && self.bytes <= BYTES_MAX / 2
    }

    fn held_mut(&mut self, place: Place) -> Option<&mut Held> {
        self.partitions.get_mut(&place.partition)?.held.get_mut(&place.offset)
    }

    fn let_go(&mut self, place: Place) {
        let Some(known) = self.partitions.get_mut(&place.partition) else { return };
        let Some(held) = known.held.remove(&place.offset) else { return };
        self.messages -= 1;
        self.bytes -= held.raw.cost();
        self.delivered -= usize::from(held.is_delivered);
    }

    fn forget(&mut self, partition: i32) {
        let held = self.partitions.get(&partition).map(|known| known.held.keys().copied().collect::<Vec<_>>());
        for offset in held.unwrap_or_default() {
            self.let_go(Place { partition, offset });
        }
        self.partitions.insert(partition, Partition::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(partition: i32, offset: i64) -> Place {
        Place { partition, offset }
    }

    fn hand(places: &[Place]) -> Hand {
        let mut hand = Hand::default();
        hand.begin([0, 1]);
        places.iter().for_each(|place| hand.take(*place, Raw::default()));
        hand
    }

    fn delivered(hand: &mut Hand, limit: usize) -> Vec<Place> {
        hand.deliver(limit).1.into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn what_is_done_is_committed_up_to_the_first_that_is_not() {
        let mut hand = hand(&[at(0, 5), at(0, 6), at(1, 9), at(0, 7)]);
        assert_eq!(hand.to_commit(), [(0, 5), (1, 9)]);
        hand.note_committed(&[(0, 5), (1, 9)]);
        assert_eq!(delivered(&mut hand, 3), [at(0, 5), at(0, 6), at(1, 9)]);
        hand.done(1, &[at(0, 6), at(0, 7)]);
        assert_eq!((hand.to_commit(), hand.in_hand()), (vec![], 2), "the first is not done, the last not delivered");
        hand.done(1, &[at(0, 5), at(1, 9)]);
        assert_eq!((hand.to_commit(), hand.in_hand()), (vec![(0, 7), (1, 10)], 0));
        assert_eq!(delivered(&mut hand, 3), [at(0, 7)]);
        hand.done(1, &[at(0, 7), at(0, 7), at(4, 4)]);
        assert_eq!((hand.to_commit(), hand.messages, hand.bytes), (vec![(0, 8), (1, 10)], 0, 0));
    }

    #[test]
    fn who_starts_over_is_given_again_what_is_not_done() {
        let mut hand = hand(&[at(0, 5), at(0, 6), at(1, 9)]);
        assert_eq!(delivered(&mut hand, 9).len(), 3);
        hand.done(1, &[at(0, 6)]);
        hand.start_over();
        hand.done(1, &[at(0, 5)]);
        assert_eq!(hand.deliver(9), (2, vec![(at(0, 5), Arc::default()), (at(1, 9), Arc::default())]));
        assert!(hand.raw(1, at(0, 5)).is_none() && hand.raw(2, at(0, 6)).is_none());
        assert!(hand.raw(2, at(0, 5)).is_some());
    }

    #[test]
    fn what_has_to_go_is_not_delivered_any_more() {
        let mut hand = hand(&[at(0, 5), at(0, 6)]);
        assert_eq!(delivered(&mut hand, 1), [at(0, 5)]);
        hand.close();
        assert_eq!(delivered(&mut hand, 9), []);
        assert_eq!(hand.in_hand(), 1);
        hand.done(1, &[at(0, 5)]);
        assert_eq!((hand.in_hand(), hand.to_commit()), (0, vec![(0, 6)]));
        hand.begin([1]);
        hand.take(at(1, 3), Raw::default());
        assert_eq!(hand.deliver(9), (2, vec![(at(1, 3), Arc::default())]));
    }

    #[test]
    fn a_partition_that_begins_anew_is_not_taken_for_the_one_before() {
        let mut hand = hand(&[at(0, 5), at(1, 9)]);
        delivered(&mut hand, 9);
        hand.take(at(0, 0), Raw::default());
        hand.done(1, &[at(0, 0), at(1, 9)]);
        assert_eq!(hand.deliver(9), (2, vec![(at(1, 9), Arc::default()), (at(0, 0), Arc::default())]));
        assert_eq!((hand.messages, hand.to_commit()), (2, vec![(0, 0), (1, 9)]));
    }

    #[test]
    fn there_is_enough_by_count_and_by_size() {
        let mut hand = hand(&[]);
        for offset in 0.. {
            if hand.is_full() {
                break;
            }
            hand.take(at(0, offset), Raw { payload: Some(vec![0; 1024 * 1024]), ..Raw::default() });
        }
        assert_eq!(hand.messages, 16);
        let all = delivered(&mut hand, 99);
        hand.done(1, &all[1..8]);
        assert!(!hand.is_full() && !hand.has_room());
        hand.done(1, &all[8..10]);
        assert!(hand.has_room());
        (100..).take(MESSAGES_MAX).for_each(|offset| hand.take(at(0, offset), Raw::default()));
        assert!(hand.is_full());
    }
}
