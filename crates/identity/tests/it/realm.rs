//! A realm of the tests' own in the real Keycloak, made from `config/keycloak`: people may
//! come and go there, and the tests hold its key.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use onelastai_db::{Origin, PgPool};
use onelastai_identity::{Callback, IdentityService, KeycloakSettings, Secret, Session, SignedIn};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{browser::Browser, keys::Key, service_with, variable};

/// Keycloak's web client as the realm file has it.
pub const CLIENT: &str = "onelastai-web";
const CLIENT_SECRET: &str = "a-secret-of-the-tests";

/// Deleted with the last test that uses it.
pub struct Realm {
    pub name: String,
    /// With which Keycloak signs.
    pub key: Key,
}

/// A person in it.
pub struct Someone {
    pub id: String,
    pub username: String,
    pub password: String,
}

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

pub async fn post_form(url: &str, form: &[(&str, &str)]) -> Value {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let answer = http()
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    answer.json().await.unwrap()
}

/// An access token of Keycloak's administrator, of the realm `master`. Good for a minute;
/// a new one costs Keycloak a password's hash.
pub async fn administrator() -> String {
    static KEPT: Mutex<Option<(Instant, String)>> = Mutex::const_new(None);
    let mut kept = KEPT.lock().await;
    match kept.as_ref() {
        Some((at, token)) if at.elapsed() < Duration::from_secs(40) => token.clone(),
        _ => {
            let token = new_administrator().await;
            *kept = Some((Instant::now(), token.clone()));
            token
        }
    }
}

async fn new_administrator() -> String {
    let url = format!(
        "{}/realms/master/protocol/openid-connect/token",
        variable("KEYCLOAK_URL")
    );
    let password = variable("KEYCLOAK_ADMIN_PASSWORD");
    let form = [
        ("grant_type", "password"),
        ("client_id", "admin-cli"),
        ("username", "admin"),
        ("password", &password),
    ];
    let answer = post_form(&url, &form).await;
    answer["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

async fn admin(method: Method, path: &str, body: Option<&Value>) -> (u16, Value, Option<String>) {
    let url = format!("{}/admin/realms{path}", variable("KEYCLOAK_URL"));
    let mut request = http()
        .request(method, url)
        .bearer_auth(administrator().await);
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let made = answer.headers().get("location").map(|location| {
        let location = location.to_str().unwrap();
        location.rsplit_once('/').unwrap().1.to_owned()
    });
    let text = answer.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(json!(text)),
        made,
    )
}

fn random() -> String {
    Secret::random()
        .expose()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect::<String>()
        .to_lowercase()
}

/// The realm: one for all tests that run at the same time.
pub async fn realm() -> Arc<Realm> {
    static CURRENT: Mutex<Weak<Realm>> = Mutex::const_new(Weak::new());
    let mut current = CURRENT.lock().await;
    if let Some(realm) = current.upgrade() {
        return realm;
    }
    let realm = Arc::new(Realm::make().await);
    *current = Arc::downgrade(&realm);
    realm
}

impl Realm {
    async fn make() -> Self {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../config/keycloak/realm-export.json"
        );
        let text = std::fs::read_to_string(file)
            .unwrap()
            .replace("${ONELASTAI_WEB_URL}", &variable("BASE_URL"))
            .replace("${ONELASTAI_WEB_CLIENT_SECRET}", CLIENT_SECRET);
        let mut realm: Value = serde_json::from_str(&text).unwrap();
        let name = format!("test-{}", random());
        realm["realm"] = json!(name);
        realm["enabledEventTypes"] = json!(["REFRESH_TOKEN", "REFRESH_TOKEN_ERROR", "LOGIN"]);
        // Nobody guesses passwords here, and people sign in twice within a second.
        realm["bruteForceProtected"] = json!(false);
        // Nor are there passwords worth the seconds that hashing them takes.
        realm["passwordPolicy"] = json!("hashAlgorithm(pbkdf2-sha512) and hashIterations(1)");
        for client in realm["clients"].as_array_mut().unwrap() {
            if client["clientId"] == CLIENT {
                // For access tokens without a browser.
                client["directAccessGrantsEnabled"] = json!(true);
                client["attributes"]
                    .as_object_mut()
                    .unwrap()
                    .remove("backchannel.logout.url");
            }
        }
        let (status, said, _) = admin(Method::POST, "", Some(&realm)).await;
        assert_eq!(status, 201, "{said}");
        let (pem, key) = Key::make();
        let made = Self { name, key };
        let id = made.get("").await["id"].clone();
        let component = json!({
            "name": "the tests' key",
            "providerId": "rsa",
            "providerType": "org.keycloak.keys.KeyProvider",
            "parentId": id,
            "config": {
                "priority": ["200"], "enabled": ["true"], "active": ["true"],
                "algorithm": ["RS256"], "privateKey": [pem]
            }
        });
        made.change(Method::POST, "/components", component).await;
        let kid = made.get("/keys").await["active"]["RS256"].clone();
        made.key.set_kid(kid.as_str().unwrap());
        made
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, found, _) = admin(Method::GET, &format!("/{}{path}", self.name), None).await;
        assert_eq!(status, 200, "{path}: {found}");
        found
    }

    /// Changes something; the id of what was made, where something was.
    pub async fn change(&self, method: Method, path: &str, body: Value) -> String {
        let path = format!("/{}{path}", self.name);
        let (status, said, made) = admin(method, &path, Some(&body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {said}");
        made.unwrap_or_default()
    }

    pub fn issuer(&self) -> String {
        self.settings().issuer()
    }

    pub fn settings(&self) -> KeycloakSettings {
        KeycloakSettings {
            url: variable("KEYCLOAK_URL").parse().unwrap(),
            realm: self.name.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Secret::new(CLIENT_SECRET),
            backend: None,
            base_url: variable("BASE_URL").parse().unwrap(),
        }
    }

    /// One replica.
    pub fn service(&self, pool: &PgPool) -> IdentityService {
        service_with(pool.clone(), self.settings(), &variable("REDIS_URL"))
    }

    /// A new person with these realm roles besides `user`.
    pub async fn someone(&self, roles: &[&str]) -> Someone {
        let (username, password) = (format!("someone-{}", random()), random());
        let id = self
            .change(
                Method::POST,
                "/users",
                json!({
                    "username": username, "enabled": true,
                    "email": format!("{username}@example.com"), "emailVerified": true,
                    "firstName": "Some", "lastName": "One",
                    "credentials": [{ "type": "password", "value": password }]
                }),
            )
            .await;
        for role in roles {
            self.give(&id, role).await;
        }
        Someone {
            id,
            username,
            password,
        }
    }

    pub async fn give(&self, user: &str, role: &str) {
        self.map_role(Method::POST, user, role).await;
    }

    pub async fn take(&self, user: &str, role: &str) {
        self.map_role(Method::DELETE, user, role).await;
    }

    async fn map_role(&self, method: Method, user: &str, role: &str) {
        let role = self.get(&format!("/roles/{role}")).await;
        let path = format!("/users/{user}/role-mappings/realm");
        self.change(method, &path, json!([role])).await;
    }

    /// Keycloak's own number for a client.
    pub async fn client(&self, client: &str) -> String {
        let found = self.get(&format!("/clients?clientId={client}")).await;
        found[0]["id"].as_str().unwrap().to_owned()
    }

    /// How often Keycloak has noted this about a person.
    pub async fn events(&self, kind: &str, user: &str) -> usize {
        let path = format!("/events?type={kind}&user={user}&max=1000");
        self.get(&path).await.as_array().unwrap().len()
    }

    /// Signs somebody in by Keycloak's page, from a new browser.
    pub async fn sign_in(&self, identity: &IdentityService, who: &Someone) -> SignedIn {
        self.sign_in_from(&mut Browser::default(), identity, who)
            .await
    }

    pub async fn sign_in_from(
        &self,
        browser: &mut Browser,
        identity: &IdentityService,
        who: &Someone,
    ) -> SignedIn {
        let begun = identity.begin_sign_in(None).await.unwrap();
        let (code, state) = browser
            .sign_in(&begun.url, &who.username, &who.password)
            .await
            .unwrap();
        let callback = Callback {
            code,
            state: state.clone(),
            state_of_browser: Some(state),
            replaced: None,
            origin: origin(),
        };
        identity.finish_sign_in(callback).await.unwrap()
    }

    /// Access, ID and refresh token of a person, as a program gets them.
    pub async fn tokens(&self, client: &str, who: &Someone) -> Value {
        let url = format!("{}/protocol/openid-connect/token", self.issuer());
        let form = [
            ("grant_type", "password"),
            ("client_id", client),
            ("client_secret", CLIENT_SECRET),
            ("username", &who.username),
            ("password", &who.password),
            ("scope", "openid"),
        ];
        let tokens = post_form(&url, &form).await;
        assert!(tokens["access_token"].is_string(), "{tokens}");
        tokens
    }

    /// A copy of the web client under another name.
    pub async fn copy_client(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let id = self.client(CLIENT).await;
        let mut client = self.get(&format!("/clients/{id}")).await;
        for gone in ["id", "protocolMappers"] {
            let _ = client.as_object_mut().unwrap().remove(gone);
        }
        client["clientId"] = json!(name);
        client["secret"] = json!(CLIENT_SECRET);
        change(&mut client);
        self.change(Method::POST, "/clients", client).await;
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        let path = format!("/{}", self.name);
        // The runtime of the test may be shutting down: one of its own.
        let thread = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(admin(Method::DELETE, &path, None))
        });
        let _ = thread.join();
    }
}

