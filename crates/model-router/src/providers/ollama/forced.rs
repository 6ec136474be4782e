//! Tools that have to be called. Ollama can't be told so, and knows tools only of some models; but
//! it holds any model's answer to a schema, and an answer that is a tool's arguments is a call.

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    answer::{ChatEvent, FinishReason, ToolCallDelta},
    chat::{ChatMessage, ChatRequest, Format, Role, Tool, ToolChoice},
    error::ModelError,
    providers::EventStream,
};

/// The request whose answer is a call, and how to read that answer, where a tool has to be called.
pub(super) fn forced(request: &ChatRequest) -> Option<(ChatRequest, Calls)> {
    let (ToolChoice::Required | ToolChoice::Named(_)) = request.tool_choice else {
        return None;
    };
    let offered = |tool: &&Tool| request.tool_choice.offers(tool);
    let tools: Vec<&Tool> = request.tools.iter().filter(offered).collect();
    let (schema, words, calls) = match tools[..] {
        [] => return None,
        [tool] => (arguments(tool), one(tool), Calls::of(&tool.name)),
        _ => (several(&tools), words(&tools), Calls::default()),
    };
    let mut forced = ChatRequest {
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        format: Format::JsonSchema {
            name: "call".to_owned(),
            schema,
            strict: true,
        },
        ..request.clone()
    };
    instruct(&mut forced.messages, &words);
    Some((forced, calls))
}

fn arguments(tool: &Tool) -> Value {
    let nothing = || json!({"type": "object", "properties": {}});
    tool.parameters.clone().unwrap_or_else(nothing)
}

/// `{"call": NAME, "with": ARGUMENTS}`. The name comes first, in the alphabet too, so that the
/// arguments can be passed on while they are written.
fn several(tools: &[&Tool]) -> Value {
    let call = |tool: &&Tool| {
        json!({
            "type": "object",
            "properties": {"call": {"const": tool.name}, "with": arguments(tool)},
            "required": ["call", "with"],
            "additionalProperties": false,
        })
    };
    json!({"anyOf": tools.iter().map(call).collect::<Vec<_>>()})
}

fn one(tool: &Tool) -> String {
    let Tool {
        name, description, ..
    } = tool;
    let description = description.as_deref().unwrap_or_default();
    format!(
        "Call the function {name}: answer with its arguments as JSON and nothing else. {description}\nSchema of the arguments: {}",
        arguments(tool)
    )
}

fn words(tools: &[&Tool]) -> String {
    let mut words = "Call one of these functions: answer with JSON like {\"call\": \"name\", \"with\": {…}} and nothing else.".to_owned();
    for tool in tools {
        let description = tool.description.as_deref().unwrap_or_default();
        let arguments = arguments(tool);
        words.push_str(&format!(
            "\n- {}: {description} Schema of the arguments: {arguments}",
            tool.name
        ));
    }
    words
}

/// Many templates know no second system message.
fn instruct(messages: &mut Vec<ChatMessage>, words: &str) {
    match messages.first_mut() {
        Some(first) if first.role == Role::System => {
            first.content.push_str("\n\n");
            first.content.push_str(words);
        }
        _ => messages.insert(0, ChatMessage::new(Role::System, words)),
    }
}

/// Reads the answer to a [`forced`] request as the call that it is.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Which tool, once that is known.
    name: Option<String>,
    /// The answer says which tool.
    told: bool,
    begun: bool,
    /// What came and was not passed on.
    pending: String,
}

