//! The models of the settings and the stored ones, as one list.

use std::collections::HashSet;

use onelastai_model_router::{InstanceSpec, ModelSpec, Secret};
use url::Url;

use crate::{draft::ModelDraft, instances::address, rows::Stored, vault::Vault};

/// Who says what a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The settings.
    Settings,
    /// The settings, but it was changed here.
    Changed,
    /// It was added here.
    Added,
}

/// Where a model's key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It has none.
    None,
    /// In the settings.
    Settings,
    /// Here, sealed.
    Stored,
    /// Here, but it does not open: `SECRETS_KEY` is another one, or is missing.
    Unreadable,
}

/// A model as it is now, fit to be shown: without key and credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What is said about it.
    pub draft: ModelDraft,
    /// To be given back with a change, so that nobody overwrites somebody else's; 0 where
    /// nothing is stored.
    pub version: i32,
    /// Who says so.
    pub source: Source,
    /// Where its key is.
    pub key: KeyState,
}

/// All models in order, each with what the router is to know of it.
pub(crate) fn merge(
    settings: &[ModelSpec],
    stored: Vec<Stored>,
    vault: Option<&Vault>,
) -> Vec<(Known, ModelSpec)> {
    let replaced: HashSet<&str> = stored.iter().map(|it| it.draft.id.as_str()).collect();
    let mut all: Vec<_> = settings
        .iter()
        .zip((10..).step_by(10))
        .filter(|(spec, _)| !replaced.contains(spec.id.as_str()))
        .map(|(spec, position)| of_settings(spec, position))
        .collect();
    for stored in stored {
        let before = settings.iter().find(|it| it.id == stored.draft.id);
        all.push(of_stored(stored, before, vault));
    }
    all.sort_by(|(a, _), (b, _)| {
        (a.draft.position, &a.draft.id).cmp(&(b.draft.position, &b.draft.id))
    });
    all
}

fn of_settings(spec: &ModelSpec, position: i32) -> (Known, ModelSpec) {
    let known = Known {
        draft: ModelDraft::of_spec(spec, true, position),
        version: 0,
        source: Source::Settings,
        key: match spec.key {
            Some(_) => KeyState::Settings,
            None => KeyState::None,
        },
    };
    (known, spec.clone())
}

fn of_stored(
    stored: Stored,
    before: Option<&ModelSpec>,
    vault: Option<&Vault>,
) -> (Known, ModelSpec) {
    let mut spec = stored.draft.spec(before);
    let (key, state) = key(&stored, before, vault);
    spec.key = key;
    if let Some(before) = before {
        spec.instances = spec
            .instances
            .into_iter()
            .map(|it| credentials(it, before))
            .collect();
    }
    let known = Known {
        draft: stored.draft,
        version: stored.version,
        source: match before {
            Some(_) => Source::Changed,
            None => Source::Added,
        },
        key: state,
    };
    (known, spec)
}

fn key(
    stored: &Stored,
    before: Option<&ModelSpec>,
    vault: Option<&Vault>,
) -> (Option<Secret>, KeyState) {
    if let Some(sealed) = &stored.key {
        return match vault.and_then(|vault| vault.open(&stored.draft.id, sealed)) {
            Some(key) => (Some(key), KeyState::Stored),
            None => (None, KeyState::Unreadable),
        };
    }
    match before.and_then(|it| Some((it, it.key.clone()?))) {
        // A key of the settings goes where the settings send it, and nowhere else.
        Some((before, key)) if go_nowhere_else(&stored.draft.instances, &before.instances) => {
            (Some(key), KeyState::Settings)
        }
        _ => (None, KeyState::None),
    }
}

/// Whether all of `now` are on servers (scheme, host and port) that `before` had too.
pub(crate) fn go_nowhere_else(now: &[InstanceSpec], before: &[InstanceSpec]) -> bool {
    let origin = |it: &InstanceSpec| Url::origin(&it.url);
    let known: HashSet<_> = before.iter().map(origin).collect();
    now.iter().all(|it| known.contains(&origin(it)))
}

