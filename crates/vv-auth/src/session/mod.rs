//! Sessions: started at sign-in, checked on every request, ended for good.
//!
//! SQL is the truth about a session. A node may reuse what it read for at most
//! [`STALE_AFTER`]; tombstones in the shared state make an end known to other
//! nodes sooner than that. Without Redis the bound is the former alone.

mod cookie;
mod error;
mod live;
mod model;
mod refresh;
mod sql;

pub use cookie::CookieToken;
pub use error::SessionError;
pub(crate) use live::LiveSessions;
pub use model::{Principal, SessionKind, SessionPolicy, TokenPair};
pub use refresh::RefreshToken;
pub(crate) use sql::STATEMENTS;

use vv_audit::{Event, Kind};
use vv_base::{Actor, Ctx, Secret, SessionId, Span, TenantId, Timestamp, UserId};
use vv_shared::{Revocation, RevocationKey};
use vv_store::{Tx, args};

use crate::account::{ROLES, RoleRow};
use crate::role::permissions_of;
use crate::system::Auth;
use crate::token::TokenSubject;
use model::{LiveSession, SessionRow};

/// Job kind that deletes sessions long after they ended.
pub const PURGE_SESSIONS: &str = "session.purge";

/// Longest a node relies on what it read about a session.
const STALE_AFTER: Span = Span::seconds(5);
/// How often the time of the last use is written.
const TOUCH_EVERY: Span = Span::minutes(1);
/// How long an ended session stays visible for investigations.
const KEEP_ENDED: Span = Span::days(30);

/// Separates the cookie secret from other tokens under the same key.
const COOKIE_PURPOSE: &str = "session.cookie";

/// What a session is started for.
pub(crate) struct NewSession {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    pub(crate) kind: SessionKind,
}

/// A session that was just started, with the secrets its holder needs.
pub(crate) enum Started {
    /// For programs: a token pair.
    Token(TokenPair),
    /// For browsers: the cookie.
    Browser(CookieToken),
}

impl Auth {
    /// Inserts a new session. Ids and secrets are fresh at every sign-in, so a
    /// session id planted before is worth nothing.
    pub(crate) async fn start_session(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        new: &NewSession,
    ) -> Result<(SessionId, Started), SessionError> {
        let id: SessionId = ctx.new_id();
        let now = ctx.now();
        let policy = self.session_policy();
        let cookie = CookieToken::mint(id, ctx.rng());
        let secret_hash = (new.kind == SessionKind::Browser)
            .then(|| self.keyring().token().hash(COOKIE_PURPOSE, cookie.secret()));
        tx.exec_one(
            &sql::INSERT,
            args![
                id,
                new.tenant,
                new.user,
                new.kind.as_str(),
                secret_hash,
                now,
                now.plus(policy.idle),
                now.plus(policy.absolute)
            ],
        )
        .await?;
        let started = match new.kind {
            SessionKind::Browser => Started::Browser(cookie),
            SessionKind::Token => {
                let subject = TokenSubject {
                    user: new.user,
                    tenant: new.tenant,
                    session: id,
                    aal: 1,
                    auth_time: now,
                };
                Started::Token(self.token_pair(ctx, &subject, 0)?)
            }
        };
        Ok((id, started))
    }

    pub(crate) fn token_pair(
        &self,
        ctx: &Ctx,
        subject: &TokenSubject,
        counter: u64,
    ) -> Result<TokenPair, SessionError> {
        let access = self.tokens().issue(ctx, subject)?;
        let refresh = RefreshToken::mint(self.keyring().token(), subject.session, counter);
        Ok(TokenPair {
            access_token: Secret::new(access),
            expires_in: self.tokens().access_ttl(),
            refresh_token: refresh,
            session: subject.session,
            aal: subject.aal,
        })
    }

    /// The person behind a bearer access token.
    pub async fn authenticate_bearer(
        &self,
        ctx: &Ctx,
        token: &str,
    ) -> Result<Principal, SessionError> {
        let claims = self.tokens().verify(token, ctx.now())?;
        let live = self.live_session(ctx, claims.sid).await?;
        let fits =
            live.tenant == claims.tid && live.user == claims.sub && live.kind == SessionKind::Token;
        if !fits {
            return Err(SessionError::Expired);
        }
        let principal = live.principal(claims.sid);
        let until = principal.until.min(claims.exp);
        Ok(Principal { until, ..principal })
    }

    /// The person behind a console cookie.
    pub async fn authenticate_cookie(
        &self,
        ctx: &Ctx,
        cookie: &CookieToken,
    ) -> Result<Principal, SessionError> {
        let live = self.live_session(ctx, cookie.session()).await?;
        let stored = live.secret_hash.as_ref().ok_or(SessionError::Expired)?;
        let key = self.keyring().token();
        if key.matches(COOKIE_PURPOSE, cookie.secret(), stored) {
            Ok(live.principal(cookie.session()))
        } else {
            Err(SessionError::Expired)
        }
    }

