//! What keeps the table of the models up to date while somebody looks at it. It reads the page
//! anew and takes the parts that have changed, so the table has one form only, the server's.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::{Element, HtmlTemplateElement, NodeList, Response};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::ui::browser::{document, find};

const PAGE: &str = "/admin/models";
const EVERY: Duration = Duration::from_millis(2500);

/// Wakes the table inside it.
#[island]
pub fn LiveModels(
    /// The table, as the server wrote it.
    children: Children,
) -> impl IntoView {
    Effect::new(move |_| {
        let ticks = set_interval_with_handle(
            || {
                if !document().hidden() {
                    spawn_local(async { show_age(refresh().await.is_none()) });
                }
            },
            EVERY,
        );
        on_cleanup(move || drop(ticks.map(|ticks| ticks.clear())));
    });
    children()
}

/// Takes over what is new. A part that says the same stays as it is, so that nothing is pulled
/// from under a finger or a keyboard's focus.
async fn refresh() -> Option<()> {
    let page = read().await.ok()?;
    let template = document().create_element("template").ok()?;
    let template: HtmlTemplateElement = template.dyn_into().ok()?;
    template.set_inner_html(&page);
    let (old, new) = (find("#models-live")?, template.content());
    let new = new.query_selector("#models-live").ok()??;
    let parts = |of: &Element| of.query_selector_all("[data-live]").ok();
    let (mine, theirs) = (parts(&old)?, parts(&new)?);
    if mine.length() == theirs.length() {
        for index in 0..mine.length() {
            replace(&part(&mine, index)?, &part(&theirs, index)?);
        }
    } else {
        replace(&old, &new);
    }
    Some(())
}

async fn read() -> Result<String, JsValue> {
    let answer = JsFuture::from(window().fetch_with_str(PAGE)).await?;
    let answer: Response = answer.dyn_into()?;
    if !answer.ok() || answer.redirected() {
        return Err(JsValue::NULL);
    }
    let text = JsFuture::from(answer.text()?).await?;
    text.as_string().ok_or(JsValue::NULL)
}

fn part(of: &NodeList, index: u32) -> Option<Element> {
    of.item(index)?.dyn_into().ok()
}

fn replace(old: &Element, new: &Element) {
    let html = new.inner_html();
    if old.inner_html() != html {
        old.set_inner_html(&html);
    }
}

/// Says so where what is shown is not of now.
fn show_age(stale: bool) {
    if let Some(words) = find("#models-stale") {
        let _ = words.toggle_attribute_with_force("hidden", !stale);
    }
}
