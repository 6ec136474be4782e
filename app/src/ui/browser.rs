//! The few things of the browser that several islands use. None of it is called while
//! a page is rendered on the server.

use leptos::web_sys::{
    self, Blob, BlobPropertyBag, Document, Element, Request, RequestInit, RequestRedirect,
    UrlSearchParams,
};
use wasm_bindgen::{JsCast, JsValue};

/// How many minutes this browser's clock is ahead of UTC.
pub const CLOCK_COOKIE: &str = "utc_offset";

/// The page.
#[must_use]
pub fn document() -> Document {
    leptos::prelude::document()
}

/// The first element that `selector` finds.
#[must_use]
pub fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

/// The first element that `selector` finds, as what it is known to be.
#[must_use]
pub fn find_as<T: JsCast>(selector: &str) -> Option<T> {
    find(selector)?.dyn_into().ok()
}

/// Every element under `root` that `selector` finds.
#[must_use]
pub fn all(root: &Document, selector: &str) -> Vec<Element> {
    let Ok(list) = root.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.item(index)?.dyn_into().ok())
        .collect()
}

/// Posts a plain form in the background. Its answer, a redirect, is not followed.
///
/// # Errors
/// The browser refused to send it.
pub fn post_form(path: &str, fields: &[(&str, &str)]) -> Result<(), JsValue> {
    let body = UrlSearchParams::new()?;
    for (name, value) in fields {
        body.append(name, value);
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&body);
    init.set_redirect(RequestRedirect::Manual);
    let request = Request::new_with_str_and_init(path, &init)?;
    // A choice that the server did not hear lasts until the next page; no harm.
    let _ = leptos::prelude::window().fetch_with_request(&request);
    Ok(())
}

/// Puts `choice` (`light`, `dark`, or anything else for the system's) on the page.
pub fn show_theme(choice: &str) {
    if let Some(root) = document().document_element() {
        let _ = match choice {
            "light" | "dark" => root.set_attribute("data-theme", choice),
            _ => root.remove_attribute("data-theme"),
        };
    }
}

/// What a screen reader should say now.
pub fn announce(text: &str) {
    if let Some(region) = find("#announce") {
        region.set_text_content(Some(text));
    }
}

/// Shows every moment under the page in the reader's own time and language.
pub fn localise_times() {
    let options = js_sys::Object::new();
    let exact = js_sys::Object::new();
    for (target, name, value) in [
        (&options, "timeStyle", "short"),
        (&exact, "dateStyle", "full"),
        (&exact, "timeStyle", "medium"),
    ] {
        let _ = js_sys::Reflect::set(target, &name.into(), &value.into());
    }
    let locales = js_sys::Array::new();
    let short = js_sys::Intl::DateTimeFormat::new(&locales, &options).format();
    let long = js_sys::Intl::DateTimeFormat::new(&locales, &exact).format();
    for time in all(&document(), "time:not([data-local])") {
        let Some(text) = time.get_attribute("datetime") else {
            continue;
        };
        let at = js_sys::Date::new(&text.into());
        let say =
            |format: &js_sys::Function| format.call1(&JsValue::UNDEFINED, &at).ok()?.as_string();
        if let (Some(short), Some(long)) = (say(&short), say(&long)) {
            time.set_text_content(Some(&short));
            let _ = time.set_attribute("title", &long);
            let _ = time.set_attribute("data-local", "");
        }
    }
}

/// Takes what only the way in needed out of the address: a code that was used up says nothing
/// to whoever gets the link.
pub fn tidy_address() {
    let window = leptos::prelude::window();
    let location = window.location();
    let search = location.search().unwrap_or_default();
    let Ok(query) = UrlSearchParams::new_with_str(&search) else {
        return;
    };
    if !query.has("handoff") && !query.has("guest") {
        return;
    }
    query.delete("handoff");
    query.delete("guest");
    let rest = String::from(query.to_string());
    if let (Ok(history), Ok(mut address)) = (window.history(), location.pathname()) {
        if !rest.is_empty() {
            address = format!("{address}?{rest}");
        }
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}

/// Tells the server what this browser's clock says, in a cookie: "today" is the reader's.
pub fn tell_clock() {
    // East of Greenwich is negative there.
    let minutes = -js_sys::Date::new_0().get_timezone_offset();
    let cookie = format!("{CLOCK_COOKIE}={minutes}; path=/; max-age=31536000; samesite=lax");
    let _ = js_sys::Reflect::set(&document(), &"cookie".into(), &cookie.into());
}

/// Whether Enter should begin a line rather than send: there is no Shift to hold.
#[must_use]
pub fn touch_only() -> bool {
    leptos::prelude::window()
        .match_media("(hover: none) and (pointer: coarse)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

/// Puts `text` on the clipboard.
///
/// # Errors
/// The person or the browser does not allow it.
pub async fn copy(text: &str) -> Result<(), JsValue> {
    let clipboard = leptos::prelude::window().navigator().clipboard();
    wasm_bindgen_futures::JsFuture::from(clipboard.write_text(text))
        .await
        .map(drop)
}

/// Puts what `text` brings on the clipboard. Browsers let only a press do that, and have forgotten
/// the press once something was fetched, so they are given the promise at once
/// (<https://developer.mozilla.org/en-US/docs/Web/API/ClipboardItem/ClipboardItem>).
///
/// # Errors
/// The person or the browser does not allow it, or `text` fails.
pub async fn copy_fetched(
    text: impl Future<Output = Result<String, JsValue>> + 'static,
) -> Result<(), JsValue> {
    let text = wasm_bindgen_futures::future_to_promise(async move {
        // Not every browser takes a promise of a mere string.
        let plain = BlobPropertyBag::new();
        plain.set_type("text/plain");
        let parts = js_sys::Array::of1(&JsValue::from_str(&text.await?));
        let blob = Blob::new_with_str_sequence_and_options(&parts, &plain)?;
        Ok::<JsValue, JsValue>(blob.into())
    });
    let kinds = js_sys::Object::new();
    js_sys::Reflect::set(&kinds, &"text/plain".into(), text.as_ref())?;
    let window = leptos::prelude::window();
    let constructor: js_sys::Function =
        js_sys::Reflect::get(&window, &"ClipboardItem".into())?.dyn_into()?;
    let item = js_sys::Reflect::construct(&constructor, &js_sys::Array::of1(&kinds))?;
    let clipboard = window.navigator().clipboard();
    wasm_bindgen_futures::JsFuture::from(clipboard.write(&js_sys::Array::of1(&item)))
        .await
        .map(drop)
}

/// Where small things of this tab are kept (drafts).
#[must_use]
pub fn session_storage() -> Option<web_sys::Storage> {
    leptos::prelude::window().session_storage().ok().flatten()
}
