//! What a health check says, and what it changes.

use onelastai_model_router::ModelRouter;
use tokio::{
    sync::watch,
    time::{Duration, Instant, timeout},
};

use crate::{
    LONG, ask, config,
    fake::{Fake, Reply, Request},
    model, question,
};

const TAGS: &str =
    r#"{"models":[{"name":"other:1b","size":1},{"name":"engine-model:1b","size":1}]}"#;

/// An Ollama with these models on disk and in memory.
fn ollama(tags: &'static str, ps: &'static str) -> impl Fn(usize, &Request) -> Reply {
    move |_, request| match request.line.as_str() {
        "GET /api/version" => Reply::plain(200, "", r#"{"version":"0.17.4"}"#),
        "GET /api/tags" => Reply::plain(200, "", tags),
        "GET /api/ps" => Reply::plain(200, "", ps),
        "POST /api/chat" => Reply::answer(&["Hi"]),
        _ => Reply::plain(404, "", ""),
    }
}

#[tokio::test]
async fn all_instances_of_all_models_at_once() {
    let loaded = Fake::start(ollama(TAGS, TAGS)).await;
    let present = Fake::start(ollama(TAGS, "{\"models\":null}")).await;
    let missing = Fake::start(ollama("{\"models\":[]}", "{}")).await;
    let nobody = Fake::nobody().await;
    let silent = Fake::always(Reply::silence).await;
    let page = Fake::always(|| Reply::plain(200, "", "<html>")).await;
    let wrong = Fake::always(|| Reply::plain(404, "", "")).await;
    let router = ModelRouter::new(config(vec![
        model("a", &[&loaded.url, &present.url, &missing.url]),
        model("b", &[&nobody, &silent.url, &page.url, &wrong.url]),
    ]))
    .unwrap();

    let asked = Instant::now();
    let health = router.health().await;
    assert!(
        asked.elapsed() < Duration::from_millis(3500),
        "{:?}",
        asked.elapsed()
    );

    let seen: Vec<_> = health
        .iter()
        .map(|h| {
            (
                h.model_id.as_str(),
                h.reachable,
                h.model_present,
                h.loaded,
                h.error.as_deref().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("a", true, true, true, ""),
            ("a", true, true, false, ""),
            (
                "a",
                true,
                false,
                false,
                "engine-model:1b is not installed there; get it with: ollama pull engine-model:1b"
            ),
            (
                "b",
                false,
                false,
                false,
                "nobody listens there (connection refused)"
            ),
            ("b", false, false, false, "no answer within 2 s"),
            (
                "b",
                false,
                false,
                false,
                "its answer could not be understood; is it an Ollama server?"
            ),
            (
                "b",
                false,
                false,
                false,
                "it answered with status 404; is it an Ollama server?"
            ),
        ]
    );
    assert!(health[1].is_usable() && !health[2].is_usable());
    assert_eq!(health[0].version.as_deref(), Some("0.17.4"));
    assert_eq!(health[0].instance, loaded.url);
    assert!(health[0].latency_ms.is_some() && health[3].latency_ms.is_none());
    assert_eq!(
        (health[0].state.in_flight, health[0].state.failures),
        (0, 0)
    );

    let mut lines: Vec<_> = loaded
        .requests()
        .into_iter()
        .map(|request| request.line)
        .collect();
    lines.sort();
    assert_eq!(lines, ["GET /api/ps", "GET /api/tags", "GET /api/version"]);
}

#[tokio::test]
async fn what_it_finds_counts_in_the_choice() {
    let missing = Fake::start(ollama("{\"models\":[]}", "{}")).await;
    let present = Fake::start(ollama(TAGS, "{}")).await;
    let loaded = Fake::start(ollama(TAGS, TAGS)).await;
    let instances = [&missing.url, &present.url, &loaded.url];
    let router = ModelRouter::new(config(vec![model("m", &instances)])).unwrap();
    router.health().await;
    let first = ask(&router).await.unwrap();
    let second = ask(&router).await.unwrap();
    assert_eq!(
        (&first.chosen.instance, &second.chosen.instance),
        (&loaded.url, &loaded.url)
    );
    let busy = router.health().await;
    assert_eq!(
        busy.iter().map(|h| h.state.in_flight).collect::<Vec<_>>(),
        [0, 0, 2]
    );
}

#[tokio::test]
async fn whoever_waits_until_a_model_is_loaded_is_told() {
    let present = ollama(TAGS, "{}");
    let loading = Fake::start(move |number, request| match request.line.as_str() {
        "POST /api/chat" => Reply::silence(),
        _ => present(number, request),
    })
    .await;
    let router = ModelRouter::new(config(vec![model("m", &[&loading.url])])).unwrap();
    router.health().await;
    let (place, mut told) = watch::channel(None);
    let mut request = question(&[]);
    request.queue = Some(place);
    let asked = tokio::spawn(async move { router.chat(request).await });
    let loads = told.wait_for(|told| *told == Some(0));
    timeout(LONG, loads).await.expect("never told").unwrap();
    asked.abort();
}

#[tokio::test]
async fn nobody_is_told_so_of_a_model_in_memory() {
    let loaded = Fake::start(ollama(TAGS, TAGS)).await;
    let router = ModelRouter::new(config(vec![model("m", &[&loaded.url])])).unwrap();
    router.health().await;
    let (place, told) = watch::channel(None);
    let mut request = question(&[]);
    request.queue = Some(place.clone());
    router.chat(request).await.unwrap();
    assert!(!told.has_changed().unwrap());
}

#[tokio::test]
async fn failures_are_counted_until_it_answers_again() {
    let fake = Fake::start(|number, _| match number {
        0 | 1 => Reply::nothing(),
        _ => Reply::answer(&["Hi"]),
    })
    .await;
    let router = ModelRouter::new(config(vec![model("m", &[&fake.url])])).unwrap();
    for _ in 0..2 {
        assert_eq!(ask(&router).await.unwrap_err().code(), "interrupted");
    }
    assert_eq!(router.health().await[0].state.failures, 2);
    assert_eq!(crate::answer(&router).await, ["Hi", "done"]);
    assert_eq!(router.health().await[0].state.failures, 0);
}
