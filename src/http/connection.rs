//! A connection and its peer's part in it.
//!
//! actix-web has a deadline for a connection's first head only, and none for answers that are not taken: while a peer
//! sends requests and takes no answers, it reads on and is polled without end. So what drives a connection here stops
//! while the peer takes nothing, and gives up a peer that does not do its part in time. Nor has actix-web a useful bound
//! for what it reads ahead: beyond 128 KiB it asks to be polled again at once for as long as a request is in hand. So
//! little is read ahead here, and the rest is left with the system until what is in hand is answered.

mod after_head;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_web::http::header::HeaderMap;
use actix_web::rt::net::TcpStream;
use actors::ports::Clock;
use futures_util::future::BoxFuture;
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::body;
use after_head::AfterHead;

/// How long a peer may take nothing of the answers that wait for it.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// How long the head of a later request may take to arrive: longer than the first, whose peer is answered.
const LATER_HEAD_DEADLINE: Duration = Duration::from_secs(7);
/// How long a peer may be silent before its machine is asked for a sign of life.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// How many seconds it has for one: it is asked every second.
const SIGN_OF_LIFE_DEADLINE_S: u32 = 3;
/// How long a peer's machine may take to say that it has what was sent.
const DELIVERY_DEADLINE_MS: u32 = 8_000;
/// Bytes that the system holds for a connection each way, of which it may take twice as many.
const SYSTEM_BUFFER_BYTES: usize = 128 * 1024;
/// Bytes after which what has arrived is answered before more is read.
const READ_BYTES_MAX: usize = 16 * 1024;
/// Bytes that a head may have, and those that are read beyond the requests in hand. A read may go beyond it by what
/// actix-web has room for.
const AHEAD_BYTES_MAX: usize = 16 * 1024;
/// What a peer hears whose head is too long: the same as from actix-web, which says so at 128 KiB.
const HEAD_TOO_LONG: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What the two sides of a connection know of the peer.
pub(super) struct Peer {
    stream: RefCell<TcpStream>,
    /// Bytes that may still be read before answers are written.
    to_read: Cell<usize>,
    /// Answers wait, and the peer has to take some first.
    takes_nothing: Cell<bool>,
    /// Bytes came while no request was in hand.
    has_begun_a_head: Cell<bool>,
    in_hand: Cell<u32>,
    /// A request was taken in hand, and not all that came with it is answered yet.
    is_at_work: Cell<bool>,
    /// The body of the request in hand is being read, which has bounds of its own.
    hears_body: Cell<bool>,
    /// The connection ends with the answer; what still comes is thrown away.
    is_over: Cell<bool>,
    /// Bytes of heads and of later requests that were read and may wait.
    ahead: Cell<usize>,
    /// Bytes came while it was at work, which the dispatcher may not have looked at: it does not while it has many
    /// requests, and then waits for more bytes.
    has_more: Cell<bool>,
    /// Reading was refused.
    is_held_back: Cell<bool>,
    after_head: Cell<AfterHead>,
    /// The length of the body that belongs to the latest request in hand.
    body_bytes: Cell<u64>,
    /// Grows with every step that the peer was waited for.
    steps: Cell<u64>,
}

/// What the peer is waited for, and since which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    ToTakeAnswers(u64),
    ToEndHead(u64),
}

impl Wait {
    const fn deadline(self) -> Duration {
        match self {
            Self::ToTakeAnswers(_) => ANSWER_DEADLINE,
            Self::ToEndHead(_) => LATER_HEAD_DEADLINE,
        }
    }
}

impl Peer {
    fn of(stream: TcpStream) -> Rc<Self> {
        if let Err(error) = set_up(&stream) {
            // The peer may be gone already.
            tracing::debug!(%error, "a connection stays as the system made it");
        }
        Rc::new(Self {
            stream: RefCell::new(stream),
            to_read: Cell::new(READ_BYTES_MAX),
            takes_nothing: Cell::new(false),
            has_begun_a_head: Cell::new(false),
            in_hand: Cell::new(0),
            is_at_work: Cell::new(false),
            hears_body: Cell::new(false),
            is_over: Cell::new(false),
            ahead: Cell::new(0),
            has_more: Cell::new(false),
            is_held_back: Cell::new(false),
            after_head: Cell::default(),
            body_bytes: Cell::new(0),
            steps: Cell::new(0),
        })
    }

    /// Notes that a request is in hand until the answer is dropped.
    pub(super) fn take_in_hand(self: &Rc<Self>, headers: &HeaderMap) -> InHand {
        self.has_begun_a_head.set(false);
        self.is_at_work.set(true);
        self.is_over.set(false);
        self.body_bytes.set(body::announced(headers).unwrap_or_default());
        self.in_hand.set(self.in_hand.get() + 1);
        self.step();
        InHand(Rc::clone(self))
    }

    fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    fn wait(&self) -> Option<Wait> {
        if self.takes_nothing.get() {
            return Some(Wait::ToTakeAnswers(self.steps.get()));
        }
        // A head may also have begun in the read that brought the last request.
        let has_begun = self.has_begun_a_head.get() || self.after_head.get().bytes() != self.body_bytes.get();
        let is_in_head = has_begun && self.in_hand.get() == 0;
        is_in_head.then(|| Wait::ToEndHead(self.steps.get()))
    }

    /// Notes what was read.
    fn read(&self, bytes: &[u8]) {
        self.to_read.set(self.to_read.get().saturating_sub(bytes.len()));
        self.after_head.set(self.after_head.get().and(bytes));
        if !self.hears_body.get() {
            self.ahead.set(self.ahead.get() + bytes.len());
        }
        if self.is_at_work.get() {
            self.has_more.set(true);
        }
        if self.in_hand.get() == 0 {
            self.has_begun_a_head.set(true);
        }
    }

