//! The service: what everything in this crate works with.

use std::{sync::Arc, time::Duration};

use onelastai_agents::{AgentService, Viewer};
use onelastai_db::{Actor, Origin, PgPool};
use onelastai_model_router::ModelRouter;
use onelastai_types::{GenerationId, UserId, UserSessionId};
use onelastai_usage::{KeyLimits, UsageService};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    ChatError,
    live::{Hub, Log, RedisMirror},
};

/// Who stops an answer waits at most this long for its end.
const STOPPED: Duration = Duration::from_secs(1);

/// How answers are made.
#[derive(Debug, Clone)]
pub struct ChatSettings {
    /// A replica that has not said anything for this long has lost its answers.
    pub lease: Duration,
    /// How often the text is saved, the lease renewed, and a stop from another replica
    /// noticed. Well below `lease`.
    pub checkpoint: Duration,
    /// Text that arrives within this time becomes one event. 40 ms look continuous.
    pub batch: Duration,
    /// How long the events of a finished answer stay in this process.
    pub keep_finished: Duration,
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            checkpoint: Duration::from_millis(800),
            batch: Duration::from_millis(40),
            keep_finished: Duration::from_secs(60),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The person.
    pub user: UserId,
    /// The username, for the audit log.
    pub name: String,
    /// Their groups as Keycloak's paths, such as `/research`: whose agents they may use.
    pub groups: Vec<String>,
    /// The sign-in, where there is one.
    pub session: Option<UserSessionId>,
    /// The API key that they come with, and its limits: they hold beside those of the tier.
    pub key: Option<KeyLimits>,
    /// From where.
    pub origin: Origin,
}

impl Caller {
    /// The id of the API key.
    pub(crate) fn key_id(&self) -> Option<Uuid> {
        self.key.as_ref().map(|key| key.id)
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::User {
            id: self.user.0,
            name: self.name.clone(),
        }
    }

    /// As the agents know them. Nobody edits an agent from a conversation.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        Viewer {
            groups: self.groups.clone(),
            ..Viewer::person(self.user)
        }
    }
}

/// The chat. Clones share everything.
#[derive(Clone)]
pub struct ChatService(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub pool: PgPool,
    pub agents: AgentService,
    pub router: ModelRouter,
    pub usage: UsageService,
    pub hub: Hub,
    pub settings: ChatSettings,
    /// The running generations, to wait for at shutdown.
    pub tasks: TaskTracker,
    /// Says to running generations that the process is about to end.
    pub shutdown: CancellationToken,
}

impl ChatService {
    /// Everything it needs; `mirror` carries events to the other replicas, and `usage` says
    /// who may ask for an answer.
    #[must_use]
    pub fn new(
        pool: PgPool,
        agents: AgentService,
        router: ModelRouter,
        mirror: RedisMirror,
        usage: UsageService,
        settings: ChatSettings,
    ) -> Self {
        Self(Arc::new(Inner {
            hub: Hub::new(mirror, settings.keep_finished),
            pool,
            agents,
            router,
            usage,
            settings,
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        }))
    }

    /// The log of an answer of this person, from this replica or another; `None` when it
    /// ended so long ago that only its result is left (see [`Self::answer`]).
    ///
    /// # Errors
    /// [`ChatError::NotFound`] also where it is somebody else's.
    pub async fn log(
        &self,
        user: UserId,
        generation: GenerationId,
    ) -> Result<Option<Arc<Log>>, ChatError> {
        let owner = sqlx::query_scalar!(
            "SELECT user_id FROM generations WHERE id = $1",
            generation.0
        )
        .fetch_optional(&self.0.pool)
        .await?;
        if owner != Some(user.0) {
            return Err(ChatError::NotFound);
        }
        Ok(self.0.hub.open(generation).await)
    }

    /// Ends an answer; what there is of it is kept. Comes back when it has ended, so that a page
    /// without script shows it so, or after a second. Stopping one that has ended changes
    /// nothing.
    ///
    /// # Errors
    /// [`ChatError::NotFound`] also where it is somebody else's.
    pub async fn stop(&self, user: UserId, generation: GenerationId) -> Result<(), ChatError> {
        let found = sqlx::query_scalar!(
            "UPDATE generations SET stop_requested_at = coalesce(stop_requested_at, now())
             WHERE id = $1 AND user_id = $2 RETURNING id",
            generation.0,
            user.0,
        )
        .fetch_optional(&self.0.pool)
        .await?;
        if found.is_none() {
            return Err(ChatError::NotFound);
        }
        // Its task may be here; on another replica its next checkpoint sees the column.
        self.0.hub.stop(generation);
        let ended = async {
            if let Some(log) = self.0.hub.open(generation).await {
                log.finished().await;
            }
        };
        // Where it takes longer its readers are told.
        let _ = tokio::time::timeout(STOPPED, ended).await;
        Ok(())
    }

    /// Waits until the running answers have ended, at most `patience`; then ends the rest
    /// as interrupted, with their text.
    pub async fn drain(&self, patience: Duration) {
        self.0.tasks.close();
        if tokio::time::timeout(patience, self.0.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                running = self.0.tasks.len(),
                "interrupting the answers that are left"
            );
            self.0.shutdown.cancel();
            self.0.tasks.wait().await;
        }
    }
}
