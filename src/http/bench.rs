//! `POST /bench/echo`: what this server does when all it does is read JSON and write it back.
//!
//! It stands beside the route table, not in it: no name, no token, no deadline, no access line. `floodgate bench` measures
//! orders against it, and only a build with feature `bench` has it.

use actix_web::web::{Json, ServiceConfig, post};
use serde_json::Value;

/// Puts the echo beside the table.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.route("/bench/echo", post().to(echo));
}

async fn echo(body: Json<Value>) -> Json<Value> {
    body
}
