//! Servers of the product, and a Redis that may be killed.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use onelastai_db::{Actor, Origin, PgPool};
use onelastai_model_router::{ModelRouter, ModelSpec, RouterConfig};
use onelastai_models::{ModelDraft, ModelService, Operator, Vault, parse_instances};
use redis::{
    Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

/// A Redis server of this test.
pub struct Redis {
    port: u16,
    child: Option<Child>,
}

impl Redis {
    pub async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut redis = Self { port, child: None };
        redis.run().await;
        redis
    }

    /// Starts it (again), empty.
    pub async fn run(&mut self) {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server");
        self.child = Some(child);
        eventually("Redis answers", || async {
            let connection = self.client().get_multiplexed_async_connection().await;
            let Ok(mut connection) = connection else {
                return false;
            };
            let pong = redis::cmd("PING").query_async::<()>(&mut connection).await;
            pong.is_ok()
        })
        .await;
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn client(&self) -> Client {
        Client::open(format!("redis://127.0.0.1:{}/0", self.port)).unwrap()
    }

    /// One server of the product: its models and its router.
    pub fn server(&self, pool: &PgPool, vault: Option<Vault>) -> (ModelService, ModelRouter) {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(100));
        let connection = ConnectionManager::new_lazy_with_config(self.client(), config).unwrap();
        let router = ModelRouter::new(RouterConfig {
            models: settings(),
            ..RouterConfig::default()
        })
        .unwrap();
        let models = ModelService::new(
            pool.clone(),
            self.client(),
            connection,
            router.clone(),
            vault,
        );
        (models, router)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Two models.
pub fn settings() -> Vec<ModelSpec> {
    let with = |id: &str, url: &str| ModelSpec::ollama(id, "engine:1b", vec![url.parse().unwrap()]);
    vec![
        with("first", "http://user:canary@127.0.0.1:1"),
        with("second", "http://127.0.0.1:2"),
    ]
}

pub fn vault() -> Vault {
    Vault::new(&[7; 32])
}

pub fn operator() -> Operator {
    Operator {
        actor: Actor::Program("a test"),
        origin: Origin::default(),
    }
}

/// A model to add.
pub fn draft(id: &str, instances: &str) -> ModelDraft {
    ModelDraft {
        id: id.to_owned(),
        display_name: id.to_uppercase(),
        engine_name: "engine:1b".to_owned(),
        instances: parse_instances(instances, 4).unwrap(),
        ..ModelDraft::empty()
    }
}

/// The models that a router has, with their addresses.
pub fn models(router: &ModelRouter) -> Vec<(String, usize)> {
    let models = router.models();
    models
        .iter()
        .map(|spec| (spec.id.clone(), spec.instances.len()))
        .collect()
}

/// Waits for a condition: less long than servers take to look by themselves.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("in time: {what}"));
}
