//! What a call is answered with, before it is written: whole, or piece by piece.

use std::{convert::Infallible, time::SystemTime};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use onelastai_usage::RateLimit;
use serde::Serialize;
use uuid::Uuid;

const JSON: &str = "application/json";
/// Server-sent events.
const EVENTS: &str = "text/event-stream";

/// A good answer.
pub(super) struct Reply {
    pub(super) content_type: &'static str,
    pub(super) body: ReplyBody,
    /// What is left of the tightest limit.
    pub(super) rate: Option<RateLimit>,
    /// Names the call, to be quoted when something was wrong with it.
    pub(super) id: Option<Uuid>,
}

/// Whole, or piece by piece.
pub(super) enum ReplyBody {
    Whole(Bytes),
    Pieces(BoxStream<'static, Bytes>),
}

impl Reply {
    /// A whole answer.
    pub(super) fn json<T: Serialize>(value: &T) -> Self {
        Self {
            content_type: JSON,
            // Nothing that is answered here can fail to be written: all keys are texts.
            body: ReplyBody::Whole(serde_json::to_vec(value).unwrap_or_default().into()),
            rate: None,
            id: None,
        }
    }

    /// Server-sent events.
    pub(super) fn events(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self {
            content_type: EVENTS,
            body: ReplyBody::Pieces(pieces.boxed()),
            rate: None,
            id: None,
        }
    }

    /// Says what is left, and which call it was.
    pub(super) fn of(self, id: Uuid, rate: Option<RateLimit>) -> Self {
        Self {
            id: Some(id),
            rate,
            ..self
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let body = match self.body {
            ReplyBody::Whole(bytes) => Body::from(bytes),
            ReplyBody::Pieces(pieces) => Body::from_stream(pieces.map(Ok::<_, Infallible>)),
        };
        let mut response = (StatusCode::OK, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.content_type == EVENTS {
            // nginx would collect the events otherwise.
            headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        }
        if let Some(rate) = &self.rate {
            rate_headers(rate, headers);
        }
        if let Some(id) = self.id
            && let Ok(id) = HeaderValue::from_str(&id.to_string())
        {
            headers.insert("x-request-id", id);
        }
        response
    }
}

/// The `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers-06: one field each), of the
/// tightest limit.
pub(super) fn rate_headers(rate: &RateLimit, headers: &mut HeaderMap) {
    for (name, value) in [
        ("ratelimit-limit", rate.limit),
        ("ratelimit-remaining", rate.remaining),
        ("ratelimit-reset", rate.reset_seconds),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

/// Now, in seconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}
