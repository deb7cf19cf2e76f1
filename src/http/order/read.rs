//! `GET /orders/{id}`.

use actix_web::HttpResponse;

use super::{OrderBody, tag};
use crate::http::answer::{Answer, write};
use crate::http::call::Call;

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let order = call.order().await?;
    let mut answer = HttpResponse::Ok();
    tag(&mut answer, &order);
    Ok(write(answer, &OrderBody::of(&order, &call.front.currency)))
}
