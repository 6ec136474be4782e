//! How an Ollama instance is: `/api/version`, `/api/tags` and `/api/ps`, which load nothing.

use serde::Deserialize;
use tokio::time::Instant;

use super::{Endpoint, Target, http};
use crate::{client::Clients, error::plain, health::Probe, spec::ModelName};

const ENGINE: &str = "an Ollama server";

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Models {
    // `null` where there is none, in old versions.
    models: Option<Vec<Model>>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
}

impl Models {
    fn have(&self, wanted: &ModelName) -> bool {
        self.models
            .iter()
            .flatten()
            .any(|model| wanted.is(&model.name))
    }
}

/// Asks all three at once. The first thing wrong is the one reported.
pub(super) async fn probe(clients: &Clients, target: Target<'_>) -> Probe {
    let asked = Instant::now();
    let version = async {
        let version = http::get::<Version>(clients, target, Endpoint::Version.path(), ENGINE).await;
        (version, asked.elapsed())
    };
    let ((version, latency), tags, ps) = futures::join!(
        version,
        http::get::<Models>(clients, target, Endpoint::Tags.path(), ENGINE),
        http::get::<Models>(clients, target, Endpoint::Ps.path(), ENGINE),
    );
    let name = ModelName::from(target.model.engine_name.as_str());
    let present = tags.as_ref().is_ok_and(|models| models.have(&name));
    let missing = || format!("{name} is not installed there; get it with: ollama pull {name}");
    Probe {
        reachable: version.is_ok(),
        model_present: present,
        // Versions before 0.1.33 have no `/api/ps`, so an error in it is no fault.
        loaded: ps.is_ok_and(|models| models.have(&name)),
        latency: Some(latency),
        error: match (&version, &tags) {
            (Err(error), _) | (_, Err(error)) => Some(error.words.clone()),
            _ if !present => Some(missing()),
            _ => None,
        },
        version: version.ok().map(|version| plain(&version.version, 40)),
    }
}
