//! A real cluster of three masters.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use vv_base::{Clock, Span};
use vv_shared::{Notice, Revocation, RevocationKey, Subject, Topic};

use crate::clock::MockClock;
use crate::server::{Server, config, connect};
use crate::shared_suite::conformance;

/// Three masters that share the slots; `None` where servers cannot be started.
async fn three_masters() -> Option<Vec<Server>> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"];
        servers.push(Server::start(&arguments).await?);
    }
    let created = Command::new("redis-cli")
        .args(["--cluster", "create"])
        .args(servers.iter().map(Server::address))
        .args(["--cluster-replicas", "0", "--cluster-yes"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(created.success());
    for server in &servers {
        wait_until_whole(server).await;
    }
    Some(servers)
}

async fn wait_until_whole(server: &Server) {
    for _ in 0..600 {
        let info: String = redis::from_redis_value(server.raw(&["CLUSTER", "INFO"]).await).unwrap();
        if info.contains("cluster_state:ok") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the cluster did not form");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_on_a_cluster() {
    let Some(servers) = three_masters().await else {
        return;
    };
    let addresses: Vec<String> = servers.iter().map(Server::address).collect();
    let clock = Arc::new(MockClock::default());
    let config_all = config(&format!("redis-cluster://{}", addresses.join(",")));
    let shared = connect(&config_all, &clock).await;
    conformance(&shared, &clock).await;

    // Keys of one question lie on different nodes.
    let keys: Vec<_> = (0_u8..16).map(|n| RevocationKey::token([n; 32])).collect();
    let until = clock.now().plus(Span::minutes(1));
    for key in &keys {
        shared.revoke(key, until).await.unwrap();
        assert_eq!(shared.is_revoked(key).await, Revocation::Revoked);
    }
    assert_eq!(shared.any_revoked(&keys).await, Revocation::Revoked);
    for server in &servers {
        let held: i64 = redis::from_redis_value(server.raw(&["DBSIZE"]).await).unwrap();
        assert!(held > 0, "every master holds some keys");
    }
    let unseen = RevocationKey::token(Subject::from_hash(b"unseen").unwrap());
    assert_eq!(shared.is_revoked(&unseen).await, Revocation::NotSeen);

    // A notice published through one node reaches a reader on another.
    let mut readers = Vec::new();
    for address in &addresses {
        let mut one = config_all.clone();
        one.url = format!("redis-cluster://{address}").into();
        readers.push(connect(&one, &clock).await.subscribe(Topic::new("t")).await);
    }
    shared.publish(Topic::new("t"), "to all").await.unwrap();
    for reader in &mut readers {
        assert_eq!(reader.recv().await, Notice::Message("to all".into()));
    }
}
