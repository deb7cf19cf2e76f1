//! Times as every reader outside sees them.

use actors::domain::time::Timestamp;
use chrono::{DateTime, SecondsFormat, Utc};

/// Writes a time as RFC 3339, UTC, with milliseconds.
pub fn text(at: Timestamp) -> String {
    // A time beyond the calendar is shown as the calendar's end: it says as much as a reader can take.
    let time = DateTime::<Utc>::from_timestamp_millis(at.millis()).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads such a time, in whatever zone; none if it is none.
pub fn parse(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| Timestamp::from_millis(time.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds() {
        assert_eq!(text(Timestamp::from_millis(1_795_248_000_000)), "2026-11-21T08:00:00.000Z");
        assert_eq!(text(Timestamp::from_millis(1)), "1970-01-01T00:00:00.001Z");
    }

    #[test]
    fn times_are_read_as_they_were_written() {
        for millis in [0, 1, 1_795_248_000_000] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(parse(&text(at)), Some(at));
        }
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Some(Timestamp::from_millis(0)));
        assert_eq!(parse("yesterday"), None);
    }
}
