//! Every change is in the audit log, once, with who and what.

use onelastai_db::{MIGRATOR, PgPool};
use onelastai_models::{KeyChange, ModelDraft};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Redis, draft, operator, vault};

async fn log(pool: &PgPool) -> Vec<(String, String, Uuid, Value)> {
    sqlx::query_as("SELECT actor, action, target_id, changes FROM audit_logs ORDER BY sequence")
        .fetch_all(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn every_change_is_one_line(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, _) = redis.server(&pool, Some(vault()));
    let who = operator();
    let third = draft("third", "http://127.0.0.1:3;slots=2");
    service
        .add(&who, third.clone(), KeyChange::Set("sk-1".into()))
        .await
        .unwrap();
    let changed = ModelDraft {
        purpose: "tests".to_owned(),
        ..third
    };
    service
        .change(&who, 1, changed.clone(), KeyChange::Forget)
        .await
        .unwrap();
    assert!(
        !service
            .change(&who, 2, changed, KeyChange::Forget)
            .await
            .unwrap()
    );
    let instance = "http://127.0.0.1:3";
    assert!(service.drain(&who, "third", instance, true).await.unwrap());
    assert!(!service.drain(&who, "third", instance, true).await.unwrap());
    assert!(service.drain(&who, "third", instance, false).await.unwrap());
    service.remove(&who, "third").await.unwrap();
    service.restore(&who, "third").await.unwrap();

    let log = log(&pool).await;
    let actions: Vec<_> = log.iter().map(|(_, action, ..)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "model.create",
            "model.update",
            "model.drain",
            "model.undrain",
            "model.delete",
            "model.create"
        ]
    );
    let target = log[0].2;
    for (actor, _, about, changes) in &log {
        assert_eq!((actor.as_str(), *about), ("a test", target));
        let model = changes["model"].as_array().unwrap();
        assert!(model.contains(&json!("third")), "{changes}");
    }
    assert_eq!(
        log[0].3["instances"],
        json!([null, ["http://127.0.0.1:3;slots=2;weight=1"]])
    );
    assert_eq!(log[0].3["key"], json!(["none", "set"]));
    assert_eq!(
        log[1].3,
        json!({
            "model": ["third", "third"],
            "purpose": ["", "tests"],
            "key": ["set", "none"],
        })
    );
    assert_eq!(log[2].3["draining"], json!([false, true]));
    assert_eq!(log[3].3["draining"], json!([true, false]));
    assert_eq!(log[4].3["display_name"], json!(["THIRD", null]));

    let other = draft("fourth", "http://127.0.0.1:4");
    service.add(&who, other, KeyChange::Keep).await.unwrap();
    assert_ne!(self::log(&pool).await[6].2, target);
}
