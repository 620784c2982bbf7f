//! JSON Lines, the form that can be verified: `header`, then an `event` per
//! line, then `trailer`. Hashes are lowercase hex, leaves base64, times RFC 3339.

use super::PRODUCT;
use super::json::{Object, hash_text, string};
use super::record::{ExportHeader, ExportRecord, ExportTrailer, Selection};

/// Name and version of the form, in the first line.
pub const JSONL_FORMAT: &str = "valueverse-audit-export/1";

pub(super) fn header(out: &mut Vec<u8>, version: &str, header: &ExportHeader<'_>) {
    Object::write(out, |line| {
        line.text("type", "header");
        line.text("format", JSONL_FORMAT);
        line.text("product", &format!("{PRODUCT} {version}"));
        line.shown("exported_at", header.exported_at);
        line.shown("chain", header.chain);
        line.number("from", header.from);
        line.number("to", header.to);
        match header.selection {
            Selection::Everything => line.canonical("selection", "null"),
            Selection::Found(asked) => line.text("selection", asked),
        }
        line.object("start", |start| {
            start.number("size", header.from.saturating_sub(1));
            start.list("hashes", header.start, hash_text);
        });
        match header.checkpoint {
            Some(note) => line.text("checkpoint", note),
            None => line.canonical("checkpoint", "null"),
        }
        match header.anchor {
            Some(anchor) => line.object("anchor", |proof| {
                proof.bytes("leaf", anchor.leaf);
                proof.number("index", anchor.index);
                proof.list("inclusion", anchor.inclusion, hash_text);
                proof.text("checkpoint", anchor.checkpoint);
            }),
            None => line.canonical("anchor", "null"),
        }
        line.list("verifier_keys", header.verifier_keys, |out, key| {
            string(out, key);
        });
    });
    out.push(b'\n');
}

pub(super) fn line(out: &mut Vec<u8>, record: &ExportRecord<'_>) {
    Object::write(out, |line| {
        line.text("type", "event");
        line.shown("chain", record.header.chain);
        line.number("height", record.header.height);
        line.shown("time", record.header.seq_ts);
        line.shown("occurred", record.occurred());
        described(line, record);
        line.hash("prev_hash", &record.header.prev);
        line.hash("leaf_hash", &record.leaf_hash);
        match record.checkpoint {
            Some(checkpoint) => line.object("checkpoint", |reference| {
                reference.number("size", checkpoint.size);
                reference.hash("root", &checkpoint.root);
            }),
            None => line.canonical("checkpoint", "null"),
        }
        line.bytes("leaf", record.leaf);
    });
    out.push(b'\n');
}

/// What the body says.
fn described(line: &mut Object<'_>, record: &ExportRecord<'_>) {
    let body = &record.body;
    line.body("event_id", body.event_id);
    line.text("kind", &record.kind());
    line.body("severity", body.severity);
    line.body("outcome", body.outcome);
    line.object("actor", |actor| {
        actor.body("type", body.actor_kind);
        actor.body_or_null("ref", body.actor_ref);
    });
    match body.target {
        Some(target) => line.object("target", |object| {
            object.body("type", target.kind);
            object.body("id", target.id);
        }),
        None => line.canonical("target", "null"),
    }
    line.body("request", body.request);
    line.body_or_null("session", body.session);
    line.body("service", body.service);
    line.body("node", body.node);
    line.canonical("details", body.details_text());
    line.list("sealed", body.sealed(), |out, field| {
        Object::write(out, |sealed| {
            sealed.body("field", field.field);
            sealed.body("subject", field.key_id);
        });
    });
    if record.personal.is_some() {
        personal(line, record);
    }
}

/// The opened fields, of which there may be two of a name; null where the key was destroyed.
pub(super) fn personal(line: &mut Object<'_>, record: &ExportRecord<'_>) {
    let fields = record.personal.unwrap_or_default();
    line.list("personal", fields, |out, (name, value)| {
        Object::write(out, |field| {
            field.text("field", name);
            match value {
                Some(value) => field.text("value", value),
                None => field.canonical("value", "null"),
            }
        });
    });
}

pub(super) fn trailer(out: &mut Vec<u8>, trailer: &ExportTrailer<'_>) {
    Object::write(out, |line| {
        line.text("type", "trailer");
        line.number("count", trailer.count);
        line.hash_or_null("last_hash", trailer.last_hash.as_ref());
        line.hash_or_null("root", trailer.root.as_ref());
        line.list("consistency", trailer.consistency, hash_text);
    });
    out.push(b'\n');
}
