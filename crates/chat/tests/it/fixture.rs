//! A chat with everything it needs.

use std::{sync::Arc, time::Duration};

use onelastai_agents::{AgentService, create_sample_agents};
use onelastai_chat::{Caller, ChatService, ChatSettings, Log, RedisMirror, Send, Sent};
use onelastai_db::{Origin, PgPool, new_id};
use onelastai_model_router::{ModelRouter, ModelSpec, RouterConfig};
use onelastai_types::{ConversationId, GenerationId, StreamEvent};
use onelastai_usage::{UsageService, UsageSettings};
use redis::{Client, aio::ConnectionManager};
use url::Url;
use uuid::Uuid;

/// The variable, or a clear word about what is missing.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run by ./dev test unit"))
}

/// Fast enough for tests, with the same proportions.
pub fn settings() -> ChatSettings {
    ChatSettings {
        lease: Duration::from_secs(15),
        checkpoint: Duration::from_millis(100),
        batch: Duration::from_millis(10),
        keep_finished: Duration::from_secs(60),
    }
}

/// A router with one model.
pub fn router(engine_name: &str, url: Url) -> ModelRouter {
    ModelRouter::new(RouterConfig {
        models: vec![ModelSpec::ollama("llama3.2", engine_name, vec![url])],
        ..RouterConfig::default()
    })
    .unwrap()
}

/// One replica of the chat.
pub async fn replica(pool: &PgPool, router: ModelRouter, settings: ChatSettings) -> ChatService {
    let client = Client::open(variable("REDIS_URL")).unwrap();
    let connection = ConnectionManager::new(client.clone()).await.unwrap();
    let usage = UsageService::new(pool.clone(), connection.clone(), UsageSettings::default());
    let mirror = RedisMirror::new(client, connection);
    ChatService::new(
        pool.clone(),
        AgentService::new(pool.clone()),
        router,
        mirror,
        usage,
        settings,
    )
}

/// A person with an account and no limits.
pub async fn person(pool: &PgPool, name: &str) -> Caller {
    let id: Uuid = new_id();
    sqlx::query(
        "INSERT INTO users
             (id, keycloak_issuer, keycloak_subject, username, display_name, subscription_tier)
         VALUES ($1, 'issuer', $2, $2, $2, 'enterprise')",
    )
    .bind(id)
    .bind(name)
    .execute(pool)
    .await
    .unwrap();
    create_sample_agents(pool).await.unwrap();
    Caller {
        user: id.into(),
        name: name.to_owned(),
        groups: vec![],
        session: None,
        key: None,
        origin: Origin::default(),
    }
}

/// A send with a key of its own.
pub fn message(conversation: Option<ConversationId>, text: &str) -> Send {
    Send {
        conversation,
        agent: Some("companion".to_owned()),
        text: text.to_owned(),
        key: new_id::<Uuid>().to_string(),
    }
}

/// Sends in a new conversation.
pub async fn ask(chat: &ChatService, who: &Caller, text: &str) -> Sent {
    chat.send(who, &message(None, text)).await.unwrap()
}

pub async fn log(chat: &ChatService, who: &Caller, generation: GenerationId) -> Arc<Log> {
    chat.log(who.user, generation)
        .await
        .unwrap()
        .expect("a log")
}

/// Reads until `enough`, from the start.
pub async fn read_until(log: &Log, enough: impl Fn(&[StreamEvent]) -> bool) -> Vec<StreamEvent> {
    let read = async {
        let mut events = Vec::new();
        while !enough(&events) {
            match log.after(events.len() as u64).await {
                Some(more) => events.extend(more),
                None => break,
            }
        }
        events
    };
    tokio::time::timeout(Duration::from_secs(60), read)
        .await
        .expect("the events come in time")
}

/// Everything that the log will ever hold.
pub async fn read_all(log: &Log) -> Vec<StreamEvent> {
    read_until(log, |_| false).await
}

/// The text of the events.
pub fn text(events: &[StreamEvent]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            StreamEvent::Text { text } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// What the database says about an answer: status, text, and how often it was settled.
pub async fn settled(pool: &PgPool, sent: &Sent) -> (String, String, i64) {
    sqlx::query_as(
        "SELECT m.status, m.content,
                (SELECT count(*) FROM agent_interactions i WHERE i.generation_id = g.id)
         FROM generations g JOIN messages m ON m.id = g.message_id WHERE g.id = $1",
    )
    .bind(sent.generation.0)
    .fetch_one(pool)
    .await
    .unwrap()
}
