//! The only place that sends messages between actors.
//!
//! A link counts what it has in flight. The count is both the bound and the depth that is reported: actix's own mailbox
//! bound holds only for one sender that is never cloned, and tells no length. The target can be swapped, so whoever
//! holds a link keeps it when supervision puts a new actor in the old one's place.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use actix::{Actor, Addr, Context, Handler, Message, Recipient};

/// A bounded way to one actor, for messages of one type.
pub struct Link<M: Send + 'static> {
    shared: Arc<Shared<M>>,
}

struct Shared<M: Send + 'static> {
    bound: usize,
    in_flight: Arc<AtomicUsize>,
    target: RwLock<Option<Recipient<Envelope<M>>>>,
}

/// A message on its way, with the ticket that counts it.
pub struct Envelope<M> {
    /// The message.
    pub message: M,
    /// Counts the message as in flight until dropped; keep it for as long as the work lasts.
    pub ticket: Ticket,
}

impl<M: Send + 'static> Message for Envelope<M> {
    type Result = ();
}

/// One place on a link, given back when dropped.
#[derive(Debug)]
pub struct Ticket(Arc<AtomicUsize>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The link is full, or nobody is there: the message comes back.
pub struct Refused<M>(pub M);

impl<M> fmt::Debug for Refused<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Refused")
    }
}

impl<M: Send + 'static> Link<M> {
    /// Builds a link that lets `bound` messages be in flight at once. Nothing passes until it is connected.
    pub fn new(bound: usize) -> Self {
        let shared = Shared { bound, in_flight: Arc::default(), target: RwLock::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Sends, unless as much as the link takes is in flight.
    ///
    /// # Errors
    /// Gives the message back; it has not been and will not be handled.
    pub fn send(&self, message: M) -> Result<(), Refused<M>> {
        let Shared { bound, in_flight, target } = &*self.shared;
        if in_flight.fetch_add(1, Ordering::AcqRel) >= *bound {
            in_flight.fetch_sub(1, Ordering::AcqRel);
            return Err(Refused(message));
        }
        let envelope = Envelope { message, ticket: Ticket(Arc::clone(in_flight)) };
        let target = target.read().unwrap_or_else(PoisonError::into_inner);
        match &*target {
            Some(recipient) => recipient.try_send(envelope).map_err(|error| Refused(error.into_inner().message)),
            None => Err(Refused(envelope.message)),
        }
    }

    /// Whether both lead to the same actor.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// A link as the post at its end sees it.
pub trait Inlet<A: Actor<Context = Context<A>>>: Send + Sync {
    /// Points the link at an actor, the first or a new one.
    fn connect(&self, address: &Addr<A>);

    /// Messages in flight: queued, or handled but not yet done with.
    fn depth(&self) -> usize;

    /// How many messages may be in flight at once.
    fn bound(&self) -> usize;
}

impl<A, M> Inlet<A> for Link<M>
where
    A: Actor<Context = Context<A>> + Handler<Envelope<M>>,
    M: Send + 'static,
{
    fn connect(&self, address: &Addr<A>) {
        let mut target = self.shared.target.write().unwrap_or_else(PoisonError::into_inner);
        *target = Some(address.clone().recipient());
    }

    fn depth(&self) -> usize {
        self.shared.in_flight.load(Ordering::Acquire)
    }

    fn bound(&self) -> usize {
        self.shared.bound
    }
}

impl<M: Send + 'static> Clone for Link<M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M: Send + 'static> fmt::Debug for Link<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Link")
            .field("bound", &self.shared.bound)
            .field("depth", &self.shared.in_flight.load(Ordering::Relaxed))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use actix::dev::channel;
    use tokio::task::LocalSet;

    use super::*;

    fn depth(link: &Link<u32>) -> usize {
        Inlet::<Keeper>::depth(link)
    }

    /// Keeps what it is told, tickets included.
    struct Keeper(Arc<Mutex<Vec<Envelope<u32>>>>);

    impl Actor for Keeper {
        type Context = Context<Self>;
    }

    impl Handler<Envelope<u32>> for Keeper {
        type Result = ();

        fn handle(&mut self, envelope: Envelope<u32>, _: &mut Context<Self>) {
            self.0.lock().expect("nobody panics with it").push(envelope);
        }
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("no io is needed");
        LocalSet::new().block_on(&runtime, test);
    }

    async fn let_actors_run() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_link_takes_as_much_as_its_bound_before_the_actor_runs_and_after() {
        run(async {
            let link = Link::new(100);
            assert!(link.send(0).is_err(), "nobody is there yet");
            let (sender, receiver) = channel::channel::<Keeper>(101);
            link.connect(&Addr::new(sender));
            let clones: Vec<_> = (0..100).map(|_| link.clone()).collect();
            assert!(clones.iter().all(|link| link.send(1).is_ok()));
            assert_eq!(link.send(7).map_err(|refused| refused.0), Err(7));
            assert_eq!(depth(&link), 100);
            let kept = Arc::default();
            Context::with_receiver(receiver).run(Keeper(Arc::clone(&kept)));
            let_actors_run().await;
            // Handled, but the tickets are kept: the work is not done, so there is still no room.
            assert!(link.send(7).is_err());
            kept.lock().expect("nobody panics with it").clear();
            assert_eq!(depth(&link), 0);
            for _ in 0..100 {
                assert!(link.send(2).is_ok());
            }
            let_actors_run().await;
            assert_eq!(kept.lock().expect("nobody panics with it").len(), 100);
        });
    }

    #[test]
    fn what_a_dead_actor_never_handled_gives_its_places_back() {
        run(async {
            let link = Link::new(3);
            let (sender, receiver) = channel::channel::<Keeper>(4);
            link.connect(&Addr::new(sender));
            assert!(link.send(1).is_ok());
            drop(receiver);
            assert!(link.send(2).is_err());
            link.connect(&Addr::new(channel::channel::<Keeper>(4).0));
            assert_eq!(depth(&link), 0);
        });
    }
}
