//! The printer: the effect of every order event, once.
//!
//! It remembers what was printed, as the highest version per order, and drops repeats. A line may repeat only if the
//! process dies between printing and recording; it carries order id and version, so its reader can drop it too.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};
use futures_util::future::{Either, select};
use tokio::sync::Mutex;

use super::seen::Seen;
use crate::domain::event::OrderEvent;
use crate::domain::rejection::Rejection;
use crate::ports::{Clock, EventSink};
use crate::runtime::{Counter, Envelope, Gauge, Lifeline, Reply, Ticket};

/// The number that the printer shows while what it was last told to print is not out, though it should be: 1, else 0.
pub const FAILING: &str = "failing";
/// How long printing may take before it counts as failing: a pipe that nobody drains never says no.
const PRINT_DEADLINE: Duration = Duration::from_secs(5);

/// Asks for events to be printed, in order.
pub struct Print {
    /// The events.
    pub events: Vec<OrderEvent>,
    /// Whether an operator wants them printed once more, whatever was printed of their orders since.
    pub again: bool,
    /// Answered once they are out, or those before one that is refused by itself.
    pub reply: Reply<Option<RefusedEvent>>,
}

/// An event that cannot be printed, though others can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEvent {
    /// Which of the events.
    pub at: usize,
    /// Why.
    pub reason: String,
}

/// See the module.
pub struct PrinterActor {
    sink: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    /// Locked for as long as something is being printed. It outlives the actor, and so does the printing.
    printed: Arc<Mutex<Seen>>,
    lines: Counter,
    failing: Gauge,
    lifeline: Lifeline,
}

impl PrinterActor {
    /// Builds the actor; `printed` is what its predecessors printed.
    pub fn new(sink: Arc<dyn EventSink>, clock: Arc<dyn Clock>, printed: Arc<Mutex<Seen>>, lifeline: Lifeline) -> Self {
        let (lines, failing) = (lifeline.counter("lines"), lifeline.gauge(FAILING));
        Self { sink, clock, printed, lines, failing, lifeline }
    }
}

impl Actor for PrinterActor {
    type Context = Context<Self>;
}

impl Handler<Envelope<Print>> for PrinterActor {
    type Result = ();

    fn handle(&mut self, Envelope { message, ticket }: Envelope<Print>, context: &mut Context<Self>) {
        self.lifeline.handle();
        let (sink, clock, printed) = (Arc::clone(&self.sink), Arc::clone(&self.clock), Arc::clone(&self.printed));
        let (lines, failing) = (self.lines.clone(), self.failing.clone());
        let print = async move {
            let print = pin!(print(message, ticket, sink, printed, lines, failing.clone()));
            if let Either::Right(((), print)) = select(print, clock.sleep(PRINT_DEADLINE)).await {
                failing.set(1);
                tracing::warn!("events are not printed yet, what they are printed to takes nothing");
                print.await;
            }
        };
        // A task of its own: the lines are noted as printed even if this actor does not live to see it.
        let printing = actix::spawn(print);
        // One batch at a time: the next message waits until this one is out, so lines keep their order.
        context.wait(printing.into_actor(self).map(|_, _, _| ()));
    }
}

async fn print(
    print: Print,
    _ticket: Ticket,
    sink: Arc<dyn EventSink>,
    printed: Arc<Mutex<Seen>>,
    lines: Counter,
    failing: Gauge,
) {
    let Print { events, again, reply } = print;
    let mut seen = printed.lock().await;
    let mut batch = Seen::default();
    let (mut fresh, mut names) = (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
    for (at, event) in events.into_iter().enumerate() {
        if again || (seen.is_new(&event) && batch.is_new(&event)) {
            batch.note(event.order_id, event.version);
            names.push((at, event.order_id, event.version));
            fresh.push(event);
        }
    }
    let outcome = if fresh.is_empty() { Ok(()) } else { sink.print(fresh).await };
    let out = outcome.as_ref().map_or_else(|error| error.printed, |()| names.len());
    let next = names.get(out).map(|(at, ..)| *at);
    names.into_iter().take(out).for_each(|(_, order_id, version)| seen.note(order_id, version));
    lines.add(out);
    let answer = match (outcome, next) {
        (Ok(()), _) => Ok(None),
        (Err(error), Some(at)) if error.is_the_events => Ok(Some(RefusedEvent { at, reason: error.reason })),
        (Err(error), _) => Err(Rejection::Unavailable(error.to_string())),
    };
    failing.set_count(usize::from(answer.is_err()));
    reply.answer(answer);
}
