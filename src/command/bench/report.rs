//! The table that a benchmark prints.

use std::time::Duration;

use super::load::Round;
use super::server::CpuTimes;
use crate::command::{duration, table};

/// All that was measured.
#[derive(Debug, Default)]
pub(super) struct Measures {
    pub(super) connections: u16,
    pub(super) echo: Vec<Round>,
    pub(super) orders: Vec<Round>,
    /// What the server spent on the rounds of orders, until it had nothing left to do.
    pub(super) cpu: CpuTimes,
    /// Transactions in the rounds of orders.
    pub(super) commits: u64,
    /// How long the disk takes to make a small write durable.
    pub(super) syncs: Vec<Duration>,
    pub(super) durability: Option<String>,
}

impl Measures {
    /// Whether every answer was a success, and there were some.
    pub(super) fn is_success(&self) -> bool {
        let is_sound = |round: &Round| round.failed == 0 && !round.times.is_empty();
        self.echo.iter().chain(&self.orders).all(is_sound)
    }

    /// The report.
    pub(super) fn report(&self) -> String {
        let mut text = table::columns(&self.by_kind());
        text.push('\n');
        text.push_str(&table::columns(&self.of_orders()));
        text.push_str("\nThe load runs on the same cores, in a process of its own. The access log is off.\n");
        for round in self.echo.iter().chain(&self.orders) {
            if let Some(failure) = &round.failure {
                text.push_str(&format!("not a success: {failure}\n"));
            }
        }
        text
    }

    fn by_kind(&self) -> Vec<Vec<String>> {
        let title = format!("{} connections, {} rounds", self.connections, self.orders.len());
        let kinds = [&self.echo, &self.orders];
        let row = |name: &str, cell: fn(&[Round]) -> String| {
            let mut row = vec![name.to_owned()];
            row.extend(kinds.iter().map(|rounds| cell(rounds)));
            row
        };
        vec![
            vec![title, "echo".to_owned(), "orders".to_owned()],
            row("requests per second, median", |rounds| format!("{:.0}", middle(rates(rounds)))),
            row("from round to round", |rounds| spread(rates(rounds), 0)),
            row("success", success),
            row("p50", |rounds| percentile(rounds, 50)),
            row("p99", |rounds| percentile(rounds, 99)),
        ]
    }

    fn of_orders(&self) -> Vec<Vec<String>> {
        let orders: usize = self.orders.iter().map(|round| round.times.len()).sum();
        let each = |time: Duration| format!("{:.1} us", time.as_secs_f64() * 1e6 / number(orders.max(1)));
        let ratios: Vec<f64> = rates(&self.orders).iter().zip(rates(&self.echo)).map(|(a, b)| a / b).collect();
        let mut rows = Vec::new();
        let mut row = |name: String, value: String| rows.push(vec![name, value]);
        row("orders / echo, median".to_owned(), format!("{:.3}", middle(ratios.clone())));
        row("from round to round".to_owned(), spread(ratios, 3));
        row("orders".to_owned(), orders.to_string());
        row("server's cpu per order".to_owned(), each(self.cpu.values().sum()));
        for (thread, time) in &self.cpu {
            row(format!("  {thread}"), each(*time));
        }
        row("orders per commit".to_owned(), self.per_commit(orders));
        let sync = middle(self.syncs.iter().map(Duration::as_secs_f64).collect());
        row("fdatasync of 4 KiB, p50".to_owned(), format!("{:.2} ms", sync * 1e3));
        row("durability".to_owned(), self.durability.clone().unwrap_or_else(|| "not told".to_owned()));
        rows
    }

    fn per_commit(&self, orders: usize) -> String {
        let commits = usize::try_from(self.commits).unwrap_or(usize::MAX);
        if commits == 0 { "-".to_owned() } else { format!("{:.1}", number(orders) / number(commits)) }
    }
}

fn rates(rounds: &[Round]) -> Vec<f64> {
    rounds.iter().map(|round| number(round.times.len()) / round.elapsed.as_secs_f64()).collect()
}

fn success(rounds: &[Round]) -> String {
    let good: usize = rounds.iter().map(|round| round.times.len()).sum();
    let bad: u64 = rounds.iter().map(|round| round.failed).sum();
    let all = good + usize::try_from(bad).unwrap_or(usize::MAX);
    format!("{:.3} %", 100.0 * number(good) / number(all.max(1)))
}

/// Of all rounds together, by nearest rank.
fn percentile(rounds: &[Round], percent: usize) -> String {
    let mut times: Vec<u32> = rounds.iter().flat_map(|round| &round.times).copied().collect();
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).max(1);
    let time = times.get(rank - 1).map(|micros| Duration::from_micros(u64::from(*micros)));
    time.map_or_else(|| "-".to_owned(), duration::show)
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread(mut values: Vec<f64>, digits: usize) -> String {
    values.sort_unstable_by(f64::total_cmp);
    let (least, most) = (values.first().copied(), values.last().copied());
    format!("{:.digits$} to {:.digits$}", least.unwrap_or(f64::NAN), most.unwrap_or(f64::NAN))
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people to read")]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(count: usize) -> Round {
        Round { elapsed: Duration::from_secs(1), times: vec![1_500; count], failed: 0, failure: None }
    }

    #[test]
    fn the_report_tells_medians_spreads_and_the_ratio() {
        let measures = Measures {
            connections: 64,
            echo: vec![round(100), round(400), round(200)],
            orders: vec![round(50), round(100), round(20)],
            cpu: CpuTimes::from([("writer".to_owned(), Duration::from_micros(3_400))]),
            commits: 17,
            syncs: vec![Duration::from_micros(130); 3],
            durability: Some("full".to_owned()),
        };
        assert!(measures.is_success());
        let text = measures.report();
        let squeezed: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in [
            "64 connections, 3 rounds echo orders",
            "requests per second, median 200 50",
            "from round to round 100 to 400 20 to 100",
            "success 100.000 % 100.000 %",
            "p99 1.5 ms 1.5 ms",
            "orders / echo, median 0.250",
            "writer 20.0 us",
            "orders per commit 10.0",
            "fdatasync of 4 KiB, p50 0.13 ms",
            "durability full",
        ] {
            assert!(squeezed.iter().any(|told| told == line), "{line:?} is not in\n{text}");
        }
    }

    #[test]
    fn one_answer_that_is_no_success_is_told_and_spoils_the_run() {
        let bad = Round { failed: 1, failure: Some("503 busy".to_owned()), ..round(99) };
        let measures = Measures { echo: vec![round(1)], orders: vec![bad], ..Measures::default() };
        assert!(!measures.is_success());
        assert!(measures.report().contains("not a success: 503 busy"));
        assert!(!Measures { orders: vec![Round::default()], ..Measures::default() }.is_success());
    }
}
