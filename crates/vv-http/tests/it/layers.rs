use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse;
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use vv_base::RequestId;
use vv_http::layer::FailedRequest;
use vv_http::{HttpSettings, apply};

use crate::harness::{app, edge, problem, routes, send, text};

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_a_fresh_id() {
    let app = app(HttpSettings::default());
    let mut ids = Vec::new();
    for uri in ["/plain", "/nowhere", "/panic", "/docs"] {
        let request = Request::get(uri).header("x-request-id", "chosen-by-the-client");
        let response = send(app.clone(), request, "").await;
        let headers = response.headers();
        assert_eq!(headers["x-frame-options"], "DENY", "{uri}");
        assert_eq!(headers["referrer-policy"], "same-origin", "{uri}");
        assert_eq!(
            headers["cross-origin-opener-policy"], "same-origin",
            "{uri}"
        );
        assert_eq!(
            headers["cross-origin-resource-policy"], "same-origin",
            "{uri}"
        );
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{uri}"
        );
        assert!(!headers.contains_key("strict-transport-security"), "{uri}");
        assert!(headers.contains_key("cache-control"), "{uri}");
        let id: RequestId = headers["x-request-id"].to_str().unwrap().parse().unwrap();
        assert_eq!(id.uuid().get_version_num(), 7);
        assert!(!ids.contains(&id));
        ids.push(id);
    }
}

#[tokio::test]
async fn handlers_see_the_id_that_the_client_sees() {
    let response = send(app(HttpSettings::default()), Request::get("/whoami"), "").await;
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(text(response).await.starts_with(&id));
}

#[tokio::test]
async fn the_client_is_found_behind_trusted_proxies_only() {
    let settings = HttpSettings {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        ..HttpSettings::default()
    };
    let ask = async |peer: [u8; 4]| {
        let mut request = Request::get("/whoami")
            .header("host", "localhost")
            .header("x-forwarded-for", "1.1.1.1, 203.0.113.9")
            .header("x-forwarded-proto", "https")
            .header("user-agent", "probe")
            .body(Body::empty())
            .unwrap();
        let peer = SocketAddr::from((Ipv4Addr::from(peer), 4711));
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = app(settings.clone()).oneshot(request).await.unwrap();
        let hsts = response.headers().contains_key("strict-transport-security");
        let body = text(response).await;
        (body.split_once(' ').unwrap().1.to_owned(), hsts)
    };
    assert_eq!(
        ask([10, 0, 0, 1]).await,
        ("203.0.113.9 true probe".into(), true)
    );
    assert_eq!(
        ask([192, 0, 2, 1]).await,
        ("192.0.2.1 false probe".into(), false)
    );
}

