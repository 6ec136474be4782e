//! Pages, islands and server functions. Pages exist only on the server; what the
//! browser also gets is the islands and the calls they make.

pub mod error;
pub mod features;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod layout;
#[cfg(feature = "ssr")]
pub mod place;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod state;

#[cfg(feature = "ssr")]
pub use layout::shell::shell;
#[cfg(feature = "ssr")]
pub use routes::App;
