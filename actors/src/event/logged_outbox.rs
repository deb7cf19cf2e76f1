//! The outbox of a store that one process alone commits to: its log, read on from where it was handed on.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use futures_util::future::FutureExt;

use super::record;
use crate::domain::commit::Mutation;
use crate::order::Commit;
use crate::ports::{Answer, EventLog, EventLogError, HandOn, Outbox, RelayError, Relayed};
use crate::runtime::Link;

/// See the module. How far it has come is recorded in passing, with whatever else is committed.
pub struct LoggedOutbox {
    log: Arc<dyn EventLog>,
    committer: Link<Commit>,
    group: &'static str,
    /// How far it has come; none until that is read.
    position: Mutex<Option<Position>>,
}

#[derive(Clone, Copy)]
struct Position {
    handed_on: u64,
    recorded: u64,
}

impl LoggedOutbox {
    /// The outbox of `group` on a log.
    pub fn new(log: Arc<dyn EventLog>, committer: Link<Commit>, group: &'static str) -> Self {
        Self { log, committer, group, position: Mutex::default() }
    }

    async fn position(&self) -> Result<Position, EventLogError> {
        let known = *self.position.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(position) => Ok(position),
            None => self.log.position(self.group).await.map(|read| Position { handed_on: read, recorded: read }),
        }
    }

    fn come_to(&self, position: Position) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = Some(position);
    }
}

impl Outbox for LoggedOutbox {
    fn relay(&self, limit: usize, hand_on: HandOn) -> Answer<'_, Result<Relayed, RelayError>> {
        async move {
            let position = self.position().await?;
            let logged = self.log.read(position.handed_on, limit).await?;
            let last = logged.last().map_or(position.handed_on, |last| last.position);
            let events: Vec<_> = logged.into_iter().map(|logged| logged.event).collect();
            let relayed = Relayed { events: events.len(), may_be_more: events.len() >= limit };
            if relayed.events > 0 {
                hand_on(events).await.map_err(RelayError::HandOn)?;
            }
            // From here on it is known to this process, recorded or not.
            self.come_to(Position { handed_on: last, ..position });
            if last > position.recorded {
                let note = Mutation::Acknowledge { group: self.group, position: last };
                record(&self.committer, note).await.map_err(EventLogError)?;
            }
            self.come_to(Position { handed_on: last, recorded: last });
            Ok(relayed)
        }
        .boxed()
    }
}
