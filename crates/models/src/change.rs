//! Adding, changing and removing a model: one transaction each, with its line in the audit log.

use onelastai_db::DbError;
use onelastai_model_router::{ModelSpec, Secret};
use serde_json::json;

use crate::{
    audit::{changes, note},
    check::check,
    draft::ModelDraft,
    error::{FieldError, ModelsError},
    instances::address,
    merge::go_nowhere_else,
    rows::{self, Stored},
    service::{ModelService, Operator},
};

/// The longest key.
const LONGEST_KEY: usize = 4096;

/// What becomes of a model's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// Nothing.
    Keep,
    /// This is it now.
    Set(Secret),
    /// It is forgotten; one of the settings counts again, if there is one.
    Forget,
}

impl ModelService {
    /// Adds a model.
    ///
    /// # Errors
    /// [`ModelsError::Invalid`] names everything that isn't right, also a name that is taken.
    pub async fn add(
        &self,
        who: &Operator,
        draft: ModelDraft,
        key: KeyChange,
    ) -> Result<(), ModelsError> {
        let draft = trimmed(draft);
        let mut wrong = check(&draft);
        let taken = || FieldError::new("id", "There is a model of this name already.");
        if self.of_settings(&draft.id).is_some() {
            wrong.push(taken());
        }
        let key = self.sealed(&draft, &key, None, &mut wrong);
        if !wrong.is_empty() {
            return Err(ModelsError::Invalid(wrong));
        }
        let mut transaction = self.pool().begin().await?;
        if !rows::insert(&mut transaction, &draft, key.as_deref()).await? {
            return Err(ModelsError::Invalid(vec![taken()]));
        }
        let mut changes = changes(None, Some(&draft));
        if key.is_some() {
            changes.insert("key".to_owned(), json!(["none", "set"]));
        }
        note(&mut transaction, who, "model.create", &draft.id, changes).await?;
        transaction.commit().await?;
        self.tell().await;
        Ok(())
    }

    /// Changes the model `draft.id`, which may be one of the settings, if it is still as it was
    /// in version `based_on`. `false` where there was nothing to change.
    ///
    /// # Errors
    /// [`ModelsError::Invalid`], [`ModelsError::Conflict`], and [`ModelsError::NotFound`].
    pub async fn change(
        &self,
        who: &Operator,
        based_on: i32,
        draft: ModelDraft,
        key: KeyChange,
    ) -> Result<bool, ModelsError> {
        let draft = trimmed(draft);
        let settings = self.of_settings(&draft.id);
        let mut transaction = self.pool().begin().await?;
        let stored = rows::lock(&mut transaction, &draft.id).await?;
        let before = match (&stored, settings) {
            (Some(stored), _) => stored.draft.clone(),
            (None, Some((spec, position))) => ModelDraft::of_spec(spec, true, position),
            (None, None) => return Err(ModelsError::NotFound),
        };
        if stored.as_ref().map_or(0, |it| it.version) != based_on {
            return Err(ModelsError::Conflict);
        }
        let mut wrong = check(&draft);
        let sealed = self.sealed(&draft, &key, stored.as_ref(), &mut wrong);
        if !wrong.is_empty() {
            return Err(ModelsError::Invalid(wrong));
        }
        let had_key = stored.as_ref().is_some_and(|it| it.key.is_some());
        if before == draft && (key == KeyChange::Keep || (key == KeyChange::Forget && !had_key)) {
            return Ok(false);
        }
        if stored.is_some() {
            rows::update(&mut transaction, &draft, sealed.as_deref()).await?;
        } else if !rows::insert(&mut transaction, &draft, sealed.as_deref()).await? {
            return Err(ModelsError::Conflict);
        }
        let addresses: Vec<_> = draft.instances.iter().map(|it| address(&it.url)).collect();
        sqlx::query!(
            "DELETE FROM model_drains WHERE model = $1 AND instance <> ALL ($2)",
            draft.id,
            &addresses
        )
        .execute(&mut *transaction)
        .await?;
        let mut changes = changes(Some(&before), Some(&draft));
        let had = if had_key { "set" } else { "none" };
        match key {
            KeyChange::Keep => {}
            KeyChange::Set(_) => drop(changes.insert("key".to_owned(), json!([had, "set anew"]))),
            KeyChange::Forget => drop(changes.insert("key".to_owned(), json!([had, "none"]))),
        }
        note(&mut transaction, who, "model.update", &draft.id, changes).await?;
        transaction.commit().await?;
        self.tell().await;
        Ok(true)
    }

