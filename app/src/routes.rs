//! Which page answers at which address.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::features::account::page::AccountRoute;
use crate::features::admin::models::{EditModelRoute, ModelsRoute, NewModelRoute};
use crate::features::admin::{
    audit::AuditRoute, entry::AuditEntryRoute, user::UserRoute, users::UsersRoute,
};
use crate::features::agents::{
    EditRoute, ImportRoute, NewRoute, NumbersRoute, RosterRoute, VersionsRoute,
};
use crate::features::api_keys::{KeyRoute, KeysRoute, NewKeyRoute};
use crate::features::chat::page::ChatRoute;
use crate::features::home::HomeRoute;
use crate::features::reference::page::ReferenceRoute;
use crate::layout::error_page::NotFoundPage;

/// Every page. Each is sent whole and with its true status, so all are `Async`.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=|| view! { <NotFoundPage/> }>
                <Route path=path!("/") view=HomeRoute ssr=SsrMode::Async/>
                <Route path=path!("/chat") view=ChatRoute ssr=SsrMode::Async/>
                <Route path=path!("/chat/:id") view=ChatRoute ssr=SsrMode::Async/>
                <Route path=path!("/agents") view=RosterRoute ssr=SsrMode::Async/>
                <Route path=path!("/agents/new") view=NewRoute ssr=SsrMode::Async/>
                <Route path=path!("/agents/import") view=ImportRoute ssr=SsrMode::Async/>
                <Route path=path!("/agents/:slug") view=EditRoute ssr=SsrMode::Async/>
                <Route path=path!("/agents/:slug/versions") view=VersionsRoute ssr=SsrMode::Async/>
                <Route path=path!("/agents/:slug/versions/:version") view=VersionsRoute ssr=SsrMode::Async/>
                <Route path=path!("/agents/:slug/numbers") view=NumbersRoute ssr=SsrMode::Async/>
                <Route path=path!("/docs") view=ReferenceRoute ssr=SsrMode::Async/>
                <Route path=path!("/account") view=AccountRoute ssr=SsrMode::Async/>
                <Route path=path!("/account/keys") view=KeysRoute ssr=SsrMode::Async/>
                <Route path=path!("/account/keys/new") view=NewKeyRoute ssr=SsrMode::Async/>
                <Route path=path!("/account/keys/:id") view=KeyRoute ssr=SsrMode::Async/>
                <Route path=path!("/admin") view=UsersRoute ssr=SsrMode::Async/>
                <Route path=path!("/admin/users/:id") view=UserRoute ssr=SsrMode::Async/>
                <Route path=path!("/admin/audit") view=AuditRoute ssr=SsrMode::Async/>
                <Route path=path!("/admin/audit/entry/:sequence") view=AuditEntryRoute ssr=SsrMode::Async/>
                <Route path=path!("/admin/models") view=ModelsRoute ssr=SsrMode::Async/>
                <Route path=path!("/admin/models/new") view=NewModelRoute ssr=SsrMode::Async/>
                <Route path=path!("/admin/models/:id") view=EditModelRoute ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}
