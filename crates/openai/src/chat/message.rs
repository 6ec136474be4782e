//! The messages of a request, in all the forms in which clients write them.

use base64::{Engine, prelude::BASE64_STANDARD};
use onelastai_model_router::{self as router, ChatMessage, Image, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ToolCall;
use crate::ApiError;

/// The most images of one message.
const MOST_IMAGES: usize = 16;
/// What a picture may be: what vision models here can read.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    /// Instructions.
    System,
    /// Instructions, by their newer name.
    Developer,
    /// The person.
    User,
    /// The model, earlier.
    Assistant,
    /// What a tool returned.
    Tool,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct Message {
    /// Who says it.
    pub role: MessageRole,
    /// What is said; may be left out where there are tool calls.
    #[serde(default)]
    pub content: Option<Content>,
    /// What an assistant wanted to call.
    #[serde(default)]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// Which call this is the result of; for `tool` only.
    #[serde(default)]
    pub tool_call_id: Option<String>,
}

/// A text, or parts of several kinds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "a text or a list of parts (`text`, `image_url`)"
)]
pub enum Content {
    /// A text.
    Text(String),
    /// Parts.
    Parts(Vec<ContentPart>),
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// A text.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    ImageUrl {
        /// Where it is.
        image_url: ImageUrl,
    },
    /// What a model refused with, earlier.
    Refusal {
        /// Its words.
        refusal: String,
    },
}

/// A picture, in the request itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct ImageUrl {
    /// `data:image/png;base64,…`. Other addresses are refused: this server fetches nothing
    /// that a request names.
    pub url: String,
    /// Taken and passed over.
    #[serde(default)]
    pub detail: Option<String>,
}

impl Message {
    /// As the router has it; `at` is where it stands in the request, such as `messages[0]`.
    ///
    /// # Errors
    /// Where its parts don't go together, or a picture can't be read.
    pub fn into_router(self, at: &str) -> Result<ChatMessage, ApiError> {
        let role = match self.role {
            MessageRole::System | MessageRole::Developer => Role::System,
            MessageRole::User => Role::User,
            MessageRole::Assistant => Role::Assistant,
            MessageRole::Tool => Role::Tool,
        };
        let (content, images) = match self.content {
            Some(content) => content.split(at)?,
            None => (String::new(), Vec::new()),
        };
        fitting(role, &images, at)?;
        let tool_calls: Vec<router::ToolCall> = self
            .tool_calls
            .unwrap_or_default()
            .into_iter()
            .map(Into::into)
            .collect();
        if !tool_calls.is_empty() && role != Role::Assistant {
            let at = format!("{at}.tool_calls");
            return Err(ApiError::invalid(
                &at,
                "Only an assistant's message can hold tool calls.",
            ));
        }
        if role == Role::Tool && self.tool_call_id.is_none() {
            let at = format!("{at}.tool_call_id");
            return Err(ApiError::invalid(
                &at,
                "A tool's message must say which call it is the result of.",
            ));
        }
        Ok(ChatMessage {
            images,
            tool_calls,
            tool_call_id: self.tool_call_id,
            ..ChatMessage::new(role, content)
        })
    }
}

impl Content {
    /// The text of all parts together, and the pictures.
    fn split(self, at: &str) -> Result<(String, Vec<Image>), ApiError> {
        let parts = match self {
            Self::Text(text) => return Ok((text, Vec::new())),
            Self::Parts(parts) => parts,
        };
        let (mut text, mut images) = (String::new(), Vec::new());
        for (index, part) in parts.into_iter().enumerate() {
            match part {
                ContentPart::Text { text: more } | ContentPart::Refusal { refusal: more } => {
                    if !text.is_empty() {
                        text.push('\n');
                    }
                    text.push_str(&more);
                }
                ContentPart::ImageUrl { image_url } => {
                    let at = format!("{at}.content[{index}].image_url.url");
                    images.push(picture(&image_url.url, &at)?);
                }
            }
        }
        Ok((text, images))
    }
}

/// Whether a message of this role may hold these pictures.
pub(crate) fn fitting(role: Role, images: &[Image], at: &str) -> Result<(), ApiError> {
    if images.is_empty() {
        return Ok(());
    }
    if role != Role::User {
        return Err(ApiError::invalid(
            at,
            "Only a user's message can hold pictures.",
        ));
    }
    if images.len() > MOST_IMAGES {
        return Err(ApiError::invalid(
            &format!("{at}.content"),
            format!("A message can hold at most {MOST_IMAGES} pictures."),
        ));
    }
    Ok(())
}

/// The picture in a `data:` URL (RFC 2397).
pub(crate) fn picture(url: &str, at: &str) -> Result<Image, ApiError> {
    let Some(data) = url.strip_prefix("data:") else {
        return Err(ApiError::unsupported(
            at,
            "A picture must be in the request itself, as `data:image/png;base64,…`: this server fetches no addresses.",
        ));
    };
    let bad = || {
        ApiError::invalid(
            at,
            "This is not a picture in base64 (`data:image/png;base64,…`).",
        )
    };
    let (media_type, encoded) = data.split_once(";base64,").ok_or_else(bad)?;
    if !PICTURES.contains(&media_type) {
        return Err(ApiError::unsupported(
            at,
            "A picture must be PNG, JPEG, WebP or GIF.",
        ));
    }
    let data = BASE64_STANDARD.decode(encoded.trim()).map_err(|_| bad())?;
    if data.is_empty() {
        return Err(bad());
    }
    Ok(Image {
        media_type: media_type.to_owned(),
        data: data.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> Result<ChatMessage, ApiError> {
        serde_json::from_str::<Message>(json)
            .unwrap()
            .into_router("messages[0]")
    }

    #[test]
    fn parts_become_one_text_and_pictures() {
        let said = message(
            r#"{"role":"user","content":[{"type":"text","text":"What"},{"type":"text","text":"is this?"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw==","detail":"low"}}]}"#,
        )
        .unwrap();
        assert_eq!(said.content, "What\nis this?");
        assert_eq!(said.images[0].media_type, "image/png");
        assert_eq!(&said.images[0].data[..], b"\x89PNG");
    }

    #[test]
    fn pictures_have_a_limit() {
        let parts = |count: usize| {
            let part =
                r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}}"#;
            let parts = vec![part; count].join(",");
            format!(r#"{{"role":"user","content":[{parts}]}}"#)
        };
        assert_eq!(message(&parts(16)).unwrap().images.len(), 16);
        let error = message(&parts(17)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages[0].content"));
    }

    #[test]
    fn no_address_is_ever_fetched() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "https://example.com/a.png",
            "file:///etc/passwd",
            "data:text/html;base64,PGI+",
            "data:image/svg+xml;base64,PHN2Zz4=",
            "data:image/png;base64,",
            "data:image/png;base64,%%%",
            "data:image/png,abc",
            "",
        ] {
            let error = picture(url, "here").unwrap_err();
            assert_eq!(error.param.as_deref(), Some("here"), "{url}");
        }
    }

    #[test]
    fn what_does_not_belong_to_a_role_is_refused() {
        for bad in [
            r#"{"role":"tool","content":"7"}"#,
            r#"{"role":"user","content":"x","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
            r#"{"role":"system","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}}]}"#,
        ] {
            assert!(message(bad).is_err(), "{bad}");
        }
        assert_eq!(
            message(r#"{"role":"developer","content":"Be brief"}"#)
                .unwrap()
                .role,
            Role::System
        );
        assert_eq!(
            message(r#"{"role":"assistant","content":null}"#)
                .unwrap()
                .content,
            ""
        );
    }
}
