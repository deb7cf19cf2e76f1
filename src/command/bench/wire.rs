//! HTTP/1.1 on one kept connection, as little of it as a load takes: the generator shares the server's cores.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes that an answer's head may have.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Room for a whole answer to most requests.
const BUFFER_BYTES: usize = 4 * 1024;

/// A connection with nothing in flight.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Answer<'_> {
    pub(super) const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// Sends a request and reads its answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (status, body, end) = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match parse_head(&self.buffer)? {
                Some(head) => break head,
                None if self.buffer.len() > HEAD_BYTES_MAX => return Err(wrong("a head that does not end")),
                None => {}
            }
        };
        while self.buffer.len() < end {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Answer { status, body: &self.buffer[body..end] })
    }
}

/// Status, start and end of the body, once the head is whole.
fn parse_head(bytes: &[u8]) -> io::Result<Option<(u16, usize, usize)>> {
    const BLANK_LINE: &[u8] = b"\r\n\r\n";
    let Some(end) = bytes.windows(BLANK_LINE.len()).position(|window| window == BLANK_LINE) else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| wrong("a head that is no text"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse::<usize>().ok() } else { None }
    });
    let (Some(status), Some(length)) = (status, length) else { return Err(wrong("a head without status or length")) };
    let body = end + BLANK_LINE.len();
    Ok(Some((status, body, body.saturating_add(length))))
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(format!("the service answered with {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text = "HTTP/1.1 201 Created\r\nContent-Length: 7\r\nx: y\r\n\r\n";
        for length in 0..text.len() {
            assert_eq!(parse_head(&text.as_bytes()[..length]).ok(), Some(None), "{length}");
        }
        let whole = parse_head(text.as_bytes()).expect("it is sound");
        assert_eq!(whole, Some((201, text.len(), text.len() + 7)));
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "nothing says where the body ends");
        assert!(parse_head(b"nonsense\r\n\r\n").is_err());
    }
}
