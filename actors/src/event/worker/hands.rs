//! What a worker has in hand beside the batch it works on: events whose effect was refused, and those behind them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::domain::event::OrderEvent;
use crate::domain::id::OrderId;
use crate::domain::limits::{EFFECT_PAUSE, EFFECT_PAUSE_MAX};
use crate::domain::time::Monotonic;
use crate::event::Seen;
use crate::ports::{Cause, Place};

/// An event in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) place: Place,
    pub(super) event: OrderEvent,
    pub(super) is_replay: bool,
}

/// An order whose events wait.
#[derive(Debug)]
struct Parked {
    /// The first is the one that was refused; it stays here while it is tried.
    waiting: VecDeque<Delivered>,
    /// How often the effect of the first was refused.
    attempts: u32,
    /// When the first is tried again; none while it is.
    due: Option<Monotonic>,
}

impl Parked {
    fn begins_with(&self, delivered: &Delivered) -> bool {
        self.waiting.front().is_some_and(|first| first.place == delivered.place)
    }
}

/// See the module. All of it belongs to one term.
#[derive(Debug, Default)]
pub(super) struct Hands {
    pub(super) term: u64,
    /// What the group has done, as far as it is known here.
    pub(super) done: Seen,
    parked: BTreeMap<OrderId, Parked>,
    /// What cannot be read and could not be put aside yet.
    pub(super) unreadable: Vec<(Place, Cause)>,
    /// When that is tried again.
    pub(super) unreadable_due: Monotonic,
}

impl Hands {
    /// Empty hands.
    pub(super) fn of(term: u64) -> Self {
        Self { term, ..Self::default() }
    }

    /// Messages that wait.
    pub(super) fn waiting(&self) -> usize {
        self.unreadable.len() + self.parked.values().map(|parked| parked.waiting.len()).sum::<usize>()
    }

    /// Those whose time has come: of each order the first.
    pub(super) fn due(&mut self, now: Monotonic) -> Vec<Delivered> {
        let due = self.parked.values_mut().filter(|parked| parked.due.is_some_and(|due| due <= now));
        due.filter_map(|parked| {
            parked.due = None;
            parked.waiting.front().cloned()
        })
        .collect()
    }

    /// Puts an event that came behind the others of its order if those wait; gives it back if none do.
    pub(super) fn behind_its_order(&mut self, delivered: Delivered) -> Option<Delivered> {
        match self.parked.get_mut(&delivered.event.order_id) {
            Some(parked) => {
                parked.waiting.push_back(delivered);
                None
            }
            None => Some(delivered),
        }
    }

    /// How often this one was refused before.
    pub(super) fn attempts_of(&self, delivered: &Delivered) -> u32 {
        let parked = self.parked.get(&delivered.event.order_id);
        parked.filter(|parked| parked.begins_with(delivered)).map_or(0, |parked| parked.attempts)
    }

    /// Has a refused event wait, longer with each attempt.
    pub(super) fn park(&mut self, delivered: Delivered, attempts: u32, now: Monotonic) {
        let due = Some(now.plus(pause_after(attempts)));
        match self.parked.get_mut(&delivered.event.order_id) {
            Some(parked) if parked.begins_with(&delivered) => (parked.attempts, parked.due) = (attempts, due),
            // One that is read again, while another of its order waits.
            Some(parked) => parked.waiting.push_back(delivered),
            None => {
                let order_id = delivered.event.order_id;
                self.parked.insert(order_id, Parked { waiting: [delivered].into(), attempts, due });
            }
        }
    }

    /// These are done with: what waits behind them is next.
    pub(super) fn go_on(&mut self, done: &[Delivered]) {
        for delivered in done {
            let order_id = &delivered.event.order_id;
            let Some(parked) = self.parked.get_mut(order_id).filter(|parked| parked.begins_with(delivered)) else {
                continue;
            };
            parked.waiting.pop_front();
            (parked.attempts, parked.due) = (0, Some(Monotonic::default()));
            if parked.waiting.is_empty() {
                self.parked.remove(order_id);
            }
        }
    }
}

/// Doubles with every attempt, up to a bound.
fn pause_after(attempts: u32) -> Duration {
    EFFECT_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(EFFECT_PAUSE_MAX)
}
