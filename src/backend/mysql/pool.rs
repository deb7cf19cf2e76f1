//! A bounded number of connections, kept open for the next one who needs one.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use mysql_async::{Conn, Opts};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::call::{Connection, Wire, hang_up};
use super::fault::Fault;

/// Connections of one kind. It lives on the engine's thread.
pub(super) struct Pool {
    opts: Opts,
    wire: Wire,
    places: Arc<Semaphore>,
    idle: RefCell<Vec<Conn>>,
    /// Grows when connections turn out to be gone; those from before are not used again.
    epoch: Cell<u64>,
}

impl Pool {
    /// Room for so many connections; none is opened yet.
    pub(super) fn new(opts: Opts, wire: Wire, places: usize) -> Self {
        let places = Arc::new(Semaphore::new(places.max(1)));
        Self { opts, wire, places, idle: RefCell::default(), epoch: Cell::new(0) }
    }

    /// An open connection, as soon as there is a place.
    pub(super) async fn take(&self) -> Result<Connection, Fault> {
        let place = match timeout(self.wire.limit, Arc::clone(&self.places).acquire_owned()).await {
            Ok(place) => place.map_err(|_| Fault::BrokeOff)?,
            Err(_) => return Err(Fault::Crowded),
        };
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
