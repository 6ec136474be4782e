//! Small honest charts: bars from zero, drawn as SVG on the server.

use leptos::prelude::*;

/// One bar: a label for whoever points at it, and a value of at least 0.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Such as a day.
    pub label: String,
    /// How high.
    pub value: f64,
    /// The value in words.
    pub shown: String,
}

/// Bars side by side. The numbers stand in a table elsewhere on the page, so the picture is
/// one image with a summary for screen readers.
#[component]
pub fn BarChart<'a>(
    /// What is shown.
    #[prop(into)]
    title: String,
    /// The number that sums it up.
    #[prop(into)]
    total: String,
    /// From left to right.
    bars: &'a [Bar],
) -> impl IntoView + use<> {
    let highest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let count = bars.len().max(1);
    #[allow(
        clippy::cast_precision_loss,
        reason = "there are at most some hundred bars"
    )]
    let width = 100.0 / count as f64;
    let first = bars.first().map(|bar| bar.label.clone());
    let last = bars.last().map(|bar| bar.label.clone());
    let label = format!(
        "{title}: {total} from {} to {}",
        first.as_deref().unwrap_or("–"),
        last.as_deref().unwrap_or("–")
    );
    let mut x = 0.0;
    let drawn: String = bars
        .iter()
        .map(|bar| {
            let height = if highest > 0.0 {
                bar.value / highest * 40.0
            } else {
                0.0
            };
            let rect = format!(
                "<rect x=\"{x:.3}\" y=\"{:.3}\" width=\"{:.3}\" height=\"{height:.3}\"><title>{}: {}</title></rect>",
                40.0 - height,
                width * 0.8,
                escaped(&bar.label),
                escaped(&bar.shown),
            );
            x += width;
            rect
        })
        .collect();
    view! {
        <figure class="chart">
            <figcaption><strong>{title}</strong><span>{total}</span></figcaption>
            <svg
                viewBox="0 0 100 40"
                preserveAspectRatio="none"
                role="img"
                aria-label=label
                inner_html=drawn
            ></svg>
            <div class="chart-days" aria-hidden="true"><span>{first}</span><span>{last}</span></div>
        </figure>
    }
    .into_any()
}

fn escaped(text: &str) -> String {
    super::raw_text::escaped(text)
}
