//! Who may do what: every viewer × every visibility × every operation.

use onelastai_agents::{
    AgentDraft, AgentError, AgentService, EditError, Editor, Span, Viewer, Visibility,
};
use onelastai_db::PgPool;
use onelastai_types::{AgentId, UserId};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::fixture::{draft, editor, maker, person, service};

/// How the rules are meant to be, written a second time.
struct Rules {
    usable: bool,
    editable: bool,
}

fn rules(viewer: &Viewer, owner: UserId, kind: (Visibility, Option<&str>)) -> Rules {
    let (visibility, group) = kind;
    let owns = viewer.user == owner;
    let belongs = group.is_some_and(|group| viewer.groups.iter().any(|own| own == group));
    Rules {
        usable: owns
            || match visibility {
                Visibility::Private => false,
                Visibility::Group => belongs,
                Visibility::SignedIn | Visibility::Public => true,
            },
        editable: viewer.administers || (viewer.manages && (owns || belongs)),
    }
}

const KINDS: [(Visibility, Option<&str>); 6] = [
    (Visibility::Private, None),
    (Visibility::Group, Some("/research")),
    (Visibility::SignedIn, None),
    (Visibility::SignedIn, Some("/research")),
    (Visibility::Public, None),
    (Visibility::Public, Some("/research")),
];

/// Everybody there can be: who they are, their groups, their permissions.
fn viewers(owner: UserId, other: UserId) -> Vec<Viewer> {
    let groups: [&[&str]; 3] = [&[], &["/research/ai", "/"], &["/x", "/research"]];
    let mut all = Vec::new();
    for user in [owner, other] {
        for groups in groups {
            for (manages, administers) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                all.push(Viewer {
                    user,
                    groups: groups.iter().map(|group| (*group).to_owned()).collect(),
                    manages,
                    administers,
                });
            }
        }
    }
    all
}

/// Everything about an agent, to see that nothing happened to it.
async fn state(pool: &PgPool, agent: AgentId) -> String {
    sqlx::query_scalar(
        "SELECT row_to_json(a)::text
             || (SELECT count(*) FROM agent_versions)
             || (SELECT count(*) FROM audit_logs)
             || (SELECT count(*) FROM agents)
         FROM agents a WHERE id = $1",
    )
    .bind(agent.0)
    .fetch_one(pool)
    .await
    .unwrap()
}

async fn try_to_read(
    agents: &AgentService,
    viewer: &Viewer,
    agent: AgentId,
    slug: &str,
) -> Vec<(&'static str, Result<(), EditError>)> {
    vec![
        ("editable", agents.editable(viewer, slug).await.map(drop)),
        ("versions", agents.versions(viewer, agent).await.map(drop)),
        ("version", agents.version(viewer, agent, 1).await.map(drop)),
        (
            "compare",
            agents.compare(viewer, agent, 1, 1).await.map(drop),
        ),
        (
            "statistics",
            agents.statistics(viewer, agent, Span::Week).await.map(drop),
        ),
        (
            "export",
            agents
                .export(&editor(viewer.clone(), "reader"), slug)
                .await
                .map(drop),
        ),
    ]
}

/// In an order in which each can happen after the one before.
const CHANGES: [&str; 8] = [
    "update",
    "restore_version",
    "duplicate",
    "archive",
    "unarchive",
    "delete",
    "restore",
    "update again",
];

async fn try_to_change(
    agents: &AgentService,
    who: &Editor,
    agent: AgentId,
    made: &AgentDraft,
    change: &str,
) -> Result<(), EditError> {
    let changed = |name: &str| AgentDraft {
        name: name.to_owned(),
        ..made.clone()
    };
    match change {
        "update" => agents
            .update(who, agent, 1, changed("A"), None)
            .await
            .map(drop),
        "restore_version" => agents.restore_version(who, agent, 2, 1).await.map(drop),
        "duplicate" => agents.duplicate(who, agent).await.map(drop),
        "archive" => agents.archive(who, agent).await,
        "unarchive" => agents.unarchive(who, agent).await,
        "delete" => agents.delete(who, agent).await,
        "restore" => agents.restore(who, agent).await,
        "update again" => agents
            .update(who, agent, 3, changed("B"), None)
            .await
            .map(drop),
        other => panic!("{other}"),
    }
}

