//! How a server hears that models have changed.

use std::{io, time::Duration};

use futures::StreamExt;
use redis::RedisResult;
use tokio::time::{sleep, timeout};

use crate::service::{CHANNEL, ModelService};

/// What Redis did not tell is seen after this long.
const EVERY: Duration = Duration::from_secs(30);
/// Where the database or Redis is away.
const RETRY: Duration = Duration::from_secs(2);
/// A connection that was silent so long is asked whether it is still there.
const PING: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(5);

impl ModelService {
    /// Keeps this server's router up to date. Never returns.
    pub async fn follow(&self) {
        tokio::join!(self.reread(), self.hear());
    }

    async fn reread(&self) {
        let mut away = false;
        loop {
            match self.reload().await {
                Ok(changed) => {
                    self.look(changed);
                    if std::mem::replace(&mut away, false) {
                        tracing::info!("the stored models can be read again");
                    }
                    sleep(EVERY).await;
                }
                Err(error) => {
                    // Once is enough for the log.
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(%error, "can't read the stored models");
                    }
                    sleep(RETRY).await;
                }
            }
        }
    }

    async fn hear(&self) {
        let mut away = false;
        loop {
            if let Err(error) = self.listen(&mut away).await
                && !std::mem::replace(&mut away, true)
            {
                tracing::warn!(%error, "not told of changed models: they are read every 30 s");
            }
            sleep(RETRY).await;
        }
    }

    async fn listen(&self, away: &mut bool) -> RedisResult<()> {
        let late = || redis::RedisError::from(io::Error::from(io::ErrorKind::TimedOut));
        let subscription = async {
            let (mut sink, stream) = self.client().get_async_pubsub().await?.split();
            sink.subscribe(CHANNEL).await?;
            RedisResult::Ok((sink, stream))
        };
        let subscription = timeout(PATIENCE, subscription).await;
        let (mut sink, mut stream) = subscription.map_err(|_| late())??;
        if std::mem::replace(away, false) {
            tracing::info!("told of changed models again");
        }
        // For what was said before anybody listened here.
        self.take_over().await;
        loop {
            match timeout(PING, stream.next()).await {
                Ok(Some(_)) => self.take_over().await,
                Ok(None) => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                Err(_) => {
                    let ping = timeout(PATIENCE, sink.ping::<redis::Value>()).await;
                    ping.map_err(|_| late())??;
                }
            }
        }
    }

    async fn take_over(&self) {
        match self.reload().await {
            Ok(changed) => self.look(changed),
            Err(error) => {
                tracing::debug!(%error, "can't read the models that were changed elsewhere");
            }
        }
    }
}
