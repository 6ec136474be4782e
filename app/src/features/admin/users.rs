//! `/admin?q=…&page=2`: everybody who has an account.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use onelastai_identity::{Account, AccountPage, Permission};

use crate::layout::desk::{Desk, Section};
use crate::layout::error_page::error_view;
use crate::session::{desk_for, local};
use crate::ui::Moment;

/// The page.
#[component]
pub fn UsersRoute() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let text = query.get("q").unwrap_or_default();
    let number: u32 = query
        .get("page")
        .and_then(|it| it.parse().ok())
        .unwrap_or(1);
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::UsersRead).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let found = match state.identity.search_users(&text, number.max(1) - 1).await {
            Ok(found) => found,
            Err(error) => return error_view(error),
        };
        let body = view! {
            <form class="filters" action="/admin" role="search">
                <label class="wide">
                    "Name, username or address"
                    <input class="field" type="search" name="q" value=text.clone()/>
                </label>
                <button class="button button-quiet">"Search"</button>
            </form>
            {table(&found)}
            {pages(&text, number.max(1), found.more)}
        };
        view! { <Desk session=&session section=Section::Users title="Users">{body}</Desk> }
            .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

fn table(found: &AccountPage) -> AnyView {
    if found.accounts.is_empty() {
        return view! { <p class="nothing">"Nobody is called that."</p> }.into_any();
    }
    let rows = found.accounts.iter().map(row).collect_view();
    view! {
        <div class="table-scroll">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"User"</th>
                        <th scope="col">"Address"</th>
                        <th scope="col">"Plan"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Since"</th>
                        <th scope="col">"Last sign-in"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Whether the account is open.
pub(super) fn state(account: &Account) -> AnyView {
    match account.disabled_at {
        Some(_) => view! { <span class="tag tag-bad">"closed"</span> }.into_any(),
        None => view! { <span class="tag tag-good">"open"</span> }.into_any(),
    }
}

fn row(account: &Account) -> impl IntoView + use<> {
    let never = || view! { "never" }.into_any();
    view! {
        <tr>
            <td>
                <a href=format!("/admin/users/{}", account.id)>{account.name.clone()}</a>
                <small>{account.username.clone()}</small>
            </td>
            <td>{account.email.clone()}</td>
            <td>{account.tier.to_string()}</td>
            <td>{state(account)}</td>
            <td class="time"><Moment at=local(account.created_at)/></td>
            <td class="time">
                {account.last_sign_in_at.map_or_else(never, |at| view! { <Moment at=local(at)/> }.into_any())}
            </td>
        </tr>
    }
}

fn pages(text: &str, number: u32, more: bool) -> impl IntoView + use<> {
    let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let before = (number > 1).then(|| {
        let href = format!("/admin?q={text}&page={}", number - 1);
        view! { <a class="button button-quiet" href=href rel="prev">"Before"</a> }
    });
    let after = more.then(|| {
        let href = format!("/admin?q={text}&page={}", number + 1);
        view! { <a class="button button-quiet" href=href rel="next">"After"</a> }
    });
    view! { <nav class="pages" aria-label="Pages">{before}{after}</nav> }
}
