//! How many tokens a question will be, before any model has counted them.

use onelastai_model_router::{ChatMessage, ChatRequest};

/// What engines put around every message.
const PER_MESSAGE: usize = 4;
/// What a picture takes, about, with the vision models that run locally.
const PER_IMAGE: usize = 1024;
/// The bytes of a token: English has about four, other languages and code fewer.
const BYTES: usize = 3;

/// Tokens of the question: rather too many than too few.
pub(crate) fn prompt(request: &ChatRequest) -> u32 {
    let tools: usize = request
        .tools
        .iter()
        .map(|tool| {
            let parameters = tool
                .parameters
                .as_ref()
                .map_or(0, |json| json.to_string().len());
            tool.name.len() + tool.description.as_ref().map_or(0, String::len) + parameters
        })
        .sum();
    let messages: usize = request.messages.iter().map(message).sum();
    tokens(messages + tools.div_ceil(BYTES))
}

fn message(message: &ChatMessage) -> usize {
    let calls = message.tool_calls.iter();
    let calls: usize = calls
        .map(|call| call.name.len() + call.arguments.len())
        .sum();
    PER_MESSAGE + (message.content.len() + calls).div_ceil(BYTES) + message.images.len() * PER_IMAGE
}

/// Tokens of texts without anything around them.
pub(crate) fn texts(texts: &[String]) -> u32 {
    tokens(texts.iter().map(|text| text.len().div_ceil(BYTES)).sum())
}

fn tokens(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use onelastai_model_router::Role;

    use super::*;

    #[test]
    fn long_questions_are_more_than_short_ones_and_never_overflow() {
        let ask = |text: &str| ChatRequest {
            messages: vec![ChatMessage::new(Role::User, text)],
            ..ChatRequest::default()
        };
        assert_eq!(prompt(&ask("")), 4);
        assert_eq!(prompt(&ask("Say hi.")), 4 + 3);
        assert_eq!(tokens(usize::MAX), u32::MAX);
    }
}
