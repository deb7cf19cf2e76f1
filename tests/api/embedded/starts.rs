//! Starts that must not be, each with its sentence, and places to print to that are no files.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::house::House;
use crate::process::{Process, STOP, floodgate};
use crate::stack::Stack;

/// Starts a service with these settings on files alone.
fn start(data: &Path, settings: &[(&str, &str)]) -> Process {
    Process::start(&Stack::Embedded, data, settings)
}

/// Checks that a start ends by itself, with exit code 2 and a sentence of these words.
fn expect_refused(data: &Path, settings: &[(&str, &str)], words: &[&str]) {
    start(data, settings).expect_refused(words);
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("every machine has mkfifo").success());
}

#[test]
fn events_are_not_printed_over_what_is_not_theirs() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (data, notes) = (directory.path().join("data"), directory.path().join("notes"));
    let at = |path: &Path| path.display().to_string();
    fs::write(&notes, "milk\nbread").expect("a file");
    expect_refused(&data, &[("PRINTER__PATH", &at(&notes))], &["notes", "does not end with a line of order events"]);
    assert_eq!(fs::read_to_string(&notes).expect("a file"), "milk\nbread");
    for (name, what) in [
        ("floodgate.db", "the database"),
        ("floodgate.db-wal", "the database's log"),
        ("floodgate.db-shm", "the database's shared memory"),
        ("admin-token", "the admin token"),
        ("lock", "the lock"),
        ("run.json", "where the service says"),
    ] {
        let path = at(&data.join(name));
        expect_refused(&data, &[("PRINTER__PATH", &path)], &[&path, what, "printer.path"]);
    }
    let mut process = start(&data, &[]);
    process.client().put_up("a", "1.00", 1, "");
    process.kill();
    let database = fs::read(data.join("floodgate.db")).expect("a file");
    expect_refused(&data, &[("PRINTER__PATH", &at(&data.join("../data/floodgate.db")))], &["the database"]);
    assert_eq!(fs::read(data.join("floodgate.db")).expect("a file"), database);
}

#[test]
fn a_database_is_kept_in_a_file_and_nowhere_else() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("data");
    for place in ["/dev/null", "/", ":memory:"] {
        let url = format!("sqlite:{place}");
        expect_refused(&data, &[("STORE__URL", &url)], &[place, "is no file that can hold a database"]);
    }
}

#[test]
fn a_pipe_that_nobody_reads_stops_the_start() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("events");
    pipe(&path);
    let path = path.display().to_string();
    expect_refused(&directory.path().join("data"), &[("PRINTER__PATH", &path)], &[&path, "nobody reads this pipe"]);
}

#[test]
fn a_pipe_whose_reader_has_stopped_reading_does_not_hold_up_the_stop() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("events");
    pipe(&path);
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("a small number");
    let reader = fs::File::options().read(true).custom_flags(nonblocking).open(&path).expect("a pipe");
    let mut process = start(&directory.path().join("data"), &[("PRINTER__PATH", &path.display().to_string())]);
    let shop = process.client();
    shop.put_up("a", "1.00", 1_000, "");
    // More lines than a pipe holds.
    for _ in 0..500 {
        shop.placed("u", "a", 1);
    }
    process.terminate();
    let (status, said) = process.end(STOP);
    assert!(status.success(), "{said}");
    drop(reader);
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_up_the_stop() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut process = start(&directory.path().join("data"), &[("LOG__LEVEL", "trace")]);
    let shop = process.client();
    // More lines than a pipe holds.
    for _ in 0..500 {
        shop.get("/skus");
    }
    process.terminate();
    let (status, _) = process.end(STOP);
    assert!(status.success(), "{status}");
}

#[test]
fn a_lost_database_is_noticed_while_it_is_used_and_at_the_next_start() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path();
    let (database, aside) = (data.join("floodgate.db"), data.join("aside"));
    let mut process = start(data, &[]);
    let shop = process.client();
    shop.put_up("a", "1.00", 9, "");
    let kept = shop.placed("u", "a", 1);
    fs::rename(&database, &aside).expect("it can be moved");
    let refused = shop.order("u", "k", "a", 1);
    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()));
    assert!(refused.text.contains("the database file was removed while it was in use"), "{refused:?}");
    std::thread::sleep(Duration::from_millis(1_100));
    let ready = shop.get("/health/ready");
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)));
    assert!(ready.text.contains("the database file was removed"), "{ready:?}");
    let words = [data.join("admin-token").display().to_string(), database.display().to_string()];
    let words = [words[0].as_str(), words[1].as_str(), "put the database back"];
    process.kill();
    expect_refused(data, &[], &words);
    let migrate = Command::new(env!("CARGO_BIN_EXE_floodgate")).args(["migrate", "--data"]).arg(data).output();
    assert_eq!(migrate.expect("the program runs").status.code(), Some(2), "it makes no empty one in its place");
    expect_refused(data, &[], &words);
    fs::write(&database, "").expect("a file");
    expect_refused(data, &[], &words);
    fs::rename(&aside, &database).expect("it can be moved");
    let mut process = start(data, &[]);
    let shop = process.client();
    assert_eq!(shop.get(&format!("/orders/{kept}")).status, 200);
    assert_eq!(shop.stock("a"), [9, 8, 1, 0]);
}

#[test]
fn a_start_that_cannot_be_says_why_in_one_sentence() {
    let house = House::embedded(&[]);
    let taken = house.client.address.to_string();
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let data = elsewhere.path().display().to_string();
    let nowhere = elsewhere.path().join("no").join("such.toml").display().to_string();
    fs::write(elsewhere.path().join("shop.toml"), format!("[store]\nurl = \"sqlite:{nowhere}\"")).expect("a file");
    let misplaced = elsewhere.path().join("shop.toml").display().to_string();
    let table: [(&[&str], &str); 5] = [
        (&["--listen", &taken, "--data", &data], "give another address with --listen"),
        (&["--listen", "localhost:0", "--data", &data], "the setting server.listen must be an address and a port"),
        (&["--listen", "127.0.0.1:0", "--data", &data, "--config", &misplaced], &nowhere),
        (&["--config", "no-such-file.toml", "--data", &data], "no-such-file.toml"),
        (&["--listen", "127.0.0.1:0", "--data", "Cargo.toml"], "Cargo.toml"),
    ];
    for (arguments, part) in table {
        let refused = floodgate(arguments);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        let sentence = told.lines().last().unwrap_or_default();
        assert_eq!(refused.status.code(), Some(2), "{arguments:?} {told}");
        assert!(sentence.contains(part), "{arguments:?} {told}");
    }
}
