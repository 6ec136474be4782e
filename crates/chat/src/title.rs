//! The title of a conversation: the beginning of the question at once, a model's
//! suggestion after the first answer.

use futures::StreamExt;
use onelastai_agents::Agent;
use onelastai_model_router::{
    ChatEvent, ChatMessage, ChatRequest, ModelRouter, Parameters, Policy, Role,
};

/// The longest title that is made here, in characters.
const LENGTH: usize = 60;
const TOKENS: u32 = 24;

/// The first words of a question.
pub(crate) fn from_question(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LENGTH {
        return text;
    }
    let cut: String = text.chars().take(LENGTH).collect();
    // At a word's end where there is one not too far back.
    let end = cut
        .rfind(' ')
        .filter(|&end| end > LENGTH / 2)
        .unwrap_or(cut.len());
    format!(
        "{}…",
        cut[..end].trim_end_matches([',', '.', ':', ';', ' '])
    )
}

/// Asks a model for a title; `None` where it has nothing that can be used, as small
/// models often don't.
pub(crate) async fn suggest(
    router: &ModelRouter,
    agent: &Agent,
    question: &str,
    answer: &str,
) -> Option<String> {
    let cut = |text: &str| text.chars().take(600).collect::<String>();
    let request = ChatRequest {
        preferences: crate::generate::available(router, agent),
        messages: vec![ChatMessage::new(
            Role::User,
            format!(
                "Give this conversation a title of two to six words. Answer with the title \
                 only.\n\nQuestion: {}\n\nAnswer: {}",
                cut(question),
                cut(answer)
            ),
        )],
        parameters: Parameters {
            temperature: Some(0.0),
            max_tokens: Some(TOKENS),
            ..Parameters::default()
        },
        policy: Policy {
            local_only: agent.local_only,
            ..Policy::default()
        },
        ..ChatRequest::default()
    };
    let mut stream = router.chat(request).await.ok()?;
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event.ok()? {
            ChatEvent::Text(part) => text.push_str(&part),
            ChatEvent::Thinking(_) | ChatEvent::ToolCall(_) => {}
            ChatEvent::Done(_) => return usable(&text),
        }
    }
    None
}

/// A suggestion as a title, if it looks like one.
fn usable(text: &str) -> Option<String> {
    let line = text.trim().lines().next()?;
    let line = line
        .trim_start_matches("Title:")
        .trim_matches(['"', '*', '#', '.', ' ', '“', '”']);
    let words = line.split_whitespace().count();
    let fits = (2..=8).contains(&words) && line.chars().count() <= LENGTH;
    // A sentence that talks to the person is no title.
    let talks = ["I ", "I'", "You ", "Here ", "The title", "Sure"];
    (fits && !talks.iter().any(|start| line.starts_with(start))).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_question_is_cut_at_a_word() {
        assert_eq!(
            from_question("  How do\n tides work?  "),
            "How do tides work?"
        );
        let long = "Why is the sky blue in the morning, and red in the evening when the sun sets?";
        assert_eq!(
            from_question(long),
            "Why is the sky blue in the morning, and red in the evening…"
        );
        assert_eq!(from_question(&"é".repeat(80)).chars().count(), LENGTH + 1);
    }

    #[test]
    fn only_what_looks_like_a_title_is_taken() {
        assert_eq!(
            usable("\"How tides work\"\nmore"),
            Some("How tides work".into())
        );
        assert_eq!(
            usable("Title: Tides and the Moon."),
            Some("Tides and the Moon".into())
        );
        assert_eq!(usable("I am a helpful assistant"), None);
        assert_eq!(usable("word"), None);
        assert_eq!(usable(""), None);
        assert_eq!(usable(&"many words ".repeat(10)), None);
    }
}
