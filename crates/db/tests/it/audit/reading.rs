//! Searching and turning pages.

use std::collections::HashSet;

use onelastai_db::{
    Actor, AuditEntry, Origin, PgPool,
    audit::{AuditQuery, MAX_PAGE_SIZE, entry, list},
    new_id, record,
};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::write_many;
use crate::execute;

struct Line {
    actor: Actor,
    action: &'static str,
    target: (&'static str, Uuid),
    changes: Value,
}

async fn write(pool: &PgPool, line: Line) {
    let Value::Object(changes) = line.changes else {
        panic!("changes are an object");
    };
    let origin = Origin {
        address: "2001:db8::7".parse().ok(),
        user_agent: Some("Mozilla/5.0".to_owned()),
    };
    let entry = AuditEntry {
        actor: line.actor,
        origin: &origin,
        action: line.action,
        target_type: line.target.0,
        target_id: line.target.1,
        changes,
    };
    let mut connection = pool.acquire().await.unwrap();
    record(&mut connection, entry).await.unwrap();
}

/// The sequences that a query finds.
async fn found(pool: &PgPool, query: AuditQuery) -> Vec<i64> {
    let page = list(pool, &query, None, MAX_PAGE_SIZE).await.unwrap();
    page.rows.iter().map(|row| row.sequence).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[sqlx::test(migrations = "../../migrations")]
async fn each_part_of_a_query_counts(pool: PgPool) {
    let (zoe, agent): (Uuid, Uuid) = (new_id(), new_id());
    let person = || Actor::User {
        id: zoe,
        name: "Zoë.Owl".to_owned(),
    };
    for (actor, action, kind, changes) in [
        (
            person(),
            "agent.create",
            "agents",
            json!({"slug": [null, "writing-coach"]}),
        ),
        (person(), "agent_group.create", "agents", json!({})),
        (
            Actor::Program("onelastai db migrate"),
            "agent.update",
            "agents",
            json!({}),
        ),
        (
            person(),
            "session.sign_in",
            "user_sessions",
            json!({"say": ["", "\"100%\"\n\\_"]}),
        ),
    ] {
        let target = (kind, if kind == "agents" { agent } else { new_id() });
        write(
            &pool,
            Line {
                actor,
                action,
                target,
                changes,
            },
        )
        .await;
    }
    let all = AuditQuery::default;
    let cases = [
        (all(), vec![4, 3, 2, 1]),
        (
            AuditQuery {
                actor_id: Some(zoe),
                ..all()
            },
            vec![4, 2, 1],
        ),
        (
            AuditQuery {
                actor_id: Some(agent),
                ..all()
            },
            vec![],
        ),
        (
            AuditQuery {
                actor: some("zoë.o"),
                ..all()
            },
            vec![4, 2, 1],
        ),
        (
            AuditQuery {
                actor: some("z_"),
                ..all()
            },
            vec![],
        ),
        (
            AuditQuery {
                action: some("agent.create"),
                ..all()
            },
            vec![1],
        ),
        (
            AuditQuery {
                action: some("agent."),
                ..all()
            },
            vec![3, 1],
        ),
        (
            AuditQuery {
                action: some("agent"),
                ..all()
            },
            vec![],
        ),
        (
            AuditQuery {
                target_type: some("agents"),
                ..all()
            },
            vec![3, 2, 1],
        ),
        (
            AuditQuery {
                target_id: Some(agent),
                ..all()
            },
            vec![3, 2, 1],
        ),
        (
            AuditQuery {
                text: some("WRITING-c"),
                ..all()
            },
            vec![1],
        ),
        (
            AuditQuery {
                text: some("db MIGRATE"),
                ..all()
            },
            vec![3],
        ),
        (
            AuditQuery {
                text: some("Sign_In"),
                ..all()
            },
            vec![4],
        ),
        // Signs that mean something in LIKE or JSON are only themselves.
        (
            AuditQuery {
                text: some("%"),
                ..all()
            },
            vec![4],
        ),
        (
            AuditQuery {
                text: some("\"100%\""),
                ..all()
            },
            vec![4],
        ),
        (
            AuditQuery {
                text: some("%\"\n\\_"),
                ..all()
            },
            vec![4],
        ),
        (
            AuditQuery {
                text: some("a\0"),
                ..all()
            },
            vec![],
        ),
        (
            AuditQuery {
                text: some("  "),
                actor: some(""),
                ..all()
            },
            vec![4, 3, 2, 1],
        ),
        (
            AuditQuery {
                actor_id: Some(zoe),
                action: some("agent."),
                target_type: some("agents"),
                text: some("coach"),
                ..all()
            },
            vec![1],
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(found(&pool, query.clone()).await, expected, "{query:?}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_row_has_all_that_a_page_shows(pool: PgPool) {
    let (person, target) = (new_id(), new_id());
    let line = Line {
        actor: Actor::User {
            id: person,
            name: "zoe".to_owned(),
        },
        action: "agent.update",
        target: ("agents", target),
        changes: json!({"name": ["A", "B"], "archived": [false, true]}),
    };
    let begin = OffsetDateTime::now_utc() - Duration::hours(1);
    write(&pool, line).await;
    let page = list(&pool, &AuditQuery::default(), None, 50).await.unwrap();
    assert_eq!(page.next, None);
    let [row] = &page.rows[..] else {
        panic!("one row");
    };
    assert!(row.occurred_at > begin && row.occurred_at < begin + Duration::hours(2));
    assert_eq!((row.sequence, row.actor_id), (1, Some(person)));
    assert_eq!(
        (row.actor.as_str(), row.action.as_str()),
        ("zoe", "agent.update")
    );
    assert_eq!(
        (row.target_type.as_deref(), row.target_id),
        (Some("agents"), Some(target))
    );
    assert_eq!(row.address.as_deref(), Some("2001:db8::7"));
    assert_eq!(row.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert_eq!(
        row.changes,
        Map::from_iter([
            ("name".to_owned(), json!(["A", "B"])),
            ("archived".to_owned(), json!([false, true])),
        ])
    );
    assert_eq!(row.hash.len(), 64);
}

#[sqlx::test(migrations = "../../migrations")]
async fn from_is_included_and_to_is_not(pool: PgPool) {
    write_many(&pool, 5).await;
    let times: Vec<OffsetDateTime> =
        sqlx::query_scalar("SELECT occurred_at FROM audit_logs ORDER BY sequence")
            .fetch_all(&pool)
            .await
            .unwrap();
    let between = |from, to| AuditQuery {
        from,
        to,
        ..AuditQuery::default()
    };
    for (from, to, expected) in [
        (Some(times[1]), Some(times[3]), vec![3, 2]),
        (Some(times[1]), None, vec![5, 4, 3, 2]),
        (None, Some(times[1]), vec![1]),
        (Some(times[3]), Some(times[1]), vec![]),
        (Some(times[4] + Duration::days(1)), None, vec![]),
        (None, Some(times[0]), vec![]),
        (
            Some(times[0] - Duration::days(1)),
            Some(times[4] + Duration::days(1)),
            vec![5, 4, 3, 2, 1],
        ),
    ] {
        assert_eq!(
            found(&pool, between(from, to)).await,
            expected,
            "{from:?} {to:?}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn pages_miss_nothing_and_repeat_nothing_while_the_log_grows(pool: PgPool) {
    write_many(&pool, 25).await;
    let query = AuditQuery {
        action: some("test."),
        ..AuditQuery::default()
    };
    let (mut seen, mut before, mut sizes) = (Vec::new(), None, Vec::new());
    loop {
        let page = list(&pool, &query, before, 10).await.unwrap();
        sizes.push(page.rows.len());
        seen.extend(page.rows.iter().map(|row| row.sequence));
        write_many(&pool, 3).await;
        match page.next {
            Some(next) => before = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
    assert_eq!(sizes, [10, 10, 5]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_size_of_a_page_has_bounds(pool: PgPool) {
    write_many(&pool, 201).await;
    let all = AuditQuery::default();
    let page = list(&pool, &all, None, 0).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (1, Some(201)));
    let page = list(&pool, &all, None, u16::MAX).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (200, Some(2)));
    let page = list(&pool, &all, page.next, u16::MAX).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (1, None));
    let page = list(&pool, &all, Some(1), 10).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (0, None));
    // A whole last page is the last.
    let page = list(&pool, &all, Some(101), 100).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (100, None));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_search_reads_an_index_and_stops_at_its_page(pool: PgPool) {
    execute(
        &pool,
        "INSERT INTO audit_logs (id, actor_id, actor, action)
         SELECT gen_random_uuid(), CASE WHEN n % 1000 = 0 THEN '00000000-0000-7000-8000-000000000001'
                                        ELSE gen_random_uuid() END::uuid, 'x', 'x.y'
         FROM generate_series(1, 3000) AS n",
    )
    .await
    .unwrap();
    execute(&pool, "ANALYZE audit_logs").await.unwrap();
    let rare = AuditQuery {
        actor_id: "00000000-0000-7000-8000-000000000001".parse().ok(),
        ..AuditQuery::default()
    };
    assert_eq!(found(&pool, rare).await, [3000, 2000, 1000]);
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT sequence FROM audit_logs
         WHERE sequence < 2500 AND sequence <= (
             SELECT sequence FROM audit_logs WHERE occurred_at < now()
             ORDER BY occurred_at DESC, sequence DESC LIMIT 1)
         ORDER BY sequence DESC LIMIT 50",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let plan = plan.join("\n");
    let used: HashSet<_> = ["audit_logs_sequence_key", "audit_logs_occurred_at_idx"]
        .into_iter()
        .filter(|index| plan.contains(index))
        .collect();
    assert_eq!(used.len(), 2, "{plan}");
    assert!(
        !plan.contains("Sort") && !plan.contains("Seq Scan"),
        "{plan}"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_row_is_found_by_its_number(pool: PgPool) {
    write_many(&pool, 3).await;
    let row = entry(&pool, 2).await.unwrap().unwrap();
    assert_eq!((row.sequence, row.action.as_str()), (2, "test.write"));
    for none in [0, 4, -1, i64::MIN, i64::MAX] {
        assert_eq!(entry(&pool, none).await.unwrap(), None, "{none}");
    }
}
