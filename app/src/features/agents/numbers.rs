//! How an agent is used: totals, days as charts, and the same as tables.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use onelastai_agents::{DayFigures, Figures, ModelFigures, Span, Statistics};

use super::frame::{AgentFrame, Tab};
use crate::layout::error_page::error_view;
use crate::session::{agents_viewer, desk};
use crate::ui::chart::{Bar, BarChart};
use crate::ui::{Icon, IconName, seconds};

/// `/agents/{slug}/numbers?days=30`
#[component]
pub fn NumbersRoute() -> impl IntoView {
    let slug = use_params_map()
        .get_untracked()
        .get("slug")
        .unwrap_or_default();
    let days = use_query_map().get_untracked().get("days");
    let span = days
        .and_then(|days| Span::from_days(days.parse().ok()?))
        .unwrap_or(Span::Month);
    let page = Suspend::new(async move {
        let (state, session) = match desk().await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let viewer = agents_viewer(&session);
        let found = async {
            let agent = state.agents.editable(&viewer, &slug).await?;
            let numbers = state.agents.statistics(&viewer, agent.id, span).await?;
            Ok::<_, onelastai_agents::EditError>((agent, numbers))
        };
        let (agent, numbers) = match found.await {
            Ok(found) => found,
            Err(error) => return error_view(error),
        };
        let body = view! {
            {spans(&slug, span)}
            {totals(&numbers.total)}
            {charts(&numbers)}
            {by_model(&numbers.models)}
            {by_day(&numbers.days)}
        };
        view! {
            <AgentFrame session=&session places=&state.places agent=&agent tab=Tab::Numbers error=None done=None>
                {body}
            </AgentFrame>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

/// The spans to choose from.
fn spans(slug: &str, current: Span) -> impl IntoView + use<> {
    let links = Span::ALL
        .map(|span| {
            let href = format!("/agents/{slug}/numbers?days={}", span.days());
            let chosen = (span == current).then_some("true");
            view! {
                <a class="button button-quiet" href=href aria-current=chosen>
                    {format!("{} days", span.days())}
                </a>
            }
        })
        .collect_view();
    view! { <div class="desk-actions" role="group" aria-label="Span">{links}</div> }
}

fn time(milliseconds: Option<i32>) -> String {
    milliseconds.map_or_else(|| "–".to_owned(), seconds)
}

/// Errors in a hundred answers.
fn share(figures: &Figures) -> String {
    if figures.answers == 0 {
        return "–".to_owned();
    }
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let share = figures.errors as f64 / figures.answers as f64 * 100.0;
    format!("{share:.1} %")
}

fn totals(total: &Figures) -> impl IntoView + use<> {
    let facts = [
        ("Conversations", total.conversations.to_string()),
        ("People", total.users.to_string()),
        ("Answers", total.answers.to_string()),
        (
            "Tokens",
            (total.prompt_tokens + total.completion_tokens).to_string(),
        ),
        ("Response time, median", time(total.median_ms)),
        ("Response time, p95", time(total.p95_ms)),
        ("Errors", share(total)),
        (
            "Feedback",
            format!("{} good, {} bad", total.feedback_up, total.feedback_down),
        ),
    ]
    .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
    .collect_view();
    view! { <dl class="figures">{facts}</dl> }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn charts(numbers: &Statistics) -> impl IntoView + use<> {
    let chart = |title: &'static str, total: String, value: &dyn Fn(&Figures) -> (f64, String)| {
        let bars: Vec<_> = numbers
            .days
            .iter()
            .map(|day| {
                let (value, shown) = value(&day.figures);
                let label = day.day.to_string();
                Bar {
                    label,
                    value,
                    shown,
                }
            })
            .collect();
        view! { <BarChart title=title total=total bars=&bars/> }
    };
    let count = |it: i64| (it as f64, it.to_string());
    let total = &numbers.total;
    view! {
        <div class="charts">
            {chart("Conversations", total.conversations.to_string(), &|it| count(it.conversations))}
            {chart("People", total.users.to_string(), &|it| count(it.users))}
            {chart("Answers", total.answers.to_string(), &|it| count(it.answers))}
            {chart("Tokens", (total.prompt_tokens + total.completion_tokens).to_string(), &|it| {
                count(it.prompt_tokens + it.completion_tokens)
            })}
            {chart("Response time, median", time(total.median_ms), &|it| {
                (f64::from(it.median_ms.unwrap_or(0)), time(it.median_ms))
            })}
            {chart("Response time, p95", time(total.p95_ms), &|it| {
                (f64::from(it.p95_ms.unwrap_or(0)), time(it.p95_ms))
            })}
            {chart("Errors", total.errors.to_string(), &|it| count(it.errors))}
            {chart("Good answers", total.feedback_up.to_string(), &|it| count(it.feedback_up))}
            {chart("Bad answers", total.feedback_down.to_string(), &|it| count(it.feedback_down))}
        </div>
    }
}

/// The columns that both tables have.
fn cells(figures: &Figures) -> impl IntoView + use<> {
    [
        figures.conversations.to_string(),
        figures.users.to_string(),
        figures.answers.to_string(),
        figures.prompt_tokens.to_string(),
        figures.completion_tokens.to_string(),
        time(figures.median_ms),
        time(figures.p95_ms),
        figures.errors.to_string(),
        format!("+{} −{}", figures.feedback_up, figures.feedback_down),
    ]
    .map(|text| view! { <td class="number">{text}</td> })
    .collect_view()
}

fn head(first: &'static str) -> impl IntoView {
    let names = [
        "Conversations",
        "People",
        "Answers",
        "Tokens read",
        "Tokens written",
        "Median",
        "p95",
        "Errors",
        "Feedback",
    ]
    .map(|name| view! { <th class="number" scope="col">{name}</th> })
    .collect_view();
    view! { <thead><tr><th scope="col">{first}</th>{names}</tr></thead> }
}

fn by_model(models: &[ModelFigures]) -> impl IntoView + use<> {
    let rows = models
        .iter()
        .map(|it| view! { <tr><th scope="row">{it.model.clone()}</th>{cells(&it.figures)}</tr> })
        .collect_view();
    (!models.is_empty()).then(|| {
        view! {
            <h2 id="by-model">"By model"</h2>
            <div class="table-scroll" tabindex="0" role="region" aria-labelledby="by-model">
                <table class="table">{head("Model")}<tbody>{rows}</tbody></table>
            </div>
        }
    })
}

fn by_day(days: &[DayFigures]) -> impl IntoView + use<> {
    let rows = days
        .iter()
        .rev()
        .map(|it| view! { <tr><th scope="row">{it.day.to_string()}</th>{cells(&it.figures)}</tr> })
        .collect_view();
    view! {
        <details class="fold">
            <summary>
                "Day by day"
                <Icon name=IconName::ChevronDown/>
            </summary>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Day by day, in UTC">
                <table class="table">{head("Day (UTC)")}<tbody>{rows}</tbody></table>
            </div>
        </details>
    }
}
