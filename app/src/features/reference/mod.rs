//! `/docs`: the API for those who write programs, made from its OpenAPI description.

mod description;
pub mod page;
mod schema;
