//! What people choose an agent from.

use onelastai_agents::Viewer;
use onelastai_db::PgPool;

use crate::fixture::{person, service};

#[sqlx::test(migrations = "../../migrations")]
async fn an_agent_after_the_end_of_the_list_is_found_by_its_address(pool: PgPool) {
    let agents = service(&pool);
    let who = Viewer::person(person(&pool, "ada").await);
    sqlx::query(
        "INSERT INTO agents (id, slug, name, visibility, starters, created_at)
         SELECT gen_random_uuid(), 'agent-' || n, 'Agent ' || n, 'signed_in', ARRAY['Hello?'],
                now() + make_interval(secs => n)
         FROM generate_series(1, 201) n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let listed = agents.list(&who).await.unwrap();
    let slugs: Vec<_> = listed.iter().map(|card| card.slug.as_str()).collect();
    assert_eq!(
        (slugs.len(), slugs[0], slugs[199]),
        (200, "agent-1", "agent-200")
    );
    let last = agents.card_by_slug(&who, "agent-201").await.unwrap();
    assert_eq!((last.name.as_str(), last.starters.len()), ("Agent 201", 1));
    for card in [&listed[0], &last] {
        let agent = agents.by_slug(&who, &card.slug).await.unwrap();
        assert_eq!(*card, agent.card());
    }
}
