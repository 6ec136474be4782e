//! What a person has left of each limit of their plan.

use leptos::prelude::*;
use onelastai_types::{Tier, UserId};
use onelastai_usage::{Level, Limit, Standing};

use crate::error::AppError;
use crate::state::AppState;
use crate::ui::{count, in_time};

/// From here on a person should know.
const LITTLE: f64 = 0.1;

fn name(limit: Limit) -> &'static str {
    match limit {
        Limit::RequestsPerMinute => "Requests in a minute",
        Limit::TokensPerMinute => "Tokens in a minute",
        Limit::RequestsPerDay => "Requests today",
        Limit::TokensPerDay => "Tokens today",
        Limit::CostPerMonth => "Cost this month",
    }
}

/// The plan of a person, and how much of each limit is used.
///
/// # Errors
/// Where neither Redis nor the database can tell.
pub async fn standing(state: &AppState, user: UserId) -> Result<(Tier, Standing), AppError> {
    let tier = state.identity.user(user).await?.tier;
    Ok((tier, state.usage.standing(user, tier).await?))
}

/// What is left, with a meter for each limit.
pub fn panel(tier: Tier, standing: &Standing) -> AnyView {
    let rows = standing.levels.iter().map(row).collect_view();
    let limits = if standing.levels.is_empty() {
        view! { <p class="nothing">"Your plan has no limits."</p> }.into_any()
    } else {
        view! { <dl class="usage">{rows}</dl> }.into_any()
    };
    view! {
        <section class="panel" aria-labelledby="usage-title">
            <h2 id="usage-title">"What you have left"</h2>
            <p class="lead">
                {format!("Your plan is {tier}. ")}
                "A token is about three quarters of a word; questions and answers both count, and days are days of UTC."
            </p>
            {limits}
        </section>
    }
    .into_any()
}

fn row(level: &Level) -> AnyView {
    let left = format!("{} of {} left", count(level.remaining()), count(level.most));
    let again = (level.used > 0).then(|| format!(", all of it again {}", in_time(level.reset)));
    // The meter's own words, for whoever can't see it, are the text beside it.
    view! {
        <div class="usage-line">
            <dt>{name(level.limit)}</dt>
            <dd>
                <meter
                    aria-hidden="true"
                    min="0"
                    max=level.most.to_string()
                    low=(level.most / 10).to_string()
                    optimum=level.most.to_string()
                    value=level.remaining().to_string()
                ></meter>
                <span>{left}{again}</span>
            </dd>
        </div>
    }
    .into_any()
}

/// A word beside the composer, where little is left of some limit.
#[must_use]
pub fn hint(standing: &Standing) -> Option<String> {
    let level = standing.tightest()?;
    if level.share_left() >= LITTLE {
        return None;
    }
    let what = match level.limit {
        Limit::RequestsPerMinute => "messages of this minute",
        Limit::TokensPerMinute => "tokens of this minute",
        Limit::RequestsPerDay => "messages of today",
        Limit::TokensPerDay => "tokens of today",
        Limit::CostPerMonth => return None,
    };
    Some(format!(
        "{} of your {} {what} left.",
        count(level.remaining()),
        count(level.most),
    ))
}
