//! How a no is written: the one place that knows status, code and members of every refusal.

pub(super) mod pages;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actors::domain::id::SkuId;
use actors::domain::limits::{BODY_BYTES_MAX, BODY_DEADLINE};
use actors::domain::money::Currency;
use actors::domain::rejection::Rejection;
use actors::ports::{CommitError, StoreError};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

/// Seconds after which a request that met a 503 is worth another try.
pub(super) const RETRY_AFTER_S: u64 = 1;

/// A reason to say no: the core's, or one that the front door has itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// No token.
    #[error("a bearer token is needed, as in `Authorization: Bearer <token>`")]
    Unauthenticated,
    /// A token that speaks for nobody.
    #[error("this token is not known; it may have been revoked, or belong to another service")]
    TokenNotKnown,
    /// The token's role may not do this.
    #[error("a token of the role {0} may not do this")]
    Forbidden(&'static str),
    /// The caller sends more than it may.
    #[error("this caller has sent as many requests as it may for now; try again in {0} s")]
    RateLimited(u64),
    /// There is nothing at this path.
    #[error("there is nothing at this path")]
    RouteNotFound,
    /// There is something at this path, but not for this method.
    #[error("only {0} may be used here")]
    MethodNotAllowed(String),
    /// The body did not arrive in time.
    #[error("the body did not arrive whole within {} s", BODY_DEADLINE.as_secs())]
    RequestTimeout,
    /// The body is larger than any that is understood.
    #[error("a body has at most {BODY_BYTES_MAX} bytes")]
    BodyTooLarge,
    /// The body is not said to be JSON.
    #[error("a body must be sent as `Content-Type: application/json`, not encoded")]
    UnsupportedMediaType,
    /// The body is not JSON, or names a field twice.
    #[error("{0}")]
    MalformedJson(String),
    /// The request is not one, in another way.
    #[error("{0}")]
    MalformedRequest(String),
    /// A field or query parameter that is not known here.
    #[error("{field} is not known here")]
    UnknownField {
        /// The path of the field.
        field: String,
    },
    /// A field that this caller may not send.
    #[error("{field} {problem}")]
    FieldNotAllowed {
        /// The path of the field.
        field: &'static str,
        /// Why not, to be read after the path.
        problem: &'static str,
    },
    /// The path names an order by what cannot be an order's id.
    #[error("there is no order {0}")]
    UnknownOrder(String),
    /// The path names a SKU by what cannot be a SKU's id.
    #[error("there is no sku {0}")]
    UnknownSku(String),
    /// There is no token with this id.
    #[error("there is no token {0}")]
    UnknownToken(String),
    /// Without this token nobody could give out another.
    #[error("this is the only admin token; make another first, for without one nobody can")]
    LastAdminToken,
    /// No such actor is live.
    #[error("no actor {key} of kind {kind} is live")]
    UnknownActor {
        /// The kind asked for.
        kind: String,
        /// The key asked for.
        key: String,
    },
    /// The path names a payment by what cannot be a payment's id.
    #[error("there is no payment {0}")]
    UnknownPayment(String),
    /// A change that is made up from what was read does not say which version that was.
    #[error("an amendment needs the version it was made from, as in `If-Match: \"1\"`: the order's ETag")]
    PreconditionRequired,
    /// The core says no.
    #[error("{0}")]
    Core(#[from] Rejection),
}

impl Refusal {
    /// Refuses a field's value.
    pub(super) fn invalid(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Core(Rejection::invalid(field, problem))
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::MalformedJson(_) | Self::MalformedRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated | Self::TokenNotKnown => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::RouteNotFound
            | Self::UnknownOrder(_)
            | Self::UnknownSku(_)
            | Self::UnknownToken(_)
            | Self::UnknownActor { .. }
            | Self::UnknownPayment(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::LastAdminToken => StatusCode::CONFLICT,
            Self::UnknownField { .. } | Self::FieldNotAllowed { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Core(rejection) => status_of(rejection),
        }
    }

    /// The stable code that clients act on.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated | Self::TokenNotKnown => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::RateLimited(_) => "rate_limited",
            Self::RouteNotFound => "route_not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::MalformedJson(_) => "malformed_json",
            Self::MalformedRequest(_) => "malformed_request",
            Self::UnknownField { .. } => "unknown_field",
            Self::FieldNotAllowed { .. } => "field_not_allowed",
            Self::UnknownOrder(_) => "order_not_found",
            Self::UnknownSku(_) => "sku_not_found",
            Self::UnknownToken(_) => "token_not_found",
            Self::LastAdminToken => "last_admin_token",
            Self::UnknownActor { .. } => "actor_not_found",
            Self::UnknownPayment(_) => "payment_not_found",
            Self::PreconditionRequired => "precondition_required",
            Self::Core(rejection) => rejection.code(),
        }
    }

    /// What a client may want to read by name, beside the sentence.
    fn members(&self, currency: &Currency) -> Vec<(&'static str, Value)> {
        match self {
            Self::UnknownField { field } => vec![("field", field.as_str().into())],
            Self::FieldNotAllowed { field, .. } => vec![("field", (*field).into())],
            Self::UnknownOrder(order_id) => vec![("order_id", order_id.as_str().into())],
            Self::UnknownSku(sku_id) => vec![("sku_id", sku_id.as_str().into())],
            Self::UnknownToken(token_id) => vec![("token_id", token_id.as_str().into())],
            Self::UnknownPayment(payment_id) => vec![("payment_id", payment_id.as_str().into())],
            Self::Core(rejection) => members_of(rejection, currency),
            _ => Vec::new(),
        }
    }

    /// The answer.
    pub(super) fn answer(&self, request_id: &str, currency: &Currency) -> HttpResponse {
        let document = Document {
            status: self.status(),
            code: self.code(),
            detail: self.to_string(),
            members: self.members(currency),
            request_id,
        };
        let mut answer = HttpResponse::build(self.status());
        answer.insert_header((CONTENT_TYPE, "application/problem+json"));
        match self {
            Self::Unauthenticated | Self::TokenNotKnown => {
                answer.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            Self::MethodNotAllowed(allowed) => {
                answer.insert_header((ALLOW, allowed.as_str()));
            }
            Self::RateLimited(wait_s) => {
                answer.insert_header((RETRY_AFTER, *wait_s));
            }
            // What is left of the body is not worth waiting for.
            Self::RequestTimeout | Self::BodyTooLarge => {
                answer.force_close();
            }
            _ => {}
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((RETRY_AFTER, RETRY_AFTER_S));
        }
        // A map of strings and numbers cannot fail to be written.
        answer.body(serde_json::to_vec(&document).unwrap_or_default())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Core(error.into())
    }
}

impl From<CommitError> for Refusal {
    fn from(error: CommitError) -> Self {
        Self::Core(match error {
            CommitError::NotDone(reason) => Rejection::Unavailable(reason),
            CommitError::Unknown(_) => Rejection::OutcomeUnknown,
        })
    }
}

const fn status_of(rejection: &Rejection) -> StatusCode {
    match rejection {
        Rejection::InvalidField { .. }
        | Rejection::TooManyLines { .. }
        | Rejection::IdempotencyKeyReused
        | Rejection::PaymentIdReused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Rejection::OrderNotFound(_) | Rejection::PaymentNotFound(_) | Rejection::SkuNotFound(_) => {
            StatusCode::NOT_FOUND
        }
        Rejection::RequestInProgress
        | Rejection::SkuNotOnSale(_)
        | Rejection::PriceChanged { .. }
        | Rejection::SoldOut { .. }
        | Rejection::InsufficientStock { .. }
        | Rejection::PurchaseLimitReached { .. }
        | Rejection::IllegalTransition { .. }
        | Rejection::NoRefundDue(_) => StatusCode::CONFLICT,
        Rejection::VersionMismatch { .. } => StatusCode::PRECONDITION_FAILED,
        Rejection::Busy | Rejection::Unavailable(_) | Rejection::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn members_of(rejection: &Rejection, currency: &Currency) -> Vec<(&'static str, Value)> {
    match rejection {
        Rejection::InvalidField { field, .. } => vec![("field", field.as_str().into())],
        Rejection::TooManyLines { given, max } => vec![("given", (*given).into()), ("max", (*max).into())],
        Rejection::PaymentIdReused { payment_id } => vec![("payment_id", payment_id.as_str().into())],
        Rejection::OrderNotFound(order_id) => vec![("order_id", order_id.to_string().into())],
        Rejection::PaymentNotFound(payment_id) | Rejection::NoRefundDue(payment_id) => {
            vec![("payment_id", payment_id.as_str().into())]
        }
        Rejection::SkuNotFound(sku_id) | Rejection::SkuNotOnSale(sku_id) => vec![("sku_id", sku_id.as_str().into())],
        Rejection::PriceChanged { sku_id, unit_price } => {
            vec![("sku_id", sku_id.as_str().into()), ("unit_price", currency.format(*unit_price).into())]
        }
        Rejection::SoldOut { sku_id, available, wanted } => short_of(sku_id, *available, u64::from(*wanted)),
        Rejection::InsufficientStock { sku_id, available, wanted } => short_of(sku_id, *available, *wanted),
        Rejection::PurchaseLimitReached { sku_id, limit, held } => {
            vec![("sku_id", sku_id.as_str().into()), ("limit", (*limit).into()), ("held", (*held).into())]
        }
        Rejection::VersionMismatch { version } => vec![("version", (*version).into())],
        // `status` is the answer's own.
        Rejection::IllegalTransition { status, .. } => vec![("order_status", status.name().into())],
        Rejection::IdempotencyKeyReused
        | Rejection::RequestInProgress
        | Rejection::Busy
        | Rejection::Unavailable(_)
        | Rejection::OutcomeUnknown => Vec::new(),
    }
}

fn short_of(sku_id: &SkuId, available: i64, wanted: u64) -> Vec<(&'static str, Value)> {
    vec![("sku_id", sku_id.as_str().into()), ("available", available.into()), ("wanted", wanted.into())]
}

/// A problem document, its own members between what every one has.
struct Document<'a> {
    status: StatusCode,
    code: &'static str,
    detail: String,
    members: Vec<(&'static str, Value)>,
    request_id: &'a str,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("/problems/{}", self.code))?;
        map.serialize_entry("title", &self.code.replace('_', " "))?;
        map.serialize_entry("status", &self.status.as_u16())?;
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("detail", &self.detail)?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("request_id", self.request_id)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn a_refusal_is_a_problem_document_with_its_own_members() {
        let rejection =
            Rejection::SoldOut { sku_id: "sneaker-42".parse().expect("a valid id"), available: 1, wanted: 2 };
        let answer = Refusal::from(rejection).answer("r-1", &Currency::default());
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        assert_eq!(
            answer.headers().get(CONTENT_TYPE).map(|value| value.as_bytes()),
            Some(&b"application/problem+json"[..])
        );
        let body = to_bytes(answer.into_body()).await.expect("a body in memory");
        let expected = concat!(
            r#"{"type":"/problems/sold_out","title":"sold out","status":409,"code":"sold_out","#,
            r#""detail":"sneaker-42 has 1 unit left, 2 wanted","sku_id":"sneaker-42","available":1,"wanted":2,"#,
            r#""request_id":"r-1"}"#
        );
        assert_eq!(body, expected);
    }

    #[test]
    fn every_503_says_when_to_try_again() {
        for rejection in [Rejection::Busy, Rejection::Unavailable("x".to_owned()), Rejection::OutcomeUnknown] {
            let answer = Refusal::from(rejection).answer("r-1", &Currency::default());
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.headers().contains_key(RETRY_AFTER));
        }
    }
}
