//! Roles and schemas that must exist before the first migration.

use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use crate::StoreError;

/// Roles belong to the whole cluster, so two databases may set up at once.
const ATTEMPTS: u32 = 20;

const ROLES: &str = r"
do $$
declare
  wanted text;
begin
  foreach wanted in array array[
    'valueverse_owner', 'valueverse_app',
    'billing_admin', 'billing_operator', 'billing_readonly', 'billing_api'
  ] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception when duplicate_object or unique_violation then
        null; -- another database of the cluster was faster
      end;
    end if;
  end loop;
  foreach wanted in array array['valueverse_owner', 'valueverse_app'] loop
    if not pg_has_role(session_user, wanted, 'member') then
      execute format('grant %I to %I', wanted, session_user);
    end if;
  end loop;
end $$";

const SCHEMAS: &str = r"
do $$
declare
  wanted text;
begin
  foreach wanted in array array['auth', 'audit', 'keys', 'cde', 'gdpr'] loop
    if to_regnamespace(wanted) is null then
      execute format('create schema %I authorization valueverse_owner', wanted);
    end if;
  end loop;
end $$";

/// As the owner, for a login role that does not inherit.
const USAGE: &str = "\
    set role valueverse_owner; \
    grant usage on schema auth, audit, keys, cde, gdpr to valueverse_app";

const CHECK: &str = "\
    select coalesce(bool_or(rolsuper or rolbypassrls), false) \
    from pg_roles where rolname in ('valueverse_app', 'valueverse_owner')";

/// Creates what is missing; does nothing on the second run. Leaves the
/// connection in the role `valueverse_owner`.
pub(crate) async fn run(conn: &mut PgConnection) -> Result<(), StoreError> {
    let mut attempt = 0;
    loop {
        match once(conn).await {
            Err(Failure::Collision) if attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            }
            Err(Failure::Privilege) => return Err(privilege(conn).await?),
            Err(Failure::Collision) => return Err(StoreError::Overloaded),
            Err(Failure::Other(error)) => return Err(error),
            Ok(()) => break,
        }
    }
    let bypass: bool = sqlx::query(CHECK).fetch_one(&mut *conn).await?.try_get(0)?;
    if bypass {
        return Err(StoreError::Privilege {
            commands: "alter role valueverse_app nosuperuser nobypassrls;\n\
                       alter role valueverse_owner nosuperuser nobypassrls;"
                .to_owned(),
        });
    }
    Ok(())
}

enum Failure {
    Collision,
    Privilege,
    Other(StoreError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(|e| e.code().map(std::borrow::Cow::into_owned));
        match code.as_deref() {
            // XX000 is "tuple concurrently updated" on the shared role tables.
            Some("XX000" | "23505" | "42710" | "40001" | "40P01") => Self::Collision,
            Some("42501") => Self::Privilege,
            _ => Self::Other(error.into()),
        }
    }
}

async fn once(conn: &mut PgConnection) -> Result<(), Failure> {
    // A second attempt may start in the owner's role.
    sqlx::raw_sql("reset role").execute(&mut *conn).await?;
    sqlx::raw_sql(ROLES).execute(&mut *conn).await?;
    sqlx::raw_sql(SCHEMAS).execute(&mut *conn).await?;
    sqlx::raw_sql(USAGE).execute(&mut *conn).await?;
    Ok(())
}

/// What an administrator must run so that this login role can go on.
async fn privilege(conn: &mut PgConnection) -> Result<StoreError, StoreError> {
    let row = sqlx::query(
        "select quote_ident(session_user), quote_ident(current_database()), \
         (select coalesce(string_agg(format('create role %I nologin;', r), E'\\n'), '') \
          from unnest(array['valueverse_owner', 'valueverse_app', 'billing_admin', \
          'billing_operator', 'billing_readonly', 'billing_api']) r \
          where r not in (select rolname from pg_roles))",
    )
    .fetch_one(conn)
    .await?;
    let (user, database): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let roles: String = row.try_get(2)?;
    let commands = format!(
        "{roles}\ngrant valueverse_owner, valueverse_app to {user};\n\
         grant create on database {database} to {user};"
    );
    Ok(StoreError::Privilege {
        commands: commands.trim_start().to_owned(),
    })
}
