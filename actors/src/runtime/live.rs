//! The directory of live actors: what each is doing, read from shared cells and never by asking the actor.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::count::Counts;
use crate::domain::time::Timestamp;

/// What an actor lets be seen of itself. It outlives a restart, so counts go on.
#[derive(Debug)]
pub struct Vitals {
    kind: &'static str,
    of_kind: Arc<Sums>,
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
    fn new(kind: &'static str, of_kind: Arc<Sums>, key: String, now: Timestamp) -> Self {
        Self {
            kind,
            of_kind,
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
        self.of_kind.handled.fetch_add(1, Ordering::Relaxed);
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
        self.of_kind.restarts.fetch_add(1, Ordering::Relaxed);
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

/// What all of a kind did, also those who have left: totals do not go back when an actor leaves.
#[derive(Debug, Default)]
struct Sums {
    handled: AtomicU64,
    restarts: AtomicU64,
}

#[derive(Default)]
struct OfKind {
    live: BTreeMap<String, (Arc<Vitals>, Depth)>,
    sums: Arc<Sums>,
}

/// By kind, then by key: whoever looks for one, or for those after one, finds them without looking at the others.
type Entries = BTreeMap<&'static str, OfKind>;

/// Actors whose mailboxes are added up under the lock at once: whoever enters or leaves does not wait for all of them.
const MEASURED_AT_ONCE: usize = 256;

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
    /// Takes an actor in, by kind and key.
    pub(super) fn enter(&self, kind: &'static str, key: String, now: Timestamp, depth: Depth) -> Arc<Vitals> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let of_kind = entries.entry(kind).or_default();
        let vitals = Arc::new(Vitals::new(kind, Arc::clone(&of_kind.sums), key.clone(), now));
        of_kind.live.insert(key, (Arc::clone(&vitals), depth));
        vitals
    }

    /// Strikes an actor off, unless another has taken its name.
    pub(super) fn leave(&self, vitals: &Arc<Vitals>) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(OfKind { live, .. }) = entries.get_mut(vitals.kind)
            && live.get(&vitals.key).is_some_and(|(entered, _)| Arc::ptr_eq(entered, vitals))
        {
            live.remove(&vitals.key);
        }
    }

    /// The actors after `after`, by kind and key: all, or of one kind; at most `limit`.
    pub fn list(&self, kind: Option<&str>, after: Option<(&str, &str)>, limit: usize) -> Vec<LiveActor> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let first = after.map_or(Unbounded, |(kind, _)| Included(kind));
        let kinds = entries.range::<str, _>((first, Unbounded));
        let wanted = kinds.filter(|(own, _)| kind.is_none_or(|kind| kind == **own)).flat_map(|(own, of_kind)| {
            let first = after.filter(|(kind, _)| kind == own).map_or(Unbounded, |(_, key)| Excluded(key));
            of_kind.live.range::<str, _>((first, Unbounded))
        });
        wanted.take(limit).map(|(_, (vitals, depth))| show(vitals, depth)).collect()
    }

