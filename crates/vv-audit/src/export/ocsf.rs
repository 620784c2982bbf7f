//! Events of the Open Cybersecurity Schema Framework with the profiles `host`
//! and `record_integrity`. The attestation is over the leaf, which stands in
//! `raw_data`: leaf hashes are no plain SHA-256, so the algorithm is 99 (Other)
//! and named. `metadata.uid` is the place in the chain, because that is how
//! the event before can be named.

mod class;

use super::json::Object;
use super::record::{ExportRecord, phrase};
use super::{PRODUCT, VENDOR, jsonl};
use crate::catalogue::{EventType, OcsfClass};

/// The version of the schema.
pub const OCSF_VERSION: &str = "1.9.0";

/// How the fingerprint is computed, where the schema has no number for it.
const ALGORITHM: &str = "SHA-256 of a zero byte and raw_data (RFC 6962 leaf hash)";
/// What it is computed over.
const SERIALIZATION: &str = "VVA1 leaf in raw_data";
/// `Other` in every enumeration of the schema.
const OTHER: u8 = 99;

/// An event and what the catalogue says about it.
struct Mapped<'r, 'a> {
    record: &'r ExportRecord<'a>,
    version: &'r str,
    kind: &'r str,
    phrase: &'r str,
    class: OcsfClass,
    activity: u8,
}

pub(super) fn line(out: &mut Vec<u8>, version: &str, record: &ExportRecord<'_>) {
    let kind = record.kind();
    let known = EventType::by_name(&kind);
    // A type of a newer release is told as it is and never taken for another.
    let (class, activity) = known
        .as_ref()
        .map_or((OcsfClass::Base, OTHER), EventType::ocsf);
    let phrase = phrase(known.as_ref(), &kind);
    let event = Mapped {
        record,
        version,
        kind: &kind,
        phrase: &phrase,
        class,
        activity,
    };
    Object::write(out, |line| {
        event.classification(line);
        event.status(line);
        line.object("metadata", |metadata| event.metadata(metadata));
        line.object("device", |device| {
            device.body("uid", record.body.node);
            device.number("type_id", 1);
            device.text("type", "Server");
        });
        event.class_members(line);
        line.list("attestation_list", [()], |out, ()| {
            Object::write(out, |attestation| event.attestation(attestation));
        });
        line.bytes("raw_data", record.leaf);
        line.number("raw_data_size", record.leaf.len());
        line.object("unmapped", |unmapped| event.unmapped(unmapped));
    });
    out.push(b'\n');
}

impl Mapped<'_, '_> {
    fn classification(&self, line: &mut Object<'_>) {
        let (class, record) = (self.class, self.record);
        let activity = class.activity(self.activity);
        line.number("activity_id", self.activity);
        match activity {
            Some(name) => line.text("activity_name", name),
            // With 99 the source's own label stands here.
            None => line.body("activity_name", record.body.action),
        }
        line.number("category_uid", class.category_uid());
        line.number("class_uid", class.uid());
        line.text("class_name", class.caption());
        let type_uid = u32::from(class.uid()) * 100 + u32::from(self.activity);
        line.number("type_uid", type_uid);
        let name = activity.unwrap_or("Other");
        line.text("type_name", &format!("{}: {name}", class.caption()));
        line.number("time", record.occurred().unix_millis());
        line.text("message", self.phrase);
        let (id, name) = match record.body.severity.raw() {
            "info" => (1, "Informational"),
            "warning" => (3, "Medium"),
            "error" => (4, "High"),
            "critical" => (5, "Critical"),
            other => (OTHER, other),
        };
        line.number("severity_id", id);
        line.text("severity", name);
    }

    /// Findings have a state of their work instead of an outcome.
    fn status(&self, line: &mut Object<'_>) {
        let outcome = self.record.body.outcome;
        let (id, name) = match (self.class, self.activity, outcome.raw()) {
            (OcsfClass::Detection | OcsfClass::Compliance, 1, _) => (1, "New"),
            (OcsfClass::Detection | OcsfClass::Compliance, 2, _) => (2, "In Progress"),
            (OcsfClass::Detection | OcsfClass::Compliance, _, _) => (4, "Resolved"),
            (_, _, "success") => (1, "Success"),
            (_, _, "failure" | "denied") => (2, "Failure"),
            (_, _, other) => (OTHER, other),
        };
        line.number("status_id", id);
        line.text("status", name);
        line.body("status_code", outcome);
    }

    fn metadata(&self, metadata: &mut Object<'_>) {
        let (header, body) = (&self.record.header, &self.record.body);
        metadata.text("version", OCSF_VERSION);
        metadata.object("product", |product| self.product(product));
        metadata.list("profiles", ["host", "record_integrity"], |out, name| {
            super::json::string(out, name);
        });
        metadata.text("uid", &self.place(header.height));
        metadata.body("original_event_uid", body.event_id);
        metadata.text("event_code", self.kind);
        metadata.number("sequence", header.height);
        metadata.shown("tenant_uid", header.chain);
        metadata.body("correlation_uid", body.request);
        metadata.text("log_name", class::LOG_NAME);
        metadata.number("logged_time", header.seq_ts.unix_millis());
    }

    fn product(&self, product: &mut Object<'_>) {
        product.text("name", PRODUCT);
        product.text("vendor_name", VENDOR);
        product.text("version", self.version);
    }

    /// A place in the chain, `chain/height`.
    fn place(&self, height: u64) -> String {
        format!("{}/{height}", self.record.header.chain)
    }

    fn attestation(&self, attestation: &mut Object<'_>) {
        let header = &self.record.header;
        attestation.text("uid", &self.place(header.height));
        attestation.shown("chain_uid", header.chain);
        attestation.object("fingerprint", |print| {
            fingerprint(print, &self.record.leaf_hash);
        });
        if header.height > 1 {
            attestation.object("prev_event", |before| {
                before.text("uid", &self.place(header.height - 1));
                before.object("fingerprint", |print| fingerprint(print, &header.prev));
            });
        }
    }

    /// What the schema has no place for, and the reference to the checkpoint.
    fn unmapped(&self, unmapped: &mut Object<'_>) {
        let (header, body) = (&self.record.header, &self.record.body);
        unmapped.shown("chain", header.chain);
        unmapped.number("height", header.height);
        unmapped.hash("prev_hash", &header.prev);
        unmapped.hash("leaf_hash", &self.record.leaf_hash);
        if let Some(checkpoint) = self.record.checkpoint {
            unmapped.number("checkpoint_size", checkpoint.size);
            unmapped.hash("checkpoint_root", &checkpoint.root);
        }
        if let Some(target) = body.target {
            unmapped.object("target", |object| {
                object.body("type", target.kind);
                object.body("id", target.id);
            });
        }
        unmapped.canonical("details", body.details_text());
        if self.record.personal.is_some() {
            jsonl::personal(unmapped, self.record);
        }
    }
}

fn fingerprint(print: &mut Object<'_>, hash: &[u8; 32]) {
    print.number("algorithm_id", OTHER);
    print.text("algorithm", ALGORITHM);
    print.number("encoding_id", 1);
    print.text("encoding", "Hex");
    print.number("serialization_id", OTHER);
    print.text("serialization", SERIALIZATION);
    print.hash("value", hash);
}
