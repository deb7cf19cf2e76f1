//! The files that the service keeps for itself, which nothing else may be written to.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Links that are followed before a path is taken as it is.
const LINKS_MAX: usize = 40;

/// Every such file, and what it is.
pub(super) struct OwnFiles(Vec<(PathBuf, &'static str)>);

impl OwnFiles {
    /// The files of a data directory and of a database, if that is a file.
    pub(super) fn of(data: &Path, database: Option<&Path>) -> Self {
        let mut own = vec![
            (data.join("admin-token"), "the admin token"),
            (data.join("admin-token.new"), "the admin token"),
            (data.join("lock"), "the lock of the data directory"),
            (data.join("run.json"), "where the service says that it runs"),
            (data.join("run.new"), "where the service says that it runs"),
        ];
        if let Some(database) = database.map(resolved) {
            let beside = |suffix: &str| {
                let mut path = database.as_os_str().to_owned();
                path.push(suffix);
                PathBuf::from(path)
            };
            own.extend([
                (beside(""), "the database"),
                (beside("-wal"), "the database's log"),
                (beside("-shm"), "the database's shared memory"),
                (beside("-journal"), "the database's journal"),
            ]);
        }
        Self(own)
    }

    /// What a path leads to, if that is one of these files, whether or not it is there yet.
    pub(super) fn named_by(&self, path: &Path) -> Option<&'static str> {
        let wanted = resolved(path);
        let is_same = |own: &Path| {
            let is_linked = matches!((fs::metadata(&wanted), fs::metadata(own)), (Ok(wanted), Ok(own))
                if (wanted.dev(), wanted.ino()) == (own.dev(), own.ino()));
            is_linked || resolved(own) == wanted
        };
        self.0.iter().find(|(own, _)| is_same(own)).map(|(_, what)| *what)
    }
}

/// The path without links and dots, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        if let Ok(whole) = path.canonicalize() {
            return whole;
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
        match fs::read_link(&path) {
            Ok(target) => path = parent.join(target),
            Err(_) => return path.file_name().map_or_else(|| path.clone(), |name| parent.join(name)),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_of_ours_is_known_by_any_name() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("d")).expect("a directory");
        fs::write(at("d/lock"), "").expect("a file");
        fs::hard_link(at("d/lock"), at("hard")).expect("a link");
        symlink("d/lock", at("soft")).expect("a link");
        symlink("d/run.json", at("dangling")).expect("a link");
        let own = OwnFiles::of(&at("d"), Some(&at("shop.db")));
        let table = [
            ("shop.db", true),
            ("d/../shop.db", true),
            ("shop.db-wal", true),
            ("shop.db-shm", true),
            ("d/admin-token", true),
            ("d/run.json", true),
            ("hard", true),
            ("soft", true),
            ("dangling", true),
            ("d/events.jsonl", false),
            ("lock", false),
            ("nowhere/run.json", false),
        ];
        for (path, is_ours) in table {
            assert_eq!(own.named_by(&at(path)).is_some(), is_ours, "{path}");
        }
        assert_eq!(own.named_by(Path::new("/dev/null")), None);
    }
}
