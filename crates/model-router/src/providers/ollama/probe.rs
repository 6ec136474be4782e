//! How an Ollama instance is: `/api/version`, `/api/tags` and `/api/ps`, which load nothing.

use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::Instant;

use super::{Endpoint, Target, read_at_most};
use crate::{
    error::plain,
    health::{Probe, words},
    spec::ModelName,
};

/// The longest list of models that is read: about half a kilobyte each.
const LARGEST_LIST: usize = 2 << 20;

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
pub(super) async fn probe(client: &reqwest::Client, target: Target<'_>) -> Probe {
    let asked = Instant::now();
    let version = async {
        let version = get::<Version>(client, target, Endpoint::Version).await;
        (version, asked.elapsed())
    };
    let ((version, latency), tags, ps) = futures::join!(
        version,
        get::<Models>(client, target, Endpoint::Tags),
        get::<Models>(client, target, Endpoint::Ps),
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
            (Err(error), _) | (_, Err(error)) => Some(error.clone()),
            _ if !present => Some(missing()),
            _ => None,
        },
        version: version.ok().map(|version| plain(&version.version, 40)),
    }
}

async fn get<T: DeserializeOwned>(
    client: &reqwest::Client,
    target: Target<'_>,
    endpoint: Endpoint,
) -> Result<T, String> {
    let url = endpoint
        .at(target.base)
        .map_err(|error| error.to_string())?;
    let response = client
        .get(url)
        .send()
        .await
        .map_err(|error| words(&error))?;
    if !response.status().is_success() {
        return Err(format!(
            "it answered with status {}; is it an Ollama server?",
            response.status().as_u16()
        ));
    }
    let body = read_at_most(response, LARGEST_LIST)
        .await
        .ok_or("its answer broke off or was too long")?;
    serde_json::from_slice(&body)
        .map_err(|_| "its answer could not be understood; is it an Ollama server?".to_owned())
}
