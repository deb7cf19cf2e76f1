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
    position: Mutex<Option<u64>>,
}

impl LoggedOutbox {
    /// The outbox of `group` on a log.
    pub fn new(log: Arc<dyn EventLog>, committer: Link<Commit>, group: &'static str) -> Self {
        Self { log, committer, group, position: Mutex::default() }
    }

    async fn position(&self) -> Result<u64, EventLogError> {
        let known = *self.position.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(position) => Ok(position),
            None => self.log.position(self.group).await,
        }
    }
}

impl Outbox for LoggedOutbox {
    fn relay(&self, limit: usize, hand_on: HandOn) -> Answer<'_, Result<Relayed, RelayError>> {
        async move {
            let position = self.position().await?;
            let logged = self.log.read(position, limit).await?;
            let last = logged.last().map_or(position, |last| last.position);
            let events: Vec<_> = logged.into_iter().map(|logged| logged.event).collect();
            let relayed = Relayed { events: events.len(), may_be_more: events.len() >= limit };
            if relayed.events > 0 {
                hand_on(events).await.map_err(RelayError::HandOn)?;
            }
            // From here on it is known to this process, recorded or not.
            *self.position.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
            if relayed.events > 0 {
                let recorded =
                    record(&self.committer, Mutation::Acknowledge { group: self.group, position: last }).await;
                recorded.map_err(EventLogError)?;
            }
            Ok(relayed)
        }
        .boxed()
    }
}
