use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vv_audit::export::{ExportFormat, OCSF_VERSION, OpenedField};
use vv_audit::{Json, Kind, leaf_hash};

use crate::sample::{ACTOR, CHAIN, EVENT, REQUEST, SESSION, Sample, opened};
use crate::schema::Schema;

fn event(sample: &Sample, personal: Option<&[OpenedField]>) -> Value {
    let line = sample.line(ExportFormat::Ocsf, personal);
    assert_eq!(line.matches('\n').count(), 1, "one line: {line}");
    serde_json::from_str(&line).expect("JSON")
}

/// The shapes in which an event of a kind may come.
fn shapes(kind: &str) -> Vec<Sample> {
    let plain = Sample::new(kind);
    let mut shapes = vec![plain.clone()];
    for outcome in ["failure", "denied", "odd"] {
        shapes.push(Sample {
            outcome,
            ..plain.clone()
        });
    }
    for actor in [
        ("anonymous", None),
        ("system", None),
        ("operator", None),
        ("api_key", Some(ACTOR)),
    ] {
        shapes.push(Sample {
            actor,
            session: None,
            target: None,
            ..plain.clone()
        });
    }
    for target in ["tenant", "session", "role", "card", "policy"] {
        shapes.push(Sample {
            target: Some((target.to_owned(), ACTOR.to_owned())),
            details: vec![("role", Json::from("billing_admin"))],
            severity: "critical",
            height: 1,
            ..plain.clone()
        });
    }
    shapes
}

#[test]
fn every_kind_in_every_shape_fits_the_schema() {
    let schema = Schema::read();
    let opened = opened();
    let own = ["app.invoice_paid", "future.thing"];
    for kind in Kind::ALL.iter().map(|kind| kind.name()).chain(own) {
        for sample in shapes(kind) {
            for personal in [None, Some(opened.as_slice())] {
                let event = event(&sample, personal);
                let faults = schema.faults(&event);
                assert!(faults.is_empty(), "{kind}: {faults:#?}\n{event:#}");
            }
        }
    }
}

/// The check itself notices what is wrong.
#[test]
fn the_check_finds_faults() {
    let schema = Schema::read();
    let good = event(&Sample::new("data.users_listed"), None);
    assert!(schema.faults(&good).is_empty());
    for (pointer, value) in [
        ("/class_uid", json!(3001)),
        ("/activity_id", json!(77)),
        ("/activity_name", json!("Delete")),
        ("/severity_id", json!(42)),
        ("/time", json!("now")),
        ("/type_uid", json!(1)),
        ("/actor", json!({})),
        ("/api", json!({})),
        ("/metadata/version", json!(1)),
        ("/metadata/profiles", json!("host")),
        ("/src_endpoint", json!({"ip": "nowhere"})),
        (
            "/attestation_list/0/fingerprint",
            json!({"algorithm_id": 99}),
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = value;
        assert!(!schema.faults(&bad).is_empty(), "{pointer}");
    }
    let mut bad = good.clone();
    bad["invented"] = json!(true);
    assert_eq!(schema.faults(&bad), ["/invented is not in the schema"]);
    let mut bad = good;
    bad.as_object_mut()
        .expect("an object")
        .remove("src_endpoint");
    assert_eq!(schema.faults(&bad), ["/src_endpoint is required"]);
}

/// The captions that the catalogue knows are the schema's.
#[test]
fn activities_are_named_as_in_the_schema() {
    let schema = Schema::read();
    for kind in Kind::ALL {
        let (class, _) = kind.ocsf();
        let known = schema
            .class(u64::from(class.uid()))
            .expect("in the vectors");
        assert_eq!(known["category"], class.category_uid(), "{class:?}");
        for id in 1..=20_u8 {
            let caption = known["activities"]
                .get(id.to_string())
                .and_then(Value::as_str);
            assert_eq!(class.activity(id), caption, "{class:?} {id}");
        }
    }
}

#[test]
fn the_record_can_be_verified_from_the_event_alone() {
    let sample = Sample::nasty();
    let event = event(&sample, None);
    let leaf = STANDARD
        .decode(event["raw_data"].as_str().expect("text"))
        .expect("base64");
    assert_eq!(leaf, sample.leaf());
    assert_eq!(event["raw_data_size"], leaf.len());
    let hash = hex::encode(leaf_hash(&leaf));
    let attestation = &event["attestation_list"][0];
    assert_eq!(attestation["fingerprint"]["value"], hash);
    assert_eq!(attestation["fingerprint"]["algorithm_id"], 99);
    assert_eq!(attestation["chain_uid"], CHAIN.to_string());
    assert_eq!(attestation["uid"], format!("{CHAIN}/7"));
    assert_eq!(attestation["uid"], event["metadata"]["uid"]);
    let before = &attestation["prev_event"];
    assert_eq!(before["uid"], format!("{CHAIN}/6"));
    assert_eq!(before["fingerprint"]["value"], "ab".repeat(32));
    let unmapped = &event["unmapped"];
    assert_eq!(unmapped["height"], 7);
    assert_eq!(unmapped["chain"], CHAIN.to_string());
    assert_eq!(unmapped["leaf_hash"], hash);
    assert_eq!(unmapped["prev_hash"], "ab".repeat(32));
    assert_eq!(unmapped["checkpoint_size"], 4096);
    assert_eq!(unmapped["checkpoint_root"], "fb".repeat(32));
}

#[test]
fn the_first_event_of_a_chain_has_none_before_it() {
    let mut sample = Sample::new("data.created");
    sample.height = 1;
    let event = event(&sample, None);
    assert_eq!(event["attestation_list"][0].get("prev_event"), None);
}

#[test]
fn a_sign_in_says_who_from_where_and_how_it_ended() {
    let mut sample = Sample::new("authentication.login_failed");
    sample.outcome = "denied";
    sample.severity = "warning";
    let event = event(&sample, Some(&opened()));
    for (pointer, value) in [
        ("/class_uid", json!(3002)),
        ("/type_uid", json!(300_201)),
        ("/type_name", json!("Authentication: Logon")),
        ("/time", json!(1_700_000_000_123_u64)),
        ("/severity_id", json!(3)),
        ("/status_id", json!(2)),
        ("/status_code", json!("denied")),
        ("/message", json!("failed to sign in")),
        ("/user/uid", json!(ACTOR)),
        ("/actor/session/uid", json!(SESSION)),
        ("/src_endpoint/ip", json!("192.0.2.7")),
        ("/http_request/uid", json!(REQUEST)),
        ("/http_request/user_agent", json!("=curl/8 \"x\", y")),
        ("/metadata/version", json!(OCSF_VERSION)),
        ("/metadata/original_event_uid", json!(EVENT)),
        ("/metadata/event_code", json!("authentication.login_failed")),
        ("/metadata/sequence", json!(7)),
        ("/unmapped/personal/2/value", json!(null)),
    ] {
        assert_eq!(event.pointer(pointer), Some(&value), "{pointer}");
    }
}

/// A reader must never take a type it does not know for another.
#[test]
fn unknown_types_are_base_events() {
    for kind in ["future.thing", "data.eaten", "app.Bad", "login.succeeded"] {
        let event = event(&Sample::new(kind), None);
        assert_eq!(event["class_uid"], 0, "{kind}");
        assert_eq!(event["activity_id"], 99);
        assert_eq!(event["metadata"]["event_code"], kind);
        assert_eq!(event["message"], kind);
    }
}
