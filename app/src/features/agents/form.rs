//! The form of an agent: texts as they were typed, so that nothing is lost when one of them
//! is wrong.

use std::str::FromStr;

use onelastai_agents::{AgentDraft, Avatar, FieldError, MOST_MODELS, Parameters, Visibility};
use onelastai_types::Tier;

/// What stands in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentForm {
    /// As [`AgentDraft::name`], and so on.
    pub name: String,
    /// Empty: made of the name.
    pub slug: String,
    /// The name of a hue, or an emoji.
    pub avatar: String,
    /// Wins over `avatar` where it isn't empty.
    pub emoji: String,
    /// What it is for.
    pub description: String,
    /// What the model is told.
    pub system_prompt: String,
    /// In order; empty ones are left out.
    pub models: Vec<String>,
    /// "Never leave the premises".
    pub local_only: bool,
    /// A number, or empty.
    pub temperature: String,
    /// A number, or empty.
    pub top_p: String,
    /// A whole number, or empty.
    pub seed: String,
    /// A whole number, or empty.
    pub max_tokens: String,
    /// One a line.
    pub starters: String,
    /// Its name.
    pub visibility: String,
    /// A group's path, or empty.
    pub group: String,
    /// Its name.
    pub tier: String,
    /// What a new version is about.
    pub note: String,
    /// The version that the edit began with.
    pub based_on: i32,
    /// What to try it with, and which two models.
    pub question: String,
    /// The model on the left and the one on the right.
    pub try_models: [String; 2],
}

impl AgentForm {
    /// An empty form.
    #[must_use]
    pub fn empty() -> Self {
        Self::of_draft(&AgentDraft::default(), 0)
    }

    /// The form of what there is.
    #[must_use]
    pub fn of_draft(draft: &AgentDraft, version: i32) -> Self {
        let (avatar, emoji) = match draft.avatar {
            Avatar::Hue(hue) => (hue.as_str().to_owned(), String::new()),
            Avatar::Emoji(emoji) => (String::new(), emoji.to_owned()),
        };
        let number = |value: Option<String>| value.unwrap_or_default();
        Self {
            name: draft.name.clone(),
            slug: draft.slug.clone(),
            avatar,
            emoji,
            description: draft.description.clone(),
            system_prompt: draft.system_prompt.clone(),
            models: draft.model_preferences.clone(),
            local_only: draft.local_only,
            temperature: number(draft.parameters.temperature.map(|it| it.to_string())),
            top_p: number(draft.parameters.top_p.map(|it| it.to_string())),
            seed: number(draft.parameters.seed.map(|it| it.to_string())),
            max_tokens: number(draft.parameters.max_tokens.map(|it| it.to_string())),
            starters: draft.starters.join("\n"),
            visibility: draft.visibility.to_string(),
            group: draft.group.clone().unwrap_or_default(),
            tier: draft.required_tier.as_str().to_owned(),
            based_on: version,
            ..Self::default()
        }
    }

    /// What a browser sent. A field that is missing is empty, one too many is ignored.
    #[must_use]
    pub fn of_fields(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            // Browsers end lines of a form with CR LF (HTML, 4.10.21.4).
            let value = value.replace("\r\n", "\n").replace('\0', "");
            match name.as_str() {
                "name" => form.name = value,
                "slug" => form.slug = value,
                "avatar" => form.avatar = value,
                "emoji" => form.emoji = value,
                "description" => form.description = value,
                "system_prompt" => form.system_prompt = value,
                "model_preferences" if form.models.len() < MOST_MODELS => form.models.push(value),
                "local_only" => form.local_only = true,
                "temperature" => form.temperature = value,
                "top_p" => form.top_p = value,
                "seed" => form.seed = value,
                "max_tokens" => form.max_tokens = value,
                "starters" => form.starters = value,
                "visibility" => form.visibility = value,
                "group" => form.group = value,
                "required_tier" => form.tier = value,
                "note" => form.note = value,
                "based_on" => form.based_on = value.parse().unwrap_or_default(),
                "question" => form.question = value,
                "left_model" => form.try_models[0] = value,
                "right_model" => form.try_models[1] = value,
                _ => {}
            }
        }
        form
    }

    /// What to save.
    ///
    /// # Errors
    /// Every field whose text is not of its kind; what is out of range is the domain's to say.
    pub fn draft(&self) -> Result<AgentDraft, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let avatar = match self.emoji.trim() {
            "" if self.avatar.is_empty() => Ok(Avatar::default()),
            "" => self.avatar.parse(),
            emoji => emoji.parse(),
        };
        let parameters = Parameters {
            temperature: number(&self.temperature, "temperature", &mut wrong),
            top_p: number(&self.top_p, "top_p", &mut wrong),
            seed: number(&self.seed, "seed", &mut wrong),
            max_tokens: number(&self.max_tokens, "max_tokens", &mut wrong),
        };
        let mut note = |field: &str, message: String| {
            wrong.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let avatar = avatar.unwrap_or_else(|error| {
            // A colour is one of those that are offered; what is typed is an emoji.
            note("emoji", error.to_string());
            Avatar::default()
        });
        let visibility: Visibility = self.visibility.parse().unwrap_or_else(|_| {
            note("visibility", "Choose who may use it.".to_owned());
            Visibility::default()
        });
        let required_tier: Tier = self.tier.parse().unwrap_or_else(|_| {
            note("required_tier", "Choose a plan.".to_owned());
            Tier::default()
        });
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let slug = match self.slug.trim() {
            "" => slug_of(&self.name),
            slug => slug.to_owned(),
        };
        let lines = |text: &str| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect()
        };
        Ok(AgentDraft {
            name: self.name.clone(),
            slug,
            avatar,
            description: self.description.clone(),
            system_prompt: self.system_prompt.clone(),
            model_preferences: self.chosen_models(),
            local_only: self.local_only,
            parameters,
            starters: lines(&self.starters),
            visibility,
            group: Some(self.group.trim().to_owned()).filter(|group| !group.is_empty()),
            required_tier,
        })
    }

    /// The models in order, each once.
    fn chosen_models(&self) -> Vec<String> {
        let mut chosen: Vec<String> = Vec::new();
        for model in self.models.iter().filter(|model| !model.is_empty()) {
            if !chosen.contains(model) {
                chosen.push(model.clone());
            }
        }
        chosen
    }
}

