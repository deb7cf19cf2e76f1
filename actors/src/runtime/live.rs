//! The directory of live actors: what each is doing, read from shared cells and never by asking the actor.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::count::Counts;
use crate::domain::time::Timestamp;

/// What an actor lets be seen of itself. It outlives a restart, so counts go on.
#[derive(Debug)]
pub struct Vitals {
    kind: &'static str,
    key: String,
    handled: AtomicU64,
    restarts: AtomicU64,
    active_at: AtomicI64,
    gauges: Mutex<BTreeMap<&'static str, Gauge>>,
    #[cfg(feature = "testing")]
    poisoned: std::sync::atomic::AtomicBool,
}

/// One number of an actor's observed state.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Shows a number.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Shows how many there are.
    pub fn set_count(&self, count: usize) {
        self.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn add_count(&self, count: usize) {
        self.0.fetch_add(i64::try_from(count).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Vitals {
    pub(super) fn new(kind: &'static str, key: String, now: Timestamp) -> Self {
        Self {
            kind,
            key,
            handled: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            active_at: AtomicI64::new(now.millis()),
            gauges: Mutex::default(),
            #[cfg(feature = "testing")]
            poisoned: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// The number shown under a name, from now on.
    pub fn gauge(&self, name: &'static str) -> Gauge {
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default().clone()
    }

    pub(super) fn handle(&self, now: Timestamp) {
        self.handled.fetch_add(1, Ordering::Relaxed);
        self.active_at.store(now.millis(), Ordering::Relaxed);
        #[cfg(feature = "testing")]
        self.die_if_poisoned();
    }

    #[cfg(feature = "testing")]
    fn die_if_poisoned(&self) {
        if self.poisoned.swap(false, Ordering::Relaxed) {
            // A panic without the hook's report: thousands of backtraces would drown what a test has to say.
            std::panic::resume_unwind(Box::new("injected by a test"));
        }
    }

    pub(super) const fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }
}

/// A live actor as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveActor {
    /// What it is.
    pub kind: &'static str,
    /// Which of its kind.
    pub key: String,
    /// Messages in flight on the links that lead to it.
    pub mailbox: usize,
    /// Messages handled, by it and its predecessors.
    pub handled: u64,
    /// How often its post was filled again.
    pub restarts: u64,
    /// When it last had something to do.
    pub active_at: Timestamp,
    /// Numbers it shows of itself, by name.
    pub state: BTreeMap<&'static str, i64>,
}

/// Measures the links that lead to an actor.
pub(super) type Depth = Box<dyn Fn() -> usize + Send + Sync>;

#[derive(Default)]
struct Entries {
    live: BTreeMap<(&'static str, String), (Arc<Vitals>, Depth)>,
    /// What those who left had handled, and their restarts, by kind: totals do not go back when an actor leaves.
    left: BTreeMap<&'static str, (u64, u64)>,
}

/// The actors of a node, and what they have counted.
#[derive(Default)]
pub struct LiveActors {
    entries: RwLock<Entries>,
    /// What was counted, also by those who have left.
    pub counts: Counts,
}

/// The actors of one kind, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindTotal {
    /// How many live now.
    pub live: usize,
    /// Messages in flight to them.
    pub mailbox: usize,
    /// Messages handled, by those who have left, too.
    pub handled: u64,
    /// Posts filled again, of those who have left, too.
    pub restarts: u64,
}

impl LiveActors {
    pub(super) fn enter(&self, vitals: Arc<Vitals>, depth: Depth) {
        let name = (vitals.kind, vitals.key.clone());
        self.entries.write().unwrap_or_else(PoisonError::into_inner).live.insert(name, (vitals, depth));
    }

    /// Strikes an actor off, unless another has taken its name.
    pub(super) fn leave(&self, vitals: &Arc<Vitals>) {
        let name = (vitals.kind, vitals.key.clone());
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.live.get(&name).is_some_and(|(entered, _)| Arc::ptr_eq(entered, vitals)) {
            entries.live.remove(&name);
            let left = entries.left.entry(vitals.kind).or_default();
            left.0 += vitals.handled.load(Ordering::Relaxed);
            left.1 += vitals.restarts.load(Ordering::Relaxed);
        }
    }

    /// The actors after `after`, by kind and key: all, or of one kind; at most `limit`.
    pub fn list(&self, kind: Option<&str>, after: Option<(&str, &str)>, limit: usize) -> Vec<LiveActor> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = |(own, key): &(&'static str, String)| {
            kind.is_none_or(|kind| kind == *own) && after.is_none_or(|after| (*own, key.as_str()) > after)
        };
        let wanted = entries.live.iter().filter(|(name, _)| is_wanted(name)).take(limit);
        wanted.map(|(_, (vitals, depth))| show(vitals, depth)).collect()
    }

    /// One actor.
    pub fn find(&self, kind: &str, key: &str) -> Option<LiveActor> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.live.iter().find(|((own, name), _)| *own == kind && name == key);
        entry.map(|(_, (vitals, depth))| show(vitals, depth))
    }

    /// The actors of each kind, added up.
    pub fn totals(&self) -> BTreeMap<&'static str, KindTotal> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let of_left = |(kind, left): (&&'static str, &(u64, u64))| {
            (*kind, KindTotal { handled: left.0, restarts: left.1, ..KindTotal::default() })
        };
        let mut totals: BTreeMap<&'static str, KindTotal> = entries.left.iter().map(of_left).collect();
        for (vitals, depth) in entries.live.values() {
            let total = totals.entry(vitals.kind).or_default();
            total.live += 1;
            total.mailbox += depth();
            total.handled += vitals.handled.load(Ordering::Relaxed);
            total.restarts += vitals.restarts.load(Ordering::Relaxed);
        }
        totals
    }

    /// Lets an actor panic at the next thing it does. Answers whether there is such an actor.
    #[cfg(feature = "testing")]
    pub fn poison(&self, kind: &str, key: &str) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.live.iter().find(|((own, name), _)| *own == kind && name == key);
        entry.inspect(|(_, (vitals, _))| vitals.poisoned.store(true, Ordering::Relaxed)).is_some()
    }
}

