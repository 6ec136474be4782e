//! The answer that is growing, as elements of the page.

use leptos::web_sys::{Element, Node, Text};
use onelastai_types::{AnswerStatus, ViewEvent};
use wasm_bindgen::JsCast;

use super::super::waiting::place_in_line;
use super::rail;
use crate::ui::browser::{announce, document, find};

/// What is to do after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// More will follow.
    Listen,
    /// The answer has its last word; its title may still follow.
    Finished,
    /// Nothing follows.
    Close,
}

/// An answer on the page, with the nodes that every patch needs.
pub(super) struct Answer {
    article: Element,
    blocks: Element,
    tail: Element,
    /// The text of the tail that grows, once it was looked up.
    growing: Option<Text>,
    /// Text for the status line that only shows until the connection is back.
    lost: bool,
    /// What the status line says while all is well.
    status: String,
}

impl Answer {
    /// The answer of `generation`, if the page shows it.
    pub(super) fn find(generation: &str) -> Option<Self> {
        let article = find(&format!("[data-generation=\"{generation}\"]"))?;
        let part = |name: &str| article.query_selector(name).ok().flatten();
        Some(Self {
            blocks: part(".blocks")?,
            tail: part(".tail")?,
            status: part("[data-status]")
                .and_then(|it| it.text_content())
                .unwrap_or_default(),
            article,
            growing: None,
            lost: false,
        })
    }

    /// The number of the last event that the server put into the page itself.
    pub(super) fn seq(&self) -> String {
        self.article
            .get_attribute("data-seq")
            .unwrap_or_else(|| "0".to_owned())
    }

    /// Whether more of it is to come.
    pub(super) fn generating(&self) -> bool {
        self.article.get_attribute("data-state").as_deref() == Some("generating")
    }

    /// Shows one event. Nothing here makes the browser compute the layout.
    pub(super) fn show(&mut self, event: ViewEvent) -> After {
        match event {
            ViewEvent::Waiting { position } => {
                self.status = place_in_line(position);
                self.say(&self.status, None);
            }
            ViewEvent::Started(started) => {
                self.status = format!("{} is writing", started.model);
                self.say(&self.status, Some(&started.reason));
            }
            ViewEvent::Patch {
                blocks,
                tail,
                code,
                prose,
            } => {
                if !blocks.is_empty() {
                    let _ = self.blocks.insert_adjacent_html("beforeend", &blocks);
                }
                if let Some(tail) = tail {
                    self.tail.set_inner_html(&tail);
                    self.growing = None;
                }
                if let Some(text) = code {
                    self.grow(&text, Self::last_code_text);
                }
                if let Some(text) = prose {
                    self.grow(&text, |this| last_text(&this.tail));
                }
            }
            ViewEvent::Reset { blocks } => {
                self.blocks.set_inner_html(&blocks);
                self.tail.set_inner_html("");
                self.growing = None;
            }
            ViewEvent::Finished { status, foot } => {
                let _ = self.article.set_attribute("data-state", status.as_str());
                if let Ok(Some(place)) = self.article.query_selector(".foot") {
                    place.set_inner_html(&foot);
                }
                announce(match status {
                    AnswerStatus::Complete | AnswerStatus::Generating => "The answer is complete.",
                    AnswerStatus::Stopped => "The answer was stopped.",
                    AnswerStatus::Failed | AnswerStatus::Interrupted => {
                        "The answer could not be finished."
                    }
                });
                return After::Finished;
            }
            ViewEvent::Title { title } => rail::rename(&title),
            ViewEvent::End => return After::Close,
        }
        After::Listen
    }

    /// The connection went away (or came back); the answer goes on without us.
    pub(super) fn set_lost(&mut self, lost: bool) {
        if self.lost != lost {
            self.lost = lost;
            let text = if lost {
                "The connection is gone; trying again. Nothing is lost."
            } else {
                self.status.as_str()
            };
            self.say(text, None);
        }
    }

    /// Adds `text` to the text node that grows; `find` finds it after the tail was replaced.
    fn grow(&mut self, text: &str, find: impl FnOnce(&Self) -> Option<Text>) {
        if self.growing.is_none() {
            self.growing = find(self);
        }
        if let Some(node) = &self.growing {
            let _ = node.append_data(text);
        }
    }

    /// The text node at the end of the last `<code>` of the tail; made if there is none.
    fn last_code_text(&self) -> Option<Text> {
        let all = self.tail.query_selector_all("code").ok()?;
        let code = all.item(all.length().checked_sub(1)?)?;
        if let Some(text) = code.last_child().and_then(|it| it.dyn_into::<Text>().ok()) {
            return Some(text);
        }
        let text = document().create_text_node("");
        code.append_child(&text).ok()?;
        Some(text)
    }

    /// Changes the line under the answer.
    fn say(&self, text: &str, title: Option<&str>) {
        if let Ok(Some(line)) = self.article.query_selector("[data-status]") {
            line.set_text_content(Some(text));
            if let Some(title) = title {
                let _ = line.set_attribute("title", title);
            }
        }
    }
}

/// The last text in `node` that is not only white space.
fn last_text(node: &Node) -> Option<Text> {
    let mut child = node.last_child();
    while let Some(at) = child {
        match at.dyn_ref::<Text>() {
            Some(text) if !text.data().trim().is_empty() => return Some(text.clone()),
            Some(_) => {}
            None => {
                if let Some(text) = last_text(&at) {
                    return Some(text);
                }
            }
        }
        child = at.previous_sibling();
    }
    None
}
