//! Whether every sealed field has its subject key, live or destroyed.

use vv_base::{Ctx, SubjectId};

use super::found::Question;
use super::walk::Walk;
use crate::audit::Audit;
use crate::error::AuditError;

/// Subjects of one query.
const BATCH: usize = 500;

impl Audit {
    /// Looks up the subjects that the walk met, once there are enough of them
    /// or when `all` are wanted.
    pub(super) async fn check_subjects(
        &self,
        ctx: &Ctx,
        walk: &mut Walk,
        all: bool,
    ) -> Result<(), AuditError> {
        while walk.subjects.len() >= BATCH || (all && !walk.subjects.is_empty()) {
            let rest = walk.subjects.len().saturating_sub(BATCH);
            let batch: Vec<SubjectId> = walk.subjects.split_off(rest);
            let found = self.existing_sealers(ctx, &batch).await?;
            for subject in batch {
                if found.contains_key(&subject) {
                    continue;
                }
                let detail = format!("the key of subject {subject} is missing or does not open");
                walk.report.add(Question::Erasure, "subject_key", &detail);
            }
        }
        Ok(())
    }
}
