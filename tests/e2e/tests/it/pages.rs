//! The pages in a real browser: by mouse, by keyboard, and without scripts.

use serde_json::json;

use crate::harness::browser::{Browser, Wanted};
use crate::harness::launch::{Launch, Server};
use crate::harness::people::ADA;
use crate::harness::place::Place;

const ENTER: &str = "\u{e007}";
const WITH_SCRIPTS: Wanted = Wanted { javascript: true };
const WITHOUT_SCRIPTS: Wanted = Wanted { javascript: false };

#[tokio::test]
async fn the_first_user_finds_the_way() {
    let Some(browser) = Browser::start(WITH_SCRIPTS).await else {
        return;
    };
    let place = Place::lite();
    let launch = place.launch();
    let mut server = launch.start();
    sets_up(&browser, &server).await;
    colleagues(&launch);
    signs_in(&browser, &server).await;
    sees_the_overview(&browser).await;
    sees_users_and_audit(&browser).await;
    chooses_dark(&browser, &server).await;
    gets_lost(&browser, &server).await;
    on_a_phone(&browser, &server).await;
    signs_out(&browser, &server).await;
    browser.close().await;
    server.stop();
}

/// So that lists and numbers have something to show.
fn colleagues(launch: &Launch) {
    for email in ["grace@acme.example", "linus@acme.example"] {
        ADA.with_email(email).create(launch);
    }
}

