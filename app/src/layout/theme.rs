//! Light, dark or the system's: a cookie the server reads, so that no page flashes.

use axum::http::header::COOKIE;
use axum::http::request::Parts;
use leptos::prelude::*;

/// The name of the cookie; its values are those of [`Theme::as_str`].
pub const COOKIE_NAME: &str = "theme";

/// What the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// As it stands in the cookie and the form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The choice named `name`; anything unknown is the system's.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// For `data-theme` of the page.
    #[must_use]
    pub fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then(|| self.as_str())
    }

    /// What the cookies of a request say.
    #[must_use]
    pub fn of_cookies(cookies: &str) -> Self {
        cookies
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE_NAME)
            .map_or(Self::System, |(_, value)| Self::from_name(value))
    }

    /// Of the request that is being answered.
    #[must_use]
    pub fn current() -> Self {
        use_context::<Parts>().map_or(Self::System, |parts| {
            parts
                .headers
                .get_all(COOKIE)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .map(Self::of_cookies)
                .find(|theme| *theme != Self::System)
                .unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Theme;

    #[test]
    fn the_cookie_decides() {
        assert_eq!(Theme::of_cookies("a=b; theme=dark"), Theme::Dark);
        assert_eq!(Theme::of_cookies("theme=light"), Theme::Light);
        assert_eq!(Theme::of_cookies("theme=\"><script>"), Theme::System);
        assert_eq!(Theme::of_cookies(""), Theme::System);
    }
}
