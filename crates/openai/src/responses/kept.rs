//! What is kept of an answer: what was asked, item by item, and the answer, to be shown and to
//! be gone on from.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Input, InputItem,
    input::{InputPart, MessageContent, TypedItem},
};
use crate::{ApiError, chat::MessageRole};

/// The most items of one page.
const MOST: usize = 100;
/// As many as a page has where nobody says.
const USUAL: usize = 20;

/// One thing that was said, called or returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum KeptItem {
    /// A message.
    Message {
        /// `msg_…`
        id: String,
        /// Always `completed`.
        status: String,
        /// Who said it.
        role: MessageRole,
        /// What was said.
        content: Vec<InputPart>,
    },
    /// A function that the model asked for.
    FunctionCall {
        /// `fc_…`
        id: String,
        /// Always `completed`.
        status: String,
        /// Names the call.
        call_id: String,
        /// The function.
        name: String,
        /// JSON, as text.
        arguments: String,
    },
    /// What the function returned.
    FunctionCallOutput {
        /// `fco_…`
        id: String,
        /// Always `completed`.
        status: String,
        /// Which call.
        call_id: String,
        /// What came back.
        output: String,
    },
}

/// What a kept answer is gone on from by: what the model said and called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeptOutput {
    /// Its items.
    pub output: Vec<InputItem>,
}

/// Which items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ItemPage {
    /// How many at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<usize>,
    /// `desc`, the last first, where it isn't said; or `asc`.
    #[param(inline)]
    pub order: Option<ItemOrder>,
    /// Those that come after this one, as `last_id` of the page before says.
    pub after: Option<String>,
}

/// Which item comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ItemOrder {
    /// The first.
    Asc,
    /// The last.
    #[default]
    Desc,
}

/// A page of items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ItemList {
    /// Always `list`.
    pub object: &'static str,
    /// In the order that was asked for.
    pub data: Vec<KeptItem>,
    /// The first of them.
    pub first_id: Option<String>,
    /// What to send as `after` for the next page.
    pub last_id: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// An answer that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeletedResponse {
    /// What it was.
    pub id: String,
    /// Always `response`.
    pub object: &'static str,
    /// Always true.
    pub deleted: bool,
}

impl DeletedResponse {
    /// The one of this name.
    pub fn of(id: String) -> Self {
        Self {
            id,
            object: "response",
            deleted: true,
        }
    }
}

impl Input {
    /// As it is kept with the answer whose names end in `id`. Pointers to what was thought are
    /// left out: nothing could be read by them.
    pub fn kept(self, id: &str) -> Vec<KeptItem> {
        let items = match self {
            Self::Text(text) => vec![InputItem::Message {
                role: MessageRole::User,
                content: MessageContent::Text(text),
            }],
            Self::Items(items) => items,
        };
        let items = items.into_iter().enumerate();
        items
            // Not as the parts of the answer are called, which are numbered too.
            .filter_map(|(index, item)| KeptItem::new(item, &format!("{id}_in{index}")))
            .collect()
    }
}

impl KeptItem {
    fn new(item: InputItem, name: &str) -> Option<Self> {
        let status = "completed".to_owned();
        Some(match item {
            InputItem::Message { role, content } => Self::Message {
                id: format!("msg_{name}"),
                status,
                role,
                content: parts(role, content),
            },
            InputItem::Typed(TypedItem::FunctionCall {
                call_id,
                name: function,
                arguments,
            }) => Self::FunctionCall {
                id: format!("fc_{name}"),
                status,
                call_id,
                name: function,
                arguments,
            },
            InputItem::Typed(TypedItem::FunctionCallOutput { call_id, output }) => {
                Self::FunctionCallOutput {
                    id: format!("fco_{name}"),
                    status,
                    call_id,
                    output,
                }
            }
            InputItem::Typed(TypedItem::Reasoning {}) => return None,
        })
    }

    fn id(&self) -> &str {
        match self {
            Self::Message { id, .. }
            | Self::FunctionCall { id, .. }
            | Self::FunctionCallOutput { id, .. } => id,
        }
    }
}

fn parts(role: MessageRole, content: MessageContent) -> Vec<InputPart> {
    match content {
        MessageContent::Parts(parts) => parts,
        MessageContent::Text(text) if role == MessageRole::Assistant => {
            vec![InputPart::OutputText { text }]
        }
        MessageContent::Text(text) => vec![InputPart::InputText { text }],
    }
}

