//! Who signs in, and how they come to exist.

use vv_base::{TenantId, UserId};
use vv_store::{Family, Sql, Store, Target, args};
use vv_testkit::stores::system_ctx;

use super::launch::{Launch, Server};
use super::site::Site;

/// A person of an organisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    pub(crate) tenant: &'static str,
    pub(crate) email: &'static str,
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
}

pub(crate) const ADA: Person = Person {
    tenant: "Acme",
    email: "ada@acme.example",
    name: "Ada Reed",
    password: "orchid-lantern-tumble-94",
};

/// Somebody of another organisation.
pub(crate) const OTTO: Person = Person {
    tenant: "Borealis",
    email: "otto@borealis.example",
    name: "Otto Lind",
    password: "quartz-meadow-vessel-38",
};

impl Person {
    pub(crate) const fn with_email(self, email: &'static str) -> Self {
        Self { email, ..self }
    }

    /// Creates the account as an administrator, as an operator on the machine would.
    pub(crate) fn create(&self, launch: &Launch) {
        create(launch, self.tenant, self.email, self.password);
    }

    /// The fields of the set-up form.
    pub(crate) fn setup_form<'a>(&'a self, token: &'a str) -> [(&'a str, &'a str); 5] {
        [
            ("token", token),
            ("tenant", self.tenant),
            ("email", self.email),
            ("display_name", self.name),
            ("password", self.password),
        ]
    }

    /// Creates the account by the printed link, as the first user does.
    pub(crate) async fn set_up(&self, server: &Server) {
        let mut site = Site::new(&server.url);
        let page = site.open(server.setup_path()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let answer = site
            .submit("/setup", &self.setup_form(setup_token(server)))
            .await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert_eq!(answer.header("location"), "/login?notice=setup-done");
    }
}

pub(crate) fn setup_token(server: &Server) -> &str {
    server.setup_path().split_once("token=").unwrap().1
}

/// Creates an administrator on the command line.
pub(crate) fn create(launch: &Launch, tenant: &str, email: &str, password: &str) {
    let verb = [
        "admin",
        "create",
        "--email",
        email,
        "--tenant",
        tenant,
        "--password-stdin",
    ];
    let done = launch.run_with_input(&verb, password);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}

static SET_ROLE: Sql = Sql::same(
    "e2e.set_role",
    "update memberships set role = $3 where tenant_id = $1 and user_id = $2",
);

/// Gives somebody another role, beside the running server: no interface does it yet.
pub(crate) async fn set_role(launch: &Launch, tenant: &str, user: &str, role: &str) {
    let target = Target::Lite {
        path: launch.data().join("valueverse.db"),
    };
    let store = Store::open(&target, Family::Main).await.unwrap();
    let tenant: TenantId = tenant.parse().unwrap();
    let user: UserId = user.parse().unwrap();
    let ctx = system_ctx();
    store
        .tx(&ctx, "e2e.set_role", async |tx| {
            tx.exec_one(&SET_ROLE, args![tenant, user, role]).await
        })
        .await
        .unwrap();
    store.close().await;
}
