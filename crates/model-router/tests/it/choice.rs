//! Which model and instance answer, and what a second try may do.

use futures::StreamExt;
use onelastai_model_router::{ModelError, ModelRouter, ModelSpec, RouterConfig, RouterError};

use crate::{
    SHORT, answer, ask, config,
    fake::{Fake, Reply, say},
    model, question, rest, router, strict,
};

async fn good() -> Fake {
    Fake::always(|| Reply::answer(&["good"])).await
}

async fn broken() -> Fake {
    Fake::always(|| Reply::plain(500, "", "{\"error\":\"broken\"}")).await
}

#[tokio::test]
async fn a_failure_before_the_first_piece_is_made_good_by_another_instance() {
    let replies: [fn() -> Reply; 6] = [
        Reply::nothing,
        Reply::silence,
        || Reply::plain(500, "", ""),
        || Reply::plain(429, "", ""),
        || Reply::stream(["{\"error\":\"x\"}\n"]).end(),
        || Reply::stream(["\n"]).cut(),
    ];
    for reply in replies {
        let (bad, good) = (Fake::always(reply).await, good().await);
        let mut config = config(vec![model("m", &[&bad.url, &good.url])]);
        config.first_token_timeout = SHORT;
        let mut stream = ask(&ModelRouter::new(config).unwrap()).await.unwrap();
        assert_eq!(stream.chosen.instance, good.url);
        assert!(
            stream
                .chosen
                .reason
                .starts_with("another instance of m, since"),
            "{}",
            stream.chosen.reason
        );
        assert_eq!(rest(&mut stream).await, ["good", "done"]);
        assert_eq!(bad.requests().len(), 1);
    }
}

#[tokio::test]
async fn or_by_the_next_preferred_model() {
    let (nobody, good) = (Fake::nobody().await, good().await);
    let router = ModelRouter::new(config(vec![
        model("b", &[&good.url]),
        model("a", &[&nobody]),
    ]))
    .unwrap();
    let mut stream = router.chat(question(&["a", "b"])).await.unwrap();
    assert_eq!(stream.chosen.model_id, "b");
    assert_eq!(
        stream.chosen.reason,
        "b in place of a, which failed (unreachable)"
    );
    assert_eq!(rest(&mut stream).await, ["good", "done"]);
    // It is remembered for a moment, so the next one doesn't go there first.
    let stream = router.chat(question(&["a", "b"])).await.unwrap();
    assert_eq!(
        stream.chosen.reason,
        "b in place of a, not available at the moment"
    );
}

#[tokio::test]
async fn never_by_another_model_where_only_the_named_ones_will_do() {
    let (nobody, good) = (Fake::nobody().await, good().await);
    let router = ModelRouter::new(config(vec![
        model("b", &[&good.url]),
        model("a", &[&nobody]),
    ]))
    .unwrap();
    let error = router.chat(strict(&["a"])).await.unwrap_err();
    assert_eq!(error.code(), "unreachable");
    assert_eq!(good.connections(), 0);
}

#[tokio::test]
async fn after_the_first_piece_there_is_no_second_try() {
    let cut = Fake::always(|| Reply::stream([say("Hi")]).cut()).await;
    let good = good().await;
    assert_eq!(
        answer(&router(&[&cut.url, &good.url])).await,
        ["Hi", "interrupted"]
    );
    assert_eq!(good.connections(), 0);
}

#[tokio::test]
async fn there_is_one_second_try_and_the_first_error_is_told() {
    let refusing = || Reply::plain(503, "", "{}");
    let (first, second) = (Fake::always(refusing).await, broken().await);
    let third = good().await;
    let models = vec![
        model("m", &[&first.url, &second.url]),
        model("n", &[&third.url]),
    ];
    let router = ModelRouter::new(config(models)).unwrap();
    let error = router.chat(question(&["m"])).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Refused { status: 503, .. }),
        "{error:?}"
    );
    assert_eq!(second.requests().len(), 1);
    assert_eq!(third.connections(), 0);
}

#[tokio::test]
async fn where_nobody_listens_is_no_try() {
    let mut gone = Vec::new();
    for _ in 0..6 {
        gone.push(Fake::nobody().await);
    }
    let (broken, good) = (broken().await, good().await);
    let mut instances: Vec<_> = gone.iter().collect();
    instances.extend([&broken.url, &good.url]);
    let stream = ask(&router(&instances)).await.unwrap();
    assert_eq!(stream.chosen.instance, good.url);
    let before = usize::from(stream.chosen.retries);
    assert!(before <= 7 && broken.requests().len() <= 1, "{before}");

    let error = ask(&router(&gone.iter().collect::<Vec<_>>()))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unreachable");
}

