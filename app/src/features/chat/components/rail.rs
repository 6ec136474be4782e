//! Beside the chat: begin another, go back to an old one, the account.

use leptos::prelude::*;
use onelastai_types::ConversationId;
use time::{Duration, OffsetDateTime};

use super::entry::Entry;
use crate::features::chat::view::{ChatPage, ConversationLink};
use crate::layout::account::Account;
use crate::ui::{AgentAvatar, Icon, IconName, Logo};

/// When a conversation last went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Today,
    Yesterday,
    Week,
    Older,
}

impl Period {
    const ALL: [Self; 4] = [Self::Today, Self::Yesterday, Self::Week, Self::Older];

    /// The period of `at`, seen from `now`, whose days count.
    fn of(at: OffsetDateTime, now: OffsetDateTime) -> Self {
        let (day, today) = (at.to_offset(now.offset()).date(), now.date());
        if day >= today {
            Self::Today
        } else if day >= today - Duration::days(1) {
            Self::Yesterday
        } else if day >= today - Duration::days(7) {
            Self::Week
        } else {
            Self::Older
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Today => "Today",
            Self::Yesterday => "Yesterday",
            Self::Week => "Previous 7 days",
            Self::Older => "Older",
        }
    }
}

/// The whole rail. On a phone it is a sheet that `popover` opens, without script.
#[component]
pub fn Rail<'a>(
    /// What the page shows.
    page: &'a ChatPage,
) -> impl IntoView + use<> {
    let current = page.conversation.as_ref().map(|it| it.id);
    let groups = Period::ALL
        .map(|period| {
            let links = page
                .conversations
                .iter()
                .filter(|link| Period::of(link.last_message_at, page.now) == period);
            group(period, links, current)
        })
        .collect_view();
    let here = current.map_or_else(|| "/chat".to_owned(), |id| format!("/chat/{id}"));
    let newest = page
        .not_the_newest
        .then(|| view! { <a class="rail-more" href=here.clone()>"Newest chats"</a> });
    let older = page.older_than.map(|last| {
        view! { <a class="rail-more" href=format!("{here}?before={last}")>"Older chats"</a> }
    });
    view! {
        <nav class="rail" id="rail" popover aria-label="Chats">
            <div class="rail-head">
                <a class="home-link" href="/" aria-label="OneLastAI, home"><Logo/></a>
                <button
                    class="icon-button phone-only"
                    type="button"
                    popovertarget="rail"
                    popovertargetaction="hide"
                    aria-label="Close"
                >
                    <Icon name=IconName::Close/>
                </button>
            </div>
            <a class="new-chat" id="new-chat" href="/chat" title="Ctrl Shift O">
                <Icon name=IconName::SquarePen/>
                "New chat"
            </a>
            <div class="rail-lists" tabindex="-1">
                {agents(page)}
                {newest}
                {groups}
                {older}
            </div>
            <template id="new-entry">
                <Entry id=nobody() title=String::new() current=true/>
            </template>
            <Account viewer=page.viewer.clone() shortcuts=true/>
        </nav>
    }
    .into_any()
}

/// Stands for the id of a conversation that a send is about to make.
fn nobody() -> ConversationId {
    ConversationId(uuid::Uuid::nil())
}

/// The agents, where there is a choice.
fn agents(page: &ChatPage) -> impl IntoView + use<> {
    let links = page
        .agents
        .iter()
        .map(|agent| {
            view! {
                <li>
                    <a class="rail-agent" href=format!("/chat?agent={}", agent.slug)>
                        <AgentAvatar name=&agent.name slug=&agent.slug avatar=&agent.avatar/>
                        <span>{agent.name.clone()}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    (page.agents.len() > 1).then(|| {
        view! {
            <section aria-labelledby="rail-agents">
                <h2 id="rail-agents">"Agents"</h2>
                <ul>{links}</ul>
            </section>
        }
    })
}

/// One period. Today's is there even when empty: a send may fill it.
fn group<'a>(
    period: Period,
    links: impl Iterator<Item = &'a ConversationLink>,
    current: Option<ConversationId>,
) -> Option<AnyView> {
    let entries: Vec<_> = links
        .map(|link| {
            view! { <Entry id=link.id title=link.title.clone() current=current == Some(link.id)/> }
        })
        .collect();
    let empty = entries.is_empty();
    if empty && period != Period::Today {
        return None;
    }
    let label = period.label();
    Some(
        view! {
            <section aria-label=label hidden=empty id=(period == Period::Today).then_some("rail-today")>
                <h2>{label}</h2>
                <ul>{entries}</ul>
            </section>
        }
        .into_any(),
    )
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::Period;

    #[test]
    fn days_are_counted_by_the_calendar() {
        let now = datetime!(2026-05-10 00:30 UTC);
        assert_eq!(
            Period::of(datetime!(2026-05-10 00:10 UTC), now),
            Period::Today
        );
        assert_eq!(
            Period::of(datetime!(2026-05-09 23:50 UTC), now),
            Period::Yesterday
        );
        assert_eq!(
            Period::of(datetime!(2026-05-03 09:00 UTC), now),
            Period::Week
        );
        assert_eq!(
            Period::of(datetime!(2026-05-02 09:00 UTC), now),
            Period::Older
        );
    }

    #[test]
    fn days_are_those_of_the_clock_at_hand() {
        let at = datetime!(2026-05-09 23:50 UTC);
        let east = datetime!(2026-05-10 02:30 +2);
        assert_eq!(Period::of(at, east), Period::Today);
        let west = datetime!(2026-05-10 08:30 -8);
        assert_eq!(Period::of(at, west), Period::Yesterday);
    }
}
