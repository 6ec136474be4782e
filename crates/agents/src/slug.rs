//! An agent's part of the address: its place is `http://{slug}.…/`, so it is one label of a
//! host name (RFC 1123, section 2.1) that nothing else uses.

/// Characters of a slug, at least.
const MIN: usize = 2;
/// Characters of a slug, at most. A label could have 63; no person wants to type them.
pub(crate) const MAX: usize = 40;

/// Hosts and first parts of paths that are ours, that people take for ours, or that
/// software gives a meaning of its own (RFC 2142, RFC 6761, RFC 8615).
const RESERVED: [&str; 87] = [
    "about",
    "access",
    "account",
    "accounts",
    "admin",
    "administrator",
    "agent",
    "agents",
    "api",
    "app",
    "apps",
    "archived",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "beta",
    "billing",
    "blog",
    "broadcasthost",
    "cdn",
    "chat",
    "console",
    "dashboard",
    "db",
    "deleted",
    "demo",
    "dev",
    "dns",
    "docs",
    "email",
    "events",
    "files",
    "ftp",
    "git",
    "health",
    "help",
    "home",
    "host",
    "hostmaster",
    "id",
    "imap",
    "import",
    "invalid",
    "keycloak",
    "keys",
    "local",
    "localhost",
    "login",
    "logout",
    "mail",
    "metrics",
    "mta-sts",
    "mx",
    "new",
    "ns1",
    "ns2",
    "oauth",
    "oidc",
    "onelastai",
    "openapi",
    "payments",
    "pkg",
    "pop",
    "postmaster",
    "proxy",
    "root",
    "search",
    "security",
    "session",
    "settings",
    "signin",
    "signup",
    "smtp",
    "sso",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "test",
    "v1",
    "v2",
    "webhooks",
    "webmaster",
    "wpad",
    "www",
];

/// Whether an agent can be looked for by this: PostgreSQL's text holds no NUL, and an
/// address may have one.
pub(crate) fn is_askable(slug: &str) -> bool {
    !slug.contains('\0')
}

/// Of a slug that another agent has.
pub(crate) const TAKEN: &str = "This address is taken. Choose another one.";

/// Whether a slug can be one; else what to do, in words for people.
pub(crate) fn check(slug: &str) -> Result<(), String> {
    if slug.is_empty() {
        return Err("Give the agent an address, such as “travel-planner”.".to_owned());
    }
    if !slug
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return Err("Use only small letters from a to z, digits and hyphens.".to_owned());
    }
    if !(MIN..=MAX).contains(&slug.len()) {
        return Err(format!("Use {MIN} to {MAX} characters."));
    }
    if slug.starts_with('-') || slug.ends_with('-') {
        return Err("Begin and end with a letter or a digit.".to_owned());
    }
    // Labels of internationalised names (RFC 5890), which can look like any other name.
    if slug.starts_with("xn--") {
        return Err("An address can't begin with “xn--”. Choose another one.".to_owned());
    }
    if RESERVED.binary_search(&slug).is_ok() {
        return Err(format!("“{slug}” is reserved. Choose another one."));
    }
    Ok(())
}

/// A slug made of another one, cut where both together are too long.
pub(crate) fn with_ending(slug: &str, ending: &str) -> String {
    let room = MAX.saturating_sub(ending.len());
    let base = slug.get(..room).unwrap_or(slug).trim_end_matches('-');
    format!("{base}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserved_are_in_order_and_refused() {
        assert!(RESERVED.is_sorted());
        for slug in RESERVED {
            assert!(check(slug).is_err(), "{slug}");
        }
        for wanted in [
            "www",
            "api",
            "app",
            "admin",
            "auth",
            "account",
            "billing",
            "chat",
            "agents",
            "docs",
            "static",
            "pkg",
            "assets",
            "mail",
            "localhost",
            "health",
            "metrics",
            "webhooks",
            "v1",
            "keycloak",
            "id",
            "login",
            "sso",
            "status",
        ] {
            assert!(RESERVED.contains(&wanted), "{wanted}");
        }
    }

    #[test]
    fn what_is_refused_says_what_to_do() {
        for (slug, word) in [
            ("", "Give"),
            ("a", "2 to 40"),
            (&*"a".repeat(41), "2 to 40"),
            ("Tutor", "small letters"),
            ("tu tor", "small letters"),
            ("tütor", "small letters"),
            ("a.b", "small letters"),
            ("a_b", "small letters"),
            ("tutor\n", "small letters"),
            ("-ab", "Begin"),
            ("ab-", "Begin"),
            ("xn--80ak6aa92e", "xn--"),
            ("api", "reserved"),
        ] {
            let message = check(slug).expect_err(slug);
            assert!(message.contains(word), "{slug}: {message}");
        }
        for slug in ["ab", "a1", "4-2", "code-reviewer", "a--b", &*"a".repeat(40)] {
            assert_eq!(check(slug), Ok(()), "{slug}");
        }
    }

    #[test]
    fn an_ending_never_makes_it_too_long() {
        assert_eq!(with_ending("tutor", "-copy"), "tutor-copy");
        let long = with_ending(&format!("{}-bcdef", "a".repeat(34)), "-copy");
        assert_eq!(long, format!("{}-copy", "a".repeat(34)));
        assert_eq!(with_ending(&"a".repeat(40), "-copy-12").len(), MAX);
    }
}
