//! A connection as bytes, for tests that need thousands of them or must see how one ends.

use std::io;

use actix_web::rt::net::TcpStream;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A connection that is kept.
pub(crate) struct Wire {
    stream: TcpStream,
    /// What came after the last answer.
    rest: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Heard {
    /// The code of a refusal.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// It was answered in full.
    Answered(Heard),
    /// The connection ended before a byte of an answer.
    Closed,
    /// The connection ended within an answer.
    CutOff(String),
}

/// An order of one unit, as bytes.
pub(crate) fn order(token: &str, key: &str, user_id: &str, sku_id: &str) -> String {
    let body = format!(r#"{{"user_id":"{user_id}","items":[{{"sku_id":"{sku_id}","quantity":1}}]}}"#);
    format!(
        "POST /orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Wire {
    pub(crate) async fn open(address: &str) -> io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(address).await?, rest: Vec::new() })
    }

    /// Sends a request and hears what becomes of it.
    pub(crate) async fn ask(&mut self, request: &str) -> End {
        if self.stream.write_all(request.as_bytes()).await.is_err() {
            return End::Closed;
        }
        loop {
            if let Some((heard, length)) = parse(&self.rest) {
                self.rest.drain(..length);
                return End::Answered(heard);
            }
            match self.stream.read_buf(&mut self.rest).await {
                Ok(read) if read > 0 => {}
                _ if self.rest.is_empty() => return End::Closed,
                _ => return End::CutOff(String::from_utf8_lossy(&self.rest).into_owned()),
            }
        }
    }
}

/// The answer that these bytes begin with, and its length; none if it is not there in full.
fn parse(bytes: &[u8]) -> Option<(Heard, usize)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let header = |wanted: &str| {
        let named = head.lines().filter_map(|line| line.split_once(':'));
        named.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned()).next()
    };
    let length: usize = header("content-length")?.parse().ok()?;
    let body = rest.get(..length)?;
    let heard = Heard {
        status: head.split(' ').nth(1)?.parse().ok()?,
        retry_after: header("retry-after"),
        body: serde_json::from_str(body).ok()?,
    };
    Some((heard, head.len() + 4 + length))
}
