//! What an `EventLog` owes the core that reads it.

use crate::domain::commit::Mutation;
use crate::domain::event::OrderEvent;
use crate::domain::order::CancelReason;
use crate::ports::LoggedEvent;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, payment, place};

/// Seven events in three commits; gives them in the order of their commits.
async fn seven_events(bench: &Bench) -> Vec<OrderEvent> {
    bench.stock_up("a", 100).await;
    let batches: [&[Mutation]; 3] = [
        &[5, 3, 9].map(|number| Mutation::Place(place(number, "u", &[("a", 1)]))),
        &[
            Mutation::Pay(payment("p", 3, PRICE)),
            Mutation::Place(place(1, "u", &[("a", 1)])),
            Mutation::Cancel(cancellation(3, CancelReason::Shop)),
        ],
        &[Mutation::Cancel(cancellation(9, CancelReason::Customer))],
    ];
    let mut events = Vec::new();
    for batch in batches {
        let committed = bench.commit(batch).await;
        events.extend(committed.events);
    }
    assert_eq!(events.len(), 7);
    events
}

async fn read(bench: &Bench, position: u64, limit: usize) -> Vec<LoggedEvent> {
    bench.log().read(position, limit).await.expect("the log can be read")
}

async fn acknowledge(bench: &Bench, group: &'static str, position: u64) {
    bench.one(Mutation::Acknowledge { group, position }).await.expect("acknowledging is never refused");
}

async fn position(bench: &Bench, group: &'static str) -> u64 {
    bench.log().position(group).await.expect("the log can be read")
}

/// One log, in the order in which the store committed, positions growing from above zero.
pub async fn committed_events_are_read_in_the_order_of_their_commits(bench: Bench) {
    assert_eq!(read(&bench, 0, 100).await, []);
    let events = seven_events(&bench).await;
    let logged = read(&bench, 0, 100).await;
    assert!(logged.first().is_some_and(|first| first.position > 0));
    assert!(logged.is_sorted_by(|left, right| left.position < right.position));
    assert_eq!(logged.into_iter().map(|logged| logged.event).collect::<Vec<_>>(), events);
}

/// A reader that goes on after its last position sees everything once.
pub async fn reading_goes_on_after_a_position_up_to_the_limit(bench: Bench) {
    seven_events(&bench).await;
    let whole = read(&bench, 0, 100).await;
    for limit in [1, 2, 3, 7, 8] {
        let mut parts = Vec::new();
        loop {
            let after = parts.last().map_or(0, |last: &LoggedEvent| last.position);
            let part = read(&bench, after, limit).await;
            assert!(part.len() <= limit);
            if part.is_empty() {
                break;
            }
            parts.extend(part);
            assert!(parts.len() <= whole.len(), "reading comes to an end");
        }
        assert_eq!(parts, whole, "{limit}");
    }
    assert_eq!(read(&bench, u64::MAX, 100).await, []);
}

/// A position moves when its acknowledgement is committed.
pub async fn a_group_starts_at_zero_and_moves_by_acknowledging(bench: Bench) {
    seven_events(&bench).await;
    assert_eq!(position(&bench, "printer").await, 0);
    let third = read(&bench, 0, 3).await[2].position;
    acknowledge(&bench, "printer", third).await;
    assert_eq!(position(&bench, "printer").await, third);
    assert_eq!(read(&bench, third, 100).await.len(), 4);
}

/// Late and repeated acknowledgements change nothing, alone or in one batch.
pub async fn a_position_never_goes_back(bench: Bench) {
    acknowledge(&bench, "printer", 5).await;
    acknowledge(&bench, "printer", 3).await;
    assert_eq!(position(&bench, "printer").await, 5);
    bench.commit([8, 6].map(|position| Mutation::Acknowledge { group: "printer", position })).await;
    assert_eq!(position(&bench, "printer").await, 8);
}

/// Each group reads for itself.
pub async fn groups_do_not_share_their_positions(bench: Bench) {
    bench
        .commit([
            Mutation::Acknowledge { group: "printer", position: 2 },
            Mutation::Acknowledge { group: "search", position: 4 },
        ])
        .await;
    assert_eq!((position(&bench, "printer").await, position(&bench, "search").await), (2, 4));
    assert_eq!(position(&bench, "mail").await, 0);
}

/// A group goes on where it was.
pub async fn a_position_outlives_a_restart(bench: Bench) {
    let events = seven_events(&bench).await;
    let fourth = read(&bench, 0, 4).await[3].position;
    acknowledge(&bench, "printer", fourth).await;
    let Some(bench) = bench.reopened().await else { return };
    assert_eq!(position(&bench, "printer").await, fourth);
    let rest: Vec<_> = read(&bench, fourth, 100).await.into_iter().map(|logged| logged.event).collect();
    assert_eq!(rest, events[4..]);
}
