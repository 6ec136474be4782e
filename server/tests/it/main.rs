//! The server's front, as a stranger and as somebody signed in, with real services.

mod app;
mod front;
mod strangers;
