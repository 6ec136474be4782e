//! `/admin/users/{id}`: one account.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;
use onelastai_identity::{Account, IdentityError, KeycloakAccount, Permission, SignedInAt};
use onelastai_types::{Tier, UserId};

use super::server_fns::{DisableUser, EnableUser, EndSessionOfUser, SetTierOfUser};
use super::users::state as open_or_closed;
use crate::error::AppError;
use crate::features::account::sessions::table;
use crate::layout::desk::{Desk, Section, outcome};
use crate::layout::error_page::{error_view, form_error};
use crate::session::{desk_for, local};
use crate::ui::Moment;

/// The page.
#[component]
pub fn UserRoute() -> impl IntoView {
    let id = use_params_map()
        .get_untracked()
        .get("id")
        .unwrap_or_default();
    let error = form_error();
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::UsersRead).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let Ok(id) = id.parse::<UserId>() else {
            return error_view(AppError::NotFound);
        };
        let found = async {
            let account = state.identity.user(id).await?;
            let sessions = state.identity.sessions_of(id, Some(&session)).await?;
            Ok::<_, IdentityError>((account, sessions))
        };
        // The rest of the page doesn't need Keycloak.
        let at_keycloak = state.identity.keycloak_account(id).await;
        let (account, sessions) = match found.await {
            Ok(found) => found,
            Err(error) => return error_view(error),
        };
        let manages = session.may(Permission::UsersManage);
        let notice = outcome(error, None);
        let actions = (manages && id != session.user).then(|| action(&account));
        let audit = session.may(Permission::AuditRead).then(|| audit_links(id));
        let end = |it: &SignedInAt| {
            if manages {
                end_button(id, it)
            } else {
                ().into_any()
            }
        };
        let body = view! {
            {facts(&account, &at_keycloak, &state.identity.settings().client_id)}
            {audit}
            {manages.then(|| tier_form(&account))}
            <h2>"Signed in at"</h2>
            {table(&sessions, end)}
        };
        view! {
            <Desk
                session=&session
                section=Section::Users
                title=account.name.clone()
                actions=actions
                notice=notice
            >
                {body}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

/// What Keycloak has of an account, in words.
struct AtKeycloak {
    switch: String,
    roles: String,
    /// Of our own client, where there are any.
    client_roles: Option<String>,
}

fn keycloak_words(found: &Result<Option<KeycloakAccount>, IdentityError>) -> AtKeycloak {
    let unknown = |words: &str| AtKeycloak {
        switch: words.to_owned(),
        roles: words.to_owned(),
        client_roles: None,
    };
    match found {
        Ok(Some(account)) => {
            let enabled = if account.enabled {
                "enabled"
            } else {
                "disabled"
            };
            let names = |roles: &[String]| roles.join(", ");
            AtKeycloak {
                switch: enabled.to_owned(),
                roles: names(&account.roles),
                client_roles: Some(names(&account.client_roles)).filter(|it| !it.is_empty()),
            }
        }
        Ok(None) => unknown("unknown: KEYCLOAK_BACKEND_CLIENT_SECRET is not set"),
        Err(IdentityError::NotFound) => unknown("not there any more"),
        Err(error) => {
            tracing::warn!(%error, "can't ask Keycloak about an account");
            unknown("can't be asked just now")
        }
    }
}

/// The log of what somebody did, and of what was done to their account. By id: names change,
/// and one can be a part of another.
fn audit_links(id: UserId) -> impl IntoView + use<> {
    view! {
        <p>
            <a class="link" href=format!("/admin/audit?actor_id={id}")>"What this person did"</a>
            " · "
            <a class="link" href=format!("/admin/audit?target_type=users&target={id}")>
                "What was done to this account"
            </a>
        </p>
    }
}

fn facts(
    account: &Account,
    at_keycloak: &Result<Option<KeycloakAccount>, IdentityError>,
    client: &str,
) -> impl IntoView + use<> {
    let at_keycloak = keycloak_words(at_keycloak);
    let client_roles = at_keycloak.client_roles.map(|roles| {
        view! { <div><dt>{format!("Roles of the client {client}")}</dt><dd>{roles}</dd></div> }
    });
    let email = account.email.clone().map(|email| {
        let verified = if account.email_verified {
            ""
        } else {
            " (not verified)"
        };
        format!("{email}{verified}")
    });
    view! {
        <dl class="changes">
            <div><dt>"Username"</dt><dd>{account.username.clone()}</dd></div>
            <div><dt>"Address"</dt><dd>{email.unwrap_or_else(|| "–".to_owned())}</dd></div>
            <div><dt>"Account"</dt><dd>{open_or_closed(account)}</dd></div>
            <div><dt>"Plan"</dt><dd>{account.tier.to_string()}</dd></div>
            <div><dt>"At Keycloak"</dt><dd>{at_keycloak.switch}</dd></div>
            <div><dt>"Roles at Keycloak"</dt><dd>{at_keycloak.roles}</dd></div>
            {client_roles}
            <div><dt>"Since"</dt><dd><Moment at=local(account.created_at)/></dd></div>
        </dl>
    }
}

/// Another plan, by hand: for a gift, or where payment goes another way.
fn tier_form(account: &Account) -> impl IntoView + use<> {
    let options = [Tier::Free, Tier::Pro, Tier::Enterprise]
        .map(|tier| {
            let chosen = tier == account.tier;
            view! { <option value=tier.as_str() selected=chosen>{tier.to_string()}</option> }
        })
        .collect_view();
    view! {
        <form class="filters" method="post" action=SetTierOfUser::url()>
            <input type="hidden" name="user" value=account.id.to_string()/>
            <label>
                "Give another plan"
                <select class="field" name="tier">{options}</select>
            </label>
            <button class="button button-quiet">"Give"</button>
        </form>
    }
}

fn action(account: &Account) -> AnyView {
    let id = account.id.to_string();
    match account.disabled_at {
        Some(_) => view! {
            <form method="post" action=EnableUser::url()>
                <input type="hidden" name="user" value=id/>
                <button class="button button-quiet">"Open the account"</button>
            </form>
        }
        .into_any(),
        None => view! {
            <form method="post" action=DisableUser::url()>
                <input type="hidden" name="user" value=id/>
                <button class="button button-quiet button-danger">"Close the account"</button>
            </form>
        }
        .into_any(),
    }
}

fn end_button(user: UserId, session: &SignedInAt) -> AnyView {
    view! {
        <form method="post" action=EndSessionOfUser::url()>
            <input type="hidden" name="user" value=user.to_string()/>
            <input type="hidden" name="session" value=session.id.to_string()/>
            <button class="button button-quiet">"End"</button>
        </form>
    }
    .into_any()
}
