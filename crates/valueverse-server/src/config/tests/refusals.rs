use super::{Case, KEY};

/// Environment variables.
type Pairs = &'static [(&'static str, &'static str)];

/// One bad setting each: file, variables, and what is said about it.
const BAD: &[(&str, Pairs, &str)] = &[
    (
        "a = [",
        &[],
        "settings (file valueverse.toml): line 1, column 6 is not TOML — correct the file; every value looks like `key = \"text\"`",
    ),
    (
        "[server]\nlisten = 1\nlisten = 2",
        &[],
        "settings (file valueverse.toml): line 3, column 1 is not TOML — correct the file; every value looks like `key = \"text\"`",
    ),
    (
        "[tokens]\njwt_secret_key = 12345678",
        &[],
        "tokens.jwt_secret_key (file valueverse.toml): is not text — correct it or remove it (default: not set)",
    ),
    (
        "[server]\ntls_key = \"/proc/version\"",
        &[],
        "server.tls_cert: is missing while tls_key is set — set both or neither",
    ),
    (
        "[server]\npublic_origin = \"https://a.example/login\"",
        &[],
        "server.public_origin (file valueverse.toml): expected scheme and host only, such as https://id.example.com — correct it or remove it (default: not set)",
    ),
    (
        "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]",
        &[],
        "server.trusted_proxies (file valueverse.toml): trusts every address — name only the networks of your own proxies",
    ),
    (
        "",
        &[("VALUEVERSE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,x")],
        "server.trusted_proxies (env VALUEVERSE__SERVER__TRUSTED_PROXIES): `x` is not a network such as 10.0.0.0/8 — correct it or remove it (default: [])",
    ),
    (
        "[server]\nmetrics_listen = \"127.0.0.1:8080\"",
        &[],
        "server.metrics_listen (file valueverse.toml): is the same address as listen — choose another port",
    ),
    (
        "[server]\nshutdown_grace = \"1h\"",
        &[],
        "server.shutdown_grace (file valueverse.toml): 1h is out of range — choose between 0s and 10m",
    ),
    (
        "",
        &[("DATABASE_URL", "sqlite::memory:")],
        "storage.database_url (env DATABASE_URL): a database in memory would forget everything — write sqlite: and choose the folder with --data-dir",
    ),
    (
        "",
        &[("DATABASE_URL", "sqlite://x.db")],
        "storage.database_url (env DATABASE_URL): the path is not used, the embedded databases lie in the data folder — write sqlite: and choose the folder with --data-dir",
    ),
    (
        "",
        &[("DATABASE_URL", "postgres://u:p@h:x/d")],
        "storage.database_url (env DATABASE_URL): is not a valid URL — write postgres://user:password@host/database with special characters percent-encoded",
    ),
    (
        "",
        &[("REDIS_URL", "http://h")],
        "shared.redis_url (env REDIS_URL): is not a Redis address — write redis://:password@host:6379, rediss:// for TLS, or leave it out",
    ),
    (
        "",
        &[
            ("DATABASE_URL", "sqlite:"),
            ("VALUEVERSE__STORAGE__DATABASE_URL", "postgres://h/d"),
        ],
        "storage.database_url (env VALUEVERSE__STORAGE__DATABASE_URL): DATABASE_URL sets the same thing to another value — set only one of the two",
    ),
    (
        "",
        &[("JWT_SECRET_KEY", KEY), ("JWT_SECRET_KEY_FILE", "x")],
        "tokens.jwt_secret_key_file (env JWT_SECRET_KEY_FILE): tokens.jwt_secret_key is set too (env JWT_SECRET_KEY) — keep either the value or the file",
    ),
    (
        "[keys]\nroot_key_file = \"/nonexistent/key\"",
        &[],
        "keys.root_key_file (file valueverse.toml): /nonexistent/key: cannot be read (entity not found) — name a readable text file that holds the secret and nothing else",
    ),
    (
        "[keys]\nroot_key_file = \"/tmp\"",
        &[],
        "keys.root_key_file (file valueverse.toml): /tmp: is a folder — name a readable text file that holds the secret and nothing else",
    ),
    (
        "[tokens]\nsession_idle = \"2d\"",
        &[],
        "tokens.session_idle (file valueverse.toml): is longer than session_absolute — make it the shorter of the two",
    ),
    (
        "[tokens]\naudience = \"\"",
        &[],
        "tokens.audience (file valueverse.toml): must be 1 to 255 characters — name the service, such as https://id.example.com",
    ),
    (
        "[password]\nargon2_memory_kib = 8192",
        &[],
        "password.argon2_memory_kib (file valueverse.toml): argon2id is cheaper than the accepted floor — use at least 47104 KiB with 1 pass, 19456 with 2, or 12288 with 3",
    ),
    (
        "[telemetry]\nlog_filter = \"vv=loud\"",
        &[],
        "telemetry.log_filter (file valueverse.toml): is not a log filter — write a level, or levels per module such as info,vv_auth=debug",
    ),
    (
        "",
        &[("TWILIO_ACCOUNT_SID", "x"), ("TWILIO_AUTH_TOKEN", "y")],
        "outbound.twilio_from_number: is missing while other Twilio settings are set — set all three or none",
    ),
    (
        "[audit]\norigin = \"https://id.example.com/audit\"",
        &[],
        "audit.origin (file valueverse.toml): is not a name for a log — write host and path without a scheme, such as id.example.com/audit, in up to 200 characters",
    ),
    (
        "[audit]\nretention_months = 6",
        &[],
        "audit.retention_months (file valueverse.toml): 6 is out of range — choose between 12 and 1200, or 0 to keep events for ever",
    ),
    (
        "[audit]\nidle_heartbeat = \"30s\"",
        &[],
        "audit.idle_heartbeat (file valueverse.toml): 30s is out of range — choose between 1m and 7d",
    ),
    (
        "[audit]\nspool_max_bytes = \"1MiB\"",
        &[],
        "audit.spool_max_bytes (file valueverse.toml): 1MiB is out of range — choose between 16MiB and 2GiB",
    ),
    (
        "[audit]\nanchor_file = \"anchors.jsonl\"",
        &[],
        "audit.anchor_file (file valueverse.toml): is not a full path — begin it with /",
    ),
    (
        "",
        &[("VALUEVERSE__AUDIT__ANCHOR_WEBHOOK_URL", "https://h.example")],
        "audit.anchor_webhook_secret: is missing while anchor_webhook_url is set — set both or neither",
    ),
    (
        "[audit]\nanchor_webhook_url = \"http://h.example/x\"\nanchor_webhook_secret = \"0123456789abcdef\"",
        &[],
        "audit.anchor_webhook_url (file valueverse.toml): is not an address to call — write https://host/path",
    ),
    (
        "[audit]\nanchor_webhook_url = \"https://h.example/x\"\nanchor_webhook_secret = \"short\"",
        &[],
        "audit.anchor_webhook_secret (file valueverse.toml): does not have 16 to 256 bytes — use the output of `openssl rand -hex 32`",
    ),
    (
        "",
        &[("VALUEVERSE__AUDIT__WITNESSES", "https://w.example")],
        "audit.witnesses (env VALUEVERSE__AUDIT__WITNESSES): https://w.example needs 1 to 8 verifier keys — correct it or remove it (default: [])",
    ),
    (
        "[audit]\npersonal_fields = [\"\"]",
        &[],
        "audit.personal_fields (file valueverse.toml): holds a name that no field can have, or more than 1000 — list names of 1 to 64 characters",
    ),
    (
        "[outbound]\nallow_networks = [\"0.0.0.0/0\"]",
        &[],
        "outbound.allow_networks (file valueverse.toml): allows every address — name only the networks with receivers of your own",
    ),
    (
        "",
        &[("VALUEVERSE__OUTBOUND__EXTRA_CA", "/nonexistent.pem")],
        "outbound.extra_ca (env VALUEVERSE__OUTBOUND__EXTRA_CA): names no file — give the path of a PEM file",
    ),
    (
        "",
        &[("VALUEVERSE__", "x")],
        " (env VALUEVERSE__): there is no such setting — use environment or a section such as [server], or remove it",
    ),
];

