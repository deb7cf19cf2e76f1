//! The server in front of the route table: workers, connections, time limits of their own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use actix_web::App;
use actix_web::dev::{Server, ServerHandle};
use actix_web::rt::task::JoinHandle;
use actix_web::web::Data;
use futures_util::future::{Either, select};

use super::Front;
use super::routes::configure;

/// Connections that may wait to be taken.
const BACKLOG: u32 = 4_096;
/// Connections of one worker.
const CONNECTIONS_MAX: usize = 8_192;
/// How long a request's head may take to arrive. Bodies have their own deadline.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may idle between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to end a connection that is over.
const DISCONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// How long a stop waits for requests in hand. Any of them is answered within the placement deadline and a little.
const STOP_DEADLINE_S: u64 = 8;

/// A running server.
pub struct HttpServer {
    address: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
}

impl HttpServer {
    /// Listens and serves.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub fn start(listen: SocketAddr, front: Data<Front>) -> io::Result<Self> {
        let app = move || {
            let front = front.clone();
            App::new().configure(move |config| configure(config, front))
        };
        let server = actix_web::HttpServer::new(app)
            .workers(std::thread::available_parallelism().map_or(2, usize::from))
            .backlog(BACKLOG)
            .max_connections(CONNECTIONS_MAX)
            .client_request_timeout(HEAD_DEADLINE)
            .client_disconnect_timeout(DISCONNECT_DEADLINE)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(STOP_DEADLINE_S)
            .disable_signals()
            .bind(listen)?;
        let address = server.addrs().first().copied().unwrap_or(listen);
        let server: Server = server.run();
        let handle = server.handle();
        Ok(Self { address, handle, running: actix_web::rt::spawn(server) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until `stop` comes, or the server ends by itself.
    ///
    /// # Errors
    /// Why it ended by itself.
    pub async fn ended_or(&mut self, stop: impl Future<Output = ()>) -> io::Result<()> {
        match select(&mut self.running, pin!(stop)).await {
            Either::Left((ended, _)) => ended.unwrap_or_else(|error| Err(io::Error::other(error))),
            Either::Right(_) => Ok(()),
        }
    }

    /// Takes no new connections, and finishes the requests in hand.
    pub async fn stop(self) {
        self.handle.stop(true).await;
    }
}
