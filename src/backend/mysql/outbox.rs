//! The `Outbox` port on MySQL: a row for each event that was not handed on, written and removed in transactions.
//!
//! Ids are handed out before their transactions commit and become visible out of order, so there is no position up to
//! which all is handed on. Whoever hands events on locks their rows meanwhile, and passes over rows that others have
//! locked. Of an order only a run from its lowest row is handed on: if that is in someone's hands, the rest is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actors::domain::event::OrderEvent;
use actors::domain::id::OrderId;
use actors::ports::{Answer, EventLogError, HandOn, Outbox, RelayError, Relayed};
use mysql_async::Row;

use super::MysqlStore;
use super::call::Connection;
use super::engine::{Desk, Engine};
use super::fault::Fault;
use super::rows::Columns;
use super::sql::{Sql, list};
use super::transaction::{End, Failure};
use super::write::Updates;
use crate::backend::rows::{self, event_columns};

const WAITING: &str = "SELECT id, order_id, version FROM unpublished_event ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED";
/// Reads past the locks: what others have in hand counts.
const LOWEST: &str = "SELECT order_id, MIN(version) FROM unpublished_event WHERE order_id IN ? GROUP BY order_id";
const EVENTS: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM (SELECT id AS place, order_id AS o, version AS v FROM unpublished_event FORCE INDEX (PRIMARY) \
     WHERE id IN ?) waiting STRAIGHT_JOIN order_event ON order_id = waiting.o AND version = waiting.v ORDER BY waiting.place"
);

/// One by one: for a list of ids the planner may read the whole table, and so wait for rows that others have locked.
const PUBLISHED: &str = "DELETE FROM unpublished_event WHERE id = ?";

/// The outbox of a store that nodes share, on that store's connections.
#[derive(Clone)]
pub struct MysqlOutbox {
    engine: Arc<Engine>,
}

impl MysqlOutbox {
    /// The outbox of what `store` and other nodes commit.
    pub fn of(store: &MysqlStore) -> Self {
        Self { engine: Arc::clone(&store.engine) }
    }
}

impl Outbox for MysqlOutbox {
    fn relay(&self, limit: usize, hand_on: HandOn) -> Answer<'_, Result<Relayed, RelayError>> {
        let relayed = self.engine.run(async move |desk| relay(&desk, limit, hand_on).await);
        Box::pin(async move {
            let failed = |fault: &Fault| RelayError::Store(EventLogError(fault.to_string()));
            match relayed.await.map_err(|fault| failed(&fault))? {
                Ok(handed_on) => handed_on.map_err(RelayError::HandOn),
                Err(failure) => Err(failed(failure.fault())),
            }
        })
    }
}

/// A row of the outbox.
struct Waiting {
    id: u64,
    order_id: OrderId,
    version: u32,
}

async fn relay(desk: &Desk, limit: usize, hand_on: HandOn) -> Result<Result<Relayed, String>, Failure> {
    let mut hand_on = Some(hand_on);
    match relay_once(desk, limit, &mut hand_on).await {
        // The server may only have ended what it found idle; nothing was handed on yet.
        Err(Failure::NotDone(fault)) if fault.is_lost_connection() && hand_on.is_some() => {
            relay_once(desk, limit, &mut hand_on).await
        }
        outcome => outcome,
    }
}

async fn relay_once(
    desk: &Desk,
    limit: usize,
    hand_on: &mut Option<HandOn>,
) -> Result<Result<Relayed, String>, Failure> {
    let work = async |connection: &mut Connection, ()| {
        let (rows, found) = take(connection, limit).await?;
        let relayed = Relayed { events: rows.len(), may_be_more: found >= limit };
        if rows.is_empty() {
            return Ok(End::Rollback(Ok(relayed)));
        }
        let ids = || list(rows.iter().copied());
        let read = |row: &Row| rows::event(&mut Columns::of(row));
        let events: Vec<OrderEvent> = connection.all(Sql::new("read unpublished", EVENTS, [ids()]), read).await?;
        if events.len() != rows.len() {
            return Err(Fault::Damaged("an event that was not handed on is missing".to_owned()));
        }
        if let Some(hand_on) = hand_on.take()
            && let Err(reason) = hand_on(events).await
        {
            return Ok(End::Rollback(Err(reason)));
        }
        let mut published = Updates::default();
        rows.iter().for_each(|id| published.add("unpublished_event", PUBLISHED, [(*id).into()]));
        published.run(connection, "note published").await?;
        Ok(End::Commit(Ok(relayed)))
    };
    desk.transact_on(&desk.relays, async |_: &mut Connection| Ok(()), work).await
}

/// Locks what waits longest, and gives the rows that may be handed on, in the order of their ids, with how many were found.
async fn take(connection: &mut Connection, limit: usize) -> Result<(Vec<u64>, usize), Fault> {
    let read = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok(Waiting { id: columns.count()?, order_id: columns.id()?, version: columns.number()? })
    };
    let waiting = connection.all(Sql::new("lock unpublished", WAITING, [limit.into()]), read).await?;
    let found = waiting.len();
    if waiting.is_empty() {
        return Ok((Vec::new(), found));
    }
    let orders: BTreeSet<_> = waiting.iter().map(|row| row.order_id.to_string()).collect();
    let read = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok((columns.id()?, columns.number()?))
    };
    let lowest = connection.all(Sql::new("find lowest unpublished", LOWEST, [list(orders)]), read).await?;
    Ok((runs(waiting, lowest.into_iter().collect()), found))
}

/// The rows that follow each other from an order's lowest one on.
fn runs(mut waiting: Vec<Waiting>, mut next: BTreeMap<OrderId, u32>) -> Vec<u64> {
    waiting.sort_by_key(|row| (row.order_id, row.version));
    let mut ids: Vec<u64> = Vec::with_capacity(waiting.len());
    for row in waiting {
        if let Some(next) = next.get_mut(&row.order_id).filter(|next| **next == row.version) {
            *next += 1;
            ids.push(row.id);
        }
    }
    ids.sort_unstable();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_order_only_a_run_from_its_lowest_row_is_handed_on() {
        // Rows as (id, order, version), the lowest versions, the ids that may go.
        type Case = (&'static [(u64, u128, u32)], &'static [(u128, u32)], &'static [u64]);
        let table: [Case; 5] = [
            (&[(1, 7, 1), (2, 8, 1), (3, 7, 2)], &[(7, 1), (8, 1)], &[1, 2, 3]),
            (&[(3, 7, 2), (4, 7, 3)], &[(7, 1)], &[]),
            (&[(1, 7, 1), (4, 7, 3)], &[(7, 1)], &[1]),
            (&[(9, 7, 4), (10, 7, 5)], &[(7, 4)], &[9, 10]),
            (&[(1, 7, 1)], &[], &[]),
        ];
        for (rows, lowest, expected) in table {
            let order = |number: u128| OrderId::from_u128(number);
            let waiting = rows.iter().map(|(id, number, version)| Waiting {
                id: *id,
                order_id: order(*number),
                version: *version,
            });
            let lowest = lowest.iter().map(|(number, version)| (order(*number), *version)).collect();
            assert_eq!(runs(waiting.collect(), lowest), expected, "{rows:?}");
        }
    }
}