impl ItemList {
    /// The page of `items`, which are in the order in which they were sent.
    ///
    /// # Errors
    /// Where `after` is none of them.
    pub fn page(mut items: Vec<KeptItem>, page: &ItemPage) -> Result<Self, ApiError> {
        if page.order.unwrap_or_default() == ItemOrder::Desc {
            items.reverse();
        }
        if let Some(after) = &page.after {
            let place = items.iter().position(|item| item.id() == after);
            let place = place.ok_or_else(|| {
                ApiError::invalid("after", "There is no such item to go on from.")
            })?;
            items.drain(..=place);
        }
        let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let id = |item: Option<&KeptItem>| item.map(|item| item.id().to_owned());
        Ok(Self {
            object: "list",
            first_id: id(items.first()),
            last_id: id(items.last()),
            data: items,
            has_more,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::responses::input::messages;

    const ITEMS: &str = r#"[
        {"role":"developer","content":"Be brief"},
        {"role":"user","content":[{"type":"input_text","text":"And this?\u0000"},
         {"type":"input_image","image_url":"data:image/png;base64,iVBORw=="}]},
        {"type":"reasoning","id":"rs_1","summary":[]},
        {"type":"function_call","id":"fc_9","call_id":"call_1","name":"warmth","arguments":"{}"},
        {"type":"function_call_output","call_id":"call_1","output":"21"},
        {"role":"assistant","content":"21 degrees."}]"#;

    fn kept(input: &str) -> Vec<KeptItem> {
        serde_json::from_str::<Input>(input).unwrap().kept("7")
    }

    fn ids(list: &ItemList) -> Vec<&str> {
        list.data.iter().map(KeptItem::id).collect()
    }

    #[test]
    fn what_is_kept_is_read_as_what_was_sent() {
        let text = serde_json::to_string(&kept(ITEMS)).unwrap();
        assert_eq!(
            serde_json::from_str::<Vec<KeptItem>>(&text).unwrap(),
            kept(ITEMS)
        );
        let again = messages(serde_json::from_str(&text).unwrap()).unwrap();
        let sent = messages(serde_json::from_str(ITEMS).unwrap()).unwrap();
        assert_eq!(again, sent);
    }

    #[test]
    fn a_text_is_shown_as_a_message_with_its_parts() {
        let shown = serde_json::to_value(kept("\"Hi\"")).unwrap();
        assert_eq!(
            shown,
            serde_json::json!([{
                "type": "message", "id": "msg_7_in0", "status": "completed", "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}],
            }])
        );
    }

    #[test]
    fn what_a_model_said_can_be_gone_on_from() {
        let answer = r#"{"id":"resp_7","output":[
            {"type":"message","id":"msg_7","status":"completed","role":"assistant",
             "content":[{"type":"output_text","text":"Hi","annotations":[],"logprobs":[]}]},
            {"type":"function_call","id":"fc_7_0","call_id":"c","name":"f","arguments":"{}","status":"completed"}]}"#;
        let output = serde_json::from_str::<KeptOutput>(answer).unwrap().output;
        let said = messages(output).unwrap();
        assert_eq!(said[0].content, "Hi");
        assert_eq!(said[1].tool_calls[0].id, "c");
    }

    #[test]
    fn pages_follow_each_other_in_both_orders() {
        let page = |order, after: Option<&str>, limit| {
            let page = ItemPage {
                limit,
                order,
                after: after.map(str::to_owned),
            };
            ItemList::page(kept(ITEMS), &page)
        };
        let last = page(None, None, Some(2)).unwrap();
        assert_eq!(ids(&last), ["msg_7_in5", "fco_7_in4"]);
        assert_eq!(last.first_id.as_deref(), Some("msg_7_in5"));
        assert!(last.has_more);
        let rest = page(None, last.last_id.as_deref(), None).unwrap();
        assert_eq!(ids(&rest), ["fc_7_in3", "msg_7_in1", "msg_7_in0"]);
        assert!(!rest.has_more);
        let first = page(Some(ItemOrder::Asc), None, Some(0)).unwrap();
        assert_eq!((ids(&first), first.has_more), (vec!["msg_7_in0"], true));
        let wrong = page(None, Some("msg_8"), None).unwrap_err();
        assert_eq!(wrong.param.as_deref(), Some("after"));
    }
}
