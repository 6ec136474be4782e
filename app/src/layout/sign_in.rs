//! The way to the sign-in and back.

use axum::http::{HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

/// Sends whoever is at the other end to the sign-in, and back to `address` after it. Not
/// only browsers: `leptos_axum::redirect` would answer others with an empty page.
pub fn to_sign_in(address: &str) {
    let Some(response) = use_context::<ResponseOptions>() else {
        return;
    };
    if let Ok(location) = HeaderValue::from_str(&sign_in_path(address)) {
        response.set_status(StatusCode::SEE_OTHER);
        response.insert_header(header::LOCATION, location);
    }
}

/// The path of the sign-in, and back to `address` of the main host after it.
#[must_use]
pub fn sign_in_path(address: &str) -> String {
    format!("/auth/login?return_to={}", encode(address))
}

/// Encodes what stands in a query.
fn encode(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn an_address_fits_a_query() {
        assert_eq!(encode("/chat?agent=a&b"), "/chat%3Fagent%3Da%26b");
    }
}
