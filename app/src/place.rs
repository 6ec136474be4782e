//! Where on the internet a request arrives: the main host, or an agent's own.
//!
//! With `BASE_URL=https://example.com` the agent `chef` lives at `https://chef.example.com`.
//! A cookie is of one host, a session too, and an origin as well, so that no agent's page
//! can act on another's or on the main host.

use http::{HeaderMap, Uri};
use url::{Host, Url};

/// The host that a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The address in `BASE_URL`.
    Main,
    /// The place of the agent with this slug; whether there is one is another question.
    Agent(String),
}

/// The addresses of the main host and of the agents.
#[derive(Debug, Clone)]
pub struct Places {
    base: Url,
    /// Agents live one label below it; `None` where there can be no subdomains.
    domain: Option<String>,
}

impl Places {
    /// Agents live below the host of `base`, where it has a name.
    #[must_use]
    pub fn new(base: Url) -> Self {
        let domain = match base.host() {
            Some(Host::Domain(name)) => Some(name.to_owned()),
            _ => None,
        };
        Self { base, domain }
    }

    /// The place that a `Host` header names; `None` for a host that isn't ours.
    #[must_use]
    pub fn of_host(&self, host: &str) -> Option<Place> {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().ok()?),
            None => (host, self.default_port()?),
        };
        if Some(port) != self.base.port_or_known_default() {
            return None;
        }
        let name = name.to_ascii_lowercase();
        if Some(name.as_str()) == self.base.host_str() {
            return Some(Place::Main);
        }
        let slug = name
            .strip_suffix(self.domain.as_deref()?)?
            .strip_suffix('.')?;
        is_label(slug).then(|| Place::Agent(slug.to_owned()))
    }

    /// The place that a request is for. Over HTTP/2 the host stands in the address.
    #[must_use]
    pub fn of_request(&self, uri: &Uri, headers: &HeaderMap) -> Option<Place> {
        let header = headers.get(http::header::HOST);
        let host = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => header?.to_str().ok()?,
        };
        self.of_host(host)
    }

    /// The address of a place, without a slash at its end: its origin, as browsers write it.
    #[must_use]
    pub fn origin(&self, place: &Place) -> String {
        match place {
            Place::Main => self.base.origin().ascii_serialization(),
            Place::Agent(slug) => {
                let base = self.origin(&Place::Main);
                let (scheme, host) = base.split_once("://").unwrap_or(("https", &base));
                format!("{scheme}://{slug}.{host}")
            }
        }
    }

    /// The name of a place, without a port.
    #[must_use]
    pub fn host(&self, place: &Place) -> String {
        let base = self.base.host_str().unwrap_or_default();
        match place {
            Place::Main => base.to_owned(),
            Place::Agent(slug) => format!("{slug}.{base}"),
        }
    }

    /// The address of a page at a place; `path` begins with a slash.
    #[must_use]
    pub fn address(&self, place: &Place, path: &str) -> String {
        format!("{}{path}", self.origin(place))
    }

    fn default_port(&self) -> Option<u16> {
        match self.base.scheme() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        }
    }
}

/// One label of a host name (RFC 1123, 2.1).
fn is_label(text: &str) -> bool {
    let middle = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(middle)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(base: &str) -> Places {
        Places::new(base.parse().unwrap())
    }

    fn agent(slug: &str) -> Option<Place> {
        Some(Place::Agent(slug.to_owned()))
    }

    #[test]
    fn each_agent_has_a_host_of_its_own() {
        let here = places("http://localhost:3000");
        assert_eq!(here.of_host("localhost:3000"), Some(Place::Main));
        assert_eq!(here.of_host("chef.localhost:3000"), agent("chef"));
        assert_eq!(here.of_host("CHEF.localhost:3000"), agent("chef"));
        for foreign in [
            "",
            ":3000",
            "localhost",
            "localhost:3001",
            "localhost:3000:3000",
            ".localhost:3000",
            "a.b.localhost:3000",
            "-a.localhost:3000",
            "a_b.localhost:3000",
            "cheflocalhost:3000",
            "chef.localhost.evil.example:3000",
            "evil.example:3000",
            "localhost.:3000",
        ] {
            assert_eq!(here.of_host(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn places_have_addresses() {
        let there = places("https://chat.example.com");
        assert_eq!(there.of_host("chat.example.com"), Some(Place::Main));
        assert_eq!(there.of_host("chef.chat.example.com:443"), agent("chef"));
        assert_eq!(there.of_host("example.com"), None);
        let chef = Place::Agent("chef".to_owned());
        assert_eq!(there.origin(&chef), "https://chef.chat.example.com");
        assert_eq!(there.origin(&Place::Main), "https://chat.example.com");
        assert_eq!(there.host(&chef), "chef.chat.example.com");
        let here = places("http://localhost:3000");
        assert_eq!(
            here.address(&chef, "/chat"),
            "http://chef.localhost:3000/chat"
        );
    }

    #[test]
    fn an_address_without_a_name_has_no_subdomains() {
        let bare = places("http://127.0.0.1:3000");
        assert_eq!(bare.of_host("127.0.0.1:3000"), Some(Place::Main));
        assert_eq!(bare.of_host("chef.127.0.0.1:3000"), None);
    }
}