fn is_hidden(result: &Result<(), EditError>) -> bool {
    matches!(result, Err(EditError::NotFound))
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_viewer_every_visibility_every_operation(
    pools: PgPoolOptions,
    options: PgConnectOptions,
) {
    // Thousands of changes, none of which has to survive a crash.
    let pool = pools
        .connect_with(options.options([("synchronous_commit", "off")]))
        .await
        .unwrap();
    let agents = service(&pool);
    let owner = maker(&pool, "ada").await.viewer.user;
    let other = person(&pool, "eve").await;
    let maker = editor(
        Viewer {
            user: owner,
            groups: vec!["/research".to_owned()],
            manages: true,
            administers: false,
        },
        "ada",
    );
    let (mut allowed, mut hidden, mut count) = (0, 0, 0);
    for viewer in viewers(owner, other) {
        for kind in KINDS {
            count += 1;
            let slug = format!("agent-{count}");
            let made = AgentDraft {
                visibility: kind.0,
                group: kind.1.map(Into::into),
                ..draft(&slug)
            };
            let id = agents.create(&maker, made.clone()).await.unwrap();
            let rules = rules(&viewer, owner, kind);
            let what = format!("{viewer:?} (owner: {owner}), {kind:?}");

            // Using it.
            let listed = agents.list(&viewer).await.unwrap();
            assert_eq!(
                listed.iter().any(|agent| agent.id == id),
                rules.usable,
                "{what}"
            );
            for used in [
                agents.by_slug(&viewer, &slug).await.map(|agent| agent.id),
                agents
                    .card_by_slug(&viewer, &slug)
                    .await
                    .map(|card| card.id),
                agents.to_go_on(&viewer, id).await.map(|agent| agent.id),
            ] {
                match used {
                    Ok(found) => assert!(rules.usable && found == id, "{what}"),
                    Err(AgentError::NotFound) => assert!(!rules.usable, "{what}"),
                    Err(error) => panic!("{what}: {error}"),
                }
            }

            // Seeing how it is made.
            let shown = agents.dashboard(&viewer, &slug, false, 1).await.unwrap();
            assert_eq!(
                shown.agents.iter().any(|agent| agent.id == id),
                rules.editable,
                "{what}"
            );
            for (operation, result) in try_to_read(&agents, &viewer, id, &slug).await {
                assert_eq!(result.is_ok(), rules.editable, "{operation}: {what}");
                assert_eq!(is_hidden(&result), !rules.editable, "{operation}: {what}");
            }

            // Changing it.
            let who = editor(viewer.clone(), "somebody");
            for change in CHANGES {
                if change == "restore" && !rules.editable {
                    agents.delete(&maker, id).await.unwrap();
                }
                let before = state(&pool, id).await;
                let result = try_to_change(&agents, &who, id, &made, change).await;
                let after = state(&pool, id).await;
                if rules.editable {
                    assert!(result.is_ok(), "{change}: {what}: {result:?}");
                    assert_ne!(before, after, "{change}: {what}");
                    allowed += 1;
                } else {
                    assert!(is_hidden(&result), "{change}: {what}: {result:?}");
                    assert_eq!(before, after, "{change}: {what}");
                    hidden += 1;
                }
            }
            // Out of the way of the list, which has an end.
            sqlx::query("UPDATE agents SET deleted_at = now()")
                .execute(&pool)
                .await
                .unwrap();
        }
    }
    assert!(
        allowed > 400 && hidden > 400,
        "{allowed} allowed, {hidden} hidden"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_not_signed_in_sees_the_look_of_public_ones(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    for visibility in Visibility::ALL {
        let slug = format!("it-is-{}", visibility.as_str().replace('_', "-"));
        let mut who = who.clone();
        who.viewer.groups = vec!["/research".to_owned()];
        let made = AgentDraft {
            visibility,
            group: Some("/research".to_owned()),
            avatar: "🦉".parse().unwrap(),
            ..draft(&slug)
        };
        let id = agents.create(&who, made).await.unwrap();
        let look = agents.look(&slug).await;
        if visibility != Visibility::Public {
            assert!(matches!(look, Err(AgentError::NotFound)), "{visibility}");
            continue;
        }
        let look = look.unwrap();
        assert_eq!(
            (look.name.as_str(), look.avatar.to_string().as_str()),
            ("Tutor", "🦉")
        );
        agents.archive(&who, id).await.unwrap();
        assert!(agents.look(&slug).await.is_err());
        agents.unarchive(&who, id).await.unwrap();
        assert!(agents.look(&slug).await.is_ok());
        agents.delete(&who, id).await.unwrap();
        assert!(agents.look(&slug).await.is_err());
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn making_agents_takes_a_permission(pool: PgPool) {
    let agents = service(&pool);
    let user = person(&pool, "ada").await;
    let file =
        r#"{"format": "onelastai-agent", "version": 1, "agent": {"name": "A", "slug": "aa"}}"#;
    for (manages, administers) in [(false, false), (true, false), (false, true), (true, true)] {
        let viewer = Viewer {
            manages,
            administers,
            ..Viewer::person(user)
        };
        let who = editor(viewer, "ada");
        let slug = format!("by-{manages}-{administers}");
        let made = agents.create(&who, draft(&slug)).await.map(drop);
        let imported = agents.import(&who, file).await.map(drop);
        for result in [made, imported] {
            assert_eq!(result.is_ok(), manages || administers, "{result:?}");
            assert_eq!(is_hidden(&result), !(manages || administers), "{result:?}");
        }
    }
    // A wrong draft tells nothing to who may not make one.
    let nobody = editor(Viewer::person(user), "ada");
    let result = agents.create(&nobody, AgentDraft::default()).await;
    assert!(matches!(result, Err(EditError::NotFound)), "{result:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_address_that_no_agent_can_have_is_not_found(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    for slug in [
        "",
        "a\0b",
        "%",
        "../tutor",
        "tutor'--",
        &"x".repeat(100_000),
    ] {
        let (used, looked) = (
            agents.by_slug(&who.viewer, slug).await,
            agents.look(slug).await,
        );
        assert!(matches!(used, Err(AgentError::NotFound)), "{slug:.20}");
        assert!(matches!(looked, Err(AgentError::NotFound)), "{slug:.20}");
        let card = agents.card_by_slug(&who.viewer, slug).await;
        assert!(matches!(card, Err(AgentError::NotFound)), "{slug:.20}");
        let edited = agents.editable(&who.viewer, slug).await;
        assert!(matches!(edited, Err(EditError::NotFound)), "{slug:.20}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_agent_without_owner_is_for_administrators(pool: PgPool) {
    onelastai_agents::create_sample_agents(&pool).await.unwrap();
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    assert_eq!(agents.list(&who.viewer).await.unwrap().len(), 4);
    assert_eq!(
        agents
            .dashboard(&who.viewer, "", false, 1)
            .await
            .unwrap()
            .total,
        0
    );
    let admin = Viewer {
        administers: true,
        ..who.viewer
    };
    let shown = agents.dashboard(&admin, "", false, 1).await.unwrap();
    assert_eq!(shown.total, 4);
    for agent in shown.agents {
        let editable = agents.editable(&admin, &agent.slug).await.unwrap();
        // They pass the rules as they are.
        let saved = agents
            .update(
                &editor(admin.clone(), "ada"),
                agent.id,
                1,
                AgentDraft {
                    description: "Changed.".to_owned(),
                    ..editable.draft
                },
                None,
            )
            .await
            .unwrap();
        assert_eq!((editable.owner, saved.version), (None, 2));
    }
}
