//! Kafka down, killed, hanging, and members that are not done when their partitions have to go.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actors::domain::id::OrderId;
use actors::ports::{Clock as _, Deliveries, EventStream as _, Place};
use floodgate::app::clock::SystemClock;
use floodgate::backend::kafka::{KafkaLogin, KafkaOptions, KafkaStream};
use futures_util::future::join_all;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use tracing_subscriber::fmt::MakeWriter;

use crate::kafka::Topic;
use crate::kafka_letters::event;
use crate::server::Server;

/// How soon it is noticed that Kafka is away, and how long any one call may take beyond its own time: five times what is
/// promised, on a machine that does other things, too.
const SOON: Duration = Duration::from_secs(25);
/// How soon a killed Kafka serves again.
const RECOVERY: Duration = Duration::from_secs(60);

/// Waits until it is so.
async fn until(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) {
    let clock = SystemClock::start();
    while !is_so() {
        assert!(clock.now().monotonic.since(Default::default()) < within, "not within {within:?}: {what}");
        clock.sleep(Duration::from_millis(50)).await;
    }
}

/// Publishes until it is taken.
async fn publish(stream: &KafkaStream, events: &[(u64, u32)]) {
    let clock = SystemClock::start();
    loop {
        let events = events.iter().map(|(number, version)| event(*number, *version)).collect();
        match stream.publish(events).await {
            Ok(()) => return,
            Err(error) => {
                assert!(clock.now().monotonic.since(Default::default()) < RECOVERY, "{error}");
                clock.sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What comes until it is so many, each with its term.
async fn read(member: &KafkaStream, count: usize) -> Vec<(u64, Place, OrderId, u32)> {
    let clock = SystemClock::start();
    let mut read = Vec::new();
    while read.len() < count {
        assert!(clock.now().monotonic.since(Default::default()) < RECOVERY, "{} of {count} came", read.len());
        let Ok(Deliveries { term, messages }) = member.next(count - read.len()).await else { continue };
        read.extend(messages.into_iter().map(|delivery| {
            let event = delivery.content.expect("all are events");
            (term, delivery.place, event.order_id, event.version)
        }));
    }
    read
}

#[tokio::test]
async fn a_start_does_not_wait_for_kafka_and_events_go_when_it_is_there() {
    let server = Server::start("kafka");
    let topic = Topic::at(&server.url());
    server.kill();
    let clock = SystemClock::start();
    let stream = topic.member("printer");
    assert!(clock.now().monotonic.since(Default::default()) < Duration::from_secs(1), "a start waits for nobody");
    until("it is noticed that nobody answers", SOON, || !stream.is_answering()).await;
    let clock = SystemClock::start();
    let refused = stream.publish(vec![event(1, 1)]).await.expect_err("nobody is there");
    let told = refused.to_string();
    assert!(told.starts_with("the event stream does not answer: ") && told.contains("Connection refused"), "{told}");
    assert!(stream.next(9).await.is_err());
    assert!(clock.now().monotonic.since(Default::default()) < Duration::from_secs(1), "it is known, so nobody waits");
    server.start_again();
    until("it is noticed that it answers", SOON, || stream.is_answering()).await;
    publish(&stream, &[(1, 1)]).await;
    assert_eq!(read(&stream, 1).await[0].2, event(1, 1).order_id);
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill_and_comes_first_in_its_order() {
    const ORDERS: u64 = 40;
    const VERSIONS: u32 = 30;
    let server = Server::start("kafka");
    let topic = Topic::at(&server.url());
    let stream = topic.member("printer");
    publish(&stream, &[(0, 1)]).await;
    // As a relay does it: some versions at once, again from the first that is not known to be there.
    let publishing = async {
        for version in (1..=VERSIONS).step_by(3) {
            let events = |number| (version..version + 3).map(move |version| (number, version));
            let events: Vec<(u64, u32)> = (1..=ORDERS).flat_map(events).collect();
            publish(&stream, &events).await;
            SystemClock::start().sleep(Duration::from_millis(100)).await;
        }
    };
    let killing = async {
        SystemClock::start().sleep(Duration::from_millis(400)).await;
        let killed = tokio::task::spawn_blocking(move || {
            server.kill();
            server.start_again();
            server
        });
        killed.await.expect("it is killed and started")
    };
    let ((), server) = tokio::join!(publishing, killing);
    let member = topic.member("another");
    let mut highest: BTreeMap<OrderId, u32> = BTreeMap::new();
    let expected: BTreeMap<OrderId, u32> =
        (0..=ORDERS).map(|number| (event(number, 1).order_id, if number == 0 { 1 } else { VERSIONS })).collect();
    let mut repeated = 0;
    while highest != expected {
        for (_, place, order_id, version) in read(&member, 1).await {
            let known = highest.entry(order_id).or_default();
            assert!(version <= *known + 1, "{order_id} has {known}, and then {version} at {place:?}");
            repeated += usize::from(version <= *known);
            *known = version.max(*known);
        }
    }
    println!("{repeated} came more than once");
    drop((stream, member, server));
}

#[tokio::test]
async fn a_kafka_that_hangs_is_noticed_and_holds_up_nobody_for_long() {
    let server = Server::start("kafka");
    let topic = Topic::at(&server.url());
    let stream = topic.member("printer");
    publish(&stream, &[(1, 1), (1, 2)]).await;
    let read_before = read(&stream, 2).await;
    stream.done(read_before[0].0, vec![read_before[0].1]).await.expect("it takes note");
    let leaving = topic.member("leaving");
    read(&leaving, 2).await;
    // Time enough for what is done to be committed.
    SystemClock::start().sleep(Duration::from_secs(1)).await;
    server.pause();
    let clock = SystemClock::start();
    let refused = stream.publish(vec![event(1, 3)]).await;
    assert!(refused.is_err() && clock.now().monotonic.since(Default::default()) < SOON, "{refused:?}");
    until("it is noticed that nobody answers", SOON, || !stream.is_answering()).await;
    let clock = SystemClock::start();
    drop(leaving);
    assert!(clock.now().monotonic.since(Default::default()) < SOON, "an end is not held up either");
    server.resume();
    until("it is noticed that it answers", SOON, || stream.is_answering()).await;
    publish(&stream, &[(1, 3)]).await;
    let versions: Vec<u32> = read(&stream, 1).await.into_iter().map(|(_, _, _, version)| version).collect();
    assert!(versions[0] <= 3);
    drop(stream);
    let stream = topic.member("printer");
    let mut again = Vec::new();
    while again.last() != Some(&3) {
        again.extend(read(&stream, 1).await.into_iter().map(|(_, _, _, version)| version));
    }
    assert_eq!(again[0], 2, "the first is done, and was committed in time: {again:?}");
}

#[tokio::test]
async fn nodes_that_were_started_while_kafka_hung_all_publish_when_it_goes_on() {
    const NODES: u64 = 8;
    let server = Server::start("kafka");
    let topic = Topic::at(&server.url());
    publish(&topic.member("before"), &[(0, 1)]).await;
    server.pause();
    let clock = SystemClock::start();
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(topic.member("printer"));
        // At every moment of what a client does by itself.
        clock.sleep(Duration::from_millis(120)).await;
    }
    until("it is noticed that nobody answers", SOON, || nodes.iter().all(|node| !node.is_answering())).await;
    server.resume();
    let publishing = nodes.iter().zip(1..).map(|(node, number)| async move {
        publish(node, &[(number, 1)]).await;
    });
    join_all(publishing).await;
}

#[tokio::test]
async fn a_member_that_is_not_done_in_time_loses_its_partitions_and_what_it_says_of_them() {
    let Topic(options) = Topic::new();
    let topic = Topic(KafkaOptions { partitions: 2, hand_over: Duration::from_millis(500), ..options });
    let first = topic.member("printer");
    let events: Vec<(u64, u32)> = (1..=20).map(|number| (number, 1)).collect();
    publish(&first, &events).await;
    let in_hand = read(&first, 20).await;
    let second = topic.member("printer");
    let clock = SystemClock::start();
    read(&second, 1).await;
    assert!(clock.now().monotonic.since(Default::default()) < SOON, "nobody waits for it for long");
    first.done(in_hand[0].0, in_hand.iter().map(|(_, place, ..)| *place).collect()).await.expect("it is passed over");
    drop((first, second));
    let third = topic.member("printer");
    let again: Vec<Place> = read(&third, 20).await.into_iter().map(|(_, place, ..)| place).collect();
    assert_eq!(again.len(), 20, "nothing was done in its term");
}

#[tokio::test]
async fn partitions_that_have_to_go_wait_for_what_is_in_hand() {
    let topic = Topic::new();
    let first = topic.member("printer");
    let events: Vec<(u64, u32)> = (1..=20).map(|number| (number, 1)).collect();
    publish(&first, &events).await;
    let in_hand = read(&first, 20).await;
    let second = topic.member("printer");
    for _ in 0..20 {
        assert_eq!(second.next(99).await.expect("kafka answers").messages, [], "the first still has them");
    }
    let places = in_hand.iter().map(|(_, place, ..)| *place).collect();
    first.done(in_hand[0].0, places).await.expect("it takes note");
    let later: Vec<(u64, u32)> = (1..=20).map(|number| (number, 2)).collect();
    publish(&first, &later).await;
    let (mut came, mut by_second) = (0, 0);
    while came < later.len() {
        for member in [&first, &second] {
            let Deliveries { messages, .. } = member.next(99).await.expect("kafka answers");
            came += messages.len();
            by_second += if std::ptr::eq(member, &second) { messages.len() } else { 0 };
            for delivery in messages {
                assert_eq!(delivery.content.expect("all are events").version, 2, "the first ones are done");
            }
        }
    }
    assert!((1..20).contains(&by_second), "both have a part: {by_second}");
}

#[tokio::test]
async fn a_topic_that_was_deleted_is_made_anew_and_read_from_its_beginning() {
    let topic = Topic::new();
    let stream = topic.member("printer");
    publish(&stream, &[(1, 1), (2, 1), (3, 1)]).await;
    let before = read(&stream, 3).await;
    stream.done(before[0].0, before.iter().map(|(_, place, ..)| *place).collect()).await.expect("it takes note");
    let (host, port) = &topic.0.brokers[0];
    let mut config = ClientConfig::new();
    let admin: AdminClient<DefaultClientContext> =
        config.set("bootstrap.servers", format!("{host}:{port}")).create().expect("good settings");
    let deleted = admin.delete_topics(&[&topic.0.topic], &AdminOptions::new()).await.expect("kafka answers");
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    publish(&stream, &[(4, 1)]).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&event(4, 1).order_id) {
        seen.extend(read(&stream, 1).await.into_iter().map(|(_, _, order_id, _)| order_id));
    }
}

/// Looks for a word in everything that is told.
#[derive(Clone)]
struct Listener {
    word: &'static str,
    lines: Arc<AtomicUsize>,
    has_heard: Arc<AtomicBool>,
}

impl Write for Listener {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.lines.fetch_add(1, Ordering::Relaxed);
        if String::from_utf8_lossy(text).contains(self.word) {
            self.has_heard.store(true, Ordering::Relaxed);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Listener {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_password_is_never_told() {
    let listener = Listener { word: "kept-to-itself", lines: Arc::default(), has_heard: Arc::default() };
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(listener.clone()).finish();
    // The client tells on threads of its own.
    tracing::subscriber::set_global_default(log).expect("nobody else listens");
    let Topic(options) = Topic::new();
    let login = KafkaLogin { user: "shop".to_owned(), password: "kept-to-itself".to_owned() };
    let stream = Topic(KafkaOptions { login: Some(login), ..options }).member("printer");
    until("it is noticed that nobody lets it in", SOON, || !stream.is_answering()).await;
    let refused = stream.publish(vec![event(1, 1)]).await.expect_err("nobody lets it in");
    assert!(!refused.to_string().contains("kept-to-itself"), "{refused}");
    drop(stream);
    assert!(listener.lines.load(Ordering::Relaxed) > 3, "something was told");
    assert!(!listener.has_heard.load(Ordering::Relaxed), "but not that");
}
