//! The queue of one process and its turn at appending.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use vv_base::TenantId;

use super::Recorded;
use super::prepared::Prepared;
use crate::audit::Audit;
use crate::error::AuditError;
use crate::spool::SpoolPosition;

/// Events of one batch at most. On `SQLite` the writer is held meanwhile.
pub(super) const MAX_BATCH: usize = 4_096;
/// Events that may wait in memory.
const MAX_QUEUED: usize = 16_384;
/// How long committed events wait for company: nobody waits for them.
const LINGER: Duration = Duration::from_millis(10);

/// A step of waiting for callers that the last batch answered.
const GATHER: Duration = Duration::from_millis(1);
/// Steps of waiting at most.
const GATHERS: usize = 4;

/// The queue of one process and its turn at appending.
#[derive(Default)]
pub(crate) struct Sequencer {
    queue: Mutex<VecDeque<Direct>>,
    /// Whoever holds it appends.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Callers that the last batch answered.
    answered: AtomicUsize,
    /// A task is on its way that has not looked at the queue yet.
    called: AtomicBool,
    /// Chains whose head is not genuine; their events wait.
    broken: Mutex<BTreeSet<TenantId>>,
    months: Mutex<HashSet<u32>>,
    tasks: TaskTracker,
    /// The newest global sequence number, for whoever follows the trail.
    newest: tokio::sync::watch::Sender<i64>,
}

/// An event that a caller gave in directly.
pub(super) struct Direct {
    pub(super) event: Prepared,
    pub(super) answer: oneshot::Sender<Result<Recorded, AuditError>>,
}

