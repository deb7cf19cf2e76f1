//! The server in front of the route table: workers, connections, time limits of their own.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{IntoServiceFactory as _, Service as _, ServiceFactoryExt as _, apply_fn_factory, map_config};
use actix_web::App;
use actix_web::dev::{AppConfig, Extensions, Server, ServerHandle};
use actix_web::rt::task::JoinHandle;
use actix_web::web::Data;
use futures_util::future::{Either, select};

use super::Front;
use super::connection::{Connection, Socket};
use super::routes::configure;

/// Connections that may wait to be taken.
const BACKLOG: i32 = 4_096;
/// Connections of one worker.
const CONNECTIONS_MAX: usize = 8_192;
/// How long a request's head may take to arrive. Bodies have their own deadline.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may idle between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to end a connection that is over.
const DISCONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// How long a server that stops goes on to serve, ending each connection with its answer: whatever was sent before is
/// answered, and not met by a connection that ends at that moment.
const LEAVE: Duration = Duration::from_millis(300);
/// How long a stop waits for requests in hand. Any of them is answered within the placement deadline and a little.
const STOP_DEADLINE_S: u64 = 8;

/// A running server.
pub struct HttpServer {
    address: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
    front: Data<Front>,
}

impl HttpServer {
    /// Listens and serves.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub fn start(listen: SocketAddr, front: Data<Front>) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        // Once more, as what is bound by the standard library lets few connections wait.
        rustix::net::listen(&listener, BACKLOG)?;
        let builder = Server::build()
            .workers(std::thread::available_parallelism().map_or(2, usize::from))
            .max_concurrent_connections(CONNECTIONS_MAX)
            .shutdown_timeout(STOP_DEADLINE_S)
            .disable_signals();
        let stop = builder.graceful_shutdown_signal();
        let served = front.clone();
        let server = builder.listen("http", listener, move || {
            let (front, stop) = (served.clone(), stop.clone());
            let clock = Arc::clone(&front.node.clock);
            let app = App::new().configure(move |config| configure(config, front.clone()));
            let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
            let dispatchers = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stop = stop.clone();
                    async move { stop.notified().await }
                })
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEAD_DEADLINE)
                .client_disconnect_timeout(DISCONNECT_DEADLINE)
                .on_connect_ext(|socket: &Socket, extensions: &mut Extensions| {
                    extensions.insert(socket.peer());
                })
                .h1(map_config(app, |()| AppConfig::default()));
            apply_fn_factory(dispatchers, move |stream, dispatchers| {
                Connection::of(stream, Arc::clone(&clock), |socket| dispatchers.call(socket))
            })
        })?;
        let server: Server = server.run();
        let handle = server.handle();
        Ok(Self { address, handle, running: actix_web::rt::spawn(server), front })
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

    /// Takes no new connections after a moment, and finishes the requests in hand.
    pub async fn stop(self) {
        self.front.is_leaving.store(true, Ordering::Relaxed);
        self.front.node.clock.sleep(LEAVE).await;
        self.handle.stop(true).await;
    }
}
