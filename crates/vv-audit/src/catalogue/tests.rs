use std::collections::HashSet;

use super::*;

#[test]
fn names_are_unique_and_descriptions_are_sentences() {
    let names: HashSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    for kind in Kind::ALL {
        let (name, text) = (kind.name(), kind.description().trim());
        assert!(text.ends_with('.'), "{name}");
        assert!(text.starts_with(|c: char| c.is_uppercase()), "{name}");
        assert!(!kind.phrase().ends_with('.'), "{name}");
        assert_eq!(name, format!("{}.{}", kind.category(), kind.action()));
        assert_eq!(Kind::by_name(name), Some(*kind));
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(kind.action().chars().all(plain), "{name}");
        // `app` is where applications are at home.
        assert_ne!(kind.category(), "app");
    }
    for (category, about) in Kind::CATEGORIES {
        assert!(Kind::ALL.iter().any(|kind| kind.category() == *category));
        assert!(about.ends_with('.'), "{category}");
    }
}

/// Leaves that were written long ago hold these.
#[test]
fn names_of_earlier_releases_stay() {
    for name in [
        "authentication.login_succeeded",
        "authentication.login_failed",
        "authentication.login_throttled",
        "authentication.logout",
        "authentication.session_refreshed",
        "authentication.refresh_reused",
        "authorization.permission_denied",
        "authorization.role_granted",
        "data.tenant_created",
        "data.user_created",
        "data.users_listed",
        "data.user_viewed",
        "data.audit_viewed",
        "security.chain_verified",
        "security.chain_broken",
        "security.key_generated",
        "system.setup_link_issued",
        "system.setup_completed",
    ] {
        assert!(Kind::by_name(name).is_some(), "{name}");
    }
}

#[test]
fn every_kind_has_an_ocsf_activity_that_its_class_defines() {
    for kind in Kind::ALL {
        let (class, activity) = kind.ocsf();
        assert_ne!(class, OcsfClass::Base, "{}", kind.name());
        let defined = activity == 99 || class.activity(activity).is_some();
        assert!(defined, "{} {activity}", kind.name());
    }
}

/// A change of state is recorded with the change; a refusal survives a dead database.
#[test]
fn durability_follows_what_the_event_tells() {
    for kind in Kind::ALL {
        let (name, class) = (kind.name(), kind.durability());
        match kind.ocsf() {
            (OcsfClass::User | OcsfClass::Role | OcsfClass::Entity, 1..=19) => {
                assert_eq!(class, Durability::Tx, "{name}");
            }
            _ if ["denied", "refused", "throttled", "failed"]
                .iter()
                .any(|ending| name.ends_with(ending)) =>
            {
                let kept = [Durability::Spool, Durability::Tx, Durability::Sync];
                assert!(kept.contains(&class), "{name}");
            }
            _ => {}
        }
    }
    // PCI DSS 4.0.1, 10.2.1.3.
    assert_eq!(Kind::AuditViewed.durability(), Durability::Spool);
    assert_eq!(Kind::Heartbeat.durability(), Durability::Sync);
    assert_eq!(Kind::CardDetokenized.durability(), Durability::Tx);
}

#[test]
fn applications_write_what_is_open_and_their_own() {
    let reading = |name: &str| EventType::for_application(name);
    for name in [
        "data.created",
        "data.viewed",
        "data.updated",
        "data.deleted",
        "data.exported",
        "app.a",
        "app.invoice_paid",
        "app.v2_import",
    ] {
        let found = reading(name).expect(name);
        assert_eq!(found.name(), name);
        assert_eq!(format!("{}.{}", found.category(), found.action()), name);
        assert_eq!(EventType::by_name(name), Some(found));
    }
    let longest = format!("app.{}", "a".repeat(MAX_APP_NAME));
    assert!(reading(&longest).is_ok());
    assert_eq!(reading(&format!("{longest}a")), Err(EventTypeError::Name));
    for name in [
        "app.", "app.1", "app._a", "app.A", "app.a-b", "app.a.b", "app.é", "app.a b", "app.a\n",
    ] {
        assert_eq!(reading(name), Err(EventTypeError::Name), "{name}");
        assert_eq!(EventType::by_name(name), None, "{name}");
    }
    for name in ["", "app", "data", "data.", "data.eaten", "APP.a", "appx.a"] {
        assert_eq!(reading(name), Err(EventTypeError::Unknown), "{name}");
        assert_eq!(EventType::by_name(name), None, "{name}");
    }
    for kind in Kind::ALL.iter().filter(|kind| !kind.open_to_applications()) {
        assert_eq!(reading(kind.name()), Err(EventTypeError::Reserved(*kind)));
        assert_eq!(
            EventType::by_name(kind.name()),
            Some(EventType::Catalogue(*kind))
        );
    }
}

#[test]
fn own_types_have_defaults() {
    let own = EventType::from(AppKind::new("invoice_paid").expect("a good name"));
    assert_eq!(own.phrase(), "invoice paid");
    assert_eq!(own.severity(), Severity::Info);
    assert_eq!(own.durability(), Durability::Spool);
    assert_eq!(own.ocsf(), (OcsfClass::Api, 99));
    assert_eq!(Severity::by_name("critical"), Some(Severity::Critical));
    assert_eq!(Severity::by_name("Critical"), None);
}

#[test]
fn the_committed_page_is_what_the_code_says() {
    let committed = include_str!("../../../../docs/audit-events.md");
    assert!(
        committed == catalogue_page(),
        "docs/audit-events.md differs from the catalogue: run `cargo xtask openapi`"
    );
}