pub fn origin() -> Origin {
    Origin {
        address: "127.0.0.1".parse().ok(),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Firefox/143.0".into()),
    }
}

pub fn host() -> String {
    let base: url::Url = variable("BASE_URL").parse().unwrap();
    base.host_str().unwrap().to_owned()
}

/// The session of a token at the main host.
pub async fn session(identity: &IdentityService, signed_in: &SignedIn) -> Option<Session> {
    identity.session(&signed_in.token, &host()).await.unwrap()
}

/// Keycloak's session behind one of ours.
pub async fn sid(pool: &PgPool, session: &Session) -> String {
    sqlx::query_scalar("SELECT keycloak_session_id FROM user_sessions WHERE id = $1")
        .bind(session.id.0)
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Why each session of a database ended.
pub async fn end_reasons(pool: &PgPool) -> Vec<Option<String>> {
    sqlx::query_scalar("SELECT end_reason FROM user_sessions ORDER BY id")
        .fetch_all(pool)
        .await
        .unwrap()
}

pub async fn audited(pool: &PgPool, action: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit_logs WHERE action = $1")
        .bind(action)
        .fetch_one(pool)
        .await
        .unwrap()
}

pub async fn redis() -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(variable("REDIS_URL")).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// Makes what is known of a person so many seconds old.
pub async fn age(sid: &str, seconds: i64) {
    use redis::AsyncCommands;
    let mut redis = redis().await;
    let key = format!("onelastai:keycloak:{sid}");
    let facts: String = redis.hget(&key, "facts").await.unwrap();
    let mut facts: Value = serde_json::from_str(&facts).unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    facts["checked_at"] = json!(i64::try_from(now.as_millis()).unwrap() - seconds * 1000);
    facts["failed_at"] = Value::Null;
    let () = redis.hset(&key, "facts", facts.to_string()).await.unwrap();
}
