//! What was put aside in Kafka, as operators have it before them.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use actors::domain::event::{EventType, OrderEvent};
use actors::domain::order::Status;
use actors::domain::time::Timestamp;
use actors::ports::{Cause, Delivery, EventStream as _, FaultClass, Place};
use actors::testing::fixtures::order_id;
use floodgate::backend::kafka::{KafkaOptions, KafkaStream, ReplayError, payload};
use floodgate::backend::shop::ShopId;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};

use crate::kafka::Topic;

pub(crate) fn event(number: u64, version: u32) -> OrderEvent {
    OrderEvent {
        order_id: order_id(number),
        version,
        event_type: EventType::OrderAmended,
        status: Status::Paid,
        at: Timestamp::from_millis(0),
        by: "shop".to_owned(),
        reason: None,
    }
}

/// Reads so many messages, and takes note of them.
async fn read(member: &KafkaStream, count: usize) -> Vec<Delivery> {
    let mut read = Vec::new();
    for _ in 0..300 {
        let next = member.next(count - read.len()).await.expect("kafka answers");
        let places = next.messages.iter().map(|delivery| delivery.place).collect();
        member.done(next.term, places).await.expect("it takes note");
        read.extend(next.messages);
        if read.len() == count {
            break;
        }
    }
    assert_eq!(read.len(), count, "{read:?}");
    read
}

/// Has what comes put aside.
async fn put_aside(member: &KafkaStream, count: usize) {
    let mut left = count;
    for _ in 0..300 {
        let next = member.next(left).await.expect("kafka answers");
        for delivery in &next.messages {
            let cause = Cause { class: FaultClass::Refused, reason: "no paper".to_owned(), attempts: 3 };
            member.put_aside(next.term, delivery.place, cause).await.expect("it is safe");
        }
        let places = next.messages.iter().map(|delivery| delivery.place).collect();
        member.done(next.term, places).await.expect("it takes note");
        left -= next.messages.len();
        if left == 0 {
            return;
        }
    }
    assert_eq!(left, 0, "some never came");
}

#[tokio::test]
async fn what_is_replayed_comes_once_more_and_is_known_as_replayed() {
    let topic = Topic::new();
    let member = topic.member("printer");
    member.publish(vec![event(1, 1), event(2, 1), event(1, 2)]).await.expect("kafka takes it");
    topic.append(&order_id(2).to_string(), b"nonsense", OwnedHeaders::new()).await;
    put_aside(&member, 4).await;
    let desk = topic.desk();
    let letters = desk.list().expect("kafka answers").letters;
    let is_replayed = |replayed: &[usize]| {
        let letters = desk.list().expect("kafka answers").letters;
        let found: Vec<usize> = (0..letters.len()).filter(|index| letters[*index].is_replayed).collect();
        assert_eq!((letters.len(), found), (4, replayed.to_vec()));
    };
    is_replayed(&[]);
    let mut told = Vec::new();
    let wanted: BTreeSet<Place> = [letters[0].place, letters[3].place].into();
    desk.replay(&wanted, |place| told.push(place)).await.expect("they are there");
    assert_eq!(told, [letters[0].place, letters[3].place]);
    is_replayed(&[0, 3]);
    let again = read(&member, 2).await;
    assert!(again.iter().all(|delivery| delivery.is_replay));
    let keys: BTreeSet<_> = [&letters[0], &letters[3]].map(|letter| letter.order_id.clone()).into();
    let partitions: BTreeSet<i32> = again.iter().map(|delivery| delivery.place.partition).collect();
    assert!(partitions.len() <= keys.len(), "what has one key is in one place");
    // What was replayed is not what says so.
    let mark = Place { offset: letters[3].place.offset + 1, ..letters[3].place };
    for (place, missing) in [(mark, mark), (Place { partition: 9, offset: 0 }, Place { partition: 9, offset: 0 })] {
        let refused = desk.replay(&[letters[1].place, place].into(), |_| {}).await;
        assert_eq!(refused, Err(ReplayError::Missing(missing.partition, missing.offset)));
    }
    drop(member);
    let topic_again = topic.member("printer");
    topic_again.publish(vec![event(9, 1)]).await.expect("kafka takes it");
    assert_eq!(read(&topic_again, 1).await[0].content, Ok(event(9, 1)), "nothing else was replayed");
}

