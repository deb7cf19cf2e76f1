//! What the core counts, under the names that operators see.

use std::collections::BTreeMap;

use actors::node::{KindTotal, LiveActors, VIOLATIONS};
use prometheus::proto::{MetricFamily, MetricType};

use super::family::{add, counted, gauge, spread};

/// One of the core's counters.
struct Row {
    /// The kind of actor that counts, and what it calls it.
    counter: (&'static str, &'static str),
    family: &'static str,
    label: Option<(&'static str, &'static str)>,
    help: &'static str,
}

macro_rules! rows {
    ($($kind:literal $name:literal => $family:literal $({$label:literal: $value:literal})?, $help:literal;)*) => {
        &[$(Row { counter: ($kind, $name), family: $family, label: rows!(@label $($label $value)?), help: $help }),*]
    };
    (@label) => { None };
    (@label $label:literal $value:literal) => { Some(($label, $value)) };
}

/// Every counter of the core. Rows of one family stand together.
const COUNTERS: &[Row] = rows! {
    "committer" "commits"          => "floodgate_commits_total" {"outcome": "done"}, "transactions, by outcome";
    "committer" "commits_not_done" => "floodgate_commits_total" {"outcome": "not_done"}, "transactions, by outcome";
    "committer" "commits_unknown"  => "floodgate_commits_total" {"outcome": "unknown"}, "transactions, by outcome";
    "committer" "committed"        => "floodgate_committed_total", "orders placed, and changes of orders, skus and stock, that were committed";
    "stock"     "flushes"          => "floodgate_ledger_calls_total", "calls to the ledger, each for all that waited";
    "stock"     "refusals"         => "floodgate_ledger_refusals_total", "requests that the ledger had no units for";
    "stock"     "ungated"          => "floodgate_ledger_passed_by_total", "requests passed on to the store without the ledger";
    "refuser"   "look_ups"         => "floodgate_key_look_ups_total", "reads for keys of requests about to be refused";
    "refuser"   "keys"             => "floodgate_keys_looked_up_total", "keys looked up before a refusal";
    "worker"    "done"             => "floodgate_events_done_total", "order events whose effect was done and recorded by the worker";
    "worker"    "repeats"          => "floodgate_events_repeated_total", "order events delivered again and dropped";
    "worker"    "refused"          => "floodgate_effects_refused_total", "times the effect of an order event was refused";
    "worker"    "put_aside"        => "floodgate_events_put_aside_total", "order events put aside as dead letters";
    "publisher" "published"        => "floodgate_events_published_total", "order events put on the stream";
    "printer"   "lines"            => "floodgate_events_printed_total", "order events printed";
    "sweeper"   "found"            => "floodgate_overdue_found_total", "unpaid orders that a sweep found past their deadline";
};

/// A spread of the core: who notes it, the family, the label `kind`'s worth, how many make one of the family's unit.
const SPREADS: &[(&str, &str, &str, f64, &str)] = &[
    (
        "committer",
        "batches",
        "floodgate_batch_size",
        1.0,
        "orders and changes of one transaction, requests of one ledger call",
    ),
    (
        "stock",
        "batches",
        "floodgate_batch_size",
        1.0,
        "orders and changes of one transaction, requests of one ledger call",
    ),
    ("committer", "commit_time", "floodgate_commit_seconds", 1_000_000.0, "time that a transaction took"),
];

/// Everything that is known of a node's actors.
pub(super) fn families(live: &LiveActors) -> Vec<MetricFamily> {
    let mut families = Vec::new();
    of_kinds(&mut families, &live.totals());
    let totals = live.counts.totals();
    for Row { counter, family, label, help } in COUNTERS {
        // What nobody has counted yet is shown all the same: a number that is not there raises no alarm.
        let metric = counted(label.as_slice(), totals.get(counter).copied().unwrap_or(0));
        add(&mut families, family, help, MetricType::COUNTER, metric);
    }
    for ((_, invariant), found) in totals.iter().filter(|((kind, _), _)| *kind == VIOLATIONS) {
        let help = "times an invariant was found broken, after a commit or by a verdict";
        let metric = counted(&[("invariant", invariant)], *found);
        add(&mut families, "floodgate_invariant_violations_total", help, MetricType::COUNTER, metric);
    }
    let spreads = live.counts.spreads();
    for (kind, name, family, unit, help) in SPREADS {
        if let Some(seen) = spreads.get(&(*kind, *name)) {
            let metric = spread(&[("kind", kind)], seen, *unit);
            add(&mut families, family, help, MetricType::HISTOGRAM, metric);
        }
    }
    families
}

fn of_kinds(families: &mut Vec<MetricFamily>, totals: &BTreeMap<&'static str, KindTotal>) {
    for (kind, total) in totals {
        let metric = gauge(&[("kind", kind)], total.live);
        add(families, "floodgate_actors_live", "actors that live", MetricType::GAUGE, metric);
    }
    for (kind, total) in totals {
        let metric = gauge(&[("kind", kind)], total.mailbox);
        add(families, "floodgate_actor_mailbox", "messages in flight to actors", MetricType::GAUGE, metric);
    }
    for (kind, total) in totals {
        let metric = counted(&[("kind", kind)], total.handled);
        add(families, "floodgate_actor_handled_total", "messages handled", MetricType::COUNTER, metric);
    }
    for (kind, total) in totals {
        let metric = counted(&[("kind", kind)], total.restarts);
        add(families, "floodgate_actor_restarts_total", "actors replaced after a panic", MetricType::COUNTER, metric);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actors::testing::bench_node::BenchNode;
    use actors::testing::fixtures::{put_sku, sku_id};

    use super::*;

    /// Runs a test beside a node whose time stands still.
    fn in_process(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without io can always be built");
        tokio::task::LocalSet::new().block_on(&runtime, test);
    }

    #[test]
    fn whatever_the_core_counts_has_a_name_for_operators() {
        in_process(async {
            let bench = BenchNode::start();
            // A stock actor counts, too.
            bench.node.orders.put_sku(put_sku("a")).await.expect("the store is open");
            bench.node.warm_up.warm_up(vec![sku_id("a")]).await.expect("the store is open");
            bench.clock.sleep(std::time::Duration::from_millis(1)).await;
            let counts = &bench.node.live.counts;
            let known: BTreeSet<_> = COUNTERS.iter().map(|row| row.counter).collect();
            let counted: BTreeSet<_> = counts.totals().into_keys().filter(|(kind, _)| *kind != VIOLATIONS).collect();
            assert_eq!(counted, known);
            let known: BTreeSet<_> = SPREADS.iter().map(|(kind, name, ..)| (*kind, *name)).collect();
            assert_eq!(counts.spreads().into_keys().collect::<BTreeSet<_>>(), known);
        });
    }

    #[test]
    fn a_family_stands_in_one_piece() {
        in_process(async {
            let families = families(&BenchNode::start().node.live);
            let names: BTreeSet<&str> = families.iter().map(MetricFamily::name).collect();
            assert_eq!(names.len(), families.len(), "{names:?}");
        });
    }
}
