//! Agents: what they are, who may do what with them ([`Viewer`]), their versions, and how
//! they are used.

mod access;
mod avatar;
mod card;
mod check;
mod compare;
mod copies;
mod dashboard;
mod draft;
mod error;
mod file;
mod former;
mod sample;
mod save;
mod shelf;
mod slug;
mod statistics;
mod store;
mod versions;

pub use access::{Editor, Viewer};
pub use avatar::{Avatar, Hue, InvalidAvatar, initials};
pub use card::AgentCard;
pub use check::MOST_MODELS;
pub use compare::{DiffLine, FieldChange, LineKind, compare, diff_lines};
pub use copies::Made;
pub use dashboard::{DashboardAgent, DashboardPage, DeletedAgent, PAGE_SIZE};
pub use draft::{AgentDraft, Parameters, UnknownVisibility, Visibility};
pub use error::{AgentError, EditError, FieldError};
pub use sample::create_sample_agents;
pub use save::{EditableAgent, Saved};
pub use shelf::RESTORE_DAYS;
pub use statistics::{DayFigures, Figures, ModelFigures, Span, Statistics};
pub use store::{Agent, AgentLook, AgentService};
pub use versions::{AgentVersion, VersionSummary};
