//! Supervision of our own: actix's does not survive a panic.
//!
//! An actor holds a [`Lifeline`]. When a panic drops the actor, the lifeline goes with it, and the post is filled again:
//! a new actor is made (it rebuilds its state from the store) and every link of the post is pointed at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
    dismissed: Arc<AtomicBool>,
}

impl Lifeline {
    /// Lets the actor go without a successor.
    pub fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Release);
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        if let Some(refill) = self.refill.take()
            && !self.dismissed.load(Ordering::Acquire)
        {
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
    if fills.fetch_add(1, Ordering::AcqRel) > 0 {
        tracing::error!(actor = %post.name, "actor lost, starting another in its place");
    }
    // The channel is made here and not by actix, whose `start_in_arbiter` takes 16 messages before the actor runs.
    let (sender, receiver) = channel::channel::<A>(post.capacity);
    (post.connect)(&Addr::new(sender));
    let spawner = Arc::clone(&spawn);
    spawn.spawn(Box::new(move || {
        let next = (Arc::clone(&spawner), Arc::clone(&post), fills);
        let refill = move || fill(next.0, next.1, next.2);
        let lifeline = Lifeline { refill: Some(Box::new(refill)), dismissed: Arc::default() };
        Context::with_receiver(receiver).run((post.make)(lifeline));
    }));
}
