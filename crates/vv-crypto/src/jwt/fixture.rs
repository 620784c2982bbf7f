//! What the token tests share.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use vv_base::{SessionId, Span, SystemRng, TenantId, Timestamp, UserId};

use super::*;

pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

pub(super) const EXPECTED: Expected<'static> = Expected {
    issuer: "https://id.example.test",
    audience: "valueverse",
};

pub(super) const SECRET: &str = "wJd2Qe7bVx0yPfT4nKc9uZ1hLr6sGm3aXo8iEtRkYvB";

pub(super) fn claims() -> AccessClaims {
    AccessClaims {
        iss: EXPECTED.issuer.to_owned(),
        sub: UserId::new(NOW, &SystemRng),
        aud: EXPECTED.audience.to_owned(),
        exp: NOW.plus(Span::minutes(15)),
        iat: NOW,
        nbf: NOW,
        jti: TokenId::new(NOW, &SystemRng),
        sid: SessionId::new(NOW, &SystemRng),
        tid: TenantId::new(NOW, &SystemRng),
        aal: 1,
        auth_time: NOW,
        client_id: "console".to_owned(),
    }
}

pub(super) fn ed25519() -> AccessSigner {
    AccessSigner::EdDsa(SigningKey::generate_ed25519(&SystemRng).unwrap())
}

pub(super) fn hs256() -> AccessSigner {
    AccessSigner::Hs256(SharedSecret::parse(SECRET).unwrap())
}

pub(super) fn verifier(signers: &[&AccessSigner]) -> Verifier {
    Verifier::new(
        signers
            .iter()
            .map(|signer| signer.verifying_key())
            .collect(),
    )
}

pub(super) fn verify(verifier: &Verifier, token: &str) -> Result<AccessClaims, TokenError> {
    verifier.verify(token, NOW, &EXPECTED)
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs whatever header and payload an attacker with the key, or a bug of ours, could produce.
pub(super) fn forge(signer: &AccessSigner, header: &str, payload: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = match signer {
        AccessSigner::EdDsa(key) => {
            let key = EncodingKey::from_ed_der(&pkcs8(key));
            jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA).unwrap()
        }
        AccessSigner::Hs256(_) => encode(mac(SECRET.as_bytes(), &message)),
    };
    format!("{message}.{signature}")
}

pub(super) fn pkcs8(key: &SigningKey) -> Vec<u8> {
    let prefix = hex::decode("302e020100300506032b657004220420").unwrap();
    [prefix.as_slice(), key.seed()].concat()
}

pub(super) fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

pub(super) fn header(signer: &AccessSigner) -> Value {
    let alg = match signer {
        AccessSigner::EdDsa(_) => "EdDSA",
        AccessSigner::Hs256(_) => "HS256",
    };
    json!({"alg": alg, "typ": "at+jwt", "kid": signer.kid()})
}

/// The header with one member set.
pub(super) fn header_with(signer: &AccessSigner, name: &str, value: Value) -> String {
    let mut header = header(signer);
    header[name] = value;
    header.to_string()
}

/// The claims with one member set.
pub(super) fn payload_with(name: &str, value: Value) -> String {
    let mut payload = serde_json::to_value(claims()).unwrap();
    payload[name] = value;
    payload.to_string()
}
