//! `POST /admin/tokens`: gives out a token, and shows it this once.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::header::{CacheControl, CacheDirective};
use actors::domain::id::UserId;
use actors::domain::limits::LABEL_LENGTH_MAX;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};

use super::TokenBody;
use crate::access::{Caller, Role};
use crate::http::answer::{Answer, write};
use crate::http::call::Call;
use crate::http::problem::Refusal;
use crate::http::schema::{like, maybe};
use crate::http::wire::{Parsed, Text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    role: Parsed<Role>,
    #[serde(default)]
    user_id: Option<Parsed<UserId>>,
    #[serde(default)]
    label: Option<Text<0, LABEL_LENGTH_MAX>>,
}

/// Whether there is a user depends on the role, which no attribute of a field can say.
impl utoipa::PartialSchema for Wanted {
    fn schema() -> RefOr<Schema> {
        let roles = |roles: &[Role]| {
            let names: Vec<&str> = roles.iter().copied().map(Role::name).collect();
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names))
        };
        let token = |role: ObjectBuilder| {
            ObjectBuilder::new()
                .property("role", role)
                .required("role")
                .property("label", maybe::<Text<0, LABEL_LENGTH_MAX>>())
                .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        let of_customer = token(roles(&[Role::Customer])).property("user_id", like::<UserId>()).required("user_id");
        let nobody = ObjectBuilder::new().schema_type(Type::Null);
        let of_shop = token(roles(&[Role::Service, Role::Admin])).property("user_id", nobody);
        OneOfBuilder::new().item(of_customer).item(of_shop).into()
    }
}

impl ToSchema for Wanted {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("NewToken")
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = CreatedToken)]
struct Body<'a> {
    token: &'a str,
    #[serde(flatten)]
    record: TokenBody<'a>,
}

/// Gives out a token, and shows it this once.
#[utoipa::path(
    post,
    path = "/admin/tokens",
    tag = "admin",
    operation_id = "create_token",
    request_body = Wanted,
    responses(
        (status = 201, description = "The token, never to be shown again.", body = Body),
        (status = 422, description = "field_not_allowed")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { role: Parsed(role), user_id, label } = call.json()?;
    let caller = caller_of(role, user_id.map(|Parsed(user_id)| user_id))?;
    let issued = call.front.gate.issue(caller, label.map(|Text(label)| label)).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header(CacheControl(vec![CacheDirective::NoStore]));
    Ok(write(answer, &Body { token: &issued.token, record: TokenBody::of(&issued.record) }))
}

/// A customer's token speaks for one user; the others speak for none.
fn caller_of(role: Role, user_id: Option<UserId>) -> Result<Caller, Refusal> {
    if role != Role::Customer && user_id.is_some() {
        return Err(Refusal::FieldNotAllowed { field: "user_id", problem: "belongs to a customer's token only" });
    }
    if user_id.as_ref().is_some_and(Caller::is_reserved) {
        return Err(Refusal::invalid(
            "user_id",
            "must not be admin, service or floodgate, which events have as authors",
        ));
    }
    Caller::of(role, user_id).ok_or_else(|| Refusal::invalid("user_id", "is required of a customer's token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_token_names_its_user_and_no_other_does() {
        let user = || "u-1".parse::<UserId>().expect("a valid id");
        let table = [
            (Role::Customer, Some(user()), Ok(Caller::Customer(user()))),
            (Role::Customer, Some("admin".parse().expect("a valid id")), Err("invalid_field")),
            (Role::Customer, None, Err("invalid_field")),
            (Role::Service, None, Ok(Caller::Service)),
            (Role::Service, Some(user()), Err("field_not_allowed")),
            (Role::Admin, None, Ok(Caller::Admin)),
            (Role::Admin, Some(user()), Err("field_not_allowed")),
        ];
        for (role, user_id, expected) in table {
            assert_eq!(caller_of(role, user_id).map_err(|refusal| refusal.code()), expected, "{role:?}");
        }
    }
}
