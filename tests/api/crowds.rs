//! Many at once.

use std::thread::scope;

use crate::house::House;

#[test]
fn however_many_want_it_what_is_there_is_sold_once() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 10, "");
    let answers: Vec<u16> = scope(|threads| {
        let buyer = |buyer: u32| {
            let (user, key) = (format!("u-{buyer}"), format!("k-{buyer}"));
            // Every third sends no key, so that both ways of a refusal are taken.
            let key = if buyer.is_multiple_of(3) { String::new() } else { key };
            move || (0..5).map(|_| shop.order(&user, &key, "a", 1).status).collect::<Vec<_>>()
        };
        let buyers: Vec<_> = (0..16).map(|number| threads.spawn(buyer(number))).collect();
        buyers.into_iter().flat_map(|buyer| buyer.join().expect("no buyer panics")).collect()
    });
    assert!(answers.iter().all(|status| [201, 409].contains(status)), "{answers:?}");
    assert_eq!(shop.stock("a"), [10, 0, 10, 0]);
    shop.assert_agreement();
}

#[test]
fn one_key_sent_many_times_at_once_is_one_order() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 100, "");
    for round in 0..5 {
        let key = format!("k-{round}");
        let replies: Vec<_> = scope(|threads| {
            let tries: Vec<_> = (0..8).map(|_| threads.spawn(|| shop.order("u", &key, "a", 1))).collect();
            tries.into_iter().map(|attempt| attempt.join().expect("no attempt panics")).collect()
        });
        let (taken, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
        assert!(taken.windows(2).all(|pair| pair[0].text == pair[1].text), "{taken:?}");
        assert_eq!(taken.iter().filter(|reply| reply.header("idempotency-replayed").is_none()).count(), 1);
        for reply in refused {
            assert_eq!(reply.refusal(), (409, "request_in_progress".to_owned()));
        }
    }
    assert_eq!(shop.stock("a"), [100, 95, 5, 0]);
}

#[test]
fn opposite_lines_neither_lock_up_nor_leave_half_an_order() {
    let house = House::open();
    let shop = &house.client;
    shop.put_up("a", "1.00", 20, "");
    shop.put_up("b", "1.00", 15, "");
    scope(|threads| {
        for number in 0..8 {
            threads.spawn(move || {
                let (first, second) = if number % 2 == 0 { ("a", "b") } else { ("b", "a") };
                let body = format!(
                    r#"{{"user_id":"u-{number}","items":[{{"sku_id":"{first}","quantity":1}},{{"sku_id":"{second}","quantity":1}}]}}"#
                );
                for _ in 0..4 {
                    let status = shop.post("/orders", "", &body).status;
                    assert!([201, 409].contains(&status), "{status}");
                }
            });
        }
    });
    assert_eq!((shop.stock("a"), shop.stock("b")), ([20, 5, 15, 0], [15, 0, 15, 0]));
    shop.assert_agreement();
}
