//! The API's description (OpenAPI 3.1), made from the handlers and their types.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use utoipa::{
    OpenApi,
    openapi::{
        Components,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "OneLastAI",
        description = "Models and agents, in the words of the OpenAI API: its SDKs work with this server's address and a key from the account pages."
    ),
    tags(
        (name = "Chat", description = "Ask a model or an agent."),
        (name = "Embeddings", description = "Vectors of texts."),
        (name = "Models", description = "What there is to ask."),
        (name = "Conversations", description = "The same conversations that the web chat shows."),
        (name = "Administration", description = "How the server is, for its operators."),
    ),
)]
struct Base;

/// The description without its addresses.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    let mut api = Base::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key (`ola_…`), or an access token of Keycloak.",
        ))
        .build();
    api.components
        .get_or_insert_with(Components::new)
        .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    api.security = Some(vec![SecurityRequirement::new(
        "bearer",
        Vec::<String>::new(),
    )]);
    api
}

/// The whole description.
pub(in crate::http) fn document() -> &'static utoipa::openapi::OpenApi {
    static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(|| {
        let mut api = super::routes().1;
        // The star is axum's: an agent's name has a slash in it.
        let plain = |path: String| path.replace("{*", "{");
        let paths = std::mem::take(&mut api.paths.paths);
        api.paths.paths = paths
            .into_iter()
            .map(|(path, item)| (plain(path), item))
            .collect();
        api
    });
    &DOCUMENT
}

/// `GET /openapi.json`
pub(super) async fn json() -> Response {
    static JSON: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());
    let mut response = JSON.as_str().into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
