//! What is found in text and what is not.

use crate::clean::describe;

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(describe(text), *expected, "{text}");
    }
}

#[test]
fn numbers_and_addresses_are_masked() {
    check(&[
        (
            "paid with 4111 1111 1111 1111 today",
            "paid with [pan ****1111] today",
        ),
        (
            "PAN \u{ff14}111\u{a0}1111\u{2011}1111 1111!",
            "PAN [pan ****1111]!",
        ),
        ("4\u{200b}111111111111111", "[pan ****1111]"),
        ("\u{664}\u{661}\u{661}\u{661}111111111111", "[pan ****1111]"),
        ("mail Ada <ada@example.org>", "mail Ada <[email]>"),
        (
            "J\u{fc}rgen.m\u{fc}ller@b\u{fc}cher.example ok",
            "[email] ok",
        ),
        ("ada\u{ff20}example\u{3002}org", "[email]"),
        (
            "from 192.0.2.7:443 and [2001:db8::7]",
            "from [ip]:443 and [[ip]]",
        ),
    ]);
}

#[test]
fn tokens_are_masked() {
    let jwt = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    let pem = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----";
    let github = ["ghp_", "0123456789abcdefghijABCDEFGHIJ012345"].concat();
    let refresh = ["vvr1_", &"aB3_".repeat(20)].concat();
    let cookie = "aB3_".repeat(16);
    check(&[
        (&format!("token={jwt}"), "token=[secret]"),
        (&format!("got {jwt}, refused"), "got [secret], refused"),
        (
            &format!("Authorization: Bearer {jwt}"),
            "Authorization: [secret]",
        ),
        ("sent Bearer 0a1b2c3d4e", "sent Bearer [secret]"),
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic [secret]"),
        (&format!("key:\n{pem}\nend"), "key:\n[secret]\nend"),
        ("-----BEGIN PRIVATE KEY-----\nMIIC", "[secret]"),
        (&format!("x {github} y"), "x [secret] y"),
        (&refresh, "[secret]"),
        (&format!("cookie was {cookie};"), "cookie was [secret];"),
    ]);
}

#[test]
fn what_is_named_a_secret_is_masked() {
    check(&[
        (
            "see /setup?token=abcdef&x=1",
            "see /setup?token=[secret]&x=1",
        ),
        ("password=hunter2 user=ada", "password=[secret] user=ada"),
        (
            "{\"new_password\": \"hun ter\\\"2\", \"n\": 1}",
            "{\"new_password\": \"[secret]\", \"n\": 1}",
        ),
        (
            "{\\\"password\\\":\\\"x y\\\",",
            "{\\\"password\\\":\\\"[secret]\\\",",
        ),
        (
            "'client-secret' => 's3', 1",
            "'client-secret' => '[secret]', 1",
        ),
        ("password=[redacted]hunter2 x", "password=[secret] x"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [secret]\nHost: x"),
        ("postgres://ada:s3cr@t@db/x", "postgres://ada:[secret]@db/x"),
        (
            "the API key: abc, Card number: 12",
            "the API key: [secret], Card number: [secret]",
        ),
        ("CVV 123, cvc2: 1234", "CVV [secret], cvc2: [secret]"),
        ("the PIN is 4711.", "the PIN is [secret]."),
        (
            "%B4111111111111111^DOE/JANE^29122010000000000000?",
            "[secret]",
        ),
        (";4111111111111111=29122010000000000000?", "[secret]"),
    ]);
}

#[test]
fn ordinary_text_is_left_alone() {
    for text in [
        "",
        "The order 4711-0815 was shipped at 18:03:11 on 2026-11-22.",
        "User 0193511e-8a4b-7c1d-9e2f-3a4b5c6d7e8f changed the plan from S to XL",
        "The bearer token expired; basic authentication is off.",
        "password changed; the secret was rotated",
        "SHA-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sk-test of std::fmt and eyJ, v1.2.3.4, 99% @ 3 pm",
        "https://example.org:8443/a?b=c#d",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "\u{41e}\u{43f}\u{43b}\u{430}\u{442}\u{430} 12 \u{440}\u{443}\u{431}. \u{20ac} \u{1f602}",
        "[pan ****1111] [email] [ip] [secret] [redacted] password=[secret]",
    ] {
        assert_eq!(describe(text), text);
    }
    assert_eq!(describe("e\u{301}t\u{e9}"), "\u{e9}t\u{e9}");
}
