use std::sync::Arc;
use std::time::Duration;

use vv_base::Span;
use vv_shared::{Notice, Subscription, Topic};

use crate::clock::MockClock;
use crate::server::{Server, common_url, config, connect};

const NEWS: Topic = Topic::new("news");

/// The next notice; a reader that would wait for ever fails its test.
async fn next(reader: &mut Subscription) -> Notice {
    tokio::time::timeout(Duration::from_mins(1), reader.recv())
        .await
        .expect("a notice comes")
}

#[tokio::test]
async fn notices_cross_nodes_and_stay_inside_their_prefix() {
    let Some(url) = common_url() else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let (ours, theirs) = (config(&url), config(&url));
    let first = connect(&ours, &clock).await;
    let second = connect(&ours, &clock).await;
    let stranger = connect(&theirs, &clock).await;
    let mut reader = first.subscribe(NEWS).await;
    stranger.publish(NEWS, "not for you").await.unwrap();
    second.publish(NEWS, "for you").await.unwrap();
    assert_eq!(next(&mut reader).await, Notice::Message("for you".into()));
}

#[tokio::test]
async fn a_reader_learns_that_it_missed_something() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let shared = connect(&config(&server.url()), &clock).await;
    let mut reader = shared.subscribe(NEWS).await;
    shared.publish(NEWS, "before").await.unwrap();
    assert_eq!(next(&mut reader).await, Notice::Message("before".into()));

    server.kill();
    // Subscribing during the outage works as well; it starts with a gap.
    let mut late = shared.subscribe(NEWS).await;
    server.restart().await;
    assert_eq!(next(&mut reader).await, Notice::Gap);
    assert_eq!(next(&mut late).await, Notice::Gap);

    // Whether or not the circuit opened meanwhile, a probe is due now.
    clock.advance(Span::seconds(1));
    while shared.publish(NEWS, "after").await.is_err() {
        clock.advance(Span::seconds(1));
    }
    assert_eq!(next(&mut reader).await, Notice::Message("after".into()));
    assert_eq!(next(&mut late).await, Notice::Message("after".into()));
}
