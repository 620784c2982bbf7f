//! What was acknowledged survives kill -9.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use tokio::task::JoinSet;
use vv_base::Secret;
use vv_store::testing::ScratchDatabase;
use vv_store::{Family, Store, Target};
use vv_testkit::stores::{pg_server, setting, system_ctx};

use crate::probe;

const FILE: &str = "VALUEVERSE_TEST_CHILD_FILE";
const URL: &str = "VALUEVERSE_TEST_CHILD_URL";
const ACKS: usize = 200;

/// Writes and reports until it is killed: the process that the tests below
/// start. Without its settings there is nothing to do.
#[test]
fn child() {
    let target = match (setting(FILE), setting(URL)) {
        (Some(path), _) => Target::Lite { path: path.into() },
        (None, Some(url)) => Target::Pg {
            url: Secret::new(url),
            max_connections: 8,
        },
        (None, None) => return,
    };
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(async move {
        let ctx = system_ctx();
        let store = Store::open(&target, Family::Main).await.expect("open");
        let mut tasks = JoinSet::new();
        for writer in 0..8 {
            let (store, ctx) = (store.clone(), ctx.clone());
            tasks.spawn(async move {
                for n in 0.. {
                    let note = format!("{writer}-{n}");
                    probe::add(&store, &ctx, &note).await.expect("insert");
                    println!("ack {note}");
                }
            });
        }
        tasks.join_next().await;
    });
}

fn kill_a_writer(name: &str, value: &str) -> Vec<String> {
    let exe = std::env::current_exe().expect("this test's binary");
    let mut child = Command::new(exe)
        .args(["--exact", "durable::child", "--nocapture"])
        .env(name, value)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut acks = Vec::new();
    let mut killed = false;
    for line in lines.map_while(Result::ok) {
        if let Some((_, note)) = line.split_once("ack ") {
            acks.push(note.to_owned());
        }
        if acks.len() >= ACKS && !killed {
            child.kill().expect("kill -9");
            killed = true;
        }
    }
    child.wait().expect("the child is gone");
    assert!(killed, "the child stopped by itself after {acks:?}");
    acks
}

async fn check(target: &Target, acks: &[String]) {
    let store = Store::open(target, Family::Main).await.expect("reopen");
    store.guard().await.expect("the schema is whole");
    let notes = probe::notes(&store, &system_ctx()).await;
    let lost: Vec<_> = acks.iter().filter(|ack| !notes.contains(ack)).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    probe::add(&store, &system_ctx(), "after")
        .await
        .expect("it goes on");
    store.close().await;
}

async fn prepare(target: &Target) {
    let store = Store::open(target, Family::Main).await.expect("open");
    store.migrate(&system_ctx()).await.expect("migrate");
    probe::create(&store, &system_ctx()).await;
    store.close().await;
}

#[tokio::test]
async fn acknowledged_rows_survive_on_sqlite() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("main.db");
    let target = Target::Lite { path: path.clone() };
    prepare(&target).await;
    let acks = kill_a_writer(FILE, text(&path));
    check(&target, &acks).await;
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[tokio::test]
async fn acknowledged_rows_survive_on_postgres() {
    let Some(server) = pg_server() else { return };
    let ctx = system_ctx();
    let database = ScratchDatabase::migrated(&server, &ctx).await.expect("one");
    let target = database.target(8).expect("its target");
    prepare(&target).await;
    if let Target::Pg { url, .. } = &target {
        let acks = kill_a_writer(URL, url.expose());
        check(&target, &acks).await;
    }
    database.destroy().await.expect("drop");
}
