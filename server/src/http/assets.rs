//! The site's files.

use std::path::Path;

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware::map_response,
    response::Response,
    routing::get_service,
};
use onelastai_app::state::AppState;
use tower_http::services::ServeDir;

/// Everything under the site's root. Files whose names carry their hash stay in caches for
/// good; the others are asked for again after a day.
pub(super) fn files(state: &AppState) -> Router {
    let options = state.leptos_options.clone();
    let root = options.site_root.to_string();
    let hashed = options.hash_files;
    let pkg = format!("/{}/", options.site_pkg_dir);
    let missing = tower::service_fn(move |_request| {
        let page = super::error::not_found(&options);
        async move { Ok::<_, std::convert::Infallible>(page) }
    });
    let serve = |directory: &str, control: &'static str| {
        let directory = Path::new(directory).to_owned();
        let files = ServeDir::new(directory)
            .precompressed_br()
            .precompressed_gzip();
        let mark = move |mut response: Response| async move {
            if response.status().is_success() {
                response
                    .headers_mut()
                    .insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
            }
            response
        };
        (files, mark)
    };
    let forever = if hashed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let (pkg_files, pkg_mark) = serve(&format!("{root}{pkg}"), forever);
    let (files, mark) = serve(&root, "public, max-age=86400");
    let pkg_files = Router::new()
        .fallback_service(get_service(pkg_files.fallback(missing.clone())))
        .layer(map_response(pkg_mark));
    Router::new()
        .nest(pkg.trim_end_matches('/'), pkg_files)
        .fallback_service(get_service(files.fallback(missing)))
        .layer(map_response(mark))
}
