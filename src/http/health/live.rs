//! `GET /health/live`: the process answers.

use actix_web::web::Data;
use serde::Serialize;

use crate::http::Front;
use crate::http::answer::{Answer, ok};

#[derive(Serialize)]
struct Live {
    live: bool,
}

pub(in crate::http) async fn handle(_: Data<Front>) -> Answer {
    Ok(ok(&Live { live: true }))
}
