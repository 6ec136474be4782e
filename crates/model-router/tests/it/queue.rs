//! Who waits, for how long, and in which order.

use std::time::Duration;

use futures::future::join_all;
use onelastai_model_router::{ChatStream, ModelError, ModelRouter, ModelSpec};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use crate::{
    LONG, SHORT, config,
    fake::{Fake, Reply, say},
    model, question, rest, strict,
};

type Asked = JoinHandle<Result<ChatStream, ModelError>>;

/// An instance that begins every answer and never ends it.
async fn endless() -> Fake {
    Fake::always(|| Reply::stream([say("Hi")]).hang()).await
}

/// A model with one slot for each instance.
fn narrow(id: &str, fakes: &[&Fake]) -> ModelSpec {
    let urls: Vec<_> = fakes.iter().map(|fake| &fake.url).collect();
    let mut model = model(id, &urls);
    for instance in &mut model.instances {
        instance.slots = 1;
    }
    model
}

fn router(
    models: Vec<ModelSpec>,
    change: impl Fn(&mut onelastai_model_router::RouterConfig),
) -> ModelRouter {
    let mut config = config(models);
    change(&mut config);
    ModelRouter::new(config).unwrap()
}

/// Asks as this person, in a task of its own.
fn ask_as(router: &ModelRouter, user: u128) -> (Asked, watch::Receiver<Option<usize>>) {
    let (place, told) = watch::channel(None);
    let mut request = question(&[]);
    request.policy.user = user;
    request.queue = Some(place);
    let router = router.clone();
    (
        tokio::spawn(async move { router.chat(request).await }),
        told,
    )
}

async fn is_at(told: &mut watch::Receiver<Option<usize>>, place: Option<usize>) {
    let reached = told.wait_for(|told| *told == place);
    tokio::time::timeout(LONG, reached)
        .await
        .expect("never there")
        .unwrap();
}

#[tokio::test]
async fn a_slot_is_taken_until_the_answer_has_ended_and_those_who_wait_take_turns() {
    let fake = endless().await;
    let router = router(vec![narrow("m", &[&fake])], |_| {});
    let first = router.chat(question(&[])).await.unwrap();
    // Person 1 asks three times before person 2 asks once.
    let mut waiting = Vec::new();
    for (user, place) in [(1, 1), (1, 2), (1, 3), (2, 2)] {
        let (asked, mut told) = ask_as(&router, user);
        is_at(&mut told, Some(place)).await;
        waiting.push((user, asked, told));
    }
    is_at(&mut waiting[1].2, Some(3)).await;
    is_at(&mut waiting[2].2, Some(4)).await;
    assert_eq!(router.snapshot()[0].queue_length, 4);
    assert_eq!(fake.requests().len(), 1, "nobody else has been asked");

    let mut order = Vec::new();
    let mut current = first;
    while !waiting.is_empty() {
        drop(current);
        let asked = waiting.iter_mut().map(|(_, asked, _)| asked);
        let (stream, at, _) = futures::future::select_all(asked).await;
        current = stream.unwrap().unwrap();
        let (user, _, told) = waiting.remove(at);
        assert_eq!(*told.borrow(), None, "its turn has come");
        order.push(user);
        assert!(current.chosen.waited > Duration::ZERO);
        assert_eq!(router.snapshot()[0].in_flight, 1);
    }
    assert_eq!(order, [1, 2, 1, 1]);
    drop(current);
    assert_eq!(router.snapshot()[0].in_flight, 0);
}

#[tokio::test]
async fn who_goes_away_leaves_the_place_to_the_next() {
    let fake = endless().await;
    let router = router(vec![narrow("m", &[&fake])], |_| {});
    let first = router.chat(question(&[])).await.unwrap();
    let (gone, mut told) = ask_as(&router, 1);
    is_at(&mut told, Some(1)).await;
    let (stays, mut told) = ask_as(&router, 2);
    is_at(&mut told, Some(2)).await;
    gone.abort();
    is_at(&mut told, Some(1)).await;
    drop(first);
    assert!(stays.await.unwrap().is_ok());
    assert_eq!(router.snapshot()[0].queue_length, 0);
}

