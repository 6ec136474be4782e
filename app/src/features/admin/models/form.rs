//! The form of a model: texts as they were typed, so that nothing is lost when one of them is
//! wrong. A key is no part of it: it is not sent back.

use onelastai_agents::FieldError;
use onelastai_model_router::{Price, Secret};
use onelastai_models::{
    KeyChange, ModelDraft, capabilities_named, capability_names, kind_name, kind_named,
    parse_instances, provider_name, provider_named, show_instance,
};
use onelastai_types::decimal;

/// What stands in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelForm {
    /// As [`ModelDraft::id`], and so on.
    pub id: String,
    /// Empty: as the name.
    pub display_name: String,
    /// `ollama` or `openai`.
    pub provider: String,
    /// `local` or `cloud`.
    pub kind: String,
    /// The name at the engine.
    pub engine_name: String,
    /// One a line.
    pub instances: String,
    /// A whole number.
    pub context_length: String,
    /// Their names.
    pub capabilities: Vec<String>,
    /// Three letters; no matter without prices.
    pub currency: String,
    /// A decimal number for a million tokens, or empty.
    pub price_prompt: String,
    /// The same for what is written.
    pub price_completion: String,
    /// A few words.
    pub purpose: String,
    /// Whether it is asked.
    pub enabled: bool,
    /// A whole number.
    pub position: String,
    /// The version that the edit began with.
    pub based_on: i32,
    /// The key is to be forgotten.
    pub forget_key: bool,
}

impl ModelForm {
    /// The form of what there is.
    #[must_use]
    pub fn of_draft(draft: &ModelDraft, version: i32) -> Self {
        let instances: Vec<_> = draft.instances.iter().map(show_instance).collect();
        let price = draft.price.as_ref();
        let amount_of = |of: fn(&Price) -> u64| price.map(|it| amount(of(it))).unwrap_or_default();
        let capabilities = capability_names(draft.capabilities);
        Self {
            id: draft.id.clone(),
            display_name: draft.display_name.clone(),
            provider: provider_name(draft.provider).to_owned(),
            kind: kind_name(draft.kind).to_owned(),
            engine_name: draft.engine_name.clone(),
            instances: instances.join("\n"),
            context_length: draft.context_length.to_string(),
            capabilities: capabilities.into_iter().map(str::to_owned).collect(),
            currency: price.map_or("USD", |it| &it.currency).to_owned(),
            price_prompt: amount_of(|it| it.prompt_micros_per_million),
            price_completion: amount_of(|it| it.completion_micros_per_million),
            purpose: draft.purpose.clone(),
            enabled: draft.enabled,
            position: draft.position.to_string(),
            based_on: version,
            forget_key: false,
        }
    }

    /// What a browser sent, and what becomes of the key.
    #[must_use]
    pub fn of_fields(fields: impl IntoIterator<Item = (String, String)>) -> (Self, KeyChange) {
        let mut form = Self::default();
        let mut key = KeyChange::Keep;
        for (name, value) in fields {
            // Browsers end lines of a form with CR LF (HTML, 4.10.21.4).
            let value = value.replace("\r\n", "\n").replace('\0', "");
            match name.as_str() {
                "id" => form.id = value,
                "display_name" => form.display_name = value,
                "provider" => form.provider = value,
                "kind" => form.kind = value,
                "engine_name" => form.engine_name = value,
                "instances" => form.instances = value,
                "context_length" => form.context_length = value,
                "capabilities" => form.capabilities.push(value),
                "price_currency" => form.currency = value,
                "price_prompt" => form.price_prompt = value,
                "price_completion" => form.price_completion = value,
                "purpose" => form.purpose = value,
                "enabled" => form.enabled = true,
                "position" => form.position = value,
                "based_on" => form.based_on = value.parse().unwrap_or_default(),
                "forget_key" => form.forget_key = true,
                "key" if !value.trim().is_empty() => {
                    key = KeyChange::Set(Secret::from(value.trim()));
                }
                _ => {}
            }
        }
        if form.forget_key && key == KeyChange::Keep {
            key = KeyChange::Forget;
        }
        (form, key)
    }

