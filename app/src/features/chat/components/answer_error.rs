//! What went wrong with an answer, in a person's words.

/// What happened, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// One sentence.
    pub(crate) what: &'static str,
    /// One sentence.
    pub(crate) advice: &'static str,
}

/// Explains the stable name of an error; an unknown one gets a general answer.
#[must_use]
pub(crate) fn explain(code: &str) -> Explanation {
    let (what, advice) = match code {
        "no_model" => (
            "No model is free to answer for this agent.",
            "Try again in a moment; if it stays like this, ask whoever runs this server.",
        ),
        "unreachable" => (
            "The model's server could not be reached.",
            "Try again; another one takes over as soon as it can.",
        ),
        "model_missing" => (
            "The model that this agent uses is not installed on its server.",
            "Ask whoever runs this server to install it, or pick another agent.",
        ),
        "refused" => (
            "The model's server did not accept the request.",
            "Try again; if it stays like this, ask whoever runs this server.",
        ),
        "queue_full" | "queue_timeout" => (
            "More people ask this model than it can answer.",
            "Wait a minute, then try again.",
        ),
        "unsupported" => (
            "No model here can do what this needs.",
            "Pick another agent, or leave out pictures and files.",
        ),
        "rate_limited" => (
            "The model has more to do than it can manage.",
            "Wait a minute, then try again.",
        ),
        "first_token_timeout" => (
            "The model did not begin in time.",
            "It may still have been loading. Try again.",
        ),
        "idle_timeout" => (
            "The model fell silent in the middle of its answer.",
            "What it wrote is kept. Try again for a whole answer.",
        ),
        "interrupted" => (
            "The model broke off in the middle of its answer.",
            "What it wrote is kept. Try again for a whole answer.",
        ),
        "shutdown" | "server_lost" | "lease_lost" => (
            "The server was restarted while the answer was being written.",
            "What was written is kept. Try again for a whole answer.",
        ),
        "answer_too_long" => (
            "The answer became longer than can be kept.",
            "Its beginning is kept. Ask for less at a time.",
        ),
        "database" => (
            "The answer could not be saved.",
            "What was saved of it is kept. Try again; if it stays like this, ask whoever runs this server.",
        ),
        "malformed" => (
            "The model sent something that makes no sense.",
            "Try again; if it stays like this, pick another agent.",
        ),
        "model_reported" => (
            "The model stopped with an error of its own.",
            "Try again; if it stays like this, pick another agent.",
        ),
        "request_too_large" => (
            "This conversation is too long for the model.",
            "Begin a new chat, or ask something shorter.",
        ),
        _ => (
            "The answer could not be finished.",
            "What was written is kept. Try again.",
        ),
    };
    Explanation { what, advice }
}

#[cfg(test)]
mod tests {
    use onelastai_chat::CODES;
    use onelastai_model_router::ModelError;

    use super::explain;

    #[test]
    fn every_known_error_has_words_of_its_own() {
        let codes = ModelError::CODES.into_iter().chain(CODES);
        for code in codes {
            assert_ne!(explain(code), explain("something new"), "{code}");
        }
    }
}