#[tokio::test]
async fn past_its_bound_the_queue_says_when_to_come_back() {
    let fake = endless().await;
    let router = router(vec![narrow("m", &[&fake])], |config| {
        config.queue_length = 2;
    });
    let _first = router.chat(question(&[])).await.unwrap();
    let mut waiting = Vec::new();
    for place in [1, 2] {
        let (asked, mut told) = ask_as(&router, 0);
        is_at(&mut told, Some(place)).await;
        waiting.push(asked);
    }
    let error = router.chat(question(&[])).await.unwrap_err();
    let ModelError::QueueFull { retry_after } = error else {
        panic!("{error:?}")
    };
    assert!(retry_after >= Duration::from_secs(1) && retry_after <= Duration::from_secs(60));
    assert_eq!(error.code(), "queue_full");
    assert!(error.to_string().contains("try again in"), "{error}");
    for asked in waiting {
        asked.abort();
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_deadline() {
    let fake = endless().await;
    let router = router(vec![narrow("m", &[&fake])], |config| {
        config.queue_timeout = SHORT;
    });
    let _first = router.chat(question(&[])).await.unwrap();
    let asked = Instant::now();
    let error = router.chat(question(&[])).await.unwrap_err();
    assert_eq!(error, ModelError::QueueTimeout);
    assert!(asked.elapsed() >= SHORT && asked.elapsed() < LONG / 2);
    assert_eq!(router.snapshot()[0].queue_length, 0);
}

#[tokio::test]
async fn a_busy_model_passes_on_to_the_next_wanted_one_but_not_to_others() {
    let (a, b, c) = (endless().await, endless().await, endless().await);
    let models = vec![narrow("a", &[&a]), narrow("b", &[&b]), narrow("c", &[&c])];
    let router = router(models, |config| config.queue_timeout = SHORT);
    let ask = || router.chat(question(&["a", "b"]));
    let first = ask().await.unwrap();
    let second = ask().await.unwrap();
    assert_eq!(
        (
            first.chosen.model_id.as_str(),
            second.chosen.model_id.as_str()
        ),
        ("a", "b")
    );
    assert!(!first.chosen.fallback && second.chosen.fallback);

    // Both are busy: it waits for whichever is free first, rather than take another model.
    let waits = tokio::spawn({
        let router = router.clone();
        async move { router.chat(question(&["a", "b"])).await }
    });
    while router.snapshot()[1].queue_length == 0 {
        tokio::task::yield_now().await;
    }
    drop(second);
    let third = waits.await.unwrap().unwrap();
    assert_eq!(third.chosen.model_id, "b");
    assert_eq!(
        router.snapshot()[0].queue_length,
        0,
        "it has left the other queue, too"
    );
    // Past the deadline any other is better than none.
    assert_eq!(ask().await.unwrap().chosen.model_id, "c");
    let error = router.chat(strict(&["a"])).await.unwrap_err();
    assert_eq!(error, ModelError::QueueTimeout);
}

#[tokio::test]
async fn those_who_wait_for_an_instance_that_dies_go_elsewhere() {
    let dying = Fake::start(|number, _| match number {
        0 => Reply::stream([say("Hi")]).cut(),
        _ => Reply::nothing(),
    })
    .await;
    let good = Fake::always(|| Reply::answer(&["good"])).await;
    let router = router(
        vec![narrow("a", &[&dying]), model("b", &[&good.url])],
        |_| {},
    );
    let mut first = router.chat(question(&["a"])).await.unwrap();
    let mut waiting = Vec::new();
    for user in 0..5 {
        let (place, mut told) = watch::channel(None);
        let mut request = question(&["a"]);
        request.policy.user = user;
        request.queue = Some(place);
        let router = router.clone();
        waiting.push(tokio::spawn(async move {
            let mut stream = router.chat(request).await.unwrap();
            assert_eq!(stream.chosen.model_id, "b");
            rest(&mut stream).await
        }));
        told.wait_for(Option::is_some).await.unwrap();
    }
    assert_eq!(rest(&mut first).await, ["Hi", "interrupted"]);
    for answer in join_all(waiting).await {
        assert_eq!(answer.unwrap(), ["good", "done"]);
    }
}

#[tokio::test]
async fn many_at_once_never_take_more_slots_than_there_are() {
    let fakes = [
        Fake::always(|| Reply::answer(&["Hi"])).await,
        Fake::always(|| Reply::answer(&["Hi"])).await,
    ];
    let router = router(vec![narrow("m", &[&fakes[0], &fakes[1]])], |_| {});
    let most = std::sync::atomic::AtomicU32::new(0);
    let answers = (0..200).map(|user| {
        let mut request = question(&[]);
        request.policy.user = user % 7;
        let (router, most) = (&router, &most);
        async move {
            let mut stream = router.chat(request).await.unwrap();
            for state in router.snapshot() {
                most.fetch_max(state.in_flight, std::sync::atomic::Ordering::SeqCst);
            }
            rest(&mut stream).await
        }
    });
    let answers = join_all(answers).await;
    assert!(answers.iter().all(|answer| *answer == ["Hi", "done"]));
    assert_eq!(most.into_inner(), 1);
    assert!(
        fakes.iter().all(|fake| fake.requests().len() > 20),
        "both work"
    );
    assert!(
        router
            .snapshot()
            .iter()
            .all(|it| it.in_flight == 0 && it.queue_length == 0)
    );
}
