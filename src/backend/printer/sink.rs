//! The `EventSink` port on a file or standard output.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use actors::domain::event::OrderEvent;
use actors::ports::{Answer, EventSink, SinkError};
use tokio::sync::oneshot;

use super::lines::Lines;
use super::place;

/// Batches that may wait while one is printed. The printer actor has one in flight, so none does.
const WAITING_MAX: usize = 1;
/// How long a printer that is dropped waits for its thread. A file takes its last lines long before.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the printer cannot print where it is told to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot print order events to {place}: {why}")]
pub struct OpenError {
    place: String,
    why: String,
}

const ENDED: &str = "the printer's thread has ended";

struct Job {
    events: Vec<OrderEvent>,
    done: oneshot::Sender<Result<(), SinkError>>,
}

/// Prints by a thread of its own.
pub struct LinePrinter {
    jobs: Option<SyncSender<Job>>,
    /// Breaks off when the thread has ended; only for places that surely take what is written.
    ended: Option<Mutex<Receiver<()>>>,
}

impl LinePrinter {
    /// Prints to the end of a file, to a pipe, or to standard output. A line that a crash left unfinished in the file is
    /// cut off: its event is printed again.
    ///
    /// # Errors
    /// The place cannot be written, nobody reads the pipe, or the file is not one of ours.
    pub fn open(path: Option<&Path>) -> Result<Self, OpenError> {
        let place = path.map_or("standard output".to_owned(), |path| path.display().to_string());
        let refused = |why: String| OpenError { place: place.clone(), why };
        let (out, is_file) = match path {
            Some(path) => place::open(path).map_err(refused)?,
            // Not by way of std's own buffer, which hides how much of a line is out.
            None => {
                let out = io::stdout().as_fd().try_clone_to_owned().map_err(|error| refused(error.to_string()))?;
                (File::from(out), false)
            }
        };
        let (jobs, queue) = sync_channel(WAITING_MAX);
        let (end, ended) = channel();
        let mut file = Lines::to(out);
        let path = path.filter(|_| is_file).map(Path::to_owned);
        let print = move || {
            print_all(&queue, &mut file, path.as_deref());
            drop::<Sender<()>>(end);
        };
        let thread = Builder::new().name("printer".to_owned()).spawn(print);
        thread.map_err(|error| refused(error.to_string()))?;
        // A pipe may be stuck for ever, a file is not: the next printer of the same file waits for this one's end.
        Ok(Self { jobs: Some(jobs), ended: is_file.then(|| Mutex::new(ended)) })
    }
}

impl EventSink for LinePrinter {
    fn print(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), SinkError>> {
        let (done, answer) = oneshot::channel();
        let sent = match self.jobs.as_ref().map(|jobs| jobs.try_send(Job { events, done })) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(failed("too much waits to be printed")),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(failed(ENDED)),
        };
        Box::pin(async move {
            sent?;
            answer.await.unwrap_or_else(|_| Err(failed(ENDED)))
        })
    }
}

impl Drop for LinePrinter {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(ended) = self.ended.take() {
            // Nothing is ever sent: it breaks off with the thread's end, or the time is up.
            let _ = ended.into_inner().unwrap_or_else(PoisonError::into_inner).recv_timeout(FAREWELL);
        }
    }
}

fn failed(reason: &str) -> SinkError {
    SinkError::unavailable(0, reason.to_owned())
}

/// Prints whatever is asked for, each batch to the file that is at `path` then.
fn print_all(queue: &Receiver<Job>, lines: &mut Lines<File>, path: Option<&Path>) {
    while let Ok(Job { events, done }) = queue.recv() {
        let followed = path.map_or(Ok(()), |path| follow(path, lines));
        // Whoever asked may have gone; the lines are out all the same.
        let _ = done.send(followed.and_then(|()| lines.print(&events)));
    }
}

/// Goes on in the file at `path` if that is another one by now, or none: the one before was rotated away or removed, and
/// what is written to it would be lost. A line that was left unfinished there is printed whole here.
fn follow(path: &Path, lines: &mut Lines<File>) -> Result<(), SinkError> {
    let is_there = |out: &File| {
        let (own, found) = (out.metadata()?, path.metadata()?);
        io::Result::Ok((own.dev(), own.ino()) == (found.dev(), found.ino()))
    };
    // What cannot be looked at cannot be opened either, which says why.
    if is_there(lines.place()).unwrap_or(false) {
        return Ok(());
    }
    let (out, _) = place::open(path).map_err(|reason| SinkError::unavailable(0, reason))?;
    *lines = Lines::to(out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use actors::domain::event::EventType;
    use actors::domain::id::OrderId;
    use actors::domain::order::Status;
    use actors::domain::time::Timestamp;
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn what_waits_to_be_printed_is_bounded() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("every machine has mkfifo");
        assert!(made.success());
        // Both ends, so that opening does not wait; nothing is ever read.
        let reader = File::options().read(true).write(true).open(&path).expect("a pipe");
        let printer = LinePrinter::open(Some(&path)).expect("the pipe has a reader");
        let event = OrderEvent {
            order_id: OrderId::from_u128(7),
            version: 1,
            event_type: EventType::OrderSubmitted,
            status: Status::Submitted,
            at: Timestamp::from_millis(0),
            by: "shop".to_owned(),
            reason: None,
        };
        // More than a pipe holds.
        let refused = (0..10).find_map(|_| printer.print(vec![event.clone(); 1_000]).now_or_never());
        assert_eq!(refused, Some(Err(failed("too much waits to be printed"))));
        drop(reader);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let error = LinePrinter::open(Some(directory.path())).err().expect("a directory is no file").to_string();
        assert!(error.contains(&directory.path().display().to_string()), "{error}");
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

    #[tokio::test]
    async fn a_file_that_is_rotated_away_removed_or_replaced_is_followed_by_a_new_one() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        let lines = |name: &str| std::fs::read_to_string(at(name)).expect("a file").lines().count();
        let printer = LinePrinter::open(Some(&at("events"))).expect("it is made");
        let print = async |versions: &[u32]| printer.print(versions.iter().copied().map(event).collect()).await;
        print(&[1, 2]).await.expect("it is printed");
        std::fs::rename(at("events"), at("rotated")).expect("it is there");
        print(&[3]).await.expect("it is printed");
        print(&[4, 5]).await.expect("it is printed");
        assert_eq!((lines("rotated"), lines("events")), (2, 3));
        std::fs::remove_file(at("events")).expect("it is there");
        print(&[6]).await.expect("it is printed");
        assert_eq!(lines("events"), 1);
        std::fs::rename(at("rotated"), at("events")).expect("it is there");
        print(&[7]).await.expect("it is printed");
        assert_eq!(lines("events"), 3, "a file that was put there is gone on with");
        std::fs::remove_file(at("events")).expect("it is there");
        std::fs::create_dir(at("events")).expect("nothing is there");
        assert_eq!(print(&[8]).await.expect_err("a directory takes no lines").printed, 0);
        std::fs::remove_dir(at("events")).expect("it is there");
        print(&[8]).await.expect("it is printed");
        assert_eq!(lines("events"), 1);
    }
}
