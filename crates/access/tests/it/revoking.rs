//! A key that is taken back is good nowhere any more, whatever happens in between.

use std::sync::Arc;

use onelastai_access::{AccessError, AccessService, NewKey, Owner, Trust};
use onelastai_db::PgPool;
use redis::AsyncCommands;
use uuid::Uuid;

use crate::{
    fixture::{
        HERE, account, draft, let_in, listening, owner, refused, replica, service_with, settings,
        until, variable,
    },
    proxy::Proxy,
    realm::{Realm, realm},
};

/// Two replicas, the second of which reaches Redis by a way that can be closed.
struct Two {
    here: AccessService,
    there: AccessService,
    way: Proxy,
    owner: Owner,
    pool: PgPool,
    /// Is gone with the last who holds it.
    _realm: Arc<Realm>,
}

impl Two {
    async fn new(pool: PgPool) -> Self {
        let realm = realm().await;
        let who = realm.someone(&[]).await;
        let redis = variable("REDIS_URL");
        let server: url::Url = redis.parse().unwrap();
        let host = format!("127.0.0.1:{}", server.port().unwrap());
        let way = Proxy::to(host).await;
        let identity = service_with(pool.clone(), settings(&realm, None).await, &redis);
        let here = replica(&identity, &pool, &redis, Trust::default());
        let by_proxy = format!("redis://{}/0", way.address);
        let there = replica(&identity, &pool, &by_proxy, Trust::default());
        listening(&here).await;
        listening(&there).await;
        let user = account(&pool, &realm.issuer(), &who.id, &who.username).await;
        Self {
            here,
            there,
            way,
            owner: owner(user, &who.username),
            pool,
            _realm: realm,
        }
    }

    async fn key(&self) -> NewKey {
        let made = self
            .here
            .create(&self.owner, Uuid::now_v7(), draft("Laptop"));
        let made = made.await.unwrap();
        for replica in [&self.here, &self.there] {
            let_in(replica, &made.key).await;
        }
        made
    }

    /// What the replica there has of the name of a key.
    async fn name_there(&self, made: &NewKey) -> String {
        let caller = self.there.authenticate(made.key.expose(), HERE).await;
        caller.unwrap().key.as_ref().unwrap().name.to_string()
    }

    async fn rename_untold(&self, made: &NewKey, name: &str) {
        sqlx::query("UPDATE api_keys SET name = $2 WHERE id = $1")
            .bind(made.id.0)
            .bind(name)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn revoke(&self, made: &NewKey) {
        self.here.revoke(&self.owner, made.id).await.unwrap();
        let here = refused(&self.here, &made.key).await;
        assert!(matches!(here, Some(AccessError::Revoked)), "{here:?}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_replica_refuses_a_revoked_key_at_once(pool: PgPool) {
    let two = Two::new(pool).await;
    let (one, other) = (two.key().await, two.key().await);
    // A request costs no query: what nobody tells of is not seen, unless the replica has just
    // lost the channel, as it may on a machine with much to do.
    let mut names = 0;
    until("does not see what nobody tells of", async || {
        names += 1;
        let before = two.name_there(&one).await;
        two.rename_untold(&one, &format!("Name {names}")).await;
        two.name_there(&one).await == before
    })
    .await;
    two.revoke(&one).await;
    let began = std::time::Instant::now();
    until("is refused there", async || {
        matches!(
            refused(&two.there, &one.key).await,
            Some(AccessError::Revoked)
        )
    })
    .await;
    // By the channel, not because what is remembered ends by itself.
    assert!(began.elapsed() < Trust::default().keys / 3);
    assert!(refused(&two.there, &other.key).await.is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_not_told_of_changes_reads_every_key(pool: PgPool) {
    let two = Two::new(pool).await;
    let (before, meanwhile) = (two.key().await, two.key().await);
    let changed = two.key().await;
    // Redis drops the subscription there, and nobody gets through for a while.
    let ours = two.way.seen_as();
    let mut redis = crate::realm::redis().await;
    two.way.close();
    for address in &ours {
        // Those that the closed way has cut already are gone.
        let _: redis::RedisResult<redis::Value> = redis::cmd("CLIENT")
            .arg("KILL")
            .arg(address.to_string())
            .query_async(&mut redis)
            .await;
    }
    until("notices", async || !two.there.hears_changes()).await;
    two.revoke(&before).await;
    let there = refused(&two.there, &before.key).await;
    assert!(matches!(there, Some(AccessError::Revoked)), "{there:?}");
    two.rename_untold(&changed, "Renamed").await;
    assert_eq!(two.name_there(&changed).await, "Renamed");
    // Nobody tells that of this one again, when the subscription is back.
    two.revoke(&meanwhile).await;
    two.way.open();
    listening(&two.there).await;
    let there = refused(&two.there, &meanwhile.key).await;
    assert!(matches!(there, Some(AccessError::Revoked)), "{there:?}");
    // And what is read from now on is remembered again.
    assert_eq!(two.name_there(&changed).await, "Renamed");
    two.rename_untold(&changed, "Once more").await;
    assert_eq!(two.name_there(&changed).await, "Renamed");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_killed_subscription_comes_back_by_itself(pool: PgPool) {
    let two = Two::new(pool).await;
    let made = two.key().await;
    let before = two.way.seen_as().len();
    let mut redis = crate::realm::redis().await;
    for address in two.way.seen_as() {
        let killed: redis::RedisResult<redis::Value> = redis::cmd("CLIENT")
            .arg("KILL")
            .arg(address.to_string())
            .query_async(&mut redis)
            .await;
        assert!(killed.is_ok(), "{killed:?}");
    }
    until("comes back", async || {
        two.way.seen_as().len() > before && two.there.hears_changes()
    })
    .await;
    two.revoke(&made).await;
    until("is refused there", async || {
        matches!(
            refused(&two.there, &made.key).await,
            Some(AccessError::Revoked)
        )
    })
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_nobody_understands_makes_everything_be_read_anew(pool: PgPool) {
    let two = Two::new(pool).await;
    let made = two.key().await;
    two.rename_untold(&made, "Renamed").await;
    assert_eq!(two.name_there(&made).await, "Laptop");
    let mut redis = crate::realm::redis().await;
    for message in ["", "key:", "key:'; --", "user:x", "\u{0}", "everything"] {
        let heard: usize = redis.publish("onelastai:keys", message).await.unwrap();
        assert!(heard >= 2, "{heard}");
    }
    until("is read anew", async || {
        two.name_there(&made).await == "Renamed"
    })
    .await;
}
