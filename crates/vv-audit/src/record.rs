use std::sync::Arc;

use vv_base::{Ctx, EventId, TenantId, Timestamp};
use vv_crypto::Keyring;
use vv_store::{Store, StoreError, Tx, args, row};

use crate::error::AuditError;
use crate::event::{Event, Projection};
use crate::leaf::{LeafError, LeafHeader, leaf_hash};
use crate::sql;

/// The chain of events that belong to no tenant.
pub const SYSTEM_CHAIN: TenantId = TenantId::nil();

/// Separates the check value of a chain's head from other uses of the key.
const HEAD_PURPOSE: &str = "audit.head";

/// Writes, reads and checks the audit trail. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Store,
    keyring: Arc<Keyring>,
    node: String,
}

/// Where an event found its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The event's id.
    pub event_id: EventId,
    /// Its place in the chain, counted from 1.
    pub height: u64,
    /// Its hash, which the next event will hold.
    pub leaf_hash: [u8; 32],
}

row! {
    pub(crate) struct HeadRow {
        pub height: i64,
        pub head_hash: [u8; 32],
        pub head_ts: Timestamp,
        pub head_mac: [u8; 32],
    }
}

impl Audit {
    /// An audit trail whose subject keys live in `keys`; `node` names this
    /// process in the events.
    pub fn new(keys: Store, keyring: Arc<Keyring>, node: impl Into<String>) -> Self {
        let node = node.into();
        let inner = Inner {
            keys,
            keyring,
            node,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn keys(&self) -> &Store {
        &self.inner.keys
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.inner.keyring
    }

    /// Appends an event to the chain of the context's tenant, in the caller's
    /// transaction: either both the change and its event happen or neither.
    ///
    /// The chain's head stays locked until that transaction ends, so record as
    /// the last step.
    pub async fn record(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        event: Event,
    ) -> Result<Recorded, AuditError> {
        let chain = ctx.tenant().unwrap_or(SYSTEM_CHAIN);
        let head = self.lock_head(tx, chain).await?;
        let event_id = ctx.new_id();
        let height = u64::try_from(head.height).map_err(|_| AuditError::HeadTampered)? + 1;
        let header = LeafHeader {
            height,
            seq_ts: ctx.now().max(head.head_ts),
            chain,
            prev: head.head_hash,
        };
        let body = event.into_body(ctx, chain, event_id, &self.inner.node)?;
        let leaf = header.encode(&body.encode())?;
        let hash = leaf_hash(&leaf);
        let columns = Projection::of(&body).ok_or(AuditError::Leaf(LeafError::Format))?;
        let row_height = head.height + 1;
        tx.exec_one(
            &sql::INSERT_EVENT,
            args![
                chain,
                row_height,
                columns.event_id,
                header.seq_ts,
                columns.kind,
                columns.severity,
                columns.outcome,
                columns.actor_kind,
                columns.actor_ref,
                columns.target_kind,
                columns.target_ref,
                columns.request_id,
                leaf,
                hash
            ],
        )
        .await
        .map_err(|error| beyond_head(chain, error))?;
        let mac = self.head_mac(chain, row_height, &hash, header.seq_ts);
        tx.exec_one(
            &sql::ADVANCE_HEAD,
            args![chain, head.height, row_height, hash, header.seq_ts, mac],
        )
        .await?;
        Ok(Recorded {
            event_id,
            height,
            leaf_hash: hash,
        })
    }

    async fn lock_head(&self, tx: &mut Tx, chain: TenantId) -> Result<HeadRow, AuditError> {
        let found: Option<HeadRow> = tx.opt(&sql::LOCK_HEAD, args![chain]).await?;
        let head = if let Some(head) = found {
            head
        } else {
            let start = Timestamp::from_unix_micros(0);
            let mac = self.head_mac(chain, 0, &[0; 32], start);
            let ours = tx
                .exec(&sql::INSERT_HEAD, args![chain, [0_u8; 32], start, mac])
                .await?;
            // Events whose head is gone: starting afresh would hide that.
            let event: Option<(i64,)> = tx.opt(&sql::LAST_HEIGHT, args![chain]).await?;
            let seen: Option<(i64,)> = tx.opt(&sql::SEEN_HEIGHT, args![chain]).await?;
            let had_events = event.is_some() || seen.is_some_and(|(height,)| height > 0);
            if ours == 1 && had_events {
                tracing::error!(%chain, "an audit chain has events and no head");
                return Err(AuditError::HeadTampered);
            }
            tx.one(&sql::LOCK_HEAD, args![chain]).await?
        };
        if self.head_is_genuine(chain, &head) {
            Ok(head)
        } else {
            tracing::error!(%chain, height = head.height, "audit chain head fails its check value");
            Err(AuditError::HeadTampered)
        }
    }

    /// Whether the head row was written by somebody who holds the key.
    pub(crate) fn head_is_genuine(&self, chain: TenantId, head: &HeadRow) -> bool {
        let (height, ts) = (head.height.to_be_bytes(), head.head_ts.unix_micros());
        let fields: [&[u8]; 4] = [
            chain.as_bytes(),
            &height,
            &head.head_hash,
            &ts.to_be_bytes(),
        ];
        let key = self.keyring().audit_seal();
        key.matches(HEAD_PURPOSE, &fields, &head.head_mac)
    }

    fn head_mac(&self, chain: TenantId, height: i64, hash: &[u8; 32], ts: Timestamp) -> [u8; 32] {
        let fields: [&[u8]; 4] = [
            chain.as_bytes(),
            &height.to_be_bytes(),
            hash,
            &ts.unix_micros().to_be_bytes(),
        ];
        self.keyring().audit_seal().mac(HEAD_PURPOSE, &fields)
    }
}

/// The next place is free unless somebody put a row there past the head.
fn beyond_head(chain: TenantId, error: StoreError) -> AuditError {
    match error {
        StoreError::Conflict(_) => {
            tracing::error!(%chain, "an audit chain has a row beyond its head");
            AuditError::HeadTampered
        }
        other => AuditError::Store(other),
    }
}
