//! OpenAI-compatible servers: what is sent, what arrives, and how they are checked.

use futures::StreamExt;
use onelastai_model_router::{
    ChatEvent, EmbedRequest, FinishReason, ModelError, ModelKind, ModelRouter, ModelSpec, Price,
    ProviderKind,
};
use url::Url;

use crate::{
    config,
    fake::{Fake, Reply},
    question, rest,
};

fn piece(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const COUNTS: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn answer() -> Reply {
    Reply::stream([&piece("Hi"), &piece(" there"), STOP, COUNTS, DONE]).end()
}

fn cloud(url: &Url) -> ModelSpec {
    ModelSpec {
        provider: ProviderKind::OpenAi,
        kind: ModelKind::Cloud,
        key: Some("canary-key".into()),
        price: Some(Price {
            currency: "USD".to_owned(),
            prompt_micros_per_million: 2_000_000,
            completion_micros_per_million: 8_000_000,
        }),
        ..ModelSpec::ollama("cloud", "gpt-x", vec![url.join("v1").unwrap()])
    }
}

fn router(models: Vec<ModelSpec>) -> ModelRouter {
    ModelRouter::new(config(models)).unwrap()
}

#[tokio::test]
async fn an_answer_from_a_cloud_with_its_key_and_its_price() {
    let fake = Fake::always(answer).await;
    let router = router(vec![cloud(&fake.url)]);
    let mut request = question(&["cloud"]);
    request.policy.local_only = false;
    let mut stream = router.chat(request).await.unwrap();
    assert!(stream.chosen.cloud && stream.chosen.fallback);
    let price = stream.chosen.price.clone().unwrap();
    assert_eq!(
        stream.next().await,
        Some(Ok(ChatEvent::Text("Hi".to_owned())))
    );
    assert_eq!(
        stream.next().await,
        Some(Ok(ChatEvent::Text(" there".to_owned())))
    );
    let Some(Ok(ChatEvent::Done(usage))) = stream.next().await else {
        panic!("not done")
    };
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (3, 2));
    assert_eq!(usage.finish_reason, FinishReason::Stop);
    assert_eq!(price.cost(usage.prompt_tokens, usage.completion_tokens), 22);
    assert_eq!(stream.next().await, None);

    let [sent] = &fake.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(sent.line, "POST /v1/chat/completions");
    assert!(sent.head.contains("authorization: bearer canary-key"));
    assert!(sent.body.contains(r#""model":"gpt-x""#));
    let shown = format!(
        "{stream:?} {:?} {router:?} {:?}",
        stream.chosen,
        router.models()
    );
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn a_cloud_is_asked_last_and_only_for_what_may_leave_the_house() {
    let (nobody, fake) = (Fake::nobody().await, Fake::always(answer).await);
    let router = router(vec![crate::model("m", &[&nobody]), cloud(&fake.url)]);
    let error = router.chat(question(&["m"])).await.unwrap_err();
    assert_eq!(error.code(), "unreachable");
    assert_eq!(fake.connections(), 0);

    let mut request = question(&["m"]);
    request.policy.local_only = false;
    let mut stream = router.chat(request.clone()).await.unwrap();
    assert_eq!(stream.chosen.model_id, "cloud");
    assert_eq!(rest(&mut stream).await, ["Hi", " there", "done"]);

    request.policy.strict = true;
    let error = router.chat(request).await.unwrap_err();
    assert_eq!(error.code(), "unreachable", "only what was named");
}

#[tokio::test]
async fn where_local_models_are_switched_off_the_cloud_still_answers() {
    let fake = Fake::always(answer).await;
    let mut config = config(vec![crate::model("m", &[&fake.url]), cloud(&fake.url)]);
    config.enabled = false;
    let router = ModelRouter::new(config).unwrap();
    let mut request = question(&["m"]);
    let error = router.chat(request.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), "local models are switched off");
    request.policy.local_only = false;
    assert_eq!(router.chat(request).await.unwrap().chosen.model_id, "cloud");
}

#[tokio::test]
async fn the_connection_is_used_again() {
    let fake = Fake::always(answer).await;
    let mut local = cloud(&fake.url);
    local.kind = ModelKind::Local;
    let router = router(vec![local]);
    for _ in 0..3 {
        assert_eq!(crate::answer(&router).await, ["Hi", " there", "done"]);
    }
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn it_breaks_in_the_same_ways() {
    for (reply, expected) in [
        (
            Reply::stream([piece("Hi")]).end(),
            vec!["Hi", "interrupted"],
        ),
        (
            Reply::stream([piece("Hi")]).cut(),
            vec!["Hi", "interrupted"],
        ),
        (
            Reply::stream([&piece("Hi"), STOP]).cut(),
            vec!["Hi", "done"],
        ),
        (
            Reply::stream([&piece("Hi"), STOP, COUNTS]).hang(),
            vec!["Hi", "done"],
        ),
        (
            Reply::stream([
                &piece("Hi"),
                "data: {\"error\":{\"message\":\"x\"}}\n\n",
                DONE,
            ])
            .end(),
            vec!["Hi", "model_reported"],
        ),
        (
            Reply::stream([&piece("Hi"), "data: oops\n\n", DONE]).end(),
            vec!["Hi", "malformed"],
        ),
        (
            Reply::stream([&piece("Hi"), &"x".repeat(2 << 20)]).hang(),
            vec!["Hi", "malformed"],
        ),
    ] {
        let reply = std::sync::Mutex::new(Some(reply));
        let fake = Fake::start(move |_, _| reply.lock().unwrap().take().unwrap()).await;
        let mut local = cloud(&fake.url);
        local.kind = ModelKind::Local;
        let mut stream = router(vec![local]).chat(question(&[])).await.unwrap();
        assert_eq!(rest(&mut stream).await, expected);
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_a_key_that_is_wrong_is_not_shown() {
    let fake = Fake::always(|| {
        Reply::plain(
            401,
            "",
            r#"{"error":{"message":"Incorrect API key","code":"invalid"}}"#,
        )
    })
    .await;
    let mut local = cloud(&fake.url);
    local.kind = ModelKind::Local;
    let router = router(vec![local]);
    let error = router.chat(question(&[])).await.unwrap_err();
    let message = "Incorrect API key".to_owned();
    assert_eq!(
        error,
        ModelError::Refused {
            status: 401,
            message
        }
    );
    let health = router.health().await;
    assert!(health[0].reachable && !health[0].model_present);
    assert_eq!(
        health[0].error.as_deref(),
        Some("it refuses the key (status 401)")
    );
}

#[tokio::test]
async fn health_is_the_list_of_models() {
    let fake = Fake::start(|_, request| match request.line.as_str() {
        "GET /v1/models" => Reply::plain(200, "", r#"{"data":[{"id":"a"},{"id":"gpt-x"}]}"#),
        "GET /other/v1/models" => Reply::plain(200, "", r#"{"data":[{"id":"a"}]}"#),
        _ => Reply::plain(404, "", ""),
    })
    .await;
    let at = |id: &str, path: &str| ModelSpec {
        id: id.to_owned(),
        ..cloud(&fake.url.join(path).unwrap())
    };
    let router = router(vec![
        at("has", ""),
        at("has not", "other/"),
        at("no list", "none/"),
    ]);
    let health = router.health().await;
    let seen: Vec<_> = health
        .iter()
        .map(|it| (it.reachable, it.is_usable()))
        .collect();
    assert_eq!(seen, [(true, true), (true, false), (true, true)]);
    assert_eq!(
        health[1].error.as_deref(),
        Some("gpt-x is not offered there")
    );
}

#[tokio::test]
async fn vectors_from_both_protocols() {
    let fake = Fake::start(|_, request| match request.line.as_str() {
        "POST /v1/embeddings" => Reply::plain(
            200,
            "",
            r#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":7}}"#,
        ),
        "POST /api/embed" => {
            Reply::plain(200, "", r#"{"embeddings":[[1],[2]],"prompt_eval_count":7}"#)
        }
        _ => Reply::plain(500, "", ""),
    })
    .await;
    let mut openai = cloud(&fake.url);
    openai.kind = ModelKind::Local;
    let mut blind = crate::model("blind", &[&fake.url]);
    blind.capabilities.embeddings = false;
    let router = router(vec![openai, crate::model("m", &[&fake.url]), blind]);
    let ask = |model: &str| EmbedRequest {
        model: model.to_owned(),
        inputs: vec!["a".to_owned(), "b".to_owned()],
        ..EmbedRequest::default()
    };
    for model in ["cloud", "m"] {
        let got = router.embed(ask(model)).await.unwrap();
        assert_eq!(got.vectors, [[1.0], [2.0]]);
        assert_eq!(
            (got.prompt_tokens, got.chosen.model_id.as_str()),
            (7, model)
        );
    }
    assert_eq!(router.embed(ask("x")).await.unwrap_err().code(), "no_model");
    assert_eq!(
        router.embed(ask("blind")).await.unwrap_err().code(),
        "unsupported"
    );
    assert!(router.snapshot().iter().all(|it| it.in_flight == 0));
}
