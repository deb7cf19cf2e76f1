//! `GET /orders/{id}`.

use super::shown;
use crate::http::answer::Answer;
use crate::http::call::Call;

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let order = call.order().await?;
    Ok(shown(&order, &call.front.currency))
}
