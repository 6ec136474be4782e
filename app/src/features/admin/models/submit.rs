//! What is done with the forms of the models' pages. They are plain forms: what is wrong comes
//! back in the same page, with everything that was typed.

use http::request::Parts;
use onelastai_agents::FieldError;
use onelastai_identity::{Permission, Session};
use onelastai_models::{ModelsError, Operator, Trial};

use super::form::{ModelForm, field_error};
use crate::error::AppError;
use crate::session::{actor_of, origin};
use crate::state::AppState;

/// What the page is to show besides.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A form that comes back.
    Form {
        /// As it was sent.
        form: Box<ModelForm>,
        /// What is wrong with it.
        wrong: Vec<FieldError>,
        /// Somebody saved the model in between.
        conflict: bool,
    },
    /// What came of a test.
    Tried {
        /// The model.
        model: String,
        /// The instance.
        instance: String,
        /// What came of it.
        trial: Box<Trial>,
    },
}

/// What follows.
#[derive(Debug)]
pub enum Outcome {
    /// On to this address.
    Go(String),
    /// The page again, with this status.
    Show(Answer, u16),
}

type Fields = Vec<(String, String)>;

/// `POST /admin/models`: a button of the table, or the way back from a removal.
///
/// # Errors
/// [`AppError::NotFound`] also where this person may not do it.
pub async fn act(
    state: &AppState,
    session: &Session,
    parts: &Parts,
    fields: &Fields,
) -> Result<Outcome, AppError> {
    let operator = operator(session, parts)?;
    let field = |name: &str| {
        let found = fields.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let (model, instance) = (field("model"), field("instance"));
    let done = match field("do") {
        "test" => {
            let trial = state.models.try_out(model, instance).await?;
            let answer = Answer::Tried {
                model: model.to_owned(),
                instance: instance.to_owned(),
                trial: Box::new(trial),
            };
            return Ok(Outcome::Show(answer, 200));
        }
        "drain" => {
            state.models.drain(&operator, model, instance, true).await?;
            "drained"
        }
        "undrain" => {
            state
                .models
                .drain(&operator, model, instance, false)
                .await?;
            "undrained"
        }
        "restore" => {
            state.models.restore(&operator, model).await?;
            "restored"
        }
        _ => return Err(AppError::NotFound),
    };
    Ok(Outcome::Go(format!("/admin/models?done={done}")))
}

/// `POST /admin/models/new`
///
/// # Errors
/// As [`act`].
pub async fn add(
    state: &AppState,
    session: &Session,
    parts: &Parts,
    fields: Fields,
) -> Result<Outcome, AppError> {
    let operator = operator(session, parts)?;
    let (form, key) = ModelForm::of_fields(fields);
    let draft = match form.draft() {
        Ok(draft) => draft,
        Err(wrong) => return Ok(again(form, wrong)),
    };
    match state.models.add(&operator, draft, key).await {
        Ok(()) => Ok(Outcome::Go("/admin/models?done=added".to_owned())),
        Err(ModelsError::Invalid(wrong)) => Ok(again(form, of_domain(wrong))),
        Err(error) => Err(error.into()),
    }
}

/// `POST /admin/models/{id}`
///
/// # Errors
/// As [`act`].
pub async fn change(
    state: &AppState,
    session: &Session,
    parts: &Parts,
    id: &str,
    fields: Fields,
) -> Result<Outcome, AppError> {
    let operator = operator(session, parts)?;
    if fields
        .iter()
        .any(|(name, value)| name == "do" && value == "remove")
    {
        state.models.remove(&operator, id).await?;
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        return Ok(Outcome::Go(format!("/admin/models?removed={id}")));
    }
    let (mut form, key) = ModelForm::of_fields(fields);
    // A model keeps its name.
    form.id = id.to_owned();
    let draft = match form.draft() {
        Ok(draft) => draft,
        Err(wrong) => return Ok(again(form, wrong)),
    };
    let changed = state.models.change(&operator, form.based_on, draft, key);
    match changed.await {
        Ok(true) => Ok(Outcome::Go("/admin/models?done=saved".to_owned())),
        Ok(false) => Ok(Outcome::Go("/admin/models?done=unchanged".to_owned())),
        Err(ModelsError::Invalid(wrong)) => Ok(again(form, of_domain(wrong))),
        Err(ModelsError::Conflict) => {
            // They are told; to save once more is to save over it.
            let known = state.models.find(id).await?;
            form.based_on = known.map_or(0, |known| known.version);
            let answer = Answer::Form {
                form: Box::new(form),
                wrong: Vec::new(),
                conflict: true,
            };
            Ok(Outcome::Show(answer, 409))
        }
        Err(error) => Err(error.into()),
    }
}

fn operator(session: &Session, parts: &Parts) -> Result<Operator, AppError> {
    if !session.may(Permission::OperationsManage) {
        return Err(AppError::NotFound);
    }
    Ok(Operator {
        actor: actor_of(session),
        origin: origin(parts),
    })
}

fn of_domain(wrong: Vec<onelastai_models::FieldError>) -> Vec<FieldError> {
    wrong.into_iter().map(field_error).collect()
}

/// The page again, with what was typed.
fn again(form: ModelForm, wrong: Vec<FieldError>) -> Outcome {
    let answer = Answer::Form {
        form: Box::new(form),
        wrong,
        conflict: false,
    };
    Outcome::Show(answer, 422)
}
