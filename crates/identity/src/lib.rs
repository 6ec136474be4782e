//! Who a person is: sign-in through Keycloak, sessions in Redis, accounts in `users`.
//!
//! Backend for frontend: the browser holds one opaque token in a host-only cookie;
//! Keycloak's tokens stay on the server.

mod error;
mod health;
mod keycloak;
mod return_to;
mod secret;
mod service;
mod session;
mod users;

pub use error::IdentityError;
pub use health::{Check, KeycloakHealth};
pub use keycloak::KeycloakSettings;
pub use return_to::safe_return_to;
pub use secret::Secret;
pub use service::{Callback, IdentityService, SignIn, SignedIn};
pub use session::Session;
