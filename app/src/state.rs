//! What every handler and server function works with.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use onelastai_access::AccessService;
use onelastai_agents::AgentService;
use onelastai_chat::ChatService;
use onelastai_db::PgPool;
use onelastai_gateway::GatewayService;
use onelastai_identity::IdentityService;
use onelastai_model_router::ModelRouter;
use onelastai_models::ModelService;
use onelastai_usage::UsageService;
use serde_json::Value;

use crate::place::Places;

/// The services. A clone is a count: each layer and each extractor of a request takes one.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

/// The services themselves.
pub struct Services {
    /// Where the site's files are.
    pub leptos_options: LeptosOptions,
    /// The database, for health and metrics; domain work goes through the services.
    pub db: PgPool,
    /// The addresses of the main host and of the agents.
    pub places: Places,
    /// Signing in and out.
    pub identity: IdentityService,
    /// API keys, and who calls the API.
    pub access: AccessService,
    /// The agents.
    pub agents: AgentService,
    /// Conversations and answers.
    pub chat: ChatService,
    /// Limits, and what was used.
    pub usage: UsageService,
    /// Models and agents for programs.
    pub gateway: GatewayService,
    /// The API's description (OpenAPI), for its pages; made when it is first asked for.
    pub reference: fn() -> &'static Value,
    /// The models, asked.
    pub router: ModelRouter,
    /// The models, added and changed.
    pub models: ModelService,
}

impl From<Services> for AppState {
    fn from(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos_options.clone()
    }
}
