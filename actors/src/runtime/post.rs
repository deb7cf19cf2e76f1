//! Posts: places for actors that are filled again when their actor is lost. Supervision is our own, for actix's does not
//! survive a panic.
//!
//! An actor holds a [`Lifeline`]. When a panic drops the actor, the lifeline goes with it, and the post is filled again:
//! a new actor is made (it rebuilds its state from the store) and every link of the post is pointed at it.

use std::sync::Arc;
use std::time::Duration;

use actix::dev::channel;
use actix::{Actor, Addr, Context};

use super::count::{Counter, Spread};
use super::link::Inlet;
use super::live::{Gauge, LiveActors, Vitals};
use crate::domain::invariant::Invariant;
use crate::domain::time::Monotonic;
use crate::ports::{Clock, Spawn};

/// An actor that is lost sooner than this after it was made is not replaced at once: one that cannot even start must not
/// keep its thread busy.
const SHORT_LIFE: Duration = Duration::from_millis(20);

/// Where posts are: the thread, the time and the directory that their actors share.
#[derive(Clone)]
pub struct Stage {
    /// Where actors run.
    pub spawn: Arc<dyn Spawn>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who lives.
    pub live: Arc<LiveActors>,
}

/// A place for one actor, with all that is needed to fill it again.
pub struct Post<A: Actor<Context = Context<A>>> {
    kind: &'static str,
    key: String,
    make: Box<dyn Fn(Lifeline) -> A + Send + Sync>,
    inlets: Vec<Arc<dyn Inlet<A>>>,
}

impl<A: Actor<Context = Context<A>>> Post<A> {
    /// Builds a post for an actor of a kind, by the key that tells it from others of its kind.
    pub fn new(kind: &'static str, key: impl ToString, make: impl Fn(Lifeline) -> A + Send + Sync + 'static) -> Self {
        Self { kind, key: key.to_string(), make: Box::new(make), inlets: Vec::new() }
    }

    /// Lets a link lead here.
    #[must_use]
    pub fn reached_by(mut self, link: &(impl Inlet<A> + Clone + 'static)) -> Self {
        self.inlets.push(Arc::new(link.clone()));
        self
    }

    /// Fills the post, now and whenever its actor is lost. The links are open at once: what they take waits in the
    /// mailbox until the actor runs.
    pub fn fill(self, stage: &Stage) {
        let inlets = self.inlets.clone();
        let depth = Box::new(move || inlets.iter().map(|inlet| inlet.depth()).sum());
        let vitals = stage.live.enter(self.kind, self.key.clone(), stage.clock.now().wall, depth);
        fill(stage.clone(), Arc::new(self), vitals, true);
    }
}

/// Held by an actor for as long as it lives; through it the actor shows what it does.
pub struct Lifeline {
    stage: Stage,
    vitals: Arc<Vitals>,
    born_at: Monotonic,
    refill: Option<Box<dyn FnOnce() + Send>>,
}

impl Lifeline {
    /// Notes that the actor handles a message, or does something by its own clock.
    pub fn handle(&self) {
        self.vitals.handle(self.stage.clock.now().wall);
    }

    /// A number that the actor shows under a name.
    pub fn gauge(&self, name: &'static str) -> Gauge {
        self.vitals.gauge(name)
    }

    /// A number that grows: the actor shows what it added, the node what all of its kind ever did.
    pub fn counter(&self, name: &'static str) -> Counter {
        self.stage.live.counts.counter(self.vitals.kind(), name).shown_by(self.gauge(name))
    }

    /// The sizes of all batches that actors of this kind made.
    pub fn sizes(&self, name: &'static str) -> Arc<Spread> {
        self.stage.live.counts.sizes(self.vitals.kind(), name)
    }

    /// How long those of this kind took for something.
    pub fn times(&self, name: &'static str) -> Arc<Spread> {
        self.stage.live.counts.times(self.vitals.kind(), name)
    }

    /// How often an invariant was found broken on this node.
    pub fn violations(&self, invariant: Invariant) -> Counter {
        self.stage.live.counts.violations(invariant)
    }

    /// The time of the stage.
    pub fn now(&self) -> Monotonic {
        self.stage.clock.now().monotonic
    }

