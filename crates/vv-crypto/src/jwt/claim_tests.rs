use serde_json::{Value, json};
use vv_base::{Span, Timestamp};

use super::fixture::*;
use super::*;

#[test]
fn claims_must_be_whole_single_and_sensible() {
    let signer = ed25519();
    let whole = serde_json::to_string(&claims()).unwrap();
    let mut payloads: Vec<String> = [
        ("exp", json!("1800000900")),
        ("exp", json!(1_800_000_900.5)),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(1_800_000_000)),
        ("exp", json!(1_800_000_000 + 24 * 3600 + 1)),
        ("nbf", Value::Null),
        ("aud", json!(["valueverse"])),
        ("sub", json!("admin")),
        ("sid", json!("00000000000000000000000000000000")),
        ("aal", json!(0)),
        ("aal", json!(4)),
        ("aal", json!(256)),
        ("aal", json!("2")),
        ("extra", json!([[[[1]]]])),
        ("extra", json!({"a": {"b": {"c": {"d": 1}}}})),
    ]
    .into_iter()
    .map(|(name, value)| payload_with(name, value))
    .collect();
    payloads.push(whole.replacen('{', r#"{"aal":3,"#, 1));
    payloads.push(whole.replacen('{', r#"{"x":1,"x":1,"#, 1));
    payloads.push(whole.replacen('{', r#"{"x":{"y":1,"y":1},"#, 1));
    payloads.push(format!("{whole}{whole}"));
    payloads.push(format!("[{whole}]"));
    payloads.push("\"text\"".to_owned());
    payloads.push(String::new());
    for name in claims_names() {
        let mut payload = serde_json::to_value(claims()).unwrap();
        payload.as_object_mut().unwrap().remove(&name);
        payloads.push(payload.to_string());
    }
    for payload in payloads {
        let token = forge(&signer, &header(&signer).to_string(), &payload);
        assert_eq!(
            verify(&verifier(&[&signer]), &token),
            Err(TokenError::Claims),
            "{payload}"
        );
    }
    // Claims that a newer node may add do not disturb an older one.
    let newer = forge(
        &signer,
        &header(&signer).to_string(),
        &payload_with("cnf", json!({"jkt": "x"})),
    );
    assert!(verify(&verifier(&[&signer]), &newer).is_ok());
}

fn claims_names() -> Vec<String> {
    let payload = serde_json::to_value(claims()).unwrap();
    payload.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    let signer = ed25519();
    for (name, value, expected) in [
        ("iss", "https://id.example.test/", TokenError::Issuer),
        (
            "iss",
            "https://id.example.test.evil.example",
            TokenError::Issuer,
        ),
        ("iss", "", TokenError::Issuer),
        ("aud", "valueverse2", TokenError::Audience),
        ("aud", "VALUEVERSE", TokenError::Audience),
    ] {
        let token = forge(
            &signer,
            &header(&signer).to_string(),
            &payload_with(name, json!(value)),
        );
        assert_eq!(
            verify(&verifier(&[&signer]), &token),
            Err(expected),
            "{value}"
        );
    }
}

#[test]
fn times_are_exact_to_the_second() {
    let signer = ed25519();
    let claims = claims();
    let token = signer.sign(&claims).unwrap();
    for (asked, leeway) in [(0, 0), (10, 10), (30, 30), (3600, 30), (-5, 0)] {
        let verifier = verifier(&[&signer]).with_leeway(Span::seconds(asked));
        let at = |base: Timestamp, seconds: i64| {
            verifier
                .verify(&token, base.plus(Span::seconds(seconds)), &EXPECTED)
                .map(|_| ())
        };
        assert_eq!(at(claims.exp, leeway - 1), Ok(()), "leeway {asked}");
        assert_eq!(at(claims.exp, leeway), Err(TokenError::Expired));
        assert_eq!(at(claims.exp, leeway + 1), Err(TokenError::Expired));
        assert_eq!(at(claims.nbf, -leeway), Ok(()));
        assert_eq!(at(claims.nbf, -leeway - 1), Err(TokenError::NotYetValid));
    }
    let later = AccessClaims {
        nbf: NOW.plus(Span::minutes(5)),
        ..claims.clone()
    };
    let early = signer.sign(&later).unwrap();
    assert_eq!(
        verify(&verifier(&[&signer]), &early),
        Err(TokenError::NotYetValid)
    );
    let edge = verifier(&[&signer]);
    assert_eq!(
        edge.verify(&token, Timestamp::from_unix_micros(i64::MAX), &EXPECTED),
        Err(TokenError::Expired)
    );
    assert_eq!(
        edge.verify(&token, Timestamp::from_unix_micros(i64::MIN), &EXPECTED),
        Err(TokenError::NotYetValid)
    );
}

#[test]
fn tokens_nobody_would_accept_are_not_issued() {
    let signer = ed25519();
    let base = claims();
    let refused = [
        AccessClaims {
            exp: NOW,
            ..base.clone()
        },
        AccessClaims {
            exp: NOW.plus(Span::hours(25)),
            ..base.clone()
        },
        AccessClaims {
            aal: 0,
            ..base.clone()
        },
        AccessClaims {
            auth_time: Timestamp::from_unix_seconds(-1),
            ..base.clone()
        },
    ];
    for claims in refused {
        assert_eq!(signer.sign(&claims), Err(SignError::Claims));
    }
    let long = AccessClaims {
        client_id: "c".repeat(4000),
        ..base
    };
    assert_eq!(signer.sign(&long), Err(SignError::TooLong));
}
