use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::verify::Verifier;

impl Verifier {
    /// The JWK set (RFC 7517 §5, RFC 8037 §2) of the public keys, in the order they
    /// were given. Shared secrets never appear in it.
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self
            .keys()
            .iter()
            .filter_map(|key| {
                let public = key.public.as_ref()?;
                Some(json!({
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": URL_SAFE_NO_PAD.encode(public),
                    "kid": key.kid(),
                    "use": "sig",
                    "alg": "EdDSA",
                }))
            })
            .collect();
        json!({ "keys": keys })
    }
}