    /// What somebody whose answer is still being sent may do by now. Asks SQL
    /// each time, and does not count as a use of the session: who only watches
    /// must not keep it alive.
    pub async fn recheck(
        &self,
        ctx: &Ctx,
        principal: &Principal,
    ) -> Result<Principal, SessionError> {
        let id = principal.session;
        let now = ctx.now();
        let tombstone = self.shared().is_revoked(&RevocationKey::session(id)).await;
        if tombstone == Revocation::Revoked || !ahead(now, principal.until) {
            return Err(SessionError::Expired);
        }
        let live = self.load_session(ctx, id).await?;
        if live.tenant != principal.tenant || live.user != principal.user {
            return Err(SessionError::Expired);
        }
        // A session that is used elsewhere lives on; a token never does.
        let until = match principal.kind {
            SessionKind::Browser => live.principal(id).until,
            SessionKind::Token => principal.until,
        };
        Ok(Principal {
            until,
            ..live.principal(id)
        })
    }

    /// Ends the session of the request. Ending an ended session is fine.
    pub async fn logout(&self, ctx: &Ctx, principal: &Principal) -> Result<(), SessionError> {
        let event = Event::new(Kind::Logout).target("session", principal.session);
        self.store()
            .tx(ctx, "session.logout", async |tx| {
                let args = args![principal.tenant, principal.session, ctx.now(), "logout"];
                if tx.exec(&sql::REVOKE, args).await? == 1 {
                    self.audit().record(ctx, tx, event).await?;
                }
                Ok::<_, SessionError>(())
            })
            .await?;
        self.announce_end(ctx, principal.session).await;
        Ok(())
    }

    /// Tells this node and the others that a session ended. SQL knows already,
    /// so a failure here only means that others learn of it later.
    pub(crate) async fn announce_end(&self, ctx: &Ctx, session: SessionId) {
        self.live().forget(session);
        let until = ctx.now().plus(self.session_policy().absolute);
        let key = RevocationKey::session(session);
        if let Err(error) = self.shared().revoke(&key, until).await {
            tracing::warn!(%error, "the end of a session reaches other nodes only through SQL");
        }
    }

    /// Deletes sessions that ended long ago.
    pub async fn purge_sessions(&self, ctx: &Ctx) -> Result<u64, SessionError> {
        let before = ctx.now().minus(KEEP_ENDED);
        let deleted = self
            .store()
            .tx(&ctx.clone().for_system(), "session.purge", async |tx| {
                tx.exec(&sql::PURGE, args![before]).await
            })
            .await?;
        Ok(deleted)
    }

    /// The session, if it may be used right now.
    async fn live_session(&self, ctx: &Ctx, id: SessionId) -> Result<LiveSession, SessionError> {
        let now = ctx.now();
        let tombstone = self.shared().is_revoked(&RevocationKey::session(id)).await;
        if tombstone == Revocation::Revoked {
            // Redis may lose the tombstone; what is remembered here must not outlive it.
            self.live().forget(id);
            return Err(SessionError::Expired);
        }
        let live = match self.live().get(id, now, STALE_AFTER) {
            Some(live) => live,
            None => self.load_session(ctx, id).await?,
        };
        if !live.usable(now) {
            self.live().forget(id);
            return Err(SessionError::Expired);
        }
        if now.since(live.last_seen_at) >= TOUCH_EVERY {
            self.touch(ctx, id, &live).await;
        }
        Ok(live)
    }

    async fn load_session(&self, ctx: &Ctx, id: SessionId) -> Result<LiveSession, SessionError> {
        // The tenant is what we are about to learn.
        let system = ctx.clone().for_system();
        let live = self
            .store()
            .read(&system, "session.load", async |tx| {
                let row: Option<SessionRow> = tx.opt(&sql::FIND, args![id]).await?;
                let row = row.ok_or(SessionError::Expired)?;
                let roles: Vec<RoleRow> = tx.all(&ROLES, args![row.tenant_id, row.user_id]).await?;
                let permissions = permissions_of(roles.iter().map(|role| role.role.as_str()));
                LiveSession::new(row, permissions, ctx.now())
            })
            .await?;
        self.live().put(id, live.clone());
        Ok(live)
    }

    /// Moves the idle limit. Not worth failing a request for.
    async fn touch(&self, ctx: &Ctx, id: SessionId, live: &LiveSession) {
        let now = ctx.now();
        let idle = now.plus(self.session_policy().idle);
        let ctx = ctx.clone().for_tenant(live.tenant);
        let touched = self
            .store()
            .tx(&ctx, "session.touch", async |tx| {
                tx.exec(&sql::TOUCH, args![live.tenant, id, now, idle])
                    .await
            })
            .await;
        match touched {
            Ok(_) => self.live().forget(id),
            Err(error) => tracing::warn!(%error, "a session's last use was not written"),
        }
    }
}

impl Principal {
    /// The context of work this person asked for: their tenant, they act.
    pub fn ctx(&self, base: &Ctx) -> Ctx {
        base.clone()
            .for_tenant(self.tenant)
            .with_actor(Actor::User {
                user: self.user,
                session: self.session,
            })
    }
}

/// Whether a moment is still ahead.
pub(crate) fn ahead(now: Timestamp, moment: Timestamp) -> bool {
    now < moment
}
