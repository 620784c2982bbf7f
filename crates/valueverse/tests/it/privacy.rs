//! No personal data and no secret stands in clear anywhere in the database.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use valueverse::{FirstAdmin, Shared};
use vv_audit::{SYSTEM_CHAIN, Verdict};
use vv_base::{Secret, Source};
use vv_store::{Store, Target, args};
use vv_testkit::clock::MockClock;
use vv_testkit::stores::{both_empty, open_both};

use crate::audit::verify;
use crate::harness::{World, credentials, on_both};
use crate::raw;

const EMAIL: &str = "unmistakable.person@private-host.example";
const NAME: &str = "Unmistakable Nameholder";
const PASSWORD: &str = "violet tram 93 umbrellas";
const TYPO: &str = "orange bicycle 17 lanterns";
const AGENT: &str = "UnmistakableBrowser/77";
const IP: &str = "203.0.113.177";

/// Does everything the product can do and returns what must not be found.
async fn scenario(world: &World) -> Vec<String> {
    let state = world.system.state();
    let source = Source {
        ip: Some(IP.parse().unwrap()),
        user_agent: Some(AGENT.to_owned()),
    };
    let visitor = state.anonymous(state.system().request, source);
    let auth = world.auth();
    let unused = auth.issue_setup_token(&visitor).await.unwrap();
    let setup = auth.issue_setup_token(&visitor).await.unwrap();
    let admin = FirstAdmin {
        tenant: "Analytical Engines".to_owned(),
        email: EMAIL.to_owned(),
        name: NAME.to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
    };
    auth.complete_setup(&visitor, setup.expose(), &admin)
        .await
        .unwrap();
    let stranger = "unmistakable.stranger@private-host.example";
    for email in [EMAIL, stranger] {
        for _ in 0..11 {
            auth.login(&visitor, &credentials(email, TYPO))
                .await
                .unwrap_err();
        }
    }
    world.wait(vv_base::Span::minutes(10));
    let typed = credentials(EMAIL, PASSWORD);
    let program = auth.login(&visitor, &typed).await.unwrap().grant;
    let browser = auth.login_browser(&visitor, &typed).await.unwrap().grant;
    let next = auth
        .refresh(&visitor, &program.refresh_token)
        .await
        .unwrap();
    let principal = auth.authenticate_cookie(&visitor, &browser).await.unwrap();
    let ctx = principal.ctx(&visitor);
    auth.view_user(&ctx, principal.tenant, principal.user)
        .await
        .unwrap();
    auth.logout(&ctx, &principal).await.unwrap();
    let mut hidden = personal(stranger);
    for pair in [&program, &next] {
        hidden.push(pair.access_token.expose().clone());
        hidden.push(pair.refresh_token.to_text().expose().clone());
    }
    hidden.push(browser.to_text().expose().clone());
    hidden.extend([unused, setup].map(|token| token.expose().clone()));
    hidden.push(world.root.to_text().expose().clone());
    hidden
}

/// What people typed and what their browsers told.
fn personal(stranger: &str) -> Vec<String> {
    [
        EMAIL,
        NAME,
        PASSWORD,
        TYPO,
        AGENT,
        IP,
        stranger,
        "private-host",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Every column of every table in hexadecimal.
async fn dump(world: &World, store: &Store) -> String {
    let columns = store.columns(&world.ctx()).await.unwrap();
    let tables: BTreeSet<&str> = columns
        .iter()
        .map(|line| line.split_once('.').unwrap().0)
        .collect();
    let mut text = String::new();
    for table in tables {
        let prefix = format!("{table}.");
        let lite: Vec<String> = columns
            .iter()
            .filter_map(|line| line.strip_prefix(&prefix)?.split(' ').next())
            .map(|column| format!("hex(coalesce({column}, ''))"))
            .collect();
        let schema = match (table, store.family()) {
            ("schema_migrations", vv_store::Family::Main) => "auth.",
            ("schema_migrations", vv_store::Family::Keys) => "keys.",
            _ => "",
        };
        let pg = format!(
            "select encode(convert_to(t::text, 'UTF8'), 'hex') || t::text from {schema}{table} t"
        );
        let lite = format!("select {} from {table}", lite.join(" || '|' || "));
        let rows: Vec<(String,)> = raw::rows(world, store, raw::sql(pg, lite), args![]).await;
        for (row,) in rows {
            text.push_str(&row.to_lowercase());
            text.push('\n');
        }
    }
    text
}

fn search(place: &str, bytes: &[u8], needles: &[String]) {
    for needle in needles {
        let hex = hex::encode(needle);
        for form in [
            needle.to_lowercase(),
            needle.clone(),
            hex.to_uppercase(),
            hex,
        ] {
            let found = bytes
                .windows(form.len())
                .any(|window| window == form.as_bytes());
            assert!(!found, "{place} holds {needle:?}");
        }
    }
}

fn search_files(folder: &Path, needles: &[String]) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        search(&path.display().to_string(), &bytes, needles);
        files += 1;
    }
    files
}

