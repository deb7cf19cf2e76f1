//! A plain HTTP client: one connection per request, every byte as the test wants it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use floodgate::http::PAGES;
use serde_json::Value;

/// No answer takes longer, in the slowest test of time limits.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where requests go, and as whom.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    /// The bearer token; none is sent if it is empty.
    pub(crate) token: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The code of a refusal, after checking that it is a whole problem document.
    pub(crate) fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        let code = problem["code"].as_str().unwrap_or_else(|| panic!("no code: {self:?}")).to_owned();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{self:?}");
        assert_eq!(problem["title"], code.replace('_', " "), "{self:?}");
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{self:?}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{self:?}");
        assert_eq!([429, 503].contains(&self.status), self.header("retry-after").is_some(), "{self:?}");
        let page = PAGES.iter().find(|page| page.code == code);
        assert_eq!(page.map(|page| page.status), Some(self.status), "no page explains {code}");
        (self.status, code)
    }
}

impl Client {
    /// Sends a request with these headers besides the token, and a body if it is not empty.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n");
        if !self.token.is_empty() {
            head += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        self.raw(&[head.as_bytes(), b"\r\n", body.as_bytes()].concat())
    }

    /// The same service, as another caller.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { address: self.address, token: token.to_owned() }
    }

    /// Gives out a token, with what it is for as JSON members. Answers its id and a client that uses it.
    pub(crate) fn caller(&self, members: &str) -> (String, Self) {
        let created = self.post("/admin/tokens", "", &format!("{{{members}}}"));
        assert_eq!(created.status, 201, "{created:?}");
        let created = created.json();
        let text = |name: &str| created[name].as_str().expect("a text").to_owned();
        (text("token_id"), self.with_token(&text("token")))
    }

    /// A client for one buyer.
    pub(crate) fn customer(&self, user_id: &str) -> Self {
        self.caller(&format!(r#""role":"customer","user_id":"{user_id}""#)).1
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }

    /// Sends a JSON body, with a key if it is not empty.
    pub(crate) fn json(&self, method: &str, path: &str, key: &str, body: &str) -> Reply {
        let media_type = ("Content-Type", "application/json");
        if key.is_empty() {
            return self.send(method, path, &[media_type], body);
        }
        self.send(method, path, &[media_type, ("Idempotency-Key", key)], body)
    }

    pub(crate) fn post(&self, path: &str, key: &str, body: &str) -> Reply {
        self.json("POST", path, key, body)
    }

    /// Sends bytes and reads the answer to its end.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        // The service may answer and close before it has read all.
        let _ = stream.write_all(bytes);
        read(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the service listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream
    }

    /// Makes a SKU with so many units for sale. What else it is to have comes as JSON members.
    pub(crate) fn put_up(&self, sku_id: &str, price: &str, units: u32, members: &str) {
        let body = format!(r#"{{"name":"{sku_id}","price":"{price}","on_sale":true{members}}}"#);
        let put = self.json("PUT", &format!("/skus/{sku_id}"), "", &body);
        assert!([200, 201].contains(&put.status), "{put:?}");
        let key = format!("first-{sku_id}");
        let stocked = self.post(&format!("/skus/{sku_id}/stock"), &key, &format!(r#"{{"change":{units}}}"#));
        assert_eq!(stocked.status, 200, "{stocked:?}");
    }

    /// Orders units of one SKU for a user.
    pub(crate) fn order(&self, user_id: &str, key: &str, sku_id: &str, quantity: u32) -> Reply {
        let body = format!(r#"{{"user_id":"{user_id}","items":[{{"sku_id":"{sku_id}","quantity":{quantity}}}]}}"#);
        self.post("/orders", key, &body)
    }

    /// Places an order that must be taken. Answers its id.
    pub(crate) fn placed(&self, user_id: &str, sku_id: &str, quantity: u32) -> String {
        let reply = self.order(user_id, "", sku_id, quantity);
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["order_id"].as_str().expect("an order has an id").to_owned()
    }

    /// Total, available, reserved, sold.
    pub(crate) fn stock(&self, sku_id: &str) -> [i64; 4] {
        let stock = self.get(&format!("/skus/{sku_id}/stock")).json();
        ["total", "available", "reserved", "sold"].map(|name| stock[name].as_i64().expect("a count"))
    }

    /// Whether store, orders, ledger and actors agree.
    pub(crate) fn assert_agreement(&self) {
        for _ in 0..100 {
            let verdict = self.get("/admin/verdict").json();
            match verdict["state"].as_str() {
                Some("agrees") => return,
                Some("settling") => std::thread::sleep(Duration::from_millis(20)),
                _ => panic!("{verdict}"),
            }
        }
        panic!("still settling: {}", self.get("/admin/verdict").text);
    }
}

/// Reads an answer to the end of the connection.
pub(crate) fn read(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    // A connection that is reset after the answer has given it all the same.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).expect("answers are text");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Reply {
        status: status.unwrap_or_else(|| panic!("no status: {head}")),
        headers: lines.filter_map(header).collect(),
        text: body.to_owned(),
    }
}
