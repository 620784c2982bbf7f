use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const BODY: &[u8] = br#"{"a":1}"#;
/// Computed with `openssl dgst -sha256 -mac HMAC` over `1700000000.{"a":1}`.
const KNOWN: &str = "f05f2539e3ae1c49aec5f8cfdad75ef6b06480b133973ffbb7ec9e18827af177";

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::new(Secret::new(text.as_bytes().to_vec())).unwrap()
}

fn ours() -> WebhookSecret {
    secret("0123456789abcdef0123456789abcdef")
}

fn verify(header: &str, body: &[u8], now: Timestamp) -> Result<Timestamp, SignatureError> {
    verify_webhook(&ours(), header, body, now, SIGNATURE_TOLERANCE)
}

#[test]
fn the_signature_is_what_openssl_computes() {
    let header = sign_webhook(&ours(), NOW, BODY);
    assert_eq!(header, format!("t=1700000000,v1={KNOWN}"));
    assert_eq!(verify(&header, BODY, NOW), Ok(NOW));
}

#[test]
fn any_change_is_a_mismatch() {
    let header = sign_webhook(&ours(), NOW, BODY);
    let later = header.replace("t=1700000000", "t=1700000001");
    let padded = header.replace("t=1700000000", "t=01700000000");
    let short = header.split_at(header.len() - 2).0;
    for (header, body) in [
        (header.as_str(), br#"{"a":2}"#.as_slice()),
        (header.as_str(), b"".as_slice()),
        (later.as_str(), BODY),
        (padded.as_str(), BODY),
        (short, BODY),
        ("t=1700000000,v1=", BODY),
        ("t=1700000000,v1=zz", BODY),
    ] {
        let refused = verify(header, body, NOW);
        assert_eq!(refused, Err(SignatureError::Mismatch), "{header}");
    }
    let other = sign_webhook(&secret("another secret of length"), NOW, BODY);
    assert_eq!(verify(&other, BODY, NOW), Err(SignatureError::Mismatch));
}

#[test]
fn old_and_future_messages_are_stale() {
    let header = sign_webhook(&ours(), NOW, BODY);
    let over = SIGNATURE_TOLERANCE.micros() + 1;
    for (now, fine) in [
        (NOW.plus(SIGNATURE_TOLERANCE), true),
        (NOW.minus(SIGNATURE_TOLERANCE), true),
        (Timestamp::from_unix_micros(NOW.unix_micros() + over), false),
        (Timestamp::from_unix_micros(NOW.unix_micros() - over), false),
    ] {
        let expected = if fine {
            Ok(NOW)
        } else {
            Err(SignatureError::Stale)
        };
        assert_eq!(verify(&header, BODY, now), expected);
    }
}

#[test]
fn one_of_several_signatures_suffices() {
    let header = format!("t=1700000000,v1={},v2=later,v1={KNOWN}", "00".repeat(32));
    assert_eq!(verify(&header, BODY, NOW), Ok(NOW));
}

#[test]
fn malformed_headers() {
    let doubled = format!("t=1700000000,t=1700000000,v1={KNOWN}");
    let long = format!("t=1700000000,v1={KNOWN},{}", "x=y,".repeat(400));
    for header in [
        "",
        "t=1700000000",
        "v1=00",
        "t=,v1=00",
        "t=soon,v1=00",
        "t=99999999999999999999,v1=00",
        "nothing",
        &doubled,
        &long,
    ] {
        let refused = verify(header, BODY, NOW);
        assert_eq!(refused, Err(SignatureError::Malformed), "{header}");
    }
}

#[test]
fn secrets_have_a_length_and_are_not_shown() {
    for (length, fine) in [
        (0, false),
        (15, false),
        (16, true),
        (256, true),
        (257, false),
    ] {
        let made = WebhookSecret::new(Secret::new(vec![7; length]));
        assert_eq!(made.is_ok(), fine, "{length}");
    }
    assert!(!format!("{:?}", ours()).contains("0123"));
}
