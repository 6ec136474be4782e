//! Keeps the router's models as operators want them, whichever server they said it to.

use onelastai_models::ModelService;

pub(super) async fn run(models: ModelService) {
    models.follow().await;
}