fn show(vitals: &Vitals, depth: &Depth) -> LiveActor {
    let gauges = vitals.gauges.lock().unwrap_or_else(PoisonError::into_inner);
    LiveActor {
        kind: vitals.kind,
        key: vitals.key.clone(),
        mailbox: depth(),
        handled: vitals.handled.load(Ordering::Relaxed),
        restarts: vitals.restarts.load(Ordering::Relaxed),
        active_at: Timestamp::from_millis(vitals.active_at.load(Ordering::Relaxed)),
        state: gauges.iter().map(|(name, gauge)| (*name, gauge.read())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_a_kind_do_not_go_back_when_an_actor_leaves() {
        let (live, now) = (LiveActors::default(), Timestamp::from_millis(0));
        let enter = |key: &str, depth: usize| {
            let vitals = Arc::new(Vitals::new("clerk", key.to_owned(), now));
            live.enter(Arc::clone(&vitals), Box::new(move || depth));
            vitals
        };
        let (first, second) = (enter("a", 2), enter("b", 3));
        first.handle(now);
        first.restart();
        second.handle(now);
        assert_eq!(live.totals()["clerk"], KindTotal { live: 2, mailbox: 5, handled: 2, restarts: 1 });
        live.leave(&first);
        assert_eq!(live.totals()["clerk"], KindTotal { live: 1, mailbox: 3, handled: 2, restarts: 1 });
        live.leave(&first);
        live.leave(&second);
        assert_eq!(live.totals()["clerk"], KindTotal { live: 0, mailbox: 0, handled: 2, restarts: 1 });
    }
}
