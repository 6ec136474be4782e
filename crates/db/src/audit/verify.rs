//! Whether the log is as it was written.

use futures::TryStreamExt;
use sqlx::{PgConnection, PgPool, types::Uuid};

use super::{
    Fault, Head, MAX_FAULTS, Report,
    encoding::hash_at,
    head::{HASH_LENGTH, hash},
    row::StoredRow,
};
use crate::DbResult;

/// Rows to a statement, so that none runs into the pool's time limit.
const BATCH: i64 = 2000;
/// How far away from its place a row is looked for.
const REACH: i64 = 1000;

/// Works out every hash anew, without the database's help, and follows the chain from
/// its first row to its head. Reads one snapshot, row by row, so its memory does not grow
/// with the log; it holds one connection, and writers go on meanwhile.
///
/// What it can't see alone: somebody with the rights of the tables' owner can change a
/// row, work out the hashes from there on anew and set the head to match. That is a
/// sound chain, only another one. It shows against a head that was noted down before
/// and kept where that somebody can't write: give it as `noted`. A noted head vouches
/// for its row and all before it; rows after it are vouched for by the next one. So note
/// heads often.
///
/// # Errors
/// As any query, also where the tables have been altered so that they can't be read;
/// a log that was tampered with is no error but a [`Report`] with faults.
pub async fn verify(pool: &PgPool, noted: Option<&Head>) -> DbResult<Report> {
    let mut snapshot = pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let mut walk = Walk::new(noted);
    for name in unguarded(&mut snapshot).await? {
        walk.report.add(Fault::Unguarded { name });
    }
    let mut after = (i64::MIN, Uuid::nil());
    loop {
        let mut rows = sqlx::query_as!(
            StoredRow,
            r#"SELECT sequence, id, actor_id, actor, action, target_type, target_id, address,
                      user_agent, changes::text AS "changes!", previous_hash, hash,
                      CASE WHEN isfinite(occurred_at)
                           THEN (extract(epoch FROM occurred_at) * 1000000)::bigint
                      END AS micros
               FROM audit_logs WHERE (sequence, id) > ($1, $2)
               ORDER BY sequence, id LIMIT $3"#,
            after.0,
            after.1,
            BATCH,
        )
        .fetch(&mut *snapshot);
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            after = (row.sequence, row.id);
            count += 1;
            walk.step(&row);
        }
        if count < BATCH {
            break;
        }
    }
    let head = sqlx::query!("SELECT sequence, hash FROM audit_chain")
        .fetch_optional(&mut *snapshot)
        .await?
        .map(|head| (head.sequence, head.hash));
    snapshot.rollback().await?;
    Ok(walk.end(head.as_ref()))
}

/// Triggers and constraints without which the log would not be what it is.
async fn unguarded(connection: &mut PgConnection) -> DbResult<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT name AS "name!"
           FROM unnest(ARRAY['audit_logs_chain', 'audit_logs_head', 'audit_logs_append_only',
                             'audit_logs_no_truncate', 'audit_chain_by_trigger_only',
                             'audit_logs_sequence_key']) WITH ORDINALITY AS guards (name, place)
           WHERE NOT EXISTS (
                   SELECT FROM pg_trigger
                   WHERE tgname = name AND tgenabled IN ('O', 'A')
                     AND tgrelid IN ('audit_logs'::regclass, 'audit_chain'::regclass))
             AND NOT EXISTS (
                   SELECT FROM pg_constraint
                   WHERE conname = name AND conrelid = 'audit_logs'::regclass)
           ORDER BY place"#
    )
    .fetch_all(connection)
    .await?)
}

/// The row before.
struct Seen {
    sequence: i64,
    stored: Vec<u8>,
    computed: [u8; HASH_LENGTH],
    out_of_order: bool,
}

impl Seen {
    fn has(&self, hash: &[u8]) -> bool {
        self.stored == hash || self.computed == hash
    }
}

