//! The route table: every method and path there is, who may, and which handler answers.

use actix_web::guard::{Guard, GuardContext};
use actix_web::http::Method;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use utoipa::OpenApi;

use super::answer::Answer;
use super::body::BodyRule;
use super::call::{Call, Visit};
use super::serve::{Target, serve};
use super::{Front, admin, docs, health, metrics, order, sku};
use crate::access::Role;

/// One row of the table.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The query parameters it knows.
    pub(super) query: &'static [&'static str],
    pub(super) body: BodyRule,
    pub(super) handler: Handler,
}

/// Who may, and what answers.
pub(super) enum Handler {
    /// Anyone, without a token.
    Open(fn(Visit) -> LocalBoxFuture<'static, Answer>),
    /// Callers of these roles.
    Only(&'static [Role], fn(Call) -> LocalBoxFuture<'static, Answer>),
}

const EVERY: &[Role] = &Role::ALL;
const SHOP: &[Role] = &[Role::Service, Role::Admin];
const ADMIN: &[Role] = &[Role::Admin];

macro_rules! routes {
    ($($method:ident $path:literal $query:expr, $body:ident, $who:ident => $($handler:ident)::+;)*) => {
        /// The table.
        pub(super) static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            query: &$query,
            body: BodyRule::$body,
            handler: routes!(@handler $who $($handler)::+),
        }),*];

        /// What the handlers say of themselves.
        #[derive(OpenApi)]
        #[openapi(paths($($($handler)::+),*))]
        pub(super) struct Described;
    };
    (@handler OPEN $handler:path) => { Handler::Open(|visit| $handler(visit).boxed_local()) };
    (@handler $who:ident $handler:path) => { Handler::Only($who, |call| $handler(call).boxed_local()) };
}

routes! {
    POST   "/orders"                  [], Required, EVERY => order::place::handle;
    GET    "/orders"                  ["user_id", "status", "sku_id", "limit", "cursor"], None, EVERY => order::list::handle;
    GET    "/orders/{id}"             [], None,     EVERY => order::read::handle;
    PATCH  "/orders/{id}"             [], Required, EVERY => order::amend::handle;
    DELETE "/orders/{id}"             [], None,     EVERY => order::delete::handle;
    POST   "/orders/{id}/pay"         [], Required, SHOP  => order::pay::handle;
    POST   "/orders/{id}/ship"        [], Optional, SHOP  => order::ship::handle;
    POST   "/orders/{id}/receive"     [], Optional, EVERY => order::receive::handle;
    POST   "/orders/{id}/cancel"      [], Optional, EVERY => order::cancel::handle;
    GET    "/orders/{id}/events"      [], None,     EVERY => order::events::handle;
    GET    "/skus"                    ["limit", "cursor"], None, EVERY => sku::list::handle;
    PUT    "/skus/{id}"               [], Required, SHOP  => sku::put::handle;
    GET    "/skus/{id}"               [], None,     EVERY => sku::read::handle;
    GET    "/skus/{id}/stock"         [], None,     EVERY => sku::stock::handle;
    POST   "/skus/{id}/stock"         [], Required, SHOP  => sku::change_stock::handle;
    GET    "/skus/{id}/stock/flow"    ["limit", "cursor"], None, EVERY => sku::flow::handle;
    GET    "/admin/verdict"           ["sku_id"], None, ADMIN => admin::verdict::handle;
    GET    "/admin/actors"            ["kind", "limit", "cursor"], None, ADMIN => admin::actors::handle;
    GET    "/admin/actors/{kind}/{key}" [], None,   ADMIN => admin::actor::handle;
    POST   "/admin/warm-up"           [], Required, ADMIN => admin::warm_up::handle;
    GET    "/admin/orders/{id}"       [], None,     ADMIN => admin::order::handle;
    GET    "/admin/refunds"           ["status", "limit", "cursor"], None, ADMIN => admin::refund::list::handle;
    POST   "/admin/refunds/{id}/done" [], Optional, ADMIN => admin::refund::settle::handle;
    POST   "/admin/tokens"            [], Required, ADMIN => admin::token::create::handle;
    GET    "/admin/tokens"            ["limit", "cursor"], None, ADMIN => admin::token::list::handle;
    DELETE "/admin/tokens/{id}"       [], None,     ADMIN => admin::token::revoke::handle;
    GET    "/metrics"                 [], None,     ADMIN => metrics::read::handle;
    GET    "/health/live"             [], None,     OPEN  => health::live::handle;
    GET    "/health/ready"            [], None,     OPEN  => health::ready::handle;
    GET    "/openapi.json"            [], None,     OPEN  => docs::document::handle;
    GET    "/docs"                    [], None,     OPEN  => docs::page::handle;
    GET    "/docs/{file}"             [], None,     OPEN  => docs::file::handle;
    GET    "/problems/{code}"         [], None,     OPEN  => docs::problem::handle;
}