#[test]
fn each_bad_setting_says_what_to_do() {
    for (file, pairs, expected) in BAD {
        assert_eq!(
            Case::new(file, pairs).issues(),
            [*expected],
            "{file} {pairs:?}"
        );
    }
}

/// Settings that only production refuses or remarks on.
const WEAK: &[(Pairs, &str)] = &[
    (
        &[("PCI_MASTER_KEY", "")],
        "keys.root_key: is missing, and production does not generate one — set PCI_MASTER_KEY_FILE to a file holding the output of `openssl rand -hex 32`",
    ),
    (
        &[("VALUEVERSE__SERVER__LISTEN", "0.0.0.0:80")],
        "server.listen (env VALUEVERSE__SERVER__LISTEN): plain HTTP on an address that others can reach — set tls_cert and tls_key, or name the TLS proxy in trusted_proxies, or listen on 127.0.0.1",
    ),
    (
        &[("VALUEVERSE__SERVER__PUBLIC_ORIGIN", "http://id.example.com")],
        "server.public_origin (env VALUEVERSE__SERVER__PUBLIC_ORIGIN): is plain HTTP — use https://",
    ),
    (
        &[("VALUEVERSE__SERVER__PUBLIC_ORIGIN", "")],
        "server.public_origin: is not set — set it to the address that people type, such as https://id.example.com",
    ),
    (
        &[("VALUEVERSE__SERVER__METRICS_TOKEN", "password")],
        "server.metrics_token (env VALUEVERSE__SERVER__METRICS_TOKEN): is a placeholder or a published default — use the output of `openssl rand -hex 32`",
    ),
    (
        &[(
            "DATABASE_URL",
            "postgres://u:p@db.example/vv?sslmode=disable",
        )],
        "storage.database_url (env DATABASE_URL): the connection to another machine is not encrypted — set sslmode=verify-full, or at least sslmode=require",
    ),
    (
        &[("DATABASE_URL", "postgres://u:p@db.example/vv")],
        "storage.database_url (env DATABASE_URL): without sslmode the connection falls back to plain text when the server offers no TLS — set sslmode=verify-full, or at least sslmode=require",
    ),
    (
        &[("REDIS_URL", "rediss://cache.example")],
        "shared.redis_url (env REDIS_URL): no password for a Redis on another machine — give Redis a password and write redis://:password@host:6379",
    ),
    (
        &[("VALUEVERSE__OUTBOUND__ALLOW_HTTP_LOOPBACK", "true")],
        "outbound.allow_http_loopback (env VALUEVERSE__OUTBOUND__ALLOW_HTTP_LOOPBACK): is for development — remove it and give the receiver a certificate",
    ),
    (
        &[
            ("VALUEVERSE__AUDIT__ANCHOR_WEBHOOK_URL", "https://h.example"),
            (
                "VALUEVERSE__AUDIT__ANCHOR_WEBHOOK_SECRET",
                "passwordpassword",
            ),
        ],
        "audit.anchor_webhook_secret (env VALUEVERSE__AUDIT__ANCHOR_WEBHOOK_SECRET): is a placeholder or a published default — use the output of `openssl rand -hex 32`",
    ),
    (
        &[("VALUEVERSE__PASSWORD__ARGON2_ITERATIONS", "1")],
        "password.argon2_memory_kib: argon2id is cheaper than the accepted floor — use at least 47104 KiB with 1 pass, 19456 with 2, or 12288 with 3",
    ),
];