struct Walk<'a> {
    report: Report,
    before: Seen,
    noted: Option<&'a Head>,
}

impl<'a> Walk<'a> {
    fn new(noted: Option<&'a Head>) -> Self {
        Self {
            report: Report::new(),
            before: Seen {
                sequence: Head::START.sequence,
                stored: Head::START.hash.to_vec(),
                computed: Head::START.hash,
                out_of_order: false,
            },
            noted,
        }
    }

    fn step(&mut self, row: &StoredRow) {
        let before = &self.before;
        let computed = hash_at(row, row.sequence);
        let next = before.sequence.saturating_add(1);
        let repeated = self.report.rows > 0 && row.sequence == before.sequence;
        let missing = (row.sequence > next).then(|| Fault::Missing {
            first: next,
            last: row.sequence.saturating_sub(1),
        });
        // Where the row before is known to be out of order, or gone, nothing can be said
        // about the link to it.
        let broken = !repeated
            && missing.is_none()
            && !before.out_of_order
            && !before.has(&row.previous_hash);
        let mut out_of_order = false;

        self.report.rows += 1;
        if let Some(missing) = missing {
            self.report.add(missing);
        }
        if repeated {
            self.report.add(Fault::Repeated {
                sequence: row.sequence,
            });
        }
        if row.hash != computed {
            let written_as = if self.report.faults.len() < MAX_FAULTS {
                written_as(row)
            } else {
                None
            };
            out_of_order = written_as.is_some();
            self.report.add(match written_as {
                Some(written_as) => Fault::OutOfOrder {
                    sequence: row.sequence,
                    written_as,
                },
                None => Fault::Changed {
                    sequence: row.sequence,
                },
            });
        } else if broken {
            self.report.add(Fault::Broken {
                sequence: row.sequence,
            });
        }
        self.before = Seen {
            sequence: row.sequence,
            stored: row.hash.clone(),
            computed,
            out_of_order,
        };
        if let Some(noted) = self.noted
            && noted.sequence == row.sequence
            && !out_of_order
            && !self.before.has(&noted.hash)
        {
            self.report.add(Fault::Rewritten {
                sequence: noted.sequence,
            });
        }
    }

    fn end(self, head: Option<&(i64, Vec<u8>)>) -> Report {
        let Self {
            mut report,
            before: last,
            noted,
        } = self;
        report.head = Head {
            sequence: last.sequence,
            hash: hash(&last.stored).unwrap_or(last.computed),
        };
        let furthest = match head {
            None => {
                report.add(Fault::NoHead);
                last.sequence
            }
            Some((sequence, _)) if *sequence > last.sequence => {
                report.add(Fault::Cut {
                    first: last.sequence.saturating_add(1),
                    last: *sequence,
                });
                *sequence
            }
            Some((sequence, _)) if *sequence < last.sequence => {
                report.add(Fault::BeyondHead {
                    first: sequence.saturating_add(1),
                    last: last.sequence,
                });
                last.sequence
            }
            Some((sequence, hash)) => {
                if !last.out_of_order && !last.has(hash) {
                    report.add(Fault::OtherHead {
                        sequence: *sequence,
                    });
                }
                last.sequence
            }
        };
        if let Some(noted) = noted {
            if noted.sequence > furthest {
                report.add(Fault::CutBeforeNoted {
                    last: last.sequence,
                    noted: noted.sequence,
                });
            } else if noted.sequence == 0 && *noted != Head::START {
                report.add(Fault::Rewritten { sequence: 0 });
            }
        }
        report
    }
}

/// Where a row that does not belong where it is was written: its hash tells.
fn written_as(row: &StoredRow) -> Option<i64> {
    (1..=REACH)
        .flat_map(|distance| [-distance, distance])
        .filter_map(|distance| row.sequence.checked_add(distance))
        .filter(|sequence| *sequence >= 1)
        .find(|sequence| row.hash == hash_at(row, *sequence))
}
