//! What an `EventStream` owes the core: nothing that was published is lost, what is done comes no more, and of each order
//! things come in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::event::{EventType, OrderEvent};
use crate::domain::id::OrderId;
use crate::domain::order::Status;
use crate::domain::time::Timestamp;
use crate::ports::{Answer, Cause, Deliveries, Delivery, EventStream, FaultClass, Place};
use crate::testing::fixtures::order_id;

/// How often is asked for what is to come: some tens of seconds on a stream that waits by real time.
const PATIENCE: usize = 300;
/// How often is asked before nothing is believed to come.
const DOUBT: usize = 10;

/// An empty stream, and what others do to it.
pub trait StreamBackend: Send + Sync + 'static {
    /// Another member of a group, which leaves when it is dropped. All members read the same stream.
    fn member(&self, group: &'static str) -> Arc<dyn EventStream>;

    /// Appends something that cannot be read, where the events of this order are.
    fn append_nonsense(&self, order_id: OrderId) -> Answer<'_, ()>;

    /// Appends an event as an operator does who has it read once more.
    fn append_replay(&self, event: OrderEvent) -> Answer<'_, ()>;

    /// What was put aside, in the order it was.
    fn aside(&self) -> Answer<'_, Vec<Aside>>;
}

/// What was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// The order that it is about.
    pub order_id: OrderId,
    /// The version, if it is an event.
    pub version: Option<u32>,
    /// Where it stood in the stream.
    pub origin: Place,
    /// Why it is there.
    pub cause: Cause,
}

/// A stream with shorthands for what cases do again and again.
pub struct StreamBench {
    backend: Box<dyn StreamBackend>,
}

impl StreamBench {
    /// Opens the stream.
    pub fn on(backend: impl StreamBackend) -> Self {
        Self { backend: Box::new(backend) }
    }

    fn member(&self) -> Member {
        Member(self.backend.member("printer"))
    }

    /// Publishes versions of orders.
    async fn publish(&self, events: &[(u64, u32)]) {
        let stream = self.backend.member("printer");
        let events = events.iter().map(|(number, version)| event(*number, *version)).collect();
        stream.publish(events).await.expect("the stream takes events");
    }
}

/// A member of a group.
struct Member(Arc<dyn EventStream>);

impl Member {
    /// What comes next until there are so many messages of one term, and the term.
    async fn read(&self, count: usize) -> (u64, Vec<Delivery>) {
        let (mut term, mut read) = (0, Vec::new());
        for _ in 0..PATIENCE {
            // A group may be between two members while one leaves, and a server may be loading.
            let Ok(next) = self.0.next(count - read.len()).await else { continue };
            assert!(next.messages.len() <= count - read.len(), "more than was asked for");
            assert!(next.term >= term, "terms do not go back");
            if next.term > term {
                read.clear();
            }
            term = next.term;
            read.extend(next.messages);
            if read.len() == count {
                return (term, read);
            }
        }
        panic!("{} of {count} messages came: {read:?}", read.len());
    }

    async fn read_nothing(&self) {
        for _ in 0..DOUBT {
            let Deliveries { messages, .. } = self.0.next(99).await.expect("the stream answers");
            assert_eq!(messages, [], "nothing is left");
        }
    }

    async fn done(&self, term: u64, read: &[Delivery]) {
        let places = read.iter().map(|delivery| delivery.place).collect();
        self.0.done(term, places).await.expect("the stream takes note");
    }

    /// Does what comes, and takes note of it: nothing comes that was done, and no version before the one ahead of it.
    async fn work(&self, versions: &mut BTreeMap<OrderId, u32>) -> usize {
        let Ok(Deliveries { term, messages }) = self.0.next(7).await else { return 0 };
        for delivery in &messages {
            let event = delivery.content.as_ref().expect("all are events");
            let version = versions.entry(event.order_id).or_default();
            assert_eq!(event.version, *version + 1, "of {} as {:?}", event.order_id, delivery.place);
            *version = event.version;
        }
        self.done(term, &messages).await;
        messages.len()
    }
}

fn event(number: u64, version: u32) -> OrderEvent {
    let (event_type, status) = match version {
        1 => (EventType::OrderSubmitted, Status::Submitted),
        2 => (EventType::OrderPaid, Status::Paid),
        _ => (EventType::OrderAmended, Status::Paid),
    };
    OrderEvent {
        order_id: order_id(number),
        version,
        event_type,
        status,
        at: Timestamp::from_millis(1_000 * i64::from(version)),
        by: "shop".to_owned(),
        reason: (version > 2).then(|| "it was \"asked\" for".to_owned()),
    }
}

/// The events among what was read, by order.
fn by_order(read: &[Delivery]) -> BTreeMap<OrderId, Vec<OrderEvent>> {
    let mut orders: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in read.iter().filter_map(|delivery| delivery.content.as_ref().ok()) {
        orders.entry(event.order_id).or_default().push(event.clone());
    }
    orders
}

fn places(read: &[Delivery]) -> BTreeSet<Place> {
    read.iter().map(|delivery| delivery.place).collect()
}