    /// Gives the post up: the actor may stop, and has no successor.
    pub fn dismiss(&mut self) {
        self.refill = None;
        self.stage.live.leave(&self.vitals);
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        let Some(refill) = self.refill.take() else { return };
        let Stage { clock, spawn, .. } = &self.stage;
        if clock.now().monotonic.since(self.born_at) >= SHORT_LIFE {
            return refill();
        }
        let clock = Arc::clone(clock);
        spawn.spawn(Box::new(move || {
            actix::spawn(async move {
                clock.sleep(SHORT_LIFE).await;
                refill();
            });
        }));
    }
}

fn fill<A: Actor<Context = Context<A>>>(stage: Stage, post: Arc<Post<A>>, vitals: Arc<Vitals>, is_first: bool) {
    // The channel is made here and not by actix, whose `start_in_arbiter` takes 16 messages before the actor runs. It
    // has room for all that the links let pass, and for one of each on its way out.
    let capacity = post.inlets.iter().map(|inlet| inlet.bound() + 1).sum::<usize>() + 1;
    let (sender, receiver) = channel::channel::<A>(capacity);
    let address = Addr::new(sender);
    post.inlets.iter().for_each(|inlet| inlet.connect(&address));
    let spawn = Arc::clone(&stage.spawn);
    spawn.spawn(Box::new(move || {
        // Told only here: when the node stops, actors are lost as well, and nothing is spawned in their place.
        if !is_first {
            tracing::error!(kind = post.kind, key = %post.key, "actor lost, another takes its place");
            vitals.restart();
        }
        let born_at = stage.clock.now().monotonic;
        let (again, successor, seen) = (stage.clone(), Arc::clone(&post), Arc::clone(&vitals));
        let refill = move || fill(again, successor, seen, false);
        let lifeline = Lifeline { stage, vitals, born_at, refill: Some(Box::new(refill)) };
        Context::with_receiver(receiver).run((post.make)(lifeline));
    }));
}

#[cfg(test)]
mod tests {
    use actix::Handler;
    use tokio::task::LocalSet;

    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::domain::time::{Now, Timestamp};
    use crate::ports::Answer;
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

    /// Stands still until it is moved, in milliseconds.
    #[derive(Clone, Default)]
    struct ManualClock(Arc<AtomicU64>);

    impl ManualClock {
        fn advance(&self, duration: Duration) {
            self.0.fetch_add(u64::try_from(duration.as_millis()).expect("a short time"), Ordering::Relaxed);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Now {
            let elapsed = Duration::from_millis(self.0.load(Ordering::Relaxed));
            Now { wall: Timestamp::from_millis(0).plus(elapsed), monotonic: Monotonic::since_start(elapsed) }
        }

        fn sleep(&self, duration: Duration) -> Answer<'static, ()> {
            let (clock, until) = (self.clone(), self.now().monotonic.plus(duration));
            Box::pin(async move {
                while clock.now().monotonic < until {
                    tokio::task::yield_now().await;
                }
            })
        }
    }

    #[test]
    fn an_actor_lost_to_a_panic_is_replaced_and_every_request_is_answered() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("no io is needed");
        LocalSet::new().block_on(&runtime, async {
            let (link, fills, live) = (Link::new(10), AtomicU64::new(0), Arc::<LiveActors>::default());
            let clock = ManualClock::default();
            let stage = Stage { spawn: Arc::new(HereSpawn), clock: Arc::new(clock.clone()), live };
            let make = move |lifeline| Mortal { fills: fills.fetch_add(1, Ordering::Relaxed) + 1, _lifeline: lifeline };
            Post::new("mortal", 7, make).reached_by(&link).fill(&stage);
            for round in 1..=20 {
                let ask = |ask: fn(Reply<u64>) -> Ask| {
                    let (reply, pending) = Reply::channel();
                    let sent = link.send(ask(reply));
                    async move { if sent.is_ok() { pending.wait().await.ok() } else { None } }
                };
                assert_eq!(ask(Ask::Fills).await, Some(round));
                clock.advance(SHORT_LIFE);
                let (dying, behind) = (ask(Ask::Die), ask(Ask::Fills));
                assert_eq!(dying.await, None, "what was in hand is answered, with no outcome");
                assert_eq!(behind.await, None, "what waited behind it too");
                while Inlet::<Mortal>::depth(&link) > 0 {
                    tokio::task::yield_now().await;
                }
            }
            assert_eq!(stage.live.find("mortal", "7").map(|actor| actor.restarts), Some(20));
        });
    }

    #[test]
    fn an_actor_that_cannot_live_is_tried_again_with_pauses() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("no io is needed");
        LocalSet::new().block_on(&runtime, async {
            let (link, fills) = (Link::<Ask>::new(1), Arc::new(AtomicU64::new(0)));
            let clock = ManualClock::default();
            let stage = Stage { spawn: Arc::new(HereSpawn), clock: Arc::new(clock.clone()), live: Arc::default() };
            let made = Arc::clone(&fills);
            let make = move |_| -> Mortal {
                made.fetch_add(1, Ordering::Relaxed);
                panic!("cannot be made")
            };
            Post::new("stillborn", 1, make).reached_by(&link).fill(&stage);
            for round in 1..=5 {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                assert_eq!(fills.load(Ordering::Relaxed), round);
                clock.advance(SHORT_LIFE);
            }
        });
    }
}
