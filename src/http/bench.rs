//! `POST /bench/echo`: what this server does when all it does is read JSON and write it back.
//!
//! It stands beside the route table, not in it: no name, no token, no deadline, no access line. `floodgate bench` measures
//! orders against it, and only a build with feature `bench` has it.

use std::rc::Rc;

use actix_web::HttpRequest;
use actix_web::web::{Json, ServiceConfig, post};
use serde_json::Value;

use super::connection::Peer;

/// Puts the echo beside the table.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.route("/bench/echo", post().to(echo));
}

async fn echo(request: HttpRequest, body: Json<Value>) -> Json<Value> {
    // A connection that never has a request in hand is given up as one whose peer does not end a head.
    let _in_hand = request.conn_data::<Rc<Peer>>().map(|peer| peer.take_in_hand(request.headers()));
    body
}
