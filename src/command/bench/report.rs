//! The table that a benchmark prints.

use std::collections::BTreeSet;
use std::time::Duration;

use super::load::Round;
use super::server::{CpuTimes, IDLE};
use crate::command::{duration, table};

/// All that was measured.
#[derive(Debug, Default)]
pub(super) struct Measures {
    pub(super) connections: u16,
    pub(super) echo: Vec<Round>,
    /// On the service that has nothing but its directory, and on another if there is one.
    pub(super) orders: Vec<Measured>,
    /// How long the disk takes to make a small write durable.
    pub(super) syncs: Vec<Duration>,
}

/// What was measured of the orders of one service.
#[derive(Debug, Default)]
pub(super) struct Measured {
    title: String,
    pub(super) rounds: Vec<Round>,
    /// What the server spent on them, until it had nothing left to do.
    pub(super) cpu: CpuTimes,
    /// Transactions.
    pub(super) commits: u64,
    /// Who keeps what, and how durably.
    durability: Vec<(String, String)>,
}

impl Measured {
    /// Nothing yet, of a service that says this of its durability.
    pub(super) fn of(title: String, durability: Vec<(String, String)>) -> Self {
        Self { title, durability, ..Self::default() }
    }

    /// Leaves out threads that did next to nothing.
    pub(super) fn forget_idlers(&mut self) {
        self.cpu.retain(|_, time| *time > IDLE);
    }

    fn count(&self) -> usize {
        self.rounds.iter().map(|round| round.times.len()).sum()
    }

    /// Round by round, its rate as a part of another's.
    fn ratios(&self, to: &[Round]) -> Vec<f64> {
        rates(&self.rounds).iter().zip(rates(to)).map(|(a, b)| a / b).collect()
    }

    fn each(&self, time: Duration) -> String {
        format!("{:.1} us", time.as_secs_f64() * 1e6 / number(self.count().max(1)))
    }

    fn per_commit(&self) -> String {
        let commits = usize::try_from(self.commits).unwrap_or(usize::MAX);
        if commits == 0 { "-".to_owned() } else { format!("{:.1}", number(self.count()) / number(commits)) }
    }
}

impl Measures {
    /// Whether every answer was a success, and there were some.
    pub(super) fn is_success(&self) -> bool {
        let is_sound = |round: &Round| round.failed == 0 && !round.times.is_empty();
        self.all().all(is_sound)
    }

    fn all(&self) -> impl Iterator<Item = &Round> {
        self.echo.iter().chain(self.orders.iter().flat_map(|measured| &measured.rounds))
    }

    /// The report.
    pub(super) fn report(&self) -> String {
        let mut text = table::columns(&self.by_kind());
        text.push('\n');
        text.push_str(&table::columns(&self.of_orders()));
        text.push('\n');
        text.push_str(&table::text_columns(&self.durability()));
        text.push_str("\nThe load runs on the same cores, in a process of its own. The access log is off.\n");
        for round in self.all() {
            if let Some(failure) = &round.failure {
                text.push_str(&format!("not a success: {failure}\n"));
            }
        }
        text
    }

    fn by_kind(&self) -> Vec<Vec<String>> {
        let title = format!("{} connections, {} rounds", self.connections, self.echo.len());
        let kinds: Vec<&[Round]> =
            [&*self.echo].into_iter().chain(self.orders.iter().map(|measured| &*measured.rounds)).collect();
        let row = |name: &str, cell: fn(&[Round]) -> String| {
            let cells = kinds.iter().map(|rounds| cell(rounds));
            [name.to_owned()].into_iter().chain(cells).collect()
        };
        let titles = self.orders.iter().map(|measured| measured.title.clone());
        vec![
            [title, "echo".to_owned()].into_iter().chain(titles).collect(),
            row("requests per second, median", |rounds| format!("{:.0}", middle(rates(rounds)))),
            row("from round to round", |rounds| spread(rates(rounds), 0)),
            row("success", success),
            row("p50", |rounds| percentile(rounds, 50)),
            row("p99", |rounds| percentile(rounds, 99)),
        ]
    }

