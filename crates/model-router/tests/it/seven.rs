//! Seven real Ollama servers, and what becomes of people's questions while these are killed,
//! stopped and started again.
//!
//! Needs `OLLAMA_BINARY`, `OLLAMA_MODEL` and `OLLAMA_MODELS`, the folder that has it.

use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use futures::{StreamExt, future::join_all};
use onelastai_model_router::{ChatEvent, ChatRequest, Health, ModelRouter, ModelSpec};
use tokio::{
    net::TcpListener,
    time::{Duration, timeout},
};
use url::Url;

use crate::{config, question, rest};

/// Far longer than it takes on a machine that has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(60);

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: source tools/env.sh first"))
}

/// A real server in a process group of its own, with the runners that it starts.
struct Ollama {
    url: Url,
    home: PathBuf,
    process: Child,
}

impl Ollama {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url: Url = format!("http://{address}/").parse().unwrap();
        let home = env::temp_dir().join(format!("onelastai-{}-{address}", std::process::id()));
        drop(listener);
        let process = Self::run(&url, &home);
        Self { url, home, process }
    }

    fn run(url: &Url, home: &PathBuf) -> Child {
        use std::os::unix::process::CommandExt;

        fs::create_dir_all(home).unwrap();
        Command::new(setting("OLLAMA_BINARY"))
            .arg("serve")
            .env("HOME", home)
            .env("OLLAMA_HOST", url.as_str())
            .env("OLLAMA_MODELS", setting("OLLAMA_MODELS"))
            // The folder is others', too.
            .env("OLLAMA_NOPRUNE", "1")
            .env("OLLAMA_NO_CLOUD", "1")
            .env("OLLAMA_KEEP_ALIVE", "10m")
            .env("OLLAMA_CONTEXT_LENGTH", "512")
            .env("OLLAMA_NUM_PARALLEL", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// Starts it again where it was.
    fn again(&mut self) {
        self.process = Self::run(&self.url, &self.home);
    }

    /// Sends this signal to the server and its runners.
    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.process.id());
        let sent = Command::new("kill")
            .args(["-s", signal, "--", &group])
            .status();
        assert!(sent.unwrap().success());
    }

    fn kill(&mut self) {
        self.signal("KILL");
        self.process.wait().unwrap();
    }
}

impl Drop for Ollama {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.kill();
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}

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