#[tokio::test]
async fn nothing_personal_or_secret_is_stored_in_clear() {
    both_empty(async |engine, target| {
        let (store, keys) = open_both(&target).await;
        let clock = Arc::new(MockClock::default());
        let shared = Shared::memory(clock.clone());
        let world = World::new(engine, store, keys, clock, shared).await;
        let hidden = scenario(&world).await;
        for store in [&world.store, &world.keys] {
            let dump = dump(&world, store).await;
            assert!(dump.len() > 100, "an empty dump proves nothing");
            search("a row", dump.as_bytes(), &hidden);
        }
        // Finds what is there: the dump shows what it should.
        let everything = dump(&world, &world.store).await;
        assert!(everything.contains(&hex::encode("Analytical Engines")));
        if let Target::Lite { path } = &target {
            let folder = path.parent().unwrap();
            assert!(search_files(folder, &hidden) >= 2);
            world.system.close().await;
            assert!(search_files(folder, &hidden) >= 2);
        } else {
            world.system.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn destroying_a_persons_key_hides_them_and_breaks_no_chain() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        world.login(&ada).await;
        let personal = |events: Vec<vv_audit::EventView>| -> Vec<_> {
            events
                .into_iter()
                .flat_map(|event| event.personal)
                .collect()
        };
        let before = personal(world.events(ada.tenant).await);
        assert_eq!(before.len(), 3);
        assert!(before.iter().all(|(_, text)| text.is_some()));
        let empty = world.bytes(b"");
        let destroy = format!(
            "update subject_keys set wrapped_key = {empty}, destroyed_at = 1 where subject_id = {}",
            world.id(ada.user)
        );
        world.tamper_keys(&destroy).await;
        let after = personal(world.events(ada.tenant).await);
        assert_eq!(after.len(), 3);
        assert!(after.iter().all(|(_, text)| text.is_none()));
        assert!(verify(&world, ada.tenant).await.verified);
        // Nothing new is sealed for them, and the trail goes on.
        world.login(&ada).await;
        let latest = world.events(ada.tenant).await.remove(0);
        assert_eq!(latest.kind, "authentication.login_succeeded");
        assert!(latest.personal.is_empty());
        let found = verify(&world, ada.tenant).await;
        assert!(found.verified, "{found:?}");
        assert_eq!(found.verdicts.erasure, Verdict::Ok);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_vanished_or_does_not_open_fails_the_erasure_verdict() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let eve = world
            .admin_of("Difference Ltd", "eve@difference.example")
            .await;
        let bad = world.bytes(&[7; 80]);
        let scripts = [
            (&ada, "delete from subject_keys".to_owned()),
            (&eve, format!("update subject_keys set wrapped_key = {bad}")),
        ];
        for (person, script) in scripts {
            let script = format!("{script} where subject_id = {}", world.id(person.user));
            world.tamper_keys(&script).await;
            let found = verify(&world, person.tenant).await;
            assert!(!found.verified, "{script}");
            assert_eq!(found.verdicts.erasure, Verdict::Failed, "{script}");
            assert_eq!(found.verdicts.integrity, Verdict::Ok, "{script}");
        }
        assert!(verify(&world, SYSTEM_CHAIN).await.verified);
    })
    .await;
}

#[tokio::test]
async fn strangers_have_a_key_for_each_month() {
    on_both(async |world| {
        let typed = credentials("nobody@nowhere.example", TYPO);
        let attempt = async || {
            world
                .auth()
                .login(&world.visitor(), &typed)
                .await
                .unwrap_err();
            world.rows_of_keys().await
        };
        assert_eq!(attempt().await, 1);
        world.wait(vv_base::Span::days(20));
        assert_eq!(attempt().await, 1);
        world.wait(vv_base::Span::days(20));
        assert_eq!(attempt().await, 2);
    })
    .await;
}

impl World {
    async fn rows_of_keys(&self) -> i64 {
        static COUNT: vv_store::Sql =
            vv_store::Sql::same("test.count_keys", "select count(*) from subject_keys");
        let rows: Vec<(i64,)> = raw::rows(self, &self.keys, &COUNT, args![]).await;
        rows[0].0
    }
}

#[test]
fn the_search_finds_what_is_there() {
    let needles = ["Needle".to_owned()];
    for hay in ["xxNeedlexx", "xxneedlexx", "4e6565646c65", "4E6565646C65"] {
        let found = std::panic::catch_unwind(|| search("hay", hay.as_bytes(), &needles));
        assert!(found.is_err(), "{hay}");
    }
    search("hay", b"Needl e", &needles);
}
