//! Taking an instance out of service, on all servers, and back in.

use onelastai_model_router::ModelSpec;
use serde_json::{Map, json};

use crate::{
    audit::note,
    error::ModelsError,
    instances::address,
    service::{ModelService, Operator},
};

impl ModelService {
    /// Takes an instance out of service, or back in: it finishes what it has begun and gets
    /// nothing new, until somebody says so, whichever server runs. `instance` is its address,
    /// without credentials. `false` where it was so already.
    ///
    /// # Errors
    /// [`ModelsError::NotFound`] where there is none like that.
    pub async fn drain(
        &self,
        who: &Operator,
        model: &str,
        instance: &str,
        on: bool,
    ) -> Result<bool, ModelsError> {
        let instance = instance.trim_end_matches('/');
        let models = self.router().models();
        let has = |spec: &ModelSpec| spec.instances.iter().any(|it| address(&it.url) == instance);
        if !models.iter().any(|spec| spec.id == model && has(spec)) {
            return Err(ModelsError::NotFound);
        }
        let mut transaction = self.pool().begin().await?;
        let done = if on {
            sqlx::query!(
                "INSERT INTO model_drains (model, instance) VALUES ($1, $2)
                 ON CONFLICT DO NOTHING",
                model,
                instance
            )
            .execute(&mut *transaction)
            .await?
        } else {
            sqlx::query!(
                "DELETE FROM model_drains WHERE model = $1 AND instance = $2",
                model,
                instance
            )
            .execute(&mut *transaction)
            .await?
        };
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let action = if on { "model.drain" } else { "model.undrain" };
        let mut changes = Map::new();
        changes.insert("model".to_owned(), json!([model, model]));
        changes.insert("instance".to_owned(), json!([instance, instance]));
        changes.insert("draining".to_owned(), json!([!on, on]));
        note(&mut transaction, who, action, model, changes).await?;
        transaction.commit().await?;
        self.tell().await;
        Ok(true)
    }
}
