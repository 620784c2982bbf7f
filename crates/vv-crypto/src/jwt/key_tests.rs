use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use serde_json::{Value, json};
use vv_base::SystemRng;
use zeroize::Zeroizing;

use super::fixture::*;
use super::*;
use crate::{Keyring, Place, RootKey, Weakness};

#[test]
fn both_kinds_of_token_round_trip() {
    for signer in [ed25519(), hs256()] {
        let claims = claims();
        let token = signer.sign(&claims).unwrap();
        assert_eq!(verify(&verifier(&[&signer]), &token), Ok(claims));
    }
}

#[test]
fn another_library_accepts_our_tokens() {
    for signer in [ed25519(), hs256()] {
        let (algorithm, key) = match &signer {
            AccessSigner::EdDsa(key) => {
                (Algorithm::EdDSA, DecodingKey::from_ed_der(key.public_key()))
            }
            AccessSigner::Hs256(_) => (
                Algorithm::HS256,
                DecodingKey::from_secret(SECRET.as_bytes()),
            ),
        };
        let mut rules = Validation::new(algorithm);
        rules.set_audience(&[EXPECTED.audience]);
        rules.set_issuer(&[EXPECTED.issuer]);
        rules.validate_exp = false;
        let token = signer.sign(&claims()).unwrap();
        let read = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap();
        assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(read.claims["exp"], json!(1_800_000_900));
    }
}

// RFC 8032 §7.1 tests 1 and 2; RFC 8037 A.3 (thumbprint) and A.4 (JWS) use the key of test 1.
#[test]
fn ed25519_known_answers() {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            &b""[..],
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            &b"\x72"[..],
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ];
    for (seed, public, message, expected) in cases {
        let key = key_of(seed);
        assert_eq!(hex::encode(key.public_key()), public);
        let signing = EncodingKey::from_ed_der(&pkcs8(&key));
        let signature = jsonwebtoken::crypto::sign(message, &signing, Algorithm::EdDSA).unwrap();
        assert_eq!(
            hex::encode(URL_SAFE_NO_PAD.decode(signature).unwrap()),
            expected
        );
    }
    let key = key_of(cases[0].0);
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let verifying = VerifyingKey::ed25519(key.public_key());
    assert_eq!(
        jsonwebtoken::crypto::verify(signature, message, &verifying.key, Algorithm::EdDSA).ok(),
        Some(true)
    );
}

fn key_of(seed: &str) -> SigningKey {
    let seed: [u8; 32] = hex::decode(seed).unwrap().try_into().unwrap();
    SigningKey::from_seed(Zeroizing::new(seed)).unwrap()
}

#[test]
fn the_key_set_shows_public_keys_only() {
    let (one, two, shared) = (ed25519(), ed25519(), hs256());
    let jwks = verifier(&[&one, &shared, &two]).jwks();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for (key, signer) in keys.iter().zip([&one, &two]) {
        let AccessSigner::EdDsa(signing) = signer else {
            panic!("made as Ed25519");
        };
        assert_eq!(
            *key,
            json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": signing.kid(), "x": encode(signing.public_key()),
            })
        );
    }
    // A published key verifies on its own.
    let x = URL_SAFE_NO_PAD
        .decode(keys[0]["x"].as_str().unwrap())
        .unwrap();
    let published = Verifier::new(vec![VerifyingKey::ed25519(&x.try_into().unwrap())]);
    assert!(verify(&published, &one.sign(&claims()).unwrap()).is_ok());
}

#[test]
fn a_signing_key_is_stored_sealed_to_its_place() {
    let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
    let place = Place {
        tenant: None,
        table: "keys",
        row: b"1",
        column: "sealed",
    };
    let key = SigningKey::generate_ed25519(&SystemRng).unwrap();
    let sealed = key.to_sealed(keyring.data(), &place, &SystemRng).unwrap();
    let again = SigningKey::from_sealed(keyring.data(), &place, sealed.as_bytes()).unwrap();
    assert_eq!(again.kid(), key.kid());
    let token = AccessSigner::EdDsa(again).sign(&claims()).unwrap();
    assert!(
        verify(
            &Verifier::new(vec![VerifyingKey::ed25519(key.public_key())]),
            &token
        )
        .is_ok()
    );

    let elsewhere = Place { row: b"2", ..place };
    let moved = SigningKey::from_sealed(keyring.data(), &elsewhere, sealed.as_bytes());
    assert!(matches!(moved, Err(SigningKeyError::Open(_))));
    let short = keyring.data().seal(&place, b"short", &SystemRng).unwrap();
    let not_a_key = SigningKey::from_sealed(keyring.data(), &place, short.as_bytes());
    assert!(matches!(not_a_key, Err(SigningKeyError::NotAKey)));
}

#[test]
fn weak_shared_secrets_are_refused() {
    for (text, weakness) in [
        ("", Weakness::Empty),
        ("short-but-random-8f3k", Weakness::Short),
        ("your-256-bit-secret", Weakness::Placeholder),
        (
            "<generate-with-secrets.token_urlsafe(32)>",
            Weakness::Placeholder,
        ),
        (
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            Weakness::Repeated,
        ),
    ] {
        assert_eq!(
            SharedSecret::parse(text).err(),
            Some(SharedSecretError(weakness)),
            "{text}"
        );
    }
}

#[test]
fn debug_output_shows_no_key() {
    let (signer, shared) = (ed25519(), hs256());
    let AccessSigner::EdDsa(key) = &signer else {
        panic!("made as Ed25519");
    };
    let shown = format!(
        "{signer:?} {shared:?} {:?} {:?} {:?}",
        signer.verifying_key(),
        shared.verifying_key(),
        verifier(&[&signer, &shared])
    );
    let seed = key.seed();
    for secret in [
        SECRET.to_owned(),
        hex::encode(seed),
        encode(seed),
        format!("{seed:?}"),
        format!("{:?}", SECRET.as_bytes()),
    ] {
        assert!(!shown.contains(secret.trim_matches(['[', ']'])));
    }
    assert!(shown.contains(key.kid()));
}
