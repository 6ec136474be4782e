//! The WebAssembly that wakes the islands, and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

// Keeps the islands of `app`, which the page calls by name.
use onelastai_app as _;

/// Called by the page once the module has arrived.
#[wasm_bindgen]
pub fn hydrate() {
    #[cfg(feature = "debug-panics")]
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