/// Events of the spool and the cursor that goes with them.
pub(super) struct FromSpool {
    pub(super) events: Vec<Prepared>,
    pub(super) cursor: SpoolPosition,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sequencer {
    /// Adds an event unless too many wait.
    pub(super) fn push(&self, direct: Direct) -> Result<(), AuditError> {
        let mut queue = locked(&self.queue);
        if queue.len() >= MAX_QUEUED {
            return Err(AuditError::Overloaded);
        }
        queue.push_back(direct);
        Ok(())
    }

    /// Adds all of these events, unless too many wait.
    fn push_all(&self, direct: Vec<Direct>) -> Result<(), AuditError> {
        let mut queue = locked(&self.queue);
        if queue.len() + direct.len() > MAX_QUEUED {
            return Err(AuditError::Overloaded);
        }
        queue.extend(direct);
        Ok(())
    }

    fn take(&self) -> Vec<Direct> {
        let mut queue = locked(&self.queue);
        let count = queue.len().min(MAX_BATCH);
        queue.drain(..count).collect()
    }

    fn take_all(&self) -> Vec<Direct> {
        locked(&self.queue).drain(..).collect()
    }

    /// Remembers months whose partition exists.
    pub(super) fn note_months(&self, months: &[u32]) {
        locked(&self.months).extend(months);
    }

    /// Whether it was not known to be broken before.
    pub(super) fn note_broken(&self, chain: TenantId) -> bool {
        locked(&self.broken).insert(chain)
    }

    /// Callers that a commit answered together ask again within a moment, the
    /// first of them a little ahead. Without a wait it would get a commit of
    /// its own and the others the next, for ever. Whoever was alone the last
    /// time does not wait.
    async fn gather(&self) {
        let expected = self.answered.load(Ordering::Relaxed);
        let mut before = 0;
        for _ in 0..GATHERS {
            let waiting = locked(&self.queue).len();
            if waiting == before || waiting >= expected {
                return;
            }
            before = waiting;
            tokio::time::sleep(GATHER).await;
        }
    }

    fn is_idle(&self) -> bool {
        locked(&self.queue).is_empty()
    }

    /// Whether the partition of a month is known to exist.
    pub(super) fn knows_month(&self, month: u32) -> bool {
        locked(&self.months).contains(&month)
    }

    /// Chains whose events wait until an operator looked at them.
    pub(crate) fn broken(&self) -> Vec<TenantId> {
        locked(&self.broken).iter().copied().collect()
    }

    /// Wakes followers whatever the number: what comes from another node is
    /// believed only so far as that it is time to look.
    pub(crate) fn wake_followers(&self, gseq: i64) {
        self.newest
            .send_modify(|newest| *newest = gseq.max(*newest));
    }

    pub(super) fn mend(&self, chain: TenantId) {
        locked(&self.broken).remove(&chain);
    }

    /// Runs work that the end of the process waits for.
    pub(crate) fn watch(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    pub(crate) async fn wind_down(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Audit {
    /// Follows the trail: the value is the newest global sequence number that
    /// this node knows of. It is a wake-up only; the database is the truth.
    pub fn newest(&self) -> tokio::sync::watch::Receiver<i64> {
        self.inner.sequencer.newest.subscribe()
    }

    /// Tells followers that there are events up to a global sequence number.
    pub(crate) fn announce(&self, gseq: i64) {
        self.inner.sequencer.wake_followers(gseq);
        self.inner.announcer.note(gseq);
    }

    /// Puts events in line together.
    pub(super) fn queue_all(&self, direct: Vec<Direct>) -> Result<(), AuditError> {
        let events = direct.len();
        self.inner.sequencer.push_all(direct)?;
        for _ in 0..events {
            self.inner.counters.note_emitted();
        }
        self.kick(Duration::ZERO);
        Ok(())
    }

    /// Lets committed events be moved soon; many of them share the work.
    pub(super) fn kick_soon(&self) {
        self.kick(LINGER);
    }

    /// Starts a task that empties the queue and the intake, unless one is on
    /// its way already.
    pub(super) fn kick(&self, linger: Duration) {
        let sequencer = &self.inner.sequencer;
        if sequencer.called.swap(true, Ordering::SeqCst) {
            return;
        }
        let audit = self.clone();
        sequencer.tasks.spawn(async move {
            if !linger.is_zero() && audit.inner.sequencer.is_idle() {
                tokio::time::sleep(linger).await;
            }
            if let Err(error) = audit.run_turn().await {
                tracing::warn!(%error, "audit events wait for the database");
            }
        });
    }

    /// Waits until every event that was recorded before this call has its
    /// place. Readers call it, so that everybody reads their own writes.
    pub async fn catch_up(&self) -> Result<(), AuditError> {
        let audit = self.clone();
        // A task of its own: a reader that goes away must not undo a batch.
        let turn = self
            .inner
            .sequencer
            .tasks
            .spawn(async move { audit.run_turn().await });
        turn.await.unwrap_or(Err(AuditError::Overloaded))
    }

    async fn run_turn(&self) -> Result<(), AuditError> {
        let sequencer = &self.inner.sequencer;
        let _turn = sequencer.turn.lock().await;
        sequencer.called.store(false, Ordering::SeqCst);
        sequencer.gather().await;
        loop {
            let direct = sequencer.take();
            let given = direct.len();
            if given > 0 {
                sequencer.answered.store(given, Ordering::Relaxed);
            }
            let (events, answers): (Vec<_>, Vec<_>) =
                direct.into_iter().map(|d| (d.event, d.answer)).unzip();
            match self.append_batch(&events, None).await {
                Ok(done) => {
                    for (answer, result) in answers.into_iter().zip(done.recorded) {
                        // A caller that is gone needs no answer.
                        let _ = answer.send(result);
                    }
                    if given < MAX_BATCH && done.from_intake + given < MAX_BATCH {
                        return Ok(());
                    }
                }
                Err(error) => {
                    // Whoever is still queued would find the database as it is.
                    let left = sequencer.take_all().into_iter().map(|d| d.answer);
                    for answer in answers.into_iter().chain(left) {
                        let _ = answer.send(Err(shared(&error)));
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Appends spooled events; only one turn at a time.
    pub(super) async fn append_spooled(&self, spooled: FromSpool) -> Result<(), AuditError> {
        let _turn = self.inner.sequencer.turn.lock().await;
        self.append_batch(&spooled.events, Some(spooled.cursor))
            .await?;
        Ok(())
    }
}

/// The same error for each of many callers.
fn shared(error: &AuditError) -> AuditError {
    match error {
        AuditError::Store(error) => AuditError::Store(error.clone()),
        AuditError::HeadTampered => AuditError::HeadTampered,
        AuditError::Leaf(error) => AuditError::Leaf(*error),
        AuditError::TreeDamaged => AuditError::TreeDamaged,
        AuditError::SubjectKey => AuditError::SubjectKey,
        _ => AuditError::Overloaded,
    }
}
