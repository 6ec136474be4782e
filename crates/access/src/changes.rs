//! What was remembered of a key or an account and holds no more: other replicas say so on a
//! channel of Redis (`key:{id}`, `user:{id}`).
//!
//! While nobody listens on it, because Redis is away or the connection broke, nothing that is
//! remembered counts: each request reads the database. What was told in the meantime is not
//! told again, so what was read before the listening began does not count either.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt;
use onelastai_identity::CHANGES_CHANNEL;
use onelastai_types::{ApiKeyId, UserId};
use redis::{Client, Msg, RedisResult};
use tokio::time::timeout;
use uuid::Uuid;

/// A change is remembered for longer than anything that was read before it.
const MEMORY: Duration = Duration::from_secs(300);
/// So many changes are remembered one by one; more make everything be read anew.
const MOST: usize = 10_000;
/// How often it is looked whether the connection still carries anything, and how long the
/// answer may take. A connection that was closed is noticed at once.
const PING: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(250);

/// What has changed of late.
#[derive(Default)]
pub(crate) struct Changes {
    listening: AtomicBool,
    marks: RwLock<Marks>,
}

#[derive(Default)]
struct Marks {
    everything: Option<Instant>,
    one: HashMap<Uuid, Instant>,
}

impl Changes {
    /// Whether changes are heard of.
    pub(crate) fn listening(&self) -> bool {
        self.listening.load(Ordering::Acquire)
    }

    /// Whether what was read at `read` of these two still holds.
    pub(crate) fn holds(&self, read: Instant, key: ApiKeyId, user: UserId) -> bool {
        let marks = self.marks.read().unwrap_or_else(PoisonError::into_inner);
        let after = |mark: Option<&Instant>| mark.is_none_or(|mark| read > *mark);
        self.listening()
            && after(marks.everything.as_ref())
            && after(marks.one.get(&key.0))
            && after(marks.one.get(&user.0))
    }

    /// Nothing that was read before now holds.
    fn everything(&self) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        marks.everything = Some(Instant::now());
        marks.one.clear();
    }

    /// Nothing that was read of this key or account before now holds.
    pub(crate) fn one(&self, id: Uuid) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        if marks.one.len() >= MOST {
            marks.one.retain(|_, mark| mark.elapsed() < MEMORY);
        }
        if marks.one.len() >= MOST {
            marks.everything = Some(Instant::now());
            marks.one.clear();
        } else {
            marks.one.insert(id, Instant::now());
        }
    }

    fn hear(&self, message: &Msg) {
        let text: RedisResult<String> = message.get_payload();
        let id = text.ok().and_then(|text| {
            let id = text
                .strip_prefix("key:")
                .or_else(|| text.strip_prefix("user:"))?;
            Uuid::try_parse(id).ok()
        });
        match id {
            Some(id) => self.one(id),
            // Another version may say more than this one understands.
            None => self.everything(),
        }
    }
}

/// Listens as long as `changes` is there.
pub(crate) async fn listen(client: Client, changes: Weak<Changes>) {
    let mut away = false;
    while changes.strong_count() > 0 {
        match follow(&client, &changes, &mut away).await {
            Ok(()) => return,
            Err(error) => {
                if let Some(changes) = changes.upgrade() {
                    changes.listening.store(false, Ordering::Release);
                }
                // Once is enough for the log.
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(%error, "not told of changed keys: every request reads them");
                }
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow(client: &Client, changes: &Weak<Changes>, away: &mut bool) -> RedisResult<()> {
    let late = || redis::RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let subscription = async {
        let (mut sink, stream) = client.get_async_pubsub().await?.split();
        sink.subscribe(CHANGES_CHANNEL).await?;
        RedisResult::Ok((sink, stream))
    };
    let (mut sink, mut stream) = timeout(PATIENCE, subscription)
        .await
        .map_err(|_| late())??;
    let Some(present) = changes.upgrade() else {
        return Ok(());
    };
    present.everything();
    present.listening.store(true, Ordering::Release);
    drop(present);
    if std::mem::replace(away, false) {
        tracing::info!("told of changed keys again");
    }
    loop {
        let message = timeout(PING, stream.next()).await;
        let Some(changes) = changes.upgrade() else {
            return Ok(());
        };
        match message {
            Ok(Some(message)) => changes.hear(&message),
            Ok(None) => return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()),
            Err(_) => {
                let _: redis::Value =
                    timeout(PATIENCE, sink.ping()).await.map_err(|_| late())??;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn holds(changes: &Changes, read: Instant, key: u128, user: u128) -> bool {
        changes.holds(read, id(key).into(), id(user).into())
    }

    #[test]
    fn what_was_read_holds_until_it_changes_or_nobody_listens() {
        let changes = Changes::default();
        let read = Instant::now();
        assert!(!holds(&changes, read, 1, 2));
        changes.listening.store(true, Ordering::Release);
        assert!(holds(&changes, read, 1, 2));
        changes.one(id(1));
        assert!(!holds(&changes, read, 1, 2) && holds(&changes, read, 3, 2));
        changes.one(id(2));
        assert!(!holds(&changes, read, 3, 2));
        let read = Instant::now() + Duration::from_nanos(1);
        assert!(holds(&changes, read, 1, 2));
        changes.everything();
        assert!(!holds(&changes, read, 4, 5));
    }

    #[test]
    fn a_flood_of_changes_makes_everything_be_read_anew() {
        let changes = Changes::default();
        changes.listening.store(true, Ordering::Release);
        let read = Instant::now();
        for number in 0..=MOST as u128 {
            changes.one(id(number + 10));
        }
        assert!(!holds(&changes, read, 1, 2));
        assert!(changes.marks.read().unwrap().one.len() < MOST);
    }
}
