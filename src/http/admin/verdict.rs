//! `GET /admin/verdict`: whether store, orders, ledger and actors say the same.

use actors::domain::id::SkuId;
use actors::domain::rejection::Rejection;
use actors::domain::stock::Level;
use actors::stock::{SkuVerdict, Verdict, VerdictState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::schema::like;
use crate::http::sku::StockCounts;

/// SKUs read at once: each is summed over all its orders, and others' verdicts come in between.
const STEP: usize = 20;

#[derive(Serialize, ToSchema)]
#[schema(as = Verdict)]
struct Body {
    #[schema(schema_with = like::<VerdictState>)]
    state: &'static str,
    skus: Vec<SkuBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SkuVerdict)]
struct SkuBody {
    #[schema(schema_with = like::<SkuId>)]
    sku_id: String,
    #[schema(schema_with = like::<VerdictState>)]
    state: &'static str,
    store: StockCounts,
    orders: OrdersBody,
    ledger: Option<LedgerBody>,
    actor: Option<ActorBody>,
    differences: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OrderTotals)]
struct OrdersBody {
    reserved: i64,
    sold: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LedgerView)]
struct LedgerBody {
    available: i64,
    grants: usize,
}

/// What the node last saw committed.
#[derive(Serialize, ToSchema)]
#[schema(as = StockActorView)]
struct ActorBody {
    #[serde(flatten)]
    counts: StockCounts,
    version: u64,
}

/// Tells whether store, orders, ledger and actors say the same.
#[utoipa::path(
    get,
    path = "/admin/verdict",
    tag = "admin",
    operation_id = "get_verdict",
    responses(
        (status = 200, description = "What everyone says, SKU by SKU.", body = Body),
        (status = 404, description = "sku_not_found")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let sku_id: Option<SkuId> = call.query.get("sku_id")?;
    let verdict = match sku_id {
        Some(sku_id) => {
            let verdict = call.front.node.verdicts.give(Some(sku_id.clone()), None, 1).await?;
            if verdict.skus.is_empty() {
                return Err(Rejection::SkuNotFound(sku_id).into());
            }
            verdict
        }
        None => on_all(&call).await?,
    };
    Ok(ok(&Body { state: verdict.state.name(), skus: verdict.skus.iter().map(body_of).collect() }))
}

async fn on_all(call: &Call) -> Result<Verdict, actors::ports::StoreError> {
    let mut all = Verdict { state: VerdictState::Agrees, skus: Vec::new() };
    loop {
        let after = all.skus.last().map(|sku| sku.audit.sku.sku_id.clone());
        let step = call.front.node.verdicts.give(None, after, STEP).await?;
        let is_last = step.skus.len() < STEP;
        all.state = all.state.max(step.state);
        all.skus.extend(step.skus);
        if is_last {
            return Ok(all);
        }
    }
}

fn body_of(verdict: &SkuVerdict) -> SkuBody {
    let SkuVerdict { state, audit, ledger, actor, differences, .. } = verdict;
    SkuBody {
        sku_id: audit.sku.sku_id.to_string(),
        state: state.name(),
        store: StockCounts::of(&audit.sku.level),
        orders: OrdersBody { reserved: audit.orders.reserved, sold: audit.orders.sold },
        ledger: ledger.map(|ledger| LedgerBody { available: ledger.available, grants: ledger.grants }),
        actor: actor.as_ref().map(|level: &Level| ActorBody { counts: StockCounts::of(level), version: level.version }),
        differences: differences.clone(),
    }
}
