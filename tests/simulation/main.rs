//! The simulated world, run from many seeds. `SEED=n SCENARIO=cluster cargo test --test simulation one_seed` prints the
//! trace of one.

mod doubt;
mod letters;
mod overload;
mod panics;
mod passivation;
mod printing;
mod signals;
mod warm_up;

use std::collections::BTreeMap;

use actors::domain::event::EventType;
use actors::testing::world::{Report, Scenario, run};

/// Seeds per scenario: a few seconds' worth. `SEEDS=n` runs more.
const SEEDS: u64 = 25;

fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

fn run_all(name: &str, scenario: Scenario) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut broken: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for seed in 0..seeds() {
        let report = run(scenario, seed);
        if !report.violations.is_empty() {
            broken.insert(seed, report.violations.clone());
        }
        reports.push(report);
    }
    let first = broken.iter().next();
    assert!(first.is_none(), "{name}: {} of {} seeds, first {first:#?}", broken.len(), seeds());
    let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
    let (acknowledged, payments, crashes) =
        (sum(|report| report.acknowledged), sum(|report| report.payments), sum(|report| report.crashes));
    println!("{name}: {} seeds, {acknowledged} orders, {payments} payments, {crashes} crashes", reports.len());
    reports
}

#[test]
fn a_single_node_keeps_every_promise_whatever_fails() {
    let reports = run_all("embedded", Scenario::EMBEDDED);
    assert!(reports.iter().any(|report| report.crashes > 1), "the weather was never bad");
}

#[test]
fn a_node_whose_actors_panic_keeps_every_promise_and_prints_nothing_twice() {
    let reports = run_all("panics", Scenario::PANICS);
    assert!(reports.iter().any(|report| report.trace.contains("is to panic")), "nobody panicked");
}

#[test]
fn two_nodes_on_one_store_keep_every_promise_whatever_fails() {
    let reports = run_all("cluster", Scenario::CLUSTER);
    assert!(reports.iter().any(|report| report.crashes > 1), "the weather was never bad");
}

#[test]
fn two_nodes_on_one_store_print_nothing_twice_while_none_dies() {
    let reports = run_all("cluster_panics", Scenario::CLUSTER_PANICS);
    assert!(reports.iter().any(|report| report.trace.contains("is to panic")), "nobody panicked");
}

#[test]
fn nodes_that_share_a_stream_keep_every_promise_whatever_fails() {
    let reports = run_all("stream", Scenario::STREAM);
    assert!(reports.iter().any(|report| report.crashes > 1), "the weather was never bad");
}

#[test]
fn nodes_that_share_a_stream_print_nothing_twice_while_none_dies() {
    let reports = run_all("stream_panics", Scenario::STREAM_PANICS);
    assert!(reports.iter().any(|report| report.trace.contains("is to panic")), "nobody panicked");
}

#[test]
fn on_a_calm_day_everything_is_sold_and_nothing_is_printed_twice() {
    let reports = run_all("calm", Scenario::CALM);
    assert!(reports.iter().all(|report| report.acknowledged > 10 && report.payments > 3), "the shop was empty");
    for event_type in EventType::ALL {
        let happened = reports.iter().filter(|report| report.trace.contains(event_type.name())).count();
        assert!(happened > reports.len() / 4, "{} happened in {happened} runs", event_type.name());
    }
}

#[test]
fn one_seed_run_twice_gives_the_same_bytes() {
    for seed in 0..5 {
        for scenario in [Scenario::CLUSTER, Scenario::STREAM] {
            let (first, second) = (run(scenario, seed), run(scenario, seed));
            assert!(first == second, "seed {seed} gave two runs of {scenario:?}");
        }
    }
}

#[test]
fn one_seed() {
    let Some(seed) = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) else { return };
    let scenario = match std::env::var("SCENARIO").as_deref() {
        Ok("cluster") => Scenario::CLUSTER,
        Ok("cluster_panics") => Scenario::CLUSTER_PANICS,
        Ok("stream") => Scenario::STREAM,
        Ok("stream_panics") => Scenario::STREAM_PANICS,
        Ok("calm") => Scenario::CALM,
        Ok("panics") => Scenario::PANICS,
        _ => Scenario::EMBEDDED,
    };
    let report = run(scenario, seed);
    println!("{}", report.trace);
    assert_eq!(report.violations, Vec::<String>::new());
}
