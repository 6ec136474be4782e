//! Copies of the audit log as files. Taking one is itself noted in the log.

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use onelastai_app::{error::AppError, features::admin::audit::Filters, session, state::AppState};
use onelastai_db::audit::{ExportFormat, export as copy, record_export};
use onelastai_identity::Permission;

use super::error;

/// `GET /admin/audit/{file}` with the filters of the page: `export.csv` or `export.jsonl`.
pub(super) async fn export(
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    parts: Parts,
) -> Response {
    let format = match file.as_str() {
        "export.csv" => ExportFormat::Csv,
        "export.jsonl" => ExportFormat::Jsonl,
        _ => return error::not_found(&state.leptos_options),
    };
    match begin(&state, format, &query, &parts).await {
        Ok(response) => response,
        Err(error) => error::app_error(&state.leptos_options, &error),
    }
}

async fn begin(
    state: &AppState,
    format: ExportFormat,
    query: &HashMap<String, String>,
    parts: &Parts,
) -> Result<Response, AppError> {
    let session = session::required(state, parts).await?;
    if !session.may(Permission::AuditExport) {
        return Err(AppError::NotFound);
    }
    let query = Filters::read(|name| query.get(name).cloned()).query()?;
    let actor = session::actor_of(&session);
    record_export(&state.db, &actor, &session::origin(parts), &query, format).await?;
    let mut response = Body::from_stream(copy(&state.db, query, format)).into_response();
    let name = format!("attachment; filename=\"audit.{}\"", format.extension());
    for (header, value) in [
        (header::CONTENT_TYPE, format.media_type()),
        (header::CONTENT_DISPOSITION, &name),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(header, value);
        }
    }
    Ok(response)
}
