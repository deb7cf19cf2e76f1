//! Supervision of our own: actix's does not survive a panic.
//!
//! An actor holds a [`Lifeline`]. When a panic drops the actor, the lifeline goes with it, and the post is filled again:
//! a new actor is made (it rebuilds its state from the store) and every link of the post is pointed at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::dev::channel;
use actix::{Actor, Addr, Context};

use crate::ports::Spawn;

/// A place for one actor, with all that is needed to fill it again.
pub struct Post<A: Actor<Context = Context<A>>> {
    /// What it is called in logs.
    pub name: String,
    /// Messages the mailbox takes: above the sum of the bounds of the links that lead here.
    pub capacity: usize,
    /// Makes the actor.
    pub make: Box<dyn Fn(Lifeline) -> A + Send + Sync>,
    /// Points the links of the post at the actor.
    pub connect: Box<dyn Fn(&Addr<A>) + Send + Sync>,
}

/// Held by an actor for as long as it lives.
pub struct Lifeline {
    refill: Option<Box<dyn FnOnce() + Send>>,
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        if let Some(refill) = self.refill.take() {
            refill();
        }
    }
}

/// Fills the post, now and whenever its actor is lost. The links are open at once: what they take waits in the mailbox
/// until the actor runs.
pub fn start<A: Actor<Context = Context<A>>>(spawn: &Arc<dyn Spawn>, post: Post<A>) {
    fill(Arc::clone(spawn), Arc::new(post), Arc::new(AtomicU64::new(0)));
}

fn fill<A: Actor<Context = Context<A>>>(spawn: Arc<dyn Spawn>, post: Arc<Post<A>>, fills: Arc<AtomicU64>) {
    let is_first = fills.fetch_add(1, Ordering::AcqRel) == 0;
    // The channel is made here and not by actix, whose `start_in_arbiter` takes 16 messages before the actor runs.
    let (sender, receiver) = channel::channel::<A>(post.capacity);
    (post.connect)(&Addr::new(sender));
    let spawner = Arc::clone(&spawn);
    spawn.spawn(Box::new(move || {
        // Told only here: when the node stops, actors are lost as well, and nothing is spawned in their place.
        if !is_first {
            tracing::error!(actor = %post.name, "actor lost, starting another in its place");
        }
        let next = (Arc::clone(&spawner), Arc::clone(&post), fills);
        let refill = move || fill(next.0, next.1, next.2);
        let lifeline = Lifeline { refill: Some(Box::new(refill)) };
        Context::with_receiver(receiver).run((post.make)(lifeline));
    }));
}

#[cfg(test)]
mod tests {
    use actix::Handler;
    use tokio::task::LocalSet;

    use super::*;
    use crate::runtime::{Envelope, Link, Reply};

    /// Answers with how often its post has been filled, or dies of a question.
    struct Mortal {
        fills: u64,
        _lifeline: Lifeline,
    }

    enum Ask {
        Fills(Reply<u64>),
        Die(Reply<u64>),
    }

    impl Actor for Mortal {
        type Context = Context<Self>;
    }

    impl Handler<Envelope<Ask>> for Mortal {
        type Result = ();

        fn handle(&mut self, Envelope { message, .. }: Envelope<Ask>, _: &mut Context<Self>) {
            match message {
                Ask::Fills(reply) => reply.answer(Ok(self.fills)),
                Ask::Die(reply) => {
                    let _in_hand = reply;
                    panic!("asked to");
                }
            }
        }
    }

    /// Runs actors in the `LocalSet` of the test.
    struct HereSpawn;

    impl Spawn for HereSpawn {
        fn spawn(&self, task: Box<dyn FnOnce() + Send>) {
            tokio::task::spawn_local(async move { task() });
        }
    }

    #[test]
    fn an_actor_lost_to_a_panic_is_replaced_and_every_request_is_answered() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("no io is needed");
        LocalSet::new().block_on(&runtime, async {
            let link = Link::new(10);
            let (own, fills) = (link.clone(), AtomicU64::new(0));
            let spawn: Arc<dyn Spawn> = Arc::new(HereSpawn);
            start(
                &spawn,
                Post {
                    name: "mortal".to_owned(),
                    capacity: 11,
                    make: Box::new(move |lifeline| Mortal {
                        fills: fills.fetch_add(1, Ordering::Relaxed) + 1,
                        _lifeline: lifeline,
                    }),
                    connect: Box::new(move |address| own.connect(address)),
                },
            );
            for round in 1..=20 {
                let ask = |ask: fn(Reply<u64>) -> Ask| {
                    let (reply, pending) = Reply::channel();
                    let sent = link.send(ask(reply));
                    async move { if sent.is_ok() { pending.wait().await.ok() } else { None } }
                };
                assert_eq!(ask(Ask::Fills).await, Some(round));
                let (dying, behind) = (ask(Ask::Die), ask(Ask::Fills));
                assert_eq!(dying.await, None, "what was in hand is answered, with no outcome");
                assert_eq!(behind.await, None, "what waited behind it too");
                while link.depth() > 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
    }
}
