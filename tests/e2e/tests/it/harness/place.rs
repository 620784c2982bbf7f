//! Where a server under test keeps its data.

use tempfile::TempDir;
use vv_store::Target;
use vv_store::testing::ScratchDatabase;
use vv_testkit::stores::{REQUIRE, pg_server, setting, system_ctx};

use super::launch::Launch;

/// A folder, and perhaps a database of its own.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    database: Option<ScratchDatabase>,
    env: Vec<(&'static str, String)>,
}

impl Place {
    /// The embedded databases in an empty folder.
    pub(crate) fn lite() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: None,
            env: Vec::new(),
        }
    }

    /// An empty database on the private `PostgreSQL` instance, if there is one.
    pub(crate) async fn postgres() -> Option<Self> {
        let server = pg_server()?;
        let database = ScratchDatabase::empty(&server, &system_ctx())
            .await
            .unwrap();
        let Target::Pg { url, .. } = database.target(4).unwrap() else {
            panic!("a scratch database is on PostgreSQL");
        };
        let env = vec![
            ("DATABASE_URL", url.expose().clone()),
            ("VALUEVERSE__STORAGE__MAX_CONNECTIONS", "4".to_owned()),
        ];
        Some(Self {
            folder: tempfile::tempdir().unwrap(),
            database: Some(database),
            env,
        })
    }

    /// The same with the private Redis; `number` is the logical database, one for each test.
    pub(crate) async fn postgres_and_redis(number: u8) -> Option<Self> {
        let redis = redis_url(number)?;
        let mut place = Self::postgres().await?;
        place.env.push(("REDIS_URL", redis));
        Some(place)
    }

    /// How the program is started here.
    pub(crate) fn launch(&self) -> Launch {
        self.launch_in("data")
    }

    /// The same with a data folder of another name, for a second node.
    pub(crate) fn launch_in(&self, name: &str) -> Launch {
        let launch = Launch::new(&self.folder.path().join(name));
        self.env
            .iter()
            .fold(launch, |launch, (name, value)| launch.env(name, value))
    }

    /// Drops the database; the folder goes by itself.
    pub(crate) async fn clear(self) {
        if let Some(database) = self.database {
            database.destroy().await.unwrap();
        }
    }
}

/// The private Redis, or `None` with a note.
fn redis_url(number: u8) -> Option<String> {
    let name = "VALUEVERSE_TEST_REDIS_URL";
    let Some(url) = required_setting(name) else {
        eprintln!("skipped: {name} is not set");
        return None;
    };
    let server = url.trim_end_matches(|c: char| c.is_ascii_digit());
    let server = if url.matches('/').count() > 2 {
        server
    } else {
        &url
    };
    Some(format!("{}/{number}", server.trim_end_matches('/')))
}

/// A setting of the test run that may be missing unless services are required.
pub(crate) fn required_setting(name: &str) -> Option<String> {
    let value = setting(name);
    let required = setting(REQUIRE).as_deref() == Some("1");
    assert!(
        value.is_some() || !required,
        "{REQUIRE}=1 but {name} is not set"
    );
    value
}
