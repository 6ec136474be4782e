//! Sending and stopping, without a reload.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::{Element, Event, FormData, HtmlFormElement, HtmlTemplateElement};
use onelastai_types::GenerationId;
use wasm_bindgen::JsCast;

use super::stream::Stream;
use super::{composer, rail};
use crate::error::AppError;
use crate::features::chat::server_fns::{Sent, answer_again, send_message, stop_answer};
use crate::ui::browser::{announce, find, find_as, localise_times};

/// How many pixels from its end a thread counts as scrolled away.
const FAR: i32 = 240;

/// Sends what `form` holds, shows it at once, and follows the answer.
pub(super) fn send(form: &HtmlFormElement) {
    let Ok(fields) = FormData::new_with_form(form) else {
        return;
    };
    let field = |name: &str| fields.get(name).as_string();
    let text = field("text").unwrap_or_default();
    if text.trim().is_empty() || composer::generating() || find("[data-pending]").is_some() {
        return;
    }
    let conversation = field("conversation").and_then(|id| id.parse().ok());
    let agent = field("agent");
    let key = field("key").unwrap_or_default();
    let typed = form.id() == "composer";

    composer::show_error(None);
    let pending = show_pending(&text);
    if typed {
        composer::write("");
    }
    spawn_local(async move {
        match send_message(conversation, agent, text.clone(), key).await {
            Ok(sent) => accept(&sent, conversation.is_none(), pending),
            Err(error) => refuse(&error, &text, pending),
        }
    });
}

/// Asks once more for the answer that `form` stands in; the new one takes its place.
pub(super) fn again(form: &HtmlFormElement) {
    let Some(generation) = generation(form) else {
        return;
    };
    if composer::generating() {
        return;
    }
    composer::show_error(None);
    let old = form.closest(".message").ok().flatten();
    spawn_local(async move {
        match answer_again(generation).await {
            Ok(sent) => {
                if let Some(old) = old {
                    old.remove();
                }
                // The button that had it is gone.
                composer::focus();
                show_sent(&sent);
            }
            Err(error) => complain(&error),
        }
    });
}

/// The answer that `form` is about.
pub(super) fn generation(form: &HtmlFormElement) -> Option<GenerationId> {
    let fields = FormData::new_with_form(form).ok()?;
    fields.get("generation").as_string()?.parse().ok()
}

/// Asks for the end of the answer. What the stream then says ends it on the page.
pub(super) fn stop(form: &HtmlFormElement) {
    let Some(generation) = generation(form) else {
        return;
    };
    spawn_local(async move {
        if let Err(error) = stop_answer(generation).await {
            composer::show_error(Some(&error.to_string()));
        }
    });
}

/// Puts the person's words in the thread before the server has them.
fn show_pending(text: &str) -> Option<Element> {
    let messages = find("#messages")?;
    let template: HtmlTemplateElement = find_as("#pending-message")?;
    let article: Element = template
        .content()
        .first_element_child()?
        .clone_node_with_deep(true)
        .ok()?
        .dyn_into()
        .ok()?;
    article
        .query_selector(".blocks")
        .ok()??
        .set_text_content(Some(text));
    messages.append_child(&article).ok()?;
    if let Some(empty) = find("#empty") {
        let _ = empty.set_attribute("hidden", "");
    }
    to_end();
    Some(article)
}

/// The server has the message.
fn accept(sent: &Sent, new: bool, pending: Option<Element>) {
    let conversation = sent.conversation.to_string();
    if let Some(pending) = pending {
        pending.remove();
    }
    if new {
        composer::settle(&conversation);
        rail::begin(&conversation);
        rail::rename(&sent.title);
        if let Some(empty) = find("#empty") {
            empty.remove();
        }
    }
    show_sent(sent);
    announce("Sent.");
}

/// Puts what was sent in the thread, and follows its answer.
fn show_sent(sent: &Sent) {
    composer::set_key(&sent.next_key);
    if let Some(messages) = find("#messages") {
        // Rendered and cleaned by our server, as everything in the thread.
        let _ = messages.insert_adjacent_html("beforeend", &sent.messages);
    }
    localise_times();
    to_end();
    Stream::current().follow(&sent.generation.to_string());
}

/// The server did not take the message: everything is as before, with the reason.
fn refuse(error: &AppError, text: &str, pending: Option<Element>) {
    if let Some(pending) = pending {
        pending.remove();
    }
    if let Some(empty) = find("#empty") {
        let _ = empty.remove_attribute("hidden");
    }
    // Something new may have been typed meanwhile; it is not overwritten.
    let newer = composer::field()
        .map(|field| field.value())
        .unwrap_or_default();
    if newer.is_empty() {
        composer::write(text);
    } else {
        composer::write(&format!("{text}\n\n{newer}"));
    }
    complain(error);
}

/// Says what went wrong; whoever is signed out is sent to sign in.
fn complain(error: &AppError) {
    composer::show_error(Some(&error.to_string()));
    if *error == AppError::SignedOut {
        let location = window().location();
        let back = location.pathname().unwrap_or_default();
        // The draft waits in this tab.
        let _ = location.assign(&format!("/auth/login?return_to={back}"));
    }
}

/// The thread was scrolled: offers the way to its end where that is far. Scroll events come
/// after layout, so to read the position costs nothing.
pub(super) fn scrolled(event: &Event) {
    let Some(scroll) = event.target().and_then(|it| it.dyn_into::<Element>().ok()) else {
        return;
    };
    if scroll.id() != "scroll" {
        return;
    }
    let away = scroll.scroll_top() < -FAR;
    if away != scroll.has_attribute("data-away") {
        let _ = scroll.toggle_attribute_with_force("data-away", away);
    }
}

/// Shows the end of the thread. It is laid out from its end, so that is position 0, and
/// nothing has to be measured.
pub(super) fn to_end() {
    if let Some(scroll) = find("#scroll") {
        scroll.set_scroll_top(0);
    }
}
