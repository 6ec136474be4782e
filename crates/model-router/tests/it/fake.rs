//! A model server that does exactly what a test says, down to single bytes on the wire.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use url::Url;

use crate::LONG;

/// What the server does with one request.
pub(crate) struct Reply {
    head: String,
    steps: Vec<Step>,
}

enum Step {
    Send(Vec<u8>),
    /// Work silently for so long.
    Work(Duration),
    /// Say nothing until the other side goes away.
    Hang,
    /// Close without ending the response.
    Cut,
}

impl Reply {
    /// 200 and a stream of these pieces, one HTTP chunk each.
    pub(crate) fn stream<T: AsRef<[u8]>>(pieces: impl IntoIterator<Item = T>) -> Self {
        let chunk = |piece: T| {
            let piece = piece.as_ref();
            Step::Send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat())
        };
        Self {
            head: "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
            steps: pieces.into_iter().map(chunk).collect(),
        }
    }

    /// A whole answer: these texts, then the end.
    pub(crate) fn answer(texts: &[&str]) -> Self {
        Self::stream(texts.iter().map(|text| say(text)).chain([DONE.to_owned()])).end()
    }

    /// A response that is not a stream.
    pub(crate) fn plain(status: u16, headers: &str, body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self {
            head,
            steps: Vec::new(),
        }
    }

    /// Not even the beginning of a response.
    pub(crate) fn silence() -> Self {
        Self {
            head: String::new(),
            steps: vec![Step::Hang],
        }
    }

    /// The connection closed in place of a response.
    pub(crate) fn nothing() -> Self {
        Self {
            head: String::new(),
            steps: vec![Step::Cut],
        }
    }

    /// The same with another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.head = self.head.replace("200 OK", &format!("{status} X"));
        self
    }

    /// The same after so long, as when a model is loaded first.
    pub(crate) fn after(mut self, time: Duration) -> Self {
        self.steps.insert(0, Step::Work(time));
        self
    }

    pub(crate) fn end(mut self) -> Self {
        self.steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
        self
    }

    pub(crate) fn hang(mut self) -> Self {
        self.steps.push(Step::Hang);
        self
    }

    pub(crate) fn cut(mut self) -> Self {
        self.steps.push(Step::Cut);
        self
    }
}

/// One line with a piece of text.
pub(crate) fn say(text: &str) -> String {
    format!(
        "{{\"model\":\"m\",\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"done\":false}}\n"
    )
}

pub(crate) const DONE: &str = "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"load_duration\":1000000,\"prompt_eval_count\":3,\"eval_count\":2,\"eval_duration\":5000000}\n";

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) line: String,
    /// All headers in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A running server; it lives as long as the test.
pub(crate) struct Fake {
    pub(crate) url: Url,
    state: Arc<State>,
    gone: watch::Receiver<usize>,
}

struct State {
    requests: Mutex<Vec<Request>>,
    connections: Mutex<usize>,
    gone: watch::Sender<usize>,
}

impl Fake {
    /// A server that gives every request this reply.
    pub(crate) async fn always(reply: fn() -> Reply) -> Self {
        Self::start(move |_, _| reply()).await
    }

    /// A server that replies to the request with this number, from 0.
    pub(crate) async fn start(
        reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let (gone, watched) = watch::channel(0);
        let state = Arc::new(State {
            requests: Mutex::default(),
            connections: Mutex::default(),
            gone,
        });
        let (shared, reply) = (Arc::clone(&state), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                *shared.connections.lock().unwrap() += 1;
                let (state, reply) = (Arc::clone(&shared), Arc::clone(&reply));
                // An I/O error here is the other side going away, which is up to it.
                tokio::spawn(
                    async move { serve(socket, &state, &*reply).await.unwrap_or_default() },
                );
            }
        });
        Self {
            url,
            state,
            gone: watched,
        }
    }

    /// An address where nobody listens.
    pub(crate) async fn nobody() -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }

    /// Waits until the other side has closed a connection on which the server was silent.
    pub(crate) async fn was_left(&self) {
        let mut gone = self.gone.clone();
        timeout(LONG, gone.wait_for(|gone| *gone > 0))
            .await
            .expect("the connection stayed open")
            .unwrap();
    }
}

async fn serve(
    socket: TcpStream,
    state: &State,
    reply: &(dyn Fn(usize, &Request) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    while let Some(request) = read(&mut socket).await? {
        let number = {
            let mut requests = state.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let reply = reply(number, &request);
        socket.write_all(reply.head.as_bytes()).await?;
        for step in reply.steps {
            match step {
                Step::Send(bytes) => socket.write_all(&bytes).await?,
                Step::Work(time) => tokio::time::sleep(time).await,
                Step::Cut => return Ok(()),
                Step::Hang => {
                    // Whatever comes now is the end of the connection, in one form or another.
                    let _ = socket.read(&mut [0]).await;
                    state.gone.send_modify(|gone| *gone += 1);
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn read(socket: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let (mut line, mut head) = (String::new(), String::new());
    if socket.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    while !head.ends_with("\r\n\r\n") && head != "\r\n" {
        socket.read_line(&mut head).await?;
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    socket.read_exact(&mut body).await?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Ok(Some(Request {
        line,
        head,
        body: String::from_utf8(body).unwrap(),
    }))
}
