use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, RedisError, ScriptInvocation, Value};

use crate::config::Target;

/// Commands that may wait to be written before callers have to queue.
const PIPELINE: usize = 1_024;

/// A connection that many callers use at once.
#[derive(Clone)]
pub(crate) enum Link {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

/// One question to Redis.
pub(crate) enum Request<'a> {
    Command(Cmd),
    Script(ScriptInvocation<'a>),
}

impl Link {
    /// One attempt; the caller bounds the time it takes.
    pub(crate) async fn connect(
        target: &Target,
        connect: Duration,
        answer: Duration,
    ) -> Result<Self, RedisError> {
        if target.cluster {
            let client = ClusterClient::builder(target.nodes.clone())
                .connection_timeout(connect)
                .response_timeout(answer)
                .retries(1)
                .build()?;
            return client.get_async_connection().await.map(Self::Cluster);
        }
        let client = single_client(target)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(connect))
            .set_response_timeout(Some(answer))
            .set_number_of_retries(0)
            .set_pipeline_buffer_size(PIPELINE);
        ConnectionManager::new_with_config(client, config)
            .await
            .map(Self::Single)
    }

    pub(crate) async fn ask(&self, request: &Request<'_>) -> Result<Value, RedisError> {
        match (self.clone(), request) {
            (Self::Single(mut link), Request::Command(cmd)) => cmd.query_async(&mut link).await,
            (Self::Single(mut link), Request::Script(call)) => call.invoke_async(&mut link).await,
            (Self::Cluster(mut link), Request::Command(cmd)) => cmd.query_async(&mut link).await,
            (Self::Cluster(mut link), Request::Script(call)) => call.invoke_async(&mut link).await,
        }
    }
}

fn single_client(target: &Target) -> Result<Client, RedisError> {
    match target.nodes.first() {
        Some(node) => Client::open(node.clone()),
        None => Err((redis::ErrorKind::InvalidClientConfig, "no node").into()),
    }
}

/// TLS needs a process-wide provider; the first to install one wins.
pub(crate) fn prepare_tls(target: &Target) {
    if target.tls && rustls::crypto::CryptoProvider::get_default().is_none() {
        let lost_race = rustls::crypto::aws_lc_rs::default_provider().install_default();
        drop(lost_race);
    }
}
