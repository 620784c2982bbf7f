//! Signing in with a password.
//!
//! Unknown, disabled and passwordless accounts get the same answer after the
//! same work as a wrong password: one hash through the same queue and one
//! audit event.

mod error;
mod throttle;

pub use error::LoginError;

use vv_audit::{Event, Kind, Outcome, SubjectSealer};
use vv_base::{Ctx, Secret, TenantId, UserId};

use crate::account::{Account, EmailAddress, mark_sign_in};
use crate::password::HashError;
use crate::session::{CookieToken, NewSession, SessionError, SessionKind, Started, TokenPair};
use crate::system::Auth;

/// Longest password looked at, in bytes: 256 code points, with room for spellings
/// that get shorter when they are normalised.
const MAX_PASSWORD_BYTES: usize = 8 * 1024;

/// What somebody typed.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The e-mail address.
    pub identifier: String,
    /// The password.
    pub password: Secret<String>,
}

/// A successful sign-in.
#[derive(Debug)]
pub struct SignedIn<T> {
    /// Who signed in.
    pub user: UserId,
    /// Into which tenant.
    pub tenant: TenantId,
    /// Authenticator assurance level reached.
    pub aal: u8,
    /// Token pair or cookie.
    pub grant: T,
}

impl Auth {
    /// Signs a program in: answers with a token pair.
    pub async fn login(
        &self,
        ctx: &Ctx,
        credentials: &Credentials,
    ) -> Result<SignedIn<TokenPair>, LoginError> {
        let (account, started) = self.attempt(ctx, credentials, SessionKind::Token).await?;
        match started {
            Started::Token(pair) => Ok(account.signed_in(pair)),
            Started::Browser(_) => Err(LoginError::Session(SessionError::Expired)),
        }
    }

    /// Signs a browser in: answers with the cookie.
    pub async fn login_browser(
        &self,
        ctx: &Ctx,
        credentials: &Credentials,
    ) -> Result<SignedIn<CookieToken>, LoginError> {
        let (account, started) = self.attempt(ctx, credentials, SessionKind::Browser).await?;
        match started {
            Started::Browser(cookie) => Ok(account.signed_in(cookie)),
            Started::Token(_) => Err(LoginError::Session(SessionError::Expired)),
        }
    }

    /// Goes on when the caller hangs up, so that every try leaves its event.
    async fn attempt(
        &self,
        ctx: &Ctx,
        credentials: &Credentials,
        kind: SessionKind,
    ) -> Result<(Account, Started), LoginError> {
        let (auth, ctx, credentials) = (self.clone(), ctx.clone(), credentials.clone());
        let work = async move { auth.sign_in(&ctx, &credentials, kind).await };
        self.finish(work)
            .await
            .unwrap_or(Err(LoginError::Hash(HashError::Failed)))
    }

    async fn sign_in(
        &self,
        ctx: &Ctx,
        credentials: &Credentials,
        kind: SessionKind,
    ) -> Result<(Account, Started), LoginError> {
        let email: Option<EmailAddress> = credentials.identifier.parse().ok();
        self.throttle(ctx, email.as_ref()).await?;
        let account = match &email {
            Some(email) => self.account_by_email(ctx, email).await?,
            None => None,
        };
        let ctx = match &account {
            Some(account) => ctx.clone().for_tenant(account.tenant),
            None => ctx.clone().for_system(),
        };
        let sealer = match &account {
            Some(account) => self.audit().sealer(&ctx, account.user).await?,
            None => self.audit().unattributed(&ctx).await?,
        };
        let fits = self.password_fits(credentials, account.as_ref()).await?;
        if let Some(account) = account.filter(|account| fits && account.usable) {
            return self.admit(&ctx, account, kind, &sealer).await;
        }
        self.refuse(&ctx, &sealer).await?;
        Err(LoginError::InvalidCredentials)
    }

    async fn password_fits(
        &self,
        credentials: &Credentials,
        account: Option<&Account>,
    ) -> Result<bool, LoginError> {
        let password = credentials.password.expose();
        if password.len() > MAX_PASSWORD_BYTES {
            // No stored password is that long; hash something of ordinary length instead.
            self.hasher().verify("", None).await?;
            return Ok(false);
        }
        let stored = account.and_then(|account| account.password_hash.as_deref());
        Ok(self.hasher().verify(password, stored).await?)
    }

    async fn admit(
        &self,
        ctx: &Ctx,
        account: Account,
        kind: SessionKind,
        sealer: &SubjectSealer,
    ) -> Result<(Account, Started), LoginError> {
        let new = NewSession {
            user: account.user,
            tenant: account.tenant,
            kind,
        };
        let started = self
            .store()
            .tx(ctx, "login.admit", async |tx| {
                let (session, started) = self.start_session(ctx, tx, &new).await?;
                mark_sign_in(tx, account.user, ctx.now()).await?;
                let event = Event::new(Kind::LoginSucceeded)
                    .by_user(account.user)
                    .target("session", session)
                    .detail("method", "password")
                    .source(sealer, &ctx.source);
                self.audit().record(ctx, tx, event).await?;
                Ok::<_, LoginError>(started)
            })
            .await?;
        metrics::counter!("valueverse_logins_total", "outcome" => "success").increment(1);
        Ok((account, started))
    }

    async fn refuse(&self, ctx: &Ctx, sealer: &SubjectSealer) -> Result<(), LoginError> {
        let event = Event::new(Kind::LoginFailed)
            .outcome(Outcome::Failure)
            .target("subject", sealer.subject())
            .detail("method", "password")
            .source(sealer, &ctx.source);
        self.record(ctx, event).await?;
        metrics::counter!("valueverse_logins_total", "outcome" => "failure").increment(1);
        Ok(())
    }
}

impl Account {
    fn signed_in<T>(&self, grant: T) -> SignedIn<T> {
        SignedIn {
            user: self.user,
            tenant: self.tenant,
            aal: 1,
            grant,
        }
    }
}