#[tokio::test]
async fn a_bad_request_is_not_tried_again_and_no_failure_of_the_instance() {
    let picky = Fake::start(|number, _| match number {
        0 => Reply::plain(400, "", "{\"error\":\"invalid option\"}"),
        _ => Reply::answer(&["picky"]),
    })
    .await;
    let good = good().await;
    let router = router(&[&picky.url, &good.url]);
    let error = ask(&router).await.unwrap_err();
    assert_eq!(
        error,
        ModelError::Refused {
            status: 400,
            message: "invalid option".to_owned()
        }
    );
    assert_eq!(good.connections(), 0);
    assert_eq!(answer(&router).await, ["picky", "done"]);
}

#[tokio::test]
async fn a_busy_instance_is_passed_over_for_as_long_as_it_asks() {
    let busy = Fake::always(|| Reply::plain(429, "retry-after: 60\r\n", "")).await;
    let good = good().await;
    let router = router(&[&busy.url, &good.url]);
    for _ in 0..3 {
        assert_eq!(answer(&router).await, ["good", "done"]);
    }
    assert_eq!(busy.requests().len(), 1);
}

#[tokio::test]
async fn the_least_busy_instance_answers_and_a_stop_is_no_failure() {
    let slow = || Reply::stream([say("Hi")]).hang();
    let (one, two) = (Fake::always(slow).await, Fake::always(slow).await);
    let router = router(&[&one.url, &two.url]);
    let mut first = ask(&router).await.unwrap();
    let second = ask(&router).await.unwrap();
    assert!(first.next().await.is_some());
    assert_eq!(
        (&first.chosen.instance, &second.chosen.instance),
        (&one.url, &two.url)
    );
    assert_eq!(
        first.chosen.reason,
        "m is the first choice; the best of 2 instances"
    );
    drop(first);
    assert_eq!(ask(&router).await.unwrap().chosen.instance, one.url);
}

#[tokio::test]
async fn without_preferences_the_routers_own_order() {
    let (one, two) = (good().await, good().await);
    let router = ModelRouter::new(config(vec![
        model("a", &[&one.url]),
        model("b", &[&two.url]),
    ]))
    .unwrap();
    assert_eq!(ask(&router).await.unwrap().chosen.model_id, "a");
    assert_eq!(
        router
            .chat(question(&["unknown", "b", "a"]))
            .await
            .unwrap()
            .chosen
            .model_id,
        "b"
    );
}

#[tokio::test]
async fn no_model() {
    let good = good().await;
    let error = router(&[&good.url])
        .chat(strict(&["x", "y"]))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "none of the wanted models is set up here: x, y"
    );

    let off = RouterConfig {
        enabled: false,
        ..config(vec![model("m", &[&good.url])])
    };
    let error = ask(&ModelRouter::new(off).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "local models are switched off");
    let none = ModelRouter::new(config(vec![])).unwrap();
    assert_eq!(
        ask(&none).await.unwrap_err().to_string(),
        "no model is set up"
    );
    assert_eq!(good.connections(), 0);
}

#[test]
fn settings_that_can_not_work_are_refused() {
    let new = |models: Vec<ModelSpec>| ModelRouter::new(config(models)).map(drop);
    let at = |url: &str| ModelSpec::ollama("m", "m:1b", vec![url.parse().unwrap()]);
    assert!(matches!(
        new(vec![model("m", &[])]),
        Err(RouterError::NoInstance(_))
    ));
    let twice = vec![at("http://a"), at("http://b")];
    assert!(matches!(new(twice), Err(RouterError::DuplicateModel(_))));
    for url in [
        "ftp://a/",
        "unix:/run/x",
        "http://a/?key=canary",
        "http://a/#b",
    ] {
        let error = new(vec![at(url)]).unwrap_err();
        assert!(
            matches!(error, RouterError::InvalidInstance { .. }),
            "{url}"
        );
        assert!(!error.to_string().contains("canary"));
    }
    assert!(new(RouterConfig::seven_defaults("127.0.0.1")).is_ok());
}
