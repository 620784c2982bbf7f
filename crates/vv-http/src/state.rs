use std::sync::Arc;

use tokio::sync::Mutex;
use vv_audit::Witness;
use vv_auth::Auth;
use vv_base::{Clock, Ctx, RequestId, Rng, Secret, Source, Span, Timestamp};

use crate::streams::Streams;

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
    witness: Option<Arc<Witness>>,
}

struct Inner {
    auth: Auth,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    metrics: MetricsAccess,
    readiness: Mutex<Option<(Timestamp, bool)>>,
    streams: Streams,
}

/// Renders the metrics in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Who may read `/metrics` on the main listener.
#[derive(Clone, Default)]
pub struct MetricsAccess {
    /// Renders them; without it the route answers 404.
    pub render: Option<RenderMetrics>,
    /// The bearer token a scraper sends.
    pub token: Option<Secret<String>>,
    /// Without a token, whether clients on this machine may read. Leave it off
    /// behind a proxy on the same machine.
    pub local: bool,
}

impl AppState {
    /// Puts the state together.
    pub fn new(
        auth: Auth,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        metrics: MetricsAccess,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                auth,
                clock,
                rng,
                metrics,
                readiness: Mutex::new(None),
                streams: Streams::default(),
            }),
            witness: None,
        }
    }

    /// Cosigns checkpoints of other logs as well.
    #[must_use]
    pub fn with_witness(mut self, witness: Witness) -> Self {
        self.witness = Some(Arc::new(witness));
        self
    }

    /// The witness for other logs, if this node is one.
    pub fn witness(&self) -> Option<&Witness> {
        self.witness.as_deref()
    }

    /// Answers that go on for as long as somebody listens.
    pub(crate) fn streams(&self) -> &Streams {
        &self.inner.streams
    }

    /// Ends the answers that would go on for ever. Call it when the node is to
    /// stop: a graceful end of the listener waits for open answers.
    pub fn end_streams(&self) {
        self.inner.streams.stop();
    }

    /// The identity slices.
    pub fn auth(&self) -> &Auth {
        &self.inner.auth
    }

    /// Access to the metrics.
    pub fn metrics(&self) -> &MetricsAccess {
        &self.inner.metrics
    }

    /// Whether the database answers, asked at most once a second: the question
    /// is open to everybody and takes a connection each time.
    pub async fn database_answers(&self) -> bool {
        let now = self.inner.clock.now();
        let mut last = self.inner.readiness.lock().await;
        if let Some((at, answers)) = *last
            && now.since(at) >= Span::seconds(0)
            && now.since(at) < Span::seconds(1)
        {
            return answers;
        }
        let answers = self.inner.auth.store().ping().await.is_ok();
        *last = Some((now, answers));
        answers
    }

    /// The context of a request nobody has signed in for yet.
    pub fn anonymous(&self, request: RequestId, source: Source) -> Ctx {
        Ctx::system(Arc::clone(&self.inner.clock), Arc::clone(&self.inner.rng))
            .with_actor(vv_base::Actor::Anonymous)
            .from_source(request, source)
    }

    /// The context of work the product does on its own.
    pub fn system(&self) -> Ctx {
        Ctx::system(Arc::clone(&self.inner.clock), Arc::clone(&self.inner.rng))
    }
}
