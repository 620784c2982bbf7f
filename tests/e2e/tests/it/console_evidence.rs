//! The evidence page over a database that somebody changed, and who may see
//! what of the explorer.

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::json;

use crate::console_audit::{no_complaints, signs_in, write};
use crate::harness::api::Api;
use crate::harness::browser::{Browser, Wanted};
use crate::harness::people::ADA;
use crate::harness::place::Place;
use crate::harness::site::Site;

const WITH_SCRIPTS: Wanted = Wanted { javascript: true };

/// Changes one byte of an event behind the program's back.
fn tamper(database: &Path, height: u64) {
    let script = "\
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for (name,) in db.execute(\"select name from sqlite_master where type='trigger'\").fetchall():
    db.execute(f'drop trigger {name}')
row = db.execute('select gseq, leaf from audit_events where tenant_id <> zeroblob(16) '
                 'and height = ?', (int(sys.argv[2]),)).fetchone()
leaf = bytearray(row[1])
at = leaf.index(b'\"out\":\"') + 7
leaf[at] ^= 1
db.execute('update audit_events set leaf = ? where gseq = ?', (bytes(leaf), row[0]))
db.commit()
";
    let done = Command::new("python3")
        .args(["-c", script])
        .arg(database)
        .arg(height.to_string())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[tokio::test]
async fn a_changed_event_is_found_and_named() {
    let Some(browser) = Browser::start(WITH_SCRIPTS).await else {
        return;
    };
    let place = Place::lite();
    let launch = place.launch();
    let mut server = launch.start();
    ADA.set_up(&server).await;
    let api = Api::new(&server.url);
    let token = api.login(ADA.email, ADA.password).await.access;
    let written = write(&api, &token, "app.paid", "An invoice was paid", "invoice:1").await;
    let height = written["height"].as_u64().unwrap();
    for n in 2..5 {
        write(
            &api,
            &token,
            "app.paid",
            "An invoice was paid",
            &format!("invoice:{n}"),
        )
        .await;
    }
    server.stop();
    tamper(&launch.data().join("valueverse.db"), height);
    let mut server = launch.start();
    signs_in(&browser, &server).await;
    browser.goto(&format!("{}/audit/verify", server.url)).await;
    browser.click("button[value=full]").await;
    let place = format!("The chain is broken at event {height}.");
    browser.says(".banner-bad", &place).await;
    browser.says(".verdict-bad", "Integrity").await;
    assert_eq!(browser.count(".verdict").await, 5);
    assert!(
        browser.count(".verdict-good").await > 0,
        "the answers stay apart"
    );
    let title = "return document.querySelector('.strip-fault title').textContent";
    let title = browser.run(title, Vec::new()).await;
    assert_eq!(title, json!(format!("Event {height} does not fit")));
    browser.shot("evidence-broken").await;
    browser.goto(&format!("{}/audit/verify", server.url)).await;
    browser.says(".banner-bad", &place).await;
    browser
        .click(&format!(
            ".table-findings a[href='/audit/heights/{height}']"
        ))
        .await;
    browser.says(".proof-verdict", "cannot be proven").await;
    browser.shot("event-broken").await;
    browser.goto(&server.url).await;
    browser
        .says(".banner-bad", "The audit chain is broken")
        .await;
    no_complaints(&browser).await;
    browser.close().await;
    server.stop();
}

#[tokio::test]
async fn forms_of_others_and_strangers_get_nothing() {
    let place = Place::lite();
    let mut server = place.launch().start();
    ADA.set_up(&server).await;
    let mut site = Site::new(&server.url);
    for path in [
        "/audit",
        "/audit/verify",
        "/audit/export",
        "/audit/heights/1",
    ] {
        let answer = site.open(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(
            answer.header("location").starts_with("/login?return_to="),
            "{path}"
        );
    }
    let answer = site
        .request(Method::GET, "/audit/tail")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    site.open("/login").await;
    let fields = [("identifier", ADA.email), ("password", ADA.password)];
    assert_eq!(site.submit("/login", &fields).await.status, 303);
    // Without the token of a page nothing is exported or checked.
    for path in ["/audit/export", "/audit/verify"] {
        let form = [("csrf", "AAAA"), ("format", "csv")];
        let request = site
            .request(Method::POST, path)
            .header("origin", &server.url);
        let answer = request.form(&form).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403, "{path}");
    }
    site.open("/audit/export").await;
    let wrong = site
        .submit("/audit/export", &[("format", "csv"), ("to", "soon")])
        .await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("not one such as"), "{}", wrong.body);
    let unknown = site.submit("/audit/export", &[("format", "xml")]).await;
    assert_eq!(unknown.status, 400);
    for path in [
        "/audit/heights/999999",
        "/audit/events/none",
        "/audit/events/none/leaf",
    ] {
        assert_eq!(site.open(path).await.status, 404, "{path}");
    }
    assert_eq!(site.open("/audit/heights/x").await.status, 400);
    assert_eq!(site.open("/audit?cursor=x").await.status, 400);
    let good = site
        .submit("/audit/export", &[("format", "csv"), ("type", "app.*")])
        .await;
    assert_eq!(good.status, 200);
    assert!(
        good.header("content-disposition")
            .starts_with("attachment; filename=\"audit-")
    );
    server.stop();
}
