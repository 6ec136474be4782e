//! What a call is answered with, before it is written: whole, or piece by piece.

use std::{convert::Infallible, time::SystemTime};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use onelastai_usage::{RateLimit, Rates};
use serde::Serialize;
use uuid::Uuid;

use super::{front::REQUEST_ID, pieces::Piece};

const JSON: &str = "application/json";
/// Server-sent events.
const EVENTS: &str = "text/event-stream";

/// A good answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: ReplyBody,
    /// What is left of the limits.
    pub(super) rates: Rates,
    /// Names the call, to be quoted when something was wrong with it.
    pub(super) id: Option<Uuid>,
}

/// Whole, or piece by piece.
pub(super) enum ReplyBody {
    Whole(Bytes),
    Pieces(BoxStream<'static, Piece>),
}

impl Reply {
    fn new(content_type: &'static str, body: ReplyBody) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            body,
            rates: Rates::default(),
            id: None,
        }
    }

    /// A whole answer.
    pub(super) fn json<T: Serialize>(value: &T) -> Self {
        // Nothing that is answered here can fail to be written: all keys are texts.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::new(JSON, ReplyBody::Whole(body.into()))
    }

    /// The same, of something new.
    pub(super) fn created<T: Serialize>(value: &T) -> Self {
        Self {
            status: StatusCode::CREATED,
            ..Self::json(value)
        }
    }

    /// Server-sent events.
    pub(super) fn events(pieces: impl Stream<Item = Piece> + Send + 'static) -> Self {
        Self::new(EVENTS, ReplyBody::Pieces(pieces.boxed()))
    }

    /// One that was kept.
    pub(super) fn kept(status: u16, content_type: &str, body: Bytes) -> Self {
        let content_type = if content_type.starts_with(EVENTS) {
            EVENTS
        } else {
            JSON
        };
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
            ..Self::new(content_type, ReplyBody::Whole(body))
        }
    }

    /// Says what is left, and which call it was.
    pub(super) fn of(self, id: Uuid, rates: Rates) -> Self {
        Self {
            id: Some(id),
            rates,
            ..self
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let body = match self.body {
            ReplyBody::Whole(bytes) => Body::from(bytes),
            ReplyBody::Pieces(pieces) => {
                Body::from_stream(pieces.map(|piece| Ok::<_, Infallible>(piece.into_bytes())))
            }
        };
        let mut response = (self.status, body).into_response();
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
        rate_headers(&self.rates, headers);
        if let Some(id) = self.id
            && let Ok(id) = HeaderValue::from_str(&id.to_string())
        {
            headers.insert(REQUEST_ID, id);
        }
        response
    }
}

/// Limit, what is left, and when it is whole again.
type RateNames = [HeaderName; 3];

/// Of the tightest limit (draft-ietf-httpapi-ratelimit-headers-06: one field each).
const TIGHTEST: RateNames = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];
/// As OpenAI's API has them (<https://platform.openai.com/docs/guides/rate-limits>).
const REQUESTS: RateNames = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKENS: RateNames = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// Every header that [`rate_headers`] writes.
pub(super) fn rate_names() -> impl Iterator<Item = HeaderName> {
    [TIGHTEST, REQUESTS, TOKENS].into_iter().flatten()
}

/// Says what is left of the limits, as far as there are any.
pub(super) fn rate_headers(rates: &Rates, headers: &mut HeaderMap) {
    let mut tell = |names: RateNames, rate: &RateLimit, reset: HeaderValue| {
        let values = [rate.limit.into(), rate.remaining.into(), reset];
        for (name, value) in names.into_iter().zip(values) {
            headers.insert(name, value);
        }
    };
    if let Some(rate) = &rates.tightest {
        tell(TIGHTEST, rate, rate.reset_seconds.into());
    }
    for (names, rate) in [(REQUESTS, &rates.requests), (TOKENS, &rates.tokens)] {
        // OpenAI writes times with their unit.
        if let Some(rate) = rate
            && let Ok(reset) = HeaderValue::from_str(&format!("{}s", rate.reset_seconds))
        {
            tell(names, rate, reset);
        }
    }
}

/// Now, in seconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_in_both_forms_and_only_those_there_are() {
        let rate = RateLimit {
            policy: "requests_per_minute",
            limit: 60,
            remaining: 59,
            reset_seconds: 61,
            window_seconds: 60,
        };
        let mut headers = HeaderMap::new();
        rate_headers(&Rates::from(rate), &mut headers);
        let told: Vec<_> = rate_names()
            .filter(|name| headers.contains_key(name))
            .collect();
        assert_eq!(told, [TIGHTEST, REQUESTS].concat());
        assert_eq!(headers["ratelimit-reset"], "61");
        assert_eq!(headers["x-ratelimit-remaining-requests"], "59");
        assert_eq!(headers["x-ratelimit-reset-requests"], "61s");
        headers.clear();
        rate_headers(&Rates::default(), &mut headers);
        assert!(headers.is_empty());
    }
}
