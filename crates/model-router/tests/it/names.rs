//! The seven models by their own names, each on a real Ollama server of its own (the small model
//! under every name), and what becomes of questions while these are slowed, stopped and killed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::future::join_all;
use onelastai_model_router::{ChatRequest, ModelRouter, RouterConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    time::{Duration, sleep, timeout},
};
use url::Url;

use crate::{
    config,
    ollama::{Ollama, PATIENCE},
    question, rest, strict,
};

/// Longer than any of them takes when it is well.
const FIRST_TOKEN: Duration = Duration::from_secs(6);

/// The way to a server, which can be made so slow that no answer begins in time.
struct Way {
    url: Url,
    slow: Arc<AtomicBool>,
}

impl Way {
    async fn to(server: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let slow = Arc::new(AtomicBool::new(false));
        let server = server.socket_addrs(|| None).unwrap()[0];
        let is_slow = slow.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let never = Arc::new(AtomicBool::new(false));
                tokio::spawn(carry(from_client, to_server, never));
                tokio::spawn(carry(from_server, to_client, is_slow.clone()));
            }
        });
        Self {
            url: url.parse().unwrap(),
            slow,
        }
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, slow: Arc<AtomicBool>) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if slow.load(Ordering::Relaxed) {
            sleep(3 * FIRST_TOKEN).await;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
}

fn asking(user: u128, mut request: ChatRequest) -> ChatRequest {
    request.messages[0].content = "Count from one to one hundred.".to_owned();
    request.parameters.max_tokens = Some(8);
    request.policy.user = user;
    request
}

/// So many people ask for these models at once; which ones give them whole answers.
async fn answered_by(router: &ModelRouter, people: u128, preferences: &[&str]) -> Vec<String> {
    let answers = (0..people).map(|user| async move {
        let asked = asking(user, question(preferences));
        let mut stream = router.chat(asked).await.expect("nobody answers");
        let words = rest(&mut stream).await;
        assert_eq!(words.last().map(String::as_str), Some("done"));
        let preferred = stream.chosen.model_id == preferences[0];
        assert_eq!(stream.chosen.fallback, !preferred, "{:?}", stream.chosen);
        stream.chosen.model_id.clone()
    });
    join_all(answers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_is_slowed_stopped_or_killed_is_stood_in_for() {
    let mut models = RouterConfig::seven_defaults("127.0.0.1");
    let started = models.iter().map(|model| Ollama::named(&model.engine_name));
    let mut servers = join_all(started).await;
    let way = Way::to(&servers[0].url).await;
    for (model, server) in models.iter_mut().zip(&servers) {
        model.instances[0].url = server.url.clone();
    }
    models[0].instances[0].url = way.url.clone();
    let at_home: Vec<_> = models
        .iter()
        .map(|model| (model.id.clone(), model.instances[0].url.clone()))
        .collect();
    let mut config = config(models);
    config.first_token_timeout = FIRST_TOKEN;
    config.load_timeout = 3 * FIRST_TOKEN;
    config.queue_timeout = PATIENCE;
    let router = ModelRouter::new(config).unwrap();
    let ready = async { while !router.health().await.iter().all(|it| it.is_usable()) {} };
    timeout(PATIENCE, ready)
        .await
        .expect("the servers don't start");

    // Each by its name, at its own server.
    let each = at_home.iter().map(|(id, url)| {
        let router = &router;
        async move {
            let mut stream = router.chat(asking(1, strict(&[id]))).await.unwrap();
            assert_eq!(rest(&mut stream).await.last().unwrap(), "done", "{id}");
            assert_eq!(stream.chosen.model_id, *id);
            assert_eq!(stream.chosen.instance, *url);
        }
    });
    join_all(each).await;

    way.slow.store(true, Ordering::Relaxed);
    let by = answered_by(&router, 5, &["llama3.2", "gemma3"]).await;
    assert_eq!(by, ["gemma3"; 5], "one is slowed");

    servers[2].signal("STOP");
    let by = answered_by(&router, 5, &["phi4", "deepseek-r1"]).await;
    assert_eq!(by, ["deepseek-r1"; 5], "one is stopped");

    for at in [1, 3, 4, 5] {
        servers[at].kill();
    }
    let by = answered_by(&router, 5, &["deepseek-r1", "gemma3", "mistral"]).await;
    assert_eq!(by, ["mistral"; 5], "only one is left");
    let error = router.chat(asking(1, strict(&["gpt-oss"]))).await.err();
    assert_eq!(error.unwrap().code(), "unreachable", "nobody stands in");
}
