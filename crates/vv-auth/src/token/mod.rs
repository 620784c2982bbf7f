//! Access tokens and the keys that sign them.

mod sql;

pub(crate) use sql::STATEMENTS;

use vv_audit::{Event, Kind};
use vv_base::{Ctx, KeyId, SessionId, Span, TenantId, Timestamp, UserId};
use vv_crypto::{
    AccessClaims, AccessSigner, Expected, Place, SharedSecret, SigningKey, TokenError, Verifier,
    VerifyingKey,
};
use vv_store::{Store, StoreError, args, row};

use crate::system::{KeysError, Parts};

/// What access tokens say and how long they live.
#[derive(Debug)]
pub struct TokenSettings {
    /// The `iss` claim: the public address of this installation.
    pub issuer: String,
    /// The `aud` claim.
    pub audience: String,
    /// Life of an access token.
    pub access_ttl: Span,
    /// When given, tokens are signed with HS256 under this secret instead of
    /// with generated EdDSA keys.
    pub shared_secret: Option<SharedSecret>,
}

/// Signs and verifies access tokens.
pub(crate) struct Tokens {
    settings: TokenSettings,
    signer: AccessSigner,
    verifier: Verifier,
}

/// What an access token is issued for.
pub(crate) struct TokenSubject {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    pub(crate) session: SessionId,
    pub(crate) aal: u8,
    pub(crate) auth_time: Timestamp,
}

impl Tokens {
    pub(crate) fn issue(&self, ctx: &Ctx, subject: &TokenSubject) -> Result<String, KeysError> {
        let now = ctx.now();
        let claims = AccessClaims {
            iss: self.settings.issuer.clone(),
            sub: subject.user,
            aud: self.settings.audience.clone(),
            exp: now.plus(self.settings.access_ttl),
            iat: now,
            nbf: now,
            jti: ctx.new_id(),
            sid: subject.session,
            tid: subject.tenant,
            aal: subject.aal,
            auth_time: subject.auth_time,
            client_id: "valueverse".to_owned(),
        };
        self.signer.sign(&claims).map_err(|_| KeysError::Sign)
    }

    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenError> {
        let expected = Expected {
            issuer: &self.settings.issuer,
            audience: &self.settings.audience,
        };
        self.verifier.verify(token, now, &expected)
    }

    pub(crate) fn access_ttl(&self) -> Span {
        self.settings.access_ttl
    }

    pub(crate) fn jwks(&self) -> serde_json::Value {
        self.verifier.jwks()
    }
}

row! {
    struct KeyRow {
        key_id: KeyId,
        sealed: Vec<u8>,
        state: String,
    }
}

/// Loads the signing keys, and on a fresh database makes the first one. Nodes
/// that start together agree through the unique index on the active key.
pub(crate) async fn load(
    ctx: &Ctx,
    parts: &Parts,
    mut settings: TokenSettings,
) -> Result<Tokens, KeysError> {
    let ctx = ctx.clone().for_system();
    let mut keys = stored_keys(&ctx, parts).await?;
    if keys.iter().all(|(_, active)| !active) && settings.shared_secret.is_none() {
        generate(&ctx, parts).await?;
        keys = stored_keys(&ctx, parts).await?;
    }
    // Keys of an earlier mode stay verifiable: tokens that are out there keep working.
    let mut known: Vec<VerifyingKey> = keys
        .iter()
        .map(|(key, _)| VerifyingKey::ed25519(key.public_key()))
        .collect();
    let signer = match settings.shared_secret.take() {
        Some(secret) => {
            let signer = AccessSigner::Hs256(secret);
            known.push(signer.verifying_key());
            signer
        }
        None => keys
            .into_iter()
            .find_map(|(key, active)| active.then_some(AccessSigner::EdDsa(key)))
            .ok_or(KeysError::NoActiveKey)?,
    };
    Ok(Tokens {
        settings,
        signer,
        verifier: Verifier::new(known),
    })
}

async fn stored_keys(ctx: &Ctx, parts: &Parts) -> Result<Vec<(SigningKey, bool)>, KeysError> {
    let rows: Vec<KeyRow> = read(&parts.store, ctx).await?;
    rows.into_iter()
        .map(|row| {
            let key =
                SigningKey::from_sealed(parts.keyring.data(), &place(&row.key_id), &row.sealed)
                    .map_err(|_| KeysError::Sealed)?;
            Ok((key, row.state == "active"))
        })
        .collect()
}

async fn read(store: &Store, ctx: &Ctx) -> Result<Vec<KeyRow>, StoreError> {
    store
        .read(ctx, "signing_key.all", async |tx| {
            tx.all(&sql::ALL_KEYS, args![]).await
        })
        .await
}

async fn generate(ctx: &Ctx, parts: &Parts) -> Result<(), KeysError> {
    let key = SigningKey::generate_ed25519(ctx.rng()).map_err(|_| KeysError::Sign)?;
    let id: KeyId = ctx.new_id();
    let sealed = key
        .to_sealed(parts.keyring.data(), &place(&id), ctx.rng())
        .map_err(|_| KeysError::Sealed)?;
    let event = Event::new(Kind::KeyGenerated)
        .target("signing_key", id)
        .detail("algorithm", "EdDSA")
        .detail("kid", key.kid());
    let saved = parts
        .store
        .tx(ctx, "signing_key.insert", async |tx| {
            tx.exec_one(
                &sql::INSERT_KEY,
                args![id, key.kid(), sealed.into_bytes(), ctx.now()],
            )
            .await?;
            parts.audit.record(ctx, tx, event).await?;
            Ok::<_, KeysError>(())
        })
        .await;
    match saved {
        // Another node was first; its key is read next.
        Err(KeysError::Store(StoreError::Conflict(_))) => Ok(()),
        other => other,
    }
}

fn place(key: &KeyId) -> Place<'_> {
    Place {
        tenant: None,
        table: "signing_keys",
        row: key.as_bytes(),
        column: "sealed",
    }
}
