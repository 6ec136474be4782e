//! Addresses that agents had before they were renamed.

use onelastai_agents::{AgentDraft, AgentService, Editor, Visibility};
use onelastai_db::PgPool;
use onelastai_types::AgentId;

use crate::fixture::{draft, maker, refused, service};

/// An agent that was called `tutor` until now.
async fn renamed(agents: &AgentService, who: &Editor) -> AgentId {
    let id = agents.create(who, draft("tutor")).await.unwrap();
    agents
        .update(who, id, 1, draft("teacher"), None)
        .await
        .unwrap();
    id
}

async fn days_later(pool: &PgPool, days: i32) {
    sqlx::query(
        "UPDATE agent_former_slugs SET given_up_at = now() - make_interval(days => $1, mins => -1)",
    )
    .bind(days)
    .execute(pool)
    .await
    .unwrap();
}

async fn count(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM agents")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_else_gets_an_old_address_for_thirty_days(pool: PgPool) {
    let agents = service(&pool);
    let (ada, bob) = (maker(&pool, "ada").await, maker(&pool, "bob").await);
    renamed(&agents, &ada).await;
    let other = agents.create(&bob, draft("other")).await.unwrap();
    for days in [0, 30] {
        days_later(&pool, days).await;
        assert_eq!(refused(agents.create(&bob, draft("tutor")).await), ["slug"]);
        let moved = agents.update(&bob, other, 1, draft("tutor"), None).await;
        assert_eq!(refused(moved), ["slug"]);
    }
    assert_eq!(count(&pool).await, 2);
    assert!(agents.editable(&bob.viewer, "other").await.is_ok());
    // As with one that is taken, a file gets the next one.
    let file = r#"{"format": "onelastai-agent", "version": 1,
                   "agent": {"name": "Tutor", "slug": "tutor"}}"#;
    assert_eq!(agents.import(&bob, file).await.unwrap().slug, "tutor-2");

    days_later(&pool, 31).await;
    agents.create(&bob, draft("tutor")).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn whose_address_it_was_may_take_it_back(pool: PgPool) {
    let agents = service(&pool);
    let ada = maker(&pool, "ada").await;
    let id = renamed(&agents, &ada).await;
    let back = agents.update(&ada, id, 2, draft("tutor"), None).await;
    assert_eq!(back.unwrap().slug, "tutor");
    // Now it has given up the other one, which its owner may give to another agent.
    let bob = maker(&pool, "bob").await;
    let taken = agents.create(&bob, draft("teacher")).await;
    assert_eq!(refused(taken), ["slug"]);
    agents.create(&ada, draft("teacher")).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_colleague_takes_it_back_for_the_agent_and_for_no_other(pool: PgPool) {
    let agents = service(&pool);
    let (mut ada, mut bob) = (maker(&pool, "ada").await, maker(&pool, "bob").await);
    for who in [&mut ada, &mut bob] {
        who.viewer.groups = vec!["/research".to_owned()];
    }
    let shared = |slug: &str| AgentDraft {
        visibility: Visibility::Group,
        group: Some("/research".to_owned()),
        ..draft(slug)
    };
    let id = agents.create(&ada, shared("tutor")).await.unwrap();
    agents
        .update(&bob, id, 1, shared("teacher"), None)
        .await
        .unwrap();
    assert_eq!(refused(agents.create(&bob, draft("tutor")).await), ["slug"]);
    let back = agents.restore_version(&bob, id, 2, 1).await.unwrap();
    assert_eq!(back.slug, "tutor");
}