/// What there is and who may: a row of the table, for those who check the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRow {
    /// The method.
    pub method: &'static str,
    /// The path, with names in braces where it varies.
    pub path: &'static str,
    /// The roles that may; none: anyone may, without a token.
    pub roles: Option<&'static [Role]>,
}

/// Every row of the table.
pub fn routes() -> impl Iterator<Item = RouteRow> {
    ROUTES.iter().map(|route| RouteRow {
        method: route.method.as_str(),
        path: route.path,
        roles: match route.handler {
            Handler::Open(_) => None,
            Handler::Only(roles, _) => Some(roles),
        },
    })
}

/// Puts the table before `front`.
pub fn configure(config: &mut ServiceConfig, front: Data<Front>) {
    config.app_data(front);
    for (index, route) in ROUTES.iter().enumerate() {
        if ROUTES[..index].iter().any(|earlier| earlier.path == route.path) {
            continue;
        }
        let path = route.path;
        let mut resource = web::resource(path);
        for route in ROUTES.iter().filter(|route| route.path == path) {
            let is_meant = Methods(route);
            resource = resource.route(web::route().guard(is_meant).to(to(Target::Route(route))));
        }
        config.service(resource.default_service(web::to(to(Target::OtherMethods(path)))));
    }
    #[cfg(feature = "bench")]
    super::bench::configure(config);
    config.default_service(web::to(to(Target::Nothing)));
}

/// Lets the methods of a row pass. HEAD is answered as GET is; the server leaves out the body.
struct Methods(&'static Route);

impl Guard for Methods {
    fn check(&self, context: &GuardContext<'_>) -> bool {
        let method = &context.head().method;
        *method == self.0.method || (*method == Method::HEAD && self.0.method == Method::GET)
    }
}

type Served = LocalBoxFuture<'static, HttpResponse>;

fn to(target: Target) -> impl Fn(Data<Front>, HttpRequest, Payload) -> Served + Clone + 'static {
    move |front, request, payload| serve(target, front, request, payload).boxed_local()
}

/// The methods that a path has, as `Allow` lists them.
pub(super) fn methods_of(path: &str) -> String {
    let mut methods: Vec<&str> =
        ROUTES.iter().filter(|route| route.path == path).map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_and_path_have_one_row() {
        for (index, route) in ROUTES.iter().enumerate() {
            let twin =
                ROUTES[..index].iter().any(|earlier| earlier.path == route.path && earlier.method == route.method);
            assert!(!twin, "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn only_health_and_documentation_are_open() {
        const OPEN: [&str; 4] = ["/health/", "/openapi.json", "/docs", "/problems/"];
        for route in ROUTES {
            let is_open = matches!(route.handler, Handler::Open(_));
            let may_be = OPEN.iter().any(|start| route.path.starts_with(start));
            assert_eq!(is_open, may_be, "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn a_path_lists_its_methods() {
        assert_eq!(methods_of("/skus/{id}"), "PUT, GET, HEAD");
        assert_eq!(methods_of("/admin/warm-up"), "POST");
    }
}
