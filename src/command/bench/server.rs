//! What the server shows of itself while it is measured: processor time, commits, settings.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::wire::Connection;
use crate::command::Failure;

/// Processor time between two looks that counts as none.
pub(super) const IDLE: Duration = Duration::from_millis(10);

/// User and system time by name of thread; threads that differ in their number only count as one.
pub(super) type CpuTimes = BTreeMap<String, Duration>;

/// Processor time of a process so far.
pub(super) fn cpu_times(process: u32) -> Result<CpuTimes, Failure> {
    let failed = |error: io::Error| Failure::Work(format!("cannot read the service's processor time: {error}"));
    let mut times = CpuTimes::new();
    for thread in fs::read_dir(format!("/proc/{process}/task")).map_err(failed)? {
        let stat = fs::read_to_string(thread.map_err(failed)?.path().join("stat")).map_err(failed)?;
        let (name, ticks) = parse_stat(&stat).ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?;
        *times.entry(name).or_default() += Duration::from_secs(ticks) / ticks_per_second();
    }
    Ok(times)
}

fn ticks_per_second() -> u32 {
    u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

/// Name and ticks of a thread, from the system's line about it.
fn parse_stat(stat: &str) -> Option<(String, u64)> {
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '-');
    // The state comes first; user and system time are eleventh and twelfth after it.
    let mut fields = after.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((name.to_owned(), user + system))
}

/// Transactions committed so far.
pub(super) fn commits(address: SocketAddr, token: &str) -> Result<u64, Failure> {
    let failed = |why: String| Failure::Work(format!("the service does not tell its commits: {why}"));
    let asked: io::Result<Value> = tokio::runtime::Builder::new_current_thread().enable_io().build().and_then(|run| {
        run.block_on(async {
            let mut connection = Connection::open(address).await?;
            let request = format!(
                "GET /admin/actors?kind=committer HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n"
            );
            Ok(serde_json::from_slice(connection.ask(request.as_bytes()).await?.body)?)
        })
    });
    let told = asked.map_err(|error| failed(error.to_string()))?;
    told["actors"][0]["state"]["commits"].as_u64().ok_or_else(|| failed(told.to_string()))
}

/// How durable things are, as those who keep them said when they were opened: who, and what.
pub(super) fn durability(log: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut told: Vec<(String, String)> = Vec::new();
    for line in lines {
        let Some((who, said)) = opened(&line["fields"]) else { continue };
        // A store that several ask for at once says so several times.
        if !told.iter().any(|(before, _)| *before == who) {
            told.push((who, said));
        }
    }
    told
}

/// `store`, `ledger` or `stream`, and its settings.
fn opened(fields: &Value) -> Option<(String, String)> {
    let who = fields["message"].as_str()?.strip_suffix(" opened")?;
    let settings = fields.as_object()?.iter().filter(|(name, _)| *name != "message");
    let said = settings.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    });
    Some((who.to_owned(), said.collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threads_time_is_read_whatever_its_name() {
        let stat = "7 (worker (a) -12) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20 0";
        assert_eq!(parse_stat(stat), Some(("worker (a) ".to_owned(), 42)));
        assert_eq!(parse_stat("7 (x) S 1"), None);
    }

    #[test]
    fn durability_is_what_the_log_says() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("log");
        let store = r#"{"fields":{"message":"store opened","journal_mode":"wal","synchronous":"full","sync":"fsync"}}"#;
        let ledger = r#"{"fields":{"message":"ledger opened","appendonly":"yes","size":1}}"#;
        fs::write(&log, format!("noise\n{store}\n{store}\n{ledger}\n")).expect("a file");
        let told = [("store", "journal_mode=wal sync=fsync synchronous=full"), ("ledger", "appendonly=yes size=1")];
        assert_eq!(durability(&log), told.map(|(who, said)| (who.to_owned(), said.to_owned())));
        fs::write(&log, "noise").expect("a file");
        assert_eq!(durability(&log), []);
    }
}