/// Makes the topic of dead letters, as somebody else would, who lets it take so many bytes at once.
async fn make_letter_topic(topic: &Topic, bytes_max: &str) {
    let (host, port) = &topic.0.brokers[0];
    let mut config = ClientConfig::new();
    let admin: AdminClient<DefaultClientContext> =
        config.set("bootstrap.servers", format!("{host}:{port}")).create().expect("good settings");
    let name = topic.0.letter_topic();
    let wanted = NewTopic::new(&name, 1, TopicReplication::Fixed(1)).set("max.message.bytes", bytes_max);
    let made = admin.create_topics([&wanted], &AdminOptions::new()).await.expect("kafka answers");
    assert!(made.iter().all(Result::is_ok), "{made:?}");
}

#[tokio::test]
async fn what_is_too_large_to_be_put_aside_is_kept_without_its_payload() {
    let topic = Topic::new();
    make_letter_topic(&topic, "2000").await;
    let member = topic.member("printer");
    member.publish(vec![event(1, 1)]).await.expect("kafka takes it");
    topic.append(&order_id(1).to_string(), &[b'x'; 5_000], OwnedHeaders::new()).await;
    topic.append(&"k".repeat(5_000), b"nonsense", OwnedHeaders::new()).await;
    put_aside(&member, 3).await;
    assert!(member.is_answering());
    let desk = topic.desk();
    let letters = desk.list().expect("kafka answers").letters;
    let mut left_out: Vec<_> = letters.iter().map(|letter| (letter.order_id.is_some(), letter.left_out)).collect();
    left_out.sort();
    assert_eq!(left_out, [(false, Some(8)), (true, None), (true, Some(5_000))]);
    assert!(letters.iter().all(|letter| letter.origin.is_some() && letter.reason.as_deref() == Some("no paper")));
    let left = desk.left().expect("kafka answers");
    assert_eq!((left.places.len(), left.without_payload), (1, 2));
    let bare = letters.iter().find(|letter| letter.left_out.is_some()).expect("there are two").place;
    let refused = desk.replay(&[bare].into(), |_| {}).await;
    assert_eq!(refused, Err(ReplayError::LeftOut(bare.partition, bare.offset)));
}

#[tokio::test]
async fn all_that_is_left_is_replayed_however_old_it_is() {
    let topic = Topic::new();
    make_letter_topic(&topic, "1000000").await;
    let member = topic.member("printer");
    member.publish(vec![event(1, 1)]).await.expect("kafka takes it");
    put_aside(&member, 1).await;
    // More than are looked at to be listed. They say of messages which are not there that they were replayed.
    let letters = Topic(KafkaOptions { topic: topic.0.letter_topic(), ..topic.0.clone() });
    let mark = OwnedHeaders::new().insert(Header { key: "floodgate-replayed", value: Some("999999999") });
    letters.append_many(100_001, &mark).await;
    let (host, port) = &topic.0.brokers[0];
    let url = format!("kafka://{host}:{port}");
    let (_, listed, told) = dlq(&url, &topic, &["list"]);
    assert_eq!(listed, "nothing was put aside lately\n");
    assert!(told.contains("there are older ones"), "{told}");
    assert_eq!(dlq(&url, &topic, &["replay", "--all"]).1, "replayed 1\n");
    assert_eq!(dlq(&url, &topic, &["replay", "--all"]).1, "nothing is left to be replayed\n");
    assert_eq!(read(&member, 1).await[0].content, Ok(event(1, 1)));
}

fn dlq(url: &str, topic: &Topic, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_floodgate"));
    command.arg("dlq").args(arguments).env("FLOODGATE_STREAM__URL", url).env("FLOODGATE_STREAM__TOPIC", &topic.0.topic);
    command.env("FLOODGATE_STREAM__TIMEOUT_MS", "2000");
    let Output { status, stdout, stderr } = command.output().expect("the program can be run");
    let [said, told] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (status.code(), said, told)
}