/// User and password of an address are in the settings only.
fn credentials(instance: InstanceSpec, before: &ModelSpec) -> InstanceSpec {
    let shown = address(&instance.url);
    let same = before.instances.iter().find(|it| address(&it.url) == shown);
    match same {
        Some(same) => InstanceSpec {
            url: same.url.clone(),
            ..instance
        },
        None => instance,
    }
}

#[cfg(test)]
mod tests {
    use onelastai_model_router::ModelKind;

    use super::*;
    use crate::instances::parse_instances;

    fn settings() -> Vec<ModelSpec> {
        let with = |id: &str, url: &str| {
            ModelSpec::ollama(id, "engine:1b", vec![Url::parse(url).unwrap()])
        };
        vec![
            with("a", "http://user:canary@a:1"),
            ModelSpec {
                kind: ModelKind::Cloud,
                key: Some("canary".into()),
                quantization: "Q4_0".to_owned(),
                ..with("b", "https://b/v1")
            },
        ]
    }

    fn stored(id: &str, position: i32, instances: &str, key: Option<Vec<u8>>) -> Stored {
        Stored {
            draft: ModelDraft {
                id: id.to_owned(),
                instances: parse_instances(instances, 4).unwrap(),
                position,
                ..ModelDraft::empty()
            },
            key,
            version: 3,
        }
    }

    fn ids(all: &[(Known, ModelSpec)]) -> Vec<&str> {
        all.iter()
            .map(|(known, _)| known.draft.id.as_str())
            .collect()
    }

    #[test]
    fn stored_models_take_the_place_of_others_or_are_added() {
        let all = merge(
            &settings(),
            vec![
                stored("b", 5, "https://b/v1", None),
                stored("c", 15, "http://c", None),
            ],
            None,
        );
        assert_eq!(ids(&all), ["b", "a", "c"]);
        let sources: Vec<_> = all.iter().map(|(known, _)| known.source).collect();
        assert_eq!(sources, [Source::Changed, Source::Settings, Source::Added]);
        assert_eq!(
            all[0].1.quantization, "Q4_0",
            "what can't be said here stays"
        );
        assert!(!format!("{all:?}").contains("canary"));
    }

    #[test]
    fn credentials_of_the_settings_stay_with_their_address() {
        let changed = stored("a", 10, "http://a:1;slots=9\nhttp://other:1", None);
        let all = merge(&settings(), vec![changed], None);
        let (known, spec) = &all[0];
        assert_eq!(spec.instances[0].url.as_str(), "http://user:canary@a:1/");
        assert_eq!(spec.instances[0].slots, 9);
        assert_eq!(spec.instances[1].url.as_str(), "http://other:1/");
        assert_eq!(known.draft.instances[0].url.as_str(), "http://a:1/");
    }

    #[test]
    fn a_key_of_the_settings_goes_nowhere_else() {
        let of = |instances| {
            let all = merge(&settings(), vec![stored("b", 20, instances, None)], None);
            (all[1].0.key, all[1].1.key.is_some())
        };
        assert_eq!(of("https://b/v2"), (KeyState::Settings, true));
        for elsewhere in [
            "http://b/v1",
            "https://b:444/v1",
            "https://b/v1\nhttps://evil/v1",
        ] {
            assert_eq!(of(elsewhere), (KeyState::None, false), "{elsewhere}");
        }
    }

    #[test]
    fn a_stored_key_needs_the_vault_it_was_sealed_in() {
        let vault = Vault::new(&[1; 32]);
        let sealed = vault.seal("c", &"canary".into());
        let with = |vault: Option<&Vault>| {
            let all = merge(&[], vec![stored("c", 1, "http://c", sealed.clone())], vault);
            (all[0].0.key, all[0].1.key.clone())
        };
        assert_eq!(
            with(Some(&vault)),
            (KeyState::Stored, Some("canary".into()))
        );
        assert_eq!(with(None), (KeyState::Unreadable, None));
        assert_eq!(
            with(Some(&Vault::new(&[2; 32]))),
            (KeyState::Unreadable, None)
        );
    }
}
