//! A bounded number of connections, kept open for the next one who needs one.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use mysql_async::{Conn, Opts};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::call::{Connection, Wire, hang_up};
use super::fault::Fault;

/// How many may wait for a place.
const WAITING_MAX: usize = 1_024;

/// A bounded number of places, for which a bounded number may wait for a bounded time.
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: Semaphore,
    limit: Duration,
}

impl Places {
    /// So many places, one at least.
    pub(super) fn new(count: usize, limit: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(count.max(1))), waiting: Semaphore::new(WAITING_MAX), limit }
    }

    /// A place as soon as there is one, in the order in which it is asked for.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, Fault> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| Fault::Full)?;
        match timeout(self.limit, Arc::clone(&self.free).acquire_owned()).await {
            Ok(place) => place.map_err(|_| Fault::BrokeOff),
            Err(_) => Err(Fault::Crowded),
        }
    }
}

/// Connections of one kind. It lives on the engine's thread.
pub(super) struct Pool {
    opts: Opts,
    wire: Wire,
    places: Places,
    idle: RefCell<Vec<Conn>>,
    /// Grows when connections turn out to be gone; those from before are not used again.
    epoch: Cell<u64>,
}

impl Pool {
    /// Room for so many connections; none is opened yet.
    pub(super) fn new(opts: Opts, wire: Wire, places: usize) -> Self {
        let places = Places::new(places, wire.limit);
        Self { opts, wire, places, idle: RefCell::default(), epoch: Cell::new(0) }
    }

    /// An open connection, as soon as there is a place.
    pub(super) async fn take(&self) -> Result<Connection, Fault> {
        let place = self.places.take().await?;
        let epoch = self.epoch.get();
        let idle = self.idle.borrow_mut().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.wire.exchange("connect", 0, Conn::new(self.opts.clone()), |_| 1).await?,
        };
        Ok(Connection::new(conn, self.wire.clone(), epoch, place))
    }

    /// Keeps a connection on which nothing is open for the next one.
    pub(super) fn keep(&self, connection: Connection) {
        if connection.epoch == self.epoch.get() {
            self.idle.borrow_mut().extend(connection.into_inner());
        }
    }

    /// Closes the connections that wait, for the server they led to may be gone.
    pub(super) fn forget(&self) {
        self.epoch.set(self.epoch.get() + 1);
        for conn in self.idle.take() {
            hang_up(conn);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.forget();
    }
}
