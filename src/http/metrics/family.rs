//! How numbers become families of Prometheus.

use std::time::Duration;

use actors::node::SpreadSeen;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

/// Adds a number to the family that was begun last, or begins another.
pub(super) fn add(families: &mut Vec<MetricFamily>, name: &str, help: &str, kind: MetricType, metric: Metric) {
    match families.last_mut().filter(|family| family.name() == name) {
        Some(family) => family.mut_metric().push(metric),
        None => {
            let mut family = MetricFamily::default();
            family.set_name(name.to_owned());
            family.set_help(help.to_owned());
            family.set_field_type(kind);
            family.set_metric(vec![metric]);
            families.push(family);
        }
    }
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    Metric::from_label(labels.iter().map(pair).collect())
}

/// A number that only grows.
pub(super) fn counted(labels: &[(&str, &str)], count: u64) -> Metric {
    grown(labels, number(count))
}

/// A time that only grows.
pub(super) fn seconds(labels: &[(&str, &str)], elapsed: Duration) -> Metric {
    grown(labels, elapsed.as_secs_f64())
}

fn grown(labels: &[(&str, &str)], value: f64) -> Metric {
    let (mut metric, mut counter) = (labelled(labels), Counter::default());
    counter.set_value(value);
    metric.set_counter(counter);
    metric
}

/// A number that goes up and down.
pub(super) fn gauge(labels: &[(&str, &str)], count: usize) -> Metric {
    let (mut metric, mut gauge) = (labelled(labels), Gauge::default());
    gauge.set_value(number(u64::try_from(count).unwrap_or(u64::MAX)));
    metric.set_gauge(gauge);
    metric
}

/// A spread, `unit` of which make one of the family's unit.
pub(super) fn spread(labels: &[(&str, &str)], seen: &SpreadSeen, unit: f64) -> Metric {
    let bucket = |(bound, count): &(u64, u64)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(number(*bound) / unit);
        bucket.set_cumulative_count(*count);
        bucket
    };
    let (mut metric, mut histogram) = (labelled(labels), Histogram::default());
    histogram.set_bucket(seen.up_to.iter().map(bucket).collect());
    histogram.set_sample_count(seen.count);
    histogram.set_sample_sum(number(seen.sum) / unit);
    metric.set_histogram(histogram);
    metric
}

/// Prometheus knows only floating point, which is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a count beyond 2^53 may be off by one")]
fn number(count: u64) -> f64 {
    count as f64
}