#[tokio::test]
async fn the_command_lists_and_replays() {
    let topic = Topic::new();
    let (host, port) = &topic.0.brokers[0];
    let url = format!("kafka://{host}:{port}");
    let nothing = (Some(0), "nothing was put aside\n".to_owned(), String::new());
    assert_eq!(dlq(&url, &topic, &["list"]), nothing, "before there is a topic");
    assert_eq!(dlq(&url, &topic, &["replay", "--all"]).1, "nothing is left to be replayed\n");
    let member = topic.member("printer");
    member.publish(vec![event(1, 1), event(1, 2)]).await.expect("kafka takes it");
    assert_eq!(dlq(&url, &topic, &["list"]), nothing, "before there is anything in it");
    put_aside(&member, 2).await;
    let (code, listed, _) = dlq(&url, &topic, &["list"]);
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((code, lines.len()), (Some(0), 3), "{listed}");
    let order = order_id(1).to_string();
    assert_eq!(lines[1][..5], ["0:0", &order, "1", "refused", "3"], "{listed}");
    assert_eq!(lines[2][7..], ["no", "no", "paper"], "{listed}");
    assert_eq!(dlq(&url, &topic, &["replay", "0:1"]).1, "replayed 1\n");
    assert_eq!(dlq(&url, &topic, &["replay", "--all"]).1, "replayed 1\n");
    assert_eq!(dlq(&url, &topic, &["replay", "--all"]).1, "nothing is left to be replayed\n");
    let again = read(&member, 2).await;
    assert_eq!([&again[0].content, &again[1].content], [&Ok(event(1, 2)), &Ok(event(1, 1))]);
    let missing = "floodgate: nothing that was put aside is at 0:99\n";
    assert_eq!(dlq(&url, &topic, &["replay", "0:99"]), (Some(1), String::new(), missing.to_owned()));
    let (code, _, told) = dlq("store:", &topic, &["list"]);
    assert_eq!((code, told.contains("stream.url is store:")), (Some(2), true), "{told}");
    // A port that nothing listens on: it was free a moment ago.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let nowhere = format!("kafka://{}", free.local_addr().expect("it is bound"));
    drop(free);
    let (code, _, told) = dlq(&nowhere, &topic, &["list"]);
    assert_eq!((code, told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.starts_with("floodgate: the event stream does not answer: "), "{told}");
}

#[tokio::test]
async fn what_is_another_shops_is_not_taken_for_an_event_of_ours() {
    let mut topic = Topic::new();
    topic.0.shop = ShopId::known("another");
    topic.member("other").publish(vec![event(1, 1)]).await.expect("kafka takes it");
    topic.0.shop = ShopId::known("ours");
    let member = topic.member("printer");
    member.publish(vec![event(2, 1)]).await.expect("kafka takes it");
    // One from before events said whose they are.
    topic.append(&order_id(3).to_string(), &payload::write(&event(3, 1)), OwnedHeaders::new()).await;
    let mut come: Vec<_> = read(&member, 3).await.into_iter().map(|delivery| delivery.content).collect();
    come.sort_by_key(|content| content.as_ref().map_or(0, |event| event.order_id.as_u128()));
    assert!(come[0].as_ref().is_err_and(|why| why.starts_with("it is of another shop, another: ")), "{come:?}");
    assert_eq!(come[1..], [Ok(event(2, 1)), Ok(event(3, 1))]);
}

#[tokio::test]
async fn what_is_put_aside_and_replayed_says_whose_it_is_throughout() {
    let mut topic = Topic::new();
    topic.0.shop = ShopId::known("another");
    topic.member("other").publish(vec![event(1, 1)]).await.expect("kafka takes it");
    topic.0.shop = ShopId::known("ours");
    let member = topic.member("printer");
    put_aside(&member, 1).await;
    let letters = topic.desk().list().expect("kafka answers").letters;
    topic.desk().replay(&[letters[0].place].into(), |_| {}).await.expect("it is there");
    let again = read(&member, 1).await;
    assert!(again[0].is_replay && again[0].content.is_err(), "{again:?}");
}
