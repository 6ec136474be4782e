//! A send, or another try at an answer: everything that must be there before a model is
//! asked, in one transaction.

use std::panic::resume_unwind;

use onelastai_agents::Agent;
use onelastai_db::{Constraint, DbError, new_id};
use onelastai_types::{AgentId, ConversationId, GenerationId, MessageId};
use onelastai_usage::Rates;
use tokio::task::JoinError;
use uuid::Uuid;

use crate::{
    Caller, ChatError, ChatService,
    allowance::Allowance,
    generate::Job,
    question::{again_key, reopen, say, send_key},
};

/// The longest message, in characters.
const MAX_TEXT: usize = 32_000;

/// What a person sends.
#[derive(Debug, Clone)]
pub struct Send {
    /// Where; a new conversation where there is none.
    pub conversation: Option<ConversationId>,
    /// Who is to answer in a new conversation.
    pub agent: Option<String>,
    /// What is said.
    pub text: String,
    /// 8 to 300 characters; the same text with the same key again is the same send.
    pub key: String,
}

/// Where an answer is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The conversation.
    pub conversation: ConversationId,
    /// The person's message.
    pub question: MessageId,
    /// The answer.
    pub answer: MessageId,
    /// Its making.
    pub generation: GenerationId,
}

/// What is to be answered.
#[derive(Clone)]
enum Order {
    /// Something that a person says.
    Say(Send),
    /// The question that this answer could not answer.
    Again(GenerationId),
}

impl Order {
    /// As it is stored: the same key again is the same order.
    fn key(&self) -> String {
        match self {
            Self::Say(send) => send_key(send),
            Self::Again(generation) => again_key(*generation),
        }
    }

    /// The conversation, or an answer in it; neither for a new one.
    fn place(&self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Say(send) => (send.conversation.map(|id| id.0), None),
            Self::Again(generation) => (None, Some(generation.0)),
        }
    }

    /// What is new in it.
    fn text(&self) -> &str {
        match self {
            Self::Say(send) => &send.text,
            Self::Again(_) => "",
        }
    }
}

enum Outcome {
    /// New; the job is to be started once it is committed.
    New(Box<(Sent, Job, Rates)>),
    /// The same was ordered before.
    Before,
}

/// The message as it can be kept.
fn check(send: &Send) -> Result<Send, ChatError> {
    // PostgreSQL's text holds no NUL.
    let text = send.text.replace('\0', "").replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Err(ChatError::Invalid {
            field: "text",
            message: "Write a message first.",
        });
    }
    if text.chars().count() > MAX_TEXT {
        return Err(ChatError::Invalid {
            field: "text",
            message: "That is too long for one message: at most 32,000 characters.",
        });
    }
    if !(8..=300).contains(&send.key.chars().count()) {
        return Err(ChatError::Invalid {
            field: "key",
            message: "The page is too old. Reload it and send again.",
        });
    }
    Ok(Send {
        text,
        ..send.clone()
    })
}

impl ChatService {
    /// Writes the question and starts the answer.
    ///
    /// # Errors
    /// [`ChatError::Busy`] while another answer is written in this conversation.
    pub async fn send(&self, caller: &Caller, send: &Send) -> Result<Sent, ChatError> {
        Ok(self.send_and_tell(caller, send).await?.0)
    }

