//! The audit explorer in a real browser.

use serde_json::{Value, json};

use crate::harness::api::Api;
use crate::harness::browser::{Browser, Wanted};
use crate::harness::launch::Server;
use crate::harness::people::ADA;
use crate::harness::place::Place;
use crate::harness::{SOON, eventually};

const WITH_SCRIPTS: Wanted = Wanted { javascript: true };
const WITHOUT_SCRIPTS: Wanted = Wanted { javascript: false };
const ENTER: &str = "\u{e007}";

pub(crate) async fn signs_in(browser: &Browser, server: &Server) {
    browser.goto(&format!("{}/login", server.url)).await;
    browser.fill("#identifier", ADA.email).await;
    browser.fill("#password", ADA.password).await;
    browser.click("main button[type=submit]").await;
    browser.says("h1", "Overview").await;
}

pub(crate) async fn no_complaints(browser: &Browser) {
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// An application writes an event; its place in the chain.
pub(crate) async fn write(api: &Api, token: &str, kind: &str, words: &str, target: &str) -> Value {
    let body = json!({
        "type": kind, "severity": "info", "description": words, "target_id": target,
        "metadata": { "amount_cents": 12_900, "email": "grace@acme.example" },
    });
    let answer = api.post("/api/v1/audit/events", Some(token), &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn the_trail_is_explored() {
    let Some(browser) = Browser::start(WITH_SCRIPTS).await else {
        return;
    };
    let place = Place::lite();
    let mut server = place.launch().start();
    ADA.set_up(&server).await;
    let api = Api::new(&server.url);
    let token = api.login(ADA.email, ADA.password).await.access;
    for n in 1..=3 {
        let words = format!("Invoice {n} was approved");
        write(
            &api,
            &token,
            "app.invoice_approved",
            &words,
            &format!("invoice:{n}"),
        )
        .await;
    }
    signs_in(&browser, &server).await;
    filters(&browser, &server).await;
    sees_an_event(&browser, &server).await;
    follows_live(&browser, &server, &api, &token).await;
    exports(&browser, &server).await;
    verifies(&browser, &server).await;
    on_a_phone(&browser, &server).await;
    browser.close().await;
    server.stop();
}

async fn filters(browser: &Browser, server: &Server) {
    browser.goto(&format!("{}/audit", server.url)).await;
    let all = browser.count(".table-audit tbody tr").await;
    assert!(all > 6, "{all}");
    browser.fill("#q", "invoice approv*").await;
    browser.press(ENTER).await;
    browser.says(".chips", "invoice approv*").await;
    assert_eq!(browser.count(".table-audit tbody tr").await, 3);
    let address = browser.run("return location.search", Vec::new()).await;
    assert_eq!(address, json!("?limit=50&q=invoice%20approv%2A"), "tidy");
    browser
        .says(".table-audit", "recorded invoice approved")
        .await;
    // Another filter joins the first; both can be taken off one by one.
    browser.click(".filters-more summary").await;
    browser.fill("#target", "2").await;
    browser.press(ENTER).await;
    browser.says(".chips", "Target").await;
    assert_eq!(browser.count(".table-audit tbody tr").await, 1);
    assert_eq!(browser.count(".filter-chip").await, 2);
    browser.click(".filter-chip").await;
    browser.find(".chips li:only-child").await;
    assert_eq!(browser.count(".table-audit tbody tr").await, 1);
    browser.click(".chips-clear").await;
    browser.says("h1", "Audit trail").await;
    assert_eq!(browser.count(".filter-chip").await, 0);
    // Sealed fields are found by their exact value.
    browser
        .goto(&format!("{}/audit?email=grace%40acme.example", server.url))
        .await;
    assert_eq!(browser.count(".table-audit tbody tr").await, 3);
    browser
        .goto(&format!("{}/audit?email=nobody%40acme.example", server.url))
        .await;
    browser.says(".empty", "No event fits").await;
    browser
        .goto(&format!("{}/audit?from=yesterday", server.url))
        .await;
    browser.says(".banner-bad", "not one such as").await;
    // People are found by their address, and shown by name.
    browser
        .goto(&format!("{}/audit?actor=ada%40acme.example", server.url))
        .await;
    browser.says(".filter-chip", ADA.name).await;
    assert!(browser.count(".table-audit tbody tr").await > 3);
    no_complaints(browser).await;
}

async fn sees_an_event(browser: &Browser, server: &Server) {
    browser
        .goto(&format!("{}/audit?type=app.*", server.url))
        .await;
    browser.click(".cell-event a").await;
    browser.says("h1", "recorded invoice approved").await;
    browser
        .says(
            "section[aria-labelledby=personal-title]",
            "grace@acme.example",
        )
        .await;
    browser.says(".raw pre", "\"amount_cents\": 12900").await;
    browser
        .says(".proof-verdict", "This event is in the chain.")
        .await;
    browser.click(".proof-steps summary").await;
    assert!(browser.count(".table-proof tbody tr").await > 3);
    let ends = "const rows = [...document.querySelectorAll('.table-proof tbody tr')]; \
                return rows.slice(-2).map(row => row.lastElementChild.textContent)";
    let ends = browser.run(ends, Vec::new()).await;
    assert_eq!(ends[0], ends[1], "the last step gives the root");
    let fits = "return [...document.querySelectorAll('.card')] \
                .every(card => card.scrollWidth <= card.clientWidth)";
    assert_eq!(
        browser.run(fits, Vec::new()).await,
        json!(true),
        "cards hold what is in them"
    );
    browser.run("scrollTo(0, 0)", Vec::new()).await;
    browser.shot("event").await;
    let before = browser.text(".hashes a code").await;
    browser.click(".hashes a").await;
    browser.says(".hashes-height", "of").await;
    let script = "return document.querySelectorAll('.hashes code')[0].textContent";
    eventually("the event before", SOON, async || {
        browser.run(script, Vec::new()).await == json!(before)
    })
    .await;
    let leaf = "return fetch(document.querySelector('a[download]').href) \
                .then(answer => answer.arrayBuffer()).then(bytes => new Uint8Array(bytes)) \
                .then(bytes => [...bytes.slice(0, 4)])";
    assert_eq!(
        browser.run(leaf, Vec::new()).await,
        json!([86, 86, 65, 49]),
        "VVA1"
    );
    no_complaints(browser).await;
}

async fn follows_live(browser: &Browser, server: &Server, api: &Api, token: &str) {
    browser
        .goto(&format!("{}/audit?type=app.*", server.url))
        .await;
    browser.click("[data-live-button]").await;
    browser.says("[data-live-status]", "Live").await;
    write(
        api,
        token,
        "app.invoice_paid",
        "Invoice 1 was paid",
        "invoice:1",
    )
    .await;
    browser.says(".row-new", "recorded invoice paid").await;
    browser.says("[data-live-status]", "1 new event").await;
    assert_eq!(
        browser.count(".table-audit tbody tr").await,
        4,
        "what fits the filter only"
    );
    let first = "return document.querySelector('.table-audit tbody tr').className";
    assert_eq!(
        browser.run(first, Vec::new()).await,
        json!("row-new"),
        "on top"
    );
    browser.shot("audit-live").await;
    browser.click("[data-live-button]").await;
    browser.says("[data-live-status]", "Paused").await;
    write(
        api,
        token,
        "app.invoice_paid",
        "Invoice 2 was paid",
        "invoice:2",
    )
    .await;
    assert_eq!(browser.count(".row-new").await, 1);
    // It goes on where it stopped.
    browser.click("[data-live-button]").await;
    eventually("the row in between", SOON, async || {
        browser.count(".row-new").await == 2
    })
    .await;
    browser.click("[data-live-button]").await;
    browser.says("[data-live-status]", "Paused").await;
    no_complaints(browser).await;
}

async fn exports(browser: &Browser, server: &Server) {
    let folder = tempfile::tempdir().unwrap();
    browser.downloads_to(folder.path()).await;
    browser
        .goto(&format!("{}/audit?type=app.*", server.url))
        .await;
    browser.click("a[data-dialog=export]").await;
    browser.says("dialog[open] h2", "Take events out").await;
    browser.shot("export").await;
    browser.click("dialog[open] button[type=submit]").await;
    let file = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|end| end == "jsonl"))
    };
    eventually("the download", SOON, async || file().is_some()).await;
    let text = std::fs::read_to_string(file().unwrap()).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 7, "a header, five events, a trailer");
    assert!(!text.contains("grace@acme.example"), "sealed");
    assert_eq!(browser.count("dialog").await, 0, "the dialog is closed");
    browser.goto(&format!("{}/audit", server.url)).await;
    browser.says(".table-audit", "audit.events_exported").await;
    no_complaints(browser).await;
}

