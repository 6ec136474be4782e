//! Archiving, deleting, bringing back, copying.

use onelastai_agents::{AgentDraft, AgentError, EditError, Visibility};
use onelastai_db::PgPool;

use crate::fixture::{audited, draft, maker, refused, service};

#[sqlx::test(migrations = "../../migrations")]
async fn an_archived_agent_goes_on_where_it_is_and_begins_nothing(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    for _ in 0..2 {
        agents.archive(&who, id).await.unwrap();
    }
    assert!(agents.list(&who.viewer).await.unwrap().is_empty());
    let begun = agents.by_slug(&who.viewer, "tutor").await;
    assert!(matches!(begun, Err(AgentError::NotFound)));
    let card = agents.card_by_slug(&who.viewer, "tutor").await;
    assert!(matches!(card, Err(AgentError::NotFound)));
    assert!(agents.to_go_on(&who.viewer, id).await.is_ok());
    let editable = agents.editable(&who.viewer, "tutor").await.unwrap();
    assert!(editable.archived_at.is_some());
    for _ in 0..2 {
        agents.unarchive(&who, id).await.unwrap();
    }
    assert!(agents.by_slug(&who.viewer, "tutor").await.is_ok());

    let log = audited(&pool, id).await;
    let actions: Vec<_> = log.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        ["agent.create", "agent.archive", "agent.unarchive"]
    );
    let (there, back) = (&log[1].1["archived_at"], &log[2].1["archived_at"]);
    assert!(there[0].is_null() && there[1].is_string(), "{there}");
    assert_eq!((&back[0], back[1].is_null()), (&there[1], true));
    // Neither made a version.
    assert_eq!(agents.versions(&who.viewer, id).await.unwrap().len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_deleted_agent_is_gone_and_comes_back_within_thirty_days(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    let early = agents.restore(&who, id).await;
    assert!(matches!(early, Err(EditError::NotFound)), "{early:?}");
    agents.delete(&who, id).await.unwrap();
    assert!(matches!(
        agents.delete(&who, id).await,
        Err(EditError::NotFound)
    ));
    assert!(agents.to_go_on(&who.viewer, id).await.is_err());
    assert!(agents.editable(&who.viewer, "tutor").await.is_err());
    let saved = agents.update(&who, id, 1, draft("teacher"), None).await;
    assert!(matches!(saved, Err(EditError::NotFound)));
    // Its conversations can still be read, and nobody gets its address.
    assert!(agents.by_id(id).await.is_ok());
    assert_eq!(refused(agents.create(&who, draft("tutor")).await), ["slug"]);

    let since = |days: i32| {
        let pool = pool.clone();
        async move {
            sqlx::query(
                "UPDATE agents SET deleted_at = now() - make_interval(days => $1, mins => -1)",
            )
            .bind(days)
            .execute(&pool)
            .await
            .unwrap();
        }
    };
    since(31).await;
    assert!(agents.deleted(&who.viewer).await.unwrap().is_empty());
    assert!(matches!(
        agents.restore(&who, id).await,
        Err(EditError::NotFound)
    ));
    since(30).await;
    assert_eq!(agents.deleted(&who.viewer).await.unwrap()[0].slug, "tutor");
    agents.restore(&who, id).await.unwrap();
    assert!(agents.by_slug(&who.viewer, "tutor").await.is_ok());
    assert!(agents.deleted(&who.viewer).await.unwrap().is_empty());
    let log = audited(&pool, id).await;
    let actions: Vec<_> = log.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["agent.create", "agent.delete", "agent.restore"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_copy_is_private_and_has_an_address_of_its_own(pool: PgPool) {
    let agents = service(&pool);
    let mut who = maker(&pool, "ada").await;
    who.viewer.groups = vec!["/research".to_owned()];
    let original = AgentDraft {
        name: "é".repeat(80),
        visibility: Visibility::Public,
        group: Some("/research".to_owned()),
        ..draft("tutor")
    };
    let id = agents.create(&who, original.clone()).await.unwrap();
    let mut colleague = maker(&pool, "bob").await;
    colleague.viewer.groups = vec!["/research".to_owned()];
    for slug in ["tutor-copy", "tutor-copy-2", "tutor-copy-3"] {
        let copy = agents.duplicate(&colleague, id).await.unwrap();
        assert_eq!(copy.slug, slug);
        let made = agents.editable(&colleague.viewer, slug).await.unwrap();
        assert_eq!((made.id, made.version), (copy.id, 1));
        assert_eq!(made.owner, Some(colleague.viewer.user));
        let expected = AgentDraft {
            name: format!("{} (copy)", "é".repeat(73)),
            slug: slug.to_owned(),
            visibility: Visibility::Private,
            group: None,
            ..original.clone()
        };
        assert_eq!(made.draft, expected);
        let log = audited(&pool, copy.id).await;
        assert_eq!(log[0].0, "agent.duplicate");
        assert_eq!(log[0].1["copied_from"][1], id.to_string());
    }
    let of_copy = agents
        .editable(&colleague.viewer, "tutor-copy")
        .await
        .unwrap();
    let second = agents.duplicate(&colleague, of_copy.id).await.unwrap();
    assert_eq!(second.slug, "tutor-copy-copy");
}
