//! Statistics against a computation by brute force, over random rows.

use std::collections::{BTreeMap, BTreeSet};

use onelastai_agents::{Figures, Span, Statistics};
use onelastai_db::{PgPool, new_id};
use onelastai_types::{AgentId, UserId};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use time::{Date, Duration, OffsetDateTime, Time, macros::time};
use uuid::Uuid;

use crate::fixture::{conversation, draft, maker, person, service};

/// An answer as the chat settles it.
#[derive(Debug, Clone)]
struct Row {
    agent: AgentId,
    user: UserId,
    conversation: Option<Uuid>,
    model: Option<&'static str>,
    status: &'static str,
    total_ms: i32,
    prompt_tokens: i32,
    completion_tokens: i32,
    feedback: Option<i16>,
    at: OffsetDateTime,
}

impl Row {
    fn day(&self) -> Date {
        self.at.date()
    }

    fn model(&self) -> &'static str {
        self.model.unwrap_or("none")
    }
}

/// The first instant of a day, the last one, or one between.
fn some_time(random: &mut StdRng) -> Time {
    match random.random_range(0..10) {
        0 => Time::MIDNIGHT,
        1 => time!(23:59:59.999_999),
        _ => Time::from_hms(
            random.random_range(0..24),
            random.random_range(0..60),
            random.random_range(0..60),
        )
        .unwrap(),
    }
}

fn random_row(random: &mut StdRng, today: Date, talks: &[(Uuid, UserId, AgentId)]) -> Row {
    let (conversation, user, agent) = *talks.choose(random).unwrap();
    // Not every day has use, and some of it is outside of every span.
    let ago = random.random_range(0..110);
    let ago = if ago % 7 == 3 { ago + 1 } else { ago };
    Row {
        agent,
        user,
        // Null where the conversation was swept.
        conversation: random.random_bool(0.95).then_some(conversation),
        model: [Some("llama3.2"), Some("mistral"), Some("gemma3"), None]
            .choose(random)
            .copied()
            .unwrap(),
        status: [
            "complete",
            "complete",
            "complete",
            "stopped",
            "failed",
            "interrupted",
        ]
        .choose(random)
        .unwrap(),
        total_ms: random.random_range(0..5000),
        prompt_tokens: random.random_range(0..4000),
        completion_tokens: random.random_range(0..4000),
        feedback: [None, None, Some(1), Some(-1)]
            .choose(random)
            .copied()
            .unwrap(),
        at: (today - Duration::days(ago))
            .with_time(some_time(random))
            .assume_utc(),
    }
}