async fn verifies(browser: &Browser, server: &Server) {
    browser.goto(&format!("{}/audit", server.url)).await;
    browser.click(".page-actions form button").await;
    browser.says(".banner-good", "The chain is intact").await;
    assert_eq!(browser.count(".verdict").await, 5);
    assert_eq!(browser.count(".verdict-bad").await, 0);
    browser.shot("evidence").await;
    browser.click("button[value=incremental]").await;
    browser.says(".banner-good", "The chain is intact").await;
    for way in ["/api/v1/audit/checkpoint", "/api/v1/audit/keys"] {
        let script = "return fetch(document.querySelector(arguments[0]).href) \
                      .then(answer => answer.text())";
        let text = browser
            .run(script, vec![json!(format!("a[href='{way}']"))])
            .await;
        assert!(text.as_str().unwrap().contains("/audit"), "{way}: {text}");
    }
    browser.goto(&format!("{}/audit", server.url)).await;
    assert_eq!(browser.count(".marks li").await, 5, "five marks, not one");
    browser.shot("audit").await;
    browser.click("button[name=theme][value=dark]").await;
    browser.find("html[data-theme=dark]").await;
    browser.goto(&format!("{}/audit", server.url)).await;
    browser.shot("audit-dark").await;
    browser.goto(&format!("{}/audit/verify", server.url)).await;
    browser.shot("evidence-dark").await;
    no_complaints(browser).await;
}

