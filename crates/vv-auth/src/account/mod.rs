//! People's accounts and the tenants they belong to.

mod email;
mod error;
mod model;
mod sql;

pub use email::EmailAddress;
pub use error::AccountError;
pub(crate) use model::{Account, LoginRow, RoleRow};
pub use model::{NewPerson, UserSummary};
pub(crate) use sql::STATEMENTS;
pub(crate) use sql::{FIND_FOR_LOGIN, MARK_SIGN_IN, ROLES};

use vv_audit::{Event, Kind, Outcome};
use vv_base::{Ctx, Page, PageRequest, Secret, TenantId, Timestamp, UserId};
use vv_crypto::Place;
use vv_store::{Tx, args};

use crate::role::SystemRole;
use crate::system::Auth;
use model::{UserRow, UserTotals};

impl Auth {
    /// A page of the tenant's people in order of creation. The look itself is
    /// recorded, because it shows personal data.
    pub async fn list_users(
        &self,
        ctx: &Ctx,
        tenant: TenantId,
        email: Option<&EmailAddress>,
        page: &PageRequest,
    ) -> Result<Page<UserSummary>, AccountError> {
        let after = match &page.after {
            Some(cursor) => UserId::from_bytes(cursor.key_array()?),
            None => UserId::nil(),
        };
        let index = email.map(|email| self.email_index(email));
        let rows: Vec<UserRow> = self
            .store()
            .read(ctx, "account.list", async |tx| match index {
                Some(index) => tx.all(&sql::FIND_BY_EMAIL, args![tenant, index]).await,
                None => {
                    tx.all(&sql::LIST, args![tenant, after, page.probe_limit()])
                        .await
                }
            })
            .await?;
        let page = Page::from_probe(rows, page, |row| row.user_id.as_bytes().to_vec());
        let shown = i64::try_from(page.items.len()).unwrap_or(i64::MAX);
        let event = Event::new(Kind::UsersListed).detail("shown", shown);
        self.record(ctx, event).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for row in page.items {
            items.push(self.open_user(row)?);
        }
        Ok(Page {
            items,
            next_cursor: page.next_cursor,
        })
    }

    /// One person of the tenant. Somebody who is not in the tenant is not
    /// found, whether they exist or not.
    pub async fn view_user(
        &self,
        ctx: &Ctx,
        tenant: TenantId,
        user: UserId,
    ) -> Result<UserSummary, AccountError> {
        let found = self.find_user(ctx, tenant, user).await;
        let outcome = match &found {
            Ok(_) => Outcome::Success,
            // Somebody who tries ids out should be seen.
            Err(AccountError::NotFound) => Outcome::Denied,
            Err(_) => return found,
        };
        let event = Event::new(Kind::UserViewed)
            .outcome(outcome)
            .target("user", user);
        self.record(ctx, event).await?;
        found
    }

    /// The signed-in person's own account.
    pub async fn own_account(
        &self,
        ctx: &Ctx,
        tenant: TenantId,
        user: UserId,
    ) -> Result<UserSummary, AccountError> {
        self.find_user(ctx, tenant, user).await
    }

    async fn find_user(
        &self,
        ctx: &Ctx,
        tenant: TenantId,
        user: UserId,
    ) -> Result<UserSummary, AccountError> {
        let row: Option<UserRow> = self
            .store()
            .read(ctx, "account.find", async |tx| {
                tx.opt(&sql::FIND, args![tenant, user]).await
            })
            .await?;
        self.open_user(row.ok_or(AccountError::NotFound)?)
    }

    /// E-mail addresses and names by id, for lists that show who did something.
    /// People who are not in the tenant are left out.
    pub async fn user_names(
        &self,
        ctx: &Ctx,
        tenant: TenantId,
        users: &[UserId],
    ) -> Result<Vec<(UserId, String)>, AccountError> {
        let rows: Vec<UserRow> = self
            .store()
            .read(ctx, "account.names", async |tx| {
                let mut rows = Vec::with_capacity(users.len());
                for user in users {
                    rows.extend(tx.opt(&sql::FIND, args![tenant, *user]).await?);
                }
                Ok::<_, AccountError>(rows)
            })
            .await?;
        rows.into_iter()
            .map(|row| {
                let user = self.open_user(row)?;
                Ok((user.user_id, user.name))
            })
            .collect()
    }

    /// How many people the tenant has, and how many of them are active.
    pub async fn count_users(
        &self,
        ctx: &Ctx,
        tenant: TenantId,
    ) -> Result<(i64, i64), AccountError> {
        let totals: UserTotals = self
            .store()
            .read(ctx, "account.count", async |tx| {
                tx.one(&sql::COUNT, args![tenant]).await
            })
            .await?;
        Ok((totals.total, totals.active))
    }

    /// The tenant's name.
    pub async fn tenant_name(&self, ctx: &Ctx, tenant: TenantId) -> Result<String, AccountError> {
        let found: Option<model::TenantRow> = self
            .store()
            .read(ctx, "tenant.find", async |tx| {
                tx.opt(&sql::FIND_TENANT, args![tenant]).await
            })
            .await?;
        found.map(|row| row.name).ok_or(AccountError::NotFound)
    }

