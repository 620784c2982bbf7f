//! Events that applications write.

use serde_json::{Value, json};
use vv_audit::{
    ApplicationEvent, ApplicationEventError, AuditSettings, Emitted, EventFilter, EventView, Look,
    Severity,
};
use vv_base::{Actor, Ctx, PageRequest, UserId};

use crate::harness::{World, on_both};

fn said(kind: &str) -> ApplicationEvent {
    ApplicationEvent {
        kind: kind.to_owned(),
        severity: Severity::Warning,
        description: "An invoice was paid".to_owned(),
        actor: None,
        target: None,
        metadata: Value::Null,
    }
}

/// Somebody of a tenant.
fn caller(world: &World) -> (Ctx, UserId) {
    let ctx = world.ctx(world.tenant());
    let user: UserId = ctx.new_id();
    let session = ctx.new_id();
    (ctx.with_actor(Actor::User { user, session }), user)
}

async fn newest(world: &World, ctx: &Ctx, filter: EventFilter) -> Option<EventView> {
    let page = PageRequest::new(Some(1), None);
    let found = world.audit.list(ctx, &filter, &page).await.unwrap();
    found.items.into_iter().next()
}

fn by_email(email: &str) -> EventFilter {
    EventFilter {
        personal: Some(("email".to_owned(), email.to_owned())),
        ..EventFilter::default()
    }
}

#[tokio::test]
async fn an_event_is_recorded_with_what_was_said() {
    on_both(async |world| {
        let (ctx, writer) = caller(&world);
        let actor: UserId = ctx.new_id();
        let event = ApplicationEvent {
            actor: Some(actor),
            target: Some("invoice:47:11".to_owned()),
            metadata: json!({ "amount": 4_200, "lines": [{ "sku": "a-1" }] }),
            ..said("app.invoice_paid")
        };
        let done = world.audit.write_application_event(&ctx, event).await;
        let Emitted::Recorded(at) = done.unwrap() else {
            panic!("the database answers");
        };
        let found = newest(&world, &ctx, EventFilter::default()).await.unwrap();
        assert_eq!((found.event_id, found.height), (at.event_id, 1));
        assert_eq!(at.height, 1);
        assert_eq!(found.kind, "app.invoice_paid");
        assert_eq!(found.severity, "warning");
        assert_eq!(found.actor, Some(actor));
        let target = (found.target_kind.as_deref(), found.target.as_deref());
        assert_eq!(target, (Some("invoice"), Some("47:11")));
        let expected = json!({
            "description": "An invoice was paid",
            "metadata": { "amount": 4_200, "lines": [{ "sku": "a-1" }] },
            "recorded_by": writer.to_string(),
        });
        assert_eq!(found.details, expected);
        let leaf = world
            .audit
            .view_for_reader(&ctx, at.event_id)
            .await
            .unwrap();
        assert!(leaf.unwrap().body.unwrap().contains("An invoice was paid"));
        let look = newest(&world, &ctx, EventFilter::default()).await.unwrap();
        assert_eq!(look.kind, "data.audit_viewed");
        assert_eq!(look.target, Some(at.event_id.to_string()));
    })
    .await;
}

#[tokio::test]
async fn personal_fields_are_sealed_and_secrets_are_masked() {
    on_both(async |world| {
        let (ctx, _) = caller(&world);
        let event = ApplicationEvent {
            description: "Charged 4111 1111 1111 1111 of ann@shop.example".to_owned(),
            metadata: json!({
                "email": "ann@shop.example",
                "customer": { "phone": "+41 44 668 18 00" },
                "password": "hunter2hunter2",
                "order": "A-17",
            }),
            ..said("data.updated")
        };
        world
            .audit
            .write_application_event(&ctx, event)
            .await
            .unwrap();
        let found = newest(&world, &ctx, by_email("Ann@shop.example"))
            .await
            .unwrap();
        let personal: Vec<_> = found
            .personal
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_deref()))
            .collect();
        assert_eq!(
            personal,
            [
                ("customer.phone", Some("+41 44 668 18 00")),
                ("email", Some("ann@shop.example"))
            ]
        );
        assert_eq!(found.details["metadata"]["order"], "A-17");
        assert_eq!(found.details["masked"]["card_numbers"], 1);
        assert_eq!(found.details["masked"]["emails"], 1);
        assert_eq!(found.details["masked"]["secrets"], 1);
        let detail = world
            .audit
            .view(&ctx, found.event_id)
            .await
            .unwrap()
            .unwrap();
        let body = detail.body.unwrap();
        for clear in ["4111", "ann@", "hunter2", "668"] {
            assert!(!body.contains(clear), "{clear}: {body}");
        }
    })
    .await;
}

