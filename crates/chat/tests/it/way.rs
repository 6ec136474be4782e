//! A way to PostgreSQL that breaks when a commit took effect but its word is not back yet.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use onelastai_db::PgPool;
use sqlx::postgres::{PgPoolOptions, PgSslMode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The way, and a pool of connections that go it.
pub struct Way {
    pub pool: PgPool,
    breaks: Arc<AtomicBool>,
}

impl Way {
    /// To the database of `pool`, over TCP.
    pub async fn to(pool: &PgPool) -> Self {
        let options = pool.connect_options();
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let breaks = Arc::new(AtomicBool::new(false));
        let broken = breaks.clone();
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                let to = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(from, to, broken.clone()));
            }
        });
        let options = options.as_ref().clone();
        let options = options.host("127.0.0.1").port(port);
        let pool = PgPoolOptions::new()
            .max_connections(5)
            .connect_lazy_with(options.ssl_mode(PgSslMode::Disable));
        Self { pool, breaks }
    }

    /// The next commit gets there, and nobody hears of it.
    pub fn break_at_commit(&self) {
        self.breaks.store(true, Ordering::SeqCst);
    }

    /// Whether there was such a commit.
    pub fn has_broken(&self) -> bool {
        !self.breaks.load(Ordering::SeqCst)
    }
}

fn tells_of_commit(part: &[u8]) -> bool {
    part.windows(6).any(|window| window == b"COMMIT")
}

/// Carries what both sides say until one hangs up, or it breaks.
async fn carry(mut from: TcpStream, mut to: TcpStream, breaks: Arc<AtomicBool>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut breaking = false;
    loop {
        let carried = tokio::select! {
            count = from.read(&mut asked) => {
                let Ok(count @ 1..) = count else { return };
                let part = &asked[..count];
                breaking |= tells_of_commit(part) && breaks.swap(false, Ordering::SeqCst);
                to.write_all(part).await
            }
            count = to.read(&mut answered) => {
                let Ok(count @ 1..) = count else { return };
                let part = &answered[..count];
                if breaking && tells_of_commit(part) {
                    return;
                }
                from.write_all(part).await
            }
        };
        if carried.is_err() {
            return;
        }
    }
}
