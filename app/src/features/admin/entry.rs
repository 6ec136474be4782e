//! `/admin/audit/entry/{sequence}`: one line of the audit log, with all that changed.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use onelastai_agents::diff_lines;
use onelastai_db::audit::{AuditRow, entry};
use onelastai_identity::Permission;
use serde_json::Value;

use super::audit::{moment, target_link, words};
use crate::error::AppError;
use crate::layout::desk::{Desk, Section};
use crate::layout::error_page::error_view;
use crate::session::desk_for;
use crate::ui::diff;

/// A text longer than this, in characters, is shown by its lines.
const LONG: usize = 200;

/// The page.
#[component]
pub fn AuditEntryRoute() -> impl IntoView {
    let sequence = use_params_map().get_untracked().get("sequence");
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::AuditRead).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let Some(sequence) = sequence.and_then(|it| it.parse::<i64>().ok()) else {
            return error_view(AppError::NotFound);
        };
        let row = match entry(&state.db, sequence).await {
            Ok(Some(row)) => row,
            Ok(None) => return error_view(AppError::NotFound),
            Err(error) => return error_view(error),
        };
        let nothing = row
            .changes
            .is_empty()
            .then(|| view! { <p class="nothing">"Nothing changed hands."</p> });
        let fields = row.changes.iter().map(field).collect_view();
        let body = view! {
            {facts(&row)}
            <h2>"Before and after"</h2>
            {nothing}
            <dl class="changes">{fields}</dl>
            <p><a class="link" href="/admin/audit">"All of the log"</a></p>
        };
        let title = format!("Entry {sequence} of the audit log");
        view! { <Desk session=&session section=Section::Audit title=title>{body}</Desk> }.into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

fn facts(row: &AuditRow) -> impl IntoView + use<> {
    let actor = row.actor.clone();
    let actor = match row.actor_id {
        Some(id) => {
            let href = format!("/admin/audit?actor_id={id}");
            view! { <a class="link" href=href>{actor}</a> }.into_any()
        }
        None => actor.into_any(),
    };
    let id = row.target_id.map(|id| format!(" {id}"));
    let target =
        target_link(row).map(|link| view! { <div><dt>"On what"</dt><dd>{link}{id}</dd></div> });
    let line = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
    };
    view! {
        <dl class="changes">
            {line("When (UTC)", Some(moment(row)))}
            <div><dt>"Who"</dt><dd>{actor}</dd></div>
            {line("What", Some(row.action.clone()))}
            {target}
            {line("From where", row.address.clone())}
            {line("With", row.user_agent.clone())}
            {line("Hash", Some(row.hash.clone()))}
        </dl>
    }
}

fn field((name, change): (&String, &Value)) -> AnyView {
    let (before, after) = sides(change);
    let what = match long_texts(before, after) {
        Some((before, after)) => diff(&diff_lines(before, after)),
        None => view! { <del>{words(before)}</del>" → "<ins>{words(after)}</ins> }.into_any(),
    };
    view! { <div><dt>{name.replace('_', " ")}</dt><dd>{what}</dd></div> }.into_any()
}

/// Before and after; what another program wrote may be neither.
pub(super) fn sides(change: &Value) -> (&Value, &Value) {
    match change.as_array().map(Vec::as_slice) {
        Some([before, after]) => (before, after),
        _ => (&Value::Null, change),
    }
}

/// Both sides where they are texts that nobody compares by looking from one to the other.
pub(super) fn long_texts<'a>(before: &'a Value, after: &'a Value) -> Option<(&'a str, &'a str)> {
    let (before, after) = (before.as_str()?, after.as_str()?);
    let long = |text: &str| text.contains('\n') || text.chars().nth(LONG).is_some();
    (long(before) || long(after)).then_some((before, after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_text_is_shown_by_the_lines_that_changed() {
        let rest = "x".repeat(LONG);
        let change = json!([
            format!("Be kind.\n{rest}\nBe brief."),
            format!("Be kind.\n{rest}\nBe <b>thorough</b>.")
        ]);
        let html = field((&"system_prompt".to_owned(), &change)).to_html();
        assert!(html.contains("− ") && html.contains("Be brief."), "{html}");
        assert!(
            html.contains("+ ") && html.contains("Be &lt;b&gt;thorough"),
            "{html}"
        );
        assert_eq!(html.matches("Be kind.").count(), 1, "{html}");
        assert!(html.contains("system prompt"), "{html}");
    }

    #[test]
    fn only_two_texts_have_lines_to_compare() {
        let (short, long) = (json!("a"), json!("b".repeat(LONG + 1)));
        assert_eq!(long_texts(&short, &json!("b")), None);
        assert_eq!(long_texts(&Value::Null, &long), None);
        assert!(long_texts(&short, &long).is_some());
        assert!(long_texts(&short, &json!("a\nb")).is_some());
        assert_eq!(sides(&json!("alone")), (&Value::Null, &json!("alone")));
        assert_eq!(sides(&json!([1, 2])), (&json!(1), &json!(2)));
    }
}
