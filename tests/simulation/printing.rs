//! A printer that cannot print: told of now and then, in its own words, and nothing is lost.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::domain::limits::WARNING_INTERVAL;

use crate::overload::{request, run};

/// Takes what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("no test panics with it").clone();
        String::from_utf8(bytes).expect("a log is text").lines().map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_printer_that_fails_is_named_and_told_of_now_and_then_until_it_prints_again() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    run(async |bench| {
        bench.sink.set_broken(true);
        assert!(bench.node.degraded().is_empty(), "nothing has failed yet");
        bench.node.orders.place(request(1)).await.expect("orders do not wait for the printer");
        bench.clock.sleep(WARNING_INTERVAL * 2 + Duration::from_secs(5)).await;
        assert_eq!(bench.node.degraded(), ["printer"]);
        let lines = log.lines();
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines.iter().all(|line| line.ends_with("reason=cannot print: the pipe is broken")), "{lines:#?}");

        bench.sink.set_broken(false);
        bench.clock.sleep(Duration::from_secs(1)).await;
        assert!(bench.node.degraded().is_empty(), "it prints again");
        assert_eq!((bench.sink.printed(), log.lines().len()), (1, 3));

        bench.sink.set_broken(true);
        bench.node.orders.place(request(2)).await.expect("orders do not wait for the printer");
        bench.clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(log.lines().len(), 4, "a new failure is told of at once");
    });
}

#[test]
fn a_printer_that_is_stuck_is_named_until_it_goes_on() {
    run(async |bench| {
        bench.sink.set_stuck(true);
        bench.node.orders.place(request(1)).await.expect("orders do not wait for the printer");
        bench.clock.sleep(Duration::from_secs(4)).await;
        assert!(bench.node.degraded().is_empty(), "it may take its time");
        bench.clock.sleep(Duration::from_secs(2)).await;
        assert_eq!(bench.node.degraded(), ["printer"]);
        bench.sink.set_stuck(false);
        bench.clock.sleep(Duration::from_secs(1)).await;
        assert!(bench.node.degraded().is_empty(), "it prints again");
    });
}

#[test]
fn what_is_printed_is_recorded_at_last_though_nothing_follows() {
    run(async |bench| {
        bench.store.set_taking_notes(false);
        bench.node.orders.place(request(1)).await.expect("orders are no notes");
        bench.clock.sleep(Duration::from_secs(2)).await;
        assert_eq!((bench.sink.printed(), bench.disk.tables().positions.get("printer").copied()), (1, None));
        bench.store.set_taking_notes(true);
        assert!(bench.node.drain(Duration::from_secs(4)).await, "there is something left to do, and it is done");
        assert_eq!((bench.sink.printed(), bench.disk.tables().positions.get("printer").copied()), (1, Some(1)));
    });
}
