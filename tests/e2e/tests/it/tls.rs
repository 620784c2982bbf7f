//! The server's own TLS, asked by curl.

use std::fs;
use std::process::Command;

use vv_testkit::stores::{REQUIRE, setting};

use crate::harness::launch::Launch;
use crate::harness::place::Place;

fn with_certificate(place: &Place) -> Launch {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let made = made.unwrap();
    let launch = place.launch();
    let file = |name: &str| launch.data().with_file_name(name);
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    launch
        .env("VALUEVERSE__SERVER__TLS_CERT", cert.to_str().unwrap())
        .env("VALUEVERSE__SERVER__TLS_KEY", key.to_str().unwrap())
}

/// Head and body in lower case, or `None` with a note when this machine has no curl.
fn curl(launch: &Launch, url: &str, options: &[&str]) -> Option<String> {
    let done = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--max-time", "30"])
        .args(["--noproxy", "*", "--cacert"])
        .arg(launch.data().with_file_name("cert.pem"))
        .args(options)
        .arg(url)
        .output();
    let Ok(done) = done else {
        assert_ne!(
            setting(REQUIRE).as_deref(),
            Some("1"),
            "curl is not installed"
        );
        eprintln!("skipped: curl is not installed");
        return None;
    };
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{stderr}");
    Some(String::from_utf8_lossy(&done.stdout).to_lowercase())
}

#[test]
fn https_with_strict_transport_security() {
    let place = Place::lite();
    let launch = with_certificate(&place);
    let mut server = launch.start();
    assert!(
        server.url.starts_with("https://127.0.0.1:"),
        "{}",
        server.url
    );
    let health = format!("{}/healthz", server.url);
    for (option, status) in [("--http1.1", "http/1.1 200"), ("--http2", "http/2 200")] {
        let Some(answer) = curl(&launch, &health, &[option]) else {
            return;
        };
        assert!(answer.starts_with(status), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age="));
    }
    let link = server.setup_link.clone().unwrap();
    let page = curl(&launch, &link, &[]).unwrap();
    assert!(page.contains("set up valueverse"), "{page}");
    server.stop();
}

#[test]
fn a_certificate_that_is_none() {
    let place = Place::lite();
    let launch = with_certificate(&place);
    let cert = launch.data().with_file_name("cert.pem");
    fs::write(&cert, "no certificate").unwrap();
    launch
        .run(&["serve", "--listen", "127.0.0.1:0"])
        .fails(2, "cert.pem");
}
