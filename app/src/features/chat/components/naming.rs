//! What the page and the browser both call a conversation.

/// What opens the menu of the conversation called `title`, for who can't see where it stands.
pub(super) fn menu_label(title: &str) -> String {
    format!("Rename or delete “{title}”")
}
