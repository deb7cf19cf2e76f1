//! The table and the verdict as the terminal shows them.

use std::time::Duration;

use super::tally::{Plan, Tally, percentile};
use super::verdict::{Judgement, Verdict};
use crate::command::{duration, table};

/// What was measured while the buyers competed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measures {
    /// From the first request to the last buyer served.
    pub(super) elapsed: Duration,
    /// Requests in that time, payments and retries included.
    pub(super) requests: u64,
}

/// Writes the whole report.
pub(super) fn report(plan: &Plan, tally: &Tally, measures: Measures, judgement: &Judgement) -> String {
    let mut text = table::columns(&rows(plan, tally, measures));
    text.push('\n');
    for statement in &judgement.statements {
        text.push_str(&format!("{statement}\n"));
    }
    for difference in &judgement.differences {
        text.push_str(&format!("differs: {difference}\n"));
    }
    text.push_str(&match judgement.verdict() {
        Verdict::True => "verdict: true\n".to_owned(),
        Verdict::False => "verdict: false\n".to_owned(),
        Verdict::None => {
            let (sku_id, others) = (&plan.sku_id, judgement.others.join(", "));
            format!("verdict: none, somebody else meddled with {sku_id} meanwhile: {others}\n")
        }
    });
    text
}

fn rows(plan: &Plan, tally: &Tally, measures: Measures) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |name: String, value: String| rows.push(vec![name, value]);
    row("buyers".to_owned(), plan.buyers.to_string());
    row("units in stock".to_owned(), plan.stock.to_string());
    row("clients".to_owned(), plan.clients.to_string());
    row("orders placed".to_owned(), tally.orders.len().to_string());
    let by_code = [("refused", &tally.refused), ("gave up", &tally.gave_up), ("tried again", &tally.retried)];
    for (what, counts) in by_code {
        for (code, count) in counts {
            row(format!("{what}: {code}"), count.to_string());
        }
    }
    if !tally.unknown.is_empty() {
        row("outcome unknown".to_owned(), tally.unknown.len().to_string());
    }
    for (what, times) in [("order", &tally.placed_in), ("refusal", &tally.refused_in)] {
        for (rank, percent) in [("p50", 50), ("p99", 99), ("longest", 100)] {
            let time = percentile(times, percent).map_or_else(|| "-".to_owned(), duration::show);
            row(format!("{what} answered within, {rank}"), time);
        }
    }
    row("time".to_owned(), duration::show(measures.elapsed));
    let orders = u64::try_from(tally.placed_in.len()).unwrap_or(u64::MAX);
    let counted = format!("{orders} orders in {}", duration::show(tally.last_placed_at));
    row(format!("orders per second ({counted})"), rate(orders, tally.last_placed_at));
    row("requests per second".to_owned(), rate(measures.requests, measures.elapsed));
    rows
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn rate(count: u64, time: Duration) -> String {
    if time.is_zero() { "-".to_owned() } else { format!("{:.0}", count as f64 / time.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_report_counts_every_buyer_and_ends_with_the_verdict() {
        let plan = Plan { sku_id: "s".to_owned(), stock: 2, buyers: 9, clients: 5, quantity: 1 };
        let counts = |code: &str, count| BTreeMap::from([(code.to_owned(), count)]);
        let tally = Tally {
            refused: counts("sold_out", 6),
            gave_up: counts("busy", 2),
            retried: counts("timed_out", 7),
            unknown: BTreeMap::from([(3, "timed_out".to_owned())]),
            placed_in: [5, 6, 5, 5].map(Duration::from_millis).into(),
            last_placed_at: Duration::from_secs(2),
            ..Tally::default()
        };
        let judgement = Judgement {
            statements: vec!["oversold 1".to_owned()],
            differences: vec!["1 unit too many".to_owned()],
            others: Vec::new(),
        };
        let measures = Measures { elapsed: Duration::from_secs(4), requests: 100 };
        let text = report(&plan, &tally, measures, &judgement);
        let squeezed: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in [
            "buyers 9",
            "clients 5",
            "refused: sold_out 6",
            "gave up: busy 2",
            "tried again: timed_out 7",
            "outcome unknown 1",
            "order answered within, p50 5.0 ms",
            "refusal answered within, p50 -",
            "order answered within, longest 6.0 ms",
            "orders per second (4 orders in 2.00 s) 2",
            "requests per second 25",
            "oversold 1",
            "differs: 1 unit too many",
        ] {
            assert!(squeezed.iter().any(|told| told == line), "{line:?} is not in\n{text}");
        }
        assert_eq!(squeezed.last().map(String::as_str), Some("verdict: false"));
    }
}