    /// One actor.
    pub fn find(&self, kind: &str, key: &str) -> Option<LiveActor> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let (vitals, depth) = entries.get(kind)?.live.get(key)?;
        Some(show(vitals, depth))
    }

    /// The actors of each kind, added up.
    pub fn totals(&self) -> BTreeMap<&'static str, KindTotal> {
        let total = |of_kind: &OfKind| KindTotal {
            live: of_kind.live.len(),
            mailbox: 0,
            handled: of_kind.sums.handled.load(Ordering::Relaxed),
            restarts: of_kind.sums.restarts.load(Ordering::Relaxed),
        };
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let mut totals: BTreeMap<_, _> = entries.iter().map(|(kind, of_kind)| (*kind, total(of_kind))).collect();
        drop(entries);
        for (kind, total) in &mut totals {
            total.mailbox = self.mailbox(kind);
        }
        totals
    }

    /// Messages in flight to all of a kind, measured some at a time. Their links count for themselves: a sum kept beside
    /// them would cost every message, this costs only whoever looks.
    fn mailbox(&self, kind: &str) -> usize {
        let mut sum = 0;
        let mut last: Option<String> = None;
        loop {
            let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
            let Some(OfKind { live, .. }) = entries.get(kind) else { return sum };
            let first = last.as_deref().map_or(Unbounded, Excluded);
            let mut measured = None;
            for (key, (_, depth)) in live.range::<str, _>((first, Unbounded)).take(MEASURED_AT_ONCE) {
                sum += depth();
                measured = Some(key);
            }
            let Some(measured) = measured.cloned() else { return sum };
            last = Some(measured);
        }
    }

    /// Lets an actor panic at the next thing it does. Answers whether there is such an actor.
    #[cfg(feature = "testing")]
    pub fn poison(&self, kind: &str, key: &str) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(kind).and_then(|of_kind| of_kind.live.get(key));
        entry.inspect(|(vitals, _)| vitals.poisoned.store(true, Ordering::Relaxed)).is_some()
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
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn totals_of_a_kind_do_not_go_back_when_an_actor_leaves() {
        let (live, now) = (LiveActors::default(), Timestamp::from_millis(0));
        let enter = |key: &str, depth: usize| live.enter("clerk", key.to_owned(), now, Box::new(move || depth));
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

    /// Clerks by number and one typist.
    fn crowd(clerks: usize) -> LiveActors {
        let (live, now) = (LiveActors::default(), Timestamp::from_millis(0));
        for number in 0..clerks {
            live.enter("clerk", format!("{number:06}"), now, Box::new(|| 1));
        }
        live.enter("typist", "0".to_owned(), now, Box::new(|| 0));
        live
    }

    #[test]
    fn pages_of_any_size_name_everyone_once_in_their_order() {
        let live = crowd(600);
        let name = |actor: &LiveActor| (actor.kind, actor.key.clone());
        let all: Vec<_> = live.list(None, None, usize::MAX).iter().map(name).collect();
        assert_eq!((all.len(), all.is_sorted()), (601, true));
        for (kind, wanted) in [(None, &all[..]), (Some("clerk"), &all[..600]), (Some("typist"), &all[600..])] {
            for limit in [1, 7, 600, 601] {
                let mut listed = Vec::new();
                loop {
                    let last = listed.last().cloned();
                    let after = last.as_ref().map(|(kind, key): &(&str, String)| (*kind, key.as_str()));
                    let page = live.list(kind, after, limit);
                    assert!(page.len() <= limit);
                    if page.is_empty() {
                        break;
                    }
                    listed.extend(page.iter().map(name));
                }
                assert_eq!(listed, wanted, "{kind:?} by {limit}");
            }
        }
        assert_eq!(live.list(Some("clerk"), Some(("typist", "0")), 10), []);
        assert_eq!(live.list(None, Some(("nobody", "x")), 10).len(), 1);
        assert_eq!(live.find("clerk", "000599").map(|actor| name(&actor)), Some(all[599].clone()));
        assert_eq!((live.find("clerk", "x"), live.find("nobody", "0")), (None, None));
        assert_eq!(live.totals()["clerk"].mailbox, 600, "more than are measured at once");
    }

    /// How long it takes to look up the last actor, and those after the one before, the shortest of some times.
    #[expect(clippy::disallowed_methods, reason = "what is compared is the time that a look takes")]
    fn time_to_look(live: &LiveActors, last: usize) -> Duration {
        let (last, before) = (format!("{last:06}"), format!("{:06}", last - 1));
        let look = |_| {
            let started = Instant::now();
            for _ in 0..100 {
                assert!(live.find("clerk", &last).is_some());
                assert_eq!(live.list(Some("clerk"), Some(("clerk", &before)), 10).len(), 1);
            }
            started.elapsed()
        };
        (0..20).map(look).min().unwrap_or_default()
    }

    #[test]
    fn who_looks_for_an_actor_does_not_look_at_all_others() {
        let (few, many) = (time_to_look(&crowd(500), 499), time_to_look(&crowd(100_000), 99_999));
        // Two hundred times as many: to look at all of them takes about as many times as long.
        assert!(many < few * 20, "{many:?} among many, {few:?} among few");
    }
}
