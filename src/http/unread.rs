//! What is left of a request body when the answer is given.
//!
//! actix-web closes a connection whose body was not read, but one that comes in chunks it goes on reading, without a
//! time limit, once nobody holds its payload. So the answer holds it.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{HeaderMap, TRANSFER_ENCODING};
use actix_web::web::{Bytes, Payload};
use futures_util::{FutureExt as _, StreamExt as _};

struct Holding {
    body: BoxBody,
    _payload: Payload,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}

/// Whether the body of a request with these headers comes in chunks.
pub(super) fn is_chunked(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
}

/// Whether all of the body is here. What is here of it, is thrown away.
pub(super) fn is_here(payload: &mut Payload) -> bool {
    loop {
        match payload.next().now_or_never() {
            Some(Some(Ok(_))) => {}
            Some(None) => return true,
            Some(Some(Err(_))) | None => return false,
        }
    }
}

/// Lets the answer hold the payload until it is sent.
pub(super) fn hold(payload: Payload, answer: HttpResponse) -> HttpResponse {
    answer.map_body(|_, body| BoxBody::new(Holding { body, _payload: payload }))
}
