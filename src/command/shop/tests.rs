//! The client against those who do not answer as the service does.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;

/// Answers each connection with the next of these bytes and then with the last, and closes it unless it is unfinished.
fn shop_of(answers: &[&str]) -> Shop {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let answers: Vec<String> = answers.iter().map(|&answer| answer.to_owned()).collect();
    let serve = move || {
        let mut kept = Vec::new();
        for (connection, place) in listener.incoming().zip(0..) {
            let mut connection = connection.expect("a connection");
            let _ = connection.read(&mut [0; 4096]);
            let answer = answers.get(place).or(answers.last()).expect("there is an answer");
            // Whoever has heard enough may have gone.
            let _ = connection.write_all(answer.as_bytes());
            if answer.contains("content-length: 99") {
                kept.push(connection);
            }
        }
    };
    std::thread::Builder::new().spawn(serve).expect("a thread");
    Shop::new(BaseUrl::parse(&url).expect("a url"), "t", 1)
}

fn answer(status: &str, head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n{body}")
}

fn code<T>(outcome: Result<T, Refusal>) -> String {
    outcome.map_or_else(|refusal| refusal.code, |_| "done".to_owned())
}

#[actix_web::test]
async fn what_is_not_the_services_answer_is_not_believed() {
    let sku = r#"{"sku_id":"other"}"#;
    let lovely = r#"{"state":"lovely","skus":[]}"#;
    let shop = |status: &str, body: &str| shop_of(&[&answer(status, "", body)]);
    let unreadable = "unreadable_answer";
    assert_eq!(code(shop("200 OK", "{}").revoke_token("a").await), unreadable);
    assert_eq!(code(shop("204 No Content", "").revoke_token("a").await), "done");
    assert_eq!(code(shop("200 OK", "{}").sku("s").await), unreadable);
    assert_eq!(code(shop("200 OK", sku).sku("s").await), unreadable);
    assert_eq!(code(shop("200 OK", sku).sku("other").await), "done");
    assert_eq!(code(shop("200 OK", sku).put_sku("s", "n", "1", 1).await), unreadable);
    assert_eq!(code(shop("200 OK", lovely).verdict(None).await), unreadable);
    assert_eq!(code(shop("200 OK", &lovely.replace("lovely", "agrees")).verdict(None).await), "done");
    assert!(!shop("200 OK", "[]").is_alive().await);
}

#[actix_web::test]
async fn an_answer_that_does_not_end_is_given_up() {
    let mut shop = shop_of(&["HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"]);
    shop.answer_max = Duration::from_millis(50);
    assert_eq!(code(shop.verdict(None).await), "timed_out");
}

#[actix_web::test]
async fn what_the_rate_limit_holds_back_is_sent_again_when_the_service_says() {
    let agrees = answer("200 OK", "", r#"{"state":"agrees","skus":[]}"#);
    let limited = |head: &str| answer("429 Too Many Requests", head, r#"{"code":"rate_limited","detail":"later"}"#);
    let shop = shop_of(&[&limited("retry-after: 0\r\n"), &limited("retry-after: 1\r\n"), &agrees]);
    assert_eq!(code(shop.verdict(None).await), "done");
    assert_eq!(shop.requests(), 3);
    for head in ["", "retry-after: 61\r\n", "retry-after: 99999999999999999999\r\n"] {
        let shop = shop_of(&[&limited(head)]);
        assert_eq!(code(shop.verdict(None).await), "rate_limited", "{head:?}");
        assert_eq!(shop.requests(), 1, "{head:?}");
    }
}

#[actix_web::test]
async fn who_answers_badly_is_told_from_nobody() {
    for status in ["500 Internal Server Error", "503 Service Unavailable", "429 Too Many Requests", "404 Not Found"] {
        let url = shop_of(&[&answer(status, "", "oops\x1b[31m")]).url.as_str().to_owned();
        let target = TargetArgs { url: Some(url.clone()), token: Some("t".to_owned()), data: "nowhere".into() };
        let Err(Failure::Work(problem)) = Shop::running(&target).await.map(|_| ()) else {
            panic!("{status} is no health")
        };
        let wanted = format!("what answers at {url} is no service in good health: http_{}", &status[..3]);
        assert!(problem.starts_with(&wanted), "{problem}");
    }
}

#[test]
fn what_a_service_says_is_told_without_what_a_terminal_would_obey() {
    let refusal = Refusal::of_answer(503, None, b"{\"code\":\"x\\u001b[2J\",\"detail\":\"a\\nb\"}");
    assert_eq!(refusal.to_string(), "x\\u{1b}[2J: a\\nb");
}