    /// What to store.
    ///
    /// # Errors
    /// Every field whose text is not of its kind; what is out of range is the domain's to say.
    pub fn draft(&self) -> Result<ModelDraft, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let provider = provider_named(&self.provider);
        let kind = kind_named(&self.kind);
        let slots = provider.unwrap_or_default().slots(kind.unwrap_or_default());
        let instances = parse_instances(&self.instances, slots).unwrap_or_else(|errors| {
            wrong.extend(errors.into_iter().map(field_error));
            Vec::new()
        });
        let mut note = |field: &str, message: &str| {
            wrong.push(FieldError {
                field: field.to_owned(),
                message: message.to_owned(),
            });
        };
        if provider.is_none() {
            note("provider", "Choose how it is spoken to.");
        }
        if kind.is_none() {
            note("kind", "Choose where it runs.");
        }
        let context_length = self.context_length.trim().parse();
        if context_length.is_err() {
            note("context_length", "This is not a whole number.");
        }
        let position = self.position.trim().parse();
        if position.is_err() {
            note("position", "This is not a whole number.");
        }
        let mut price_of = |field: &str, text: &str| {
            let text = text.trim();
            let found = (!text.is_empty()).then(|| micros(text));
            if found == Some(None) {
                note(field, "Write it as 0.15, with at most six decimals.");
            }
            found.flatten()
        };
        let prompt = price_of("price_prompt", &self.price_prompt);
        let completion = price_of("price_completion", &self.price_completion);
        let price = match (prompt, completion) {
            (None, None) => None,
            (prompt, completion) => Some(Price {
                currency: self.currency.trim().to_owned(),
                prompt_micros_per_million: prompt.unwrap_or_default(),
                completion_micros_per_million: completion.unwrap_or_default(),
            }),
        };
        match (provider, kind, context_length, position) {
            (Some(provider), Some(kind), Ok(context_length), Ok(position)) if wrong.is_empty() => {
                Ok(ModelDraft {
                    id: self.id.clone(),
                    display_name: self.display_name.clone(),
                    provider,
                    kind,
                    engine_name: self.engine_name.clone(),
                    instances,
                    context_length,
                    capabilities: capabilities_named(self.capabilities.iter().map(String::as_str)),
                    price,
                    purpose: self.purpose.clone(),
                    enabled: self.enabled,
                    position,
                })
            }
            _ => Err(wrong),
        }
    }
}

/// An error of the domain, for the fields of a page.
pub(super) fn field_error(error: onelastai_models::FieldError) -> FieldError {
    FieldError {
        field: error.field.to_owned(),
        message: error.message,
    }
}

/// A decimal number in millionths, exactly.
fn micros(text: &str) -> Option<u64> {
    decimal(&text.replace(',', "."), 6)
}

fn amount(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> ModelDraft {
        ModelDraft {
            id: "cloud".to_owned(),
            display_name: "Cloud".to_owned(),
            engine_name: "x-large".to_owned(),
            instances: parse_instances("https://api.example.com/v1;slots=64\nhttp://b:1", 4)
                .unwrap(),
            price: Some(Price {
                currency: "EUR".to_owned(),
                prompt_micros_per_million: 150_000,
                completion_micros_per_million: 12_000_000,
            }),
            ..ModelDraft::empty()
        }
    }

    #[test]
    fn a_form_survives_the_way_to_the_browser_and_back() {
        let form = ModelForm::of_draft(&draft(), 3);
        assert_eq!(
            (form.price_prompt.as_str(), form.price_completion.as_str()),
            ("0.15", "12")
        );
        assert_eq!(form.draft().unwrap(), draft());
    }

    #[test]
    fn what_is_not_of_its_kind_is_said_at_its_field() {
        let form = ModelForm {
            provider: "x".to_owned(),
            kind: String::new(),
            instances: "http://a\nnonsense".to_owned(),
            context_length: "much".to_owned(),
            position: "1.5".to_owned(),
            price_prompt: "-1".to_owned(),
            price_completion: "0.1234567".to_owned(),
            ..ModelForm::of_draft(&draft(), 0)
        };
        let wrong = form.draft().unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "instances",
                "provider",
                "kind",
                "context_length",
                "position",
                "price_prompt",
                "price_completion"
            ]
        );
    }

    #[test]
    fn a_key_is_no_part_of_the_form() {
        let sent = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            ModelForm::of_fields(owned.collect::<Vec<_>>())
        };
        let (form, key) = sent(&[("id", "m"), ("key", " sk-canary "), ("forget_key", "on")]);
        assert_eq!(key, KeyChange::Set("sk-canary".into()), "a new one wins");
        assert!(!format!("{form:?} {key:?}").contains("canary"));
        assert_eq!(sent(&[("key", " ")]).1, KeyChange::Keep);
        assert_eq!(sent(&[("forget_key", "on")]).1, KeyChange::Forget);
    }

    #[test]
    fn prices_are_exact() {
        for (text, is) in [
            ("0.15", Some(150_000)),
            ("3", Some(3_000_000)),
            ("0,000001", Some(1)),
        ] {
            assert_eq!(micros(text), is, "{text}");
        }
        for text in [
            "",
            ".",
            ".5",
            "-1",
            "1e3",
            "0.0000001",
            "99999999999999999999",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
        assert_eq!(amount(150_000), "0.15");
        assert_eq!(amount(10_000_000), "10");
    }
}
