use vv_base::{Ctx, TenantId, Timestamp};
use vv_store::{args, row};

use super::manifest::{Manifest, ManifestError};
use super::{RetentionError, sql};
use crate::audit::{Audit, chain_of};

/// Segments of one answer at most: a century of months.
const MOST: i64 = 1_200;

/// How far a segment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentState {
    /// Its manifest is signed.
    Closed,
    /// Its leaves lie in an archive file as well.
    Archived,
    /// Its events are being removed from the database.
    Pruning,
    /// Its events are gone from the database.
    Pruned,
}

impl SegmentState {
    /// The spelling in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Archived => "archived",
            Self::Pruning => "pruning",
            Self::Pruned => "pruned",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Closed, Self::Archived, Self::Pruning, Self::Pruned]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

row! {
    pub(super) struct SegmentRow {
        pub(super) tenant_id: TenantId,
        pub(super) month: u32,
        pub(super) from_height: u64,
        pub(super) to_height: u64,
        pub(super) state: String,
        pub(super) manifest: String,
        pub(super) archive: Option<String>,
        pub(super) archive_sha256: Option<Vec<u8>>,
        pub(super) closed_at: Timestamp,
        pub(super) archived_at: Option<Timestamp>,
        pub(super) pruned_at: Option<Timestamp>,
    }
}

/// A segment of a chain.
#[derive(Debug, Clone)]
pub struct Segment {
    /// What it holds.
    pub manifest: Manifest,
    /// The signed note that says so.
    pub note: String,
    /// How far it has come.
    pub state: SegmentState,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// When it was archived.
    pub archived_at: Option<Timestamp>,
    /// When its last event was removed.
    pub pruned_at: Option<Timestamp>,
}

impl Audit {
    /// The closed segments of the context's chain, oldest first. An error when
    /// one of them is not as it was signed.
    pub async fn segments(&self, ctx: &Ctx) -> Result<Vec<Segment>, RetentionError> {
        let chain = chain_of(ctx);
        let rows: Vec<SegmentRow> = self
            .store()
            .read(&self.inner.ctx, "audit.segments", async |tx| {
                tx.all(&sql::SEGMENTS, args![chain, 0_i64, MOST]).await
            })
            .await?;
        let mut segments = Vec::with_capacity(rows.len());
        for row in rows {
            segments.push(self.open_segment(row)?);
        }
        Ok(segments)
    }

    /// Takes a row apart; its columns must be what the manifest says.
    pub(super) fn open_segment(&self, row: SegmentRow) -> Result<Segment, ManifestError> {
        let manifest = self.own_manifest(&row.manifest)?;
        let state = SegmentState::parse(&row.state).ok_or(ManifestError::Text)?;
        let archive = manifest.archive.as_ref();
        let same = manifest.chain == row.tenant_id
            && manifest.month == row.month
            && manifest.from_height() == row.from_height
            && manifest.to_height() == row.to_height
            && archive.map(|archive| archive.path.as_str()) == row.archive.as_deref()
            && archive.map(|archive| archive.sha256.as_slice()) == row.archive_sha256.as_deref()
            && (archive.is_some() || state == SegmentState::Closed);
        if !same {
            return Err(ManifestError::Other);
        }
        Ok(Segment {
            manifest,
            note: row.manifest,
            state,
            closed_at: row.closed_at,
            archived_at: row.archived_at,
            pruned_at: row.pruned_at,
        })
    }

    pub(super) async fn segment(
        &self,
        chain: TenantId,
        month: u32,
    ) -> Result<Segment, RetentionError> {
        let row: Option<SegmentRow> = self
            .store()
            .read(&self.inner.ctx, "audit.segment", async |tx| {
                tx.opt(&sql::SEGMENT, args![chain, i64::from(month)]).await
            })
            .await?;
        let segment = self.open_segment(row.ok_or(RetentionError::NoSegment)?)?;
        Ok(segment)
    }
}
