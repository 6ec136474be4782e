//! From the bytes of a request to its type, with errors that name the field.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ApiError;

/// Fields by which other gateways let a caller steer where a request goes and with whose key
/// (LiteLLM CVE-2024-6587). Passing over them silently would answer from somewhere else than
/// the caller believes, so they are refused.
const STEERING: &[&str] = &[
    "api_base",
    "api_key",
    "api_version",
    "base_url",
    "custom_llm_provider",
    "extra_headers",
    "fallbacks",
    "headers",
    "model_list",
    "organization",
    "provider",
];

/// Reads a request.
///
/// # Errors
/// Names the field that is missing, of another type, or not to be sent at all.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // One pass where all is well; which field is wrong is looked up only when one is.
    let parsed = serde_json::from_slice(body).map_err(|_| explain::<T>(body))?;
    match steering(body) {
        Some(field) => Err(ApiError::unsupported(
            field,
            format!(
                "`{field}` can't be set by a request: where a model runs is set up by the operator of this server."
            ),
        )),
        None => Ok(parsed),
    }
}

/// The first steering field on the outermost level.
fn steering(body: &[u8]) -> Option<&'static str> {
    struct Keys(Option<&'static str>);
    impl<'de> serde::Deserialize<'de> for Keys {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Keys;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Keys, A::Error> {
                    let mut found = None;
                    while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                        found =
                            found.or_else(|| STEERING.iter().copied().find(|field| *field == key));
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                    Ok(Keys(found))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    serde_json::from_slice::<Keys>(body).ok()?.0
}

fn explain<T: DeserializeOwned>(body: &[u8]) -> ApiError {
    if serde_json::from_slice::<Value>(body).is_err() {
        return ApiError {
            param: None,
            ..ApiError::invalid("", "The body of the request is not valid JSON.")
        };
    }
    let deserializer = &mut serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(deserializer) {
        Ok(_) => ApiError::invalid("", "The body of the request can't be read."),
        Err(error) => {
            let path = error.path().to_string();
            // Its place in the text says nothing that the path doesn't.
            let words = error.inner().to_string();
            let words = words.split(" at line ").next().unwrap_or(&words);
            if path == "." {
                ApiError {
                    param: missing(words),
                    ..ApiError::invalid("", sentence(words))
                }
            } else {
                ApiError::invalid(&path, format!("{path}: {words}."))
            }
        }
    }
}

/// The field in "missing field `model`".
fn missing(words: &str) -> Option<String> {
    let field = words.strip_prefix("missing field `")?.strip_suffix('`')?;
    Some(field.to_owned())
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), chars.as_str())
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Wanted {
        #[expect(dead_code, reason = "only its presence counts")]
        model: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only its type counts")]
        messages: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its type counts")]
        role: String,
    }

    fn error(body: &str) -> ApiError {
        parse::<Wanted>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_wrong_field_is_named() {
        assert_eq!(error("{}").param.as_deref(), Some("model"));
        assert_eq!(error("{}").message, "Missing field `model`.");
        let deep = error(r#"{"model":"m","messages":[{"role":"user"},{"role":7}]}"#);
        assert_eq!(deep.param.as_deref(), Some("messages[1].role"));
        assert_eq!(
            error("{").message,
            "The body of the request is not valid JSON."
        );
        assert_eq!(error(&"[".repeat(100_000)).param, None);
    }

    #[test]
    fn nobody_steers_a_request_elsewhere() {
        for field in STEERING {
            let body = format!(r#"{{"model":"m","{field}":"http://evil.example"}}"#);
            assert_eq!(error(&body).param.as_deref(), Some(*field));
        }
        assert!(
            error(r#"{"model":"m","api\u005fbase":"x"}"#)
                .param
                .is_some()
        );
        assert!(parse::<Wanted>(br#"{"model":"m","metadata":{"api_base":"a word"}}"#).is_ok());
    }
}
