//! `/admin/audit?…`: who did what, with the filters in the address.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use onelastai_db::audit::{AuditPage, AuditQuery, AuditRow, list};
use onelastai_identity::{Permission, Session};
use serde_json::Value;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};
use url::form_urlencoded;
use uuid::Uuid;

use super::entry::{long_texts, sides};
use crate::error::AppError;
use crate::layout::desk::{Desk, Section};
use crate::layout::error_page::error_view;
use crate::session::desk_for;

/// Rows of a page.
const SIZE: u16 = 50;

/// The filters as they stand in the address; also those of an export.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// A part of the name.
    pub actor: String,
    /// The id of one person, whatever they are called.
    pub actor_id: String,
    /// `agent.create`, or `agent.` for all that begin so.
    pub action: String,
    /// A table's name.
    pub target_type: String,
    /// Its id.
    pub target: String,
    /// The first day, UTC, as `2026-11-25`.
    pub from: String,
    /// The last day, UTC.
    pub to: String,
    /// Anywhere.
    pub text: String,
}

impl Filters {
    const NAMES: [&str; 8] = [
        "actor",
        "actor_id",
        "action",
        "target_type",
        "target",
        "from",
        "to",
        "text",
    ];

    /// From the parameters of an address.
    #[must_use]
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| get(name).unwrap_or_default().trim().to_owned();
        Self {
            actor: get("actor"),
            actor_id: get("actor_id"),
            action: get("action"),
            target_type: get("target_type"),
            target: get("target"),
            from: get("from"),
            to: get("to"),
            text: get("text"),
        }
    }

    fn values(&self) -> [&str; 8] {
        [
            &self.actor,
            &self.actor_id,
            &self.action,
            &self.target_type,
            &self.target,
            &self.from,
            &self.to,
            &self.text,
        ]
    }

    /// The parameters of an address, without those that are empty.
    fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in Self::NAMES.into_iter().zip(self.values()) {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// What to look for.
    ///
    /// # Errors
    /// [`AppError::Invalid`] names the filter that makes no sense.
    pub fn query(&self) -> Result<AuditQuery, AppError> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let wrong = |field: &str, message: &str| AppError::Invalid {
            field: field.to_owned(),
            message: message.to_owned(),
        };
        let id = |field: &str, text: &str, message: &str| match text {
            "" => Ok(None),
            id => id
                .parse::<Uuid>()
                .map(Some)
                .map_err(|_| wrong(field, message)),
        };
        let day = |field: &str, text: &str| match text {
            "" => Ok(None),
            text => Date::parse(text, format_description!("[year]-[month]-[day]"))
                .map(Some)
                .map_err(|_| wrong(field, "A day is written as 2026-11-25.")),
        };
        let begin = |day: Date| OffsetDateTime::new_utc(day, Time::MIDNIGHT);
        Ok(AuditQuery {
            actor_id: id("actor_id", &self.actor_id, "Who it was must be an id.")?,
            actor: text(&self.actor),
            action: text(&self.action),
            target_type: text(&self.target_type),
            target_id: id("target", &self.target, "The target must be an id.")?,
            from: day("from", &self.from)?.map(begin),
            // The last day is part of it.
            to: day("to", &self.to)?.and_then(Date::next_day).map(begin),
            text: text(&self.text),
        })
    }
}

/// The page.
#[component]
pub fn AuditRoute() -> impl IntoView {
    let params: ParamsMap = use_query_map().get_untracked();
    let filters = Filters::read(|name| params.get(name));
    let before: Option<i64> = params.get("before").and_then(|it| it.parse().ok());
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::AuditRead).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let found = async {
            let query = filters.query()?;
            Ok::<_, AppError>(list(&state.db, &query, before, SIZE).await?)
        };
        let found = match found.await {
            Ok(found) => found,
            Err(error) => return error_view(error),
        };
        let body = view! {
            {form(&filters)}
            {table(&found)}
            {next(&filters, &found)}
        };
        view! {
            <Desk
                session=&session
                section=Section::Audit
                title="Audit log"
                actions=export_links(&session, &filters)
            >
                {body}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

/// The ways to take a copy, which is noted in the log itself.
fn export_links(session: &Session, filters: &Filters) -> Option<AnyView> {
    session.may(Permission::AuditExport).then(|| {
        let query = filters.to_query();
        let link = |name: &str| format!("/admin/audit/export.{name}?{query}");
        view! {
            <a class="button button-quiet" href=link("csv") download="">"CSV"</a>
            <a class="button button-quiet" href=link("jsonl") download="">"JSON lines"</a>
        }
        .into_any()
    })
}

fn form(filters: &Filters) -> impl IntoView + use<> {
    let field = |name: &'static str, label: &'static str, kind: &'static str, value: &str| {
        let value = value.to_owned();
        view! { <label>{label}<input class="field" type=kind name=name value=value/></label> }
    };
    view! {
        <form class="filters" action="/admin/audit" role="search">
            {field("actor", "Who", "text", &filters.actor)}
            {field("actor_id", "Their id", "text", &filters.actor_id)}
            {field("action", "What, as agent. or agent.create", "text", &filters.action)}
            {field("target_type", "On what, as agents", "text", &filters.target_type)}
            {field("target", "Its id", "text", &filters.target)}
            {field("from", "From (UTC)", "date", &filters.from)}
            {field("to", "To", "date", &filters.to)}
            {field("text", "With these words", "search", &filters.text)}
            <button class="button button-quiet">"Show"</button>
            <a class="button button-quiet" href="/admin/audit">"Everything"</a>
        </form>
    }
}

