//! The rush that anyone can watch, with the service dying half way.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::service::{Service, wait};

#[actix_web::test]
async fn a_rush_is_true_though_the_service_is_killed_half_way() {
    let mut service = Service::start().await;
    let mut rush = Command::new(env!("CARGO_BIN_EXE_floodgate"))
        .args(["rush", "--buyers", "10000", "--stock", "100", "--clients", "50", "--patience", "30s", "--data"])
        .arg(service.data())
        .env_remove("FLOODGATE_URL")
        .env_remove("FLOODGATE_TOKEN")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary was built for this test");
    for _ in 0..2 {
        wait(Duration::from_millis(400)).await;
        service.kill_under_load();
        assert!(rush.try_wait().expect("it is our child").is_none(), "the sale was over before the service died");
        service.restart().await;
    }
    let rushed = actix_web::web::block(|| rush.wait_with_output()).await;
    let rushed = rushed.expect("the pool runs it").expect("it is our child");
    let told = String::from_utf8_lossy(&rushed.stdout);
    assert!(rushed.status.success(), "{told}");
    for line in ["sold exactly 100 of 100", "oversold 0", "acknowledged orders missing 0", "verdict: true"] {
        assert!(told.contains(line), "{told}");
    }
}
