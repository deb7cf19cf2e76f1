//! How much a peer has sent since the head of a request ended.

/// What ends a head.
const END: &[u8] = b"\r\n\r\n";
/// Bytes that are kept, for an end that comes in two reads.
const KEPT: usize = END.len() - 1;

/// Counts what comes after the latest end of a head. The same bytes in a body count as one: then the count is too small,
/// and the peer has less time to go on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AfterHead {
    bytes: u64,
    last: [u8; KEPT],
}

impl AfterHead {
    pub(super) const fn bytes(self) -> u64 {
        self.bytes
    }

    /// Takes account of what was read.
    #[must_use]
    pub(super) fn and(self, read: &[u8]) -> Self {
        // The last bytes of before, and the first of these.
        let mut seam = [0; 2 * KEPT];
        seam[..KEPT].copy_from_slice(&self.last);
        let first = read.len().min(KEPT);
        seam[KEPT..KEPT + first].copy_from_slice(&read[..first]);
        let seam = &seam[..KEPT + first];
        let rest = match (end_of_head(read), end_of_head(seam)) {
            (Some(end), _) => Some(read.len() - end),
            (None, Some(end)) => Some(read.len() + KEPT - end),
            (None, None) => None,
        };
        let bytes = rest.map_or(self.bytes + read.len() as u64, |rest| rest as u64);
        let kept = if read.len() < KEPT { seam } else { read };
        let mut last = [0; KEPT];
        last.copy_from_slice(&kept[kept.len() - KEPT..]);
        Self { bytes, last }
    }
}

/// Where the last head in these bytes has ended.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(END.len()).rposition(|window| window == END).map(|start| start + END.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_a_head_is_counted_however_it_is_cut() {
        let table: [(&str, u64); 7] = [
            ("", 0),
            ("GET / HTTP/1.1\r\n", 16),
            ("GET / HTTP/1.1\r\n\r\n", 0),
            ("GET / HTTP/1.1\r\n\r\nGET", 3),
            ("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", 0),
            ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 2),
            ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET / H", 9),
        ];
        for (sent, expected) in table {
            for step in 1..=sent.len().max(1) {
                let counted = sent.as_bytes().chunks(step).fold(AfterHead::default(), AfterHead::and);
                assert_eq!(counted.bytes(), expected, "{sent:?} in steps of {step}");
            }
        }
    }
}
