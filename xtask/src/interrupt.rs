use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Context, Failure, Result};

/// Remembers the first request to stop. Every wait looks at it, so the guards
/// on the stack run and stop what was started.
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Takes over Ctrl-C, SIGTERM and SIGHUP for the rest of the process.
    pub(crate) fn listen() -> Result<Self> {
        let seen = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).context("signal number")?;
            signal_hook::flag::register_usize(signal, Arc::clone(&seen), number)
                .context("cannot listen for signals")?;
        }
        Ok(Self(seen))
    }

    /// Fails as soon as somebody asked to stop.
    pub(crate) fn check(&self) -> Result<()> {
        match i32::try_from(self.0.load(Ordering::Relaxed)) {
            Ok(0) => Ok(()),
            Ok(signal) => Err(Failure::Interrupted(signal)),
            Err(_) => Err(Failure::Interrupted(SIGTERM)),
        }
    }
}

#[cfg(test)]
impl Interrupt {
    pub(crate) fn never() -> Self {
        Self(Arc::new(AtomicUsize::new(0)))
    }

    pub(crate) fn raised() -> Self {
        Self(Arc::new(AtomicUsize::new(15)))
    }
}