    fn may_read(&self) -> bool {
        self.ahead.get() < AHEAD_BYTES_MAX || self.hears_body.get() || self.is_over.get()
    }

    /// Looks at how things stand after the dispatcher has done what it can.
    fn pause(&self, context: &mut Context<'_>) -> Pause {
        if self.is_at_work.get() && self.in_hand.get() == 0 && !self.takes_nothing.get() {
            self.is_at_work.set(false);
            self.ahead.set(0);
            if self.has_more.replace(false) {
                context.waker().wake_by_ref();
            }
        }
        if !self.is_held_back.get() {
            return Pause::Reads;
        }
        if self.may_read() {
            self.is_held_back.set(false);
            context.waker().wake_by_ref();
            return Pause::Reads;
        }
        if self.is_at_work.get() { Pause::Reads } else { Pause::HeadIsTooLong }
    }

    /// Tells the peer so, when nothing else is being told. It hears it unless it still sends.
    fn refuse_head(&self) {
        let stream = self.stream.borrow();
        // Whoever does not hear it sees the end of the connection.
        let _ = stream.try_write(HEAD_TOO_LONG);
        // What is left unread would make the system take the answer back.
        let mut unread = [0; 4_096];
        for _ in 0..2 * SYSTEM_BUFFER_BYTES / unread.len() {
            if !stream.try_read(&mut unread).is_ok_and(|bytes| bytes > 0) {
                return;
            }
        }
    }

    /// Whether answers can be written. If not, the task is woken when they can.
    fn poll_takes(&self, context: &mut Context<'_>) -> bool {
        if !self.takes_nothing.get() {
            return true;
        }
        // An error shows in the next write.
        let takes = self.stream.borrow().poll_write_ready(context).is_ready();
        if takes {
            self.takes_nothing.set(false);
            self.step();
        }
        takes
    }
}

/// What is to be done while the dispatcher waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// Nothing.
    Reads,
    /// The peer is refused.
    HeadIsTooLong,
}

/// A request in hand.
pub(super) struct InHand(Rc<Peer>);

impl InHand {
    /// Tells whether its body is being read.
    pub(super) fn hears_body(&self, hears: bool) {
        self.0.hears_body.set(hears);
    }

    /// Tells that its body is left where it is, which ends the connection.
    pub(super) fn leaves_body(&self) {
        self.0.is_over.set(true);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.hears_body.set(false);
        self.0.in_hand.set(self.0.in_hand.get() - 1);
    }
}

/// A connection as the dispatcher of its requests reads and writes it.
pub(super) struct Socket(Rc<Peer>);

impl Socket {
    /// Who is at the other end.
    pub(super) fn peer(&self) -> Rc<Peer> {
        Rc::clone(&self.0)
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let peer = &self.0;
        if peer.to_read.get() == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !peer.may_read() {
            peer.is_held_back.set(true);
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut *peer.stream.borrow_mut()).poll_read(context, buffer);
        let bytes = &buffer.filled()[before..];
        if !bytes.is_empty() {
            peer.read(bytes);
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.0.stream.borrow_mut()).poll_write(context, bytes);
        self.0.takes_nothing.set(written.is_pending());
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_shutdown(context)
    }
}

/// A connection until its end.
pub(super) struct Connection<D> {
    dispatcher: Pin<Box<D>>,
    peer: Rc<Peer>,
    clock: Arc<dyn Clock>,
    patience: Option<(Wait, BoxFuture<'static, ()>)>,
}

impl<D> Connection<D> {
    /// Has what comes on `stream` dispatched.
    pub(super) fn of(
        stream: TcpStream,
        clock: Arc<dyn Clock>,
        dispatch: impl FnOnce((Socket, Option<SocketAddr>)) -> D,
    ) -> Self {
        let address = stream.peer_addr().ok();
        let peer = Peer::of(stream);
        let dispatcher = Box::pin(dispatch((Socket(Rc::clone(&peer)), address)));
        Self { dispatcher, peer, clock, patience: None }
    }

    /// Whether the peer has not done its part in time. If it still may, the task is woken when it may no more.
    fn poll_patience_ends(&mut self, context: &mut Context<'_>) -> bool {
        let Some(wait) = self.peer.wait() else {
            self.patience = None;
            return false;
        };
        if self.patience.as_ref().is_none_or(|(earlier, _)| *earlier != wait) {
            self.patience = Some((wait, self.clock.sleep(wait.deadline())));
        }
        self.patience.as_mut().is_some_and(|(_, ends)| ends.as_mut().poll(context).is_ready())
    }
}

impl<D: Future<Output = Result<(), DispatchError>>> Future for Connection<D> {
    type Output = D::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.peer.poll_takes(context) {
            self.peer.to_read.set(READ_BYTES_MAX);
            if let Poll::Ready(ended) = self.dispatcher.as_mut().poll(context) {
                return Poll::Ready(ended);
            }
            if self.peer.pause(context) == Pause::HeadIsTooLong {
                self.peer.refuse_head();
                return Poll::Ready(Ok(()));
            }
        }
        if self.poll_patience_ends(context) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

/// Has the system tell of machines that are gone, and hold little for a peer that reads or writes too much.
fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_send_buffer_size(stream, SYSTEM_BUFFER_BYTES)?;
    sockopt::set_socket_recv_buffer_size(stream, SYSTEM_BUFFER_BYTES)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, SILENCE_MAX)?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(1))?;
    sockopt::set_tcp_keepcnt(stream, SIGN_OF_LIFE_DEADLINE_S)?;
    // The same for data that it does not say it has; elsewhere there is no such option.
    #[cfg(target_os = "linux")]
    sockopt::set_tcp_user_timeout(stream, DELIVERY_DEADLINE_MS)?;
    Ok(())
}
