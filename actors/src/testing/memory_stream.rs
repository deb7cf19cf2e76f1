//! A stream in memory, made like the shared ones: partitions, one consumer group, members among whom the partitions are
//! dealt anew whenever one comes or goes. The [`Broker`] outlives the nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::FutureExt;

use crate::domain::event::OrderEvent;
use crate::domain::time::Monotonic;
use crate::ports::{Answer, Cause, Clock, Deliveries, Delivery, EventStream, Place, StreamError};

const PARTITIONS: usize = 4;
/// How long a member waits for something to come.
const MOMENT: Duration = Duration::from_millis(100);
/// How long partitions that have to go wait for what is in hand. Members that are gone are not waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was put into the stream.
pub type Message = Result<OrderEvent, String>;

#[derive(Debug, Default)]
struct Shelf {
    messages: Vec<(Message, bool)>,
    /// Everything below is done.
    committed: i64,
}

#[derive(Debug, Default)]
struct Group {
    shelves: [Shelf; PARTITIONS],
    members: Vec<u64>,
    next_member: u64,
    /// How often the partitions were dealt.
    deals: u64,
    /// Since when they are to be dealt anew.
    unsettled_since: Option<Monotonic>,
    busy: BTreeMap<u64, usize>,
    aside: Vec<(Message, Place, Cause)>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Broker(Arc<Mutex<Group>>);

impl Broker {
    fn group(&self) -> MutexGuard<'_, Group> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A member of the group, from its first look on.
    pub fn member(&self, clock: Arc<dyn Clock>) -> MemoryStream {
        let mut group = self.group();
        group.next_member += 1;
        let number = group.next_member;
        drop(group);
        MemoryStream { broker: self.clone(), number, clock, own: Mutex::default() }
    }

    /// Appends anything; what an operator had read again as such.
    pub fn append(&self, message: Message, is_replay: bool) {
        let partition = message.as_ref().map_or(0, partition_of);
        self.group().shelves[partition].messages.push((message, is_replay));
    }

    /// Deals the partitions anew, as if a member had been away for a moment.
    pub fn shuffle(&self, now: Monotonic) {
        let mut group = self.group();
        if group.members.len() > 1 {
            group.members.rotate_left(1);
            group.unsettle(now);
        }
    }

    /// Everything in the stream, partition by partition.
    pub fn messages(&self) -> Vec<Message> {
        let group = self.group();
        group.shelves.iter().flat_map(|shelf| shelf.messages.iter().map(|(message, _)| message.clone())).collect()
    }

    /// What was put aside.
    pub fn aside(&self) -> Vec<(Message, Place, Cause)> {
        self.group().aside.clone()
    }
}

fn partition_of(event: &OrderEvent) -> usize {
    usize::try_from(event.order_id.as_u128() % PARTITIONS as u128).unwrap_or(0)
}

impl Group {
    fn unsettle(&mut self, now: Monotonic) {
        self.unsettled_since.get_or_insert(now);
    }

    /// Deals the partitions anew, once nobody has anything in hand or that took too long.
    fn settle(&mut self, now: Monotonic) {
        let Some(since) = self.unsettled_since else { return };
        if self.busy.values().all(|in_hand| *in_hand == 0) || now.since(since) >= PATIENCE {
            self.unsettled_since = None;
            self.deals += 1;
        }
    }

