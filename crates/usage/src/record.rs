//! What Redis keeps of a reservation: enough for any replica to settle it.
//!
//! `tokens so far|prompt|person|key|minute|key's minute|day|month|tokens|cost|since|kind|agent|model`

use onelastai_types::{AgentId, UserId};
use uuid::Uuid;

/// Who writes down what the request took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This crate.
    Ours,
    /// Somebody else, in a transaction of their own.
    Elsewhere,
}

impl Kind {
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Ours => "o",
            Self::Elsewhere => "e",
        }
    }
}

/// A reservation, as far as settling it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub completion_tokens: u32,
    pub prompt_tokens: u32,
    pub user: UserId,
    pub key: Option<Uuid>,
    pub since_ms: i64,
    pub kind: Kind,
    pub agent: Option<AgentId>,
    pub model: String,
}

/// `None` for what another version wrote in a form of its own.
pub(crate) fn parse(record: &str) -> Option<Record> {
    let fields: Vec<&str> = record.splitn(14, '|').collect();
    let id = |text: &str| Uuid::try_parse(text).ok();
    let [
        counted,
        prompt,
        person,
        key,
        _,
        _,
        _,
        _,
        _,
        _,
        since,
        kind,
        agent,
        model,
    ] = fields.as_slice()
    else {
        return None;
    };
    Some(Record {
        completion_tokens: counted.parse().ok()?,
        prompt_tokens: prompt.parse().ok()?,
        user: id(person)?.into(),
        key: id(key),
        since_ms: since.parse().ok()?,
        kind: match *kind {
            "o" => Kind::Ours,
            "e" => Kind::Elsewhere,
            _ => return None,
        },
        agent: id(agent).map(AgentId),
        model: (*model).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_may_have_any_name() {
        let user = Uuid::from_u128(5);
        let text = format!("7|20|{}||9|0|3|24000|120|0|1700|o||a|b", user.simple());
        let record = parse(&text).unwrap();
        assert_eq!(record.user.0, user);
        assert_eq!((record.completion_tokens, record.prompt_tokens), (7, 20));
        assert_eq!((record.key, record.agent), (None, None));
        assert_eq!(record.model, "a|b");
        assert_eq!(parse("7|20"), None);
    }
}
