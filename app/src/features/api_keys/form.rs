//! The form of a new key: texts as they were typed, so that nothing is lost when one of them
//! is wrong.

use onelastai_access::{FieldError, KeyDraft, Scope, Scopes, network};
use onelastai_types::{AgentId, Currency, Money, decimal};
use time::{Date, Duration, OffsetDateTime, Time, macros::format_description};
use uuid::Uuid;

/// More of one kind than any person sends.
const MOST: usize = 200;

/// How long a key lasts: the value in the form, and in words.
pub const LIVES: [(&str, &str); 5] = [
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "A year"),
    ("date", "Until a day"),
    ("never", "Until it is revoked"),
];

/// The currencies that a budget can be in.
pub const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "CHF"];

/// What stands in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyForm {
    /// Names this form: sent twice, it makes one key.
    pub request: String,
    /// As [`KeyDraft::name`].
    pub name: String,
    /// The names of scopes.
    pub scopes: Vec<String>,
    /// One of [`LIVES`].
    pub life: String,
    /// The last day, where `life` asks for one.
    pub date: String,
    /// Only for `agents`.
    pub some_agents: bool,
    /// The ids of agents.
    pub agents: Vec<String>,
    /// One a line.
    pub networks: String,
    /// A whole number, or empty.
    pub requests_per_minute: String,
    /// A whole number, or empty.
    pub tokens_per_minute: String,
    /// An amount, or empty.
    pub monthly_budget: String,
    /// One of [`CURRENCIES`].
    pub currency: String,
}

impl KeyForm {
    /// A form to begin with: for agents and chats, for 90 days.
    #[must_use]
    pub fn empty() -> Self {
        let scopes = [Scope::ModelsRead, Scope::AgentsUse, Scope::ChatWrite];
        Self {
            request: Uuid::new_v4().to_string(),
            scopes: scopes.map(|scope| scope.name().to_owned()).into(),
            life: "90".to_owned(),
            currency: CURRENCIES[0].to_owned(),
            ..Self::default()
        }
    }

    /// What a browser sent. A field that is missing is empty, one too many is ignored.
    #[must_use]
    pub fn of_fields(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            // Browsers end lines of a form with CR LF (HTML, 4.10.21.4).
            let value = value.replace("\r\n", "\n").replace('\0', "");
            match name.as_str() {
                "request" => form.request = value,
                "name" => form.name = value,
                "scopes" if form.scopes.len() < MOST => form.scopes.push(value),
                "life" => form.life = value,
                "date" => form.date = value,
                "which_agents" => form.some_agents = value == "some",
                "agents" if form.agents.len() < MOST => form.agents.push(value),
                "networks" => form.networks = value,
                "requests_per_minute" => form.requests_per_minute = value,
                "tokens_per_minute" => form.tokens_per_minute = value,
                "monthly_budget" => form.monthly_budget = value,
                "currency" => form.currency = value,
                _ => {}
            }
        }
        form
    }

    /// What names this form; one of its own where the browser sent none that can.
    #[must_use]
    pub fn request(&self) -> Uuid {
        Uuid::try_parse(&self.request).unwrap_or_else(|_| Uuid::new_v4())
    }

    /// What the key is to be.
    ///
    /// # Errors
    /// Every field whose text is not of its kind; what is out of range is the domain's to say.
    pub fn draft(&self, now: OffsetDateTime) -> Result<KeyDraft, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let draft = KeyDraft {
            name: self.name.clone(),
            scopes: self.chosen_scopes(&mut wrong),
            agents: self.chosen_agents(&mut wrong),
            networks: self.written_networks(&mut wrong),
            requests_per_minute: limit(
                &self.requests_per_minute,
                "requests_per_minute",
                &mut wrong,
            ),
            tokens_per_minute: limit(&self.tokens_per_minute, "tokens_per_minute", &mut wrong),
            monthly_budget: self.budget(&mut wrong),
            expires_at: self.end(now, &mut wrong),
        };
        if wrong.is_empty() {
            Ok(draft)
        } else {
            Err(wrong)
        }
    }

    fn chosen_scopes(&self, wrong: &mut Vec<FieldError>) -> Scopes {
        let scopes: Result<Scopes, _> = self.scopes.iter().map(|name| name.parse()).collect();
        scopes.unwrap_or_else(|_| {
            note(wrong, "scopes", "Choose from what is here.");
            Scopes::default()
        })
    }

    fn chosen_agents(&self, wrong: &mut Vec<FieldError>) -> Option<Vec<AgentId>> {
        if !self.some_agents {
            return None;
        }
        let agents: Result<Vec<AgentId>, _> = self.agents.iter().map(|id| id.parse()).collect();
        Some(agents.unwrap_or_else(|_| {
            note(wrong, "agents", "Choose from the agents that are here.");
            Vec::new()
        }))
    }

    fn written_networks(
        &self,
        wrong: &mut Vec<FieldError>,
    ) -> Option<Vec<onelastai_access::IpNetwork>> {
        let mut networks = Vec::new();
        let texts = self.networks.split(['\n', ',']).map(str::trim);
        for text in texts.filter(|text| !text.is_empty()).take(MOST) {
            match network(text) {
                Some(network) => networks.push(network),
                None => wrong.push(FieldError {
                    field: "networks",
                    message: format!("“{text}” is no network such as 192.0.2.0/24."),
                }),
            }
        }
        (!networks.is_empty()).then_some(networks)
    }

    fn budget(&self, wrong: &mut Vec<FieldError>) -> Option<Money> {
        let text = self.monthly_budget.trim();
        if text.is_empty() {
            return None;
        }
        let listed = CURRENCIES.contains(&self.currency.as_str());
        let currency = self.currency.parse::<Currency>().ok().filter(|_| listed);
        let budget = currency.and_then(|currency| {
            let minor = minor(text, currency.digits())?;
            Some(Money { minor, currency })
        });
        if budget.is_none() {
            note(wrong, "monthly_budget", "Write an amount such as 12.50.");
        }
        budget
    }

    /// A day ends where it ends in UTC, as months do.
    fn end(&self, now: OffsetDateTime, wrong: &mut Vec<FieldError>) -> Option<OffsetDateTime> {
        match self.life.as_str() {
            "never" => None,
            "30" => Some(now + Duration::days(30)),
            "90" => Some(now + Duration::days(90)),
            "365" => Some(now + Duration::days(365)),
            "date" => {
                let form = format_description!("[year]-[month]-[day]");
                let day = Date::parse(self.date.trim(), form).ok();
                let end = day.and_then(Date::next_day);
                // What PostgreSQL and RFC 3339 can write.
                let end = end.filter(|day| (0..=9999).contains(&day.year()));
                if end.is_none() {
                    note(wrong, "expires_at", "Choose the last day.");
                }
                end.map(|day| day.with_time(Time::MIDNIGHT).assume_utc())
            }
            _ => {
                note(wrong, "expires_at", "Choose how long it lasts.");
                None
            }
        }
    }
}

