//! Refresh tokens. Nothing is stored per token: it names its session and a
//! counter and proves both with an HMAC; the session row holds the counter that
//! is valid now.
//!
//! `vvr1_` + base64url(session 16 B ‖ counter u64be ‖ HMAC 32 B ‖ first 4 B of
//! SHA-256 over what precedes).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vv_audit::{Event, Kind, Outcome};
use vv_base::{Actor, Ctx, Secret, SessionId};
use vv_crypto::TokenKey;
use vv_store::{Tx, args};

use super::model::SessionRow;
use super::{SessionError, TokenPair, sql};
use crate::system::Auth;
use crate::token::TokenSubject;

const PREFIX: &str = "vvr1_";
const BODY_BYTES: usize = 16 + 8 + 32;
const TEXT_BYTES: usize = PREFIX.len() + 80;

/// A refresh token in the hands of a client.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    session: SessionId,
    counter: u64,
    mac: Secret<[u8; 32]>,
}

impl RefreshToken {
    pub(crate) fn mint(key: &TokenKey, session: SessionId, counter: u64) -> Self {
        Self {
            session,
            counter,
            mac: Secret::new(key.refresh_mac(session, counter)),
        }
    }

    /// The text that the client keeps.
    pub fn to_text(&self) -> Secret<String> {
        let body = [
            self.session.as_bytes().as_slice(),
            &self.counter.to_be_bytes(),
            self.mac.expose(),
        ]
        .concat();
        let check = vv_crypto::sha256(&[PREFIX.as_bytes(), &body]);
        let check = check.first_chunk::<4>().copied().unwrap_or_default();
        let text = URL_SAFE_NO_PAD.encode([body.as_slice(), &check].concat());
        Secret::new(format!("{PREFIX}{text}"))
    }

    /// Reads the text form; `None` when it is damaged or not one of ours. The
    /// MAC is not checked here.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (body, check) = bytes.split_first_chunk::<BODY_BYTES>()?;
        let expected = vv_crypto::sha256(&[PREFIX.as_bytes(), body]);
        if expected.first_chunk::<4>()?.as_slice() != check {
            return None;
        }
        let (session, rest) = body.split_first_chunk::<16>()?;
        let (counter, mac) = rest.split_first_chunk::<8>()?;
        let mac: [u8; 32] = mac.try_into().ok()?;
        Some(Self {
            session: SessionId::from_bytes(*session),
            counter: u64::from_be_bytes(*counter),
            mac: Secret::new(mac),
        })
    }
}

/// How an exchange ended inside its transaction. A reuse is an outcome that
/// must be committed, not an error that rolls its evidence back.
enum Exchange {
    Granted(TokenPair),
    Reused,
    Expired,
}

impl Auth {
    /// Exchanges a refresh token for a new pair. Each token works once; a
    /// second use ends the session, because either user or thief holds a copy.
    pub async fn refresh(
        &self,
        ctx: &Ctx,
        token: &RefreshToken,
    ) -> Result<TokenPair, SessionError> {
        let key = self.keyring().token();
        if !key.refresh_matches(token.session, token.counter, token.mac.expose()) {
            return Err(SessionError::Expired);
        }
        // Which tenant it is stands in the row.
        let ctx = ctx.clone().for_system();
        // A thief who hangs up must not keep the session alive.
        let (auth, own, copy) = (self.clone(), ctx.clone(), token.clone());
        let work = async move {
            auth.store()
                .tx(&own, "session.refresh", async |tx| {
                    auth.exchange(&own, tx, &copy).await
                })
                .await
        };
        let exchange = self.finish(work).await.unwrap_or(Ok(Exchange::Expired))?;
        match exchange {
            Exchange::Granted(pair) => Ok(pair),
            Exchange::Expired => Err(SessionError::Expired),
            Exchange::Reused => {
                self.announce_end(&ctx, token.session).await;
                Err(SessionError::ReuseDetected)
            }
        }
    }

    async fn exchange(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        token: &RefreshToken,
    ) -> Result<Exchange, SessionError> {
        let now = ctx.now();
        let row: Option<SessionRow> = tx.opt(&sql::LOCK, args![token.session]).await?;
        let Some(row) = row.filter(|row| row.usable(now)) else {
            return Ok(Exchange::Expired);
        };
        let ctx = ctx
            .clone()
            .for_tenant(row.tenant_id)
            .with_actor(Actor::User {
                user: row.user_id,
                session: token.session,
            });
        let next = row.refresh_counter.saturating_add(1);
        if u64::try_from(row.refresh_counter) != Ok(token.counter) {
            tx.exec(
                &sql::REVOKE,
                args![row.tenant_id, token.session, now, "refresh_reuse"],
            )
            .await?;
            let event = Event::new(Kind::RefreshReused)
                .outcome(Outcome::Denied)
                .target("session", token.session);
            self.audit().record(&ctx, tx, event).await?;
            return Ok(Exchange::Reused);
        }
        let idle = now.plus(self.session_policy().idle);
        tx.exec_one(
            &sql::ROTATE,
            args![
                row.tenant_id,
                token.session,
                row.refresh_counter,
                next,
                now,
                idle
            ],
        )
        .await?;
        let event = Event::new(Kind::SessionRefreshed).target("session", token.session);
        self.audit().record(&ctx, tx, event).await?;
        let subject = TokenSubject {
            user: row.user_id,
            tenant: row.tenant_id,
            session: token.session,
            aal: row.aal,
            auth_time: row.auth_time,
        };
        let counter = u64::try_from(next).map_err(|_| SessionError::Expired)?;
        Ok(Exchange::Granted(self.token_pair(&ctx, &subject, counter)?))
    }
}
