//! Every code there is, with what it means and what to do: the pages that problem documents point to.

/// What a code's page says.
pub struct ProblemPage {
    /// The status that comes with the code.
    pub status: u16,
    /// The code.
    pub code: &'static str,
    /// What has happened.
    pub meaning: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

const fn page(status: u16, code: &'static str, meaning: &'static str, advice: &'static str) -> ProblemPage {
    ProblemPage { status, code, meaning, advice }
}

/// The pages, by status.
pub static PAGES: &[ProblemPage] = &[
    page(
        400,
        "malformed_json",
        "The body is not JSON, breaks off, or names a field twice.",
        "Send one JSON object, UTF-8, each field once.",
    ),
    page(
        400,
        "malformed_request",
        "The request cannot be read: its query is garbled or names a parameter twice, or its body broke off.",
        "Correct the request; the detail says what is wrong with it.",
    ),
    page(
        401,
        "unauthenticated",
        "No token was sent, or one that is not known, not known any more, or of a kind that is not understood.",
        "Send `Authorization: Bearer <token>` with a token from `floodgate token create` or `POST /admin/tokens`.",
    ),
    page(
        403,
        "forbidden",
        "The token is good, but its role may not do this.",
        "Use a token of a role that may; the documentation page names the roles of every operation.",
    ),
    page(
        404,
        "order_not_found",
        "There is no order with this id, or it is not the caller's to see, or it was deleted.",
        "Check the id, and with whose token you ask.",
    ),
    page(404, "sku_not_found", "There is no SKU with this id.", "Check the id, or make the SKU with `PUT /skus/{id}`."),
    page(
        404,
        "payment_not_found",
        "No payment with this id was ever told of.",
        "Check the id; `GET /admin/refunds` lists what is owed back.",
    ),
    page(
        404,
        "token_not_found",
        "There is no token with this id; it may have been revoked before.",
        "Look at `GET /admin/tokens` for the ids there are.",
    ),
    page(
        404,
        "actor_not_found",
        "No actor of this kind and key lives on this node now. Stock actors leave when nobody asks for their SKU.",
        "Look at `GET /admin/actors` for those that live.",
    ),
    page(
        404,
        "route_not_found",
        "There is nothing at this path.",
        "Check the path; the documentation page lists all there are.",
    ),
    page(
        405,
        "method_not_allowed",
        "There is something at this path, but not for this method.",
        "Use one of the methods that the `Allow` header names.",
    ),
    page(
        408,
        "request_timeout",
        "The body did not arrive whole in time. Nothing was done.",
        "Send it again, without pauses.",
    ),
    page(
        409,
        "sku_not_on_sale",
        "The SKU is in the catalogue, but is not sold now.",
        "Leave it out of the order, or wait until it is on sale.",
    ),
    page(
        409,
        "price_changed",
        "The price is another than the one that the order expects. Nothing was ordered.",
        "Show the buyer the price in `unit_price`, and order again with it or without an expectation.",
    ),
    page(
        409,
        "sold_out",
        "Fewer units are available than wanted. Nothing was ordered, not the other lines either.",
        "Order fewer, or try later: units come back when orders are cancelled or not paid in time.",
    ),
    page(
        409,
        "purchase_limit_reached",
        "One user may hold only so many units of this SKU in orders that are not cancelled.",
        "Order no more than `limit` less `held`.",
    ),
    page(
        409,
        "illegal_transition",
        "The order's status does not allow this change.",
        "Read the order; `order_status` says where it stands.",
    ),
    page(
        409,
        "insufficient_stock",
        "A stock change would take more units than are available; reserved and sold ones cannot be taken.",
        "Take no more than `available`.",
    ),
    page(
        409,
        "request_in_progress",
        "Another request with the same idempotency key is still being worked on.",
        "Wait a moment and send the same request again: it gets the first one's answer.",
    ),
    page(
        409,
        "no_refund_due",
        "Nothing of this payment is or was owed back.",
        "Check the payment's id; `GET /admin/refunds` lists what is owed back.",
    ),
    page(
        409,
        "last_admin_token",
        "This is the only admin token. Without one nobody could give out another, so it stays.",
        "Give out another admin token first, then revoke this one with it.",
    ),
    page(
        412,
        "version_mismatch",
        "The order is no longer at the version that `If-Match` names. Nothing was changed.",
        "Read the order, look at what has changed, and try again with its new `ETag`.",
    ),
    page(
        413,
        "body_too_large",
        "The body is larger than any request needs. It was not read.",
        "Send less; a body has at most 16 KiB.",
    ),
    page(
        415,
        "unsupported_media_type",
        "The body is not said to be JSON, or is compressed.",
        "Send it plain, with `Content-Type: application/json`.",
    ),
    page(
        422,
        "invalid_field",
        "A field, parameter or header has a value that it may not have; `field` names it.",
        "Correct the value; the detail says what it must be.",
    ),
    page(
        422,
        "unknown_field",
        "The body or the query has a field that is not known here; `field` names it.",
        "Leave it out, or correct its name. Prices come from the catalogue, never from the client.",
    ),
    page(
        422,
        "field_not_allowed",
        "The field is known, but this request must not have it; `field` names it.",
        "Leave it out. A customer's user is told by its token.",
    ),
    page(422, "too_many_lines", "The order has more lines than one order may have.", "Split it into several orders."),
    page(
        422,
        "idempotency_key_reused",
        "The idempotency key was used before, with another body.",
        "Use a new key for every new request, and the same key only to repeat the same one.",
    ),
    page(
        422,
        "payment_id_reused",
        "The payment was told of before, for another order or another sum.",
        "Check which payment is meant. What was recorded first stays.",
    ),
    page(
        428,
        "precondition_required",
        "The change needs an `If-Match` header, so that nobody overwrites what he has not seen.",
        "Read the order and send its `ETag` as `If-Match`.",
    ),
    page(
        429,
        "rate_limited",
        "This caller sends more requests than the shop allows. Nothing was done.",
        "Wait as long as `Retry-After` says.",
    ),
    page(
        503,
        "busy",
        "As much is going on as the service can do in time. Nothing was done.",
        "Wait as long as `Retry-After` says and send the same request again, with the same key.",
    ),
    page(
        503,
        "unavailable",
        "The service cannot do this now, most often because its store cannot be reached or written. Nothing was done.",
        "Wait as long as `Retry-After` says and try again; `GET /health/ready` tells when it is well.",
    ),
    page(
        503,
        "outcome_unknown",
        "The connection to the store broke at the worst moment: the work may or may not be done.",
        "Send the same request again with the same key: it tells the outcome, and does the work at most once.",
    ),
];

/// The page of a code.
pub(in crate::http) fn page_of(code: &str) -> Option<&'static ProblemPage> {
    PAGES.iter().find(|page| page.code == code)
}

