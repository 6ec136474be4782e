//! The same against a real Ollama. These fail, rather than pass unseen, where there is none.

use std::env;

use futures::StreamExt;
use onelastai_model_router::{
    ChatEvent, EmbedRequest, FinishReason, Format, InstanceSpec, ModelRouter, ModelSpec,
    Parameters, ProviderKind, Tool, ToolChoice,
};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::{config, question, rest, strict};

/// Enough for a small model on a slow machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: these tests need a running Ollama; set OLLAMA_URLS and OLLAMA_MODEL"
        )
    })
}

/// A router over the real instances, over `missing`, a model that none of them has, and over
/// `openai`, the real one by Ollama's OpenAI-compatible endpoint.
fn real() -> ModelRouter {
    let urls = setting("OLLAMA_URLS");
    let instances: Vec<_> = urls
        .split(',')
        .map(|line| InstanceSpec::read(line, 1).expect("OLLAMA_URLS"))
        .collect();
    let model = |id, name: &str| ModelSpec {
        instances: instances.clone(),
        ..ModelSpec::ollama(id, name, Vec::new())
    };
    let mut openai = model("openai", &setting("OLLAMA_MODEL"));
    openai.provider = ProviderKind::OpenAi;
    for instance in &mut openai.instances {
        instance.url = instance.url.join("v1").unwrap();
    }
    let models = vec![
        model("real", &setting("OLLAMA_MODEL")),
        model("missing", "no-such-model:1b"),
        openai,
    ];
    let mut config = config(models);
    config.first_token_timeout = PATIENCE;
    config.idle_timeout = PATIENCE;
    ModelRouter::new(config).unwrap()
}

fn short() -> Parameters {
    Parameters {
        temperature: Some(0.0),
        seed: Some(1),
        max_tokens: Some(8),
        ..Parameters::default()
    }
}

#[tokio::test]
async fn a_real_answer_streams_and_counts_its_tokens_by_both_protocols() {
    for model in ["real", "openai"] {
        streams_and_counts(model).await;
    }
}

#[tokio::test]
async fn a_model_that_knows_no_tools_answers_in_words_where_it_may() {
    let mut request = strict(&["real"]);
    request.parameters = short();
    request.tools = vec![Tool {
        name: "weather".to_owned(),
        description: None,
        parameters: None,
        strict: None,
    }];
    let mut stream = real().chat(request.clone()).await.unwrap();
    assert_eq!(rest(&mut stream).await.last().unwrap(), "done");

    // Where it must, the form of its answer sees to that.
    request.tool_choice = ToolChoice::Required;
    let mut stream = real().chat(request).await.unwrap();
    let called = rest(&mut stream).await;
    assert!(called[0].starts_with("weather({"), "{called:?}");
    assert_eq!(called.last().unwrap(), "done");
}

async fn streams_and_counts(model: &str) {
    let mut request = strict(&[model]);
    request.messages[0].content = "Count from one to one hundred in words.".to_owned();
    request.parameters = short();
    let mut stream = real().chat(request).await.unwrap();
    let (mut pieces, mut usage) = (Vec::new(), None);
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            ChatEvent::Text(text) => pieces.push(text),
            ChatEvent::Thinking(_) | ChatEvent::ToolCall(_) => {}
            ChatEvent::Done(counted) => usage = Some(counted),
        }
    }
    let usage = usage.expect("it ends with Done");
    assert!(
        pieces.len() > 1 && pieces.len() <= 8,
        "it comes in pieces: {pieces:?}"
    );
    assert_eq!(
        (usage.completion_tokens, usage.finish_reason),
        (8, FinishReason::Length)
    );
    assert!(
        usage.prompt_tokens > 5 && (usage.eval_ms > 0 || model == "openai"),
        "{usage:?}"
    );
}

#[tokio::test]
async fn real_json_fits_its_schema_by_both_protocols() {
    for model in ["real", "openai"] {
        let mut request = strict(&[model]);
        request.messages[0].content = "How many legs has a cat?".to_owned();
        request.parameters = Parameters {
            max_tokens: Some(40),
            ..short()
        };
        request.format = Format::JsonSchema {
            name: "legs".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {"legs": {"type": "integer", "minimum": 0, "maximum": 9}},
                "required": ["legs"],
            }),
            strict: true,
        };
        let mut stream = real().chat(request).await.unwrap();
        let mut said = crate::rest(&mut stream).await;
        assert_eq!(said.pop().as_deref(), Some("done"));
        let answer: Value = serde_json::from_str(&said.concat()).unwrap();
        assert!(answer["legs"].is_u64(), "{model}: {answer}");
    }
}

