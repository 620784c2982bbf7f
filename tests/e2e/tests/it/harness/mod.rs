//! What every test needs: the program as a child, clients, and the services.

pub(crate) mod api;
pub(crate) mod browser;
pub(crate) mod launch;
pub(crate) mod people;
pub(crate) mod place;
pub(crate) mod raw;
pub(crate) mod site;

use std::time::Duration;

use tokio::time::Instant;

/// For things that happen at once, on a slow machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Asks until the answer is yes.
///
/// # Panics
/// When it is not after `patience`.
pub(crate) async fn eventually(what: &str, patience: Duration, ask: impl AsyncFn() -> bool) {
    let give_up = Instant::now() + patience;
    while !ask().await {
        assert!(Instant::now() < give_up, "{what}: not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
