//! Making an agent of a file.

use leptos::prelude::*;

use crate::error::AppError;
use crate::layout::desk::{Desk, Section, outcome};
use crate::layout::error_page::error_view;
use crate::session::{agents_viewer, desk};

/// `/agents/import`
#[component]
pub fn ImportRoute() -> impl IntoView {
    let error = use_context::<AppError>();
    let page = Suspend::new(async move {
        let (_, session) = match desk().await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        if !agents_viewer(&session).may_create() {
            return error_view(AppError::NotFound);
        }
        let notice = outcome(error, None);
        view! {
            <Desk session=&session section=Section::Agents title="Import an agent" notice=notice>
                <form class="form" method="post" action="/agents/import" enctype="multipart/form-data">
                    <div class="form-field">
                        <label for="file">"File"</label>
                        <input class="field" type="file" id="file" name="file" accept=".json,application/json" required=true/>
                        <p class="form-hint">
                            "A file that “Export as a file” wrote, here or on another server. The agent will be yours."
                        </p>
                    </div>
                    <div class="form-actions">
                        <button class="button">"Import"</button>
                        <a class="button button-quiet" href="/agents">"Back to all agents"</a>
                    </div>
                </form>
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}
