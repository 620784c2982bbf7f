//! What the handles may see without asking the thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::terms::{SpoolDepth, SpoolIncident, SpoolPosition};

/// More incidents than this are only logged until somebody takes them.
const MAX_INCIDENTS: usize = 256;

#[derive(Default)]
pub(super) struct Shared(Mutex<Figures>);

#[derive(Default)]
struct Figures {
    depth: SpoolDepth,
    first: SpoolPosition,
    incidents: Vec<SpoolIncident>,
}

impl Shared {
    fn figures(&self) -> MutexGuard<'_, Figures> {
        // Every change is a plain assignment, so there is no half-made state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, depth: SpoolDepth, first: SpoolPosition) {
        let mut figures = self.figures();
        figures.depth = depth;
        figures.first = first;
    }

    pub(super) fn depth(&self) -> SpoolDepth {
        self.figures().depth
    }

    pub(super) fn first(&self) -> SpoolPosition {
        self.figures().first
    }

    pub(super) fn report(&self, incident: SpoolIncident) {
        tracing::error!(?incident, "audit spool");
        let mut figures = self.figures();
        if figures.incidents.len() < MAX_INCIDENTS {
            figures.incidents.push(incident);
        }
    }

    pub(super) fn take_incidents(&self) -> Vec<SpoolIncident> {
        std::mem::take(&mut self.figures().incidents)
    }
}
