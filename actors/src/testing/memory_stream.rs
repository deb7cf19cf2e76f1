//! A stream in memory, made like the shared ones: partitions, consumer groups, members among whom the partitions are
//! dealt anew whenever one comes or goes. The [`Broker`] outlives the nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::FutureExt;

use crate::domain::event::OrderEvent;
use crate::domain::id::OrderId;
use crate::domain::time::Monotonic;
use crate::ports::{Answer, Cause, Clock, Deliveries, Delivery, EventStream, Place, StreamError};

const PARTITIONS: usize = 4;
/// How long a member waits for something to come.
const MOMENT: Duration = Duration::from_millis(100);
/// How long partitions that have to go wait for what is in hand. Members that are gone are not waited for.
const PATIENCE: Duration = Duration::from_secs(60);

type Shelves = [Vec<(Message, bool)>; PARTITIONS];

/// What was put into the stream, and the order that it is about.
pub type Message = (OrderId, Result<OrderEvent, String>);

#[derive(Debug, Default)]
struct State {
    /// Messages by partition, and whether an operator had them read again.
    shelves: Shelves,
    groups: BTreeMap<&'static str, Group>,
    aside: Vec<(Message, Place, Cause)>,
}

#[derive(Debug, Default)]
struct Group {
    /// Of each partition: everything below is done.
    committed: [i64; PARTITIONS],
    members: Vec<u64>,
    next_member: u64,
    /// How often the partitions were dealt.
    deals: u64,
    /// Since when they are to be dealt anew.
    unsettled_since: Option<Monotonic>,
    busy: BTreeMap<u64, usize>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Broker(Arc<Mutex<State>>);

impl Broker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A member of a group, from its first look on.
    pub fn member(&self, group: &'static str, clock: Arc<dyn Clock>) -> MemoryStream {
        let mut state = self.state();
        let members = &mut state.groups.entry(group).or_default().next_member;
        *members += 1;
        let number = *members;
        drop(state);
        MemoryStream { broker: self.clone(), group, number, clock, own: Mutex::default() }
    }

    /// Appends an event; what an operator had read again as such.
    pub fn append(&self, event: OrderEvent, is_replay: bool) {
        self.put((event.order_id, Ok(event)), is_replay);
    }

    /// Appends what cannot be read, where the events of this order are.
    pub fn append_nonsense(&self, order_id: OrderId) {
        self.put((order_id, Err("it is nonsense".to_owned())), false);
    }

    fn put(&self, message: Message, is_replay: bool) {
        self.state().shelves[partition_of(message.0)].push((message, is_replay));
    }

    /// Deals the partitions of every group anew, as if a member had been away for a moment.
    pub fn shuffle(&self, now: Monotonic) {
        for group in self.state().groups.values_mut().filter(|group| group.members.len() > 1) {
            group.members.rotate_left(1);
            group.unsettle(now);
        }
    }

    /// Everything in the stream, partition by partition.
    pub fn messages(&self) -> Vec<Message> {
        self.state().shelves.iter().flatten().map(|(message, _)| message.clone()).collect()
    }

    /// What was put aside.
    pub fn aside(&self) -> Vec<(Message, Place, Cause)> {
        self.state().aside.clone()
    }
}

fn partition_of(order_id: OrderId) -> usize {
    usize::try_from(order_id.as_u128() % PARTITIONS as u128).unwrap_or(0)
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
    group: &'static str,
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
    /// Does something with the group and the member's own state, both up to date.
    fn with<T>(&self, act: impl FnOnce(&mut Vec<(Message, Place, Cause)>, &mut Group, &mut Own, &Shelves) -> T) -> T {
        let mut state = self.broker.state();
        let State { shelves, groups, aside } = &mut *state;
        let group = groups.entry(self.group).or_default();
        group.settle(self.clock.now().monotonic);
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.deals != group.deals {
            own.deals = group.deals;
            own.begin_term(self.number, group);
        }
        act(aside, group, &mut own, shelves)
    }

    /// Takes note that these are done, or forgets what is to be committed of it.
    pub fn finish(&self, term: u64, places: &[Place], is_committed: bool) {
        self.with(|_, group, own, _| {
            if term != own.term {
                return;
            }
            places.iter().for_each(|place| drop(own.in_hand.remove(place)));
            for (partition, position) in own.positions.iter().filter(|_| is_committed) {
                let is_here = |place: &&Place| usize::try_from(place.partition) == Ok(*partition);
                group.committed[*partition] = own.in_hand.keys().find(is_here).map_or(*position, |place| place.offset);
            }
            group.busy.insert(self.number, own.in_hand.len());
        });
    }

    fn take(&self, limit: usize) -> Deliveries {
        let now = self.clock.now().monotonic;
        let join = |_: &mut Vec<_>, group: &mut Group, _: &mut Own, _: &Shelves| {
            if !group.members.contains(&self.number) {
                group.members.push(self.number);
                group.unsettle(now);
            }
        };
        self.with(join);
        self.with(|_, group, own, shelves| {
            let mut messages = Vec::new();
            if group.unsettled_since.is_none() {
                for (partition, position) in &mut own.positions {
                    let from = usize::try_from(*position).unwrap_or(usize::MAX);
                    let left = limit.saturating_sub(messages.len());
                    for (message, is_replay) in shelves[*partition].iter().skip(from).take(left) {
                        let place = Place { partition: i32::try_from(*partition).unwrap_or(0), offset: *position };
                        *position += 1;
                        own.in_hand.insert(place, message.clone());
                        messages.push(Delivery { place, content: message.1.clone(), is_replay: *is_replay });
                    }
                }
                group.busy.insert(self.number, own.in_hand.len());
            }
            Deliveries { term: own.term, messages }
        })
    }
}

impl Own {
    fn begin_term(&mut self, member: u64, group: &mut Group) {
        self.term += 1;
        self.in_hand.clear();
        self.positions = group.own(member).into_iter().map(|own| (own, group.committed[own])).collect();
        group.busy.insert(member, 0);
    }
}

impl EventStream for MemoryStream {
    fn publish(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), StreamError>> {
        events.into_iter().for_each(|event| self.broker.append(event, false));
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
        self.with(|_, _, own, _| own.term)
    }

    fn put_aside(&self, term: u64, place: Place, cause: Cause) -> Answer<'_, Result<(), StreamError>> {
        let outcome = self.with(|aside, _, own, _| {
            let message = own.in_hand.get(&place).filter(|_| term == own.term);
            let message = message.ok_or_else(|| StreamError("it is not in hand any more".to_owned()))?;
            aside.push((message.clone(), place, cause));
            Ok(())
        });
        async { outcome }.boxed()
    }

    fn start_over(&self) {
        self.with(|_, group, own, _| own.begin_term(self.number, group));
    }

    fn is_answering(&self) -> bool {
        true
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        let now = self.clock.now().monotonic;
        let mut state = self.broker.state();
        let group = state.groups.entry(self.group).or_default();
        group.busy.remove(&self.number);
        if group.members.contains(&self.number) {
            group.members.retain(|member| *member != self.number);
            group.unsettle(now);
        }
    }
}
