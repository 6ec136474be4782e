//! The frame of every page that is not a chat: where one is, where one can go, one column.

use axum::http::request::Parts;
use leptos::prelude::*;
use onelastai_identity::{Permission, Session};

use crate::error::AppError;
use crate::features::chat::view::Viewer;
use crate::layout::account::Account;
use crate::layout::error_page::error_view;
use crate::layout::sign_in::to_sign_in;
use crate::layout::title::PageTitle;
use crate::ui::{IconSprite, Logo};

/// The places of the main host that have a line in the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `/chat`
    Chat,
    /// `/agents`
    Agents,
    /// `/admin`
    Users,
    /// `/admin/models`
    Models,
    /// `/admin/audit`
    Audit,
    /// `/account`
    Account,
    /// `/account/keys`
    Keys,
}

impl Section {
    /// In the order of the head.
    pub(crate) const ALL: [Self; 7] = [
        Self::Chat,
        Self::Agents,
        Self::Users,
        Self::Models,
        Self::Audit,
        Self::Account,
        Self::Keys,
    ];

    pub(crate) fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Chat => ("/chat", "Chats"),
            Self::Agents => ("/agents", "Agents"),
            Self::Users => ("/admin", "Users"),
            Self::Models => ("/admin/models", "Models"),
            Self::Audit => ("/admin/audit", "Audit log"),
            Self::Account => ("/account", "Your sessions"),
            Self::Keys => ("/account/keys", "API keys"),
        }
    }

    /// Whether this person finds anything there.
    pub(crate) fn is_for(self, session: &Session) -> bool {
        match self {
            Self::Account => true,
            Self::Chat => session.may(Permission::ChatUse),
            Self::Agents => {
                session.may(Permission::AgentsManage) || session.may(Permission::AgentsAdminister)
            }
            Self::Keys => session.may(Permission::KeysManageOwn),
            Self::Users => session.may(Permission::UsersRead),
            Self::Models => session.may(Permission::OperationsRead),
            Self::Audit => session.may(Permission::AuditRead),
        }
    }
}

/// A page at a desk. `title` is the tab's and, unless a heading is given, the page's.
#[component]
pub fn Desk<'a>(
    /// Who looks.
    session: &'a Session,
    /// Where this is.
    section: Section,
    /// The name of the page.
    #[prop(into)]
    title: String,
    /// What can be done here, beside the title.
    #[prop(optional_no_strip)]
    actions: Option<AnyView>,
    /// Something to say before the page: what was done, what went wrong.
    #[prop(optional_no_strip)]
    notice: Option<AnyView>,
    /// The page.
    children: Children,
) -> impl IntoView + use<> {
    let links = Section::ALL
        .into_iter()
        .filter(|other| other.is_for(session))
        .map(|other| {
            let (href, name) = other.link();
            let current = (other == section).then_some("page");
            view! { <li><a href=href aria-current=current>{name}</a></li> }
        })
        .collect_view();
    // The head has these links already.
    let viewer = Viewer::new(session, Vec::new());
    view! {
        <PageTitle text=format!("{title} · OneLastAI")/>
        <IconSprite/>
        <a class="skip" href="#page">"Go to the page"</a>
        <div class="desk">
            <header class="desk-head">
                <a class="home-link" href="/" aria-label="OneLastAI, home"><Logo/></a>
                <nav aria-label="Main"><ul>{links}</ul></nav>
                <Account viewer=viewer/>
            </header>
            <main id="page" tabindex="-1">
                {notice}
                <div class="desk-title">
                    <h1>{title}</h1>
                    <div class="desk-actions">{actions}</div>
                </div>
                {children()}
            </main>
        </div>
    }
    .into_any()
}

/// One line that says what was done or what went wrong.
#[component]
pub fn Notice(
    /// Plain text.
    #[prop(into)]
    text: String,
    /// Something went wrong.
    #[prop(optional)]
    bad: bool,
    /// A way to undo it, or to go on.
    #[prop(optional_no_strip)]
    action: Option<AnyView>,
) -> impl IntoView {
    let class = if bad {
        "desk-notice desk-notice-bad"
    } else {
        "desk-notice"
    };
    let role = if bad { "alert" } else { "status" };
    view! { <div class=class role=role><p>{text}</p>{action}</div> }.into_any()
}

/// What became of the last form, for the top of a page: an error goes before what was done.
#[must_use]
pub fn outcome(error: Option<AppError>, done: Option<String>) -> Option<AnyView> {
    match (error, done) {
        (Some(error), _) => Some(view! { <Notice text=error.to_string() bad=true/> }.into_any()),
        (None, done) => done.map(|done| view! { <Notice text=done/> }.into_any()),
    }
}

/// A page that can't be shown to whoever asks.
#[derive(Debug)]
pub struct Outside(pub AppError);

impl Outside {
    /// What is shown instead: the sign-in, and back to the page after it, or what is wrong.
    #[must_use]
    pub fn page(&self) -> AnyView {
        if self.0 == AppError::SignedOut {
            let address = use_context::<Parts>()
                .and_then(|parts| Some(parts.uri.path_and_query()?.as_str().to_owned()));
            to_sign_in(address.as_deref().unwrap_or("/chat"));
            return ().into_any();
        }
        error_view(self.0.clone())
    }
}
