//! The rush that anyone can watch, with the service dying half way.

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::service::{Service, wait};

/// What it sells.
const SKU: &str = "rush";

/// A rush in a process of its own, patient through outages.
pub(crate) struct Rush(Child);

impl Rush {
    /// Lets so many buyers compete for so many units of a service.
    pub(crate) fn start(service: &Service, buyers: u32, stock: u32) -> Self {
        let (buyers, stock) = (buyers.to_string(), stock.to_string());
        let rush = Command::new(env!("CARGO_BIN_EXE_floodgate"))
            .args(["rush", "--buyers", &buyers, "--stock", &stock, "--clients", "50", "--patience", "30s"])
            .args(["--sku", SKU, "--data"])
            .arg(service.data())
            .env_remove("FLOODGATE_URL")
            .env_remove("FLOODGATE_TOKEN")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(rush.expect("the binary was built for this test"))
    }

    /// Waits until so many units of a service are taken.
    pub(crate) async fn until_taken(&mut self, service: &Service, units: u32) {
        for _ in 0..1_500 {
            let stock = service.get(&format!("/skus/{SKU}/stock")).await.body;
            let taken = ["reserved", "sold"].iter().filter_map(|units| stock[units].as_i64()).sum::<i64>();
            if taken >= units.into() {
                return;
            }
            self.expect_going_on();
            wait(Duration::from_millis(20)).await;
        }
        panic!("{units} units are not taken after 30 s");
    }

    /// Something is about to be broken: that proves nothing once the sale is over.
    pub(crate) fn expect_going_on(&mut self) {
        let Some(status) = self.0.try_wait().expect("it is our child") else { return };
        let mut told = String::new();
        if let Some(mut output) = self.0.stdout.take() {
            output.read_to_string(&mut told).expect("it tells in utf-8");
        }
        panic!("the sale was over before anything was broken, with {status}: {told}");
    }

    /// Waits for the end, and for a verdict that everything is true. Gives what was told.
    pub(crate) async fn expect_true(self, stock: u32) -> String {
        let ended = actix_web::web::block(|| self.0.wait_with_output()).await;
        let Output { status, stdout, .. } = ended.expect("the pool runs it").expect("it is our child");
        let told = String::from_utf8_lossy(&stdout).into_owned();
        assert!(status.success(), "{told}");
        let sold = format!("sold exactly {stock} of {stock}");
        for line in [sold.as_str(), "oversold 0", "acknowledged orders missing 0", "verdict: true"] {
            assert!(told.contains(line), "{told}");
        }
        told
    }
}

#[actix_web::test]
async fn a_rush_is_true_though_the_service_is_killed_half_way() {
    let mut service = Service::start().await;
    let mut rush = Rush::start(&service, 10_000, 100);
    for _ in 0..2 {
        wait(Duration::from_millis(400)).await;
        service.kill_under_load();
        rush.expect_going_on();
        service.restart().await;
    }
    rush.expect_true(100).await;
}
