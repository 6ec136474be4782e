//! Moments and spans as people read them.

use leptos::prelude::*;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// When something was: in UTC as sent, in the reader's own time and language once the
/// page is awake (see `browser::localise_times`).
#[component]
pub fn MessageTime(
    /// The moment.
    at: OffsetDateTime,
) -> impl IntoView {
    let short = at
        .format(format_description!("[hour]:[minute] UTC"))
        .unwrap_or_default();
    let long = at
        .format(format_description!(
            "[day padding:none] [month repr:long] [year], [hour]:[minute] UTC"
        ))
        .unwrap_or_default();
    let exact = at.format(&Rfc3339).unwrap_or_default();
    view! { <time datetime=exact title=long>{short}</time> }
}

/// When something was, with its day; `at` by the reader's clock, in UTC where that isn't
/// known.
#[component]
pub fn Moment(
    /// The moment.
    at: OffsetDateTime,
) -> impl IntoView {
    let day = at
        .format(format_description!(
            "[day padding:none] [month repr:short] [year], [hour]:[minute]"
        ))
        .unwrap_or_default();
    let zone = if at.offset().is_utc() { " UTC" } else { "" };
    let exact = at.format(&Rfc3339).unwrap_or_default();
    view! { <time datetime=exact.clone() title=exact>{day}{zone}</time> }
}

/// A span of milliseconds in words: `0.42 s`, `12 s`, `3 min 5 s`.
#[must_use]
pub fn seconds(milliseconds: i32) -> String {
    let ms = milliseconds.max(0);
    match ms {
        0..10_000 => format!("{}.{:02} s", ms / 1000, ms % 1000 / 10),
        10_000..120_000 => format!("{} s", ms / 1000),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn spans_read_well() {
        assert_eq!(seconds(-4), "0.00 s");
        assert_eq!(seconds(420), "0.42 s");
        assert_eq!(seconds(12_345), "12 s");
        assert_eq!(seconds(185_000), "3 min 5 s");
    }
}
