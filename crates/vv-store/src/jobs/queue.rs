use vv_base::{Ctx, JobId, Page, PageRequest};

use super::{JobSpec, JobState, JobView, MAX_PAYLOAD, sql};
use crate::{StoreError, Tx, Where, args};

/// Puts a job in the queue; it exists when the caller's transaction commits.
/// Returns `false` when the dedupe key is taken and nothing was added.
pub async fn enqueue(ctx: &Ctx, tx: &mut Tx, spec: JobSpec) -> Result<bool, StoreError> {
    let payload = spec.payload.to_string();
    if payload.len() > MAX_PAYLOAD {
        return Err(StoreError::TooLarge {
            what: "job payload",
            limit: MAX_PAYLOAD,
        });
    }
    let id: JobId = ctx.new_id();
    let row = args![
        id,
        ctx.tenant(),
        spec.kind,
        payload,
        spec.dedupe_key,
        spec.run_at,
        ctx.now()
    ];
    Ok(tx.exec(&sql::ENQUEUE, row).await? == 1)
}

/// Jobs, newest first: of the caller's tenant, or all of them under
/// `Scope::System`.
pub async fn list(
    ctx: &Ctx,
    tx: &mut Tx,
    state: Option<JobState>,
    page: &PageRequest,
) -> Result<Page<JobView>, StoreError> {
    let after = match &page.after {
        Some(cursor) => Some(JobId::from_uuid(uuid::Uuid::from_bytes(
            cursor.key_array()?,
        ))),
        None => None,
    };
    let query = Where::select(sql::LIST)
        .and_if("tenant_id = ?", ctx.tenant())
        .and_if("state = ?", state.map(JobState::as_str))
        .and_if("id < ?", after)
        .order("id desc")
        .limit(page.probe_limit());
    let rows: Vec<JobView> = tx.select(&query).await?;
    Ok(Page::from_probe(rows, page, |job| {
        job.id.as_bytes().to_vec()
    }))
}

/// Queues a job again that was given up. [`StoreError::NotFound`] when there
/// is no such job, or it is another tenant's.
pub async fn revive(ctx: &Ctx, tx: &mut Tx, id: JobId) -> Result<(), StoreError> {
    let touched = match ctx.tenant() {
        Some(tenant) => {
            tx.exec(&sql::REVIVE_IN_TENANT, args![id, ctx.now(), tenant])
                .await?
        }
        None => tx.exec(&sql::REVIVE, args![id, ctx.now()]).await?,
    };
    if touched == 1 {
        Ok(())
    } else {
        Err(StoreError::NotFound)
    }
}
