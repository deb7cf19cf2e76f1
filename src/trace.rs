//! What a tracing system is told of a request, and the port by which it is told.

use std::time::Duration;

use actors::domain::time::Timestamp;

/// Where a request comes from, in the words of W3C's `traceparent` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The trace that the request belongs to.
    pub trace_id: [u8; 16],
    /// The caller's own span.
    pub span_id: [u8; 8],
    /// Whether the caller records its own span.
    pub is_recorded: bool,
}

impl Origin {
    /// Reads a header; none if it says nothing that is understood.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let version = bytes::<1>(parts.next()?)?;
        let (trace_id, span_id) = (bytes::<16>(parts.next()?)?, bytes::<8>(parts.next()?)?);
        let [flags] = bytes::<1>(parts.next()?)?;
        // A later version may say more; this one may not.
        let is_good = version != [0xff] && (version != [0] || parts.next().is_none());
        let is_named = trace_id != [0; 16] && span_id != [0; 8];
        (is_good && is_named).then_some(Self { trace_id, span_id, is_recorded: flags & 1 == 1 })
    }
}

fn bytes<const COUNT: usize>(hex: &str) -> Option<[u8; COUNT]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; COUNT];
    if hex.len() != 2 * COUNT {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? * 16 + digit(pair[1])?;
    }
    Some(bytes)
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Where it came from, if it said so.
    pub origin: Option<Origin>,
    /// Its method; none if its path has no such method.
    pub method: Option<&'static str>,
    /// The path as the route table has it.
    pub route: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// Its code.
    pub code: &'static str,
    /// What the request is called in the log and in the answer.
    pub request_id: String,
    /// When it came.
    pub started: Timestamp,
    /// How long the answer took.
    pub elapsed: Duration,
}

/// A tracing system. Telling it never waits.
pub trait Tracer: Send + Sync + 'static {
    /// Tells of a request that was answered.
    fn served(&self, served: Served);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_w3c_writes_them() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let table: [(String, Option<bool>); 12] = [
            (format!("00-{trace}-{span}-01"), Some(true)),
            (format!("00-{trace}-{span}-00"), Some(false)),
            (format!(" 00-{trace}-{span}-03 "), Some(true)),
            (format!("01-{trace}-{span}-01-more"), Some(true)),
            (format!("00-{trace}-{span}-01-more"), None),
            (format!("ff-{trace}-{span}-01"), None),
            (format!("00-{}-{span}-01", "0".repeat(32)), None),
            (format!("00-{trace}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{span}-01", trace.to_uppercase()), None),
            (format!("00-{trace}-{span}"), None),
            ("00-é-é-01".to_owned(), None),
            (String::new(), None),
        ];
        for (header, is_recorded) in table {
            let origin = Origin::parse(&header);
            assert_eq!(origin.map(|origin| origin.is_recorded), is_recorded, "{header:?}");
            assert!(origin.is_none_or(|origin| origin.trace_id[0] == 0x0a && origin.span_id[7] == 0x31));
        }
    }
}
