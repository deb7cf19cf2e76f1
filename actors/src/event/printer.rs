//! The printer: the effect of every order event, once.
//!
//! It owns what it has printed, as the highest version per order, and drops repeats. A line may repeat only if the
//! process dies between printing and recording; it carries order id and version, so its reader can drop it too.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};

use super::seen::Seen;
use crate::domain::event::OrderEvent;
use crate::domain::rejection::Rejection;
use crate::ports::EventSink;
use crate::runtime::{Envelope, Lifeline, Reply};

/// Asks for events to be printed, in order.
pub struct Print {
    /// The events.
    pub events: Vec<OrderEvent>,
    /// Answered once they are out.
    pub reply: Reply<()>,
}

/// See the module.
pub struct PrinterActor {
    sink: Arc<dyn EventSink>,
    seen: Seen,
    _lifeline: Lifeline,
}

impl PrinterActor {
    /// Builds the actor.
    pub fn new(sink: Arc<dyn EventSink>, lifeline: Lifeline) -> Self {
        Self { sink, seen: Seen::default(), _lifeline: lifeline }
    }
}

impl Actor for PrinterActor {
    type Context = Context<Self>;
}

impl Handler<Envelope<Print>> for PrinterActor {
    type Result = ();

    fn handle(&mut self, Envelope { message, ticket }: Envelope<Print>, context: &mut Context<Self>) {
        let Print { events, reply } = message;
        let mut batch = Seen::default();
        let mut fresh = Vec::with_capacity(events.len());
        for event in events {
            if self.seen.is_new(&event) && batch.is_new(&event) {
                batch.note(&event);
                fresh.push(event);
            }
        }
        let sink = Arc::clone(&self.sink);
        let print = async move {
            let printed = if fresh.is_empty() { Ok(()) } else { sink.print(fresh.clone()).await };
            (printed, fresh, reply, ticket)
        };
        // One batch at a time: the next message waits until this one is out, so lines keep their order.
        context.wait(print.into_actor(self).map(|(printed, fresh, reply, _ticket), actor, _| {
            let out = printed.as_ref().map_or_else(|error| error.printed, |()| fresh.len());
            fresh.iter().take(out).for_each(|event| actor.seen.note(event));
            reply.answer(printed.map_err(|error| Rejection::Unavailable(error.to_string())));
        }));
    }
}
