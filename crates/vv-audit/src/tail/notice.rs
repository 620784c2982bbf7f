//! Tells followers on other nodes that there is something to read.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use vv_shared::{Notice, Shared, Topic};

use crate::audit::{Audit, Inner};

const TOPIC: Topic = Topic::new("audit.newest");
/// At most twenty notices a second and node; each speaks for all before it.
const PAUSE: Duration = Duration::from_millis(50);

/// What this node's batches reached, for whoever tells the others.
pub(crate) struct Announcer {
    own: watch::Sender<i64>,
    closing: CancellationToken,
    _guard: DropGuard,
}

impl Default for Announcer {
    fn default() -> Self {
        let closing = CancellationToken::new();
        Self {
            own: watch::Sender::new(0),
            _guard: closing.clone().drop_guard(),
            closing,
        }
    }
}

impl Announcer {
    /// This node committed a batch.
    pub(crate) fn note(&self, gseq: i64) {
        self.own.send_replace(gseq);
    }

    /// Ends what [`Audit::announce_through`] began.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }
}

impl Audit {
    /// Lets followers on other nodes wake up when this node appends, and the
    /// other way round. They would find the events within a second anyway; a
    /// notice that is lost costs no more.
    pub fn announce_through(&self, shared: &Shared) {
        let announcer = &self.inner.announcer;
        let own = announcer.own.subscribe();
        let closing = announcer.closing.clone();
        let talk = talk(shared.clone(), own);
        self.inner.sequencer.watch(until(closing.clone(), talk));
        let listen = listen(shared.clone(), Arc::downgrade(&self.inner));
        self.inner.sequencer.watch(until(closing, listen));
    }
}

async fn until(closing: CancellationToken, work: impl Future<Output = ()>) {
    // The work goes on in turns of its own; that it is cut off harms nothing.
    closing.run_until_cancelled(work).await;
}

async fn talk(shared: Shared, mut own: watch::Receiver<i64>) {
    while own.changed().await.is_ok() {
        let gseq = *own.borrow_and_update();
        if let Err(error) = shared.publish(TOPIC, &gseq.to_string()).await {
            tracing::debug!(%error, "other nodes were not told of new audit events");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(shared: Shared, inner: Weak<Inner>) {
    let mut notices = shared.subscribe(TOPIC).await;
    loop {
        let newest = match notices.recv().await {
            Notice::Message(text) => text.parse().unwrap_or(0),
            Notice::Gap => 0,
        };
        let Some(inner) = inner.upgrade() else { return };
        inner.sequencer.wake_followers(newest);
    }
}
