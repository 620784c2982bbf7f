use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

mod audit;
mod refusals;

/// Not a secret of anything: hex digits with no pattern, made for these tests.
const KEY: &str = "9f1c3a7be04d5826c7f09a61b3d4e8f25a6b7c80d19e2f43a5b6c7d8e9f01234";

fn env(pairs: &[(&str, &str)]) -> EnvVars {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
    pairs.collect()
}

struct Case {
    folder: TempDir,
    env: EnvVars,
}

impl Case {
    fn new(file: &str, pairs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if !file.is_empty() {
            std::fs::write(folder.path().join(layers::FILE_NAME), file).unwrap();
        }
        Self {
            folder,
            env: env(pairs),
        }
    }

    fn with<T>(&self, listen: Option<&str>, work: impl FnOnce(&Sources<'_>) -> T) -> T {
        work(&Sources {
            data_dir: self.folder.path(),
            file: None,
            env: &self.env,
            listen,
        })
    }

    fn load(&self) -> Settings {
        self.with(None, load).unwrap()
    }

    /// What is wrong, without the path of the temporary folder.
    fn issues(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let issues = self.with(None, check);
        issues
            .iter()
            .map(|issue| issue.to_string().replace(&folder, ""))
            .collect()
    }
}

#[test]
fn defaults_are_fine_and_embedded() {
    let case = Case::new("", &[]);
    assert_eq!(case.issues(), [""; 0]);
    let settings = case.load();
    assert!(matches!(
        settings.config.storage.database(),
        Database::Embedded
    ));
    assert!(!settings.config.environment.is_production());
    assert!(settings.origins.is_empty());
}

#[test]
fn the_later_source_wins() {
    let file = "[server]\nlisten = \"127.0.0.1:1111\"\nmax_connections = 7\n[storage]\nmax_connections = 3";
    let case = Case::new(
        file,
        &[
            ("VALUEVERSE__SERVER__LISTEN", "127.0.0.1:2222"),
            ("VALUEVERSE__STORAGE__MAX_CONNECTIONS", "5"),
        ],
    );
    let settings = case.load();
    assert_eq!(settings.config.server.listen.port(), 2222);
    assert_eq!(settings.config.server.max_connections, 7);
    assert_eq!(settings.config.storage.max_connections, 5);
    let settings = case.with(Some("localhost:3333"), load).unwrap();
    assert_eq!(settings.config.server.listen.port(), 3333);
    assert_eq!(settings.origins["server.listen"], Origin::Flag("--listen"));
    assert_eq!(
        settings.origins["storage.max_connections"],
        Origin::Env("VALUEVERSE__STORAGE__MAX_CONNECTIONS".to_owned())
    );
}

#[test]
fn the_named_file_replaces_the_one_in_the_folder() {
    let case = Case::new("nonsense", &[]);
    let file = case.folder.path().join("other.toml");
    std::fs::write(
        &file,
        "environment = \"development\"\n[password]\nargon2_iterations = 3",
    )
    .unwrap();
    let sources = |file| Sources {
        data_dir: case.folder.path(),
        file: Some(file),
        env: &case.env,
        listen: None,
    };
    assert_eq!(
        load(&sources(&file))
            .unwrap()
            .config
            .password
            .argon2_iterations,
        3
    );
    let issues = check(&sources(Path::new("/nonexistent/x.toml")));
    assert_eq!(issues.len(), 1);
    assert_eq!(
        issues[0].to_string(),
        "settings (file /nonexistent/x.toml): cannot be read (entity not found) — fix the path or the rights of the file"
    );
}

#[test]
fn the_familiar_variables_work_as_they_are() {
    let case = Case::new(
        "",
        &[
            ("DATABASE_URL", "postgres://vv:pw@127.0.0.1/vv"),
            ("REDIS_URL", "redis://127.0.0.1:6379"),
            ("JWT_SECRET_KEY", KEY),
            ("PCI_MASTER_KEY", KEY),
            ("VALUEVERSE_ENV", "production"),
            ("SMTP_HOST", "mail.example"),
            ("SMTP_PORT", "465"),
            ("SMTP_USERNAME", "0123"),
            ("SMTP_PASSWORD", "456"),
            ("SMTP_FROM_EMAIL", "a@b.example"),
            ("TWILIO_ACCOUNT_SID", "AC1"),
            ("TWILIO_AUTH_TOKEN", "t"),
            ("TWILIO_FROM_NUMBER", "+15005550006"),
            (
                "VALUEVERSE__SERVER__TRUSTED_PROXIES",
                "10.0.0.0/8, 192.0.2.1",
            ),
            (
                "VALUEVERSE__SERVER__PUBLIC_ORIGIN",
                "https://id.example.com/",
            ),
            ("REDIS_URL_FILE", ""),
            ("UNRELATED", "x"),
        ],
    );
    assert_eq!(case.issues(), [""; 0]);
    let config = case.load().config;
    assert!(config.environment.is_production());
    assert!(
        matches!(config.storage.database(), Database::Postgres(url) if url.expose().contains("vv:pw@"))
    );
    assert_eq!(config.outbound.smtp_port, 465);
    assert_eq!(config.outbound.smtp_username.as_deref(), Some("0123"));
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(
        config.server.public_origin.as_deref(),
        Some("https://id.example.com")
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    let case = Case::new(
        "surprise = 1\n[server]\nlisten = \"nope\"\nlisen = 3\n[nosuch]\na = 1\n[storage]\nmax_connections = 0",
        &[
            ("VALUEVERSE__FOO__BAR", "x"),
            ("VALUEVERSE__SERVER__MAX_CONNECTIONS", "abc"),
            ("DATABASE_URL", "mysql://u:hunter2@h/x"),
            ("JWT_SECRET_KEY", "changeme"),
            ("PCI_MASTER_KEY", "hunter2"),
            ("SMTP_USERNAME", "u"),
            ("VALUEVERSE_ENV", "staging"),
        ],
    );
    let sections = "server, storage, shared, keys, tokens, password, telemetry, outbound, audit";
    let expected = [
        format!("nosuch (file valueverse.toml): there is no such section — use one of {sections}"),
        format!("foo.bar (env VALUEVERSE__FOO__BAR): there is no section `foo` — use one of {sections}"),
        "environment (env VALUEVERSE_ENV): unknown variant `staging`, expected `development` or `production` — correct it or remove it (default: development)".to_owned(),
        "surprise (file valueverse.toml): there is no such setting — use environment or a section such as [server], or remove it".to_owned(),
        "server.lisen (file valueverse.toml): there is no such setting — use one of body_limit, listen, max_connections, metrics_listen, metrics_token, public_origin, request_timeout, shutdown_grace, tls_cert, tls_key, trusted_proxies, or remove it".to_owned(),
        "server.listen (file valueverse.toml): expected an IP address and port such as 127.0.0.1:8080 — correct it or remove it (default: 127.0.0.1:8080)".to_owned(),
        "server.max_connections (env VALUEVERSE__SERVER__MAX_CONNECTIONS): invalid type: string \"abc\", expected a whole number in range — correct it or remove it (default: 4096)".to_owned(),
        "storage.max_connections (file valueverse.toml): 0 is out of range — choose between 1 and 500".to_owned(),
        "storage.database_url (env DATABASE_URL): is neither a PostgreSQL nor an SQLite address — write postgres://user:password@host/database, or leave it out for the embedded database".to_owned(),
        "keys.root_key (env PCI_MASTER_KEY): is shorter than 32 bytes — use the output of `openssl rand -hex 32`".to_owned(),
        "tokens.jwt_secret_key (env JWT_SECRET_KEY): is a placeholder or a published default — use the output of `openssl rand -hex 32`".to_owned(),
        "outbound.smtp_username (env SMTP_USERNAME): is set while smtp_host is not — set SMTP_HOST, or remove it".to_owned(),
        "outbound.smtp_password: is missing while smtp_username is set — set both or neither".to_owned(),
    ];
    assert_eq!(case.issues(), expected);
}

#[test]
fn a_secret_may_lie_in_a_file() {
    let case = Case::new("", &[]);
    let file = case.folder.path().join("secret");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let path = file.to_str().unwrap();
    let case = Case {
        env: env(&[
            ("PCI_MASTER_KEY_FILE", path),
            ("VALUEVERSE__TOKENS__JWT_SECRET_KEY_FILE", path),
        ]),
        ..case
    };
    let settings = case.load();
    assert_eq!(
        settings.config.keys.root_key.as_ref().unwrap().expose(),
        KEY
    );
    assert_eq!(
        settings
            .config
            .tokens
            .jwt_secret_key
            .as_ref()
            .unwrap()
            .expose(),
        KEY
    );
    assert!(
        settings.origins["keys.root_key"]
            .to_string()
            .ends_with("named by env PCI_MASTER_KEY_FILE")
    );
    std::fs::write(&file, "\n").unwrap();
    assert_eq!(case.issues().len(), 2);
}

#[test]
fn text_that_is_not_utf8_is_an_issue() {
    let variables = [(
        "JWT_SECRET_KEY".to_owned(),
        OsString::from_vec(vec![0xff, 0xfe]),
    )];
    let case = Case {
        env: variables.into_iter().collect(),
        ..Case::new("", &[])
    };
    assert_eq!(
        case.issues(),
        ["tokens.jwt_secret_key (env JWT_SECRET_KEY): is not valid UTF-8 — set it to plain text"]
    );
}

#[test]
fn secrets_are_never_shown() {
    let secret = "s3cr3t-Hunter2-4f8a7c1e9b0d6325-zq";
    let url = format!("postgres://u:{secret}@127.0.0.1/d?password={secret}");
    let redis = format!("redis://:{secret}@127.0.0.1,127.0.0.2");
    let pairs = [
        ("DATABASE_URL", url.as_str()),
        ("REDIS_URL", redis.as_str()),
        ("JWT_SECRET_KEY", secret),
        ("PCI_MASTER_KEY", secret),
        ("VALUEVERSE__SERVER__METRICS_TOKEN", secret),
        ("SMTP_HOST", "h"),
        ("SMTP_USERNAME", "u"),
        ("SMTP_PASSWORD", secret),
        ("SMTP_FROM_EMAIL", "a@b"),
    ];
    let settings = Case::new("", &pairs).load();
    for text in [
        settings.to_toml(),
        settings.to_json().to_string(),
        format!("{settings:?}"),
    ] {
        assert!(!text.contains("Hunter2"), "{text}");
        assert!(text.contains("«set»"), "{text}");
    }
    // The same in messages about values that are wrong in some way.
    let wrong = format!(
        "[keys]\nroot_key = [\"{secret}\"]\n[server]\nmetrics_token = {{ a = \"{secret}\" }}\n[storage]\ndatabase_url = \"x:{secret}\"\n"
    );
    for case in [
        Case::new(&wrong, &[]),
        Case::new(&format!("[tokens]\njwt_secret_key = \"{secret}"), &[]),
        Case::new(
            "",
            &[("VALUEVERSE__KEYS__ROOTKEY", secret), ("REDIS_URL", secret)],
        ),
    ] {
        let issues = case.issues();
        assert!(!issues.is_empty());
        assert!(!issues.concat().contains("Hunter2"), "{issues:?}");
    }
}

#[test]
fn what_is_printed_can_be_read_back() {
    let pairs = [
        ("VALUEVERSE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,::1"),
        ("VALUEVERSE__SERVER__LISTEN", "[::1]:0"),
        ("VALUEVERSE__TOKENS__ISSUER", "quote\" back\\slash ü \u{7f}"),
        ("JWT_SECRET_KEY", KEY),
    ];
    let case = Case::new("", &pairs);
    // A control character in the issuer is an error, so that one is left out first.
    assert_eq!(case.issues().len(), 1);
    let pairs = [
        pairs[0],
        pairs[1],
        ("VALUEVERSE__TOKENS__ISSUER", "quote\" back\\slash ü"),
    ];
    let printed = Case::new("", &pairs).load();
    let again = Case::new(&printed.to_toml(), &[]).load();
    assert_eq!(
        format!("{:?}", printed.config),
        format!("{:?}", again.config)
    );
    assert!(
        printed
            .to_toml()
            .contains("listen = \"[::1]:0\"  # env VALUEVERSE__SERVER__LISTEN\n")
    );
    let json = printed.to_json();
    assert_eq!(
        json["server.listen"]["origin"],
        "env VALUEVERSE__SERVER__LISTEN"
    );
    assert_eq!(json["server.listen"]["value"], "[::1]:0");
    assert_eq!(json["environment"]["origin"], "default");
}

#[test]
fn the_schema_knows_every_setting_and_describes_it() {
    let schema = schema();
    let config = serde_json::to_value(Config::default()).unwrap();
    for (section, keys) in config.as_object().unwrap() {
        let Some(keys) = keys.as_object() else {
            assert!(schema["properties"][section].is_object());
            continue;
        };
        let reference = schema["properties"][section]["$ref"].as_str().unwrap();
        let properties = schema
            .pointer(&format!("{}/properties", &reference[1..]))
            .unwrap();
        for key in keys.keys() {
            let description = properties[key]["description"].as_str().unwrap_or_default();
            assert!(
                description.contains("Default:"),
                "{section}.{key}: {description}"
            );
        }
    }
    let secret = schema
        .pointer("/$defs/KeysConfig/properties/root_key_file/type")
        .unwrap();
    assert_eq!(secret, "string");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_file_is_read_or_refused(text in "\\PC{0,200}") {
        let case = Case::new(&text, &[]);
        let _ = case.with(None, check);
    }

    #[test]
    fn any_value_of_any_setting_is_read_or_refused(
        section in "(server|storage|shared|keys|tokens|password|telemetry|outbound|audit|[a-z]{1,5})",
        key in "(listen|public_origin|trusted_proxies|body_limit|database_url|redis_url|root_key|access_ttl|argon2_iterations|log_filter|smtp_port|origin|witnesses|spool_max_age|retention_months|[a-z_]{1,8})",
        value in "(-?[0-9]{1,25}[smhdKMGiB]{0,3}|redis://\\PC{0,30}|postgres://\\PC{0,30}|\\PC{0,40})",
    ) {
        let name = format!("VALUEVERSE__{}__{}", section.to_uppercase(), key.to_uppercase());
        let from_env = Case::new("", &[(&name, &value)]);
        for issue in from_env.issues() {
            prop_assert!(!issue.contains('\n'));
            prop_assert!(issue.contains(" — "));
        }
        let quoted = serde_json::to_string(&value).unwrap();
        let from_file = Case::new(&format!("[{section}]\n{key} = {quoted}"), &[]);
        for issue in from_file.issues() {
            prop_assert!(!issue.contains('\n'));
        }
    }
}