async fn no_complaints(browser: &Browser) {
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

async fn sets_up(browser: &Browser, server: &Server) {
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    browser.fill("#tenant", ADA.tenant).await;
    browser.fill("#display_name", ADA.name).await;
    browser.fill("#email", ADA.email).await;
    assert_eq!(browser.text("[data-verdict]").await, "", "nothing to judge");
    browser.fill("#password", "password1").await;
    browser.says("[data-verdict]", "not accepted yet").await;
    assert!(browser.count("[data-missing] li").await > 0);
    let level = async || {
        let meter = browser.find("[data-strength]").await;
        let level = meter.attr("data-level").await.unwrap().unwrap();
        level.parse::<u8>().unwrap()
    };
    let weak = level().await;
    browser.fill("#password", ADA.password).await;
    browser.says("[data-verdict]", "meets the policy").await;
    assert_eq!(browser.count("[data-missing] li").await, 0);
    assert!(level().await > weak, "and it is called stronger");
    browser.shot("setup").await;
    browser.click("button[data-reveal]").await;
    let input = browser.find("#password").await;
    assert_eq!(input.attr("type").await.unwrap().unwrap(), "text");
    browser.click("main button[type=submit]").await;
    browser.says(".banner", "Sign in with the account").await;
    assert_eq!(browser.path().await, "/login");
    no_complaints(browser).await;
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    browser.says("h1", "no longer valid").await;
    // The browser notes the status of the page itself.
    assert!(
        browser
            .complaints()
            .await
            .iter()
            .all(|it| it.contains("404"))
    );
}

async fn signs_in(browser: &Browser, server: &Server) {
    browser.goto(&format!("{}/audit", server.url)).await;
    assert_eq!(browser.path().await, "/login", "asked to sign in first");
    browser.shot("login").await;
    browser.fill("#identifier", ADA.email).await;
    browser.fill("#password", "not the password").await;
    browser.click("main button[type=submit]").await;
    browser.says(".banner-bad", "not right").await;
    assert!(
        browser
            .complaints()
            .await
            .iter()
            .all(|it| it.contains("401"))
    );
    browser.fill("#password", ADA.password).await;
    browser.click("main button[type=submit]").await;
    browser.says("h1", "Audit trail").await;
    browser.goto(&server.url).await;
    no_complaints(browser).await;
}

async fn sees_the_overview(browser: &Browser) {
    browser.says("h1", "Overview").await;
    browser.says(".tenant", ADA.tenant).await;
    let numbers: Vec<String> = {
        let script =
            "return [...document.querySelectorAll('.tile-number')].map(e => e.textContent)";
        let found = browser.run(script, Vec::new()).await;
        serde_json::from_value(found).unwrap()
    };
    assert_eq!(numbers.len(), 4, "{numbers:?}");
    assert_eq!(numbers[..3], ["3", "1", "1"], "users, sign-ins, failures");
    assert!(numbers[3].parse::<u32>().unwrap() > 5, "{numbers:?}");
    let chart = "section[aria-labelledby=signins-title] svg";
    let drawn = browser.run(
        "return document.querySelector(arguments[0]).getBoundingClientRect().height",
        vec![json!(chart)],
    );
    assert!(drawn.await.as_f64().unwrap() > 50.0, "the chart is drawn");
    assert!(browser.count(".feed li").await > 3);
    no_complaints(browser).await;
    browser.shot("overview-light").await;
}

async fn sees_users_and_audit(browser: &Browser) {
    browser.click("nav[aria-label=Main] a[href='/users']").await;
    browser.says("h1", "Users").await;
    assert_eq!(browser.count(".table-users tbody tr").await, 3);
    browser.shot("users").await;
    browser.fill("#search", "grace@acme.example").await;
    browser.press(ENTER).await;
    browser.says(".toolbar", "Show everybody").await;
    assert_eq!(browser.count(".table-users tbody tr").await, 1);
    browser.click("nav[aria-label=Main] a[href='/audit']").await;
    browser.says("h1", "Audit trail").await;
    assert!(browser.count(".table-audit tbody tr").await > 5);
    browser.click(".page-actions button").await;
    browser.says(".banner-good", "The chain is intact").await;
    browser.click("nav[aria-label=Main] a[href='/audit']").await;
    browser
        .says(".table-audit", "security.chain_verified")
        .await;
    no_complaints(browser).await;
}

async fn chooses_dark(browser: &Browser, server: &Server) {
    browser.goto(&server.url).await;
    browser.click("button[name=theme][value=dark]").await;
    browser.find("html[data-theme=dark]").await;
    let kept = "return fetch('/users').then(page => page.text()) \
                .then(html => html.includes('data-theme=\"dark\"'))";
    crate::harness::eventually("the choice is kept", crate::harness::SOON, async || {
        browser.run(kept, Vec::new()).await == json!(true)
    })
    .await;
    browser.goto(&format!("{}/users", server.url)).await;
    browser.find("html[data-theme=dark]").await;
    browser.goto(&server.url).await;
    browser.shot("overview-dark").await;
    no_complaints(browser).await;
}

async fn gets_lost(browser: &Browser, server: &Server) {
    browser.goto(&format!("{}/no/such/page", server.url)).await;
    browser.says(".fault-status", "404").await;
    assert!(browser.text(".fault-incident").await.len() > 20);
    browser.shot("not-found").await;
    browser.click(".fault-action a").await;
    browser.says("h1", "Overview").await;
    assert!(
        browser
            .complaints()
            .await
            .iter()
            .all(|it| it.contains("404"))
    );
}

async fn on_a_phone(browser: &Browser, server: &Server) {
    browser.size(390, 844, 2.0).await;
    for path in ["/", "/users", "/audit"] {
        browser.goto(&format!("{}{path}", server.url)).await;
        let script = "return document.documentElement.scrollWidth";
        let width = browser.run(script, Vec::new()).await;
        assert!(width.as_u64().unwrap() <= 390, "{path} is {width} wide");
        let name = path.trim_start_matches('/');
        let name = if name.is_empty() { "overview" } else { name };
        browser.shot(&format!("{name}-phone")).await;
    }
    browser.click(".nav-open").await;
    browser.shot("navigation-phone").await;
    browser.click("nav[aria-label=Main] a[href='/users']").await;
    browser.says("h1", "Users").await;
    browser.size(1280, 800, 1.0).await;
    no_complaints(browser).await;
}

async fn signs_out(browser: &Browser, server: &Server) {
    browser.goto(&server.url).await;
    browser.click("details.menu summary").await;
    browser.click(".menu-item").await;
    browser.says(".banner", "signed out").await;
    browser.shot("login-dark").await;
    browser.back().await;
    browser.says("h1", "Sign in").await;
    assert_eq!(browser.path().await, "/login", "nothing is left to see");
    browser.goto(&format!("{}/users", server.url)).await;
    assert_eq!(browser.path().await, "/login");
    no_complaints(browser).await;
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let Some(browser) = Browser::start(WITH_SCRIPTS).await else {
        return;
    };
    let place = Place::lite();
    let mut server = place.launch().start();
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    for (field, text) in [
        ("#tenant", ADA.tenant),
        ("#display_name", ADA.name),
        ("#email", ADA.email),
        ("#password", ADA.password),
    ] {
        browser.tab_to(field).await;
        browser.press(text).await;
    }
    browser.tab_to("main button[type=submit]").await;
    browser.press(ENTER).await;
    browser.says("h1", "Sign in").await;
    // The cursor waits in the first field.
    browser.press(ADA.email).await;
    browser.tab_to("#password").await;
    browser.press(ADA.password).await;
    browser.press(ENTER).await;
    browser.says("h1", "Overview").await;
    browser.tab_to(".skip").await;
    browser.press(ENTER).await;
    browser.tab_to(".card-foot a").await;
    browser.press(ENTER).await;
    browser.says("h1", "Audit trail").await;
    browser.tab_to(".page-actions button").await;
    browser.press(ENTER).await;
    browser.says(".banner-good", "The chain is intact").await;
    browser.tab_to("button[name=theme][value=dark]").await;
    browser.press(ENTER).await;
    browser.find("html[data-theme=dark]").await;
    browser.tab_to("details.menu summary").await;
    browser.press(ENTER).await;
    browser.tab_to(".menu-item").await;
    browser.press(ENTER).await;
    browser.says(".banner", "signed out").await;
    no_complaints(&browser).await;
    browser.close().await;
    server.stop();
}

#[tokio::test]
async fn scripts_are_not_needed() {
    let Some(browser) = Browser::start(WITHOUT_SCRIPTS).await else {
        return;
    };
    let place = Place::lite();
    let mut server = place.launch().start();
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    assert_eq!(browser.count("button[data-reveal]:not([hidden])").await, 0);
    browser.fill("#tenant", ADA.tenant).await;
    browser.fill("#display_name", ADA.name).await;
    browser.fill("#email", ADA.email).await;
    browser.fill("#password", "password1password1").await;
    browser.click("main button[type=submit]").await;
    browser.says("#password-error", "first passwords").await;
    browser.fill("#password", ADA.password).await;
    browser.click("main button[type=submit]").await;
    browser.says("h1", "Sign in").await;
    browser.fill("#identifier", ADA.email).await;
    browser.fill("#password", ADA.password).await;
    browser.click("main button[type=submit]").await;
    browser.says("h1", "Overview").await;
    browser.click("button[name=theme][value=dark]").await;
    browser.find("html[data-theme=dark]").await;
    browser.click("nav[aria-label=Main] a[href='/audit']").await;
    browser.click(".page-actions button").await;
    browser.says(".banner-good", "The chain is intact").await;
    browser.click("details.menu summary").await;
    browser.click(".menu-item").await;
    browser.says(".banner", "signed out").await;
    browser.close().await;
    server.stop();
}

#[tokio::test]
async fn the_documentation_shows_every_operation() {
    let Some(browser) = Browser::start(WITH_SCRIPTS).await else {
        return;
    };
    let place = Place::lite();
    let mut server = place.launch().start();
    browser.goto(&format!("{}/docs", server.url)).await;
    browser.says("#operations", "/api/v1/auth/login").await;
    let script = "return fetch('/openapi.json').then(answer => answer.json()).then(document => \
                  Object.values(document.paths).flatMap(item => Object.keys(item)).length)";
    let operations = browser.run(script, Vec::new()).await;
    let shown = browser.count(".opblock").await;
    assert_eq!(json!(shown), operations);
    browser.shot("docs").await;
    no_complaints(&browser).await;
    browser.close().await;
    server.stop();
}
