//! Traces: a collector hears of every request, and one that is gone costs nothing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::house::House;

/// A collector: every body that is sent to it.
fn collector() -> (SocketAddr, Receiver<Value>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let (heard, bodies) = channel();
    let collect = move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            loop {
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let Some((_, rest)) = head.split_once("content-length: ") else { break };
                assert!(head.starts_with("POST /v1/traces "), "{head}");
                let length: usize = rest.lines().next().expect("a line").parse().expect("a length");
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("the body is sent whole");
                // Nobody listens once the test is over.
                let _ = heard.send(serde_json::from_slice(&body).expect("json"));
                reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").expect("it is read");
            }
        }
    };
    std::thread::Builder::new().spawn(collect).expect("a thread");
    (address, bodies)
}

fn spans(bodies: &Receiver<Value>, wanted: usize) -> Vec<Value> {
    let mut spans = Vec::new();
    while spans.len() < wanted {
        let body = bodies.recv_timeout(Duration::from_secs(10)).expect("the collector hears of every request");
        assert_eq!(body["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "floodgate");
        spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans").clone());
    }
    spans
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().expect("attributes");
    &attributes.iter().find(|attribute| attribute["key"] == name).expect(name)["value"]
}

#[test]
fn a_collector_hears_of_requests_under_the_callers_trace() {
    let (address, bodies) = collector();
    let house = House::with(&[("TRACES__ENDPOINT", &format!("http://{address}"))]);
    let shop = &house.client;
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let refused = shop.send("GET", "/skus/none", &[("traceparent", &format!("00-{trace}-{parent}-01"))], "");
    shop.send("GET", "/skus", &[("traceparent", &format!("00-{trace}-{parent}-00"))], "");
    shop.get("/skus");
    let spans = spans(&bodies, 2);
    assert_eq!(spans.len(), 2, "who does not record itself is not recorded: {spans:?}");
    let span = &spans[0];
    assert_eq!((&span["traceId"], &span["parentSpanId"]), (&trace.into(), &parent.into()));
    assert_eq!((&span["name"], &span["kind"]), (&"GET /skus/{id}".into(), &2.into()));
    assert_eq!(attribute(span, "http.response.status_code")["intValue"], "404");
    assert_eq!(attribute(span, "floodgate.code")["stringValue"], "sku_not_found");
    let request_id = attribute(span, "floodgate.request_id")["stringValue"].as_str();
    assert_eq!(request_id, refused.header("x-request-id"));
    let nanos = |name: &str| span[name].as_str().expect("a text").parse::<u128>().expect("a number");
    assert!(nanos("startTimeUnixNano") < nanos("endTimeUnixNano"));
    let own = spans[1]["traceId"].as_str().expect("a text");
    assert!(own.len() == 32 && own != trace && spans[1]["parentSpanId"].is_null(), "{spans:?}");
}

#[test]
fn what_waits_for_the_collector_is_told_before_a_stop() {
    let (address, bodies) = collector();
    let mut house = House::with(&[("TRACES__ENDPOINT", &format!("http://{address}"))]);
    for _ in 0..100 {
        house.client.get("/skus");
    }
    house.stop();
    let told = spans(&bodies, 100);
    assert_eq!(told.len(), 100);
}

#[test]
fn a_collector_that_is_gone_costs_no_request() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let mut house = House::with(&[("TRACES__ENDPOINT", &format!("http://{address}"))]);
    house.client.put_up("a", "1.00", 5, "");
    house.client.placed("u", "a", 1);
    house.stop();
}
