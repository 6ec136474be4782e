//! What a verification found.

use std::fmt;

use serde::Serialize;

use super::Head;

/// The most faults that a report lists; the others are only counted.
pub const MAX_FAULTS: usize = 100;

/// One thing that is wrong, in words by its `Display`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The hash does not belong to what the row says.
    Changed {
        /// Of the row.
        sequence: i64,
    },
    /// The row is whole, but it was written at another place.
    OutOfOrder {
        /// Where it is now.
        sequence: i64,
        /// Where it was written.
        written_as: i64,
    },
    /// The row is whole, but it does not continue the one before it: either that one was
    /// changed and its hash worked out anew, or this one was put here.
    Broken {
        /// Of the row.
        sequence: i64,
    },
    /// The same number more than once.
    Repeated {
        /// The number.
        sequence: i64,
    },
    /// Rows that were here are not.
    Missing {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// The end was cut off: the stored head has a higher number than the last row.
    Cut {
        /// The first row that is missing.
        first: i64,
        /// The last row that is missing.
        last: i64,
    },
    /// Rows were added without the chain's trigger: the stored head has a lower number
    /// than the last row.
    BeyondHead {
        /// The first of these rows.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// The stored head has the number of the last row, but another hash.
    OtherHead {
        /// The number.
        sequence: i64,
    },
    /// There is no stored head.
    NoHead,
    /// The row that a noted head names has another hash now: it or a row before it was
    /// changed, and the hashes from there on were worked out anew.
    Rewritten {
        /// The number of the noted head.
        sequence: i64,
    },
    /// A noted head is further on than the last row: the end was cut off, and the stored
    /// head set back.
    CutBeforeNoted {
        /// The last row.
        last: i64,
        /// The number of the noted head.
        noted: i64,
    },
    /// A trigger or constraint that guards the log is missing or disabled.
    Unguarded {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { sequence } => write!(f, "row {sequence} was changed"),
            Self::OutOfOrder {
                sequence,
                written_as,
            } => write!(
                f,
                "row {sequence} is out of order: it was written as row {written_as}"
            ),
            Self::Broken { sequence } => write!(
                f,
                "row {sequence} does not continue row {}: one of the two was replaced",
                sequence.saturating_sub(1)
            ),
            Self::Repeated { sequence } => {
                write!(f, "there is more than one row {sequence}")
            }
            Self::Missing { first, last } if first == last => write!(f, "row {first} is missing"),
            Self::Missing { first, last } => write!(f, "rows {first} to {last} are missing"),
            Self::Cut { first, last } if first == last => {
                write!(f, "the end was cut off: row {first} is missing")
            }
            Self::Cut { first, last } => {
                write!(f, "the end was cut off: rows {first} to {last} are missing")
            }
            Self::BeyondHead { first, last } if first == last => {
                write!(f, "row {first} was added past the head of the chain")
            }
            Self::BeyondHead { first, last } => write!(
                f,
                "rows {first} to {last} were added past the head of the chain"
            ),
            Self::OtherHead { sequence } => write!(
                f,
                "the head of the chain has another hash than the last row, {sequence}: one of \
                 the two was replaced"
            ),
            Self::NoHead => write!(f, "the head of the chain is missing"),
            Self::Rewritten { sequence } => write!(
                f,
                "row {sequence} does not have the noted hash: it or a row before it was changed, \
                 and the hashes from there on were worked out anew"
            ),
            Self::CutBeforeNoted { last, noted } => write!(
                f,
                "the log ends with row {last}, but row {noted} was noted: the end was cut off, \
                 and the head set back"
            ),
            Self::Unguarded { name } => {
                write!(f, "the guard {name} is missing or disabled")
            }
        }
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many rows there are.
    pub rows: u64,
    /// The last row: note it down for the next verification, where nobody who can write
    /// to the database can change it.
    pub head: Head,
    /// What is wrong, at most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
    /// How many more faults there are.
    pub more_faults: u64,
}

impl Report {
    pub(super) const fn new() -> Self {
        Self {
            rows: 0,
            head: Head::START,
            faults: Vec::new(),
            more_faults: 0,
        }
    }

    pub(super) fn add(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            self.more_faults = self.more_faults.saturating_add(1);
        }
    }

    /// True where nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}
