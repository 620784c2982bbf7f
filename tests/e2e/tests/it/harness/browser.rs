//! A real Chromium, driven through chromedriver.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use vv_testkit::stores::setting;

use super::eventually;
use super::place::required_setting;

/// Browsers are slow to start where the tests share few cores.
const PATIENCE: Duration = Duration::from_mins(1);
const TAB: &str = "\u{e004}";
/// More stops than any page has.
const MOST_TABS: usize = 60;

/// What the browser should be like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) javascript: bool,
}

/// One browser with a profile of its own. Ends with this value.
pub(crate) struct Browser {
    client: Client,
    driver: Driver,
    session: String,
    base: String,
}

struct Driver {
    child: Child,
    folder: TempDir,
}

impl Driver {
    fn profile(&self) -> PathBuf {
        self.folder.path().join("profile")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver leaves its browser behind when it is killed; the lock of
        // the profile is a link that ends in the browser's process id.
        let lock = fs::read_link(self.profile().join("SingletonLock"));
        let pid = lock.ok().and_then(|target| {
            let text = target.to_str()?;
            Pid::from_raw(text.rsplit('-').next()?.parse().ok()?)
        });
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path from the settings of the run, or from `PATH`.
fn program(name: &str, variable: &str) -> Option<PathBuf> {
    if let Some(path) = setting(variable) {
        return Some(path.into());
    }
    let folders = setting("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        required_setting(variable);
        eprintln!("skipped: there is no {name} on this machine");
    }
    found
}

fn start_driver() -> Option<(Driver, PathBuf)> {
    let driver = program("chromedriver", "VALUEVERSE_TEST_CHROMEDRIVER")?;
    let chromium = program("chromium", "VALUEVERSE_TEST_CHROMIUM")?;
    let folder = tempfile::tempdir().unwrap();
    let log = File::create(folder.path().join("log")).unwrap();
    let child = Command::new(driver)
        .arg("--port=0")
        .stdin(Stdio::null())
        .stderr(log.try_clone().unwrap())
        .stdout(log)
        .spawn()
        .unwrap();
    Some((Driver { child, folder }, chromium))
}

/// `ChromeDriver was started successfully on port 40123.`
fn port_in(log: &Path) -> Option<u16> {
    let text = fs::read_to_string(log).ok()?;
    let (_, rest) = text.split_once("started successfully on port ")?;
    rest.split_once('.')?.0.parse().ok()
}

fn capabilities(chromium: &Path, profile: &Path, wanted: Wanted) -> Value {
    let profile = format!("--user-data-dir={}", profile.display());
    let mut options = json!({
        "binary": chromium,
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            "--no-proxy-server", "--window-size=1280,860", profile,
        ],
    });
    if !wanted.javascript {
        options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
    }
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL" },
    })
}

impl Browser {
    /// Starts one; `None` with a note when the machine has none.
    pub(crate) async fn start(wanted: Wanted) -> Option<Self> {
        let (driver, chromium) = start_driver()?;
        let log = driver.folder.path().join("log");
        eventually("the driver", PATIENCE, async || port_in(&log).is_some()).await;
        let base = format!("http://127.0.0.1:{}", port_in(&log).unwrap());
        let wishes = capabilities(&chromium, &driver.profile(), wanted);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wishes.as_object().unwrap().clone())
            .connect(&base)
            .await
            .unwrap();
        let session = client.session_id().await.unwrap().unwrap();
        let browser = Self {
            client,
            driver,
            session,
            base,
        };
        browser.size(1280, 800, 1.0).await;
        Some(browser)
    }

    /// Ends the browser in good order.
    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
        drop(self.driver);
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn back(&self) {
        self.client.back().await.unwrap();
    }

    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Waits for an element that the selector finds.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE);
        let found = wait.for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    pub(crate) async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// Waits until the element says that.
    pub(crate) async fn says(&self, css: &str, words: &str) {
        let what = format!("{css} says {words}");
        eventually(&what, PATIENCE, async || {
            let found = self.client.find(Locator::Css(css)).await;
            let Ok(element) = found else { return false };
            // The page may be replaced between the two calls.
            let text = element.text().await.unwrap_or_default();
            text.contains(words)
        })
        .await;
    }

    pub(crate) async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Replaces what an input holds.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let input = self.find(css).await;
        input.clear().await.unwrap();
        input.send_keys(text).await.unwrap();
    }

    /// Presses keys wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let focus = self.client.active_element().await.unwrap();
        focus.send_keys(keys).await.unwrap();
    }

    /// Presses Tab until the focus is there, as somebody without a mouse does.
    pub(crate) async fn tab_to(&self, css: &str) {
        let script = "return document.activeElement.matches(arguments[0]) \
                      && document.activeElement.matches(':focus-visible')";
        for _ in 0..MOST_TABS {
            self.press(TAB).await;
            if self.run(script, vec![json!(css)]).await == json!(true) {
                return;
            }
        }
        panic!("{css} cannot be reached by Tab");
    }

    pub(crate) async fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute(script, args).await.unwrap()
    }

    /// What the console of the browser has to complain about since the last
    /// call: errors of scripts and violations of the content policy among it.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let found = self.command("se/log", json!({ "type": "browser" })).await;
        found
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING")
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Makes the page that large, in CSS pixels.
    pub(crate) async fn size(&self, width: u32, height: u32, scale: f64) {
        let params = json!({
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", params)
            .await;
    }

    /// Saves what is downloaded from now on into a folder.
    pub(crate) async fn downloads_to(&self, folder: &Path) {
        let params = json!({ "behavior": "allow", "downloadPath": folder });
        self.devtools("Browser.setDownloadBehavior", params).await;
    }

    async fn devtools(&self, name: &str, params: Value) {
        let body = json!({ "cmd": name, "params": params });
        self.command("goog/cdp/execute", body).await;
    }

    /// A command of chromedriver that is not part of WebDriver.
    async fn command(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/session/{}/{path}", self.base, self.session);
        let client = super::api::plain_client(std::net::Ipv4Addr::LOCALHOST);
        let answer = super::api::send(client.post(url).json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["value"].clone()
    }

    /// Saves a picture if `VALUEVERSE_E2E_SHOTS` names a folder.
    pub(crate) async fn shot(&self, name: &str) {
        let Some(folder) = setting("VALUEVERSE_E2E_SHOTS") else {
            return;
        };
        fs::create_dir_all(&folder).unwrap();
        let png = self.client.screenshot().await.unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }
}
