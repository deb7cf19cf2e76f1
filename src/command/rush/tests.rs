//! Whole rushes over HTTP against the fake shop: the verdict must be true where the shop is sound, and only there.

use clap::Parser as _;

use super::fake::{Fault, RunningFake, TOKEN};
use super::*;
use crate::command::cli::{Cli, Command};

fn args(options: &str) -> RushArgs {
    let line = format!("floodgate rush {options}");
    let cli = Cli::try_parse_from(line.split_whitespace()).expect("a sound command line");
    match cli.command {
        Some(Command::Rush(args)) => args,
        other => panic!("{line} was read as {other:?}"),
    }
}

async fn rush_of(fault: Fault, options: &str) -> Held {
    let fake = RunningFake::start(fault);
    let held = rush(&args(options), &fake.url, TOKEN, Arc::new(SystemClock::start())).await;
    fake.stop().await;
    held.expect("the fake answers")
}

#[actix_web::test]
async fn a_sound_shop_has_a_true_verdict() {
    let table = [
        ("--buyers 200 --stock 20 --clients 16", "sold exactly 20 of 20"),
        ("--buyers 30 --stock 100 --clients 4", "sold exactly 30 of 30"),
        ("--buyers 50 --stock 20 --clients 8 --quantity 3", "sold exactly 18 of 18"),
        ("--buyers 10 --stock 20 --clients 8 --quantity 30", "sold exactly 0 of 0"),
        ("--buyers 20 --stock 5 --clients 1 --sku mine", "sold exactly 5 of 5"),
    ];
    for (options, sold) in table {
        let Held { report, verdict } = rush_of(Fault::None, options).await;
        assert!(verdict == Verdict::True && report.contains(sold), "{options}\n{report}");
        for promise in ["oversold 0\n", "acknowledged orders missing 0\n", "verdict: true\n"] {
            assert!(report.contains(promise), "{options}\n{report}");
        }
    }
}

#[actix_web::test]
async fn a_shop_that_breaks_a_promise_has_a_false_verdict() {
    let table = [
        (Fault::Oversells, "oversold 3\n"),
        (Fault::OversellsAndHidesIt, "oversold 3\n"),
        (Fault::OversellsAndHidesIt, "differs: the service counts 10 units sold, 13 were paid\n"),
        (Fault::LosesAnOrder, "acknowledged orders missing 1\n"),
        (Fault::LosesAnOrder, "differs: 1 acknowledged order is missing (order-0)\n"),
        (Fault::KeepsOneBack, "differs: 1 unit left over: 51 buyers were refused all the same (sold_out)\n"),
        (Fault::GoesDown, "differs: 7 units left over: 57 buyers gave up (unavailable)\n"),
        (Fault::SkipsAnEvent, "differs: 10 orders have events that are not whole ("),
        (Fault::Says("differs"), "differs: the service's own verdict is differs\n"),
    ];
    for (fault, told) in table {
        let Held { report, verdict } = rush_of(fault, "--buyers 60 --stock 10 --clients 8").await;
        assert!(verdict == Verdict::False && report.contains(told), "{fault:?}\n{report}");
        assert!(report.ends_with("verdict: false\n"), "{fault:?}\n{report}");
    }
}

#[actix_web::test]
async fn where_somebody_else_had_a_hand_in_the_sale_there_is_no_verdict() {
    let table = [
        (Fault::Restocked, "differs: oversold by 5", "its stock was changed"),
        (Fault::TakenOffSale, "differs: 7 units left over: 57 buyers were refused", "it was put again"),
        (Fault::BoughtByOthers, "differs: 2 units left over", "it was ordered by others"),
    ];
    for (fault, told, deed) in table {
        let options = "--buyers 60 --stock 10 --clients 8 --sku mine";
        let Held { report, verdict } = rush_of(fault, options).await;
        assert!(verdict == Verdict::None && report.contains(told), "{fault:?}\n{report}");
        let end = format!("verdict: none, somebody else meddled with mine meanwhile: {deed}\n");
        assert!(report.ends_with(&end), "{fault:?}\n{report}");
    }
}

#[actix_web::test]
async fn patience_outlasts_connections_that_break_before_and_after_the_work() {
    let options = "--buyers 60 --stock 10 --clients 8 --patience 30s";
    let Held { report, verdict } = rush_of(Fault::BreaksConnections, options).await;
    assert!(verdict == Verdict::True && report.contains("sold exactly 10 of 10\n"), "{report}");
    assert!(report.contains("tried again: connection_failed"), "{report}");
}

#[actix_web::test]
async fn without_patience_a_broken_connection_is_asked_about_once_more_at_the_end() {
    let Held { report, verdict } = rush_of(Fault::BreaksPlacements, "--buyers 60 --stock 10 --clients 1").await;
    // Every second placement of the sixty breaks, and every second one of the thirty questions after it. Those three
    // buyers whose order was made all the same are among the others.
    assert!(report.contains("sold exactly 10 of 10\n"), "{report}");
    assert!(verdict == Verdict::True && report.contains("orders of unknown outcome 15\n"), "{report}");
    assert!(report.contains("buyers who gave up ") && !report.contains("tried again"), "{report}");
}

#[actix_web::test]
async fn a_sku_that_exists_is_left_alone() {
    let fake = RunningFake::start(Fault::None);
    let args = args("--buyers 5 --stock 5 --clients 1 --sku mine");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    assert!(rush(&args, &fake.url, TOKEN, clock.clone()).await.is_ok_and(|held| held.verdict == Verdict::True));
    assert!(matches!(rush(&args, &fake.url, TOKEN, clock).await, Err(Failure::Usage(_))));
    fake.stop().await;
}

#[actix_web::test]
async fn a_wrong_token_is_wrong_use() {
    let fake = RunningFake::start(Fault::None);
    let verdict = rush(&args("--buyers 5"), &fake.url, "wrong", Arc::new(SystemClock::start())).await;
    assert!(matches!(verdict, Err(Failure::Usage(_))), "{verdict:?}");
    fake.stop().await;
}

#[actix_web::test]
async fn a_service_that_does_not_answer_is_failed_work() {
    let fake = RunningFake::start(Fault::None);
    let url = fake.url.clone();
    fake.stop().await;
    let verdict = rush(&args("--buyers 5"), &url, TOKEN, Arc::new(SystemClock::start())).await;
    assert!(matches!(verdict, Err(Failure::Work(_))), "{verdict:?}");
}

#[actix_web::test]
async fn a_service_elsewhere_is_rushed_only_when_that_is_said() {
    // An address that is kept for documentation: nothing answers there, and nothing is asked.
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let elsewhere = "--url http://192.0.2.1:8080 --token t";
    let refused = Service::find_or_start(&args(elsewhere), &clock).await.map(|_| ());
    assert!(matches!(refused, Err(Failure::Usage(_))), "{refused:?}");
    let meant = Service::find_or_start(&args(&format!("{elsewhere} --anywhere")), &clock).await.map(|_| ());
    assert_eq!(meant, Ok(()));
}
