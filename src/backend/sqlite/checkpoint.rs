//! Copies the write-ahead log into the database beside the writer: commits go on meanwhile, and nearly all is copied when
//! the writer does the rest, after which the log starts over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rusqlite::Connection;

use super::SqliteOptions;
use super::connection::open_copier;
use super::fault::Fault;
use super::files::Files;
use super::threads::Threads;

/// How many times as long as it should be the log may grow before the writer copies it all by itself.
const PATIENCE: u32 = 8;

const IDLE: u8 = 0;
const COPYING: u8 = 1;
const COPIED: u8 = 2;

/// See the module.
pub(super) struct Checkpoints {
    copier: Threads<Copier>,
    pages: u32,
    state: Arc<AtomicU8>,
}

struct Copier {
    options: SqliteOptions,
    files: Arc<Files>,
    connection: Option<Connection>,
}

impl Checkpoints {
    /// Starts the thread that copies.
    pub(super) fn start(options: &SqliteOptions, files: &Arc<Files>) -> std::io::Result<Arc<Self>> {
        let copier = Copier { options: options.clone(), files: Arc::clone(files), connection: None };
        let copier = Threads::start("sqlite-copier", vec![copier], 1)?;
        Ok(Arc::new(Self { copier, pages: options.checkpoint_pages, state: Arc::default() }))
    }

    /// Looks after the log that this connection writes.
    pub(super) fn watch(self: &Arc<Self>, writer: &mut Connection) -> Result<(), Fault> {
        let this = Arc::clone(self);
        writer.wal_hook(Some(move |wal: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            let pages = u32::try_from(pages).unwrap_or(0);
            if pages < this.pages {
                return Ok(());
            }
            let is_copied = this.state.compare_exchange(COPIED, IDLE, Ordering::AcqRel, Ordering::Acquire).is_ok();
            if !is_copied && pages < this.pages.saturating_mul(PATIENCE) {
                this.copy();
                return Ok(());
            }
            // The commit that is told of here is done. What cannot be copied now can be later.
            if let Err(error) = wal.checkpoint() {
                tracing::debug!(%error, pages, "log not copied");
            }
            Ok(())
        }))?;
        Ok(())
    }

    fn copy(&self) {
        if self.state.compare_exchange(IDLE, COPYING, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        let state = Arc::clone(&self.state);
        let taken = self.copier.run(move |copier| {
            if let Err(error) = copier.copy() {
                tracing::debug!(%error, "log not copied");
            }
            state.store(COPIED, Ordering::Release);
        });
        if taken.is_err() {
            self.state.store(IDLE, Ordering::Release);
        }
    }
}

impl Copier {
    fn copy(&mut self) -> Result<(), Fault> {
        self.files.check()?;
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_copier(&self.options)?,
        };
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        self.connection = Some(connection);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::connection::open_writer;
    use super::*;

    const PAGES: u32 = 20;

    #[test]
    fn the_log_starts_over_however_long_commits_go_on() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("a.db");
        let options = SqliteOptions { checkpoint_pages: PAGES, ..SqliteOptions::at(&path) };
        let mut writer = open_writer(&options, true).expect("a new file");
        writer.execute_batch("CREATE TABLE a (b BLOB)").expect("writable");
        let files = Arc::new(Files::of(&path).expect("they are there"));
        let checkpoints = Checkpoints::start(&options, &files).expect("a thread starts");
        checkpoints.watch(&mut writer).expect("an open connection takes a hook");
        for _ in 0..40 * PAGES {
            writer.execute("INSERT INTO a VALUES (zeroblob(4000))", []).expect("writable");
            // The thread that copies is to have its turn.
            std::thread::park_timeout(Duration::from_micros(200));
        }
        let log = std::fs::metadata(directory.path().join("a.db-wal")).expect("it is there").len();
        assert!(log < u64::from(2 * PATIENCE * PAGES) * 4_096, "{log}");
        let count = writer.query_row("SELECT count(*) FROM a", [], |row| row.get::<_, u32>(0));
        assert_eq!(count.expect("readable"), 40 * PAGES);
    }
}
