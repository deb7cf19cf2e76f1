//! What backends count of their calls to outside systems.

use std::sync::Arc;

use prometheus::proto::{MetricFamily, MetricType};

use super::family::{add, counted, seconds};
use crate::calls::{CallCount, CallCounts};

/// Everything that is known of the calls.
pub(super) fn families(systems: &[Arc<CallCounts>]) -> Vec<MetricFamily> {
    let counts: Vec<_> = systems.iter().map(|calls| (calls.system, calls.by_name())).collect();
    let each =
        || counts.iter().flat_map(|(backend, calls)| calls.iter().map(move |(call, count)| (*backend, *call, count)));
    let mut families = Vec::new();
    for (backend, call, CallCount { made, failed, spared, .. }) in each() {
        for (outcome, count) in [("done", made - failed), ("failed", *failed), ("spared", *spared)] {
            let help = "calls to outside systems, by outcome; spared are those that were not made while one was down";
            let metric = counted(&[("backend", backend), ("call", call), ("outcome", outcome)], count);
            add(&mut families, "floodgate_backend_calls_total", help, MetricType::COUNTER, metric);
        }
    }
    for (backend, call, count) in each() {
        let metric = seconds(&[("backend", backend), ("call", call)], count.elapsed);
        let help = "time that calls to outside systems took";
        add(&mut families, "floodgate_backend_call_seconds_total", help, MetricType::COUNTER, metric);
    }
    families
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn calls_are_told_by_system_name_and_outcome() {
        let (redis, mysql) = (Arc::new(CallCounts::of("redis")), Arc::new(CallCounts::of("mysql")));
        redis.note("reserve", true, Duration::from_millis(2));
        redis.note("reserve", false, Duration::from_millis(400));
        redis.note("reserve", true, Duration::from_millis(3));
        redis.spare("reserve");
        mysql.note("commit", true, Duration::from_millis(5));
        let families = families(&[redis, mysql]);
        let text = TextEncoder::new().encode_to_string(&families).expect("it can be written");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let wanted = [
            r#"floodgate_backend_calls_total{backend="redis",call="reserve",outcome="done"} 2"#,
            r#"floodgate_backend_calls_total{backend="redis",call="reserve",outcome="failed"} 1"#,
            r#"floodgate_backend_calls_total{backend="redis",call="reserve",outcome="spared"} 1"#,
            r#"floodgate_backend_calls_total{backend="mysql",call="commit",outcome="done"} 1"#,
            r#"floodgate_backend_calls_total{backend="mysql",call="commit",outcome="failed"} 0"#,
            r#"floodgate_backend_calls_total{backend="mysql",call="commit",outcome="spared"} 0"#,
            r#"floodgate_backend_call_seconds_total{backend="redis",call="reserve"} 0.405"#,
            r#"floodgate_backend_call_seconds_total{backend="mysql",call="commit"} 0.005"#,
        ];
        assert_eq!(lines, wanted);
    }
}
