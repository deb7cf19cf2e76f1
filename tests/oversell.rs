//! A build that oversells on purpose: its ledger grants everything, and neither rule nor constraint of its store stops
//! anyone. `floodgate rush` must notice. Feature `oversell` only, so it is run by itself.

use std::process::Command;

#[test]
fn rush_fails_on_a_service_that_oversells() {
    // A rush that fails keeps what its service wrote.
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let rush = Command::new(env!("CARGO_BIN_EXE_floodgate"))
        .args(["rush", "--buyers", "200", "--stock", "20", "--clients", "20"])
        .env_remove("FLOODGATE_URL")
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .output()
        .expect("the binary was built for this test");
    let told = String::from_utf8_lossy(&rush.stdout);
    assert_eq!(rush.status.code(), Some(1), "{told}\n{}", String::from_utf8_lossy(&rush.stderr));
    assert!(told.contains("oversold 180\n"), "{told}");
    let kept = std::fs::read_dir(directory.path()).expect("it is there").count();
    assert_eq!(kept, 1, "what the service wrote is kept where this test cleans up");
}
