//! The same log in Redis, for the other replicas: one stream for each answer, entry
//! `n-0` is event number n. A number is added once, whoever tries again.
//!
//! Redis may be away at any time. The answer goes on without it, its readers on this
//! replica notice nothing, and what is missing there is written when it is back: all of it
//! where Redis has forgotten some.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use onelastai_types::{GenerationId, StreamEvent};
use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, RedisError, RedisResult,
    aio::{ConnectionManager, MultiplexedConnection},
    streams::{StreamId, StreamRangeReply, StreamReadOptions, StreamReadReply},
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
                let end = written + events.len() as u64;
                match mirror.append(generation, written, &events).await {
                    // What came before them is gone: readers over there would miss it.
                    Ok(there) if written > 0 && there < end => {
                        tracing::warn!(%generation, "Redis has lost events");
                        written = 0;
                    }
                    Ok(_) => {
                        written = end;
                        if !log.is_over() {
                            tokio::time::sleep(PACE).await;
                        }
                    }
                    // The result is in PostgreSQL by now, or the reaper writes it.
                    Err(_) if (log.is_over() || log.is_closed()) && failures > GIVE_UP => return,
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(%generation, %error, "can't copy events to Redis yet");
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        });
    }

    /// Adds the events after number `after`, and tells how many there are then. From the
    /// start on they take the place of whatever is there.
    async fn append(
        &mut self,
        generation: GenerationId,
        after: u64,
        events: &[StreamEvent],
    ) -> RedisResult<u64> {
        let key = key(generation);
        let mut pipeline = redis::pipe();
        if after == 0 {
            // In one go: nobody may find less there than they have read.
            pipeline.atomic().del(&key).ignore();
        }
        for (event, number) in events.iter().zip(after + 1..) {
            let json = serde_json::to_string(event).map_err(|_| {
                RedisError::from((redis::ErrorKind::Client, "an event that is no JSON"))
            })?;
            pipeline
                .xadd(&key, format!("{number}-0"), &[(FIELD, json)])
                .ignore();
        }
        pipeline.expire(&key, KEEP_SECONDS).ignore().xlen(&key);
        let added = pipeline.query_async::<(u64,)>(&mut self.connection);
        match added.await {
            Ok((there,)) => Ok(there),
            // An earlier try got through although its answer did not come back.
            Err(error) if error.to_string().contains("equal or smaller") => {
                self.connection.xlen(&key).await
            }
            Err(error) => Err(error),
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

    /// A log that follows the one in Redis as long as somebody holds it, with everything that
    /// is there by now; `None` where Redis has none, or not all of it.
    pub(super) async fn tail(&self, generation: GenerationId) -> Option<Arc<Log>> {
        let events = match self.so_far(generation).await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%generation, %error, "can't read events from Redis");
                return None;
            }
        };
        if events.is_empty() {
            return None;
        }
        let tail = Tail {
            client: self.client.clone(),
            connection: None,
            generation,
            read: events.len() as u64,
        };
        let log = Arc::new(Log::default());
        for event in events {
            log.append(event);
        }
        if !log.is_over() {
            tokio::spawn(tail.fill(Arc::downgrade(&log)));
        }
        Some(log)
    }

    async fn so_far(&self, generation: GenerationId) -> Result<Vec<StreamEvent>, TailError> {
        let mut connection = self.connection.clone();
        let reply: StreamRangeReply = connection.xrange_all(key(generation)).await?;
        in_order(reply.ids, 0)
    }
}

/// Why the events of an answer can't be read from Redis.
#[derive(Debug, thiserror::Error)]
enum TailError {
    /// Redis is away.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Redis has lost some, or somebody wrote what we can't read.
    #[error("some of the events are missing")]
    Gap,
}

fn number_of(id: &str) -> u64 {
    id.split_once('-')
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

/// The events of `entries`, which have to be those right after number `after`: a gap would
/// show as missing text.
fn in_order(
    entries: impl IntoIterator<Item = StreamId>,
    after: u64,
) -> Result<Vec<StreamEvent>, TailError> {
    let event = |(entry, number): (StreamId, u64)| {
        let json = entry.get::<String>(FIELD);
        let json = json.filter(|_| number_of(&entry.id) == number);
        json.and_then(|json| serde_json::from_str::<StreamEvent>(&json).ok())
            .ok_or(TailError::Gap)
    };
    entries.into_iter().zip(after + 1..).map(event).collect()
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
    /// Adds to `log` what comes, as long as somebody holds it.
    async fn fill(mut self, log: Weak<Log>) {
        let generation = self.generation;
        while log.strong_count() > 0 {
            let batch = self.next().await;
            let Some(log) = log.upgrade() else { return };
            match batch {
                Ok(events) => {
                    for event in events {
                        log.append(event);
                    }
                    if log.is_over() {
                        return;
                    }
                }
                Err(error @ TailError::Gap) => {
                    tracing::warn!(%generation, %error, "can't follow an answer in Redis");
                    log.close();
                    return;
                }
                Err(error @ TailError::Redis(_)) => {
                    tracing::warn!(%generation, %error, "can't read events from Redis yet");
                    self.connection = None;
                    drop(log);
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// What follows, as soon as there is something; empty after [`BLOCK`].
    async fn next(&mut self) -> Result<Vec<StreamEvent>, TailError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new().set_response_timeout(Some(BLOCK + BLOCK));
                self.client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?
            }
        };
        let key = key(self.generation);
        let options = StreamReadOptions::default()
            .block(BLOCK.as_millis() as usize)
            .count(1000);
        let from = format!("{}-0", self.read);
        let reply: Option<StreamReadReply> =
            connection.xread_options(&[&key], &[from], &options).await?;
        let entries = reply
            .into_iter()
            .flat_map(|reply| reply.keys)
            .flat_map(|key| key.ids);
        let events = in_order(entries, self.read)?;
        if events.is_empty() {
            // Where Redis has less than was read, what follows would never be seen.
            let there: u64 = connection.xlen(&key).await?;
            if there < self.read {
                return Err(TailError::Gap);
            }
        }
        self.read += events.len() as u64;
        self.connection = Some(connection);
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use redis::Value;

    use super::*;

    fn entry(number: u64, json: &str) -> StreamId {
        StreamId {
            id: format!("{number}-0"),
            map: HashMap::from([(FIELD.to_owned(), Value::BulkString(json.into()))]),
            ..StreamId::default()
        }
    }

    #[test]
    fn events_are_read_without_a_gap_or_not_at_all() {
        let end = |number| entry(number, r#"{"type":"end"}"#);
        let read = |entries: Vec<StreamId>, after| in_order(entries, after).ok();
        assert_eq!(read(vec![], 4), Some(vec![]));
        let both = vec![StreamEvent::End, StreamEvent::End];
        assert_eq!(read(vec![end(5), end(6)], 4), Some(both));
        assert_eq!(read(vec![end(6)], 4), None);
        assert_eq!(read(vec![end(5), end(7)], 4), None);
        assert_eq!(read(vec![entry(5, r#"{"type":"new"}"#)], 4), None);
    }
}
