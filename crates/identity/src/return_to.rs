//! Where to go after signing in: only ever to a page of ours.

use url::Url;

/// The path and query of `wanted`, if it leads to a page of `base`; `/chat` otherwise.
///
/// Open redirects after sign-in are a classic (oauth2-proxy CVE-2020-5233, -4037): the
/// text is resolved as a browser would, and what counts is where it ends.
#[must_use]
pub fn safe_return_to(base: &Url, wanted: Option<&str>) -> String {
    const HOME: &str = "/chat";
    let Some(wanted) = wanted else {
        return HOME.to_owned();
    };
    if !wanted.starts_with('/') || wanted.chars().any(|c| c.is_control() || c == '\\') {
        return HOME.to_owned();
    }
    match base.join(wanted) {
        // A path may hide another host behind two slashes even after it was resolved.
        Ok(url) if url.origin() == base.origin() && !url.path().starts_with("//") => {
            let query = url
                .query()
                .map(|query| format!("?{query}"))
                .unwrap_or_default();
            // Back to the sign-in would go round in circles.
            if url.path().starts_with("/auth/") {
                HOME.to_owned()
            } else {
                url.path().to_owned() + &query
            }
        }
        _ => HOME.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_are_returned_to() {
        let base: Url = "http://localhost:3000".parse().unwrap();
        let to = |wanted| safe_return_to(&base, Some(wanted));
        assert_eq!(to("/chat/1?x=1#frag"), "/chat/1?x=1");
        assert_eq!(to("/agents"), "/agents");
        for hostile in [
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/%09/evil.example/..//x\n",
            "https://evil.example",
            "javascript:alert(1)",
            "/..//evil.example",
            "/.//evil.example",
            "http://localhost:3000@evil.example",
            "@evil.example",
            "",
            "/auth/login?return_to=/auth/login",
        ] {
            assert_eq!(to(hostile), "/chat", "{hostile:?}");
        }
        assert_eq!(safe_return_to(&base, None), "/chat");
    }
}