    /// Creates a tenant and records it in the tenant's own chain.
    pub(crate) async fn create_tenant(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        name: &str,
    ) -> Result<TenantId, AccountError> {
        let tenant = ctx.new_id();
        tx.exec_one(&sql::INSERT_TENANT, args![tenant, name, ctx.now()])
            .await?;
        let event = Event::new(Kind::TenantCreated).target("tenant", tenant);
        self.audit()
            .record(&ctx.clone().for_tenant(tenant), tx, event)
            .await?;
        Ok(tenant)
    }

    /// The tenant of a name, for the command line.
    pub(crate) async fn tenant_by_name(
        &self,
        tx: &mut Tx,
        name: &str,
    ) -> Result<Option<TenantId>, AccountError> {
        let found: Option<model::TenantRow> = tx.opt(&sql::TENANT_BY_NAME, args![name]).await?;
        Ok(found.map(|row| row.tenant_id))
    }

    /// Creates an account with one role in one tenant. The caller made sure
    /// that the person's subject key exists.
    pub(crate) async fn create_user(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        person: &NewPerson<'_>,
    ) -> Result<(), AccountError> {
        let NewPerson { user, tenant, .. } = *person;
        let now = ctx.now();
        tx.exec_one(
            &sql::INSERT_USER,
            args![
                user,
                tenant,
                self.email_index(person.email),
                self.seal_field(ctx, user, "email_sealed", person.email.as_str())?,
                self.seal_field(ctx, user, "name_sealed", person.name)?,
                person.password_hash,
                now
            ],
        )
        .await
        .map_err(AccountError::from_insert)?;
        tx.exec_one(
            &sql::INSERT_MEMBERSHIP,
            args![tenant, user, person.role.as_str(), now],
        )
        .await?;
        let ctx = ctx.clone().for_tenant(tenant);
        let created = Event::new(Kind::UserCreated).target("user", user).personal(
            person.sealer,
            "email",
            person.email.as_str().to_owned(),
        );
        self.audit().record(&ctx, tx, created).await?;
        self.record_grant(&ctx, tx, user, person.role).await
    }

    async fn record_grant(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        user: UserId,
        role: SystemRole,
    ) -> Result<(), AccountError> {
        let granted = Event::new(Kind::RoleGranted)
            .target("user", user)
            .detail("role", role.as_str());
        self.audit().record(ctx, tx, granted).await?;
        Ok(())
    }

    /// Whether there is any account at all.
    pub(crate) async fn any_user(&self, tx: &mut Tx) -> Result<bool, AccountError> {
        let found: Option<model::UserIdRow> = tx.opt(&sql::ANY_USER, args![]).await?;
        Ok(found.is_some())
    }

    /// The account behind an e-mail address, wherever it is at home.
    pub(crate) async fn account_by_email(
        &self,
        ctx: &Ctx,
        email: &EmailAddress,
    ) -> Result<Option<Account>, AccountError> {
        let index = self.email_index(email);
        let row: Option<LoginRow> = self
            .store()
            .read(
                &ctx.clone().for_system(),
                "account.find_for_login",
                async |tx| tx.opt(&FIND_FOR_LOGIN, args![index]).await,
            )
            .await?;
        Ok(row.map(Account::from))
    }

    /// The blind index under which an address is found.
    pub(crate) fn email_index(&self, email: &EmailAddress) -> [u8; 32] {
        self.keyring()
            .fingerprint()
            .index("users.email", email.as_str())
    }

    fn seal_field(
        &self,
        ctx: &Ctx,
        user: UserId,
        column: &'static str,
        text: &str,
    ) -> Result<Vec<u8>, AccountError> {
        let place = place(&user, column);
        self.keyring()
            .data()
            .seal(&place, text.as_bytes(), ctx.rng())
            .map(vv_crypto::Sealed::into_bytes)
            .map_err(|_| AccountError::Sealed)
    }

    fn open_field(
        &self,
        user: UserId,
        column: &'static str,
        sealed: &[u8],
    ) -> Result<String, AccountError> {
        let clear: Secret<Vec<u8>> = self
            .keyring()
            .data()
            .open(&place(&user, column), sealed)
            .map_err(|_| AccountError::Sealed)?;
        String::from_utf8(clear.expose().clone()).map_err(|_| AccountError::Sealed)
    }

    fn open_user(&self, row: UserRow) -> Result<UserSummary, AccountError> {
        let mut roles: Vec<String> = row.roles.split(',').map(str::to_owned).collect();
        roles.sort_unstable();
        Ok(UserSummary {
            user_id: row.user_id,
            email: self.open_field(row.user_id, "email_sealed", &row.email_sealed)?,
            name: self.open_field(row.user_id, "name_sealed", &row.name_sealed)?,
            roles,
            status: row.status,
            created_at: row.created_at,
            last_sign_in_at: row.last_sign_in_at,
        })
    }
}

/// Where a person's sealed columns stand. People belong to no single tenant.
fn place<'a>(user: &'a UserId, column: &'static str) -> Place<'a> {
    Place {
        tenant: None,
        table: "users",
        row: user.as_bytes(),
        column,
    }
}

/// Whether an account may be used.
pub(crate) fn usable(status: &str) -> bool {
    status == "active"
}

/// When an account was last used to sign in.
pub(crate) async fn mark_sign_in(
    tx: &mut Tx,
    user: UserId,
    now: Timestamp,
) -> Result<(), vv_store::StoreError> {
    tx.exec_one(&MARK_SIGN_IN, args![user, now]).await
}
