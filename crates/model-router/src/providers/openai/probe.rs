//! How an OpenAI-compatible server is: the list of its models.

use serde::Deserialize;
use tokio::time::Instant;

use super::{Target, http};
use crate::{client::Clients, health::Probe};

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// Asks for the list. Where there is none, the server counts as one that has the model: only an
/// answer can show.
pub(super) async fn probe(clients: &Clients, target: Target<'_>) -> Probe {
    let asked = Instant::now();
    let models =
        http::get::<Models>(clients, target, "models", "an OpenAI-compatible server").await;
    let latency = Some(asked.elapsed());
    let name = &target.model.engine_name;
    let (reachable, present, error) = match models {
        Ok(models) if models.data.iter().any(|model| model.id == *name) => (true, true, None),
        Ok(_) => (true, false, Some(format!("{name} is not offered there"))),
        Err(unread) => match unread.status {
            Some(404 | 405 | 501) => (true, true, None),
            Some(status @ (401 | 403)) => {
                let words = format!("it refuses the key (status {status})");
                (true, false, Some(words))
            }
            Some(_) => (true, false, Some(unread.words)),
            None => (false, false, Some(unread.words)),
        },
    };
    Probe {
        reachable,
        version: None,
        model_present: present,
        // These engines hold their models in memory.
        loaded: present,
        latency,
        error,
    }
}
