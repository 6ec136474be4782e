//! What is refused, and that nothing is left of it.

use onelastai_db::{MIGRATOR, PgPool};
use onelastai_model_router::{InstanceSpec, ModelSpec};
use onelastai_models::{KeyChange, ModelDraft, ModelsError};

use crate::fixture::{Redis, draft, models, operator};

fn fields(error: &ModelsError) -> Vec<&'static str> {
    match error {
        ModelsError::Invalid(wrong) => wrong.iter().map(|it| it.field).collect(),
        other => panic!("{other:?}"),
    }
}

async fn traces(pool: &PgPool) -> i64 {
    let count = "SELECT (SELECT count(*) FROM models) + (SELECT count(*) FROM model_drains)
                     + (SELECT count(*) FROM audit_logs)";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn a_wrong_draft_leaves_nothing(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, router) = redis.server(&pool, None);
    let good = draft("third", "http://127.0.0.1:3");
    let address = |url: &str| ModelDraft {
        instances: vec![InstanceSpec::from(url.parse::<url::Url>().unwrap())],
        ..good.clone()
    };
    for (what, wrong, field) in [
        ("a name", draft("Third one", "http://a"), "id"),
        ("a name of the settings", draft("first", "http://a"), "id"),
        (
            "a metadata service",
            address("http://169.254.169.254/"),
            "instances",
        ),
        (
            "credentials",
            address("http://user:canary@host/"),
            "instances",
        ),
        ("a protocol", address("gopher://host/"), "instances"),
    ] {
        let error = service
            .add(&operator(), wrong, KeyChange::Keep)
            .await
            .unwrap_err();
        assert_eq!(fields(&error), [field], "{what}");
        assert!(!format!("{error:?}").contains("canary"));
    }
    let key = KeyChange::Set("sk-1".into());
    let error = service.add(&operator(), good, key).await.unwrap_err();
    assert_eq!(fields(&error), ["key"], "without a vault");
    assert_eq!(traces(&pool).await, 0);
    assert_eq!(models(&router).len(), 2);
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn what_is_not_there_is_not_found(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, _) = redis.server(&pool, None);
    let who = operator();
    let absent = draft("third", "http://a");
    let errors = [
        service
            .change(&who, 0, absent, KeyChange::Keep)
            .await
            .unwrap_err(),
        service.remove(&who, "third").await.unwrap_err(),
        service.remove(&who, "first").await.unwrap_err(),
        service.restore(&who, "third").await.unwrap_err(),
        service
            .drain(&who, "third", "http://127.0.0.1:2", true)
            .await
            .unwrap_err(),
        service
            .drain(&who, "first", "http://127.0.0.1:2", true)
            .await
            .unwrap_err(),
        service
            .try_out("first", "http://127.0.0.1:2")
            .await
            .unwrap_err(),
        service
            .try_out("first", "http://169.254.169.254")
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, ModelsError::NotFound), "{error:?}");
    }
    assert_eq!(traces(&pool).await, 0);
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn two_who_change_the_same_model_do_not_overwrite_each_other(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, _) = redis.server(&pool, None);
    let find = async || service.find("first").await.unwrap().unwrap();
    let purpose = |purpose: &str, draft: ModelDraft| ModelDraft {
        purpose: purpose.to_owned(),
        ..draft
    };
    for round in 0..2 {
        let seen = find().await;
        let (who, version) = (operator(), seen.version);
        let change = |text: String| {
            let draft = purpose(&text, seen.draft.clone());
            service.change(&who, version, draft, KeyChange::Keep)
        };
        let (a, b) = tokio::join!(change(format!("a{round}")), change(format!("b{round}")));
        let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
        assert!(won.unwrap());
        assert!(matches!(lost, Err(ModelsError::Conflict)), "{lost:?}");
        assert_eq!(find().await.version, version + 1);
    }
    let seen = find().await;
    let again = service
        .change(&operator(), seen.version, seen.draft, KeyChange::Keep)
        .await;
    assert!(!again.unwrap(), "nothing to change");
    assert_eq!(find().await.version, 2);
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn of_many_who_add_the_same_name_one_does(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, router) = redis.server(&pool, None);
    let who = operator();
    let adding = (0..8).map(|_| {
        let third = draft("third", "http://127.0.0.1:3");
        service.add(&who, third, KeyChange::Keep)
    });
    let done = futures::future::join_all(adding).await;
    assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1);
    for error in done.into_iter().filter_map(Result::err) {
        assert_eq!(fields(&error), ["id"]);
    }
    assert_eq!(models(&router).len(), 3);
    let spec: ModelSpec = router.models()[2].clone();
    assert_eq!(
        (spec.id.as_str(), spec.display_name.as_str()),
        ("third", "THIRD")
    );
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn what_was_removed_comes_back_for_a_day(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, router) = redis.server(&pool, None);
    let who = operator();
    for (id, hours) in [("young", 23), ("old", 25)] {
        let draft = draft(id, "http://127.0.0.1:3");
        service.add(&who, draft, KeyChange::Keep).await.unwrap();
        service.remove(&who, id).await.unwrap();
        let ago = "UPDATE models SET removed_at = now() - make_interval(hours => $2) WHERE id = $1";
        let ago = sqlx::query(ago).bind(id).bind(hours);
        ago.execute(&pool).await.unwrap();
    }
    service.sweep().await.unwrap();
    service.restore(&who, "young").await.unwrap();
    let gone = service.restore(&who, "old").await;
    assert!(matches!(gone, Err(ModelsError::NotFound)), "{gone:?}");
    assert_eq!(models(&router).len(), 3);
    // A name that is free again can be given anew, also before the day is over.
    service.remove(&who, "young").await.unwrap();
    let young = draft("young", "http://127.0.0.1:4");
    service.add(&who, young, KeyChange::Keep).await.unwrap();
    let again = service.find("young").await.unwrap().unwrap();
    assert_eq!(again.draft.instances[0].url.port(), Some(4));
}
