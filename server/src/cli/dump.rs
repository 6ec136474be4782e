//! `onelastai db dump-schema`: PostgreSQL's own `pg_dump`, on the database of the settings.

use std::{
    collections::BTreeMap,
    process::{ExitCode, Stdio},
};

use serde_json::json;
use tokio::process::Command;
use url::{Host, Url};

use super::{Done, output};
use crate::config::DatabaseConfig;

/// The parameters of the address that our own connections know, and how `pg_dump` is told of
/// them (<https://www.postgresql.org/docs/current/libpq-envars.html>).
const PARAMETERS: &[(&[&str], &str)] = &[
    (&["sslmode", "ssl-mode"], "PGSSLMODE"),
    (&["sslrootcert", "ssl-root-cert", "ssl-ca"], "PGSSLROOTCERT"),
    (&["sslcert", "ssl-cert"], "PGSSLCERT"),
    (&["sslkey", "ssl-key"], "PGSSLKEY"),
    (&["host"], "PGHOST"),
    (&["hostaddr"], "PGHOSTADDR"),
    (&["port"], "PGPORT"),
    (&["dbname"], "PGDATABASE"),
    (&["user"], "PGUSER"),
    (&["password"], "PGPASSWORD"),
    (&["application_name"], "PGAPPNAME"),
];

/// Prints the schema: as SQL, or as `{"schema": "…"}`.
pub(super) async fn run(config: &DatabaseConfig, as_json: bool) -> Done {
    let url: Url = config.url.parse()?;
    let dump = Command::new("pg_dump")
        .args(["--schema-only", "--no-owner", "--no-privileges"])
        .arg("--no-password")
        // The address holds the password, so it goes by the environment, not by the arguments
        // that every process on the machine can read.
        .envs(environment(&url))
        .stdout(if as_json {
            Stdio::piped()
        } else {
            Stdio::inherit()
        })
        .spawn()
        .map_err(|error| {
            format!(
                "can't run pg_dump ({error}): install PostgreSQL's client programs of the \
                 server's version"
            )
        })?;
    let done = dump.wait_with_output().await?;
    if !done.status.success() {
        return Err(format!(
            "pg_dump ended with {}: its version must not be older than the server's",
            done.status
        )
        .into());
    }
    if as_json {
        output::json(&json!({ "schema": String::from_utf8(done.stdout)? }));
    }
    Ok(ExitCode::SUCCESS)
}

/// What the address says, as PostgreSQL's programs are told; what it doesn't say stays as the
/// environment has it, which our own connections read too.
fn environment(url: &Url) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    let mut say = |name: &'static str, value: String| {
        if !value.is_empty() {
            found.insert(name, value);
        }
    };
    let host = match url.host() {
        // Perhaps the folder of a socket: %2Frun%2Fpostgresql.
        Some(Host::Domain(name)) => decode(name),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    say("PGHOST", host);
    say(
        "PGPORT",
        url.port().map_or_else(String::new, |port| port.to_string()),
    );
    say("PGUSER", decode(url.username()));
    say("PGPASSWORD", decode(url.password().unwrap_or_default()));
    say("PGDATABASE", decode(url.path().trim_start_matches('/')));
    let mut options = Vec::new();
    for (key, value) in url.query_pairs() {
        let known = PARAMETERS.iter().find(|(keys, _)| keys.contains(&&*key));
        let option = key
            .strip_prefix("options[")
            .and_then(|key| key.strip_suffix(']'));
        match (known, option) {
            (Some((_, "PGSSLMODE")), _) => say("PGSSLMODE", value.to_ascii_lowercase()),
            (Some((_, name)), _) => say(name, value.into_owned()),
            (None, Some(option)) => options.push(format!("-c {option}={value}")),
            (None, None) if key == "options" => options.push(value.into_owned()),
            // What only our own connections understand, as statement-cache-capacity.
            (None, None) => {}
        }
    }
    say("PGOPTIONS", options.join(" "));
    found
}

fn decode(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `NAME=value` for each, in the order of the names.
    fn told(url: &str) -> Vec<String> {
        let told = environment(&url.parse().unwrap());
        told.iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn a_password_comes_out_as_it_was() {
        assert_eq!(decode("p%40ss%2Fw+rd"), "p@ss/w+rd");
        assert_eq!(decode(""), "");
    }

    #[test]
    fn what_the_address_says_is_passed_on_and_nothing_else() {
        assert_eq!(
            told("postgres://me:p%40ss@db.example.com:5433/one"),
            [
                "PGDATABASE=one",
                "PGHOST=db.example.com",
                "PGPASSWORD=p@ss",
                "PGPORT=5433",
                "PGUSER=me",
            ]
        );
        assert_eq!(
            told("postgres://[2001:db8::1]/one"),
            ["PGDATABASE=one", "PGHOST=2001:db8::1"]
        );
        assert_eq!(
            told("postgres://%2Frun%2Fpostgresql/one"),
            ["PGDATABASE=one", "PGHOST=/run/postgresql"]
        );
    }

    #[test]
    fn parameters_are_passed_on_too() {
        assert_eq!(
            told(
                "postgres://db/one?sslmode=Verify-Full&ssl-ca=/ca.pem&host=/run/pg&port=6000\
                 &user=me&options[search_path]=a&options=-c%20timezone=UTC\
                 &statement-cache-capacity=100"
            ),
            [
                "PGDATABASE=one",
                "PGHOST=/run/pg",
                "PGOPTIONS=-c search_path=a -c timezone=UTC",
                "PGPORT=6000",
                "PGSSLMODE=verify-full",
                "PGSSLROOTCERT=/ca.pem",
                "PGUSER=me",
            ]
        );
    }
}
