//! The data directory: held by one server at a time, which says in it where it listens.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StartError;

/// What `lock` and `run.json` say of the server.
#[derive(Debug, Deserialize, Serialize)]
struct Server {
    url: Option<String>,
    pid: u32,
}

/// How often a lock that somebody holds is tried again, and the pause before each try: a server that was killed lets go
/// of it only when the system has taken it apart.
const TRIES: u32 = 40;
const TRY_PAUSE: Duration = Duration::from_millis(25);

/// A data directory that this process holds until it is dropped.
pub(super) struct DataDir {
    path: PathBuf,
    lock: File,
}

impl DataDir {
    /// Makes the directory if it is not there, for its owner alone, and takes it.
    pub(super) fn open(path: &Path) -> Result<Self, StartError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unusable(path, error))?;
        let lock_path = path.join("lock");
        let mut options = OpenOptions::new();
        let lock = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
        let lock = lock.map_err(|error| unusable(&lock_path, error))?;
        match take(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StartError::InUse { dir: path.to_owned(), holder: holder_in(&lock_path) });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(&lock_path, error)),
        }
        let data = Self { path: path.to_owned(), lock };
        data.say_in_lock(None).map_err(|error| unusable(&lock_path, error))?;
        Ok(data)
    }

    /// Where the admin token is kept.
    pub(super) fn admin_token(&self) -> PathBuf {
        admin_token_in(&self.path)
    }

    /// Says in the directory where the server listens. A server that cannot say so, on a full disk, is still a server.
    pub(super) fn announce(&self, url: &str) {
        if let Err(error) = self.say_in_lock(Some(url)) {
            tracing::warn!(%error, "a second server will not be told which one holds the data directory");
        }
        if let Err(error) = write_whole(&self.run_file(), &text_of(Some(url))) {
            tracing::warn!(%error, url, "commands will not find the server by themselves, give them --url");
            // What a server that was killed left there leads astray.
            self.take_back();
        }
    }

    /// Takes back what was said: nobody listens any more.
    pub(super) fn leave(self) {
        self.take_back();
    }

    fn take_back(&self) {
        match fs::remove_file(self.run_file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => tracing::warn!(%error, "run.json stays behind"),
            _ => {}
        }
    }

    fn run_file(&self) -> PathBuf {
        self.path.join("run.json")
    }

    fn say_in_lock(&self, url: Option<&str>) -> io::Result<()> {
        let mut lock = &self.lock;
        lock.set_len(0)?;
        lock.rewind()?;
        lock.write_all(text_of(url).as_bytes())
    }
}

/// Where the admin token is kept in a data directory.
pub(super) fn admin_token_in(directory: &Path) -> PathBuf {
    directory.join("admin-token")
}

/// Writes a file that only its owner may read, whole or not at all.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), StartError> {
    let draft = path.with_extension("new");
    let write = || {
        // What a crash left behind may have another mode.
        if let Err(error) = fs::remove_file(&draft)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|error| unusable(path, error))
}

fn text_of(url: Option<&str>) -> String {
    let server = Server { url: url.map(str::to_owned), pid: std::process::id() };
    // A struct of a string and a number cannot fail to be written.
    serde_json::to_string(&server).unwrap_or_default() + "\n"
}

/// Takes the lock if it is free, or becomes so in a moment.
fn take(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => sleep(TRY_PAUSE),
            taken => return taken,
        }
    }
    lock.try_lock()
}

fn holder_in(lock: &Path) -> String {
    let text = fs::read_to_string(lock).unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(Server { url: Some(url), pid }) => format!("process {pid}, which serves {url}"),
        Ok(Server { url: None, pid }) => format!("process {pid}, which is starting or stopping"),
        // It has not come to saying who it is.
        Err(_) => "another process".to_owned(),
    }
}

fn unusable(path: &Path, error: io::Error) -> StartError {
    StartError::Data { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_server_is_told_who_holds_the_directory() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let held = DataDir::open(directory.path()).expect("nobody holds it");
        held.announce("http://127.0.0.1:7");
        let refusal = DataDir::open(directory.path()).err().expect("it is held").to_string();
        assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
        assert!(refusal.contains("http://127.0.0.1:7"), "{refusal}");
        held.leave();
        assert!(!directory.path().join("run.json").exists());
        assert!(DataDir::open(directory.path()).is_ok());
    }

    #[test]
    fn a_directory_that_becomes_free_in_a_moment_is_waited_for() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let held = DataDir::open(directory.path()).expect("nobody holds it");
        std::thread::scope(|threads| {
            threads.spawn(move || {
                sleep(TRY_PAUSE * 4);
                drop(held);
            });
            assert!(DataDir::open(directory.path()).is_ok());
        });
    }

    #[test]
    fn where_another_server_was_is_not_left_there() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let run_file = directory.path().join("run.json");
        fs::write(&run_file, text_of(Some("http://127.0.0.1:6"))).expect("a file");
        // Stands for a full disk.
        fs::create_dir(directory.path().join("run.new")).expect("a directory");
        let held = DataDir::open(directory.path()).expect("nobody holds it");
        held.announce("http://127.0.0.1:7");
        assert!(!run_file.exists());
        held.leave();
    }

    #[test]
    fn a_directory_that_is_made_is_for_its_owner_only() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("a").join("b");
        DataDir::open(&path).expect("it can be made");
        assert_eq!(path.metadata().expect("it was made").permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_is_for_its_owner_only_whatever_was_there_before() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("secret");
        fs::write(&path, "open to all").expect("a file");
        fs::write(path.with_extension("new"), "left behind").expect("a file");
        write_whole(&path, "hush").expect("it can be written");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "hush");
        assert_eq!(path.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    }
}