fn with_target(text: &str) -> ApplicationEvent {
    ApplicationEvent {
        target: Some(text.to_owned()),
        ..said("app.x")
    }
}

fn with_description(text: &str) -> ApplicationEvent {
    ApplicationEvent {
        description: text.to_owned(),
        ..said("app.x")
    }
}

fn with_metadata(metadata: Value) -> ApplicationEvent {
    ApplicationEvent {
        metadata,
        ..said("app.x")
    }
}

fn refused() -> Vec<(ApplicationEvent, &'static str)> {
    let mut deep = json!({});
    for _ in 0..6 {
        deep = json!({ "a": deep });
    }
    vec![
        (said("authentication.logout"), "audit.type_reserved"),
        (said("audit.segment_pruned"), "audit.type_reserved"),
        (said("data.bought"), "audit.type_unknown"),
        (said("app.Bought"), "audit.type_unknown"),
        (said(""), "audit.type_unknown"),
        (with_description(""), "request.invalid"),
        (with_description(" \n"), "request.invalid"),
        (with_description("a\u{7}b"), "request.invalid"),
        (with_description(&"é".repeat(1_001)), "request.invalid"),
        (with_target(""), "request.invalid"),
        (with_target(" x"), "request.invalid"),
        (with_target("user:ann@shop.example"), "request.invalid"),
        (with_target("card:4111111111111111"), "request.invalid"),
        (with_target(&"x".repeat(129)), "request.invalid"),
        (with_target("a\nb"), "request.invalid"),
        (with_metadata(deep), "request.invalid"),
        (with_metadata(json!([1])), "request.invalid"),
        (with_metadata(json!({ "a": 1.5 })), "request.invalid"),
        (
            with_metadata(json!({ "a": "x".repeat(17_000) })),
            "request.invalid",
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_and_leaves_nothing() {
    on_both(async |world| {
        let (ctx, _) = caller(&world);
        let write = async |event| world.audit.write_application_event(&ctx, event).await;
        for (event, code) in refused() {
            let what = format!("{event:?}");
            let refusal: ApplicationEventError = write(event).await.unwrap_err();
            assert_eq!(refusal.code().as_str(), code, "{what}");
        }
        assert!(newest(&world, &ctx, EventFilter::default()).await.is_none());
        let long = "é".repeat(128);
        for fine in ["4711", "https://shop.example/a", "Order:x", &long] {
            write(with_target(fine)).await.unwrap();
        }
        write(with_description(&"é".repeat(1_000))).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn looks_say_at_what() {
    on_both(async |world| {
        let (ctx, user) = caller(&world);
        world.audit.record_look(&ctx, Look::Tail(7)).await.unwrap();
        let path = "tile/entries/000.p/3".parse().unwrap();
        world
            .audit
            .record_look(&ctx, Look::Entries(path))
            .await
            .unwrap();
        let found = newest(&world, &ctx, EventFilter::default()).await.unwrap();
        assert_eq!((found.height, found.actor), (2, Some(user)));
        assert_eq!(found.details, json!({ "entries": "tile/entries/000.p/3" }));
        // Of what is not there nothing was seen.
        let nothing = world.audit.view_for_reader(&ctx, ctx.new_id()).await;
        assert!(nothing.unwrap().is_none());
        let last = newest(&world, &ctx, EventFilter::default()).await.unwrap();
        assert_eq!(last.height, 2);
    })
    .await;
}

#[tokio::test]
async fn while_the_databases_are_away_the_event_waits_on_disk() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let settings = AuditSettings {
            spool: Some(folder.path().join("spool")),
            ..AuditSettings::default()
        };
        let audit = world.node("node-1", settings).await;
        let (ctx, _) = caller(&world);
        world.keys.close().await;
        world.store.close().await;
        let event = with_metadata(json!({ "email": "ann@shop.example" }));
        let done = audit.write_application_event(&ctx, event).await.unwrap();
        assert!(matches!(done, Emitted::Spooled(_)), "{done:?}");
        // Without a spool nothing is promised.
        let event = with_metadata(json!({ "order": "A-17" }));
        let refused = world.audit.write_application_event(&ctx, event).await;
        assert!(refused.is_err());
    })
    .await;
}
