//! Peers that hold connections without using them: thousands are dropped in time, and others are served meanwhile.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use actors::ports::Clock as _;
use floodgate::app::clock::SystemClock;
use futures_util::future::{Either, join_all, select};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::service::{Service, wait};

/// Peers at once.
const PEERS: usize = 5_000;
/// How long any of them may keep its connection. Real runs get five times as long before they fail.
const PROMISED: Duration = Duration::from_secs(10);
/// How often those who are slow send another byte.
const DRIP: Duration = Duration::from_millis(400);

/// What a peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Manner {
    /// Sends nothing.
    Silent,
    /// Sends its head byte by byte.
    SlowHead,
    /// Sends half a head, then nothing.
    HalfHead,
    /// Sends its body byte by byte.
    SlowBody,
    /// Sends half a body, then nothing.
    HalfBody,
    /// Sends half a body that nobody asked for, then nothing.
    UnwantedBody,
    /// Hears an answer, then sends its next head byte by byte.
    SlowSecondHead,
}

impl Manner {
    const ALL: [Self; 7] = [
        Self::Silent,
        Self::SlowHead,
        Self::HalfHead,
        Self::SlowBody,
        Self::HalfBody,
        Self::UnwantedBody,
        Self::SlowSecondHead,
    ];

    /// What it sends at once, with this token.
    fn opening(self, token: &str) -> String {
        let order = format!("POST /orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\n");
        let order = format!("{order}Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n");
        match self {
            Self::Silent | Self::SlowHead => String::new(),
            Self::HalfHead => "GET /health/live HTTP/1.1\r\nHost: sh".to_owned(),
            Self::SlowBody => order,
            Self::HalfBody => order + r#"{"user_id":"#,
            Self::UnwantedBody => "GET /health/live HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\nhalf".to_owned(),
            Self::SlowSecondHead => "GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n".to_owned(),
        }
    }

    /// What it sends byte by byte after that.
    const fn drip(self) -> &'static [u8] {
        match self {
            Self::SlowHead | Self::SlowSecondHead => b"GET /health/live HTTP/1.1\r\nX-Long: ",
            Self::SlowBody => b"{",
            _ => b"",
        }
    }
}

/// Holds a connection for as long as it may. Answers how long that was.
async fn hold(manner: Manner, address: &str, token: &str, clock: &SystemClock) -> Duration {
    let mut stream = TcpStream::connect(address).await.expect("the service takes connections");
    stream.write_all(manner.opening(token).as_bytes()).await.expect("it is not yet dropped");
    if manner == Manner::SlowSecondHead {
        assert!(stream.read(&mut [0; 4_096]).await.expect("there is an answer") > 0);
    }
    let since = clock.now().monotonic;
    let (mut reader, mut writer) = stream.into_split();
    let dropped = async {
        let mut bytes = [0; 4_096];
        // Ends with the connection; it may be told why before.
        while reader.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    };
    let dripping = async {
        let Some(last) = manner.drip().last() else { return std::future::pending().await };
        for byte in manner.drip().iter().chain(std::iter::repeat(last)) {
            wait(DRIP).await;
            // Whether it is dropped is told by the other half.
            let _ = writer.write_all(&[*byte]).await;
        }
    };
    match select(Box::pin(dropped), Box::pin(select(Box::pin(dripping), Box::pin(wait(5 * PROMISED))))).await {
        Either::Left(((), _)) => clock.now().monotonic.since(since),
        Either::Right(_) => panic!("a peer with the manner {manner:?} was not dropped in {:?}", 5 * PROMISED),
    }
}

/// Every peer is an open file here, too.
fn allow_many_connections() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let needed = u64::try_from(PEERS + 1_000).expect("it is small");
    assert!(maximum.is_none_or(|maximum| maximum >= needed), "this test needs {needed} open files (ulimit -Hn)");
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the maximum it may");
}

#[actix_web::test]
async fn five_thousand_peers_that_hold_connections_are_dropped_in_time_while_others_are_served() {
    allow_many_connections();
    let service = Service::start().await;
    service.stock_up("a", 1_000_000, 900).await;
    let (address, token, clock) = (service.address(), service.token(), SystemClock::start());
    let is_over = Rc::new(Cell::new(false));
    let held = join_all((0..PEERS).map(|number| {
        let manner = Manner::ALL[number % Manner::ALL.len()];
        let (address, token, clock) = (&address, &token, &clock);
        async move { (manner, hold(manner, address, token, clock).await) }
    }));
    let held = async {
        let held = held.await;
        is_over.set(true);
        held
    };
    let buying = async {
        let mut bought = 0_u32;
        while !is_over.get() {
            let order = json!({"user_id": "u", "items": [{"sku_id": "a", "quantity": 1}]});
            let placed = service.post("/orders", Some(&format!("k-{bought}")), order).await;
            assert_eq!(placed.status, 201, "{placed:?}");
            bought += 1;
        }
        bought
    };
    let (held, bought) = tokio::join!(held, buying);
    let mut times: BTreeMap<Manner, Vec<Duration>> = BTreeMap::new();
    for (manner, time) in held {
        times.entry(manner).or_default().push(time);
    }
    for (manner, times) in &mut times {
        times.sort();
        eprintln!(
            "{manner:?}: half dropped within {:?}, all within {:?}",
            times[times.len() / 2],
            times[times.len() - 1]
        );
        assert!(times[times.len() - 1] <= 5 * PROMISED, "{manner:?}");
    }
    eprintln!("{bought} orders placed meanwhile");
    assert!(bought > 20, "others are served: {bought}");
    assert_eq!(service.get("/health/ready").await.status, 200);
}
