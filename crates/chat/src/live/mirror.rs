//! The same log in Redis, for the other replicas: one stream for each answer, entry
//! `n-0` is event number n. A number is added once, whoever tries again.
//!
//! Redis may be away at any time. The answer goes on without it, its readers on this
//! replica notice nothing, and what is missing there is written when it is back.

use std::{sync::Arc, time::Duration};

use onelastai_types::{GenerationId, StreamEvent};
use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, RedisError, RedisResult,
    aio::{ConnectionManager, MultiplexedConnection},
    streams::{StreamRangeReply, StreamReadOptions, StreamReadReply},
};

use super::Log;

/// How long the events of an answer outlive its last one, in seconds.
const KEEP_SECONDS: i64 = 600;
/// How long a reader waits for more before it looks whether anybody still reads.
const BLOCK: Duration = Duration::from_millis(1000);
/// How often events are copied while an answer grows: a reader on another replica sees ten
/// updates a second, and Redis and we have half the work.
const PACE: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_millis(500);
/// After so many failures a finished log is no longer copied.
const GIVE_UP: u32 = 60;
const FIELD: &str = "event";

/// The logs in Redis.
#[derive(Clone)]
pub struct RedisMirror {
    client: Client,
    connection: ConnectionManager,
}

fn key(generation: GenerationId) -> String {
    // The braces keep all keys of one answer on one node of a cluster.
    format!("onelastai:generation:{{{generation}}}:events")
}

impl RedisMirror {
    /// Writes through `connection`; readers that wait get connections of their own.
    #[must_use]
    pub fn new(client: Client, connection: ConnectionManager) -> Self {
        Self { client, connection }
    }

    /// Copies a log to Redis until it is over.
    pub(super) fn follow(&self, generation: GenerationId, log: Arc<Log>) {
        let mut mirror = self.clone();
        tokio::spawn(async move {
            let (mut written, mut failures) = (0, 0);
            while let Some(events) = log.after(written).await {
                match mirror.append(generation, written, &events).await {
                    Ok(()) => {
                        written += events.len() as u64;
                        if !log.is_over() {
                            tokio::time::sleep(PACE).await;
                        }
                    }
                    // The result is in PostgreSQL by now.
                    Err(_) if log.is_over() && failures > GIVE_UP => return,
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(%generation, %error, "can't copy events to Redis yet");
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        });
    }

    async fn append(
        &mut self,
        generation: GenerationId,
        after: u64,
        events: &[StreamEvent],
    ) -> RedisResult<()> {
        let key = key(generation);
        let mut pipeline = redis::pipe();
        for (event, number) in events.iter().zip(after + 1..) {
            let json = serde_json::to_string(event).map_err(|_| {
                RedisError::from((redis::ErrorKind::Client, "an event that is no JSON"))
            })?;
            pipeline
                .xadd(&key, format!("{number}-0"), &[(FIELD, json)])
                .ignore();
        }
        pipeline.expire(&key, KEEP_SECONDS).ignore();
        match pipeline.query_async(&mut self.connection).await {
            // An earlier try got through although its answer did not come back.
            Err(error) if error.to_string().contains("equal or smaller") => Ok(()),
            other => other,
        }
    }

    /// Adds events after whatever is there: only for an answer whose maker is gone.
    pub(super) async fn append_last(&self, generation: GenerationId, events: Vec<StreamEvent>) {
        let mut mirror = self.clone();
        let last: RedisResult<StreamRangeReply> = mirror
            .connection
            .xrevrange_count(key(generation), "+", "-", 1)
            .await;
        let number = last
            .ok()
            .and_then(|reply| Some(number_of(&reply.ids.first()?.id)));
        // Without an entry nobody can be reading.
        if let Some(number) = number
            && let Err(error) = mirror.append(generation, number, &events).await
        {
            tracing::warn!(%generation, %error, "can't tell readers that an answer ended");
        }
    }

    /// A log that follows the one in Redis as long as somebody holds it; `None` where
    /// Redis has none.
    pub(super) async fn tail(&self, generation: GenerationId) -> Option<Arc<Log>> {
        let mut connection = self.connection.clone();
        let exists: RedisResult<bool> = connection.exists(key(generation)).await;
        match exists {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                tracing::warn!(%generation, %error, "can't read events from Redis");
                return None;
            }
        }
        let log = Arc::new(Log::default());
        let (client, weak) = (self.client.clone(), Arc::downgrade(&log));
        tokio::spawn(async move {
            let mut tail = Tail {
                client,
                connection: None,
                generation,
                read: 0,
            };
            while weak.strong_count() > 0 {
                let batch = tail.next().await;
                let Some(log) = weak.upgrade() else { return };
                match batch {
                    Ok(events) => {
                        for event in events {
                            log.append(event);
                        }
                        if log.is_over() {
                            return;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%generation, %error, "can't read events from Redis yet");
                        tail.connection = None;
                        drop(log);
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        });
        Some(log)
    }
}

fn number_of(id: &str) -> u64 {
    id.split_once('-')
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

/// Reads one answer's entries in order.
struct Tail {
    client: Client,
    /// A blocking read holds its connection, so it can't share one.
    connection: Option<MultiplexedConnection>,
    generation: GenerationId,
    read: u64,
}

impl Tail {
    /// What follows, as soon as there is something; empty after [`BLOCK`].
    async fn next(&mut self) -> RedisResult<Vec<StreamEvent>> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new().set_response_timeout(Some(BLOCK + BLOCK));
                self.client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?
            }
        };
        let options = StreamReadOptions::default()
            .block(BLOCK.as_millis() as usize)
            .count(1000);
        let from = format!("{}-0", self.read);
        let reply: Option<StreamReadReply> = connection
            .xread_options(&[key(self.generation)], &[from], &options)
            .await?;
        self.connection = Some(connection);
        let mut events = Vec::new();
        for entry in reply
            .into_iter()
            .flat_map(|reply| reply.keys)
            .flat_map(|key| key.ids)
        {
            // A gap would show as missing text; better to stop here and look again.
            if number_of(&entry.id) != self.read + 1 {
                break;
            }
            let Some(event) = entry
                .get::<String>(FIELD)
                .and_then(|json| serde_json::from_str(&json).ok())
            else {
                break;
            };
            self.read += 1;
            events.push(event);
        }
        Ok(events)
    }
}
