//! One field of a form: label, what it is for, what is wrong with it.

use leptos::prelude::*;
use onelastai_agents::FieldError;

use crate::ui::raw_text::textarea_content;

/// What is wrong, by field.
#[derive(Debug, Clone, Default)]
pub struct Wrong(
    /// All of them.
    pub Vec<FieldError>,
);

impl Wrong {
    /// Errors of a list name the line (`starters.2`), parameters their group.
    pub(crate) fn of(&self, field: &str) -> Option<String> {
        let messages: Vec<_> = self
            .0
            .iter()
            .filter(|error| {
                let name = error.field.strip_prefix("parameters.");
                let name = name.unwrap_or(&error.field);
                let (name, _) = name.split_once(['.', '[']).unwrap_or((name, ""));
                name == field
            })
            .map(|error| error.message.as_str())
            .collect();
        (!messages.is_empty()).then(|| messages.join(" "))
    }
}

/// What every field has.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// In the form, and of its errors.
    pub name: &'static str,
    /// Above it.
    pub label: &'static str,
    /// Empty for none.
    pub hint: &'static str,
    /// What is wrong with the form.
    pub wrong: &'a Wrong,
}

impl Field<'_> {
    /// The field around its control; `control` gets the attributes that tie it to its words.
    fn around(self, control: impl FnOnce(Tied) -> AnyView) -> AnyView {
        let error = self.wrong.of(self.name);
        let hint_id = format!("{}-hint", self.name);
        let error_id = format!("{}-error", self.name);
        let described = match (self.hint.is_empty(), error.is_some()) {
            (true, false) => None,
            (false, false) => Some(hint_id.clone()),
            (true, true) => Some(error_id.clone()),
            (false, true) => Some(format!("{error_id} {hint_id}")),
        };
        let tied = Tied {
            described,
            invalid: error.as_ref().map(|_| "true"),
        };
        let hint = (!self.hint.is_empty())
            .then(|| view! { <p class="form-hint" id=hint_id>{self.hint}</p> });
        view! {
            <div class="form-field">
                <label for=self.name>{self.label}</label>
                {control(tied)}
                {error.map(|error| view! { <p class="form-error" id=error_id>{error}</p> })}
                {hint}
            </div>
        }
        .into_any()
    }

    /// One line of text.
    pub fn line(self, value: &str, longest: u32) -> AnyView {
        let (name, value) = (self.name, value.to_owned());
        self.around(move |tied| {
            view! {
                <input
                    class="field"
                    id=name
                    name=name
                    value=value
                    maxlength=longest
                    autocomplete="off"
                    aria-describedby=tied.described
                    aria-invalid=tied.invalid
                />
            }
            .into_any()
        })
    }

    /// Several lines of text.
    pub fn text(self, value: &str, longest: u32) -> AnyView {
        let (name, content) = (self.name, textarea_content(value));
        self.around(move |tied| {
            view! {
                <textarea
                    class="field"
                    id=name
                    name=name
                    rows="3"
                    maxlength=longest
                    aria-describedby=tied.described
                    aria-invalid=tied.invalid
                    inner_html=content
                ></textarea>
            }
            .into_any()
        })
    }

    /// One of some.
    pub fn choice(self, value: &str, options: &[(String, String)]) -> AnyView {
        let name = self.name;
        let options = choices(value, options);
        self.around(move |tied| {
            view! {
                <select
                    class="field"
                    id=name
                    name=name
                    aria-describedby=tied.described
                    aria-invalid=tied.invalid
                >
                    {options}
                </select>
            }
            .into_any()
        })
    }
}

struct Tied {
    described: Option<String>,
    invalid: Option<&'static str>,
}

/// The options of a select, with `value` chosen.
pub fn choices(value: &str, options: &[(String, String)]) -> Vec<AnyView> {
    options
        .iter()
        .map(|(name, words)| {
            let chosen = name == value;
            view! { <option value=name.clone() selected=chosen>{words.clone()}</option> }.into_any()
        })
        .collect()
}
