//! Checkpoints that were kept outside the database.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use vv_base::Ctx;
use vv_crypto::Checkpoint;

use super::found::{Question, Report, Verdict};
use crate::anchor::SinkKind;
use crate::audit::{ANCHOR_CHAIN, Audit, chain_of};
use crate::error::AuditError;

/// How much of the end of a file sink is read.
const TAIL: u64 = 256 * 1024;
/// A sink that acknowledged nothing for so many intervals is stale.
const MISSED: i64 = 5;

impl Audit {
    /// Notes that somebody kept, over this chain or the log of logs: both must
    /// continue what was signed then.
    pub(super) async fn check_outside(
        &self,
        ctx: &Ctx,
        notes: &[String],
        report: &mut Report,
    ) -> Result<(), AuditError> {
        for note in notes {
            self.check_note(ctx, note, report).await?;
        }
        Ok(())
    }

    async fn check_note(
        &self,
        ctx: &Ctx,
        note: &str,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        let (log, found) = if let Some(found) = self.own_checkpoint(note, ANCHOR_CHAIN) {
            (self.anchor_log(), found)
        } else if let Some(found) = self.own_checkpoint(note, chain_of(ctx)) {
            (self.log(ctx), found)
        } else {
            let detail = "a checkpoint given to compare with is not one that we signed";
            report.add(Question::Anchor, "note", detail);
            return Ok(());
        };
        let Checkpoint { size, root, .. } = found;
        let code = match log.root_at(size).await {
            Ok(now) if now == root => {
                if report.verdicts.anchor == Verdict::NotConfigured {
                    report.anchored(Verdict::Ok);
                }
                return Ok(());
            }
            Ok(_) => "outside_root",
            Err(AuditError::OutOfRange) => "outside_beyond",
            Err(AuditError::TreeDamaged | AuditError::HeadTampered | AuditError::Pruned(_)) => {
                "outside_unproven"
            }
            Err(other) => return Err(other),
        };
        let detail = format!("a checkpoint kept outside knows another log at size {size}");
        report.add(Question::Anchor, code, &detail);
        Ok(())
    }

    /// Configured sinks: what they acknowledged must be part of the log, and not old.
    pub(super) async fn check_sinks(
        &self,
        ctx: &Ctx,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        let settings = &self.settings().anchor;
        let status = self.anchor_status().await?;
        let Some((size, _)) = status.newest else {
            return Ok(());
        };
        let wait = settings.interval.micros().saturating_mul(MISSED);
        let limit = ctx.now().unix_micros().saturating_sub(wait);
        for sink in &status.sinks {
            match sink.newest {
                Some((known, _)) if known > size => {
                    let detail = format!("sink {} acknowledged size {known}", sink.name);
                    report.add(Question::Anchor, "receipt", &detail);
                }
                Some((known, at)) if known == size || at.unix_micros() >= limit => {}
                _ => report.anchored(Verdict::Stale),
            }
        }
        for sink in &settings.sinks {
            if let SinkKind::File { path } = &sink.kind {
                match last_note(path.clone()).await {
                    Some(note) => self.check_note(ctx, &note, report).await?,
                    None => report.anchored(Verdict::Stale),
                }
            }
        }
        Ok(())
    }
}

/// The newest checkpoint in a file sink; nothing when it cannot be read.
async fn last_note(path: PathBuf) -> Option<String> {
    let read = move || -> Option<String> {
        let mut file = std::fs::File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
            .ok()?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail).ok()?;
        let lines = tail.rsplit(|byte| *byte == b'\n');
        let mut records = lines.filter_map(|line| serde_json::from_slice(line).ok());
        let last: serde_json::Value = records.next()?;
        last.get("note")?.as_str().map(str::to_owned)
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}