    fn of_orders(&self) -> Vec<Vec<String>> {
        let row = |name: &str, cell: &dyn Fn(&Measured) -> String| -> Vec<String> {
            [name.to_owned()].into_iter().chain(self.orders.iter().map(cell)).collect()
        };
        let mut rows = vec![
            row("of", &|measured| measured.title.clone()),
            row("orders / echo, median", &|measured| format!("{:.3}", middle(measured.ratios(&self.echo)))),
            row("from round to round", &|measured| spread(measured.ratios(&self.echo), 3)),
        ];
        if let [embedded, _] = &*self.orders {
            let part = |measured: &Measured| format!("{:.3}", middle(measured.ratios(&embedded.rounds)));
            rows.push(row("orders / embedded orders, median", &part));
        }
        rows.extend([
            row("orders", &|measured| measured.count().to_string()),
            row("server's cpu per order", &|measured| measured.each(measured.cpu.values().sum())),
        ]);
        let threads: BTreeSet<&String> = self.orders.iter().flat_map(|measured| measured.cpu.keys()).collect();
        for thread in threads {
            let spent = |measured: &Measured| measured.cpu.get(thread).map(|time| measured.each(*time));
            rows.push(row(&format!("  {thread}"), &|measured| spent(measured).unwrap_or_else(|| "-".to_owned())));
        }
        rows.push(row("orders per commit", &Measured::per_commit));
        rows
    }

    fn durability(&self) -> Vec<Vec<String>> {
        let sync = middle(self.syncs.iter().map(Duration::as_secs_f64).collect());
        let mut rows = vec![vec!["fdatasync of 4 KiB, p50".to_owned(), format!("{:.2} ms", sync * 1e3)]];
        for Measured { title, durability, .. } in &self.orders {
            if durability.is_empty() {
                rows.push(vec![format!("{title}: durability"), "not told".to_owned()]);
            }
            rows.extend(durability.iter().map(|(who, said)| vec![format!("{title}: {who}"), said.clone()]));
        }
        rows
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

    fn measured(title: &str, counts: &[usize]) -> Measured {
        let durability = vec![("store".to_owned(), "full".to_owned())];
        let cpu = CpuTimes::from([("writer".to_owned(), Duration::from_micros(3_400))]);
        let rounds = counts.iter().map(|count| round(*count)).collect();
        Measured { rounds, cpu, commits: 17, ..Measured::of(title.to_owned(), durability) }
    }

    fn expect_lines(measures: &Measures, lines: &[&str]) {
        let text = measures.report();
        let squeezed: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in lines {
            assert!(squeezed.iter().any(|told| told == line), "{line:?} is not in\n{text}");
        }
    }

    #[test]
    fn the_report_tells_medians_spreads_and_the_ratio() {
        let mut measures = Measures {
            connections: 64,
            echo: vec![round(100), round(400), round(200)],
            orders: vec![measured("orders", &[50, 100, 20])],
            syncs: vec![Duration::from_micros(130); 3],
        };
        assert!(measures.is_success());
        let alone = [
            "64 connections, 3 rounds echo orders",
            "requests per second, median 200 50",
            "from round to round 100 to 400 20 to 100",
            "success 100.000 % 100.000 %",
            "p99 1.5 ms 1.5 ms",
            "orders / echo, median 0.250",
            "writer 20.0 us",
            "orders per commit 10.0",
            "fdatasync of 4 KiB, p50 0.13 ms",
            "orders: store full",
        ];
        expect_lines(&measures, &alone);
        measures.orders.push(measured("orders elsewhere", &[10, 20, 4]));
        measures.orders[1].cpu = CpuTimes::from([("mysql".to_owned(), Duration::from_micros(340))]);
        let beside = [
            "64 connections, 3 rounds echo orders orders elsewhere",
            "requests per second, median 200 50 10",
            "orders / echo, median 0.250 0.050",
            "orders / embedded orders, median 1.000 0.200",
            "mysql - 10.0 us",
            "writer 20.0 us -",
            "orders per commit 10.0 2.0",
            "orders elsewhere: store full",
        ];
        expect_lines(&measures, &beside);
    }

    #[test]
    fn one_answer_that_is_no_success_is_told_and_spoils_the_run() {
        let bad = Round { failed: 1, failure: Some("503 busy".to_owned()), ..round(99) };
        let with = |round: Round| Measured { rounds: vec![round], ..Measured::default() };
        let measures = Measures { echo: vec![round(1)], orders: vec![with(bad)], ..Measures::default() };
        assert!(!measures.is_success());
        assert!(measures.report().contains("not a success: 503 busy"));
        assert!(!Measures { orders: vec![with(Round::default())], ..Measures::default() }.is_success());
    }
}
