//! Errors of the plain handlers, as pages.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use leptos::config::LeptosOptions;
use onelastai_app::{error::AppError, layout::error_page::error_page_html};

/// A page that says what happened and what to do.
pub(super) fn page(
    options: &LeptosOptions,
    status: StatusCode,
    title: &str,
    text: &str,
) -> Response {
    let html = error_page_html(
        status.as_u16(),
        title,
        text,
        &crate::site::stylesheet(options),
    );
    let mut response = (status, Html(html)).into_response();
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'none'; \
             frame-ancestors 'none'; base-uri 'none'",
        ),
    );
    response
}

/// The page of an [`AppError`].
pub(super) fn app_error(options: &LeptosOptions, error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = match error {
        AppError::Unavailable { .. } => "Not just now",
        AppError::SignedOut => "The sign-in didn't work",
        AppError::NotFound => "Nothing here",
        _ => "That didn't work",
    };
    page(options, status, title, &error.to_string())
}

/// There is nothing at this address, or nothing for whoever asks: nobody can tell which.
pub(super) fn not_found(options: &LeptosOptions) -> Response {
    let text = AppError::NotFound.to_string();
    page(options, StatusCode::NOT_FOUND, "Nothing here", &text)
}
