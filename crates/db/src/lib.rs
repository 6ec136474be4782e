//! PostgreSQL: the pool, the migrations, errors with a meaning, and the audit log.
//!
//! Queries themselves stand in the domain crates, beside what they are for.

pub mod audit;
mod error;
mod migrate;
mod pool;

pub use audit::{Actor, AuditEntry, Origin, record};
pub use error::{Constraint, DbError, DbResult};
pub use migrate::{MIGRATOR, MigrateError, MigrationState, create_database, migrate, status};
pub use pool::{PoolSettings, connect, connect_lazy};
pub use sqlx::PgPool;

use uuid::Uuid;

/// A new primary key: UUIDv7 (RFC 9562), so that rows made together lie together.
#[must_use]
pub fn new_id<T: From<Uuid>>() -> T {
    Uuid::now_v7().into()
}