    /// Removes a stored model. One of the settings is then as the settings say.
    /// [`Self::restore`] brings it back for a day.
    ///
    /// # Errors
    /// [`ModelsError::NotFound`] where nothing of this name is stored.
    pub async fn remove(&self, who: &Operator, id: &str) -> Result<(), ModelsError> {
        let mut transaction = self.pool().begin().await?;
        let stored = rows::lock(&mut transaction, id).await?;
        let stored = stored.ok_or(ModelsError::NotFound)?;
        sqlx::query!("UPDATE models SET removed_at = now() WHERE id = $1", id)
            .execute(&mut *transaction)
            .await?;
        let changes = changes(Some(&stored.draft), None);
        note(&mut transaction, who, "model.delete", id, changes).await?;
        transaction.commit().await?;
        self.tell().await;
        Ok(())
    }

    /// Brings a removed model back, with its key.
    ///
    /// # Errors
    /// [`ModelsError::NotFound`] where there is none any more.
    pub async fn restore(&self, who: &Operator, id: &str) -> Result<(), ModelsError> {
        let mut transaction = self.pool().begin().await?;
        sqlx::query!(
            "UPDATE models SET removed_at = NULL, version = version + 1, updated_at = now()
             WHERE id = $1 AND removed_at IS NOT NULL",
            id
        )
        .execute(&mut *transaction)
        .await?;
        let back = rows::lock(&mut transaction, id).await?;
        let back = back.ok_or(ModelsError::NotFound)?;
        let changes = changes(None, Some(&back.draft));
        note(&mut transaction, who, "model.create", id, changes).await?;
        transaction.commit().await?;
        self.tell().await;
        Ok(())
    }

    /// Forgets, with their keys, what was removed more than a day ago.
    ///
    /// # Errors
    /// As any query.
    pub async fn sweep(&self) -> Result<(), DbError> {
        sqlx::query!("DELETE FROM models WHERE removed_at < now() - interval '1 day'")
            .execute(self.pool())
            .await?;
        Ok(())
    }

    fn of_settings(&self, id: &str) -> Option<(&ModelSpec, i32)> {
        let mut all = self.settings().iter().zip((10..).step_by(10));
        all.find(|(spec, _)| spec.id == id)
    }

    /// The key to store, sealed.
    fn sealed(
        &self,
        draft: &ModelDraft,
        key: &KeyChange,
        stored: Option<&Stored>,
        wrong: &mut Vec<FieldError>,
    ) -> Option<Vec<u8>> {
        let mut note = |message: &str| wrong.push(FieldError::new("key", message));
        match key {
            KeyChange::Forget => None,
            KeyChange::Keep => {
                let stored = stored?;
                let key = stored.key.clone()?;
                if !go_nowhere_else(&draft.instances, &stored.draft.instances) {
                    note("There is an address that has not had the key yet: type it again.");
                }
                Some(key)
            }
            KeyChange::Set(key) => {
                let Some(vault) = self.vault() else {
                    note("Keys can't be stored here: the setting SECRETS_KEY is missing.");
                    return None;
                };
                let text = key.expose();
                // It becomes a header of HTTP.
                if text.len() > LONGEST_KEY || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    note("A key has letters, digits and signs only, at most 4096.");
                    return None;
                }
                vault.seal(&draft.id, key)
            }
        }
    }
}

fn trimmed(mut draft: ModelDraft) -> ModelDraft {
    for text in [
        &mut draft.id,
        &mut draft.display_name,
        &mut draft.engine_name,
        &mut draft.purpose,
    ] {
        *text = text.trim().to_owned();
    }
    if draft.display_name.is_empty() {
        draft.display_name.clone_from(&draft.id);
    }
    draft
}
