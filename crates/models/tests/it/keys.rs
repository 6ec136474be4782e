//! A key goes in, and comes out at its engine only.

use std::sync::{Arc, Mutex};

use onelastai_db::{MIGRATOR, PgPool};
use onelastai_model_router::ProviderKind;
use onelastai_models::{KeyChange, KeyState, ModelDraft, ModelsError, Vault, parse_instances};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::fixture::{Redis, draft, operator, vault};

const CANARY: &str = "sk-canary-0123456789";

/// An engine that notes how it is asked, since a real one would not say.
async fn engine() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|it| it == b"\r\n\r\n") {
                if connection.read_buf(&mut head).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            noting
                .lock()
                .unwrap()
                .push(String::from_utf8_lossy(&head).into_owned());
            let answer =
                "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (address, heard)
}

fn cloud(instances: &str) -> ModelDraft {
    ModelDraft {
        provider: ProviderKind::OpenAi,
        ..draft("cloud", instances)
    }
}

/// Everything that the database holds, as text.
async fn stored(pool: &PgPool) -> String {
    let all = "SELECT (SELECT json_agg(m)::text FROM models m)
                   || (SELECT json_agg(a)::text FROM audit_logs a)
                   || coalesce((SELECT string_agg(encode(key_cipher, 'escape'), '') FROM models), '')";
    sqlx::query_scalar(all).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn it_comes_out_at_its_engine_only(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, router) = redis.server(&pool, Some(vault()));
    let (address, heard) = engine().await;
    let key = KeyChange::Set(CANARY.into());
    service
        .add(&operator(), cloud(&address), key)
        .await
        .unwrap();

    let trial = service.try_out("cloud", &address).await.unwrap();
    let heard: String = heard.lock().unwrap().join("\n");
    assert!(heard.contains(&format!("Bearer {CANARY}")), "{heard}");

    let shown = [
        format!("{trial:?}"),
        format!("{:?}", service.list().await.unwrap()),
        format!("{:?}", router.snapshot()),
        format!("{:?}", router.models()),
        stored(&pool).await,
    ];
    for text in shown {
        assert!(text.contains("cloud") && !text.contains("canary"), "{text}");
    }
    let known = service.find("cloud").await.unwrap().unwrap();
    assert_eq!(known.key, KeyState::Stored);
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn it_does_not_go_where_it_was_not_meant_to(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, router) = redis.server(&pool, Some(vault()));
    let key = || KeyChange::Set(CANARY.into());
    let has_key = || router.models().iter().any(|spec| spec.key.is_some());
    let who = operator();
    service
        .add(&who, cloud("http://127.0.0.1:3/v1"), key())
        .await
        .unwrap();
    let change = async |instances: &str, key: KeyChange| {
        let known = service.find("cloud").await.unwrap().unwrap();
        let draft = ModelDraft {
            instances: parse_instances(instances, 4).unwrap(),
            ..known.draft
        };
        service.change(&who, known.version, draft, key).await
    };

    let same_server = "http://127.0.0.1:3/v2;slots=7";
    assert!(change(same_server, KeyChange::Keep).await.unwrap());
    assert!(has_key());
    let other_server = "http://127.0.0.1:3/v1\nhttp://127.0.0.1:4/v1";
    match change(other_server, KeyChange::Keep).await {
        Err(ModelsError::Invalid(wrong)) => assert_eq!(wrong[0].field, "key"),
        other => panic!("{other:?}"),
    }
    assert!(change(other_server, key()).await.unwrap(), "typed again");
    assert!(has_key());
    assert!(change(other_server, KeyChange::Forget).await.unwrap());
    assert!(!has_key());
    assert!(!stored(&pool).await.contains("canary"));
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn another_secrets_key_does_not_open_it(pool: PgPool) {
    let redis = Redis::start().await;
    let (service, _) = redis.server(&pool, Some(vault()));
    let key = KeyChange::Set(CANARY.into());
    let draft = cloud("http://127.0.0.1:3/v1");
    service.add(&operator(), draft, key).await.unwrap();
    for vault in [Some(Vault::new(&[8; 32])), None] {
        let (other, router) = redis.server(&pool, vault);
        other.reload().await.unwrap();
        let known = other.find("cloud").await.unwrap().unwrap();
        assert_eq!(known.key, KeyState::Unreadable);
        let models = router.models();
        let spec = models.iter().find(|spec| spec.id == "cloud").unwrap();
        assert_eq!(spec.key, None, "it is there, but without its key");
    }
}