    fn own(&self, member: u64) -> Vec<usize> {
        let Some(seat) = self.members.iter().position(|other| *other == member) else { return Vec::new() };
        (0..PARTITIONS).filter(|partition| partition % self.members.len() == seat).collect()
    }
}

/// A member's side.
pub struct MemoryStream {
    broker: Broker,
    number: u64,
    clock: Arc<dyn Clock>,
    own: Mutex<Own>,
}

#[derive(Debug, Default)]
struct Own {
    term: u64,
    deals: u64,
    positions: BTreeMap<usize, i64>,
    in_hand: BTreeMap<Place, Message>,
}

impl MemoryStream {
    /// The member's own state, up to date with the group.
    fn own<'a>(&'a self, group: &mut Group) -> MutexGuard<'a, Own> {
        let now = self.clock.now().monotonic;
        group.settle(now);
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.deals != group.deals {
            own.deals = group.deals;
            self.begin_term(&mut own, group);
        }
        own
    }

    fn begin_term(&self, own: &mut Own, group: &mut Group) {
        own.term += 1;
        own.in_hand.clear();
        own.positions = group.own(self.number).into_iter().map(|own| (own, group.shelves[own].committed)).collect();
        group.busy.insert(self.number, 0);
    }

    /// Takes note that these are done, or forgets what is to be committed of it.
    pub fn finish(&self, term: u64, places: &[Place], is_committed: bool) {
        let mut group = self.broker.group();
        let mut own = self.own(&mut group);
        if term != own.term {
            return;
        }
        places.iter().for_each(|place| drop(own.in_hand.remove(place)));
        for (partition, position) in own.positions.iter().filter(|_| is_committed) {
            let is_here = |place: &&Place| usize::try_from(place.partition) == Ok(*partition);
            let lowest = own.in_hand.keys().find(is_here).map_or(*position, |place| place.offset);
            group.shelves[*partition].committed = lowest;
        }
        group.busy.insert(self.number, own.in_hand.len());
    }

    fn take(&self, limit: usize) -> Deliveries {
        let mut group = self.broker.group();
        if !group.members.contains(&self.number) {
            group.members.push(self.number);
            group.unsettle(self.clock.now().monotonic);
        }
        let mut own = self.own(&mut group);
        let mut messages = Vec::new();
        if group.unsettled_since.is_none() {
            let Own { positions, in_hand, .. } = &mut *own;
            for (partition, position) in positions {
                let shelf = &group.shelves[*partition].messages;
                let from = usize::try_from(*position).unwrap_or(usize::MAX);
                for (message, is_replay) in shelf.iter().skip(from).take(limit.saturating_sub(messages.len())) {
                    let place = Place { partition: i32::try_from(*partition).unwrap_or(0), offset: *position };
                    *position += 1;
                    in_hand.insert(place, message.clone());
                    messages.push(Delivery { place, content: message.clone(), is_replay: *is_replay });
                }
            }
            group.busy.insert(self.number, own.in_hand.len());
        }
        Deliveries { term: own.term, messages }
    }
}

impl EventStream for MemoryStream {
    fn publish(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), StreamError>> {
        events.into_iter().for_each(|event| self.broker.append(Ok(event), false));
        async { Ok(()) }.boxed()
    }

    fn next(&self, limit: usize) -> Answer<'_, Result<Deliveries, StreamError>> {
        async move {
            let deliveries = self.take(limit);
            if deliveries.messages.is_empty() {
                self.clock.sleep(MOMENT).await;
                return Ok(self.take(limit));
            }
            Ok(deliveries)
        }
        .boxed()
    }

    fn done(&self, term: u64, places: Vec<Place>) -> Answer<'_, Result<(), StreamError>> {
        self.finish(term, &places, true);
        async { Ok(()) }.boxed()
    }

    fn term(&self) -> u64 {
        let mut group = self.broker.group();
        self.own(&mut group).term
    }

    fn put_aside(&self, term: u64, place: Place, cause: Cause) -> Answer<'_, Result<(), StreamError>> {
        let mut group = self.broker.group();
        let own = self.own(&mut group);
        let message = (term == own.term).then(|| own.in_hand.get(&place).cloned()).flatten();
        drop(own);
        let outcome = match message {
            Some(message) => {
                group.aside.push((message, place, cause));
                Ok(())
            }
            None => Err(StreamError("it is not in hand any more".to_owned())),
        };
        async { outcome }.boxed()
    }

    fn start_over(&self) {
        let mut group = self.broker.group();
        let mut own = self.own(&mut group);
        self.begin_term(&mut own, &mut group);
    }

    fn is_answering(&self) -> bool {
        true
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        let mut group = self.broker.group();
        group.busy.remove(&self.number);
        if group.members.contains(&self.number) {
            group.members.retain(|member| *member != self.number);
            group.unsettle(self.clock.now().monotonic);
        }
    }
}
