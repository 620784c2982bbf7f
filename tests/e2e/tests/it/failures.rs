//! What can be wrong at start: each time one line with cause and remedy, the
//! published exit code, and nothing half-written.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use vv_store::{Family, Sql, Store, Target, args};
use vv_testkit::stores::system_ctx;

use crate::harness::api::Api;
use crate::harness::launch::{Finished, Launch};
use crate::harness::people::{ADA, OTTO};
use crate::harness::place::Place;

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

impl Finished {
    /// One line `error: cause — remedy` that names the culprit; the same as JSON has its own test.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, names: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        let errors: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "{}", self.stderr);
        let (cause, remedy) = errors[0].split_once(" — ").expect(errors[0]);
        assert!(cause.contains(names), "{names} is not in: {cause}");
        assert!(!remedy.is_empty());
        assert_eq!(self.stdout, "");
    }
}

/// Names of everything in the data folder.
fn content(launch: &Launch) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(launch.data())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::lite();
    let launch = place.launch();
    let refused = launch.run(&["serve", "--listen", &address]);
    refused.fails(2, &address);
    assert_eq!(content(&launch), ["keys", "valueverse.lock"], "no database");
    drop(taken);
    launch.start().stop();
}

#[test]
fn the_folder_cannot_be_used() {
    let place = Place::lite();
    let file = place.launch().data().to_owned();
    fs::write(&file, "mine").unwrap();
    Launch::new(&file).run(&SERVE).fails(2, "not a folder");
    Launch::new(&file.join("data"))
        .run(&SERVE)
        .fails(2, "folder");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    // The kernel's own tree: not even root can make a folder there.
    Launch::new("/proc/valueverse".as_ref())
        .run(&SERVE)
        .fails(2, "/proc/valueverse");
    let shared = place.launch_in("shared");
    fs::create_dir(shared.data()).unwrap();
    fs::set_permissions(shared.data(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(shared.data().join("thesis.odt"), "mine").unwrap();
    shared.run(&SERVE).fails(2, "holds other files");
    assert_eq!(content(&shared), ["thesis.odt"]);
}

#[test]
fn all_faults_of_the_settings_are_told_at_once() {
    let place = Place::lite();
    let launch = place
        .launch()
        .env("VALUEVERSE__SERVER__LISTEN_ON", "everywhere")
        .env("VALUEVERSE__SERVER__TLS_CERT", "/nowhere/cert.pem")
        .env("VALUEVERSE__TOKENS__SESSION_IDLE", "2h")
        .env("VALUEVERSE__TOKENS__SESSION_ABSOLUTE", "1h")
        .env("VALUEVERSE__STORAGE__MAX_CONNECTIONS", "many")
        .env("REDIS_URL", "http://127.0.0.1");
    for verb in [&SERVE[..], &["config", "check"], &["migrate"]] {
        let refused = launch.run(verb);
        let expected = if verb == ["config", "check"] { 1 } else { 2 };
        assert_eq!(refused.code, Some(expected), "{verb:?} {}", refused.stderr);
        let told = format!("{}{}", refused.stdout, refused.stderr);
        for setting in [
            "server.listen_on",
            "server.tls_key",
            "server.tls_cert",
            "tokens.session_idle",
            "storage.max_connections",
            "shared.redis_url",
        ] {
            let start = format!("error: {setting}");
            let line = told.lines().find(|line| line.starts_with(&start));
            let line = line.unwrap_or_else(|| panic!("{setting} is not in:\n{told}"));
            assert!(line.contains(" — "), "{line}");
        }
    }
    assert!(!launch.data().exists(), "nothing was made");
}

#[test]
fn production_insists_on_secrets() {
    let place = Place::lite();
    let launch = place.launch().env("VALUEVERSE_ENV", "production");
    launch.run(&SERVE).fails(2, "keys.root_key");
    let weak = launch.clone().env("PCI_MASTER_KEY", "changeme");
    let refused = weak.run(&SERVE);
    refused.fails(2, "keys.root_key");
    assert!(!refused.stderr.contains("changeme"));
    assert!(!launch.data().exists(), "nothing was made");
}

static BUMP: Sql = Sql::same(
    "e2e.bump",
    "insert into schema_migrations (version, name, checksum, applied_at) values ($1, '9999_later', 'x', 0)",
);

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let place = Place::lite();
    let launch = place.launch();
    ADA.create(&launch);
    let target = Target::Lite {
        path: launch.data().join("valueverse.db"),
    };
    let store = Store::open(&target, Family::Main).await.unwrap();
    store
        .tx(&system_ctx(), "e2e.bump", async |tx| {
            tx.exec_one(&BUMP, args![9999]).await
        })
        .await
        .unwrap();
    store.close().await;
    launch.run(&SERVE).fails(1, "newer");
    launch.run(&["migrate"]).fails(1, "newer");
    let doctor = launch.run(&["doctor"]);
    assert_eq!(doctor.code, Some(1));
    assert!(
        doctor.stdout.contains("FAULT database"),
        "{}",
        doctor.stdout
    );
}

#[test]
fn a_dependency_does_not_answer() {
    // Bound and released: nobody listens there now.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let place = Place::lite();
    let impatient = place
        .launch()
        .env("VALUEVERSE__STORAGE__CONNECT_TIMEOUT", "1s");
    let postgres = impatient.clone().env(
        "DATABASE_URL",
        &format!("postgres://ada:pg-secret-52@127.0.0.1:{port}/vv"),
    );
    let refused = postgres.run(&SERVE);
    refused.fails(3, "database");
    assert!(!refused.stderr.contains("pg-secret-52"));
    let redis = impatient.env(
        "REDIS_URL",
        &format!("redis://:redis-secret-52@127.0.0.1:{port}/"),
    );
    let refused = redis.run(&SERVE);
    refused.fails(3, "Redis");
    assert!(!refused.stderr.contains("redis-secret-52"));
}

#[test]
fn the_root_key_is_damaged_or_gone() {
    let place = Place::lite();
    let launch = place.launch();
    launch.start().stop();
    let file = launch.data().join("keys").join("root.key");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::metadata(launch.data()).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let key = fs::read_to_string(&file).unwrap();
    for damaged in [&key[..key.len() / 2], "", "not a key at all\n"] {
        fs::write(&file, damaged).unwrap();
        let refused = launch.run(&SERVE);
        refused.fails(2, "root.key");
        assert!(refused.stderr.contains("backup"), "{}", refused.stderr);
        assert_eq!(fs::read_to_string(&file).unwrap(), damaged, "left alone");
    }
    fs::remove_file(&file).unwrap();
    launch.run(&SERVE).fails(2, "missing");
    assert!(!file.exists(), "no new key beside old databases");
    fs::write(&file, &key).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    launch.run(&SERVE).fails(2, "used by others");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    launch.start().stop();
}

#[tokio::test]
async fn one_server_for_each_folder_and_commands_beside_it() {
    let place = Place::lite();
    let launch = place.launch();
    let mut server = launch.start();
    launch.run(&SERVE).fails(2, "in use");
    ADA.create(&launch);
    let api = Api::new(&server.url);
    api.login(ADA.email, ADA.password).await;
    let link = api.get(server.setup_path(), None).await;
    assert_eq!(link.status, 404, "the link is of no use any more");

    let verb = ["admin", "create", "--email", ADA.email, "--password-stdin"];
    launch
        .run_with_input(&verb, ADA.password)
        .fails(2, "address");
    let verb = [
        "admin",
        "create",
        "--email",
        "x@y.example",
        "--password-stdin",
    ];
    launch.run_with_input(&verb, "short").fails(2, "password");
    launch.run_with_input(&verb, "").fails(2, "standard input");
    let verb = [
        "admin",
        "create",
        "--email",
        "no-address",
        "--password-stdin",
    ];
    launch
        .run_with_input(&verb, OTTO.password)
        .fails(2, "e-mail");
    let verified = launch.run(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    server.stop();
}

#[test]
fn programs_get_json() {
    let place = Place::lite();
    let launch = place.launch();
    for verb in [
        &["migrate", "--dry-run"][..],
        &["migrate"],
        &["config", "check"],
        &["config", "print"],
        &["config", "schema"],
        &["doctor"],
        &["audit", "verify"],
        &["admin", "create", "--email", "a@b.example"],
    ] {
        let done = launch.clone().arg("--json").run(verb);
        assert_eq!(done.code, Some(0), "{verb:?} {}", done.stderr);
        let parsed: Value = serde_json::from_str(&done.stdout).unwrap();
        assert!(parsed.is_object(), "{verb:?}");
    }
    let server = launch
        .clone()
        .arg("--json")
        .run(&["serve", "--listen", "nowhere"]);
    assert_eq!(server.code, Some(2));
    let error: Value = serde_json::from_str(&server.stderr).unwrap();
    assert_eq!(error["error"]["code"], "config.invalid");
    assert_eq!(error["error"]["issues"][0]["setting"], "server.listen");
    let wrong = launch.arg("--json").run(&["audit", "verifi"]);
    assert_eq!(wrong.code, Some(2));
    let error: Value = serde_json::from_str(&wrong.stderr).unwrap();
    assert_eq!(error["error"]["code"], "usage.invalid");
}

#[test]
fn every_verb_explains_itself() {
    let place = Place::lite();
    let launch = place.launch();
    for verb in [
        &[][..],
        &["serve"],
        &["migrate"],
        &["admin"],
        &["admin", "create"],
        &["audit"],
        &["audit", "verify"],
        &["config"],
        &["config", "check"],
        &["config", "print"],
        &["config", "schema"],
        &["doctor"],
    ] {
        let help = launch.run(&[verb, &["--help"]].concat());
        assert_eq!(help.code, Some(0), "{verb:?}");
        let leaf = !matches!(verb, ["admin" | "audit" | "config"]);
        let example = help.stdout.contains("Example");
        assert!(example || !leaf, "{verb:?} has no example");
        assert!(help.stdout.contains("--json"), "{verb:?}");
    }
    let version = launch.run(&["--version"]);
    assert_eq!(version.code, Some(0));
    assert!(version.stdout.starts_with("valueverse "));
    assert_eq!(launch.run(&["no-such-verb"]).code, Some(2));
    assert!(!launch.data().exists(), "asking makes nothing");
}
