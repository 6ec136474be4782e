//! Which page answers at which address.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::features::chat::page::ChatRoute;
use crate::features::home::HomePage;
use crate::layout::error_page::NotFoundPage;

/// Every page. Each is sent whole and with its true status, so all are `Async`.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=|| view! { <NotFoundPage/> }>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/chat") view=ChatRoute ssr=SsrMode::Async/>
                <Route path=path!("/chat/:id") view=ChatRoute ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}
