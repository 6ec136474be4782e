//! What the chat page shows, ready for the eye: no ids to look up, no HTML to clean.

use onelastai_agents::Avatar;
use onelastai_identity::Session;
use onelastai_types::{AnswerStatus, ConversationId, Feedback, GenerationId, Making, MessageId};
use time::OffsetDateTime;

/// The person at the screen.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// As Keycloak has it.
    pub name: String,
    /// For the corner, when there is no name.
    pub username: String,
    /// The address, where there is one.
    pub email: Option<String>,
    /// The other parts of the product that are for them: addresses and names.
    pub sections: Vec<(String, &'static str)>,
}

impl Viewer {
    /// The person of a session.
    #[must_use]
    pub fn new(session: &Session, sections: Vec<(String, &'static str)>) -> Self {
        Self {
            name: session.name.clone(),
            username: session.username.clone(),
            email: session.email.clone(),
            sections,
        }
    }
}

/// One line of the rail.
#[derive(Debug, Clone)]
pub struct ConversationLink {
    /// Where it leads.
    pub id: ConversationId,
    /// Plain text, written by a person or a model.
    pub title: String,
    /// Who answers there.
    pub agent_name: String,
    /// For its hue.
    pub agent_slug: String,
    /// When somebody last said something.
    pub last_message_at: OffsetDateTime,
}

/// An agent to pick.
#[derive(Debug, Clone)]
pub struct AgentCard {
    /// Its part of the address.
    pub slug: String,
    /// Plain text.
    pub name: String,
    /// Its look.
    pub avatar: Avatar,
    /// One or two sentences, plain text.
    pub description: String,
    /// Questions to begin with, plain text.
    pub starters: Vec<String>,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The person.
    Person,
    /// The agent.
    Agent,
}

/// One message.
#[derive(Debug, Clone)]
pub struct MessageView {
    /// For its anchor.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// Finished blocks, safe HTML.
    pub blocks: String,
    /// The block still being written, safe HTML.
    pub tail: String,
    /// When it was sent.
    pub created_at: OffsetDateTime,
    /// Only of an agent's message.
    pub answer: Option<AnswerView>,
}

/// What there is to know about an answer besides its text.
#[derive(Debug, Clone)]
pub struct AnswerView {
    /// Where it stands.
    pub status: AnswerStatus,
    /// Whose events tell how it goes on.
    pub generation: GenerationId,
    /// The number of the last event that `blocks` and `tail` include.
    pub seq: u64,
    /// Which version of the agent answered.
    pub agent_version: Option<i32>,
    /// The place in the line for a model, from 1, while it waits for one; 0 while that is loaded.
    pub place_in_line: Option<u32>,
    /// Our name of the model that answered.
    pub model: Option<String>,
    /// Why that model.
    pub reason: Option<String>,
    /// Stable name of what went wrong, such as `unreachable`.
    pub error: Option<String>,
    /// Tokens read and written.
    pub prompt_tokens: i32,
    /// Tokens written.
    pub completion_tokens: i32,
    /// From the send to the first token, in milliseconds.
    pub first_token_ms: Option<i32>,
    /// From the send to the end, in milliseconds.
    pub total_ms: Option<i32>,
    /// How it came about.
    pub making: Making,
    /// What the person who asked thinks of it.
    pub feedback: Feedback,
}

/// An open conversation.
#[derive(Debug, Clone)]
pub struct ConversationView {
    /// Its id.
    pub id: ConversationId,
    /// Plain text.
    pub title: String,
    /// Oldest first, along the branch shown.
    pub messages: Vec<MessageView>,
}

impl ConversationView {
    /// The answer that a model is writing, if one is.
    #[must_use]
    pub fn generating(&self) -> Option<&AnswerView> {
        self.messages
            .iter()
            .rev()
            .filter_map(|message| message.answer.as_ref())
            .find(|answer| answer.status == AnswerStatus::Generating)
    }
}

/// Everything on the chat page.
#[derive(Debug, Clone)]
pub struct ChatPage {
    /// Who looks.
    pub viewer: Viewer,
    /// The rail, newest first.
    pub conversations: Vec<ConversationLink>,
    /// The one after which older ones go on, where there are more than the rail shows.
    pub older_than: Option<ConversationId>,
    /// Whether the rail begins with older ones.
    pub not_the_newest: bool,
    /// The agents to pick from.
    pub agents: Vec<AgentCard>,
    /// The one that answers here (picked or of the conversation).
    pub agent: AgentCard,
    /// The agent's own address, where this is not it.
    pub own_address: Option<String>,
    /// None: a new one is about to begin.
    pub conversation: Option<ConversationView>,
    /// A conversation that was just deleted and can be brought back.
    pub deleted: Option<(ConversationId, String)>,
    /// That little is left of some limit of the plan, where it is so.
    pub left: Option<String>,
    /// Now, by the viewer's clock, for "today" and "yesterday".
    pub now: OffsetDateTime,
    /// A message that was not taken, to be changed or sent again.
    pub draft: Option<String>,
    /// Makes a repeated send of this very page one send (fresh for each page view).
    pub send_key: String,
}