/// The number in `text`; nothing where it is empty.
fn number<T: FromStr>(text: &str, field: &str, wrong: &mut Vec<FieldError>) -> Option<T> {
    let text = text.trim().replace(',', ".");
    if text.is_empty() {
        return None;
    }
    let parsed = text.parse().ok();
    if parsed.is_none() {
        wrong.push(FieldError {
            field: field.to_owned(),
            message: "This is not a number that fits here.".to_owned(),
        });
    }
    parsed
}

/// A slug made of a name: its letters and digits in lower case, hyphens between words.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(40);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> AgentForm {
        let owned = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        AgentForm::of_fields(owned)
    }

    #[test]
    fn a_form_survives_the_way_to_the_browser_and_back() {
        let draft = AgentDraft {
            name: "Chef".to_owned(),
            slug: "chef".to_owned(),
            avatar: "🍲".parse().unwrap(),
            model_preferences: vec!["b".to_owned(), "a".to_owned()],
            parameters: Parameters {
                temperature: Some(0.5),
                max_tokens: Some(100),
                ..Parameters::default()
            },
            starters: vec!["One?".to_owned(), "Two?".to_owned()],
            ..AgentDraft::default()
        };
        let form = AgentForm::of_draft(&draft, 3);
        assert_eq!(form.based_on, 3);
        assert_eq!(form.draft().unwrap(), draft);
    }

    #[test]
    fn what_is_no_number_is_said_at_its_field() {
        let form = fields(&[
            ("name", "Chef"),
            ("temperature", "warm"),
            ("max_tokens", "1.5"),
            ("emoji", "no emoji"),
            ("visibility", "everybody"),
            ("required_tier", "free"),
        ]);
        let wrong = form.draft().unwrap_err();
        let names: Vec<_> = wrong.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(names, ["temperature", "max_tokens", "emoji", "visibility"]);
    }

    #[test]
    fn as_many_models_come_back_as_an_agent_can_have() {
        let names: Vec<_> = (0..=MOST_MODELS).map(|n| format!("m{n}")).collect();
        let sent = names
            .iter()
            .map(|name| ("model_preferences".to_owned(), name.clone()));
        assert_eq!(AgentForm::of_fields(sent).models, names[..MOST_MODELS]);
    }

    #[test]
    fn small_things_are_understood() {
        let form = fields(&[
            ("name", "  Über Chef 2! "),
            ("temperature", "0,7"),
            ("model_preferences", ""),
            ("model_preferences", "a"),
            ("model_preferences", "a"),
            ("starters", "One?\r\n\r\n  Two?  "),
            ("visibility", "private"),
            ("required_tier", "pro"),
            ("surprise", "x"),
        ]);
        let draft = form.draft().unwrap();
        assert_eq!(draft.slug, "ber-chef-2");
        assert_eq!(draft.parameters.temperature, Some(0.7));
        assert_eq!(draft.model_preferences, ["a"]);
        assert_eq!(draft.starters, ["One?", "Two?"]);
        assert!(!draft.local_only, "a box that is not ticked is not sent");
    }
}
