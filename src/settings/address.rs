//! Parts of URLs that name several servers, which no crate for URLs reads.

/// A host and its port, or the usual one; none if it is none.
pub(super) fn host_and_port(text: &str, usual: u16) -> Option<(String, u16)> {
    // An IPv6 address is written in brackets, for it has colons of its own.
    let (host, rest) = match text.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None if rest.is_empty() => usual,
        None => return None,
    };
    let is_host = !host.is_empty() && !host.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    is_host.then(|| (host.to_owned(), port))
}

/// The text with every %XX as the byte that it stands for; none if they are not such, or no UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}