#[tokio::test]
async fn real_vectors_are_the_same_by_both_protocols() {
    let router = real();
    let mut found = Vec::new();
    for model in ["real", "openai"] {
        let inputs = ["The cat sleeps.", "Stars are far away."].map(str::to_owned);
        let request = EmbedRequest {
            model: model.to_owned(),
            inputs: inputs.to_vec(),
            ..EmbedRequest::default()
        };
        let got = router.embed(request).await.unwrap();
        assert!(
            got.prompt_tokens > 5 && got.vectors[0].len() > 100,
            "{model}"
        );
        found.push(got.vectors);
    }
    let near = |(one, other): (&f32, &f32)| (one - other).abs() < 1e-3;
    let same = |at: usize| found[0][at].iter().zip(&found[1][at]).all(near);
    assert!(same(0) && same(1));
    assert_ne!(found[0][0], found[0][1]);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answer() {
    let router = real();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let mut request = question(&["real"]);
        request.parameters = Parameters {
            temperature: Some(0.8),
            seed: Some(42),
            ..short()
        };
        let mut stream = router.chat(request).await.unwrap();
        answers.push(crate::rest(&mut stream).await.concat());
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_real_missing_model() {
    let error = real().chat(strict(&["missing"])).await.unwrap_err();
    assert_eq!(error.code(), "model_missing");
    assert_eq!(
        error.to_string(),
        "missing is not installed on its model server"
    );
}

#[tokio::test]
async fn the_next_model_answers_in_place_of_a_missing_one() {
    let mut request = question(&["missing", "real"]);
    request.parameters = short();
    // With one instance the second try is the next model; with several it is the missing one's
    // second instance, after which all of them are known to lack it.
    let router = real();
    let instances = router.models()[0].instances.len();
    for _ in 0..instances / 2 {
        router.chat(request.clone()).await.unwrap_err();
    }
    let mut stream = router.chat(request).await.unwrap();
    assert_eq!(stream.chosen.model_id, "real");
    assert_eq!(
        crate::rest(&mut stream).await.last().map(String::as_str),
        Some("done")
    );
}

#[tokio::test]
async fn dropping_a_real_answer_makes_the_engine_stop() {
    let router = real();
    let long = |tokens| {
        let mut request = question(&["real"]);
        request.messages[0].content = "Write a very long story.".to_owned();
        request.parameters = Parameters {
            max_tokens: Some(tokens),
            ..short()
        };
        request
    };
    let mut stream = router.chat(long(1500)).await.unwrap();
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Text(_)))));
    }
    let all_of_it = begun.elapsed() * (1500 / 20);
    drop(stream);
    // A server that went on with the long answer would keep this one waiting for all of it.
    let asked = Instant::now();
    let mut next = router.chat(long(2)).await.unwrap();
    let waited = asked.elapsed();
    assert_eq!(
        crate::rest(&mut next).await.last().map(String::as_str),
        Some("done")
    );
    assert!(
        waited < all_of_it / 2,
        "waited {waited:?}, the long answer takes {all_of_it:?}"
    );
}

#[tokio::test]
async fn real_health() {
    let router = real();
    let mut request = question(&["real"]);
    request.parameters = short();
    let mut stream = router.chat(request).await.unwrap();
    let used = stream.chosen.instance.clone();
    crate::rest(&mut stream).await;
    let health = router.health().await;
    for instance in &health {
        assert!(
            instance.reachable && (instance.version.is_some() || instance.model_id == "openai"),
            "{instance:?}"
        );
        assert_eq!(
            instance.model_present,
            instance.model_id != "missing",
            "{instance:?}"
        );
        assert_eq!(
            instance.error.is_none(),
            instance.is_usable(),
            "{instance:?}"
        );
    }
    assert!(
        health.iter().any(|h| h.instance == used && h.loaded),
        "{health:?}"
    );
}
