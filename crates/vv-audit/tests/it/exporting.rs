//! Exports, checked as whoever gets them would.

use std::pin::pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use vv_audit::export::ExportFormat;
use vv_audit::tree::{CompactRange, Hash, verify_consistency};
use vv_audit::{
    Audit, AuditError, Event, EventFilter, ExportRequest, Kind, Leaf, Outcome, leaf_hash,
};
use vv_base::{Ctx, PageRequest, Span, TenantId};

use crate::harness::{World, on_both};
use crate::query::users;

fn everything(format: ExportFormat) -> ExportRequest {
    ExportRequest {
        filter: EventFilter::default(),
        format,
        opened: false,
    }
}

async fn export(audit: &Audit, ctx: &Ctx, request: &ExportRequest) -> Result<Vec<u8>, AuditError> {
    let stream = audit.export(ctx, request).await?;
    stream.try_concat().await
}

async fn lines(audit: &Audit, ctx: &Ctx, request: &ExportRequest) -> Vec<Value> {
    let bytes = export(audit, ctx, request).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn hash(value: &Value) -> Hash {
    hex::decode(value.as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

/// Follows an export of a whole range from its first line to its last.
fn check(lines: &[Value], chain: TenantId) -> (u64, u64) {
    let [header, events @ .., trailer] = lines else {
        panic!("a header and a trailer")
    };
    assert_eq!(header["selection"], Value::Null);
    assert_eq!(header["chain"], chain.to_string());
    let (from, to) = (
        header["from"].as_u64().unwrap(),
        header["to"].as_u64().unwrap(),
    );
    assert_eq!(header["start"]["size"], from - 1);
    let start = hashes(&header["start"]["hashes"]);
    let mut tree = CompactRange::from_parts(from - 1, start).unwrap();
    let mut prev = None;
    for (event, height) in events.iter().zip(from..) {
        let leaf = STANDARD.decode(event["leaf"].as_str().unwrap()).unwrap();
        let decoded = Leaf::decode(&leaf).unwrap();
        assert_eq!(decoded.header.height, height);
        assert_eq!(decoded.header.chain, chain);
        assert!(prev.is_none_or(|prev| prev == decoded.header.prev));
        assert_eq!(hash(&event["leaf_hash"]), leaf_hash(&leaf));
        prev = Some(leaf_hash(&leaf));
        tree.push(leaf_hash(&leaf)).unwrap();
    }
    assert_eq!(tree.size(), to);
    assert_eq!(trailer["count"].as_u64().unwrap(), to + 1 - from);
    assert_eq!(hash(&trailer["root"]), tree.root());
    let Some(note) = header["checkpoint"].as_str() else {
        assert_eq!(to, 0, "only an empty chain has no checkpoint");
        return (from, to);
    };
    let mut note_lines = note.lines();
    let size: u64 = note_lines.nth(1).unwrap().parse().unwrap();
    let root = STANDARD
        .decode(note_lines.next().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let path = hashes(&trailer["consistency"]);
    if to > 0 {
        verify_consistency(to, size, &tree.root(), &root, &path).unwrap();
    }
    for event in events {
        assert_eq!(event["checkpoint"]["size"], size);
        assert_eq!(hash(&event["checkpoint"]["root"]), root);
    }
    (from, to)
}

#[tokio::test]
async fn a_whole_export_can_be_followed_from_its_bytes_alone() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let chain = ctx.tenant().unwrap();
        let jsonl = everything(ExportFormat::Jsonl);
        // Even of a chain that has nothing, and has then the record of this.
        assert_eq!(
            check(&lines(&world.audit, &ctx, &jsonl).await, chain),
            (1, 0)
        );
        world.fill(&ctx, 700).await;
        assert_eq!(
            check(&lines(&world.audit, &ctx, &jsonl).await, chain),
            (1, 701)
        );
        for (from, to) in [(1, 1), (2, 300), (257, 512), (300, 700), (702, 702), (5, 4)] {
            let mut part = jsonl.clone();
            part.filter.from_height = Some(from);
            part.filter.to_height = Some(to);
            assert_eq!(
                check(&lines(&world.audit, &ctx, &part).await, chain),
                (from, to)
            );
        }
        let mut beyond = jsonl.clone();
        beyond.filter.from_height = Some(100_000);
        let (from, to) = check(&lines(&world.audit, &ctx, &beyond).await, chain);
        assert_eq!(from, to + 1, "nothing is there");
    })
    .await;
}

#[tokio::test]
async fn a_range_of_time_is_whole_too() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        for _ in 0..5 {
            world.fill(&ctx, 20).await;
            world.clock.advance(Span::days(20));
        }
        let mut request = everything(ExportFormat::Jsonl);
        request.filter.from = Some(ctx.now().minus(Span::days(80)));
        request.filter.to = Some(ctx.now().minus(Span::days(40)));
        let found = lines(&world.audit, &ctx, &request).await;
        assert_eq!(check(&found, ctx.tenant().unwrap()), (21, 60));
    })
    .await;
}