#[test]
fn production_insists() {
    let production = |more: &[(&str, &str)]| {
        let mut pairs = vec![
            ("VALUEVERSE_ENV", "production"),
            ("PCI_MASTER_KEY", KEY),
            (
                "VALUEVERSE__SERVER__PUBLIC_ORIGIN",
                "https://id.example.com",
            ),
        ];
        pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        pairs.extend(more);
        Case::new("", &pairs).issues()
    };
    assert_eq!(production(&[]), [""; 0]);
    for (more, expected) in WEAK {
        assert_eq!(production(more), [*expected], "{more:?}");
    }
    for fine in [
        &[
            ("VALUEVERSE__SERVER__LISTEN", "0.0.0.0:80"),
            ("VALUEVERSE__SERVER__TRUSTED_PROXIES", "10.0.0.1"),
        ][..],
        &[(
            "DATABASE_URL",
            "postgres://u:p@db.example/vv?sslmode=verify-full",
        )],
        &[(
            "DATABASE_URL",
            "postgres://u:p@127.0.0.1/vv?sslmode=disable",
        )],
        &[("DATABASE_URL", "sqlite:")],
        &[("REDIS_URL", "rediss://:p@cache.example")],
    ] {
        assert_eq!(production(fine), [""; 0], "{fine:?}");
    }
}
