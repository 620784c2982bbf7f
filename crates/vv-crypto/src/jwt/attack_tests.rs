use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture::*;
use super::*;

#[test]
fn a_token_without_signature_is_refused() {
    let signer = ed25519();
    let payload = serde_json::to_string(&claims()).unwrap();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = header_with(&signer, "alg", json!(alg));
        let unsigned = format!("{}.{}.", encode(&header), encode(&payload));
        assert_eq!(
            verify(&verifier(&[&signer]), &unsigned),
            Err(TokenError::Algorithm)
        );
    }
    let token = signer.sign(&claims()).unwrap();
    let (message, _) = token.rsplit_once('.').unwrap();
    let stripped = format!("{message}.");
    assert_eq!(
        verify(&verifier(&[&signer]), &stripped),
        Err(TokenError::Signature)
    );
}

#[test]
fn the_public_key_is_no_hmac_secret() {
    let signer = ed25519();
    let AccessSigner::EdDsa(key) = &signer else {
        panic!("made as Ed25519");
    };
    let payload = serde_json::to_string(&claims()).unwrap();
    let header = header_with(&signer, "alg", json!("HS256"));
    let message = format!("{}.{}", encode(&header), encode(&payload));
    let secrets = [
        key.public_key().to_vec(),
        encode(key.public_key()).into_bytes(),
    ];
    // Also when an HMAC key is accepted beside the Ed25519 key.
    for verifier in [verifier(&[&signer]), verifier(&[&signer, &hs256()])] {
        for secret in &secrets {
            let token = format!("{message}.{}", encode(mac(secret, &message)));
            assert_eq!(verify(&verifier, &token), Err(TokenError::Algorithm));
        }
    }
}

#[test]
fn every_other_algorithm_is_refused() {
    let signer = hs256();
    let payload = serde_json::to_string(&claims()).unwrap();
    for alg in [
        "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "Ed25519", "hs256",
    ] {
        let token = forge(&signer, &header_with(&signer, "alg", json!(alg)), &payload);
        assert_eq!(
            verify(&verifier(&[&signer]), &token),
            Err(TokenError::Algorithm),
            "{alg}"
        );
    }
}

#[test]
fn the_key_id_chooses_among_known_keys_only() {
    let (ours, other) = (ed25519(), ed25519());
    let payload = serde_json::to_string(&claims()).unwrap();
    let both = verifier(&[&ours, &other]);
    // Signed by one key, named after the other.
    let crossed = forge(&ours, &header(&other).to_string(), &payload);
    assert_eq!(verify(&both, &crossed), Err(TokenError::Signature));
    // Rotation: both keys verify.
    for signer in [&ours, &other] {
        assert!(verify(&both, &signer.sign(&claims()).unwrap()).is_ok());
    }
    assert_eq!(
        verify(&verifier(&[&ours]), &other.sign(&claims()).unwrap()),
        Err(TokenError::UnknownKey)
    );
    for kid in ["", "../../dev/null", "' OR 1=1 --", "key\u{0}", "ours\n"] {
        let token = forge(&ours, &header_with(&ours, "kid", json!(kid)), &payload);
        assert_eq!(
            verify(&both, &token),
            Err(TokenError::UnknownKey),
            "{kid:?}"
        );
    }
    let no_kid = json!({"alg": "EdDSA", "typ": "at+jwt"}).to_string();
    assert_eq!(
        verify(&both, &forge(&ours, &no_kid, &payload)),
        Err(TokenError::Header)
    );
}

#[test]
fn a_header_with_anything_unusual_is_refused() {
    let signer = ed25519();
    let payload = serde_json::to_string(&claims()).unwrap();
    let kid = signer.kid();
    let mut headers: Vec<String> = [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("jku", json!("https://evil.example/jwks.json")),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})),
        ("x5u", json!("https://evil.example/x")),
        ("cty", json!("JWT")),
        ("typ", json!("JWT")),
        ("typ", json!("at+JWT")),
        ("typ", json!("application/at+jwt")),
        ("typ", json!("dpop+jwt")),
        ("typ", Value::Null),
        ("alg", json!(["EdDSA"])),
        ("kid", json!(1)),
    ]
    .into_iter()
    .map(|(name, value)| header_with(&signer, name, value))
    .collect();
    headers.push(json!(["EdDSA", "at+jwt", kid]).to_string());
    headers.push(format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#));
    headers.push(format!(
        r#"{{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#
    ));
    headers.push(format!(
        r#"{{"alg":"EdDSA","\u0061lg":"none","typ":"at+jwt","kid":"{kid}"}}"#
    ));
    headers.push(format!(" {}", header(&signer)));
    headers.push(String::new());
    for header in headers {
        let token = forge(&signer, &header, &payload);
        assert_eq!(
            verify(&verifier(&[&signer]), &token),
            Err(TokenError::Header),
            "{header}"
        );
    }
}

#[test]
fn huge_and_misshapen_tokens_are_refused() {
    let signer = ed25519();
    let verifier = verifier(&[&signer]);
    let token = signer.sign(&claims()).unwrap();
    let padded = forge(
        &signer,
        &header(&signer).to_string(),
        &payload_with("x", json!("y".repeat(4000))),
    );
    assert_eq!(verify(&verifier, &padded), Err(TokenError::TooLong));
    let nested = format!("{{\"kid\":{}", "[".repeat(2500));
    let nested = format!("{}.e30.AA", encode(nested));
    assert_eq!(verify(&verifier, &nested), Err(TokenError::Header));
    for misshapen in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b".to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.e30"),
        format!("Bearer {token}"),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        token.replacen('.', "=.", 1),
    ] {
        let result = verify(&verifier, &misshapen);
        assert!(
            matches!(
                result,
                Err(TokenError::Malformed | TokenError::Header | TokenError::Signature)
            ),
            "{misshapen}: {result:?}"
        );
    }
}

#[test]
fn every_changed_character_is_noticed() {
    for signer in [ed25519(), hs256()] {
        let verifier = verifier(&[&signer]);
        let token = signer.sign(&claims()).unwrap();
        for position in 0..token.len() {
            for replacement in [b'A', b'_', b'.'] {
                let mut changed = token.clone().into_bytes();
                if changed[position] == replacement {
                    continue;
                }
                changed[position] = replacement;
                let changed = String::from_utf8(changed).unwrap();
                assert!(verify(&verifier, &changed).is_err(), "{position}");
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_text_is_never_a_token(text in any::<String>()) {
        prop_assert!(verify(&verifier(&[&hs256()]), &text).is_err());
    }

    #[test]
    fn arbitrary_parts_are_never_a_token(
        header in any::<Vec<u8>>(),
        payload in any::<Vec<u8>>(),
        signature in any::<Vec<u8>>(),
        real_header: bool,
    ) {
        let signer = hs256();
        let header = if real_header {
            self::header(&signer).to_string().into_bytes()
        } else {
            header
        };
        let token = format!("{}.{}.{}", encode(header), encode(payload), encode(signature));
        prop_assert!(verify(&verifier(&[&signer]), &token).is_err());
    }

    #[test]
    fn arbitrary_signed_payloads_never_panic(payload in any::<String>()) {
        let signer = hs256();
        let token = forge(&signer, &header(&signer).to_string(), &payload);
        prop_assert!(verify(&verifier(&[&signer]), &token).is_err());
    }
}
