//! Sessions that end without anybody's doing are noted too.

use onelastai_db::PgPool;

use crate::realm::{audited, end_reasons, origin, realm, redis, session, sid};

#[sqlx::test(migrations = "../../migrations")]
async fn sessions_that_redis_lost_are_noted_as_ended_once(pool: PgPool) {
    let realm = realm().await;
    let replicas = [realm.service(&pool), realm.service(&pool)];
    let someone = realm.someone(&[]).await;
    let lost = realm.sign_in(&replicas[0], &someone).await;
    let kept = realm.sign_in(&replicas[0], &someone).await;
    let found = session(&replicas[0], &lost).await.unwrap();
    let sid = sid(&pool, &found).await;
    let () = redis::cmd("DEL")
        .arg(format!("onelastai:keycloak:{sid}"))
        .query_async(&mut redis().await)
        .await
        .unwrap();
    // A session that began just now may not be in Redis yet.
    assert_eq!(replicas[0].sweep_sessions().await.unwrap(), 0);
    sqlx::query(
        "UPDATE user_sessions
         SET created_at = now() - interval '2 hours',
             expires_at = CASE WHEN id = $1 THEN now() - interval '1 hour' ELSE expires_at END",
    )
    .bind(found.id.0)
    .execute(&pool)
    .await
    .unwrap();
    let (one, two) = tokio::join!(replicas[0].sweep_sessions(), replicas[1].sweep_sessions());
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    assert_eq!(end_reasons(&pool).await, [Some("expired".to_owned()), None]);
    assert_eq!(audited(&pool, "session.end").await, 1);
    let in_time: bool = sqlx::query_scalar(
        "SELECT ended_at = expires_at FROM user_sessions WHERE ended_at IS NOT NULL",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(in_time, "it ended when its time was up");
    assert!(session(&replicas[0], &kept).await.is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sign_out_that_the_database_missed_is_made_good(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let run = |sql: &'static str| sqlx::query(sql).execute(&pool);
    run("UPDATE user_sessions SET created_at = now() - interval '1 hour'")
        .await
        .unwrap();
    run("ALTER TABLE user_sessions RENAME COLUMN end_reason TO gone")
        .await
        .unwrap();
    assert!(identity.sign_out(&main.token, &origin()).await.is_err());
    run("ALTER TABLE user_sessions RENAME COLUMN gone TO end_reason")
        .await
        .unwrap();
    // No cookie works any more, and nobody can sign out once more.
    assert!(session(&identity, &main).await.is_none());
    assert!(
        identity
            .sign_out(&main.token, &origin())
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(end_reasons(&pool).await, [None]);
    assert_eq!(identity.sweep_sessions().await.unwrap(), 1);
    assert_eq!(end_reasons(&pool).await, [Some("expired".to_owned())]);
    assert_eq!(audited(&pool, "session.end").await, 1);
}
