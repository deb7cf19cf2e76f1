//! The `EventSink` port on a file or standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use actors::domain::event::OrderEvent;
use actors::ports::{Answer, EventSink, SinkError};
use tokio::sync::oneshot;

use super::lines::Lines;

/// Bytes looked at once for the end of the last whole line.
const STEP: u64 = 4_096;

/// Why the printer cannot print where it is told to.
#[derive(Debug, thiserror::Error)]
#[error("cannot print order events to {place}: {error}")]
pub struct OpenError {
    place: String,
    error: io::Error,
}

struct Job {
    events: Vec<OrderEvent>,
    done: oneshot::Sender<Result<(), SinkError>>,
}

/// Prints by a thread of its own.
pub struct LinePrinter {
    // The printer actor has one batch in flight, so the queue needs no bound of its own.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl LinePrinter {
    /// Prints to the end of a file, or to standard output. A line that a crash left unfinished in the file is cut off:
    /// its event is printed again.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(path: Option<&Path>) -> Result<Self, OpenError> {
        let place = path.map_or("standard output".to_owned(), |path| path.display().to_string());
        let opened = match path {
            Some(path) => open_file(path),
            // Not by way of std's own buffer, which hides how much of a line is out.
            None => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        };
        let started = opened.and_then(|out| {
            let (jobs, queue) = channel();
            let thread = Builder::new().name("printer".to_owned()).spawn(move || print_all(&queue, Lines::to(out)))?;
            Ok((jobs, thread))
        });
        let (jobs, thread) = started.map_err(|error| OpenError { place, error })?;
        // A pipe may be stuck for ever, a file is not: the next printer of the same file waits for this one's end.
        Ok(Self { jobs: Some(jobs), thread: path.is_some().then_some(thread) })
    }
}

impl EventSink for LinePrinter {
    fn print(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), SinkError>> {
        let (done, answer) = oneshot::channel();
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { events, done }).is_ok());
        Box::pin(async move {
            let ended = || SinkError { printed: 0, reason: "the printer's thread has ended".to_owned() };
            if sent { answer.await.unwrap_or_else(|_| Err(ended())) } else { Err(ended()) }
        })
    }
}

impl Drop for LinePrinter {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread's panic was told when it happened.
            let _ = thread.join();
        }
    }
}

fn print_all(queue: &Receiver<Job>, mut lines: Lines<File>) {
    while let Ok(Job { events, done }) = queue.recv() {
        // Whoever asked may have gone; the lines are out all the same.
        let _ = done.send(lines.print(&events));
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    let is_special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    if is_special {
        return options.open(path);
    }
    let mut file = options.read(true).open(path)?;
    let whole = end_of_last_line(&mut file)?;
    if whole < file.metadata()?.len() {
        file.set_len(whole)?;
    }
    Ok(file)
}

/// Where the last whole line of the file ends.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let begin = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(begin))?;
        let mut step = Vec::new();
        (&mut *file).take(end - begin).read_to_end(&mut step)?;
        if let Some(index) = step.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + index as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_crash_left_unfinished_is_cut_off() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("events.jsonl");
        let long = format!("{}\n", "x".repeat(10_000));
        let table = [
            (String::new(), 0),
            ("{}\n".to_owned(), 3),
            ("{}\n{\"ord".to_owned(), 3),
            ("{\"ord".to_owned(), 0),
            (format!("{long}{}", "y".repeat(10_000)), long.len()),
        ];
        for (text, kept) in table {
            std::fs::write(&path, &text).expect("a file");
            drop(open_file(&path).expect("it can be written"));
            assert_eq!(std::fs::read_to_string(&path).expect("a file"), text[..kept]);
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let error = LinePrinter::open(Some(directory.path())).err().expect("a directory is no file").to_string();
        assert!(error.contains(&directory.path().display().to_string()), "{error}");
    }
}
