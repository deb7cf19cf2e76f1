//! Large answers, handed over in slices.
//!
//! actix-web copies what a body gives into the connection's buffer and looks at that buffer's size only between pieces.
//! So a body that comes in one piece is copied whole for every peer that asks, whether or not it takes any of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

/// Bytes handed over at once.
const SLICE_BYTES: usize = 16 * 1024;

struct Sliced(Bytes);

impl MessageBody for Sliced {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(SLICE_BYTES);
        Poll::Ready(Some(Ok(self.0.split_to(length))))
    }
}

/// Has a large answer handed over in slices.
pub(super) fn slice(answer: HttpResponse) -> HttpResponse {
    if !matches!(answer.body().size(), BodySize::Sized(length) if length > SLICE_BYTES as u64) {
        return answer;
    }
    answer.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => BoxBody::new(Sliced(bytes)),
        Err(body) => body,
    })
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn pieces(length: usize) -> Vec<usize> {
        let mut body = slice(HttpResponse::Ok().body(vec![b'x'; length])).into_body();
        assert_eq!(body.size(), BodySize::Sized(length as u64));
        let mut lengths = Vec::new();
        while let Some(piece) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
            lengths.push(piece.expect("it is in memory").len());
        }
        lengths
    }

    #[actix_web::test]
    async fn a_large_answer_comes_in_slices_and_whole() {
        assert_eq!(pieces(SLICE_BYTES).await, [SLICE_BYTES]);
        assert_eq!(pieces(2 * SLICE_BYTES + 5).await, [SLICE_BYTES, SLICE_BYTES, 5]);
    }
}