fn note(wrong: &mut Vec<FieldError>, field: &'static str, message: &str) {
    wrong.push(FieldError {
        field,
        message: message.to_owned(),
    });
}

/// The whole number in `text`; nothing where it is empty.
fn limit(text: &str, field: &'static str, wrong: &mut Vec<FieldError>) -> Option<u32> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let number = text.parse().ok();
    if number.is_none() {
        note(wrong, field, "Use a whole number, or leave it empty.");
    }
    number
}

/// An amount such as `12`, `12.5` or `12,50`, in minor units.
fn minor(text: &str, digits: usize) -> Option<i64> {
    i64::try_from(decimal(&text.replace(',', "."), digits)?).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-27 12:00 UTC);

    fn fields(pairs: &[(&str, &str)]) -> KeyForm {
        let owned = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        KeyForm::of_fields(owned)
    }

    #[test]
    fn what_is_typed_becomes_a_key() {
        let form = fields(&[
            ("name", "Laptop"),
            ("scopes", "chat.write"),
            ("scopes", "agents.use"),
            ("life", "date"),
            ("date", "2026-12-31"),
            ("which_agents", "some"),
            ("agents", "01890a5d-ac96-774b-bcce-b302099a8057"),
            ("networks", "192.0.2.0/24\r\n\r\n10.0.0.1, 2001:db8::/32"),
            ("requests_per_minute", " 60 "),
            ("tokens_per_minute", ""),
            ("monthly_budget", "12,5"),
            ("currency", "EUR"),
            ("user_id", "somebody"),
            ("admin", "true"),
        ]);
        let draft = form.draft(NOW).unwrap();
        assert_eq!(draft.scopes.names(), ["agents.use", "chat.write"]);
        assert_eq!(draft.agents.unwrap().len(), 1);
        assert_eq!(draft.networks.unwrap().len(), 3);
        assert_eq!(draft.requests_per_minute, Some(60));
        assert_eq!(draft.tokens_per_minute, None);
        assert_eq!(draft.monthly_budget.unwrap().minor, 1250);
        assert_eq!(draft.expires_at, Some(datetime!(2027-01-01 0:00 UTC)));
    }

    #[test]
    fn what_is_not_of_its_kind_is_said_at_its_field() {
        let form = fields(&[
            ("scopes", "chat.write"),
            ("scopes", "admin.*"),
            ("which_agents", "some"),
            ("agents", "1"),
            ("networks", "localhost"),
            ("requests_per_minute", "1.5"),
            ("tokens_per_minute", "-1"),
            ("monthly_budget", "1.005"),
            ("currency", "EUR"),
            ("life", "forever"),
        ]);
        let wrong = form.draft(NOW).unwrap_err();
        let names: Vec<_> = wrong.iter().map(|error| error.field).collect();
        assert_eq!(
            names,
            [
                "scopes",
                "agents",
                "networks",
                "requests_per_minute",
                "tokens_per_minute",
                "monthly_budget",
                "expires_at"
            ]
        );
    }

    #[test]
    fn a_life_is_days_or_a_day_or_no_end() {
        let end = |life: &str, date: &str| {
            let form = fields(&[("scopes", "chat.write"), ("life", life), ("date", date)]);
            form.draft(NOW).map(|draft| draft.expires_at)
        };
        assert_eq!(end("30", ""), Ok(Some(NOW + Duration::days(30))));
        assert_eq!(end("never", "2026-12-31"), Ok(None));
        for date in ["", "2026-02-30", "9999-12-31", "tomorrow"] {
            assert!(end("date", date).is_err(), "{date:?}");
        }
    }

    #[test]
    fn amounts_are_whole_minor_units() {
        assert_eq!(minor("12", 2), Some(1200));
        assert_eq!(minor("0.5", 2), Some(50));
        assert_eq!(minor("7", 0), Some(7));
        for wrong in [
            "",
            ".5",
            "-1",
            "1.234",
            "1e3",
            "1.2.3",
            "99999999999999999999",
            "７",
        ] {
            assert_eq!(minor(wrong, 2), None, "{wrong:?}");
        }
    }
}
