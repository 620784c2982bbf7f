//! The audit trail against what the database does without one.
//!
//! The plain tables have the columns, checks and indexes of `audit_events` and
//! take rows that the trail wrote, so both sides pay for the same bytes.

mod burst;
mod emit;
mod lite;
mod pg;
mod plain;
mod proof;
mod world;

pub(crate) use lite::{group as lite_group, lonely as lite_lonely};
pub(crate) use pg::{group as pg_group, lonely as pg_lonely, proof as pg_proof};
pub(crate) use proof::lite as lite_proof;
