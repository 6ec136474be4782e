//! A text that changed, line by line.

use leptos::prelude::*;
use onelastai_agents::{DiffLine, LineKind};

/// Every line of both texts, in order. What became of each shows by a sign too, not only by
/// its colour.
#[must_use]
pub fn diff(lines: &[DiffLine]) -> AnyView {
    let lines = lines
        .iter()
        .map(|line| {
            let (class, sign) = match line.kind {
                LineKind::Same => ("same", "  "),
                LineKind::Added => ("added", "+ "),
                LineKind::Removed => ("removed", "− "),
            };
            view! { <span class=class>{sign}{line.text.clone()}"\n"</span> }
        })
        .collect_view();
    view! { <pre class="diff">{lines}</pre> }.into_any()
}
