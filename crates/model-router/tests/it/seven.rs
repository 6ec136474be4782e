//! Seven real Ollama servers, and what becomes of people's questions while these are killed,
//! stopped and started again.

use futures::{StreamExt, future::join_all};
use onelastai_model_router::{ChatEvent, ChatRequest, Health, ModelRouter, ModelSpec};
use tokio::time::{Duration, timeout};
use url::Url;

use crate::{
    config,
    ollama::{Ollama, PATIENCE, setting},
    question, rest,
};

fn router(servers: &[Ollama]) -> ModelRouter {
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    let mut model = ModelSpec::ollama("m", &setting("OLLAMA_MODEL"), urls);
    for instance in &mut model.instances {
        instance.slots = 1;
    }
    let mut config = config(vec![model]);
    config.first_token_timeout = Duration::from_secs(6);
    config.load_timeout = Duration::from_secs(20);
    config.idle_timeout = Duration::from_secs(10);
    config.queue_timeout = PATIENCE;
    ModelRouter::new(config).unwrap()
}

fn asking(user: u128, tokens: u32) -> ChatRequest {
    let mut request = question(&[]);
    request.messages[0].content = "Count from one to one hundred.".to_owned();
    request.parameters.max_tokens = Some(tokens);
    request.policy.user = user;
    request
}

/// So many people ask at once, and all get a whole answer.
async fn all_are_answered(router: &ModelRouter, people: u128, when: &str) {
    let answers = (0..people).map(|user| async move {
        let mut stream = router.chat(asking(user, 8)).await?;
        let mut said = 0;
        while let Some(event) = stream.next().await {
            said += usize::from(matches!(event?, ChatEvent::Text(_)));
        }
        Ok::<_, onelastai_model_router::ModelError>(said)
    });
    for answer in join_all(answers).await {
        let said = answer.unwrap_or_else(|error| panic!("{when}: {error}"));
        assert!(said > 0, "{when}: an empty answer");
    }
}

fn health_of(router: &ModelRouter, url: &Url) -> Health {
    let states = router.snapshot();
    states.iter().find(|it| it.instance == *url).unwrap().health
}

/// People go on asking until this instance is well.
async fn comes_back(router: &ModelRouter, url: &Url) {
    let back = async {
        loop {
            let checked = router.check("m", url).await.unwrap();
            if checked.is_usable() && health_of(router, url) == Health::Well {
                break;
            }
            all_are_answered(router, 7, "while one comes back").await;
        }
    };
    timeout(PATIENCE, back).await.expect("it stays away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_an_error_while_one_can_answer() {
    let mut servers = Vec::new();
    for _ in 0..7 {
        servers.push(Ollama::start().await);
    }
    let router = router(&servers);
    let ready = async { while !router.health().await.iter().all(|it| it.is_usable()) {} };
    timeout(PATIENCE, ready)
        .await
        .expect("the servers don't start");
    all_are_answered(&router, 7, "all are well").await;

    // Killed while it answers: that answer breaks off, everybody else's is whole.
    let mut stream = router.chat(asking(1, 400)).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Text(_)))));
    let at = stream.chosen.instance.clone();
    let killed = servers.iter_mut().position(|it| it.url == at).unwrap();
    servers[killed].kill();
    let (rest, ()) = tokio::join!(
        rest(&mut stream),
        all_are_answered(&router, 9, "one is killed")
    );
    assert_eq!(rest.last().map(String::as_str), Some("interrupted"));
    assert_eq!(health_of(&router, &at), Health::Ejected);

    // It says nothing any more, but its connections stay open.
    let stopped = (killed + 1) % 7;
    servers[stopped].signal("STOP");
    all_are_answered(&router, 9, "another is stopped").await;
    assert_eq!(health_of(&router, &servers[stopped].url), Health::Ejected);
    servers[stopped].signal("CONT");
    comes_back(&router, &servers[stopped].url.clone()).await;

    // All but one, at once; then one of them is there again.
    let last = (killed + 2) % 7;
    for at in (0..7).filter(|at| ![killed, last].contains(at)) {
        servers[at].kill();
    }
    all_are_answered(&router, 5, "only one is left").await;
    servers[killed].again();
    comes_back(&router, &servers[killed].url.clone()).await;
    servers[last].kill();
    all_are_answered(&router, 3, "only the one that came back is left").await;
}