fn table(found: &AuditPage) -> AnyView {
    if found.rows.is_empty() {
        return view! { <p class="nothing">"Nothing in the log fits."</p> }.into_any();
    }
    let rows = found.rows.iter().map(row).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Audit log">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col" class="number">"No."</th>
                        <th scope="col">"When (UTC)"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"Before and after"</th>
                        <th scope="col">"From where"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// When it was, by the log's own clock.
pub(super) fn moment(row: &AuditRow) -> String {
    row.occurred_at
        .format(format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second]"
        ))
        .unwrap_or_default()
}

/// The kind of what it was done on, and the way to all that was done on it.
pub(super) fn target_link(row: &AuditRow) -> Option<AnyView> {
    let kind = row.target_type.clone()?;
    let id = row.target_id.map(|id| id.to_string());
    let filters = Filters {
        target_type: kind.clone(),
        target: id.clone().unwrap_or_default(),
        ..Filters::default()
    };
    let href = format!("/admin/audit?{}", filters.to_query());
    Some(view! { <a class="link" href=href title=id>{kind}</a> }.into_any())
}

fn row(row: &AuditRow) -> impl IntoView + use<> {
    let whole = format!("/admin/audit/entry/{}", row.sequence);
    let target = target_link(row).map(|link| view! { <small>{link}</small> });
    let changes = row
        .changes
        .iter()
        .map(|(field, change)| {
            let (before, after) = sides(change);
            let what = if long_texts(before, after).is_some() {
                view! { <a href=whole.clone()>"What changed in the text"</a> }.into_any()
            } else {
                view! { <del>{short(before)}</del>" → "<ins>{short(after)}</ins> }.into_any()
            };
            view! { <div><dt>{field.replace('_', " ")}</dt><dd>{what}</dd></div> }
        })
        .collect_view();
    view! {
        <tr>
            <td class="number">
                <a href=whole>
                    <span class="sr-only">"Entry "</span>
                    {row.sequence}
                </a>
            </td>
            <td class="time">{moment(row)}</td>
            <td>{row.actor.clone()}</td>
            <td>{row.action.clone()}{target}</td>
            <td><dl class="changes">{changes}</dl></td>
            <td class="time">
                {row.address.clone()}
                <small class="agent-string" title=row.user_agent.clone()>
                    {row.user_agent.clone()}
                </small>
            </td>
        </tr>
    }
}

/// A value as people read it.
pub(super) fn words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The same, but a long one is cut; the page of the entry has it whole.
fn short(value: &Value) -> String {
    const LONGEST: usize = 200;
    let text = words(value);
    if text.chars().nth(LONGEST).is_some() {
        text.chars().take(LONGEST).chain(['…']).collect()
    } else {
        text
    }
}

fn next(filters: &Filters, found: &AuditPage) -> impl IntoView + use<> {
    let query = filters.to_query();
    found.next.map(|before| {
        let href = format!("/admin/audit?{query}&before={before}");
        view! {
            <nav class="pages" aria-label="Pages">
                <a class="button button-quiet" href=href rel="next">"Earlier"</a>
            </nav>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(pairs: &'static [(&'static str, &'static str)]) -> Filters {
        Filters::read(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_last_day_is_part_of_the_span() {
        let query = filters(&[("from", "2026-11-24"), ("to", "2026-11-25")])
            .query()
            .unwrap();
        let span = query.to.unwrap() - query.from.unwrap();
        assert_eq!(span.whole_days(), 2);
        assert_eq!(query.actor, None);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for pairs in [
            &[("from", "yesterday")],
            &[("target", "x' OR 1=1 --")],
            &[("actor_id", "demo")],
        ] {
            let error = filters(pairs).query().unwrap_err();
            assert!(matches!(error, AppError::Invalid { field, .. } if field == pairs[0].0));
        }
    }

    #[test]
    fn filters_go_into_the_address_and_come_back() {
        const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
        let query = filters(&[("actor", "a&b"), ("text", "")]).to_query();
        assert_eq!(query, "actor=a%26b");
        let person = filters(&[("actor_id", ID)]);
        let found = person.query().unwrap().actor_id.map(|id| id.to_string());
        assert_eq!(found.as_deref(), Some(ID));
        assert_eq!(person.to_query(), format!("actor_id={ID}"));
    }
}
