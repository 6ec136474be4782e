//! Versions: kept, compared, brought back.

use onelastai_agents::{AgentDraft, EditError, LineKind};
use onelastai_db::{MIGRATOR, PgPool, migrate};

use crate::fixture::{audited, draft, maker, refused, service};

fn second() -> AgentDraft {
    AgentDraft {
        system_prompt: "Be kind.\nBe thorough.".to_owned(),
        starters: vec!["Hello".to_owned()],
        ..draft("tutor")
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn versions_are_kept_as_they_were(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    agents
        .update(&who, id, 1, second(), Some("More patience"))
        .await
        .unwrap();
    let list = agents.versions(&who.viewer, id).await.unwrap();
    let shown: Vec<_> = list
        .iter()
        .map(|line| {
            (
                line.version,
                line.author_name.as_deref(),
                line.note.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (2, Some("ada"), Some("More patience")),
            (1, Some("ada"), None)
        ]
    );
    assert!(list[0].created_at > list[1].created_at);
    assert_eq!(
        agents.version(&who.viewer, id, 1).await.unwrap().draft,
        draft("tutor")
    );
    assert_eq!(
        agents.version(&who.viewer, id, 2).await.unwrap().draft,
        second()
    );
    for none in [0, -1, 3] {
        let result = agents.version(&who.viewer, id, none).await;
        assert!(matches!(result, Err(EditError::NotFound)), "{none}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_versions_are_compared_both_ways(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    agents.update(&who, id, 1, second(), None).await.unwrap();
    let there = agents.compare(&who.viewer, id, 1, 2).await.unwrap();
    let back = agents.compare(&who.viewer, id, 2, 1).await.unwrap();
    let fields: Vec<_> = there.iter().map(|change| change.field).collect();
    assert_eq!(fields, ["system_prompt", "starters"]);
    for (a, b) in there.iter().zip(&back) {
        assert_eq!(
            (a.field, &a.before, &a.after),
            (b.field, &b.after, &b.before)
        );
    }
    let kinds: Vec<_> = there[0].lines.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [LineKind::Same, LineKind::Removed, LineKind::Added]);
    assert!(
        agents
            .compare(&who.viewer, id, 2, 2)
            .await
            .unwrap()
            .is_empty()
    );
    let none = agents.compare(&who.viewer, id, 1, 3).await;
    assert!(matches!(none, Err(EditError::NotFound)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_old_version_comes_back_as_a_new_one(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    agents.update(&who, id, 1, second(), None).await.unwrap();
    let stale = agents.restore_version(&who, id, 1, 1).await;
    assert!(matches!(stale, Err(EditError::Conflict(_))), "{stale:?}");
    let saved = agents.restore_version(&who, id, 2, 1).await.unwrap();
    assert_eq!((saved.version, saved.changed), (3, true));
    let list = agents.versions(&who.viewer, id).await.unwrap();
    assert_eq!(
        (list.len(), list[0].note.as_deref()),
        (3, Some("Version 1 again"))
    );
    assert_eq!(
        agents.editable(&who.viewer, "tutor").await.unwrap().draft,
        draft("tutor")
    );
    let again = agents.restore_version(&who, id, 3, 1).await.unwrap();
    assert_eq!((again.version, again.changed), (3, false));
    let none = agents.restore_version(&who, id, 3, 9).await;
    assert!(matches!(none, Err(EditError::NotFound)));
    assert_eq!(audited(&pool, id).await.len(), 3);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_old_address_may_be_anothers_by_now(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    agents
        .update(&who, id, 1, draft("teacher"), None)
        .await
        .unwrap();
    sqlx::query("UPDATE agent_former_slugs SET given_up_at = now() - interval '30 days'")
        .execute(&pool)
        .await
        .unwrap();
    agents
        .create(&maker(&pool, "bob").await, draft("tutor"))
        .await
        .unwrap();
    assert_eq!(
        refused(agents.restore_version(&who, id, 2, 1).await),
        ["slug"]
    );
    let editable = agents.editable(&who.viewer, "teacher").await.unwrap();
    assert_eq!(editable.version, 2);
}

#[sqlx::test(migrations = false)]
async fn agents_from_before_the_versions_have_one(pool: PgPool) {
    migrate(&pool).await.unwrap();
    MIGRATOR.undo(&pool, 20_261_125_000_004).await.unwrap();
    for sql in [
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name)
         VALUES ('00000000-0000-7000-8000-000000000001', 'i', 'ada', 'ada', 'ada')",
        "INSERT INTO agents (id, owner_id, slug, name, visibility, parameters, updated_at)
         SELECT ('00000000-0000-7000-8000-00000000010' || n)::uuid,
                CASE WHEN n > 1 THEN '00000000-0000-7000-8000-000000000001'::uuid END,
                'agent-' || n, 'Agent ' || n,
                (ARRAY['private', 'group', 'signed_in', 'public'])[n],
                '{\"temperature\": 0.6000000238418579}', '2026-01-02Z'
         FROM generate_series(1, 4) n",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    migrate(&pool).await.unwrap();
    let agents = service(&pool);
    let mut admin = maker(&pool, "root").await.viewer;
    admin.administers = true;
    let shown = agents.dashboard(&admin, "", false, 1).await.unwrap().agents;
    assert_eq!(shown.len(), 4);
    for agent in shown {
        let editable = agents.editable(&admin, &agent.slug).await.unwrap();
        let first = agents.version(&admin, agent.id, 1).await.unwrap();
        assert_eq!((editable.version, &first.draft), (1, &editable.draft));
        assert_eq!(
            (first.author, first.created_at),
            (editable.owner, agent.updated_at)
        );
        assert_eq!(agent.updated_at.year(), 2026);
        assert_eq!(u8::from(agent.updated_at.month()), 1);
        assert_eq!(first.draft.parameters.temperature, Some(0.6));
    }
    // Nobody knew of which group it was.
    let was_group = agents.editable(&admin, "agent-2").await.unwrap();
    assert_eq!(was_group.draft.visibility.as_str(), "private");
}
