//! `GET /health/ready`: orders can be taken. Without the store they cannot.

use actix_web::HttpResponse;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use serde::Serialize;

use crate::http::Front;
use crate::http::answer::{Answer, ok, write};
use crate::http::problem::RETRY_AFTER_S;

#[derive(Serialize)]
struct Ready {
    ready: bool,
    degraded: Vec<&'static str>,
}

#[derive(Serialize)]
struct NotReady {
    ready: bool,
    reasons: Vec<String>,
}

pub(in crate::http) async fn handle(front: Data<Front>) -> Answer {
    let Err(reason) = front.readiness.check().await else {
        return Ok(ok(&Ready { ready: true, degraded: front.node.degraded() }));
    };
    let mut answer = HttpResponse::ServiceUnavailable();
    answer.insert_header((RETRY_AFTER, RETRY_AFTER_S));
    Ok(write(answer, &NotReady { ready: false, reasons: vec![reason] }))
}
