//! The agents that somebody looks after.

use onelastai_agents::{AgentDraft, PAGE_SIZE, Viewer, Visibility};
use onelastai_db::{PgPool, new_id};
use onelastai_types::{AgentId, UserId};
use uuid::Uuid;

use crate::fixture::{conversation, draft, maker, person, service};

#[sqlx::test(migrations = "../../migrations")]
async fn it_is_searched_by_name_address_and_description(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let named = |slug: &str, name: &str, description: &str| AgentDraft {
        name: name.to_owned(),
        description: description.to_owned(),
        ..draft(slug)
    };
    for made in [
        named("train-guide", "Bahn", "Plans trips."),
        named("scribe", "Écrivain", "Writes 100% of it."),
        named("tutor", "Tutor", "Explains trains_"),
    ] {
        agents.create(&who, made).await.unwrap();
    }
    for (text, slugs) in [
        ("", vec!["tutor", "scribe", "train-guide"]),
        (" TRAIN ", vec!["tutor", "train-guide"]),
        ("bahn", vec!["train-guide"]),
        ("écriv", vec!["scribe"]),
        ("%", vec!["scribe"]),
        ("_", vec!["tutor"]),
        ("'; DROP TABLE agents; --", vec![]),
        ("tu\0tor", vec!["tutor"]),
        ("ada", vec!["tutor", "scribe", "train-guide"]),
        // Not over the edge of two fields.
        ("bahntrain", vec![]),
    ] {
        let page = agents.dashboard(&who.viewer, text, false, 1).await.unwrap();
        let found: Vec<_> = page
            .agents
            .iter()
            .map(|agent| agent.slug.as_str())
            .collect();
        assert_eq!(found, slugs, "{text:?}");
        assert_eq!(page.total, i64::try_from(slugs.len()).unwrap());
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn it_tells_whose_they_are_and_is_searched_by_that(pool: PgPool) {
    onelastai_agents::create_sample_agents(&pool).await.unwrap();
    let agents = service(&pool);
    let (mut ada, bob) = (maker(&pool, "ada").await, maker(&pool, "bob").await);
    ada.viewer.groups = vec!["/research".to_owned()];
    let shared = AgentDraft {
        visibility: Visibility::Public,
        group: Some("/research".to_owned()),
        ..draft("shared")
    };
    agents.create(&ada, shared).await.unwrap();
    agents.create(&bob, draft("own")).await.unwrap();
    let root = Viewer {
        administers: true,
        ..Viewer::person(person(&pool, "root").await)
    };
    for (text, slug, owner, group) in [
        ("ADA", "shared", Some("ada"), Some("/research")),
        ("/research", "shared", Some("ada"), Some("/research")),
        ("bob", "own", Some("bob"), None),
        ("companion", "companion", None, None),
    ] {
        let page = agents.dashboard(&root, text, false, 1).await.unwrap();
        let [agent] = &page.agents[..] else {
            panic!("{text}: {:?}", page.agents);
        };
        let found = (
            agent.slug.as_str(),
            agent.owner_name.as_deref(),
            agent.group.as_deref(),
        );
        assert_eq!((found, page.total), ((slug, owner, group), 1));
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn it_has_pages_and_a_shelf(pool: PgPool) {
    let set = "UPDATE tier_limits SET max_agents = NULL";
    sqlx::query(set).execute(&pool).await.unwrap();
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let mut made = Vec::new();
    for n in 0..=PAGE_SIZE {
        made.push(
            agents
                .create(&who, draft(&format!("agent-{n}")))
                .await
                .unwrap(),
        );
    }
    let size = usize::try_from(PAGE_SIZE).unwrap();
    let first = agents.dashboard(&who.viewer, "", false, 1).await.unwrap();
    assert_eq!((first.agents.len(), first.page, first.pages), (size, 1, 2));
    assert_eq!(first.total, i64::from(PAGE_SIZE) + 1);
    // What changed last comes first.
    assert_eq!(first.agents[0].id, made[size]);
    for page in [2, 3, u32::MAX] {
        let last = agents
            .dashboard(&who.viewer, "", false, page)
            .await
            .unwrap();
        assert_eq!((last.agents.len(), last.page), (1, 2));
        assert_eq!(last.agents[0].id, made[0]);
    }
    assert_eq!(
        agents.dashboard(&who.viewer, "", false, 0).await.unwrap(),
        first
    );

    agents
        .update(&who, made[0], 1, draft("changed"), None)
        .await
        .unwrap();
    agents.archive(&who, made[1]).await.unwrap();
    agents.delete(&who, made[2]).await.unwrap();
    let first = agents.dashboard(&who.viewer, "", false, 1).await.unwrap();
    assert_eq!(
        (first.total, first.agents[0].version),
        (i64::from(PAGE_SIZE) - 1, 2)
    );
    let shelf = agents.dashboard(&who.viewer, "", true, 1).await.unwrap();
    assert_eq!((shelf.total, shelf.agents[0].id), (1, made[1]));
    assert!(shelf.agents[0].archived_at.is_some());
    let none = agents
        .dashboard(&who.viewer, "nothing", true, 1)
        .await
        .unwrap();
    assert_eq!((none.total, none.pages, none.page), (0, 1, 1));
}

/// An answer so many days ago, as the chat settles it.
async fn answered(pool: &PgPool, agent: AgentId, user: UserId, talk: Uuid, ago: i32, status: &str) {
    sqlx::query(
        "INSERT INTO agent_interactions
             (id, agent_id, user_id, conversation_id, status, total_ms, created_at)
         VALUES ($1, $2, $3, $4, $5, 100, now() - make_interval(days => $6))",
    )
    .bind(new_id::<Uuid>())
    .bind(agent.0)
    .bind(user.0)
    .bind(talk)
    .bind(status)
    .bind(ago)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO usage_metrics (id, user_id, agent_id, model, day, requests, errors)
         VALUES ($1, $2, $3, 'm', (now() AT TIME ZONE 'UTC')::date - $4, 1, $5)
         ON CONFLICT ON CONSTRAINT usage_metrics_key DO UPDATE
         SET requests = usage_metrics.requests + 1,
             errors = usage_metrics.errors + excluded.errors",
    )
    .bind(new_id::<Uuid>())
    .bind(user.0)
    .bind(agent.0)
    .bind(ago)
    .bind(i64::from(status == "failed"))
    .execute(pool)
    .await
    .unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn it_counts_the_last_thirty_days(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let used = agents.create(&who, draft("used")).await.unwrap();
    let other = agents.create(&who, draft("other")).await.unwrap();
    let eve = person(&pool, "eve").await;
    let (one, two) = (
        conversation(&pool, eve, used).await,
        conversation(&pool, who.viewer.user, used).await,
    );
    for (talk, user, ago, status) in [
        (one, eve, 0, "complete"),
        (one, eve, 0, "failed"),
        (two, who.viewer.user, 29, "stopped"),
        (one, eve, 29, "complete"),
        (one, eve, 30, "failed"),
    ] {
        answered(&pool, used, user, talk, ago, status).await;
    }
    let page = agents.dashboard(&who.viewer, "", false, 1).await.unwrap();
    let counts = |id: AgentId| {
        let agent = page.agents.iter().find(|agent| agent.id == id).unwrap();
        (agent.conversations, agent.answers, agent.error_share)
    };
    assert_eq!(counts(used), (2, 4, 0.25));
    assert_eq!(counts(other), (0, 0, 0.0));
}
