//! `floodgate bench` runs and tells what it should; how fast anything is, no test asserts. Feature `bench` only.

use std::process::Command;

#[test]
fn a_short_benchmark_succeeds_and_tells_every_figure() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let bench = Command::new(env!("CARGO_BIN_EXE_floodgate"))
        .args(["bench", "--connections", "4", "--rounds", "1", "--seconds", "1"])
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .output()
        .expect("the binary was built for this test");
    let told = String::from_utf8_lossy(&bench.stdout);
    assert_eq!(bench.status.code(), Some(0), "{told}\n{}", String::from_utf8_lossy(&bench.stderr));
    let squeezed: Vec<String> =
        told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for start in [
        "4 connections, 1 rounds echo orders",
        "requests per second, median ",
        "success 100.000 % 100.000 %",
        "p50 ",
        "p99 ",
        "orders / echo, median 0.",
        "server's cpu per order ",
        "orders per commit ",
        "fdatasync of 4 KiB, p50 ",
        "durability journal_mode=wal synchronous=full by fdatasync",
    ] {
        assert!(squeezed.iter().any(|line| line.starts_with(start)), "{start:?} is not in\n{told}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).expect("it is there").count(), 0, "nothing is left behind");
}
