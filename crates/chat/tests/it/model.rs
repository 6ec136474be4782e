//! A model server that does as it is told: Ollama's protocol, one token per permit.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use url::Url;

/// The last thing that it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `done: true` with counts.
    Done,
    /// The same, where the answer is as long as it may be.
    Full,
    /// The connection closes in the middle.
    Cut,
    /// An error inside the stream.
    Error,
}

/// The model's side of the story.
#[derive(Clone)]
pub struct Model {
    pub url: Url,
    /// Each permit is one token.
    tokens: Arc<Semaphore>,
    /// How many connections are being answered.
    pub open: watch::Receiver<usize>,
    /// How many requests came in all.
    requests: Arc<AtomicUsize>,
    last: Arc<Mutex<String>>,
}

#[derive(Clone)]
struct Server {
    tokens: Arc<Semaphore>,
    count: usize,
    end: End,
    open: watch::Sender<usize>,
    requests: Arc<AtomicUsize>,
    last: Arc<Mutex<String>>,
}

/// Counts an open connection as long as it lives.
struct Guard(watch::Sender<usize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Model {
    /// A model that says `t0 t1 …`, `count` tokens, and then `end`.
    pub async fn start(count: usize, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let (open, watched) = watch::channel(0);
        let server = Server {
            tokens: Arc::new(Semaphore::new(0)),
            count,
            end,
            open,
            requests: Arc::default(),
            last: Arc::default(),
        };
        let model = Self {
            url,
            tokens: server.tokens.clone(),
            open: watched,
            requests: server.requests.clone(),
            last: server.last.clone(),
        };
        let app = Router::new()
            .route("/api/chat", post(chat))
            .route(
                "/api/version",
                get(|| async { Json(json!({"version": "test"})) }),
            )
            .with_state(server);
        tokio::spawn(async move { axum::serve(listener, app).await });
        model
    }

    /// Lets it say `count` more tokens.
    pub fn say(&self, count: usize) {
        self.tokens.add_permits(count);
    }

    /// Lets it say all it has.
    pub fn say_all(&self) {
        self.tokens.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// Waits until nobody is being answered.
    pub async fn is_left_alone(&self) {
        self.open.clone().wait_for(|open| *open == 0).await.unwrap();
    }

    /// How many requests came in all.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// What it was last told, as JSON.
    pub fn last_request(&self) -> String {
        self.last.lock().unwrap().clone()
    }
}

async fn chat(State(server): State<Server>, Json(request): Json<Value>) -> Response {
    *server.last.lock().unwrap() = request.to_string();
    server.requests.fetch_add(1, Ordering::SeqCst);
    server.open.send_modify(|open| *open += 1);
    let guard = Guard(server.open.clone());
    let lines = stream::unfold((server, 0, guard), |(server, at, guard)| async move {
        let line = if at < server.count {
            server.tokens.acquire().await.ok()?.forget();
            json!({"message": {"role": "assistant", "content": format!("t{at} ")}, "done": false})
        } else if at == server.count {
            match server.end {
                End::Cut => return None,
                End::Error => json!({"error": "out of memory"}),
                End::Done | End::Full => json!({
                    "message": {"role": "assistant", "content": ""}, "done": true,
                    "done_reason": if server.end == End::Full { "length" } else { "stop" }, "prompt_eval_count": 7, "eval_count": server.count,
                    "load_duration": 1, "prompt_eval_duration": 1, "eval_duration": 1,
                }),
            }
        } else {
            return None;
        };
        Some((
            Ok::<_, Infallible>(Bytes::from(format!("{line}\n"))),
            (server, at + 1, guard),
        ))
    });
    Response::new(Body::from_stream(lines))
}
