//! Peers that do not do their part: they are given up in time, and cost others nothing meanwhile.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread::{scope, sleep};
use std::time::Duration;

use crate::client::Client;
use crate::house::House;
use crate::process::Process;

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

/// A process that serves, and what it goes on.
fn process() -> (tempfile::TempDir, Process, Client) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut process = Process::start(directory.path(), &[]);
    let client = process.client();
    (directory, process, client)
}

#[test]
fn peers_that_take_no_answers_are_given_up_while_others_are_served() {
    let (_directory, _process, shop) = process();
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
    // A peer that begins no request is another matter.
    let mut silent = house.client.connect();
    silent.write_all(LIVE.as_bytes()).expect("it is taken");
    for _ in 0..GIVEN_UP_S {
        let _ = stream.write(b"G");
        sleep(SECOND);
    }
    assert!(is_ended(&mut stream));
    assert!(!is_ended(&mut silent));
}

#[test]
fn what_is_no_request_leaves_no_line_in_the_log() {
    let (_directory, mut process, shop) = process();
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
    let (_directory, process, shop) = process();
    let _stream = without_reading(&shop, LIVE);
    let before = ticks(&process);
    sleep(2 * SECOND);
    let used = ticks(&process) - before;
    assert!(used < 50, "{used} of 200 ticks");
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
