//! What somebody without the database can check: exports and checkpoints, here
//! and with the Python program that was written from the documentation.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use futures_util::TryStreamExt as _;
use vv_audit::export::ExportFormat;
use vv_audit::{
    Event, EventFilter, ExportRequest, ExportVerification, Kind, Verdict, verify_export,
};
use vv_base::Ctx;
use vv_crypto::VerifierKey;

use crate::harness::{World, on_both};

/// An export, and the keys that check it.
struct Exported {
    text: String,
    keys: Vec<VerifierKey>,
}

async fn export(world: &World, ctx: &Ctx, filter: EventFilter) -> Exported {
    let request = ExportRequest {
        filter,
        format: ExportFormat::Jsonl,
        opened: false,
    };
    let pieces = world.audit.export(ctx, &request).await.unwrap();
    let pieces: Vec<Vec<u8>> = pieces.try_collect().await.unwrap();
    Exported {
        text: String::from_utf8(pieces.concat()).unwrap(),
        keys: world.audit.verifier_keys(ctx).unwrap(),
    }
}

/// A chain with everything that a body can have.
async fn rich_chain(world: &World) -> Ctx {
    let ctx = world.ctx(world.tenant());
    let sealer = world.audit.sealer(&ctx, ctx.new_id()).await.unwrap();
    for n in 0..20_i64 {
        let event = Event::new(Kind::UserViewed)
            .target("user", ctx.new_id::<()>())
            .detail("n", n)
            .detail("text", "\"quoted\" \\ and\u{e9}\u{1f600}")
            .personal(&sealer, "ip", "192.0.2.7".to_owned());
        world.audit.append(&ctx, event).await.unwrap();
    }
    ctx
}

fn verify(text: &str, keys: &[VerifierKey]) -> ExportVerification {
    verify_export(text.as_bytes(), keys).unwrap()
}

/// Swaps something in one line, counted from 1.
fn edit(text: &str, line: usize, change: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for (number, old) in (1..).zip(text.lines()) {
        if number == line {
            let new = change(old);
            assert_ne!(new, old, "line {line} is as it was");
            out.push_str(&new);
        } else {
            writeln!(out, "{old}").unwrap();
            continue;
        }
        out.push('\n');
    }
    out
}

/// The text without a line.
fn without(text: &str, line: usize) -> String {
    let lines = (1..)
        .zip(text.lines())
        .filter(|(number, _)| *number != line);
    lines.flat_map(|(_, text)| [text, "\n"]).collect()
}

/// One character of a value exchanged for another of its alphabet.
fn flip(line: &str, member: &str, place: usize) -> String {
    let start = line.rfind(&format!("\"{member}\":\"")).unwrap() + member.len() + 4 + place;
    let new = if &line[start..=start] == "a" {
        "b"
    } else {
        "a"
    };
    format!("{}{new}{}", &line[..start], &line[start + 1..])
}

#[expect(clippy::too_many_lines, reason = "a table")]
/// Every way to change the export, the line and the verdict that must fail.
fn mutations(text: &str) -> Vec<(&'static str, u64, &'static str, String)> {
    let last = text.lines().count();
    let end = u64::try_from(last).unwrap();
    let swapped = {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.swap(4, 5);
        lines.join("\n") + "\n"
    };
    vec![
        (
            "a flipped leaf",
            5,
            "integrity",
            edit(text, 5, |l| flip(l, "leaf", 200)),
        ),
        (
            "a flipped hash",
            5,
            "projection",
            edit(text, 5, |l| flip(l, "leaf_hash", 9)),
        ),
        (
            "another outcome",
            5,
            "projection",
            edit(text, 5, |l| l.replace("\"success\"", "\"denied\"")),
        ),
        (
            "another kind",
            5,
            "projection",
            edit(text, 5, |l| {
                l.replace("data.user_viewed", "data.user_locked")
            }),
        ),
        (
            "another detail",
            5,
            "projection",
            edit(text, 5, |l| l.replace("\"n\":3", "\"n\":4")),
        ),
        ("an event left out", 5, "completeness", without(text, 5)),
        ("two events swapped", 5, "completeness", swapped),
        ("no header", 1, "completeness", without(text, 1)),
        ("no trailer", end, "completeness", without(text, last)),
        (
            "the last event left out",
            end - 1,
            "completeness",
            without(text, last - 1),
        ),
        (
            "another count",
            end,
            "completeness",
            edit(text, last, |l| l.replace("\"count\":", "\"count\":1")),
        ),
        (
            "another root",
            end,
            "integrity",
            edit(text, last, |l| flip(l, "root", 3)),
        ),
        (
            "a cut line",
            5,
            "completeness",
            text.lines().take(5).collect::<Vec<_>>().join("\n"),
        ),
        (
            "another root signed",
            1,
            "anchor",
            edit(text, 1, another_size),
        ),
    ]
}

