//! Who a person is and what they may do: sign-in through Keycloak, sessions in Redis, accounts
//! in `users`.
//!
//! Backend for frontend: the browser holds one opaque token in a host-only cookie; Keycloak's
//! tokens stay on the server, once for each Keycloak session, whose sessions with us (one for
//! each host) share them.

mod accounts;
mod back_channel;
mod bearer;
mod changes;
mod devices;
mod ending;
mod error;
mod events;
mod grants;
mod handoff;
mod health;
mod keycloak;
mod named;
mod permissions;
mod refresh;
mod return_to;
mod rights;
mod secret;
mod service;
mod session;
mod store;
mod sweep;
mod user_agent;
mod user_sessions;
mod users;

pub use accounts::{ACCOUNTS_PER_PAGE, Account, AccountPage, KeycloakAccount};
pub use bearer::{API_AUDIENCE, Bearer};
pub use changes::CHANGES_CHANNEL;
pub use devices::SignedInAt;
pub use error::IdentityError;
pub use health::{Check, KeycloakHealth};
pub use keycloak::{BackendClient, KeycloakSettings};
pub use permissions::{Permission, Permissions};
pub use return_to::safe_return_to;
pub use rights::Rights;
pub use secret::Secret;
pub use service::{Callback, IdentityService, SignIn, SignedIn};
pub use session::Session;
