//! What an outsider checks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use vv_audit::tree::decode_bundle;
use vv_audit::{ConsistencyProof, InclusionProof, Receipt, leaf_hash};
use vv_crypto::verify_note;

use super::{EVENTS, Scene, bytes_of};
use crate::harness::people::OTTO;
use crate::harness::{SOON, eventually};

async fn proof<T: DeserializeOwned>(scene: &Scene, path: &str) -> T {
    let answer = scene.get(&format!("/api/v1/audit/{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_value(answer.json()).unwrap()
}

#[tokio::test]
async fn an_event_is_proven_down_to_its_bytes() {
    let scene = Scene::new().await;
    let written = scene.note("app.proven").await;
    let (id, height) = (written["event_id"].as_str().unwrap(), &written["height"]);
    let event = scene.get(&format!("{EVENTS}/{id}")).await.json();
    let leaf = STANDARD.decode(event["leaf"].as_str().unwrap()).unwrap();
    let path = format!("proof/inclusion?height={height}");
    let inside: InclusionProof = proof(&scene, &path).await;
    inside.verify().unwrap();
    assert_eq!(inside.leaf_hash, leaf_hash(&leaf));
    let newer = format!("proof/consistency?from={height}&to={}", inside.tree_size);
    let grown: ConsistencyProof = proof(&scene, &newer).await;
    grown.verify().unwrap();
    assert_eq!(grown.to_root, inside.root);
    let keys = scene.keys().await;
    let note = scene.get("/api/v1/audit/checkpoint").await;
    assert_eq!(note.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(note.header("cache-control"), "no-store");
    let note = verify_note(&note.body, &keys).unwrap();
    let path = format!("{path}&size={}", note.checkpoint.size);
    let signed: InclusionProof = proof(&scene, &path).await;
    assert_eq!(signed.root, note.checkpoint.root);
}

#[tokio::test]
async fn a_receipt_leads_to_the_log_of_logs() {
    let scene = Scene::new().await;
    let written = scene.note("app.kept").await;
    let (id, height) = (written["event_id"].as_str().unwrap(), &written["height"]);
    let event = scene.get(&format!("{EVENTS}/{id}")).await.json();
    let leaf = STANDARD.decode(event["leaf"].as_str().unwrap()).unwrap();
    let keys = scene.keys().await;
    let path = format!("/api/v1/audit/receipt?height={height}");
    eventually("the event is anchored", SOON, async || {
        scene.get(&path).await.status == 200
    })
    .await;
    let receipt: Receipt = proof(&scene, &format!("receipt?height={height}")).await;
    receipt.verify(&leaf, &keys).unwrap();
    let mut altered = leaf.clone();
    altered[200] ^= 1;
    assert!(receipt.verify(&altered, &keys).is_err());
    let file = scene.get(&format!("{path}&format=tlog-proof")).await.body;
    assert!(file.starts_with("c2sp.org/tlog-proof@v1\n"), "{file}");
}

#[tokio::test]
async fn the_logs_are_served_as_tiles() {
    let scene = Scene::new().await;
    let written = scene.note("app.tiled").await;
    let log = format!("/api/v1/audit/log/{}", scene.tenant().await);
    let keys = scene.keys().await;
    let note = scene.get(&format!("{log}/checkpoint")).await.body;
    let size = verify_note(&note, &keys).unwrap().checkpoint.size;
    let hashes = bytes_of(&scene, &format!("{log}/tile/0/000.p/{size}")).await;
    let bundle = bytes_of(&scene, &format!("{log}/tile/entries/000.p/{size}")).await;
    let entries = decode_bundle(&bundle).unwrap();
    let computed: Vec<u8> = entries.iter().flat_map(|leaf| leaf_hash(leaf)).collect();
    assert_eq!(computed, hashes);
    let height = usize::try_from(written["height"].as_u64().unwrap()).unwrap();
    assert!(String::from_utf8_lossy(entries[height - 1]).contains("It happened"));
    // Reading entries is a look, and on record.
    let looks = scene
        .get(&format!("{EVENTS}?type=data.audit_viewed&limit=1"))
        .await;
    let entry = &looks.json()["items"][0]["details"]["entries"];
    assert_eq!(*entry, format!("tile/entries/000.p/{size}"));
    scene
        .get(&format!("{log}/tile/0/999"))
        .await
        .is_problem(404, "audit.not_found");
    let foreign = {
        let otto = scene.api.login(OTTO.email, OTTO.password).await.access;
        scene
            .api
            .get(&format!("{log}/checkpoint"), Some(&otto))
            .await
    };
    foreign.is_problem(404, "audit.not_found");
    let anchor = "/api/v1/audit/log/anchor";
    eventually("there is an anchor", SOON, async || {
        scene.get(&format!("{anchor}/tile/0/000.p/1")).await.status == 200
    })
    .await;
    let note = scene.get(&format!("{anchor}/checkpoint")).await.body;
    verify_note(&note, &keys).unwrap();
}
