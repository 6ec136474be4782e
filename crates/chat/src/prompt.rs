//! What a model is told: the agent's instructions and as much of the conversation as
//! fits, the newest first.

use onelastai_agents::Agent;
use onelastai_model_router::{ChatMessage, Role};

use crate::{Author, Message};

/// Tokens left for the answer.
pub(crate) const ANSWER_TOKENS: u32 = 512;
/// A safe guess for languages with an alphabet; a tokenizer per model would be exact.
pub(crate) const BYTES_PER_TOKEN: usize = 3;

/// The messages for a model whose context holds `context_tokens`. The last one is the
/// question and always goes in.
pub(crate) fn prompt(agent: &Agent, branch: &[Message], context_tokens: u32) -> Vec<ChatMessage> {
    let room = (context_tokens as usize).saturating_sub(ANSWER_TOKENS as usize) * BYTES_PER_TOKEN;
    let mut left = room.saturating_sub(agent.system_prompt.len());
    let mut messages = Vec::new();
    for message in branch.iter().rev() {
        if message.content.is_empty() {
            continue; // The answer that is to come, or one that never began.
        }
        if !messages.is_empty() && message.content.len() > left {
            break;
        }
        left = left.saturating_sub(message.content.len());
        let role = match message.author {
            Author::Person => Role::User,
            Author::Agent => Role::Assistant,
        };
        messages.push(ChatMessage::new(role, message.content.clone()));
    }
    if !agent.system_prompt.is_empty() {
        messages.push(ChatMessage::new(Role::System, agent.system_prompt.clone()));
    }
    messages.reverse();
    messages
}

#[cfg(test)]
mod tests {
    use onelastai_agents::{Avatar, Parameters};
    use onelastai_types::Tier;
    use time::OffsetDateTime;

    use super::*;

    fn message(author: Author, content: &str) -> Message {
        Message {
            id: uuid::Uuid::nil().into(),
            author,
            content: content.into(),
            created_at: OffsetDateTime::UNIX_EPOCH,
            answer: None,
        }
    }

    fn agent() -> Agent {
        Agent {
            id: uuid::Uuid::nil().into(),
            slug: "a".into(),
            name: "A".into(),
            avatar: Avatar::default(),
            description: String::new(),
            system_prompt: "Be brief.".into(),
            model_preferences: vec![],
            local_only: true,
            parameters: Parameters::default(),
            starters: vec![],
            required_tier: Tier::Free,
            version: 1,
        }
    }

    #[test]
    fn the_oldest_is_left_out_first_and_the_question_never() {
        let branch = [
            message(Author::Person, &"old ".repeat(2000)),
            message(Author::Agent, "an answer"),
            message(Author::Person, "a question"),
            message(Author::Agent, ""),
        ];
        let told: Vec<_> = prompt(&agent(), &branch, 2048)
            .into_iter()
            .map(|m| (m.role, m.content))
            .collect();
        assert_eq!(
            told,
            [
                (Role::System, "Be brief.".to_owned()),
                (Role::Assistant, "an answer".to_owned()),
                (Role::User, "a question".to_owned()),
            ]
        );
        let long = [message(Author::Person, &"x".repeat(100_000))];
        assert_eq!(prompt(&agent(), &long, 2048).len(), 2);
    }
}
