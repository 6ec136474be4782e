//! As much of a browser as Keycloak's sign-in page needs.

use std::{collections::BTreeMap, env::temp_dir, fs::File};

use tokio::task::spawn_blocking;
use url::Url;

/// Keeps cookies, also the `Secure` ones that Keycloak sets on http://localhost.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

/// Until it is dropped nobody else has the turn of this name. Keycloak's protection against
/// guessing lets one attempt for an account through at a time and refuses what comes meanwhile,
/// also for a moment after its answer, so whoever shares an account keeps its turn until the code
/// is exchanged. Tests run side by side, and so do the programs that they are in.
pub async fn turn(name: &str) -> File {
    let name = format!("onelastai-sign-in-{name}.lock");
    let locked = move || {
        let file = File::create(temp_dir().join(name)).unwrap();
        file.lock().unwrap();
        file
    };
    spawn_blocking(locked).await.unwrap()
}

impl Browser {
    fn keep(&mut self, answer: &reqwest::Response) {
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// Opens the sign-in page at `url`, fills it in, and gives the code and the state that
    /// Keycloak sends the browser back with; or the page that it shows instead.
    pub async fn sign_in(
        &mut self,
        url: &Url,
        name: &str,
        password: &str,
    ) -> Result<(String, String), String> {
        let _turn = turn("of-all").await;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let answer = http.get(url.clone()).send().await.unwrap();
        self.keep(&answer);
        let page = answer.text().await.unwrap();
        let action = page
            .split("action=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_else(|| panic!("no form on {page}"))
            .replace("&amp;", "&");
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("username", name),
                ("password", password),
                ("credentialId", ""),
            ])
            .finish();
        let answer = http
            .post(action)
            .header("cookie", self.cookie_header())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap();
        self.keep(&answer);
        let Some(location) = answer.headers().get("location") else {
            return Err(answer.text().await.unwrap());
        };
        let back: Url = location.to_str().unwrap().parse().unwrap();
        let query: BTreeMap<_, _> = back.query_pairs().into_owned().collect();
        Ok((query["code"].clone(), query["state"].clone()))
    }

    /// Opens the sign-in page in a browser that is signed in at Keycloak already: the code and
    /// the state, or nothing where Keycloak asks for a password.
    pub async fn pass_through(&mut self, url: &Url) -> Option<(String, String)> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let answer = http
            .get(url.clone())
            .header("cookie", self.cookie_header())
            .send()
            .await
            .unwrap();
        self.keep(&answer);
        let location = answer.headers().get("location")?;
        let back: Url = location.to_str().unwrap().parse().unwrap();
        let query: BTreeMap<_, _> = back.query_pairs().into_owned().collect();
        Some((query.get("code")?.clone(), query.get("state")?.clone()))
    }

    /// Whether Keycloak knows who this is without a password.
    pub async fn is_signed_in(&mut self, url: &Url) -> bool {
        self.pass_through(url).await.is_some()
    }
}
