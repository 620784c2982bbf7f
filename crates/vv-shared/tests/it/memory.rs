use std::sync::Arc;

use vv_shared::{Notice, Shared, Topic};

use crate::clock::MockClock;
use crate::shared_suite::conformance;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    let clock = Arc::new(MockClock::default());
    let shared = Shared::memory(clock.clone());
    assert_eq!(shared.kind(), "memory");
    conformance(&shared, &clock).await;
}

#[tokio::test]
async fn a_reader_that_fell_behind_sees_a_gap() {
    const NEWS: Topic = Topic::new("news");
    let shared = Shared::memory(Arc::new(MockClock::default()));
    let mut reader = shared.subscribe(NEWS).await;
    for n in 0..2_000 {
        shared.publish(NEWS, &n.to_string()).await.unwrap();
    }
    assert_eq!(reader.recv().await, Notice::Gap);
    let Notice::Message(next) = reader.recv().await else {
        panic!("one gap is reported once");
    };
    assert_ne!(next, "0");
}
