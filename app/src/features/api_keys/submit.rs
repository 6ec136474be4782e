//! What is done with the forms of keys. They are plain forms: what comes of them is shown in
//! the same page, a new key too, since that can be shown only once.

use std::str::FromStr;

use http::request::Parts;
use onelastai_access::{FieldError, KeyError, NewKey, Overlap, Owner};
use onelastai_identity::{Permission, Session};
use onelastai_types::ApiKeyId;
use time::OffsetDateTime;

use super::form::KeyForm;
use crate::error::AppError;
use crate::session::origin;
use crate::state::AppState;

/// What came of a form.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A key was made: shown now and never again.
    Made {
        /// The key.
        new: NewKey,
        /// How long the key whose place it took goes on; nothing where it took none.
        overlap: Option<Overlap>,
    },
    /// Something is wrong with the form.
    Wrong {
        /// As it was sent.
        form: Box<KeyForm>,
        /// What is wrong with it.
        wrong: Vec<FieldError>,
    },
    /// The same was sent before: this key was made then.
    MadeBefore(ApiKeyId),
    /// The key can't be replaced: why not.
    NotReplaced(&'static str),
}

impl Answer {
    /// The status of the page that shows it.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Made { .. } => 201,
            Self::Wrong { .. } => 422,
            Self::MadeBefore(_) | Self::NotReplaced(_) => 409,
        }
    }
}

/// Whoever sees to their own keys.
#[must_use]
pub fn owner_of(session: &Session, parts: &Parts) -> Owner {
    Owner {
        user: session.user,
        username: session.username.clone(),
        groups: session.groups.clone(),
        permissions: session.permissions().clone(),
        origin: origin(parts),
        program: None,
    }
}

/// Makes a key of a form.
///
/// # Errors
/// [`AppError::NotFound`] where this person may not have keys.
pub async fn create(
    state: &AppState,
    session: &Session,
    parts: &Parts,
    fields: Vec<(String, String)>,
) -> Result<Answer, AppError> {
    if !session.may(Permission::KeysManageOwn) {
        return Err(AppError::NotFound);
    }
    let form = KeyForm::of_fields(fields);
    let wrong = |wrong| Answer::Wrong {
        form: Box::new(form.clone()),
        wrong,
    };
    let draft = match form.draft(OffsetDateTime::now_utc()) {
        Ok(draft) => draft,
        Err(errors) => return Ok(wrong(errors)),
    };
    let owner = owner_of(session, parts);
    match state.access.create(&owner, form.request(), draft).await {
        Ok(new) => Ok(Answer::Made { new, overlap: None }),
        Err(KeyError::Invalid(errors)) => Ok(wrong(errors)),
        Err(KeyError::TooMany(most)) => Ok(wrong(vec![FieldError {
            field: "",
            message: format!("You have {most} keys, which is as many as one can have."),
        }])),
        Err(KeyError::MadeAlready(id)) => Ok(Answer::MadeBefore(id)),
        Err(error) => Err(error.into()),
    }
}

/// Replaces a key.
///
/// # Errors
/// [`AppError::NotFound`] where it isn't this person's.
pub async fn rotate(
    state: &AppState,
    session: &Session,
    parts: &Parts,
    id: &str,
    fields: &[(String, String)],
) -> Result<Answer, AppError> {
    let id = ApiKeyId::from_str(id).map_err(|_| AppError::NotFound)?;
    let chosen = fields.iter().find(|(name, _)| name == "overlap");
    let overlap = chosen.and_then(|(_, value)| overlap(value));
    let Some(overlap) = overlap else {
        return Ok(Answer::NotReplaced("Choose how long the old key goes on."));
    };
    let owner = owner_of(session, parts);
    match state.access.rotate(&owner, id, overlap).await {
        Ok(new) => Ok(Answer::Made {
            new,
            overlap: Some(overlap),
        }),
        Err(KeyError::Replaced(next)) => Ok(Answer::MadeBefore(next)),
        Err(KeyError::Ended) => Ok(Answer::NotReplaced(
            "This key has ended, so there is nothing to replace. Make a new one.",
        )),
        Err(KeyError::Invalid(_)) => Ok(Answer::NotReplaced(
            "You may no longer do anything that this key is for, so it was not replaced.",
        )),
        Err(error) => Err(error.into()),
    }
}

/// The value of a choice in the form.
pub(super) fn overlap_value(overlap: Overlap) -> String {
    overlap.seconds().to_string()
}

fn overlap(value: &str) -> Option<Overlap> {
    Overlap::ALL
        .into_iter()
        .find(|overlap| overlap_value(*overlap) == value)
}
