//! A new key, the one time that it is shown.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use onelastai_access::{KeyState, NewKey, Overlap};
use onelastai_identity::Session;
use onelastai_types::ApiKeyId;

use crate::layout::desk::{Desk, Notice, Section};
use crate::place::Place;
use crate::state::AppState;

/// Without script the text can still be selected; the button is there only where it works.
const COPY: &str = r#"
for (const button of document.querySelectorAll("button[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  if (!field || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value ?? field.textContent);
      button.nextElementSibling.textContent = "Copied";
    } catch {
      if (field.select) field.select();
      button.nextElementSibling.textContent = "Not copied: select the text and copy it yourself";
    }
  });
}
"#;

/// The page after a key was made.
pub(super) fn shown(
    state: &AppState,
    session: &Session,
    new: &NewKey,
    overlap: Option<Overlap>,
) -> AnyView {
    let key = new.key.expose().to_owned();
    let example = example(state);
    let old = overlap.map(|overlap| {
        let words = match overlap {
            Overlap::None => "The old key no longer works.",
            Overlap::Hour => "The old key goes on for an hour.",
            Overlap::Day => "The old key goes on for 24 hours.",
            Overlap::Week => "The old key goes on for 7 days.",
        };
        view! { <p class="lead">{words}</p> }
    });
    let notice = view! {
        <Notice text="Copy the key now: it is not shown again, and nobody can look it up."/>
    }
    .into_any();
    let body = view! {
        {old}
        <section class="form" aria-label="The key">
            <div class="form-field">
                <label for="key">"The key"</label>
                <div class="key-line">
                    <input
                        class="field key-text"
                        id="key"
                        readonly=true
                        value=key
                        autocomplete="off"
                        spellcheck="false"
                    />
                    <button class="button" type="button" data-copies="key" hidden=true>"Copy"</button>
                    <span class="form-hint" role="status"></span>
                </div>
                <p class="form-hint">
                    "Keep it where you keep passwords. Whoever has it can do what it is for."
                </p>
            </div>
            <div class="form-field">
                <h2 id="example-title">"How to use it"</h2>
                <pre class="diff" id="example" tabindex="0" aria-labelledby="example-title">{example}</pre>
                <div class="key-line">
                    <button class="button button-quiet" type="button" data-copies="example" hidden=true>
                        "Copy the example"
                    </button>
                    <span class="form-hint" role="status"></span>
                </div>
                <p class="form-hint">"Put the key in the variable ONELASTAI_API_KEY first."</p>
            </div>
            <div class="form-actions">
                <a class="button button-quiet" href="/account/keys">"I have it: back to all keys"</a>
            </div>
        </section>
        <script nonce=use_nonce() inner_html=COPY></script>
    };
    let title = format!("Your new key “{}”", new.name);
    view! {
        <Desk session=session section=Section::Keys title=title notice=Some(notice)>
            {body}
        </Desk>
    }
    .into_any()
}

/// A request that works as it is.
fn example(state: &AppState) -> String {
    let host = state.places.origin(&Place::Main);
    let models = state.router.models();
    let model = models.first().map_or("MODEL", |model| model.id.as_str());
    let body = serde_json::json!({
        "model": model,
        "messages": [{ "role": "user", "content": "Hello!" }],
    });
    // A quote in a model's name must not end the text for the shell.
    let body = body.to_string().replace('\'', r"'\''");
    format!(
        "curl {host}/v1/chat/completions \\\n  -H \"Authorization: Bearer $ONELASTAI_API_KEY\" \\\n  \
         -H \"Content-Type: application/json\" \\\n  -d '{body}'"
    )
}

/// The page of a form that was sent before.
pub(super) async fn made_before(state: &AppState, session: &Session, id: ApiKeyId) -> AnyView {
    let name = match state.access.key(session.user, id).await {
        Ok(key) if matches!(key.state(time::OffsetDateTime::now_utc()), KeyState::Good) => key.name,
        Ok(key) => format!("{} (no longer good)", key.name),
        Err(_) => "the key".to_owned(),
    };
    let page = format!("/account/keys/{id}");
    let action = view! { <a class="button button-quiet" href=page>"To this key"</a> }.into_any();
    let text = format!(
        "This form was sent before: “{name}” was made then, and shown then. If you did not copy \
         it, replace it by a new one."
    );
    let notice = view! { <Notice text=text bad=true action=Some(action)/> }.into_any();
    view! {
        <Desk session=session section=Section::Keys title="Made already" notice=Some(notice)>
            <p><a class="link" href="/account/keys">"All keys"</a></p>
        </Desk>
    }
    .into_any()
}
