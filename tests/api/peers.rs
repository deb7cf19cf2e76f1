//! Peers that do not do their part: they are given up in time, and cost others nothing meanwhile.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread::{scope, sleep};
use std::time::Duration;

use crate::client::Client;
use crate::house::{House, ground};
use crate::process::Process;
use crate::stack::Stack;

const SECOND: Duration = Duration::from_secs(1);
/// Within this time a peer is given up.
const GIVEN_UP_S: u32 = 10;
/// A request that anyone may send.
const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n";

/// Whether the service has ended the connection. Takes what waits in it.
fn is_ended(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("it can be set");
    let mut bytes = [0; 65_536];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// Sends the same request until no more is taken, and reads no answer.
fn without_reading(shop: &Client, request: &str) -> TcpStream {
    let mut stream = shop.connect();
    // So that little fits on the way.
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 4_096).expect("it can be set");
    stream.set_nonblocking(true).expect("it can be set");
    let requests = request.repeat(100);
    let mut idle = 0;
    for _ in 0..10_000 {
        match stream.write(requests.as_bytes()) {
            Ok(_) => idle = 0,
            Err(_) if idle == 10 => return stream,
            Err(_) => {
                idle += 1;
                sleep(Duration::from_millis(20));
            }
        }
    }
    panic!("the service reads without end");
}

/// An order of one unit, as bytes.
fn order(shop: &Client, sku_id: &str) -> String {
    let body = format!(r#"{{"user_id":"u","items":[{{"sku_id":"{sku_id}","quantity":1}}]}}"#);
    format!(
        "POST /orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        shop.token,
        body.len()
    )
}

/// What a process keeps its files in, and what it stands on.
type Ground = (tempfile::TempDir, Stack);

/// A process that serves, and what it goes on.
fn process() -> (Ground, Process, Client) {
    process_on(ground(&[]))
}

fn process_on(stack: Stack) -> (Ground, Process, Client) {
    let ground = (tempfile::tempdir().expect("a temporary directory"), stack);
    let mut process = Process::start(&ground.1, ground.0.path(), &[]);
    let client = process.client();
    (ground, process, client)
}

#[test]
fn peers_that_take_no_answers_are_given_up_while_others_are_served() {
    let (_ground, _process, shop) = process();
    shop.put_up("a", "1.00", 1_000, "");
    let mut peers: Vec<TcpStream> = scope(|threads| {
        let opened: Vec<_> = (0..20).map(|_| threads.spawn(|| without_reading(&shop, LIVE))).collect();
        opened.into_iter().map(|peer| peer.join().expect("it can be opened")).collect()
    });
    for _ in 0..GIVEN_UP_S {
        shop.placed("u", "a", 1);
        sleep(SECOND);
    }
    assert!(peers.iter_mut().all(is_ended));
    assert_eq!(shop.stock("a"), [1_000, 990, 10, 0]);
}

#[test]
fn a_later_head_that_never_ends_is_given_up() {
    let house = House::open();
    let mut stream = house.client.connect();
    let mut answer = [0; 4_096];
    for _ in 0..2 {
        stream.write_all(LIVE.as_bytes()).expect("it is taken");
        assert!(stream.read(&mut answer).is_ok_and(|bytes| bytes > 0));
    }
    // Those whose half head comes with a request are no better off.
    let order = order(&house.client, "none");
    let with_half_a_head = |request: &str| {
        let mut stream = house.client.connect();
        stream.write_all(format!("{request}GET /heal").as_bytes()).expect("it is taken");
        stream
    };
    let (mut after_get, mut after_post) = (with_half_a_head(LIVE), with_half_a_head(&order));
    // A peer that begins no request is another matter.
    let mut silent_after_post = house.client.connect();
    silent_after_post.write_all(order.as_bytes()).expect("it is taken");
    let mut silent = house.client.connect();
    silent.write_all(LIVE.as_bytes()).expect("it is taken");
    for _ in 0..GIVEN_UP_S {
        let _ = stream.write(b"G");
        sleep(SECOND);
    }
    assert!([&mut stream, &mut after_get, &mut after_post].into_iter().all(is_ended));
    assert!(![&mut silent, &mut silent_after_post].into_iter().any(is_ended));
}

#[test]
fn what_is_no_request_leaves_no_line_in_the_log() {
    let (_ground, mut process, shop) = process();
    for bytes in ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET /"] {
        let mut stream = shop.connect();
        stream.write_all(bytes.as_bytes()).expect("it is taken");
        stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        // Some are answered and some are not.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    process.terminate();
    let (status, said) = process.end(20 * SECOND);
    assert!(status.success());
    assert!(!said.contains("actix_http"), "{said}");
}

/// Processor time that a process has used, in ticks, of which a second has a hundred.
#[cfg(target_os = "linux")]
fn ticks(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name in brackets").split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_takes_no_answers_keeps_no_processor_busy() {
    let (_ground, process, shop) = process();
    let _stream = without_reading(&shop, LIVE);
    let before = ticks(&process);
    sleep(2 * SECOND);
    let used = ticks(&process) - before;
    assert!(used < 50, "{used} of 200 ticks");
}

#[cfg(target_os = "linux")]
#[test]
fn what_waits_behind_a_request_in_hand_keeps_no_processor_busy() {
    // On files, whatever the others stand on: theirs is a lock that can be held from here.
    let (ground, process, shop) = process_on(Stack::Embedded);
    shop.put_up("a", "1.00", 10, "");
    let database = rusqlite::Connection::open(ground.0.path().join("floodgate.db")).expect("the database is there");
    database.execute_batch("BEGIN IMMEDIATE").expect("the database is free for a moment");
    let mut stream = shop.connect();
    stream.write_all(order(&shop, "a").as_bytes()).expect("it is taken");
    let waiting = 6_000;
    let mut writer = stream.try_clone().expect("it can be cloned");
    let heard = scope(|threads| {
        // Not all of it fits while nothing is read.
        let writing = threads.spawn(|| writer.write_all(LIVE.repeat(waiting).as_bytes()));
        // An order is refused after it has waited for a second.
        sleep(SECOND / 4);
        let before = ticks(&process);
        sleep(SECOND / 2);
        let used = ticks(&process) - before;
        database.execute_batch("ROLLBACK").expect("it is ours");
        let heard = answers(&mut stream, waiting + 1);
        writing.join().expect("it does not panic").expect("all was taken");
        assert!(used < 12, "{used} of 50 ticks");
        heard
    });
    assert_eq!(heard, waiting + 1);
}

/// Hears so many answers, or as many as there are. Answers how many.
#[cfg(target_os = "linux")]
fn answers(stream: &mut TcpStream, expected: usize) -> usize {
    let (mut heard, mut bytes) = (Vec::new(), vec![0; 65_536]);
    loop {
        let count = String::from_utf8_lossy(&heard).matches("HTTP/1.1 ").count();
        if count >= expected {
            return count;
        }
        let Ok(read @ 1..) = stream.read(&mut bytes) else { return count };
        heard.extend_from_slice(&bytes[..read]);
    }
}

#[test]
fn a_request_whose_connection_is_lost_is_counted() {
    let house = House::open();
    house.client.put_up("a", "1.00", 10, "");
    let mut stream = house.client.connect();
    let order = order(&house.client, "a");
    stream.write_all(&order.as_bytes()[..order.len() - 1]).expect("it is taken");
    sleep(SECOND / 4);
    // So that closing it resets it.
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("it can be set");
    drop(stream);
    let mut counted = String::new();
    for _ in 0..50 {
        counted = house.client.get("/metrics").text;
        if counted.contains(r#"{code="connection_lost",method="POST",route="/orders",status="499"} 1"#) {
            return;
        }
        sleep(SECOND / 10);
    }
    panic!("{counted}");
}

/// Bytes of memory that a process has.
#[cfg(target_os = "linux")]
fn memory(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has memory");
    line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("a number") * 1_024
}

#[cfg(target_os = "linux")]
#[test]
fn peers_that_take_nothing_of_a_large_answer_cost_little_memory() {
    let (_ground, process, shop) = process();
    let large = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: shop\r\n\r\n";
    assert!(shop.get("/docs/swagger-ui-bundle.js").text.len() > 1_000_000);
    let before = memory(&process);
    let peers: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = shop.connect();
            // So that little fits on the way.
            rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 4_096).expect("it can be set");
            stream.write_all(large.as_bytes()).expect("it is taken");
            stream
        })
        .collect();
    let grown = (0..20).map(|_| {
        sleep(SECOND / 10);
        memory(&process).saturating_sub(before)
    });
    let each = grown.max().unwrap_or_default() / peers.len() as u64;
    assert!(each < 200_000, "{each} bytes for each");
}

