//! Days and months, of UTC.

use std::time::Duration;

use time::{Date, Month, OffsetDateTime};

/// In milliseconds.
pub(crate) const DAY: i64 = 86_400_000;

pub(crate) fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// Until the day (UTC) ends.
pub(crate) fn day_left(now_ms: i64) -> Duration {
    millis(DAY - now_ms.rem_euclid(DAY))
}

/// The month (UTC), counted from year 0.
pub(crate) fn month_of(now_ms: i64) -> i64 {
    let date = date_of(now_ms);
    i64::from(date.year()) * 12 + i64::from(u8::from(date.month())) - 1
}

/// The day (UTC) of a time.
pub(crate) fn date_of(now_ms: i64) -> Date {
    OffsetDateTime::from_unix_timestamp(now_ms.div_euclid(1000))
        .map_or(Date::MIN, OffsetDateTime::date)
}

/// The first day of that day's month, and the first of the next one.
pub(crate) fn month_span(day: Date) -> (Date, Date) {
    let first = day.replace_day(1).unwrap_or(day);
    let year = first.year() + i32::from(first.month() == Month::December);
    let next = Date::from_calendar_date(year, first.month().next(), 1).unwrap_or(first);
    (first, next)
}

pub(crate) fn month_left(now_ms: i64) -> Duration {
    let (_, next) = month_span(date_of(now_ms));
    millis(next.midnight().assume_utc().unix_timestamp() * 1000 - now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_their_ends() {
        let day = |text: &str| {
            let form = time::macros::format_description!("[year]-[month]-[day]");
            Date::parse(text, form).unwrap()
        };
        assert_eq!(
            month_span(day("2026-12-31")),
            (day("2026-12-01"), day("2027-01-01"))
        );
        assert_eq!(
            month_span(day("2028-02-29")),
            (day("2028-02-01"), day("2028-03-01"))
        );
        let midnight = day("2026-03-01").midnight().assume_utc().unix_timestamp() * 1000;
        assert_eq!(month_of(midnight) - month_of(midnight - 1), 1);
        assert_eq!(month_left(midnight - 1), Duration::from_millis(1));
    }
}