/// As `settle` in the chat writes it, with its time given.
async fn insert(pool: &PgPool, rows: &[Row]) {
    let mut transaction = pool.begin().await.unwrap();
    for row in rows {
        sqlx::query(
            "INSERT INTO agent_interactions
                 (id, agent_id, user_id, conversation_id, model, status, total_ms, prompt_tokens,
                  completion_tokens, feedback, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(new_id::<Uuid>())
        .bind(row.agent.0)
        .bind(row.user.0)
        .bind(row.conversation)
        .bind(row.model)
        .bind(row.status)
        .bind(row.total_ms)
        .bind(row.prompt_tokens)
        .bind(row.completion_tokens)
        .bind(row.feedback)
        .bind(row.at)
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO usage_metrics
                 (id, user_id, agent_id, model, day, requests, errors, prompt_tokens,
                  completion_tokens)
             VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8)
             ON CONFLICT ON CONSTRAINT usage_metrics_key DO UPDATE
             SET requests = usage_metrics.requests + 1,
                 errors = usage_metrics.errors + excluded.errors,
                 prompt_tokens = usage_metrics.prompt_tokens + excluded.prompt_tokens,
                 completion_tokens = usage_metrics.completion_tokens + excluded.completion_tokens",
        )
        .bind(new_id::<Uuid>())
        .bind(row.user.0)
        .bind(row.agent.0)
        .bind(row.model())
        .bind(row.day())
        .bind(i64::from(row.status == "failed"))
        .bind(i64::from(row.prompt_tokens))
        .bind(i64::from(row.completion_tokens))
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    transaction.commit().await.unwrap();
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

/// The smallest time that `percent` of 100 don't exceed (nearest rank).
fn percentile(times: &[i32], percent: usize) -> Option<i32> {
    let rank = (times.len() * percent).div_ceil(100).max(1);
    times.get(rank - 1).copied()
}

fn figures<'a>(rows: impl Iterator<Item = &'a Row>) -> Figures {
    let rows: Vec<_> = rows.collect();
    let having =
        |condition: &dyn Fn(&Row) -> bool| count(rows.iter().filter(|row| condition(row)).count());
    let mut times: Vec<_> = rows
        .iter()
        .filter(|row| row.status == "complete")
        .map(|row| row.total_ms)
        .collect();
    times.sort_unstable();
    let conversations: BTreeSet<_> = rows.iter().filter_map(|row| row.conversation).collect();
    let users: BTreeSet<_> = rows.iter().map(|row| row.user).collect();
    Figures {
        conversations: count(conversations.len()),
        users: count(users.len()),
        answers: count(rows.len()),
        errors: having(&|row| row.status == "failed"),
        prompt_tokens: rows.iter().map(|row| i64::from(row.prompt_tokens)).sum(),
        completion_tokens: rows
            .iter()
            .map(|row| i64::from(row.completion_tokens))
            .sum(),
        median_ms: percentile(&times, 50),
        p95_ms: percentile(&times, 95),
        feedback_up: having(&|row| row.feedback == Some(1)),
        feedback_down: having(&|row| row.feedback == Some(-1)),
    }
}

fn check(found: &Statistics, agent: AgentId, span: Span, rows: &[Row]) {
    let days = i64::from(span.days());
    let today = found.days.last().unwrap().day;
    let first = today - Duration::days(days - 1);
    let of_span: Vec<_> = rows
        .iter()
        .filter(|row| row.agent == agent && (first..=today).contains(&row.day()))
        .collect();
    assert_eq!((found.span, count(found.days.len())), (span, days));
    for (index, day) in found.days.iter().enumerate() {
        assert_eq!(day.day, first + Duration::days(count(index)));
        let expected = figures(of_span.iter().copied().filter(|row| row.day() == day.day));
        assert_eq!(day.figures, expected, "{}", day.day);
    }
    assert_eq!(found.total, figures(of_span.iter().copied()));
    let models: BTreeSet<_> = of_span.iter().map(|row| row.model()).collect();
    assert_eq!(found.models.len(), models.len());
    for model in &found.models {
        let expected = figures(
            of_span
                .iter()
                .copied()
                .filter(|row| row.model() == model.model),
        );
        assert_eq!(model.figures, expected, "{}", model.model);
    }
    assert!(
        found
            .models
            .is_sorted_by_key(|model| -model.figures.answers)
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn they_are_what_brute_force_finds(pool: PgPool) {
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    println!("seed {seed}");
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let mut made = Vec::new();
    for slug in ["busy", "other", "idle"] {
        made.push(agents.create(&who, draft(slug)).await.unwrap());
    }
    let mut talks = Vec::new();
    for name in ["bob", "eve", "joe", "kim"] {
        let user = person(&pool, name).await;
        for agent in &made[..2] {
            for _ in 0..5 {
                talks.push((conversation(&pool, user, *agent).await, user, *agent));
            }
        }
    }
    let statistics = async |agent, span| agents.statistics(&who.viewer, agent, span).await.unwrap();
    let today = statistics(made[0], Span::Week).await.days[6].day;
    let rows: Vec<_> = (0..1200)
        .map(|_| random_row(&mut random, today, &talks))
        .collect();
    insert(&pool, &rows).await;
    for agent in made {
        for span in Span::ALL {
            check(&statistics(agent, span).await, agent, span, &rows);
        }
    }
    // The rows are of a kind that could show a mistake.
    let mut by_day: BTreeMap<Date, usize> = BTreeMap::new();
    for row in &rows {
        *by_day.entry(row.day()).or_default() += 1;
    }
    assert!(by_day.len() > 60 && by_day.len() < 105, "{by_day:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_agent_that_nobody_used_has_zeros(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("idle")).await.unwrap();
    for span in Span::ALL {
        let found = agents.statistics(&who.viewer, id, span).await.unwrap();
        assert_eq!(found.days.len(), usize::from(span.days()));
        assert!(
            found
                .days
                .iter()
                .all(|day| day.figures == Figures::default())
        );
        assert_eq!((found.total, found.models.len()), (Figures::default(), 0));
        assert_eq!(Span::from_days(span.days()), Some(span));
    }
    assert_eq!(Span::from_days(8), None);
}
