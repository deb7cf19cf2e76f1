//! Writes whole lines to something that may take half of one.

use std::io::{self, ErrorKind, Write};

use actors::domain::event::OrderEvent;
use actors::domain::id::OrderId;
use actors::ports::SinkError;

use crate::backend::event_line::EventLine;

/// Lines on their way out. What was left of a line when writing failed is written before anything else, so a line is
/// never begun twice.
pub(super) struct Lines<W> {
    out: W,
    unfinished: Option<Unfinished>,
}

struct Unfinished {
    event: (OrderId, u32),
    rest: Vec<u8>,
}

impl<W: Write> Lines<W> {
    pub(super) const fn to(out: W) -> Self {
        Self { out, unfinished: None }
    }

    /// Where they go.
    pub(super) const fn place(&self) -> &W {
        &self.out
    }

    /// Prints the events in order. An event whose line was left unfinished is finished, not printed again.
    pub(super) fn print(&mut self, events: &[OrderEvent]) -> Result<(), SinkError> {
        let finished = self.finish().map_err(|error| failed(0, &error))?;
        let is_finished = |event: &OrderEvent| finished == Some((event.order_id, event.version));
        let done = usize::from(events.first().is_some_and(is_finished));
        let mut text = Vec::with_capacity(events.len() * 192);
        let mut ends = Vec::with_capacity(events.len());
        for event in &events[done..] {
            append(&mut text, event).map_err(|error| failed(done, &error))?;
            ends.push(text.len());
        }
        let (written, error) = write(&mut self.out, &text);
        let Some(error) = error else { return Ok(()) };
        let whole = ends.iter().filter(|end| **end <= written).count();
        let begin = if whole == 0 { 0 } else { ends[whole - 1] };
        if let Some(event) = events.get(done + whole)
            && written > begin
        {
            let rest = text[written..ends[whole]].to_vec();
            self.unfinished = Some(Unfinished { event: (event.order_id, event.version), rest });
        }
        Err(failed(done + whole, &error))
    }

    /// Writes what is left of a line. Answers whose it was.
    fn finish(&mut self) -> io::Result<Option<(OrderId, u32)>> {
        let Some(Unfinished { event, mut rest }) = self.unfinished.take() else {
            return Ok(None);
        };
        let (written, error) = write(&mut self.out, &rest);
        let Some(error) = error else { return Ok(Some(event)) };
        self.unfinished = Some(Unfinished { event, rest: rest.split_off(written) });
        Err(error)
    }
}

fn append(text: &mut Vec<u8>, event: &OrderEvent) -> io::Result<()> {
    serde_json::to_writer(&mut *text, &EventLine::of(event))?;
    text.push(b'\n');
    Ok(())
}

/// Writes as much as is taken, and tells how much that was.
fn write(out: &mut impl Write, text: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while written < text.len() {
        match out.write(&text[written..]) {
            Ok(0) => return (written, Some(ErrorKind::WriteZero.into())),
            Ok(taken) => written += taken,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, out.flush().err())
}

fn failed(printed: usize, error: &io::Error) -> SinkError {
    SinkError::unavailable(printed, error.to_string())
}

#[cfg(test)]
mod tests {
    use actors::domain::event::EventType;
    use actors::domain::order::Status;
    use actors::domain::time::Timestamp;

    use super::*;

    /// Takes so many bytes, then nothing until it is given more room.
    struct Narrow {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let taken = text.len().min(self.room);
            if taken == 0 {
                return Err(io::Error::other("full"));
            }
            self.room -= taken;
            self.taken.extend_from_slice(&text[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn event(version: u32) -> OrderEvent {
        OrderEvent {
            order_id: OrderId::from_u128(7),
            version,
            event_type: EventType::OrderPaid,
            status: Status::Paid,
            at: Timestamp::from_millis(0),
            by: "shop".to_owned(),
            reason: None,
        }
    }

    #[test]
    fn an_event_is_one_json_line() {
        let mut lines = Lines::to(Vec::new());
        lines.print(&[event(2)]).expect("a vector takes all");
        let expected = concat!(
            r#"{"order_id":"00000000000000000000000007","version":2,"type":"order_paid","status":"paid","#,
            r#""at":"1970-01-01T00:00:00.000Z","by":"shop","reason":null}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(lines.out).as_deref(), Ok(expected));
    }

    #[test]
    fn wherever_writing_fails_each_line_comes_out_whole_and_once() {
        let events = [event(1), event(2), event(3)];
        let mut all = Lines::to(Vec::new());
        all.print(&events).expect("a vector takes all");
        let length = all.out.len() / events.len();
        for room in 0..all.out.len() {
            let mut lines = Lines::to(Narrow { taken: Vec::new(), room });
            let SinkError { printed, .. } = lines.print(&events).expect_err("not all has room");
            assert_eq!(printed, room / length, "room for {room}");
            lines.out.room = 1;
            let rest = &events[printed..];
            let more = lines.print(rest).map_or_else(|error| error.printed, |()| rest.len());
            lines.out.room = usize::MAX;
            lines.print(&rest[more..]).expect("now there is room");
            assert_eq!(lines.out.taken, all.out, "room for {room}");
        }
    }
}
