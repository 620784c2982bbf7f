//! Letting the first administrator in: by a one-time link or on the command
//! line. Both end in one transaction, so a crash leaves either nothing or a
//! finished set-up.

mod error;
mod sql;

pub use error::SetupError;
pub(crate) use sql::STATEMENTS;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vv_audit::{Event, Kind, SubjectSealer};
use vv_base::{Ctx, Secret, Span, TenantId, UserId};
use vv_store::{Tx, args};

use crate::account::{EmailAddress, NewPerson};
use crate::password::PasswordContext;
use crate::role::SystemRole;
use crate::system::Auth;

/// Job kind that deletes expired set-up links.
pub const PURGE_SETUP_LINKS: &str = "setup.purge_links";

/// How long a set-up link works.
const LINK_LIFE: Span = Span::hours(1);
/// Separates set-up tokens from other tokens under the same key.
const PURPOSE: &str = "setup.link";
/// Longest tenant or display name, in code points.
const MAX_NAME: usize = 100;

/// The first tenant and its administrator, as typed.
#[derive(Debug)]
pub struct FirstAdmin {
    /// The tenant's name.
    pub tenant: String,
    /// The administrator's e-mail address.
    pub email: String,
    /// The administrator's display name.
    pub name: String,
    /// The password.
    pub password: Secret<String>,
}

/// The same, checked.
struct Checked {
    tenant: String,
    email: EmailAddress,
    name: String,
    password_hash: String,
    user: UserId,
    sealer: SubjectSealer,
}

impl Auth {
    /// Whether nobody can sign in yet.
    pub async fn needs_setup(&self, ctx: &Ctx) -> Result<bool, SetupError> {
        let system = ctx.clone().for_system();
        let any = self
            .store()
            .read(&system, "setup.needed", async |tx| self.any_user(tx).await)
            .await?;
        Ok(!any)
    }

    /// Makes the one-time token of a set-up link, good for an hour. Only its
    /// keyed hash is stored.
    pub async fn issue_setup_token(&self, ctx: &Ctx) -> Result<Secret<String>, SetupError> {
        let ctx = ctx.clone().for_system();
        let token = URL_SAFE_NO_PAD.encode(ctx.random::<32>());
        let hash = self.keyring().token().hash(PURPOSE, token.as_bytes());
        let now = ctx.now();
        self.store()
            .tx(&ctx, "setup.issue", async |tx| {
                tx.exec(&sql::PURGE, args![now]).await?;
                tx.exec_one(&sql::INSERT, args![hash, now, now.plus(LINK_LIFE)])
                    .await?;
                let event = Event::new(Kind::SetupLinkIssued);
                self.audit().record(&ctx, tx, event).await?;
                Ok::<_, SetupError>(())
            })
            .await?;
        Ok(Secret::new(token))
    }

    /// Whether a set-up token still works.
    pub async fn check_setup_token(&self, ctx: &Ctx, token: &str) -> Result<bool, SetupError> {
        let ctx = ctx.clone().for_system();
        let hash = self.keyring().token().hash(PURPOSE, token.as_bytes());
        let found: Option<sql::LinkRow> = self
            .store()
            .read(&ctx, "setup.check", async |tx| {
                tx.opt(&sql::FIND, args![hash, ctx.now()]).await
            })
            .await?;
        Ok(found.is_some())
    }

    /// Uses up the token and creates tenant and administrator.
    pub async fn complete_setup(
        &self,
        ctx: &Ctx,
        token: &str,
        admin: &FirstAdmin,
    ) -> Result<UserId, SetupError> {
        let ctx = ctx.clone().for_system();
        if !self.check_setup_token(&ctx, token).await? {
            return Err(SetupError::LinkGone);
        }
        let hash = self.keyring().token().hash(PURPOSE, token.as_bytes());
        let checked = self.check_admin(&ctx, admin).await?;
        self.store()
            .tx(&ctx, "setup.complete", async |tx| {
                if tx.exec(&sql::CONSUME, args![hash, ctx.now()]).await? != 1
                    || self.any_user(tx).await?
                {
                    return Err(SetupError::LinkGone);
                }
                let tenant = self.create_tenant(&ctx, tx, &checked.tenant).await?;
                self.create_admin(&ctx, tx, tenant, &checked).await?;
                tx.exec(&sql::DELETE_ALL, args![]).await?;
                let done = Event::new(Kind::SetupCompleted).target("tenant", tenant);
                self.audit().record(&ctx, tx, done).await?;
                Ok(())
            })
            .await?;
        Ok(checked.user)
    }

    /// Creates an administrator from the command line. The tenant is created
    /// if there is none of that name.
    pub async fn add_admin(&self, ctx: &Ctx, admin: &FirstAdmin) -> Result<UserId, SetupError> {
        let ctx = ctx.clone().for_system();
        let checked = self.check_admin(&ctx, admin).await?;
        self.store()
            .tx(&ctx, "setup.add_admin", async |tx| {
                let tenant = match self.tenant_by_name(tx, &checked.tenant).await? {
                    Some(tenant) => tenant,
                    None => self.create_tenant(&ctx, tx, &checked.tenant).await?,
                };
                self.create_admin(&ctx, tx, tenant, &checked).await?;
                // Links printed before are of no use any more.
                tx.exec(&sql::DELETE_ALL, args![]).await?;
                Ok::<_, SetupError>(())
            })
            .await?;
        Ok(checked.user)
    }

    /// Deletes expired links.
    pub async fn purge_setup_links(&self, ctx: &Ctx) -> Result<u64, SetupError> {
        let ctx = ctx.clone().for_system();
        let deleted = self
            .store()
            .tx(&ctx, "setup.purge", async |tx| {
                tx.exec(&sql::PURGE, args![ctx.now()]).await
            })
            .await?;
        Ok(deleted)
    }

    async fn check_admin(&self, ctx: &Ctx, admin: &FirstAdmin) -> Result<Checked, SetupError> {
        let tenant = name(&admin.tenant).ok_or(SetupError::TenantName)?;
        let person = name(&admin.name).ok_or(SetupError::PersonName)?;
        let email: EmailAddress = admin.email.parse().map_err(|_| SetupError::Email)?;
        let context = PasswordContext {
            username: Some(&person),
            email: Some(email.as_str()),
            tenant: Some(&tenant),
        };
        let judged = self
            .assess_password(admin.password.expose(), &context)
            .await?;
        if !judged.valid {
            return Err(SetupError::Password(judged.errors));
        }
        let password_hash = self
            .hasher()
            .hash(admin.password.expose(), ctx.rng())
            .await?;
        let user: UserId = ctx.new_id();
        let sealer = self.audit().sealer(ctx, user).await?;
        Ok(Checked {
            tenant,
            email,
            name: person,
            password_hash,
            user,
            sealer,
        })
    }

    async fn create_admin(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        tenant: TenantId,
        checked: &Checked,
    ) -> Result<(), SetupError> {
        let person = NewPerson {
            user: checked.user,
            tenant,
            email: &checked.email,
            name: &checked.name,
            password_hash: &checked.password_hash,
            role: SystemRole::BillingAdmin,
            sealer: &checked.sealer,
        };
        self.create_user(ctx, tx, &person).await?;
        Ok(())
    }
}

/// A name without surrounding space, of 1 to 100 printable characters.
fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let length = text.chars().count();
    let fits = (1..=MAX_NAME).contains(&length) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