#[test]
fn a_head_that_is_too_long_is_refused_before_it_ends() {
    let house = House::open();
    let head = |bytes: usize| format!("GET /health/live HTTP/1.1\r\nHost: shop\r\nX-Long: {}", "x".repeat(bytes));
    assert_eq!(house.client.raw(format!("{}\r\nConnection: close\r\n\r\n", head(12_000)).as_bytes()).status, 200);
    for first in ["", LIVE] {
        let mut stream = house.client.connect();
        stream.write_all(format!("{first}{}", head(60_000)).as_bytes()).expect("it is taken");
        stream.set_read_timeout(Some(3 * SECOND)).expect("it can be set");
        let mut heard = Vec::new();
        // Whatever comes before a reset counts.
        let _ = stream.read_to_end(&mut heard);
        let heard = String::from_utf8(heard).expect("answers are text");
        assert!(heard.contains("HTTP/1.1 431 "), "{first:?}: {heard:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_silent_peers_machine_is_asked_for_a_sign_of_life() {
    let house = House::open();
    let mut stream = house.client.connect();
    stream.write_all(LIVE.as_bytes()).expect("it is taken");
    assert!(stream.read(&mut [0; 4_096]).is_ok_and(|bytes| bytes > 0));
    let ports = (house.client.address.port(), stream.local_addr().expect("it is connected").port());
    let table = fs::read_to_string("/proc/net/tcp").expect("linux has it");
    let ours = |line: &&str| line.contains(&format!(":{:04X} 0100007F:{:04X}", ports.0, ports.1));
    let row = table.lines().find(ours).unwrap_or_else(|| panic!("{ports:?}: {table}"));
    let timer = row.split_whitespace().nth(5).expect("a timer");
    let (kind, ticks) = timer.split_once(':').expect("a kind and a time");
    let ticks = u64::from_str_radix(ticks, 16).expect("a number");
    assert!(kind == "02" && ticks <= 500, "{timer}");
}