#[tokio::test]
async fn tls_listeners_ask_for_strict_transport() {
    let settings = HttpSettings {
        tls: true,
        ..HttpSettings::default()
    };
    let response = send(app(settings), Request::get("/plain"), "").await;
    assert_eq!(
        response.headers()["strict-transport-security"],
        "max-age=63072000; includeSubDomains"
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let app = app(HttpSettings::default());
    let response = send(app.clone(), Request::get("/nowhere"), "").await;
    problem(response, 404, "request.not_found").await;
    let response = send(app.clone(), Request::put("/plain"), "").await;
    assert_eq!(response.headers()["allow"], "GET,HEAD,POST");
    problem(response, 405, "request.method_not_allowed").await;
    let response = send(app, Request::get("/docs/swagger-ui-es-bundle.js"), "").await;
    problem(response, 404, "request.not_found").await;
}

#[tokio::test]
async fn a_panic_shows_its_incident_and_nothing_else() {
    let response = send(app(HttpSettings::default()), Request::get("/panic"), "").await;
    let document = problem(response, 500, "internal.error").await;
    assert!(!document.to_string().contains("secret reason"));
}

#[tokio::test]
async fn headers_of_a_problem_survive_its_completion() {
    let response = send(app(HttpSettings::default()), Request::get("/cleared"), "").await;
    assert_eq!(response.headers()["set-cookie"], "a=; Max-Age=0");
    assert!(response.headers().contains_key("www-authenticate"));
    problem(response, 401, "session.expired").await;
}

#[tokio::test]
async fn cross_site_changes_are_refused() {
    let app = app(HttpSettings::default());
    let to = |host: &str| {
        Request::post("/plain")
            .header("host", host)
            .header("cookie", "s=1")
    };
    let response = send(
        app.clone(),
        to("a.example").header("origin", "http://a.example"),
        "",
    )
    .await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = send(
        app.clone(),
        to("a.example").header("origin", "http://b.example"),
        "",
    )
    .await;
    problem(response, 403, "request.cross_site").await;
    let response = send(app.clone(), to("a.example"), "").await;
    problem(response, 403, "request.cross_site").await;
    let twice = to("a.example").header("host", "b.example");
    problem(send(app, twice, "").await, 400, "request.ambiguous_host").await;
}

#[tokio::test]
async fn a_public_origin_settles_host_and_origin() {
    let settings = HttpSettings {
        public_origin: Some("https://id.example".into()),
        allowed_hosts: vec!["auth:8080".into()],
        ..HttpSettings::default()
    };
    let app = app(settings);
    let get = |uri: &str, host: &str| Request::get(uri).header("host", host);
    assert_eq!(
        send(app.clone(), get("/plain", "id.example"), "")
            .await
            .status(),
        200
    );
    assert_eq!(
        send(app.clone(), get("/plain", "auth:8080"), "")
            .await
            .status(),
        200
    );
    assert_eq!(
        send(app.clone(), get("/healthz", "10.0.0.1"), "")
            .await
            .status(),
        200
    );
    let response = send(app.clone(), get("/plain", "evil.example"), "").await;
    problem(response, 421, "request.misdirected").await;
    // TLS ends before us, so the request itself looks like plain http.
    let post = |origin: &str| {
        Request::post("/plain")
            .header("host", "id.example")
            .header("cookie", "s=1")
            .header("origin", origin)
    };
    assert_eq!(
        send(app.clone(), post("https://id.example"), "")
            .await
            .status(),
        200
    );
    let response = send(app, post("http://id.example"), "").await;
    problem(response, 403, "request.cross_site").await;
}

#[tokio::test]
async fn a_handler_that_hangs_is_given_up() {
    let settings = HttpSettings {
        timeout: Duration::from_millis(100),
        ..HttpSettings::default()
    };
    let response = send(app(settings), Request::get("/hang"), "").await;
    assert!(response.headers().contains_key("retry-after"));
    problem(response, 503, "request.timeout").await;
}

#[tokio::test]
async fn a_full_house_turns_away_but_answers_health_checks() {
    let settings = HttpSettings {
        max_in_flight: 1,
        timeout: Duration::from_secs(1),
        ..HttpSettings::default()
    };
    let app = app(settings);
    let busy = send(app.clone(), Request::get("/hang"), "");
    let meanwhile = async {
        let response = send(app.clone(), Request::get("/plain"), "").await;
        assert!(response.headers().contains_key("retry-after"));
        problem(response, 503, "request.overloaded").await;
        assert_eq!(
            send(app.clone(), Request::get("/healthz"), "")
                .await
                .status(),
            200
        );
    };
    // `join` polls the first one first, so the slot is taken.
    let (busy, ()) = futures_util::future::join(busy, meanwhile).await;
    problem(busy, 503, "request.timeout").await;
    assert_eq!(send(app, Request::get("/plain"), "").await.status(), 200);
}

#[tokio::test]
async fn pages_can_replace_documents() {
    let page = |failed: &FailedRequest<'_>| {
        let wanted = failed.accepts_html && !failed.uri.path().starts_with("/api/");
        wanted.then(|| {
            let text = format!(
                "<h1>{}</h1>{}",
                failed.problem.title(),
                failed.problem.instance().unwrap()
            );
            axum::response::Html(text).into_response()
        })
    };
    let app = apply(
        routes(),
        edge(HttpSettings::default()).with_error_page(Arc::new(page)),
    );
    let html = |uri: &str| Request::get(uri).header("accept", "text/html,*/*;q=0.8");
    let response = send(app.clone(), html("/nowhere"), "").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(text(response).await, format!("<h1>No such path</h1>{id}"));
    problem(
        send(app.clone(), html("/api/v1/x"), "").await,
        404,
        "request.not_found",
    )
    .await;
    problem(
        send(app, Request::get("/nowhere"), "").await,
        404,
        "request.not_found",
    )
    .await;
}
