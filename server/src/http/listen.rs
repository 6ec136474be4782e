//! Connections: HTTP/1.1, as browsers and proxies speak it where there is no TLS.
//!
//! `axum::serve` has no limit of time for the head of a request, so that whoever sends a byte now
//! and then holds a connection for ever; and it looks for HTTP/2 first, which costs each
//! connection a buffer of twice the size.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, serve::Listener};
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// How connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct ListenSettings {
    /// How long a connection may take to send the head of its next request; also how long one
    /// may be idle. Longer than proxies keep theirs (nginx: 60 s), or they would now and then
    /// send a request into one that is just being closed.
    pub head: Duration,
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(75),
        }
    }
}

/// Serves `app`, which finds the peer's address as [`ConnectInfo`], until `stop` resolves; then
/// takes no more connections and waits until each has ended its request.
pub async fn serve(
    mut listener: TcpListener,
    app: Router,
    settings: ListenSettings,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.head);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        // That of axum goes on where there are no files left for a moment.
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        at_once(&stream);
        let service = app.clone().map_request(move |request| told(request, peer));
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "a connection broke off");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

fn told(request: Request<Incoming>, peer: SocketAddr) -> Request<Body> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// A token must not wait in the kernel for the next one.
fn at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can't set TCP_NODELAY");
    }
}

#[cfg(test)]
mod tests {
    use axum::{extract::Extension, routing::get};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::{Notify, oneshot},
        task::JoinHandle,
    };

    use super::*;

    async fn connected(
        app: Router,
        head: Duration,
    ) -> (TcpStream, oneshot::Sender<()>, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let server = tokio::spawn(serve(listener, app, ListenSettings { head }, stopped));
        (TcpStream::connect(address).await.unwrap(), stop, server)
    }

    async fn rest(mut stream: TcpStream) -> String {
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        all
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_ends_the_connection() {
        let (mut stream, _stop, _server) =
            connected(Router::new(), Duration::from_millis(20)).await;
        stream.write_all(b"GET / HT").await.unwrap();
        // It would wait for ever.
        assert_eq!(rest(stream).await, "");
    }

    #[tokio::test]
    async fn a_stop_lets_requests_end_and_tells_who_called() {
        let begun = std::sync::Arc::new(Notify::new());
        let (answer, answered) = oneshot::channel::<()>();
        let answered = std::sync::Arc::new(tokio::sync::Mutex::new(Some(answered)));
        let show = {
            let begun = std::sync::Arc::clone(&begun);
            move |Extension(ConnectInfo(peer)): Extension<ConnectInfo<SocketAddr>>| async move {
                begun.notify_one();
                if let Some(answered) = answered.lock().await.take() {
                    drop(answered.await);
                }
                peer.to_string()
            }
        };
        let app = Router::new().route("/", get(show));
        let (mut stream, stop, server) = connected(app, Duration::from_secs(60)).await;
        let own = stream.local_addr().unwrap().to_string();
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        begun.notified().await;
        stop.send(()).unwrap();
        assert!(!server.is_finished());
        answer.send(()).unwrap();
        let all = rest(stream).await;
        assert!(all.starts_with("HTTP/1.1 200"), "{all}");
        assert!(all.ends_with(&own), "{all}");
        server.await.unwrap();
    }
}