async fn on_a_phone(browser: &Browser, server: &Server) {
    browser.size(390, 844, 2.0).await;
    for path in [
        "/audit",
        "/audit/verify",
        "/audit/export",
        "/audit/heights/1",
    ] {
        browser.goto(&format!("{}{path}", server.url)).await;
        let width = browser
            .run("return document.documentElement.scrollWidth", Vec::new())
            .await;
        assert!(width.as_u64().unwrap() <= 390, "{path} is {width} wide");
        let name = path.rsplit('/').next().unwrap();
        browser.shot(&format!("{name}-phone")).await;
    }
    no_complaints(browser).await;
}

#[tokio::test]
async fn the_explorer_needs_no_scripts() {
    let Some(browser) = Browser::start(WITHOUT_SCRIPTS).await else {
        return;
    };
    let place = Place::lite();
    let mut server = place.launch().start();
    ADA.set_up(&server).await;
    signs_in(&browser, &server).await;
    browser.goto(&format!("{}/audit", server.url)).await;
    assert_eq!(browser.count("[data-live-button]:not([hidden])").await, 0);
    browser.click(".filters-more summary").await;
    browser.click("#outcome option[value=success]").await;
    browser.click(".filters-actions button[type=submit]").await;
    browser.says(".filter-chip", "success").await;
    browser.click(".cell-event a").await;
    browser
        .says(".proof-verdict", "This event is in the chain.")
        .await;
    browser.click(".proof-steps summary").await;
    browser.says(".table-proof", "Root").await;
    browser
        .goto(&format!("{}/audit?outcome=success", server.url))
        .await;
    browser.click("a[data-dialog=export]").await;
    browser.says("h1", "Export").await;
    browser.says(".export-form", "Outcome: success").await;
    let folder = tempfile::tempdir().unwrap();
    browser.downloads_to(folder.path()).await;
    browser.click("#format-csv").await;
    browser.click(".export-form button[type=submit]").await;
    eventually("the download", SOON, async || {
        let mut entries = std::fs::read_dir(folder.path()).unwrap();
        entries.any(|entry| {
            entry
                .unwrap()
                .path()
                .extension()
                .is_some_and(|end| end == "csv")
        })
    })
    .await;
    browser.goto(&format!("{}/audit", server.url)).await;
    browser.click(".page-actions form button").await;
    browser.says(".banner-good", "The chain is intact").await;
    browser.close().await;
    server.stop();
}
