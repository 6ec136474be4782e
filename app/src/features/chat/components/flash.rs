//! What just happened, above the composer: an error of the last form, or a way to undo.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use onelastai_types::ConversationId;

use crate::error::AppError;
use crate::features::chat::server_fns::RestoreConversation;
use crate::ui::{Icon, IconName};

/// One line, gone with the next page.
#[component]
pub fn Flash(
    /// What a plain form came back with.
    error: Option<AppError>,
    /// The conversation that was just deleted, with its title.
    deleted: Option<(ConversationId, String)>,
) -> impl IntoView {
    let error = error.map(|error| error.to_string());
    let deleted = deleted.map(|(id, title)| {
        view! {
            <form class="flash" method="post" action=RestoreConversation::url() role="status">
                <input type="hidden" name="conversation" value=id.to_string()/>
                <p>"Deleted “"{title}"”."</p>
                <button class="button button-quiet">
                    <Icon name=IconName::Undo/>
                    "Undo"
                </button>
            </form>
        }
    });
    view! {
        {deleted}
        // Always there, so that islands can fill it and screen readers hear it.
        <p class="flash flash-bad" id="composer-error" role="alert">{error}</p>
    }
}
