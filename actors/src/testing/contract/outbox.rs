//! What an `Outbox` owes the core that empties it.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::oneshot;

use crate::domain::commit::Mutation;
use crate::domain::event::OrderEvent;
use crate::domain::id::OrderId;
use crate::domain::order::CancelReason;
use crate::ports::{HandOn, RelayError, Relayed};
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, payment, place};

/// What came out of an outbox.
#[derive(Clone, Default)]
struct Tray(Arc<Mutex<Vec<OrderEvent>>>);

impl Tray {
    /// Takes events, then waits, then says what came of it.
    fn take_and(&self, then: BoxFuture<'static, Result<(), String>>) -> HandOn {
        let tray = self.clone();
        Box::new(move |events| {
            tray.0.lock().unwrap_or_else(PoisonError::into_inner).extend(events);
            then
        })
    }

    fn take(&self) -> HandOn {
        self.take_and(async { Ok(()) }.boxed())
    }

    fn names(&self) -> Vec<(OrderId, u32)> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(|event| (event.order_id, event.version)).collect()
    }

    /// The versions of an order, in the order they came.
    fn versions(&self, order: u128) -> Vec<u32> {
        let of_order = |(order_id, version)| (order_id == OrderId::from_u128(order)).then_some(version);
        self.names().into_iter().filter_map(of_order).collect()
    }
}

async fn relay(bench: &Bench, limit: usize, hand_on: HandOn) -> Relayed {
    bench.outbox().relay(limit, hand_on).await.expect("the outbox gives what it has")
}

/// Orders 3, 5 and 9: placed; 3 paid and cancelled, 9 cancelled.
async fn six_events(bench: &Bench) {
    bench.stock_up("a", 100).await;
    bench.commit([5, 3, 9].map(|number| Mutation::Place(place(number, "u", &[("a", 1)])))).await;
    let paid = Mutation::Pay(payment("p", 3, PRICE));
    bench.commit([paid, Mutation::Cancel(cancellation(3, CancelReason::Shop))]).await;
    bench.commit([Mutation::Cancel(cancellation(9, CancelReason::Customer))]).await;
}

fn assert_all(tray: &Tray) {
    assert_eq!((tray.versions(3), tray.versions(5), tray.versions(9)), (vec![1, 2, 3], vec![1], vec![1, 2]));
}

/// Everything once, each order's versions in their order, and then nothing.
pub async fn what_is_committed_is_handed_on_once_in_order(bench: Bench) {
    let tray = Tray::default();
    assert_eq!(relay(&bench, 100, tray.take()).await, Relayed::default());
    six_events(&bench).await;
    assert_eq!(relay(&bench, 100, tray.take()).await, Relayed { events: 6, may_be_more: false });
    assert_all(&tray);
    assert_eq!(relay(&bench, 100, tray.take()).await, Relayed::default());
    bench.place(place(1, "u", &[("a", 1)])).await;
    assert_eq!(relay(&bench, 100, tray.take()).await.events, 1);
    assert_eq!(tray.names().len(), 7);
}

/// Who takes less comes again, and is told that there is more.
pub async fn no_more_than_the_limit_is_handed_on_at_once(bench: Bench) {
    six_events(&bench).await;
    for limit in [2, 3, 1] {
        let tray = Tray::default();
        assert_eq!(relay(&bench, limit, tray.take()).await, Relayed { events: limit, may_be_more: true });
        assert_eq!(tray.names().len(), limit);
    }
    assert_eq!(relay(&bench, 2, Tray::default().take()).await, Relayed::default());
}

/// What fails further on is told, and nothing is lost.
pub async fn what_is_not_taken_further_is_handed_on_again(bench: Bench) {
    six_events(&bench).await;
    let (first, second) = (Tray::default(), Tray::default());
    let failed = bench.outbox().relay(100, first.take_and(async { Err("no room".to_owned()) }.boxed())).await;
    assert_eq!(failed, Err(RelayError::HandOn("no room".to_owned())));
    assert_all(&first);
    assert_eq!(relay(&bench, 100, second.take()).await.events, 6);
    assert_all(&second);
}

/// While some of an order is in someone's hands, nothing of it is given to another: not that, and nothing later.
pub async fn an_order_in_hand_is_left_alone_and_others_are_not(bench: Bench) {
    bench.stock_up("a", 100).await;
    bench.place(place(3, "u", &[("a", 1)])).await;
    let (slow, quick) = (Tray::default(), Tray::default());
    let (took, taken) = oneshot::channel();
    let (go_on, going_on) = oneshot::channel::<()>();
    let waiting = async move {
        let _ = took.send(());
        let _ = going_on.await;
        Ok(())
    };
    let in_hand = bench.outbox().relay(100, slow.take_and(waiting.boxed()));
    let meanwhile = async {
        taken.await.expect("the first one takes what there is");
        bench.one(Mutation::Pay(payment("p", 3, PRICE))).await.expect("the order can be paid meanwhile");
        bench.place(place(5, "u", &[("a", 1)])).await;
        assert_eq!(relay(&bench, 100, quick.take()).await.events, 1);
        assert_eq!((quick.versions(3), quick.versions(5)), (vec![], vec![1]));
        go_on.send(()).expect("the first one waits");
    };
    let (handed_on, ()) = futures_util::future::join(in_hand, meanwhile).await;
    assert_eq!(handed_on.map(|relayed| relayed.events), Ok(1));
    assert_eq!(relay(&bench, 100, quick.take()).await.events, 1);
    assert_eq!((slow.versions(3), quick.versions(3)), (vec![1], vec![2]));
}

/// What was not handed on is there after a restart, and nothing else.
pub async fn what_waits_outlives_a_restart(bench: Bench) {
    six_events(&bench).await;
    assert_eq!(relay(&bench, 2, Tray::default().take()).await.events, 2);
    let Some(bench) = bench.reopened().await else { return };
    assert_eq!(relay(&bench, 100, Tray::default().take()).await.events, 4);
    assert_eq!(relay(&bench, 100, Tray::default().take()).await.events, 0);
}
