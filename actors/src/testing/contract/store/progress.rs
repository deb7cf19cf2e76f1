//! What consumer groups have done.

use std::collections::BTreeMap;

use crate::domain::commit::{Mutation, Outcome};
use crate::testing::contract::Bench;
use crate::testing::fixtures::order_id;

fn note(group: &str, versions: &[(u64, u32)]) -> Mutation {
    let versions = versions.iter().map(|(number, version)| (order_id(*number), *version)).collect();
    Mutation::NoteDone { group: group.into(), versions }
}

async fn done(bench: &Bench, group: &str, orders: &[u64]) -> BTreeMap<u64, u32> {
    let wanted = orders.iter().copied().map(order_id).collect();
    let done = bench.store.done(group.into(), wanted).await.expect("the store can be read");
    let number = |wanted: &u64| Some((*wanted, *done.get(&order_id(*wanted))?));
    orders.iter().filter_map(number).collect()
}

/// Each group and order by itself, and only those asked for.
pub async fn what_a_group_has_done_is_read_back(bench: Bench) {
    assert_eq!(done(&bench, "printer", &[]).await, BTreeMap::new());
    assert_eq!(done(&bench, "printer", &[1, 2]).await, BTreeMap::new());
    let batch = [note("printer", &[(1, 2), (2, 1)]), note("mail", &[(1, 7)])];
    let committed = bench.commit(batch).await;
    assert!(committed.verdicts.iter().all(|verdict| *verdict == Ok(Outcome::Acknowledged)), "{committed:?}");
    assert_eq!(done(&bench, "printer", &[1, 2, 3]).await, BTreeMap::from([(1, 2), (2, 1)]));
    assert_eq!(done(&bench, "printer", &[2]).await, BTreeMap::from([(2, 1)]));
    assert_eq!(done(&bench, "mail", &[1, 2]).await, BTreeMap::from([(1, 7)]));
}

/// Late and repeated notes change nothing, alone or in one batch.
pub async fn progress_never_goes_back(bench: Bench) {
    bench.one(note("printer", &[(1, 5), (1, 4)])).await.expect("noting is never refused");
    bench.one(note("printer", &[(1, 3)])).await.expect("noting is never refused");
    assert_eq!(done(&bench, "printer", &[1]).await, BTreeMap::from([(1, 5)]));
    bench.commit([note("printer", &[(1, 9)]), note("printer", &[(1, 8)])]).await;
    assert_eq!(done(&bench, "printer", &[1]).await, BTreeMap::from([(1, 9)]));
}

/// A group knows what it has done.
pub async fn progress_outlives_a_restart(bench: Bench) {
    bench.one(note("printer", &[(1, 5), (2, 1)])).await.expect("noting is never refused");
    let Some(bench) = bench.reopened().await else { return };
    assert_eq!(done(&bench, "printer", &[1, 2]).await, BTreeMap::from([(1, 5), (2, 1)]));
}
