//! What is done with the form of an agent. It is a plain form: what is wrong comes back in
//! the same page, with everything that was typed.

use futures::future::join;
use http::request::Parts;
use onelastai_agents::{EditError, FieldError};
use onelastai_identity::Session;

use super::form::AgentForm;
use super::playground::Tried;
use crate::error::AppError;
use crate::session::editor_of;
use crate::state::AppState;

/// A form that comes back.
#[derive(Debug, Clone)]
pub struct Answered {
    /// As it was sent.
    pub form: AgentForm,
    /// What is wrong with it.
    pub wrong: Vec<FieldError>,
    /// What the models said to the question in it.
    pub tried: Vec<Tried>,
    /// Somebody saved this version in between.
    pub newer: Option<i32>,
}

/// What follows.
#[derive(Debug)]
pub enum Outcome {
    /// On to this address.
    Go(String),
    /// The page again, with this status.
    Show(Box<Answered>, u16),
}

/// Saves the form, or tries it out where `fields` ask for that. Without a `slug` it is a new
/// agent.
///
/// # Errors
/// [`AppError::NotFound`] where this person may not edit the agent, or make one.
pub async fn submit(
    state: &AppState,
    session: &Session,
    parts: &Parts,
    slug: Option<&str>,
    fields: Vec<(String, String)>,
) -> Result<Outcome, AppError> {
    let editor = editor_of(session, parts);
    let trial = fields
        .iter()
        .any(|(name, value)| name == "do" && value == "try");
    let mut form = AgentForm::of_fields(fields);
    let agent = match slug {
        Some(slug) => Some(state.agents.editable(&editor.viewer, slug).await?),
        None if editor.viewer.may_create() => None,
        None => return Err(AppError::NotFound),
    };
    let draft = match form.draft() {
        Ok(draft) => draft,
        Err(wrong) => return show(&form, wrong, Vec::new(), None, 422),
    };
    if trial {
        if form.question.trim().is_empty() {
            let wrong = FieldError {
                field: "question".to_owned(),
                message: "Write a question first.".to_owned(),
            };
            return show(&form, vec![wrong], Vec::new(), None, 422);
        }
        let [left, right] = &form.try_models;
        let ask = |model: String| {
            let (chat, user) = (&state.chat, session.user);
            let (draft, question) = (&draft, &form.question);
            async move {
                match chat.try_out(user, draft, question, &model).await {
                    Ok(trial) => Tried::new(&model, &trial),
                    Err(error) => Tried::refused(&model, &error.into()),
                }
            }
        };
        let tried = if right.is_empty() || left == right {
            vec![ask(left.clone()).await]
        } else {
            <[Tried; 2]>::from(join(ask(left.clone()), ask(right.clone())).await).into()
        };
        return show(&form, Vec::new(), tried, None, 200);
    }
    let slug_after = draft.slug.trim().to_lowercase();
    let saved = match &agent {
        Some(agent) => {
            let note = Some(form.note.trim()).filter(|note| !note.is_empty());
            state
                .agents
                .update(&editor, agent.id, form.based_on, draft, note)
                .await
                .map(|saved| {
                    let done = if saved.changed { "saved" } else { "unchanged" };
                    format!("/agents/{slug_after}?done={done}")
                })
        }
        None => state
            .agents
            .create(&editor, draft)
            .await
            .map(|_| format!("/agents/{slug_after}?done=created")),
    };
    match saved {
        Ok(address) => Ok(Outcome::Go(address)),
        Err(EditError::Invalid(wrong)) => show(&form, wrong, Vec::new(), None, 422),
        Err(EditError::Conflict(newer)) => {
            // They are told; to save once more is to save over it.
            form.based_on = newer.version;
            show(&form, Vec::new(), Vec::new(), Some(newer.version), 409)
        }
        Err(error) => Err(error.into()),
    }
}

/// The page again, with what was typed.
fn show(
    form: &AgentForm,
    wrong: Vec<FieldError>,
    tried: Vec<Tried>,
    newer: Option<i32>,
    status: u16,
) -> Result<Outcome, AppError> {
    let answered = Answered {
        form: form.clone(),
        wrong,
        tried,
        newer,
    };
    Ok(Outcome::Show(Box::new(answered), status))
}

/// Makes an agent of a file; the address of its page.
///
/// # Errors
/// [`AppError::Invalid`] with everything that is wrong in the file.
pub async fn import(
    state: &AppState,
    session: &Session,
    parts: &Parts,
    json: &str,
) -> Result<String, AppError> {
    let editor = editor_of(session, parts);
    match state.agents.import(&editor, json).await {
        Ok(made) => Ok(format!("/agents/{}?done=imported", made.slug)),
        Err(error) => Err(error.into()),
    }
}