    /// The same, and tells what is left of the limits: nothing is known of that for a send
    /// that was made before.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_and_tell(
        &self,
        caller: &Caller,
        send: &Send,
    ) -> Result<(Sent, Rates), ChatError> {
        self.carry_out(caller, Order::Say(check(send)?)).await
    }

    /// Starts another answer to the question of an answer that was stopped or failed. It
    /// stands beside that one, which is no longer shown. Asked for twice it is one.
    ///
    /// # Errors
    /// [`ChatError::Busy`] while the answer is written, [`ChatError::NotFound`] also where it
    /// is somebody else's, and [`ChatError::Invalid`] where something was said after it.
    pub async fn answer_again(
        &self,
        caller: &Caller,
        generation: GenerationId,
    ) -> Result<Sent, ChatError> {
        Ok(self.carry_out(caller, Order::Again(generation)).await?.0)
    }

    /// Both the writing and the start happen, or neither, even when the one who asked goes
    /// away in the middle: a browser that is closed between the commit and the start must
    /// not leave an answer that nobody writes.
    async fn carry_out(&self, caller: &Caller, order: Order) -> Result<(Sent, Rates), ChatError> {
        let (service, caller) = (self.clone(), caller.clone());
        let task = self
            .0
            .tasks
            .spawn(async move { service.write_and_start(&caller, &order).await });
        match task.await.map_err(JoinError::try_into_panic) {
            Ok(result) => result,
            Err(Ok(panic)) => resume_unwind(panic),
            // The runtime ends.
            Err(Err(_)) => Err(sqlx::Error::PoolClosed.into()),
        }
    }

    async fn write_and_start(
        &self,
        caller: &Caller,
        order: &Order,
    ) -> Result<(Sent, Rates), ChatError> {
        let before = |sent| (sent, Rates::default());
        match self.write(caller, order).await {
            Ok(Outcome::New(begun)) => {
                let (sent, job, rates) = *begun;
                self.start(job);
                Ok((sent, rates))
            }
            Ok(Outcome::Before) => Ok(before(self.sent_before(caller, &order.key()).await?)),
            // The connection may have died after the commit took effect.
            Err(ChatError::Db(DbError::Unavailable(error))) => {
                match self.sent_before(caller, &order.key()).await {
                    Ok(sent) => {
                        self.start_again(sent, caller).await?;
                        Ok(before(sent))
                    }
                    Err(_) => Err(ChatError::Db(DbError::Unavailable(error))),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn write(&self, caller: &Caller, order: &Order) -> Result<Outcome, ChatError> {
        // Before the transaction, which holds a connection: whoever holds one must not wait
        // for another, or enough senders at once wait for ever.
        let mut agent = self.agent_for(caller, order).await?;
        let key = order.key();
        let asked = self.allow(caller, order.place(), &key, order.text(), &mut agent);
        let Some(allowance) = asked.await? else {
            return Ok(Outcome::Before);
        };
        let written = self.write_all(caller, order, agent, &allowance).await;
        match &written {
            Ok(_) => {}
            // It may have been written all the same, and then it ends as any other.
            Err(ChatError::Db(DbError::Unavailable(_))) => {}
            Err(_) => self.give_back(&allowance, caller).await,
        }
        written
    }

    async fn write_all(
        &self,
        caller: &Caller,
        order: &Order,
        agent: Agent,
        allowance: &Allowance,
    ) -> Result<Outcome, ChatError> {
        let mut transaction = self.0.pool.begin().await?;
        let question = match order {
            Order::Say(send) => say(&mut transaction, caller, &agent, send).await?,
            Order::Again(generation) => reopen(&mut transaction, caller, *generation).await?,
        };
        let Some(question) = question else {
            return Ok(Outcome::Before);
        };
        let sent = Sent {
            conversation: question.conversation,
            question: question.id,
            answer: new_id(),
            generation: new_id(),
        };
        sqlx::query!(
            "INSERT INTO messages (id, conversation_id, parent_id, role, content, status)
             VALUES ($1, $2, $3, 'assistant', '', 'generating')",
            sent.answer.0,
            sent.conversation.0,
            sent.question.0,
        )
        .execute(&mut *transaction)
        .await?;
        let inserted: Result<_, ChatError> = sqlx::query!(
            "INSERT INTO generations
                 (id, conversation_id, message_id, user_id, idempotency_key, lease_expires_at,
                  agent_id, agent_version)
             VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7, $8)
             ON CONFLICT (user_id, idempotency_key) DO NOTHING",
            sent.generation.0,
            sent.conversation.0,
            sent.answer.0,
            caller.user.0,
            order.key(),
            self.0.settings.lease.as_secs_f64(),
            agent.id.0,
            agent.version,
        )
        .execute(&mut *transaction)
        .await
        .on_constraint("generations_one_running_key", || ChatError::Busy);
        if inserted?.rows_affected() == 0 {
            return Ok(Outcome::Before);
        }
        sqlx::query!(
            "UPDATE conversations SET current_message_id = $2, last_message_at = now()
             WHERE id = $1",
            sent.conversation.0,
            sent.answer.0,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let job = Job::new(sent, caller, agent, question.first, 1).within(allowance.bounds.clone());
        Ok(Outcome::New(Box::new((sent, job, allowance.rates))))
    }

    /// Who is to answer. The agent of a conversation never changes.
    async fn agent_for(&self, caller: &Caller, order: &Order) -> Result<Agent, ChatError> {
        if let Order::Say(Send {
            conversation: None,
            agent,
            ..
        }) = order
        {
            let slug = agent.as_deref().ok_or(ChatError::NoSuchAgent)?;
            return Ok(self.0.agents.by_slug(&caller.viewer(), slug).await?);
        }
        let (conversation, generation) = order.place();
        let agent = sqlx::query_scalar!(
            "SELECT agent_id FROM conversations
             WHERE id = coalesce($1, (SELECT conversation_id FROM generations WHERE id = $2))
                 AND user_id = $3 AND deleted_at IS NULL",
            conversation,
            generation,
            caller.user.0,
        )
        .fetch_optional(&self.0.pool)
        .await?
        .ok_or(ChatError::NotFound)?;
        let viewer = caller.viewer();
        Ok(self.0.agents.to_go_on(&viewer, AgentId(agent)).await?)
    }

    async fn sent_before(&self, caller: &Caller, key: &str) -> Result<Sent, ChatError> {
        let row = sqlx::query!(
            r#"SELECT g.id, g.conversation_id, g.message_id, m.parent_id AS "parent_id!"
               FROM generations g JOIN messages m ON m.id = g.message_id
               WHERE g.user_id = $1 AND g.idempotency_key = $2"#,
            caller.user.0,
            key,
        )
        .fetch_optional(&self.0.pool)
        .await?
        .ok_or(ChatError::NotFound)?;
        Ok(Sent {
            conversation: row.conversation_id.into(),
            question: row.parent_id.into(),
            answer: row.message_id.into(),
            generation: row.id.into(),
        })
    }

    /// Starts an answer whose commit turned out to have happened after all, unless its
    /// task runs already (then this was a repeated send).
    async fn start_again(&self, sent: Sent, caller: &Caller) -> Result<(), ChatError> {
        if self.0.hub.is_local(sent.generation) {
            return Ok(());
        }
        let conversation = self.conversation(caller.user, sent.conversation).await?;
        let mut agent = conversation.agent;
        let bounds = self.fit_again(caller, &mut agent).await?;
        // The agent may have been edited since the commit: what answers is what is read here.
        let taken = sqlx::query_scalar!(
            "UPDATE generations SET fencing_token = 2, agent_id = $2, agent_version = $3
             WHERE id = $1 AND status = 'generating' AND fencing_token = 1 AND model IS NULL
             RETURNING id",
            sent.generation.0,
            agent.id.0,
            agent.version,
        )
        .fetch_optional(&self.0.pool)
        .await?;
        if taken.is_some() {
            let first = conversation.messages.len() == 2;
            self.start(Job::new(sent, caller, agent, first, 2).within(bounds));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(text: &str, key: &str) -> Send {
        Send {
            conversation: None,
            agent: None,
            text: text.into(),
            key: key.into(),
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_words() {
        let key = "12345678";
        assert_eq!(check(&send("a\0b\r\nc", key)).unwrap().text, "ab\nc");
        for (bad, field) in [
            (send(" \n ", key), "text"),
            (send(&"x".repeat(MAX_TEXT + 1), key), "text"),
            (send("hello", "short"), "key"),
        ] {
            assert!(matches!(check(&bad), Err(ChatError::Invalid { field: f, .. }) if f == field));
        }
    }
}
