//! More events at Keycloak than it gives at once, as when somebody guesses passwords.

use std::sync::{Arc, Mutex};

use onelastai_db::PgPool;
use onelastai_identity::{BackendClient, IdentityService, KeycloakSettings, Secret};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{service_with, variable};

/// As much of Keycloak as has events.
#[derive(Default)]
struct Keycloak {
    /// The oldest first.
    events: Vec<Value>,
    /// How often it was asked for some.
    asked: usize,
}

impl Keycloak {
    fn happen(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.events.len();
            self.events.push(json!({
                "time": 1_790_000_000_000_u64 + number as u64 * 10,
                "type": "LOGIN_ERROR",
                "ipAddress": "203.0.113.9",
                "error": "invalid_user_credentials",
                "details": { "username": format!("guess-{number}") }
            }));
        }
    }

    fn answer(&mut self, address: &str) -> Value {
        let url = url::Url::parse(&format!("http://localhost{address}")).unwrap();
        if !url.path().ends_with("/events") {
            return json!({ "access_token": "a-token", "expires_in": 300 });
        }
        self.asked += 1;
        let number = |name: &str| -> usize {
            let (_, value) = url.query_pairs().find(|(key, _)| key == name).unwrap();
            value.parse().unwrap()
        };
        let newest_first = self.events.iter().rev();
        newest_first
            .skip(number("first"))
            .take(number("max"))
            .cloned()
            .collect()
    }
}

/// The address of a request, once all of it is there.
async fn request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|it| it.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break;
            }
        }
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "cut off");
    }
    let text = String::from_utf8(read).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

async fn keycloak(pool: &PgPool) -> (Arc<Mutex<Keycloak>>, IdentityService) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keycloak = Arc::new(Mutex::new(Keycloak::default()));
    let shared = Arc::clone(&keycloak);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let address = request(&mut stream).await;
            let body = shared.lock().unwrap().answer(&address).to_string();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let settings = KeycloakSettings {
        url: url.parse().unwrap(),
        realm: "test".to_owned(),
        client_id: "onelastai-web".to_owned(),
        client_secret: Secret::new("none"),
        backend: Some(BackendClient {
            id: "onelastai-backend".to_owned(),
            secret: Secret::new("none"),
        }),
        base_url: "http://localhost:3000".parse().unwrap(),
    };
    let identity = service_with(pool.clone(), settings, &variable("REDIS_URL"));
    (keycloak, identity)
}

#[sqlx::test(migrations = "../../migrations")]
async fn many_failed_sign_ins_at_once_are_all_in_the_log(pool: PgPool) {
    let (keycloak, identity) = keycloak(&pool).await;
    let happen = |count| keycloak.lock().unwrap().happen(count);
    // Of what was before we first looked, the newest.
    happen(450);
    assert_eq!(identity.copy_events().await.unwrap(), 200);
    assert_eq!(identity.copy_events().await.unwrap(), 0);
    happen(450);
    let before = keycloak.lock().unwrap().asked;
    assert_eq!(identity.copy_events().await.unwrap(), 450);
    assert_eq!(
        keycloak.lock().unwrap().asked - before,
        3,
        "it stops at what is known"
    );
    assert_eq!(identity.copy_events().await.unwrap(), 0);
    let guesses: Vec<i32> = sqlx::query_scalar(
        "SELECT split_part(changes -> 'username' ->> 1, '-', 2)::int FROM audit_logs
         WHERE action = 'session.sign_in_failed' ORDER BY sequence",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let expected: Vec<i32> = (250..900).collect();
    assert_eq!(guesses, expected, "the log is in the order of time");
}
