use std::sync::Arc;

use vv_shared::{Shared, SharedError};

use crate::clock::MockClock;
use crate::server::{Server, config};

async fn refused(url: &str) -> SharedError {
    let clock = Arc::new(MockClock::default());
    Shared::redis(&config(url), clock)
        .await
        .expect_err("must be refused")
}

#[tokio::test]
async fn nobody_listens() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    server.kill();
    let error = refused(&server.url()).await;
    assert!(
        matches!(&error, SharedError::Connect { endpoint, .. } if *endpoint == server.address())
    );
}

#[tokio::test]
async fn tls_to_a_server_without_tls_is_an_error_and_no_panic() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let url = server.url().replace("redis://", "rediss://");
    assert!(matches!(refused(&url).await, SharedError::Connect { .. }));
}

#[tokio::test]
async fn a_cluster_url_to_a_server_that_is_none() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let url = server.url().replace("redis://", "redis-cluster://");
    assert!(matches!(refused(&url).await, SharedError::Connect { .. }));
}

#[tokio::test]
async fn a_wrong_url() {
    let error = refused("http://u:hunter2@127.0.0.1").await;
    assert!(matches!(error, SharedError::Config(_)));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