/// The checkpoint speaks of one event more.
fn another_size(line: &str) -> String {
    line.replacen("\\n20\\n", "\\n21\\n", 1)
        .replacen("\\n21\\n", "\\n22\\n", 1)
}

fn failed(found: &ExportVerification, verdict: &str) -> bool {
    let answer = match verdict {
        "integrity" => found.integrity,
        "completeness" => found.completeness,
        "projection" => found.projection,
        _ => found.anchor,
    };
    answer == Verdict::Failed
}

#[tokio::test]
async fn an_export_is_checked_without_the_database() {
    on_both(async |world| {
        let ctx = rich_chain(&world).await;
        let Exported { text, keys } = export(&world, &ctx, EventFilter::default()).await;
        let found = verify(&text, &keys);
        assert!(found.verified, "{found:?}");
        assert_eq!(found.anchor, Verdict::Ok);
        assert!(found.checked >= 20);
        let unsigned = verify(&text, &[]);
        assert!(unsigned.verified && unsigned.anchor == Verdict::NotConfigured);
        for (name, line, verdict, changed) in mutations(&text) {
            let found = verify(&changed, &keys);
            assert!(
                !found.verified && failed(&found, verdict),
                "{name}: {found:?}"
            );
            assert!(found.first_bad_line <= Some(line), "{name}: {found:?}");
        }
        // Every single bit of an event's line counts.
        let line = text.lines().nth(4).unwrap();
        let start = text.find(line).unwrap();
        for bit in (0..line.len() * 8).step_by(7) {
            let mut bytes = text.clone().into_bytes();
            bytes[start + bit / 8] ^= 1 << (bit % 8);
            let found = verify_export(bytes.as_slice(), &keys).unwrap();
            assert!(!found.verified, "bit {bit} of the line");
        }
        let part = EventFilter {
            from_height: Some(7),
            to_height: Some(12),
            ..EventFilter::default()
        };
        let part = export(&world, &ctx, part).await;
        let found = verify(&part.text, &keys);
        assert!(found.verified && found.anchor == Verdict::Ok, "{found:?}");
        assert!((5..=6).contains(&found.checked), "{found:?}");
        let hits = EventFilter {
            kind: Some("data.user_viewed".to_owned()),
            ..EventFilter::default()
        };
        let hits = export(&world, &ctx, hits).await;
        let found = verify(&hits.text, &keys);
        assert!(found.verified, "{found:?}");
        assert_eq!(found.completeness, Verdict::NotConfigured);
    })
    .await;
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/verify-audit/verify_audit.py")
}

fn python(what: &str, file: &Path, keys: &[VerifierKey]) -> Output {
    let mut command = Command::new("python3");
    command.arg("-B").arg(example()).arg(what).arg(file);
    for key in keys {
        command.arg("--vkey").arg(key.to_string());
    }
    command.output().expect("python3 is installed")
}

#[tokio::test]
async fn a_program_written_from_the_documentation_agrees() {
    on_both(async |world| {
        let ctx = rich_chain(&world).await;
        let Exported { text, keys } = export(&world, &ctx, EventFilter::default()).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("export.jsonl");
        std::fs::write(&file, &text).unwrap();
        let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
        let sound = python("export", &file, &keys);
        assert!(sound.status.success(), "{sound:?}");
        for line in [
            "integrity ok",
            "completeness ok",
            "projection ok",
            "anchor ok",
        ] {
            assert!(said(&sound).contains(line), "{sound:?}");
        }
        for (name, _, verdict, changed) in mutations(&text) {
            std::fs::write(&file, changed).unwrap();
            let output = python("export", &file, &keys);
            // That program takes a wrong hash beside a leaf for a wrong leaf.
            let verdict = if name == "a flipped hash" {
                "integrity"
            } else {
                verdict
            };
            let expected = format!("{verdict} failed");
            assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
            assert!(said(&output).contains(&expected), "{name}: {output:?}");
        }
        let note = world.audit.checkpoint(&ctx).await.unwrap();
        let file = folder.path().join("checkpoint.txt");
        std::fs::write(&file, &note).unwrap();
        let sound = python("checkpoint", &file, &keys);
        assert!(sound.status.success(), "{sound:?}");
        let other = note.replacen('\n', "\n1", 1);
        let strange = world.audit.anchor_log().verifier_keys().unwrap();
        for (note, keys) in [(&other, &keys), (&note, &strange), (&note, &Vec::new())] {
            std::fs::write(&file, note).unwrap();
            let output = python("checkpoint", &file, keys);
            assert_eq!(output.status.code(), Some(1), "{output:?}");
        }
    })
    .await;
}
