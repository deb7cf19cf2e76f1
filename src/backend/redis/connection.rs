//! Connections, and the pool that bounds them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bb8_redis::RedisConnectionManager;
use bb8_redis::bb8::{ManageConnection, Pool, PooledConnection};
use futures_util::future::{Either, select};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, Value};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::claim::Claim;
use super::health::Health;
use super::{CALL_DEADLINE, CONNECTIONS_MAX, RedisOptions};

/// A connection to the server or to the cluster.
pub(super) struct Connection {
    inner: Inner,
    /// Of which generation it is: see `Health`.
    generation: u64,
}

enum Inner {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.inner {
            Inner::Server(connection) => connection.req_packed_command(command),
            Inner::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.inner {
            Inner::Server(connection) => connection.req_packed_commands(pipeline, offset, count),
            Inner::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.inner {
            Inner::Server(connection) => connection.get_db(),
            Inner::Cluster(connection) => connection.get_db(),
        }
    }
}

#[derive(Clone)]
enum Place {
    Server(Arc<RedisConnectionManager>),
    Cluster(Arc<ClusterClient>),
}

/// Makes connections for the pool, on one runtime whoever asks: a connection works only as long as the runtime that it
/// was made on.
pub(super) struct Manager {
    place: Place,
    claim: Claim,
    health: Arc<Health>,
    runtime: Handle,
    /// Why the last connection could not be made. The pool lets those who wait for it find out by their deadline only.
    problem: watch::Sender<String>,
}

impl Manager {
    fn new(options: &RedisOptions, claim: Claim, health: Arc<Health>, runtime: Handle) -> RedisResult<Self> {
        let problem = watch::Sender::default();
        let connections = options.connections()?;
        let place = if options.is_cluster {
            // A call has its deadline; what one node answers late is not waited for twice.
            let client = ClusterClientBuilder::new(connections).retries(2).min_retry_wait(10).max_retry_wait(50);
            let client = client.connection_timeout(CALL_DEADLINE).response_timeout(CALL_DEADLINE);
            Place::Cluster(Arc::new(client.build()?))
        } else {
            let first = connections.into_iter().next();
            let first = first.ok_or((ErrorKind::InvalidClientConfig, "no server is named"))?;
            Place::Server(Arc::new(RedisConnectionManager::new(first)?))
        };
        Ok(Self { place, claim, health, runtime, problem })
    }

    fn is_current(&self, connection: &Connection) -> bool {
        connection.generation == self.health.generation.load(Ordering::Relaxed)
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Connection, RedisError> {
        let (place, generation) = (self.place.clone(), self.health.generation.load(Ordering::Relaxed));
        let claim = self.claim.clone();
        let connecting = self.runtime.spawn(async move {
            let inner = match place {
                Place::Server(manager) => manager.connect().await.map(Inner::Server)?,
                Place::Cluster(client) => client.connect().await.map(Inner::Cluster)?,
            };
            let mut connection = Connection { inner, generation };
            claim.make(&mut connection).await?;
            Ok(connection)
        });
        let broken_off = |_| RedisError::from((ErrorKind::Client, "connecting broke off"));
        let connected = connecting.await.unwrap_or_else(|error| Err(broken_off(error)));
        if let Err(error) = &connected {
            self.problem.send_replace(error.to_string());
        }
        connected
    }

    /// Without asking Redis: that would cost every call a round trip, and whether it answers is known otherwise.
    async fn is_valid(&self, connection: &mut Connection) -> Result<(), RedisError> {
        let is_current = self.is_current(connection);
        is_current.then_some(()).ok_or_else(|| (ErrorKind::Client, "a connection from before an outage").into())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        !self.is_current(connection)
    }
}

/// A bounded number of connections, made when they are asked for and not before.
pub(super) struct Connections {
    pool: Pool<Manager>,
    problem: watch::Sender<String>,
}

impl Connections {
    pub(super) fn new(
        options: &RedisOptions,
        claim: Claim,
        health: Arc<Health>,
        runtime: &Handle,
    ) -> RedisResult<Self> {
        let manager = Manager::new(options, claim, health, runtime.clone())?;
        let problem = manager.problem.clone();
        // The pool's own housekeeping is started where it is built.
        let _runtime = runtime.enter();
        let pool = Pool::builder().max_size(CONNECTIONS_MAX).connection_timeout(CALL_DEADLINE);
        Ok(Self { pool: pool.retry_connection(false).max_lifetime(None).build_unchecked(manager), problem })
    }

    /// Whether all connections there may be are there and in use, so that whoever comes waits for another call.
    pub(super) fn are_in_use(&self) -> bool {
        let state = self.pool.state();
        state.connections >= CONNECTIONS_MAX && state.idle_connections == 0
    }

    /// A connection for one call. If meanwhile one cannot be made, that is the answer.
    pub(super) async fn get(&self) -> Result<PooledConnection<'_, Manager>, String> {
        let mut problem = self.problem.subscribe();
        match select(pin!(self.pool.get()), pin!(problem.changed())).await {
            Either::Left((got, _)) => got.map_err(|error| error.to_string()),
            Either::Right(_) => Err(self.problem.borrow().clone()),
        }
    }
}
