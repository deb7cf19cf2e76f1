//! Whether order events were told as they must be: all of them, in order, and once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actors::domain::limits::EVENT_BATCH_MAX;

use crate::cluster::Cluster;
use crate::health::now;
use crate::service::{Service, wait};

/// How long it may take until all is told, and a verdict is there, once nothing is broken any more. Real runs get five
/// times as long before they fail.
pub(crate) const PROMISED: Duration = Duration::from_secs(10);
/// An event by order and version.
type Event = (String, u64);

/// What a service printed, and where it was killed.
pub(crate) struct Printer<'a> {
    service: &'a Service,
    /// How much was printed by then.
    deaths: Vec<usize>,
}

impl<'a> Printer<'a> {
    /// A service that was never killed.
    pub(crate) fn of(service: &'a Service) -> Self {
        Self { service, deaths: Vec::new() }
    }

    /// One that was killed each time it had printed so much.
    pub(crate) fn killed(service: &'a Service, deaths: &[usize]) -> Self {
        Self { service, deaths: deaths.to_vec() }
    }

    /// Numbers of the lines that it printed just before a death, as far back as all of them are printed elsewhere, too.
    /// What it works on at once is printed without a break and recorded at its end, so nothing else may be repeated.
    fn last_words(&self, is_repeated: impl Fn(&Event) -> bool) -> BTreeSet<usize> {
        let lines = self.service.printed();
        let before = |death: &usize| {
            let latest = (0..*death).rev().take(EVENT_BATCH_MAX);
            latest.take_while(|line| lines.get(*line).is_some_and(&is_repeated)).collect::<Vec<_>>()
        };
        self.deaths.iter().flat_map(before).collect()
    }
}

impl Cluster {
    /// Waits until every committed event is in the topic, and checks that nothing else is, and that those of an order
    /// came there first in their order. Tells how many came there more than once. A service tells why, if not.
    pub(crate) async fn expect_published(&self, service: &Service) -> usize {
        let started = now();
        while self.unpublished().await > 0 {
            let waiting = self.unpublished().await;
            assert!(
                started.elapsed() < 5 * PROMISED,
                "{waiting} events are not published: {}\nand kafka says: {}",
                service.log(),
                self.log("kafka")
            );
            wait(Duration::from_millis(100)).await;
        }
        let committed: BTreeSet<Event> = self.committed().await.into_iter().collect();
        let events = self.topic().events().await;
        expect_in_order(&events, "the topic");
        let published: BTreeSet<Event> = events.iter().cloned().collect();
        let missing: Vec<_> = committed.symmetric_difference(&published).take(3).collect();
        assert!(missing.is_empty(), "committed or published, but not both: {missing:?}");
        events.len() - published.len()
    }

    /// Waits until every committed event is printed, and checks that nothing else is, that each printer has those of an
    /// order in their order, and that none is there twice but for the last words of one that was killed. Tells how many
    /// are.
    pub(crate) async fn expect_printed(&self, printers: &[Printer<'_>]) -> usize {
        let started = now();
        let committed: BTreeSet<Event> = self.committed().await.into_iter().collect();
        let mut lines = printed(printers);
        while committed.iter().any(|event| !lines.contains_key(event)) {
            if started.elapsed() >= 5 * PROMISED {
                let missing: Vec<_> = committed.iter().filter(|event| !lines.contains_key(*event)).collect();
                let logs: Vec<_> = printers.iter().map(|printer| printer.service.log()).collect();
                panic!("{} are not printed, as {:?}: {}", missing.len(), missing.first(), logs.join("\n"));
            }
            wait(Duration::from_millis(100)).await;
            lines = printed(printers);
        }
        let invented: Vec<_> = lines.keys().filter(|event| !committed.contains(*event)).take(3).collect();
        assert!(invented.is_empty(), "printed, but not committed: {invented:?}");
        for printer in printers {
            expect_in_order(&printer.service.printed(), "what is printed");
        }
        let is_repeated = |event: &Event| lines.get(event).is_some_and(|places| places.len() > 1);
        let last_words: Vec<_> = printers.iter().map(|printer| printer.last_words(is_repeated)).collect();
        for (event, places) in &lines {
            let others = places.iter().filter(|(number, line)| !last_words[*number].contains(line)).count();
            let marks: Vec<_> = printers.iter().map(|printer| &printer.deaths).collect();
            assert!(others <= 1, "{event:?} is printed at {places:?}, with deaths at {marks:?}");
        }
        lines.values().map(|places| places.len() - 1).sum()
    }
}

/// Where each event is printed: which printer, which line.
fn printed(printers: &[Printer<'_>]) -> BTreeMap<Event, Vec<(usize, usize)>> {
    let mut places: BTreeMap<Event, Vec<(usize, usize)>> = BTreeMap::new();
    for (number, printer) in printers.iter().enumerate() {
        for (line, event) in printer.service.printed().into_iter().enumerate() {
            places.entry(event).or_default().push((number, line));
        }
    }
    places
}

/// Checks that no version of an order comes before one that is lower comes for the first time.
fn expect_in_order(events: &[Event], place: &str) {
    let mut highest: BTreeMap<&str, u64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (order_id, version) in events {
        let known = highest.entry(order_id).or_default();
        let is_first = seen.insert((order_id, version));
        assert!(!is_first || version > known, "in {place} version {version} of {order_id} comes after {known}");
        *known = *version.max(known);
    }
}
