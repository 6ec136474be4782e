//! The audit log: who did what. Rows are written in the transaction that does it, are
//! chained by hashes, can be searched, exported and verified.

mod encoding;
mod export;
mod head;
mod query;
mod report;
mod row;
mod verify;
mod write;

pub use export::{ExportFormat, export};
pub use head::{Head, HeadError};
pub use query::{AuditPage, AuditQuery, MAX_PAGE_SIZE, entry, list};
pub use report::{Fault, MAX_FAULTS, Report};
pub use row::AuditRow;
pub use verify::verify;
pub use write::{Actor, AuditEntry, Origin, record, record_export, record_migration};
