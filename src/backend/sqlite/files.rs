//! Whether the open files are still the ones at their paths.
//!
//! A file that was removed or replaced goes on taking what is written, and all of that is gone with the process. So
//! every transaction looks, at the price of two calls of the system.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::fault::Fault;

/// The database file and its write-ahead log, as they were when they were opened.
#[derive(Debug)]
pub(super) struct Files {
    database: Opened,
    log: Opened,
    /// Set for good: nothing tells whether what is put back into the same file is what was there.
    was_emptied: AtomicBool,
}

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    device: u64,
    inode: u64,
    what: &'static str,
}

impl Files {
    /// Looks at the files of a database that is open.
    pub(super) fn of(database: &Path) -> Result<Self, Fault> {
        let database = Opened::at(database.to_owned(), "the database file")?;
        // The log stands beside the file itself, wherever a link to it is.
        let mut log = database.path.canonicalize().map_err(|error| database.out_of_sight(&error))?.into_os_string();
        log.push("-wal");
        Ok(Self { database, log: Opened::at(log.into(), "the database's log")?, was_emptied: AtomicBool::new(false) })
    }

    /// Errs if what is written would be lost.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let database = self.database.check()?;
        if database.len() == 0 {
            self.was_emptied.store(true, Ordering::Relaxed);
        }
        if self.was_emptied.load(Ordering::Relaxed) {
            let what = "the database file was emptied while it was in use; restart the service with a copy of it";
            return Err(Fault::Lost(what.to_owned()));
        }
        self.log.check().map(|_| ())
    }
}

impl Opened {
    fn at(path: PathBuf, what: &'static str) -> Result<Self, Fault> {
        let opened = Self { path, device: 0, inode: 0, what };
        let found = fs::metadata(&opened.path).map_err(|error| opened.out_of_sight(&error))?;
        Ok(Self { device: found.dev(), inode: found.ino(), ..opened })
    }

    fn check(&self) -> Result<Metadata, Fault> {
        let found = fs::metadata(&self.path).map_err(|error| self.out_of_sight(&error))?;
        if (found.dev(), found.ino()) == (self.device, self.inode) {
            return Ok(found);
        }
        Err(self.gone("was replaced while it was in use"))
    }

    fn out_of_sight(&self, error: &io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::NotFound => self.gone("was removed while it was in use"),
            _ => Fault::Lost(format!("{} cannot be looked at: {error}", self.what)),
        }
    }

    fn gone(&self, how: &str) -> Fault {
        Fault::Lost(format!("{} {how}; put it back, or restart the service", self.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_longer_there_are_noticed_until_they_are_back() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (database, log) = (directory.path().join("a.db"), directory.path().join("a.db-wal"));
        let aside = directory.path().join("aside");
        for path in [&database, &log] {
            fs::write(path, "x").expect("a file");
        }
        let files = Files::of(&database).expect("they are there");
        files.check().expect("they are as they were");
        for path in [&database, &log] {
            let said = || files.check().expect_err("it is not there").to_string();
            fs::rename(path, &aside).expect("it can be moved");
            assert!(said().contains("was removed while it was in use"), "{}", said());
            fs::write(path, "x").expect("a file");
            assert!(said().contains("was replaced while it was in use"), "{}", said());
            fs::rename(&aside, path).expect("it can be moved");
            files.check().expect("it is back");
        }
        fs::write(&database, "").expect("a file");
        let said = files.check().expect_err("it is empty").to_string();
        assert!(said.contains("was emptied while it was in use"), "{said}");
        fs::write(&database, "x").expect("a file");
        files.check().expect_err("nobody knows what was put in");
    }
}
