//! A way to a server that a test can close and open, to see what happens while it is away.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Goes to one server.
pub struct Proxy {
    pub address: SocketAddr,
    open: watch::Sender<bool>,
    /// From where the server sees us.
    seen_as: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Proxy {
    /// An open way to `host:port`.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, is_open) = watch::channel(true);
        let seen_as = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&seen_as);
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let (server, mut is_open, seen) =
                    (server.clone(), is_open.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    if !*is_open.borrow() {
                        return; // Hangs up.
                    }
                    let mut to = TcpStream::connect(server).await.unwrap();
                    seen.lock().unwrap().push(to.local_addr().unwrap());
                    tokio::select! {
                        _ = copy_bidirectional(&mut from, &mut to) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self {
            address,
            open,
            seen_as,
        }
    }

    /// Lets nobody through any more, and cuts whoever is.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub fn seen_as(&self) -> Vec<SocketAddr> {
        self.seen_as.lock().unwrap().clone()
    }
}
