//! Instances that fail are passed over, tried again, taken out and exchanged.

use std::time::Duration;

use onelastai_model_router::{Health, ModelRouter};
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use crate::{
    LONG, answer, ask, config,
    fake::{DONE, Fake, Reply, say},
    model, question, rest,
};

/// Fails at first and then answers.
async fn mending(failures: usize) -> Fake {
    Fake::start(move |number, _| {
        if number < failures {
            Reply::plain(500, "", "{}")
        } else {
            Reply::answer(&["mended"])
        }
    })
    .await
}

async fn good() -> Fake {
    Fake::always(|| Reply::answer(&["good"])).await
}

fn changes<T: Clone>(events: &mut Receiver<T>) -> Vec<T> {
    let mut changes = Vec::new();
    loop {
        match events.try_recv() {
            Ok(change) => changes.push(change),
            Err(TryRecvError::Empty) => return changes,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn well_ejected_probing_well() {
    let (mending, good) = (mending(1).await, good().await);
    let router = ModelRouter::new(config(vec![model("m", &[&mending.url, &good.url])])).unwrap();
    let mut events = router.events();
    assert_eq!(answer(&router).await, ["good", "done"]);
    let state = &router.snapshot()[0];
    assert_eq!((state.health, state.failures), (Health::Ejected, 1));
    assert_eq!(state.last_error, Some("refused"));
    assert!(state.ejected_for_ms.is_some_and(|ms| ms <= 1000));
    assert_eq!(answer(&router).await, ["good", "done"]);
    assert_eq!(mending.requests().len(), 1, "it is left alone");

    // Its pause passes; the next request is the one that tries.
    let asked = tokio::time::timeout(LONG, async {
        while answer(&router).await == ["good", "done"] {}
    });
    asked.await.expect("it is never tried again");
    let seen: Vec<_> = changes(&mut events)
        .into_iter()
        .map(|change| (change.from, change.to, change.instance))
        .collect();
    let at = mending.url.clone();
    assert_eq!(
        seen,
        [
            (Health::Well, Health::Ejected, at.clone()),
            (Health::Ejected, Health::Probing, at.clone()),
            (Health::Probing, Health::Well, at),
        ]
    );
    assert_eq!(router.snapshot()[0].failures, 0);
}

#[tokio::test]
async fn one_request_tries_while_the_others_go_elsewhere() {
    let hanging = Fake::start(|number, _| match number {
        0 => Reply::nothing(),
        _ => Reply::silence(),
    })
    .await;
    let good = good().await;
    let router = ModelRouter::new(config(vec![model("m", &[&hanging.url, &good.url])])).unwrap();
    assert_eq!(answer(&router).await, ["good", "done"]);
    let trying = tokio::spawn({
        let router = router.clone();
        async move {
            while hanging.requests().len() < 2 {
                let router = router.clone();
                // The one that tries never comes back by itself.
                let asked = tokio::spawn(async move { answer(&router).await });
                drop(tokio::time::timeout(Duration::from_millis(200), asked).await);
            }
            hanging
        }
    });
    let hanging = tokio::time::timeout(LONG, trying).await.unwrap().unwrap();
    assert_eq!(router.snapshot()[0].health, Health::Probing);
    for _ in 0..20 {
        assert_eq!(answer(&router).await, ["good", "done"]);
    }
    assert_eq!(hanging.requests().len(), 2);
}

#[tokio::test]
async fn the_last_instance_is_never_given_up() {
    let mending = mending(3).await;
    let router = ModelRouter::new(config(vec![model("m", &[&mending.url])])).unwrap();
    for failures in 1..=3 {
        assert_eq!(answer(&router).await, ["no answer: refused"]);
        assert_eq!(router.snapshot()[0].failures, failures);
    }
    assert_eq!(answer(&router).await, ["mended", "done"]);
    assert_eq!(router.snapshot()[0].health, Health::Well);
}

#[tokio::test]
async fn a_stop_is_no_failure_even_of_the_one_that_tries() {
    let fake = Fake::start(|number, _| match number {
        0 => Reply::nothing(),
        _ => Reply::stream([say("Hi")]).hang(),
    })
    .await;
    let router = ModelRouter::new(config(vec![model("m", &[&fake.url])])).unwrap();
    ask(&router).await.unwrap_err();
    drop(ask(&router).await.unwrap());
    let state = &router.snapshot()[0];
    assert_eq!(
        (state.health, state.failures, state.in_flight),
        (Health::Well, 1, 0)
    );
}

#[tokio::test]
async fn second_tries_have_a_budget() {
    let broken = Fake::always(|| Reply::plain(500, "", "{}")).await;
    let router = ModelRouter::new(config(vec![
        model("a", &[&broken.url]),
        model("b", &[&broken.url]),
    ]))
    .unwrap();
    let asked = 200;
    for _ in 0..asked {
        ask(&router).await.unwrap_err();
    }
    let second_tries = broken.requests().len() - asked;
    // A quarter hundred was saved up, and a tenth is earned; time gives a few.
    assert!((25..=80).contains(&second_tries), "{second_tries}");
}

#[tokio::test]
async fn a_drained_instance_finishes_and_gets_nothing_new() {
    let slow = Fake::always(|| Reply::stream([&say("Hi"), DONE]).end()).await;
    let good = good().await;
    let router = ModelRouter::new(config(vec![model("m", &[&slow.url, &good.url])])).unwrap();
    let mut under_way = ask(&router).await.unwrap();
    assert_eq!(under_way.chosen.instance, slow.url);
    assert!(router.drain("m", &slow.url, true));
    assert!(router.snapshot()[0].draining);
    assert_eq!(rest(&mut under_way).await, ["Hi", "done"]);
    for _ in 0..5 {
        assert_eq!(ask(&router).await.unwrap().chosen.instance, good.url);
    }
    assert!(router.drain("m", &good.url, true));
    let error = ask(&router).await.unwrap_err();
    assert_eq!(error.to_string(), "all models are taken out of service");
    assert!(router.drain("m", &slow.url, false));
    assert_eq!(ask(&router).await.unwrap().chosen.instance, slow.url);
    assert!(!router.drain("m", &Fake::nobody().await, true));
    assert!(!router.drain("x", &slow.url, true));
}

#[tokio::test]
async fn models_are_exchanged_while_answers_are_under_way() {
    let (old, new) = (
        Fake::always(|| Reply::stream([say("Hi")]).hang()).await,
        good().await,
    );
    let mut narrow = model("m", &[&old.url]);
    narrow.instances[0].slots = 1;
    let router = ModelRouter::new(config(vec![narrow])).unwrap();
    let under_way = ask(&router).await.unwrap();
    let waits = tokio::spawn({
        let router = router.clone();
        async move { answer(&router).await }
    });
    while router.snapshot()[0].queue_length == 0 {
        tokio::task::yield_now().await;
    }
    router
        .replace(vec![
            model("m", &[&new.url, &old.url]),
            model("n", &[&new.url]),
        ])
        .unwrap();
    assert_eq!(
        waits.await.unwrap(),
        ["good", "done"],
        "who waits takes the new instance"
    );
    let seen: Vec<_> = router
        .snapshot()
        .into_iter()
        .map(|it| (it.instance, it.in_flight))
        .collect();
    assert_eq!(
        seen,
        [
            (new.url.clone(), 0),
            (old.url.clone(), 1),
            (new.url.clone(), 0)
        ],
        "what stays keeps what is known of it"
    );
    assert_eq!(router.models().len(), 2);
    assert_eq!(
        router.chat(question(&["n"])).await.unwrap().chosen.model_id,
        "n"
    );

    assert!(router.replace(vec![model("m", &[])]).is_err());
    assert_eq!(router.models().len(), 2, "what can't work changes nothing");
    router.replace(vec![]).unwrap();
    assert_eq!(
        ask(&router).await.unwrap_err().to_string(),
        "no model is set up"
    );
    drop(under_way);
}

#[tokio::test]
async fn one_instance_is_checked() {
    let nobody = Fake::nobody().await;
    let good = good().await;
    let router = ModelRouter::new(config(vec![model("m", &[&nobody, &good.url])])).unwrap();
    let mut events = router.events();
    let health = router.check("m", &nobody).await.unwrap();
    assert!(!health.reachable);
    assert_eq!(health.state.health, Health::Ejected);
    assert_eq!(changes(&mut events).len(), 1);
    let check = router.snapshot()[0].last_check.clone().unwrap();
    assert_eq!(
        check.error.as_deref(),
        Some("nobody listens there (connection refused)")
    );
    assert_eq!(
        answer(&router).await,
        ["good", "done"],
        "and it is passed over"
    );
    assert!(router.check("x", &nobody).await.is_none());
}
