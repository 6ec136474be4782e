//! A question to an instance.

use std::env;

use onelastai_db::{MIGRATOR, PgPool};
use onelastai_model_router::ProviderKind;
use onelastai_models::{KeyChange, ModelDraft};

use crate::fixture::{Redis, draft, operator};

#[sqlx::test(migrator = "MIGRATOR")]
async fn a_real_model_says_something(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, router) = redis.server(&pool, None);
    let servers = env::var("OLLAMA_URLS").unwrap_or_else(|_| "http://127.0.0.1:11434".to_owned());
    let address = servers.split([',', ';']).next().unwrap().to_owned();
    let engine_name = env::var("OLLAMA_MODEL").unwrap_or_else(|_| "smollm2:135m".to_owned());
    let ollama = ModelDraft {
        engine_name: engine_name.clone(),
        ..draft("real", &address)
    };
    service
        .add(&operator(), ollama, KeyChange::Keep)
        .await
        .unwrap();
    // The same server speaks the other protocol too.
    let openai = ModelDraft {
        engine_name,
        provider: ProviderKind::OpenAi,
        ..draft("real-openai", &format!("{address}/v1"))
    };
    service
        .add(&operator(), openai, KeyChange::Keep)
        .await
        .unwrap();
    for (model, address) in [
        ("real", address.clone()),
        ("real-openai", format!("{address}/v1")),
    ] {
        // An operator tries it out before it goes into service.
        service
            .drain(&operator(), model, &address, true)
            .await
            .unwrap();
        let trial = service.try_out(model, &address).await.unwrap();
        assert!(trial.health.is_usable(), "{trial:?}");
        let answer = trial.answer.unwrap().unwrap();
        assert!(
            !answer.text.is_empty() && answer.total >= answer.first_token,
            "{answer:?}"
        );
    }
    assert!(router.snapshot().iter().all(|it| it.in_flight == 0));
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn where_nobody_listens_nothing_is_asked(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, router) = redis.server(&pool, None);
    let trial = service
        .try_out("second", "http://127.0.0.1:2")
        .await
        .unwrap();
    assert!(
        !trial.health.reachable && trial.answer.is_none(),
        "{trial:?}"
    );
    let check = router.snapshot()[1].last_check.clone().unwrap();
    assert!(!check.reachable, "the router knows now: {check:?}");
}
