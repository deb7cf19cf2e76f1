//! Durations as people write and read them: `500ms`, `30s`, `2m`; a number alone is seconds.

use std::time::Duration;

/// Reads a duration from the command line.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    const PROBLEM: &str = "must be a number with ms, s or m, such as 30s";
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| PROBLEM.to_owned())?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "" | "s" => Ok(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs).ok_or_else(|| PROBLEM.to_owned()),
        _ => Err(PROBLEM.to_owned()),
    }
}

/// Writes a measured duration.
pub(super) fn show(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1_000.0) } else { format!("{seconds:.2} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let table: [(&str, Option<Duration>); 11] = [
            ("30s", Some(Duration::from_secs(30))),
            ("30", Some(Duration::from_secs(30))),
            ("500ms", Some(Duration::from_millis(500))),
            ("2m", Some(Duration::from_secs(120))),
            ("0s", Some(Duration::ZERO)),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("3h", None),
            ("18446744073709551615m", None),
        ];
        for (text, duration) in table {
            assert_eq!(parse(text).ok(), duration, "{text:?}");
        }
    }

    #[test]
    fn measured_durations_are_short_to_read() {
        assert_eq!(show(Duration::from_micros(12_340)), "12.3 ms");
        assert_eq!(show(Duration::from_millis(1_500)), "1.50 s");
    }
}