impl Calls {
    fn of(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// The same answer as a call.
    pub(super) fn read(mut self, events: EventStream) -> EventStream {
        events
            .flat_map(move |event| stream::iter(self.turn(event)))
            .boxed()
    }

    fn turn(&mut self, event: Result<ChatEvent, ModelError>) -> Vec<Result<ChatEvent, ModelError>> {
        match event {
            Ok(ChatEvent::Text(text)) => {
                self.pending.push_str(&text);
                self.piece(false).into_iter().map(Ok).collect()
            }
            Ok(ChatEvent::Done(mut usage)) => {
                let last = self.piece(true);
                if self.begun && usage.finish_reason == FinishReason::Stop {
                    usage.finish_reason = FinishReason::ToolCalls;
                }
                last.into_iter()
                    .chain([ChatEvent::Done(usage)])
                    .map(Ok)
                    .collect()
            }
            other => vec![other],
        }
    }

    /// What of `pending` can be passed on.
    fn piece(&mut self, last: bool) -> Option<ChatEvent> {
        if self.name.is_none() {
            let Some((name, arguments)) = head(&self.pending) else {
                // Cut off before it said which: the words are all there is.
                let words = last.then(|| std::mem::take(&mut self.pending))?;
                return (!words.is_empty()).then_some(ChatEvent::Text(words));
            };
            self.pending.drain(..arguments);
            (self.name, self.told) = (Some(name), true);
        }
        let arguments = if self.told {
            self.inner(last)
        } else {
            std::mem::take(&mut self.pending)
        };
        if arguments.is_empty() {
            return None;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        Some(ChatEvent::ToolCall(ToolCallDelta {
            index: 0,
            id: first.then(super::wire::call_id),
            name: self.name.clone().filter(|_| first),
            arguments,
        }))
    }

    /// The arguments without the brace after them, which is known as such only at the end.
    fn inner(&mut self, last: bool) -> String {
        let brace = self.pending.rfind('}').unwrap_or(self.pending.len());
        let rest = self.pending.split_off(brace);
        let inner = std::mem::replace(&mut self.pending, rest);
        if last {
            self.pending.clear();
        }
        inner
    }
}

/// Which tool, and where its arguments begin, in `{"call":"name","with":…`.
fn head(text: &str) -> Option<(String, usize)> {
    let after = |text: &str, what: &str| -> Option<usize> {
        Some(text.trim_start().strip_prefix(what)?.len())
    };
    let mut at = 0;
    for what in ["{", "\"call\"", ":", "\""] {
        at = text.len() - after(&text[at..], what)?;
    }
    // A tool's name holds nothing that JSON escapes.
    let end = at + text[at..].find('"')?;
    let name = text[at..end].to_owned();
    at = end + 1;
    for what in [",", "\"with\"", ":"] {
        at = text.len() - after(&text[at..], what)?;
    }
    at = text.len() - text[at..].trim_start().len();
    (at < text.len()).then_some((name, at))
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::answer::ChatUsage;

    fn tool(name: &str) -> Tool {
        Tool {
            name: name.to_owned(),
            description: Some("Looks.".to_owned()),
            parameters: Some(json!({"type": "object", "required": ["at"]})),
            strict: None,
        }
    }

    fn request(tool_choice: ToolChoice) -> ChatRequest {
        ChatRequest {
            messages: vec![
                ChatMessage::new(Role::System, "Be brief."),
                ChatMessage::new(Role::User, "Look!"),
            ],
            tools: vec![tool("look"), tool("hear")],
            tool_choice,
            ..ChatRequest::default()
        }
    }

    /// The name, the arguments and why it ended, of an answer of these pieces.
    fn called(calls: Calls, pieces: &[&str], reason: FinishReason) -> (String, String, String) {
        let text = |piece: &&str| Ok(ChatEvent::Text((*piece).to_owned()));
        let done = ChatEvent::Done(ChatUsage {
            prompt_tokens: 1,
            completion_tokens: 1,
            load_ms: 0,
            prompt_eval_ms: 0,
            eval_ms: 0,
            finish_reason: reason,
        });
        let events: Vec<_> = pieces.iter().map(text).chain([Ok(done)]).collect();
        let events = calls.read(stream::iter(events).boxed());
        let (mut name, mut arguments, mut end) = (String::new(), String::new(), String::new());
        for event in events.collect::<Vec<_>>().now_or_never().unwrap() {
            match event.unwrap() {
                ChatEvent::ToolCall(call) => {
                    assert_eq!((call.index, call.id.is_some()), (0, name.is_empty()));
                    name.push_str(&call.name.unwrap_or_default());
                    arguments.push_str(&call.arguments);
                }
                ChatEvent::Text(text) => end.push_str(&text),
                ChatEvent::Thinking(_) => {}
                ChatEvent::Done(usage) => end.push_str(usage.finish_reason.as_str()),
            }
        }
        (name, arguments, end)
    }

    #[test]
    fn one_that_is_named_is_its_arguments() {
        let (asked, calls) = forced(&request(ToolChoice::Named("hear".to_owned()))).unwrap();
        assert!(asked.tools.is_empty());
        let Format::JsonSchema { schema, .. } = &asked.format else {
            panic!("{:?}", asked.format);
        };
        assert_eq!(*schema, json!({"type": "object", "required": ["at"]}));
        assert_eq!(asked.messages.len(), 2);
        let told = &asked.messages[0].content;
        assert!(
            told.starts_with("Be brief.\n\nCall the function hear"),
            "{told}"
        );
        assert_eq!(
            called(calls, &["{\"at\"", ": {}}"], FinishReason::Stop),
            ("hear".into(), "{\"at\": {}}".into(), "tool_calls".into())
        );
    }

    #[test]
    fn one_of_several_says_which_however_it_is_cut() {
        let answer = " {\"call\" : \"look\", \"with\": {\"at\": {\"x\": \"}\"}} }\n";
        let expected = (
            "look".to_owned(),
            "{\"at\": {\"x\": \"}\"}} ".to_owned(),
            "tool_calls".to_owned(),
        );
        for cut in 0..=answer.len() {
            let (_, calls) = forced(&request(ToolChoice::Required)).unwrap();
            let pieces = [&answer[..cut], &answer[cut..]];
            assert_eq!(
                called(calls, &pieces, FinishReason::Stop),
                expected,
                "{cut}"
            );
        }
        let each: Vec<_> = answer.split_inclusive(|_: char| true).collect();
        let (_, calls) = forced(&request(ToolChoice::Required)).unwrap();
        assert_eq!(called(calls, &each, FinishReason::Stop), expected);
    }

    #[test]
    fn what_was_cut_off_is_said_to_be() {
        let (_, calls) = forced(&request(ToolChoice::Required)).unwrap();
        let (name, arguments, end) = called(calls, &["{\"call\":\"lo"], FinishReason::Length);
        assert_eq!((name.as_str(), arguments.as_str()), ("", ""));
        assert_eq!(end, "{\"call\":\"lolength");
    }

    #[test]
    fn nothing_is_forced_where_none_must_be_called() {
        assert!(forced(&request(ToolChoice::Auto)).is_none());
        assert!(forced(&request(ToolChoice::None)).is_none());
        assert!(forced(&request(ToolChoice::Named("smell".to_owned()))).is_none());
    }
}