/// A group that is new to the stream is given all that is there, of each order in its order.
pub async fn what_is_published_comes_in_the_order_of_each_order(bench: StreamBench) {
    bench.publish(&[(1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (2, 2)]).await;
    bench.publish(&[]).await;
    bench.publish(&[(3, 2), (2, 3), (1, 4), (2, 4), (4, 1)]).await;
    let member = bench.member();
    let (_, read) = member.read(11).await;
    let versions = |number, count| (order_id(number), (1..=count).map(|version| event(number, version)).collect());
    assert_eq!(by_order(&read), BTreeMap::from([versions(1, 4), versions(2, 4), versions(3, 2), versions(4, 1)]));
    assert!(read.iter().all(|delivery| !delivery.is_replay));
    assert_eq!(places(&read).len(), 11);
    member.read_nothing().await;
    assert!(member.0.is_answering());
}

/// What comes while a member waits is given to it, a few at a time if it wants no more.
pub async fn no_more_comes_than_is_asked_for(bench: StreamBench) {
    let member = bench.member();
    member.read_nothing().await;
    bench.publish(&[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]).await;
    let mut read = member.read(2).await.1;
    read.extend(member.read(1).await.1);
    read.extend(member.read(2).await.1);
    assert_eq!(by_order(&read).len(), 5);
    assert_eq!(member.0.next(0).await.expect("the stream answers").messages, []);
}

/// Nothing that is done comes again after a restart, and everything else does.
pub async fn what_is_done_comes_no_more_after_a_restart(bench: StreamBench) {
    bench.publish(&[(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (2, 2), (3, 2), (4, 2)]).await;
    let member = bench.member();
    let (term, read) = member.read(8).await;
    member.done(term, &read[..5]).await;
    drop(member);
    let member = bench.member();
    let (term, again) = member.read(3).await;
    assert_eq!(places(&again), places(&read[5..]));
    member.done(term, &again).await;
    drop(member);
    let member = bench.member();
    member.read_nothing().await;
    bench.publish(&[(1, 3)]).await;
    assert_eq!(by_order(&member.read(1).await.1), BTreeMap::from([(order_id(1), vec![event(1, 3)])]));
}

/// Who starts over is given again what is not done, and is not believed about what it had in hand before.
pub async fn who_starts_over_is_given_again_what_is_not_done(bench: StreamBench) {
    bench.publish(&[(1, 1), (1, 2), (1, 3), (2, 1)]).await;
    let member = bench.member();
    let (term, read) = member.read(4).await;
    let first = read.iter().position(|delivery| delivery.content == Ok(event(1, 1))).expect("it is among them");
    member.done(term, &read[first..=first]).await;
    member.0.start_over();
    member.done(term, &read).await;
    let (later, again) = member.read(3).await;
    assert!(later > term);
    let orders = BTreeMap::from([(order_id(1), vec![event(1, 2), event(1, 3)]), (order_id(2), vec![event(2, 1)])]);
    assert_eq!(by_order(&again), orders);
    member.done(term, &read).await;
    drop(member);
    let member = bench.member();
    let (term, again) = member.read(3).await;
    assert_eq!(by_order(&again), orders, "an earlier term's word does not count after a restart either");
    member.done(term, &again).await;
    member.0.start_over();
    member.read_nothing().await;
}

/// What is no event comes as what it is, and holds up nothing.
pub async fn what_cannot_be_read_comes_with_the_reason(bench: StreamBench) {
    bench.publish(&[(1, 1)]).await;
    bench.backend.append_nonsense(order_id(1)).await;
    bench.publish(&[(1, 2)]).await;
    let member = bench.member();
    let (term, read) = member.read(3).await;
    assert_eq!((&read[0].content, &read[2].content), (&Ok(event(1, 1)), &Ok(event(1, 2))));
    assert!(read[1].content.as_ref().is_err_and(|reason| !reason.is_empty()), "{:?}", read[1]);
    member.done(term, &read).await;
    drop(member);
    bench.member().read_nothing().await;
}

/// An event that an operator has read once more comes as such.
pub async fn a_replay_comes_as_one(bench: StreamBench) {
    bench.publish(&[(1, 1), (1, 2)]).await;
    bench.backend.append_replay(event(1, 1)).await;
    let (_, read) = bench.member().read(3).await;
    let seen: Vec<_> = read.into_iter().map(|delivery| (delivery.content, delivery.is_replay)).collect();
    assert_eq!(seen, [(Ok(event(1, 1)), false), (Ok(event(1, 2)), false), (Ok(event(1, 1)), true)]);
}

/// What is put aside is found with its cause, and stays in hand until it is done.
pub async fn what_is_put_aside_is_found_with_its_cause(bench: StreamBench) {
    bench.publish(&[(1, 1)]).await;
    bench.backend.append_nonsense(order_id(1)).await;
    bench.publish(&[(1, 2)]).await;
    let member = bench.member();
    let (term, read) = member.read(3).await;
    assert_eq!(bench.backend.aside().await, []);
    let causes = [
        Cause { class: FaultClass::Unreadable, reason: "it is no json".to_owned(), attempts: 1 },
        Cause { class: FaultClass::Refused, reason: "the printer has no \"paper\"".to_owned(), attempts: 7 },
    ];
    for (delivery, cause) in read[1..].iter().zip(&causes) {
        member.0.put_aside(term, delivery.place, cause.clone()).await.expect("the stream takes it");
    }
    let aside = |index: usize, version| Aside {
        order_id: order_id(1),
        version,
        origin: read[index].place,
        cause: causes[index - 1].clone(),
    };
    let expected = [aside(1, None), aside(2, Some(2))];
    assert_eq!(bench.backend.aside().await, expected);
    member.done(term, &read).await;
    let refused = member.0.put_aside(term, read[1].place, causes[0].clone()).await;
    assert!(refused.is_err(), "it is not in hand any more");
    member.0.start_over();
    member.read_nothing().await;
    assert_eq!(bench.backend.aside().await, expected);
}

/// What was in hand in an earlier term is not put aside: whoever has it now decides.
pub async fn nothing_of_an_earlier_term_is_put_aside(bench: StreamBench) {
    bench.publish(&[(1, 1)]).await;
    let member = bench.member();
    let (term, read) = member.read(1).await;
    member.0.start_over();
    let cause = Cause { class: FaultClass::Refused, reason: "no".to_owned(), attempts: 1 };
    assert!(member.0.put_aside(term, read[0].place, cause).await.is_err());
    assert_eq!(bench.backend.aside().await, []);
    assert_eq!(member.read(1).await.1, read);
}

/// Each group is given everything.
pub async fn groups_read_for_themselves(bench: StreamBench) {
    bench.publish(&[(1, 1), (2, 1), (1, 2)]).await;
    let printer = bench.member();
    let (term, read) = printer.read(3).await;
    printer.done(term, &read).await;
    let search = Member(bench.backend.member("search"));
    let (term, found) = search.read(3).await;
    assert_eq!(by_order(&found), by_order(&read));
    search.done(term, &found).await;
    drop((printer, search));
    bench.member().read_nothing().await;
}

/// A second member takes over a part of the orders and gives it back: nothing is lost, and nothing that is done comes
/// again.
pub async fn a_member_that_joins_and_leaves_loses_and_repeats_nothing(bench: StreamBench) {
    const ORDERS: u64 = 24;
    let next_versions = |version: u32| (1..=ORDERS).map(|number| (number, version)).collect::<Vec<_>>();
    let mut versions = BTreeMap::new();
    let mut published = 2;
    bench.publish(&next_versions(1)).await;
    bench.publish(&next_versions(2)).await;
    let first = bench.member();
    while first.work(&mut versions).await == 0 {}
    let second = bench.member();
    let (mut by_first, mut by_second) = (0, 0);
    for _ in 0..PATIENCE {
        if by_second > 0 {
            by_first += first.work(&mut versions).await;
        } else {
            first.work(&mut versions).await;
        }
        by_second += second.work(&mut versions).await;
        if by_first > 0 && by_second > 0 {
            break;
        }
        let are_done = versions.len() == usize::try_from(ORDERS).expect("a few")
            && versions.values().all(|version| *version == published);
        if are_done {
            published += 1;
            bench.publish(&next_versions(published)).await;
        }
    }
    assert!(by_first > 0 && by_second > 0, "both have a part of the orders: {by_first}, {by_second}");
    drop(second);
    published += 1;
    bench.publish(&next_versions(published)).await;
    let expected: BTreeMap<_, _> = (1..=ORDERS).map(|number| (order_id(number), published)).collect();
    for _ in 0..PATIENCE {
        if versions == expected {
            break;
        }
        first.work(&mut versions).await;
    }
    assert_eq!(versions, expected, "everything came");
    first.read_nothing().await;
}

/// Runs every case of the `EventStream` contract on the streams that `$factory` makes, each as a test of its own.
#[macro_export]
macro_rules! event_stream_contract {
    ($factory:path) => {
        $crate::event_stream_contract! { $factory;
            what_is_published_comes_in_the_order_of_each_order,
            no_more_comes_than_is_asked_for,
            what_is_done_comes_no_more_after_a_restart,
            who_starts_over_is_given_again_what_is_not_done,
            what_cannot_be_read_comes_with_the_reason,
            a_replay_comes_as_one,
            what_is_put_aside_is_found_with_its_cause,
            nothing_of_an_earlier_term_is_put_aside,
            groups_read_for_themselves,
            a_member_that_joins_and_leaves_loses_and_repeats_nothing,
        }
    };
    ($factory:path; $($case:ident,)+) => {
        $(#[tokio::test]
        async fn $case() {
            let bench = $crate::testing::contract::event_stream::StreamBench::on($factory());
            $crate::testing::contract::event_stream::$case(bench).await;
        })+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_stamped() {
        const SUITE: &str = include_str!("event_stream.rs");
        for line in SUITE.lines() {
            if let Some((case, _)) = line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once('(')) {
                assert!(SUITE.contains(&format!("            {case},\n")), "{case} is stamped nowhere");
            }
        }
    }
}
