//! Agents as files, there and back.

use onelastai_agents::{AgentDraft, Visibility};
use onelastai_db::PgPool;
use serde_json::{Value, json};

use crate::fixture::{audited, draft, maker, refused, service};

#[sqlx::test(migrations = "../../migrations")]
async fn an_agent_goes_out_and_comes_in_as_another_ones(pool: PgPool) {
    let agents = service(&pool);
    let (ada, bob) = (maker(&pool, "ada").await, maker(&pool, "bob").await);
    let original = AgentDraft {
        avatar: "🦉".parse().unwrap(),
        starters: vec!["\"Quoted\" \u{1f989}\n<b>".to_owned()],
        visibility: Visibility::Public,
        ..draft("tutor")
    };
    let id = agents.create(&ada, original.clone()).await.unwrap();
    let file = agents.export(&ada, "tutor").await.unwrap();
    let log = audited(&pool, id).await;
    let taken = ("agent.export".to_owned(), json!({"version": [null, 1]}));
    assert_eq!(log.last(), Some(&taken));
    for hidden in [id.to_string(), ada.viewer.user.to_string()] {
        assert!(!file.contains(&hidden), "{file}");
    }
    for slug in ["tutor-2", "tutor-3", "tutor-4"] {
        let made = agents.import(&bob, &file).await.unwrap();
        assert_eq!(made.slug, slug);
        let imported = agents.editable(&bob.viewer, slug).await.unwrap();
        assert_eq!(
            (imported.id, imported.owner),
            (made.id, Some(bob.viewer.user))
        );
        assert_eq!(
            imported.draft,
            AgentDraft {
                slug: slug.to_owned(),
                ..original.clone()
            }
        );
        let log = audited(&pool, made.id).await;
        assert_eq!((log.len(), log[0].0.as_str()), (1, "agent.create"));
    }
    // A long address is cut, so that the number fits.
    let long = "a".repeat(40);
    agents.create(&ada, draft(&long)).await.unwrap();
    let file = agents.export(&ada, &long).await.unwrap();
    let made = agents.import(&bob, &file).await.unwrap();
    assert_eq!(made.slug, format!("{}-2", "a".repeat(38)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_file_is_checked_like_a_form_and_makes_nothing_where_it_is_wrong(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let file = |agent: Value| {
        json!({"format": "onelastai-agent", "version": 1, "agent": agent}).to_string()
    };
    for (agent, fields) in [
        (json!({}), vec!["name", "slug"]),
        (
            json!({"name": "A", "slug": "api", "parameters": {"temperature": 3}}),
            vec!["slug", "parameters.temperature"],
        ),
        (
            json!({"name": "A", "slug": "aa", "visibility": "group", "group": "/theirs"}),
            vec!["group"],
        ),
        (
            json!({"name": "A", "slug": "aa", "owner_id": who.viewer.user, "id": null}),
            vec!["agent.id", "agent.owner_id"],
        ),
        (json!("no agent"), vec!["file"]),
    ] {
        assert_eq!(refused(agents.import(&who, &file(agent)).await), fields);
    }
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM agents")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}
