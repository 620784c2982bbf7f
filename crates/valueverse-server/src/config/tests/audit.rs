use super::{Case, KEY};

#[test]
fn witnesses_and_logs_are_named_with_their_keys() {
    // The keys of a keyring made from KEY, as `audit keys` prints them.
    let root = vv_crypto::RootKey::parse(KEY).unwrap();
    let keyring = vv_crypto::Keyring::new(&root, "test");
    let signer = keyring.witness_signer("w.example").unwrap();
    let keys = signer.verifier_keys().unwrap();
    let entry = format!("https://w.example/witness {} {}", keys[0], keys[1]);
    let case = Case::new(
        &format!(
            "[audit]\nwitness_name = \"me.example\"\nwitness_logs = [\"{}\"]",
            keys[0]
        ),
        &[
            ("VALUEVERSE__AUDIT__WITNESSES", &entry),
            ("VALUEVERSE__AUDIT__SECRET_FIELDS", "pin, tan"),
            ("VALUEVERSE__AUDIT__RETENTION_MONTHS", "0"),
            ("VALUEVERSE__AUDIT__AUTO_PRUNE", "true"),
        ],
    );
    assert_eq!(case.issues(), [""; 0]);
    let audit = case.load().config.audit;
    assert_eq!(audit.witnesses[0].place, "https://w.example/witness");
    assert_eq!(audit.witnesses[0].keys, keys);
    assert_eq!(audit.witness_logs[0].place, "w.example");
    assert_eq!(audit.secret_fields, ["pin", "tan"]);
    assert!(audit.auto_prune && audit.retention_months == 0);
    let twice = format!("{entry},{entry}");
    let case = Case::new("", &[("VALUEVERSE__AUDIT__WITNESSES", &twice)]);
    let issues = case.issues();
    assert!(
        issues[0].contains("names https://w.example/witness twice"),
        "{issues:?}"
    );
    let printed = Case::new("", &[("VALUEVERSE__AUDIT__WITNESSES", &entry)]).load();
    let again = Case::new(&printed.to_toml(), &[]).load();
    assert_eq!(again.config.audit.witnesses, printed.config.audit.witnesses);
}