impl ProblemPage {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let Self { status, code, meaning, advice } = self;
        let (title, meaning, advice) = (code.replace('_', " "), marked_up(meaning), marked_up(advice));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <link rel=\"stylesheet\" href=\"/docs/page.css\">\n\
             <h1>{title}</h1>\n<p>Status <strong>{status}</strong>, code <code>{code}</code>.</p>\n\
             <h2>What has happened</h2>\n<p>{meaning}</p>\n<h2>What to do</h2>\n<p>{advice}</p>\n\
             <p><a href=\"/docs\">All operations</a></p>\n"
        )
    }
}

/// Text as HTML, with what stands between backticks as code.
fn marked_up(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let parts = escaped.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_has_one_page_that_says_something() {
        for (index, page) in PAGES.iter().enumerate() {
            assert!(PAGES[..index].iter().all(|earlier| earlier.code != page.code), "{}", page.code);
            assert!(page.meaning.ends_with('.') && page.advice.ends_with('.'), "{}", page.code);
            let backticks = page.meaning.matches('`').count() + page.advice.matches('`').count();
            assert_eq!(backticks % 2, 0, "{}", page.code);
        }
    }

    /// The codes that a `fn code` of this source may answer.
    fn codes_of(source: &str) -> BTreeSet<&str> {
        let (_, rest) = source.split_once("fn code(&self)").expect("a refusal has a code");
        let (body, _) = rest.split_once("\n    }\n").expect("a function ends");
        body.split('"').skip(1).step_by(2).collect()
    }

    #[test]
    fn every_code_has_a_page() {
        let mut codes = codes_of(include_str!("../problem.rs"));
        codes.extend(codes_of(include_str!("../../../actors/src/domain/rejection.rs")));
        codes.retain(|code| page_of(code).is_none());
        assert_eq!(codes, BTreeSet::new());
    }

    #[test]
    fn what_looks_like_markup_is_shown_as_it_is() {
        assert_eq!(marked_up("a `B <c>` & d"), "a <code>B &lt;c&gt;</code> &amp; d");
    }
}
