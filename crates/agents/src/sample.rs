//! Agents to begin with.

use onelastai_db::{Actor, AuditEntry, DbError, Origin, PgPool, new_id, record};
use serde_json::{Map, json};
use uuid::Uuid;

struct Sample {
    slug: &'static str,
    avatar: &'static str,
    name: &'static str,
    description: &'static str,
    system_prompt: &'static str,
    model_preferences: &'static [&'static str],
    temperature: f64,
    starters: &'static [&'static str],
}

const SAMPLES: [Sample; 4] = [
    Sample {
        slug: "companion",
        avatar: "teal",
        name: "Companion",
        description: "Answers questions and helps to think things through.",
        system_prompt: "You are a helpful, precise assistant. Answer briefly and say so when \
                        you don't know.",
        model_preferences: &["llama3.2", "gemma3", "mistral"],
        temperature: 0.6,
        starters: &[
            "Explain how tides work, in three sentences.",
            "Help me plan a quiet weekend.",
            "What is the difference between weather and climate?",
        ],
    },
    Sample {
        slug: "scribe",
        avatar: "✍️",
        name: "Scribe",
        description: "Writes, shortens and corrects texts, and keeps your tone.",
        system_prompt: "You are an editor. Improve the person's text: clear, short, in their \
                        own tone. Give the text first, then one line on what you changed.",
        model_preferences: &["mistral", "llama3.2"],
        temperature: 0.7,
        starters: &[
            "Make this shorter: ",
            "Write a friendly reminder about an unpaid invoice.",
        ],
    },
    Sample {
        slug: "reviewer",
        avatar: "🔍",
        name: "Code reviewer",
        description: "Reads code, finds mistakes and suggests a better way.",
        system_prompt: "You are a careful code reviewer. Name the bugs first, then what could be \
                        simpler. Show corrected code in a fenced block with its language.",
        model_preferences: &["deepseek-r1", "phi4", "llama3.2"],
        temperature: 0.2,
        starters: &[
            "Review this function: ",
            "Write a Rust function that reverses the words of a sentence.",
        ],
    },
    Sample {
        slug: "tutor",
        avatar: "🎓",
        name: "Tutor",
        description: "Explains step by step and asks back.",
        system_prompt: "You are a patient tutor. Explain step by step, with one small example, \
                        and end with a question that checks understanding.",
        model_preferences: &["phi4", "gemma3", "llama3.2"],
        temperature: 0.5,
        starters: &[
            "Explain fractions to a ten-year-old.",
            "How does a hash table work?",
        ],
    },
];

/// Adds the sample agents that aren't there yet; tells how many that were.
///
/// # Errors
/// As any query.
pub async fn create_sample_agents(pool: &PgPool) -> Result<u64, DbError> {
    let mut transaction = pool.begin().await?;
    let mut created = Vec::new();
    for sample in &SAMPLES {
        let preferences: Vec<String> = sample
            .model_preferences
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let starters: Vec<String> = sample
            .starters
            .iter()
            .map(|text| (*text).to_owned())
            .collect();
        let id = sqlx::query_scalar!(
            "INSERT INTO agents (id, slug, name, avatar, description, system_prompt,
                                 model_preferences, parameters, starters, visibility)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'signed_in')
             ON CONFLICT (slug) DO NOTHING
             RETURNING id",
            new_id::<Uuid>(),
            sample.slug,
            sample.name,
            sample.avatar,
            sample.description,
            sample.system_prompt,
            &preferences,
            json!({ "temperature": sample.temperature }),
            &starters,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(id) = id {
            created.push((id, sample.slug));
        }
    }
    // Last, since it locks the log: whoever waits for a slug of ours may hold that lock.
    for (id, slug) in &created {
        let entry = AuditEntry {
            actor: Actor::Program("onelastai db create-sample-data"),
            origin: &Origin::default(),
            action: "agent.create",
            target_type: "agents",
            target_id: *id,
            changes: Map::from_iter([("slug".to_owned(), json!([null, slug]))]),
        };
        record(&mut transaction, entry).await?;
    }
    transaction.commit().await?;
    Ok(created.len() as u64)
}
