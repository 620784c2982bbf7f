//! Values are sealed for their place under their installation's keys.

use valueverse::{BuildError, SecuritySystem, Shared};
use vv_audit::{AuditError, Event, Kind};
use vv_auth::{AccountError, KeysError};
use vv_base::{PageRequest, UserId};
use vv_store::{Sql, args};

use crate::harness::{Person, World, on_both, settings};

async fn look(world: &World, person: &Person) -> Result<String, AccountError> {
    let ctx = world.chain_ctx(person.tenant);
    let found = world
        .auth()
        .view_user(&ctx, person.tenant, person.user)
        .await?;
    Ok(found.email)
}

async fn sealed(world: &World, column: &str, user: UserId) -> String {
    let text = format!("select {column} from users where user_id = $1");
    let statement = crate::raw::sql(text.clone(), text);
    let bytes: Vec<u8> = world.value(statement, args![user]).await;
    world.bytes(&bytes)
}

#[tokio::test]
async fn sealed_columns_do_not_open_anywhere_else() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let bob = world
            .admin_of("Analytical Engines", "bob@engines.example")
            .await;
        assert_eq!(look(&world, &ada).await.unwrap(), ada.email);
        let own = sealed(&world, "email_sealed", ada.user).await;
        let cases = [
            (
                "another person's",
                sealed(&world, "email_sealed", bob.user).await,
            ),
            (
                "another column's",
                sealed(&world, "name_sealed", ada.user).await,
            ),
            ("empty", world.bytes(b"")),
            ("garbage", world.bytes(&[1; 64])),
        ];
        for (name, value) in cases {
            let me = world.id(ada.user);
            let put = |value: &str| {
                format!("update users set email_sealed = {value} where user_id = {me}")
            };
            world.tamper(&put(&value)).await;
            let refused = look(&world, &ada).await;
            assert!(matches!(refused, Err(AccountError::Sealed)), "{name}");
            let page = PageRequest::new(None, None);
            let ctx = world.chain_ctx(ada.tenant);
            let list = world.auth().list_users(&ctx, ada.tenant, None, &page).await;
            assert!(matches!(list, Err(AccountError::Sealed)), "{name}");
            world.tamper(&put(&own)).await;
            assert_eq!(look(&world, &ada).await.unwrap(), ada.email);
        }
        assert_eq!(look(&world, &bob).await.unwrap(), bob.email);
    })
    .await;
}

#[tokio::test]
async fn another_root_key_is_refused_before_anything_is_written() {
    on_both(async |world| {
        world.first_admin().await;
        let events = world.rows_of("audit_events").await;
        let other = world.other_root();
        let refused = world.build(&other, Shared::memory(world.clock())).await;
        let Err(BuildError::RootKeyMismatch {
            database,
            configured,
        }) = refused
        else {
            panic!("built with the wrong key");
        };
        assert_eq!(database, world.root.check_value());
        assert_eq!(configured, other.check_value());
        assert_eq!(world.rows_of("audit_events").await, events);
        assert_eq!(world.rows_of("signing_keys").await, 1);

        // Somebody who makes the check pass gains nothing.
        let check = world.bytes(other.check_value().as_bytes());
        world
            .tamper(&format!(
                "update meta set value = {check} where key = 'root_key_check'; \
                 delete from meta where key = 'keyring_check'"
            ))
            .await;
        let refused = world.build(&other, Shared::memory(world.clock())).await;
        assert!(matches!(refused, Err(BuildError::Keys(KeysError::Sealed))));
        assert_eq!(world.rows_of("signing_keys").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_chain_made_under_another_root_key_takes_no_events() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let other = world.other_root();
        let check = world.bytes(other.check_value().as_bytes());
        let script = format!(
            "update meta set value = {check} where key = 'root_key_check'; \
             delete from meta where key = 'keyring_check'; delete from signing_keys;"
        );
        world.tamper(&script).await;
        // The event about the new signing key waits: the chain is not ours.
        let events = world.rows_of("audit_events").await;
        let node = world
            .build(&other, Shared::memory(world.clock()))
            .await
            .unwrap();
        let ctx = world.chain_ctx(ada.tenant);
        let refused = node
            .auth()
            .audit()
            .append(&ctx, Event::new(Kind::UsersListed))
            .await;
        assert!(matches!(refused, Err(AuditError::HeadTampered)));
        // To the right key the other one's rows are forged, which is all it writes.
        let forged = world
            .count(vv_audit::SYSTEM_CHAIN, "audit.intake_forged")
            .await;
        let found = world.rows_of("audit_events").await;
        assert_eq!(found, events + i64::try_from(forged).unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_agree_on_one_signing_key() {
    static KEYS: Sql = Sql::same("test.keys", "select kid from signing_keys");
    on_both(async |world| {
        let ada = world.first_admin().await;
        world.tamper("delete from signing_keys").await;
        let build = || Box::pin(world.build(&world.root, world.shared.clone()));
        let (a, b, c, d) = tokio::join!(build(), build(), build(), build());
        let nodes = [a, b, c, d].map(Result::unwrap);
        let kid: String = world.value(&KEYS, args![]).await;
        for node in &nodes {
            assert_eq!(
                node.auth().jwks()["keys"][0]["kid"],
                kid,
                "{:?}",
                world.engine
            );
        }
        let typed = crate::harness::credentials(&ada.email, crate::harness::PASSWORD);
        let grant = nodes[0]
            .auth()
            .login(&world.visitor(), &typed)
            .await
            .unwrap()
            .grant;
        for node in &nodes {
            let token = grant.access_token.expose();
            let found = node
                .auth()
                .authenticate_bearer(&world.visitor(), token)
                .await;
            assert_eq!(found.unwrap().user, ada.user);
        }
    })
    .await;
}

#[tokio::test]
async fn an_empty_store_of_subject_keys_beside_people_is_refused() {
    on_both(async |world| {
        world.node(Shared::memory(world.clock())).await;
        world.first_admin().await;
        world.tamper_keys("delete from subject_keys").await;
        let refused = world
            .build(&world.root, Shared::memory(world.clock()))
            .await;
        assert!(matches!(refused, Err(BuildError::SubjectKeysMissing)));
    })
    .await;
}

#[tokio::test]
async fn another_environment_is_named_as_the_cause() {
    on_both(async |world| {
        let refused = SecuritySystem::builder(
            world.store.clone(),
            world.keys.clone(),
            Shared::memory(world.clock()),
        )
        .environment("production")
        .build(&world.root, settings())
        .await;
        assert!(matches!(refused, Err(BuildError::EnvironmentMismatch)));
    })
    .await;
}
