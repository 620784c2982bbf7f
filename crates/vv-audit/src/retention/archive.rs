//! Writing closed segments to files.

use std::path::PathBuf;

use vv_base::{Ctx, TenantId};
use vv_crypto::sha256;
use vv_store::args;

use super::error::ArchiveError;
use super::file::{ArchiveSummary, Writer, read_with};
use super::manifest::{ArchiveRef, Manifest};
use super::segment::{Segment, SegmentState};
use super::{RetentionError, sql};
use crate::audit::Audit;
use crate::catalogue::Kind;
use crate::event::Event;

/// Segments archived in one run.
const MOST: i64 = 10_000;

impl Audit {
    /// Writes the events of a closed segment to its file, unless that was done
    /// before. The file is there entirely or not at all; it is never replaced.
    pub async fn archive_segment(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        month: u32,
    ) -> Result<Segment, RetentionError> {
        let segment = self.segment(chain, month).await?;
        if segment.state != SegmentState::Closed {
            return Ok(segment);
        }
        let path = path_of(&segment.manifest);
        let target = self.archive_dir()?.join(&path);
        let sha256 = match self.found_archive(target.clone(), &segment).await? {
            Some(sha256) => sha256,
            None => self.write_archive(ctx, target, &segment).await?,
        };
        let mut manifest = segment.manifest;
        manifest.archive = Some(ArchiveRef { path, sha256 });
        self.mark_archived(ctx, &manifest).await?;
        self.segment(chain, month).await
    }

    /// Archives every segment that is closed and no more. Returns how many.
    pub async fn archive_segments(&self, ctx: &Ctx) -> Result<u64, RetentionError> {
        let closed: Vec<(TenantId, u32)> = self
            .store()
            .read(&self.inner.ctx, "audit.closed_segments", async |tx| {
                tx.all(&sql::CLOSED_SEGMENTS, args![MOST]).await
            })
            .await?;
        let mut archived = 0;
        let mut failed = None;
        for (chain, month) in closed {
            match self.archive_segment(ctx, chain, month).await {
                Ok(_) => archived += 1,
                Err(error) => {
                    tracing::error!(%chain, month, %error, "an audit segment cannot be archived");
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(archived),
        }
    }

    /// Reads the whole archive of a segment. It must be the file that the
    /// manifest names, with exactly the events of the segment.
    pub(super) async fn check_archive(
        &self,
        manifest: &Manifest,
    ) -> Result<ArchiveSummary, RetentionError> {
        let wanted = manifest.archive.as_ref().ok_or(ArchiveError::Other)?;
        if wanted.path != path_of(manifest) {
            return Err(ArchiveError::Other.into());
        }
        let found = self
            .read_own(self.archive_dir()?.join(&wanted.path))
            .await?;
        let bare = Manifest {
            archive: None,
            ..manifest.clone()
        };
        if found.sha256 != wanted.sha256 || found.manifest != bare {
            return Err(ArchiveError::Other.into());
        }
        Ok(found)
    }

    fn archive_dir(&self) -> Result<PathBuf, RetentionError> {
        let folder = self.settings().retention.archive_dir.clone();
        folder.ok_or(RetentionError::NoArchiveFolder)
    }

    /// The hash of an archive that an attempt before this one finished and
    /// could not write down any more.
    async fn found_archive(
        &self,
        target: PathBuf,
        segment: &Segment,
    ) -> Result<Option<[u8; 32]>, RetentionError> {
        if !target.try_exists().map_err(ArchiveError::Io)? {
            return Ok(None);
        }
        let found = self.read_own(target).await?;
        if found.note != segment.note {
            return Err(ArchiveError::Other.into());
        }
        Ok(Some(found.sha256))
    }

    async fn read_own(&self, path: PathBuf) -> Result<ArchiveSummary, ArchiveError> {
        let audit = self.clone();
        blocking(move || read_with(&path, |note| Ok(audit.own_manifest(note)?), |_, _| {})).await
    }

    async fn write_archive(
        &self,
        ctx: &Ctx,
        target: PathBuf,
        segment: &Segment,
    ) -> Result<[u8; 32], RetentionError> {
        let (note, manifest) = (segment.note.clone(), segment.manifest.clone());
        let (chain, to) = (manifest.chain, manifest.to_height());
        let unique = hex::encode(ctx.random::<8>());
        let mut writer = blocking(move || Writer::create(target, &note, manifest, &unique)).await?;
        while writer.height() < to {
            let leaves = self.leaves(chain, writer.height(), to).await?;
            writer = blocking(move || writer.push(&leaves)).await?;
        }
        let (sha256, _) = blocking(move || writer.finish()).await?;
        Ok(sha256)
    }

    async fn mark_archived(&self, ctx: &Ctx, manifest: &Manifest) -> Result<(), RetentionError> {
        let note = self.sign_manifest(manifest)?;
        let archive = manifest.archive.clone().ok_or(ArchiveError::Other)?;
        let (chain, month) = (manifest.chain, i64::from(manifest.month));
        let system = ctx.clone().for_system();
        let event = Event::new(Kind::SegmentArchived)
            .target("audit_chain", chain)
            .detail("month", month)
            .detail("archive_sha256", hex::encode(archive.sha256))
            .detail("manifest_sha256", hex::encode(sha256(&[note.as_bytes()])));
        self.store()
            .tx(&system, "audit.mark_archived", async |tx| {
                let (path, sum, now) = (archive.path, archive.sha256, ctx.now());
                let marked = tx
                    .exec(
                        &sql::MARK_ARCHIVED,
                        args![chain, month, note, path, sum, now],
                    )
                    .await?;
                // Otherwise another process was faster.
                if marked > 0 {
                    self.record(&system, tx, event).await?;
                }
                Ok(())
            })
            .await
    }
}

/// Where the archive lies within its folder.
fn path_of(manifest: &Manifest) -> String {
    format!("{}/{}.vva", manifest.chain, manifest.month)
}

/// Lets a thread that may block do the work.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ArchiveError::Io(std::io::Error::other(error))),
    }
}