#[tokio::test]
async fn an_export_of_some_events_says_so() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let [ann, ..] = users();
        let sealer = world.audit.sealer(&ctx, ann).await.unwrap();
        for n in 0..90_i64 {
            let kind = if n % 3 == 0 {
                Kind::LoginFailed
            } else {
                Kind::LoginSucceeded
            };
            let event = Event::new(kind).outcome(Outcome::Success).personal(
                &sealer,
                "email",
                format!("ann{}@example.com", n % 2),
            );
            world.audit.append(&ctx, event).await.unwrap();
        }
        let mut request = everything(ExportFormat::Jsonl);
        request.filter.kind = Some(Kind::LoginFailed.name().to_owned());
        request.filter.personal = Some(("email".to_owned(), "ann1@example.com".to_owned()));
        let found = lines(&world.audit, &ctx, &request).await;
        let asked = found[0]["selection"].as_str().unwrap();
        assert!(
            asked.contains("authentication.login_failed") && !asked.contains('@'),
            "{asked}"
        );
        assert_eq!(found.len(), 15 + 2);
        assert_eq!(found[16]["count"], 15);
        assert_eq!(found[16]["root"], Value::Null);
        assert!(
            found[1..16]
                .iter()
                .all(|line| line.get("personal").is_none())
        );
        request.opened = true;
        let opened = lines(&world.audit, &ctx, &request).await;
        assert_eq!(opened[1]["personal"][0]["value"], "ann1@example.com");
        for format in [ExportFormat::Csv, ExportFormat::Cef, ExportFormat::Ocsf] {
            let closed = ExportRequest {
                format,
                opened: false,
                ..request.clone()
            };
            let text = export(&world.audit, &ctx, &closed).await.unwrap();
            let text = String::from_utf8(text).unwrap();
            let head = usize::from(format == ExportFormat::Csv);
            assert_eq!(text.lines().count(), 15 + head, "{format:?}");
            assert!(!text.contains("ann1@"), "{format:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_export_is_on_record_before_its_first_byte() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 3).await;
        let request = everything(ExportFormat::Csv);
        // Nobody ever reads from it.
        drop(world.audit.export(&ctx, &request).await.unwrap());
        let page = PageRequest::new(Some(1), None);
        let found = world
            .audit
            .list(&ctx, &EventFilter::default(), &page)
            .await
            .unwrap();
        let newest = &found.items[0];
        assert_eq!(newest.kind, Kind::EventsExported.name());
        assert_eq!(newest.details["format"], "csv");
        assert_eq!(
            (&newest.details["from"], &newest.details["to"]),
            (&1.into(), &3.into())
        );
        assert_eq!(newest.details["opened"], false);
    })
    .await;
}

#[tokio::test]
async fn a_slow_consumer_holds_nothing_and_gets_the_chain_as_it_was() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 1_500).await;
        let request = everything(ExportFormat::Jsonl);
        let mut stream = pin!(world.audit.export(&ctx, &request).await.unwrap());
        let mut bytes = Vec::new();
        let mut pieces = 0;
        while let Some(piece) = stream.next().await {
            let piece = piece.unwrap();
            assert!(
                piece.len() < 2 * 1024 * 1024,
                "a piece of {} bytes",
                piece.len()
            );
            bytes.extend(piece);
            pieces += 1;
            // Everybody else goes on between two pieces.
            world.fill(&ctx, 2).await;
        }
        assert!(pieces >= 5, "{pieces}");
        let text = String::from_utf8(bytes).unwrap();
        let found: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(check(&found, ctx.tenant().unwrap()), (1, 1_500));
    })
    .await;
}

#[tokio::test]
async fn an_export_of_a_damaged_chain_ends_with_an_error() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 40).await;
        damage(&world, &ctx).await;
        let request = everything(ExportFormat::Jsonl);
        let error = export(&world.audit, &ctx, &request).await.unwrap_err();
        assert!(matches!(error, AuditError::TreeDamaged), "{error}");
    })
    .await;
}

/// Takes an event out of the middle, as somebody with the owner's rights can.
async fn damage(world: &World, ctx: &Ctx) {
    world
        .store
        .run_script(
            ctx,
            "select set_config('app.tenant', '*', false); \
             alter table audit.audit_events disable trigger audit_events_no_delete; \
             do $$ declare name text; begin for name in select inhrelid::regclass::text \
             from pg_inherits where inhparent = 'audit.audit_events'::regclass loop \
             execute format('alter table %s disable trigger audit_events_no_delete', name); \
             end loop; end $$; \
             delete from audit.audit_events where height = 20",
            "drop trigger audit_events_no_delete; delete from audit_events where height = 20",
        )
        .await
        .unwrap();
}
