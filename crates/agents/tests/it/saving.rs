//! Making an agent and changing it.

use onelastai_agents::{AgentDraft, Avatar, EditError, Hue, Parameters, Saved, Viewer, Visibility};
use onelastai_db::PgPool;
use onelastai_types::Tier;
use serde_json::{Value, json};

use crate::fixture::{audited, draft, editor, maker, person, refused, service};

/// One that uses every field.
fn full(slug: &str) -> AgentDraft {
    AgentDraft {
        name: "Code reviewer".to_owned(),
        slug: slug.to_owned(),
        avatar: Avatar::Hue(Hue::Violet),
        description: "Reads code.".to_owned(),
        system_prompt: "Name the bugs first.\nThen the rest — “precisely”.".to_owned(),
        model_preferences: vec!["phi4".to_owned(), "llama3.2".to_owned()],
        local_only: false,
        parameters: Parameters {
            temperature: Some(0.7),
            top_p: Some(0.95),
            seed: Some(-7),
            max_tokens: Some(2048),
        },
        starters: vec!["Review this: ".trim().to_owned()],
        visibility: Visibility::Group,
        group: Some("/research".to_owned()),
        required_tier: Tier::Pro,
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_saved_comes_back_everywhere(pool: PgPool) {
    let agents = service(&pool);
    let mut who = maker(&pool, "ada").await;
    who.viewer.groups = vec!["/research".to_owned()];
    let wanted = full("reviewer");
    let id = agents.create(&who, wanted.clone()).await.unwrap();
    let editable = agents.editable(&who.viewer, "reviewer").await.unwrap();
    assert_eq!((editable.id, editable.version), (id, 1));
    assert_eq!(editable.owner, Some(who.viewer.user));
    assert_eq!(editable.draft, wanted);
    let used = agents.by_slug(&who.viewer, "reviewer").await.unwrap();
    assert_eq!(
        (used.version, used.parameters),
        (1, wanted.parameters.clone())
    );
    assert_eq!(
        (used.required_tier, used.avatar),
        (Tier::Pro, wanted.avatar)
    );
    let version = agents.version(&who.viewer, id, 1).await.unwrap();
    assert_eq!(
        (version.draft, version.author),
        (wanted, Some(who.viewer.user))
    );

    let log = audited(&pool, id).await;
    assert_eq!(log.len(), 1);
    let (action, changes) = &log[0];
    assert_eq!(action, "agent.create");
    assert_eq!(changes.as_object().unwrap().len(), AgentDraft::FIELDS.len());
    assert_eq!(changes["slug"], json!([null, "reviewer"]));
    assert_eq!(changes["parameters"][1]["temperature"], json!(0.7));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_save_is_a_version_and_one_line_with_what_changed(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    let changed = AgentDraft {
        name: "  Teacher ".to_owned(),
        slug: "teacher".to_owned(),
        local_only: false,
        ..draft("tutor")
    };
    let saved = agents
        .update(&who, id, 1, changed.clone(), Some(" Renamed. "))
        .await
        .unwrap();
    let expected = Saved {
        version: 2,
        changed: true,
        slug: "teacher".to_owned(),
    };
    assert_eq!(saved, expected);
    let log = audited(&pool, id).await;
    let expected = json!({
        "name": ["Tutor", "Teacher"],
        "slug": ["tutor", "teacher"],
        "local_only": [true, false],
    });
    assert_eq!(log[1..], [("agent.update".to_owned(), expected)]);
    let versions = agents.versions(&who.viewer, id).await.unwrap();
    assert_eq!(versions[0].note.as_deref(), Some("Renamed."));
    assert!(agents.editable(&who.viewer, "tutor").await.is_err());

    // The same again, from whichever version: nothing.
    for based_on in [2, 1, 77] {
        let again = agents
            .update(&who, id, based_on, changed.clone(), Some("x"))
            .await
            .unwrap();
        assert_eq!((again.version, again.changed), (2, false));
    }
    assert_eq!(agents.versions(&who.viewer, id).await.unwrap().len(), 2);
    assert_eq!(audited(&pool, id).await.len(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_field_can_be_changed_alone(pool: PgPool) {
    let agents = service(&pool);
    let mut who = maker(&pool, "ada").await;
    who.viewer.groups = vec!["/research".to_owned()];
    // The group goes with a visibility that allows it.
    let start = AgentDraft {
        visibility: Visibility::Public,
        ..draft("tutor")
    };
    let id = agents.create(&who, start.clone()).await.unwrap();
    let mut now = serde_json::to_value(start).unwrap();
    let target = serde_json::to_value(full("reviewer")).unwrap();
    for (index, field) in ["group"]
        .into_iter()
        .chain(
            AgentDraft::FIELDS
                .into_iter()
                .filter(|field| *field != "group"),
        )
        .enumerate()
    {
        now[field] = target[field].clone();
        let changed: AgentDraft = serde_json::from_value(now.clone()).unwrap();
        let based_on = i32::try_from(index).unwrap() + 1;
        let saved = agents
            .update(&who, id, based_on, changed, None)
            .await
            .unwrap();
        assert_eq!(
            (saved.version, saved.changed),
            (based_on + 1, true),
            "{field}"
        );
        let log = audited(&pool, id).await;
        let fields: Vec<_> = log.last().unwrap().1.as_object().unwrap().keys().collect();
        assert_eq!(fields, [field]);
    }
    let end = agents.editable(&who.viewer, "reviewer").await.unwrap();
    assert_eq!(end.draft, full("reviewer"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn refusals_change_nothing(pool: PgPool) {
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    agents.create(&who, draft("other")).await.unwrap();
    let bad = AgentDraft {
        name: String::new(),
        slug: "api".to_owned(),
        ..draft("x")
    };
    let note = "x".repeat(201);
    assert_eq!(
        refused(agents.create(&who, bad.clone()).await),
        ["name", "slug"]
    );
    assert_eq!(
        refused(agents.update(&who, id, 1, bad, Some(&note)).await),
        ["name", "slug", "note"]
    );
    assert_eq!(refused(agents.create(&who, draft("other")).await), ["slug"]);
    assert_eq!(
        refused(agents.update(&who, id, 1, draft("other"), None).await),
        ["slug"]
    );
    let editable = agents.editable(&who.viewer, "tutor").await.unwrap();
    assert_eq!((editable.version, editable.draft), (1, draft("tutor")));
    assert_eq!(audited(&pool, id).await.len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_conflict_carries_what_the_other_one_saved(pool: PgPool) {
    let agents = service(&pool);
    let ada = maker(&pool, "ada").await;
    let admin = editor(
        Viewer {
            administers: true,
            ..Viewer::person(person(&pool, "root").await)
        },
        "root",
    );
    let id = agents.create(&ada, draft("tutor")).await.unwrap();
    let theirs = AgentDraft {
        description: "By the administrator.".to_owned(),
        ..draft("tutor")
    };
    agents
        .update(&admin, id, 1, theirs.clone(), Some("Fixed."))
        .await
        .unwrap();
    let mine = AgentDraft {
        name: "Mine".to_owned(),
        ..draft("tutor")
    };
    let Err(EditError::Conflict(newer)) = agents.update(&ada, id, 1, mine.clone(), None).await
    else {
        panic!("no conflict");
    };
    assert_eq!((newer.version, newer.draft), (2, theirs));
    assert_eq!(newer.author_name.as_deref(), Some("root"));
    assert_eq!(newer.note.as_deref(), Some("Fixed."));
    // Based on that one it goes.
    assert_eq!(
        agents
            .update(&ada, id, 2, mine, None)
            .await
            .unwrap()
            .version,
        3
    );
    let ahead = agents.update(&ada, id, 9, draft("tutor"), None).await;
    assert!(matches!(ahead, Err(EditError::Conflict(_))), "{ahead:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_database_refuses_what_no_form_lets_through(pool: PgPool) {
    let who = maker(&pool, "ada").await;
    let id = service(&pool).create(&who, draft("tutor")).await.unwrap();
    for (column, value) in [
        ("avatar", "<b>"),
        ("avatar", "a"),
        ("avatar", ""),
        ("avatar", "🦉<"),
        ("avatar", "Teal"),
        ("group_path", "/research"), // It is private.
        ("visibility", "group"),     // It has no group.
        ("visibility", "all"),
        ("slug", "A"),
    ] {
        let sql = format!("UPDATE agents SET {column} = $2 WHERE id = $1");
        let result = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id.0)
            .bind(value)
            .execute(&pool)
            .await;
        assert!(result.is_err(), "{column}: {value}");
    }
    for avatar in ["teal", "🦉", "👩‍💻", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"] {
        sqlx::query("UPDATE agents SET avatar = $2 WHERE id = $1")
            .bind(id.0)
            .bind(avatar)
            .execute(&pool)
            .await
            .unwrap();
    }
    let content: Value = sqlx::query_scalar("SELECT agent_content(a) FROM agents a")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(content.as_object().unwrap().len(), AgentDraft::FIELDS.len());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_plan_has_room_for_so_many_agents_however_fast_they_are_made(pool: PgPool) {
    let set = "UPDATE tier_limits SET max_agents = 2 WHERE tier = 'free'";
    sqlx::query(set).execute(&pool).await.unwrap();
    let who = maker(&pool, "ada").await;
    let tasks: Vec<_> = (0..5)
        .map(|number| {
            let (agents, who) = (service(&pool), who.clone());
            tokio::spawn(
                async move { agents.create(&who, draft(&format!("agent-{number}"))).await },
            )
        })
        .collect();
    let (mut made, mut full) = (Vec::new(), 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(agent) => made.push(agent),
            Err(EditError::Full(2)) => full += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((made.len(), full), (2, 3));
    let agents = service(&pool);
    let copy = agents.duplicate(&who, made[0]).await;
    assert!(matches!(copy, Err(EditError::Full(2))), "{copy:?}");
    // What is deleted takes no room.
    agents.delete(&who, made[0]).await.unwrap();
    agents.duplicate(&who, made[1]).await.unwrap();
    // It can't come back where another took its room.
    let back = agents.restore(&who, made[0]).await;
    assert!(matches!(back, Err(EditError::Full(2))), "{back:?}");
}
