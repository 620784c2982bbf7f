use axum::body::Body;
use http::{Request, StatusCode};
use vv_http::HttpSettings;

use crate::harness::{app, problem, send, text};

#[tokio::test]
async fn json_bodies() {
    let app = app(HttpSettings::default());
    let json = || Request::post("/login").header("content-type", "application/json; charset=utf-8");
    let response = send(app.clone(), json(), r#"{"identifier":"a@b.example"}"#).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "a@b.example");

    let deep = format!("{{\"identifier\":{}1{}}}", "[".repeat(16), "]".repeat(16));
    let long = format!("{{\"identifier\":\"{}\"}}", "x".repeat(64 * 1024));
    for (body, status, code) in [
        ("{", 400, "request.malformed_json"),
        ("", 400, "request.malformed_json"),
        (
            r#"{"identifier":"a","identifier":"b"}"#,
            400,
            "request.malformed_json",
        ),
        (r#"{"identifier":"a"} {}"#, 400, "request.malformed_json"),
        (deep.as_str(), 400, "request.malformed_json"),
        (r#"{"identifier":7}"#, 422, "request.invalid"),
        (r#"{"identifier":"a","x":1}"#, 422, "request.unknown_field"),
        (long.as_str(), 413, "request.body_too_large"),
    ] {
        let response = send(app.clone(), json(), body.to_owned()).await;
        problem(response, status, code).await;
    }
    for request in [
        Request::post("/login"),
        Request::post("/login").header("content-type", "text/plain"),
        Request::post("/login").header("content-type", "application/jsonx"),
        json().header("content-encoding", "gzip"),
    ] {
        let response = send(app.clone(), request, "{}").await;
        problem(response, 415, "request.unsupported_media_type").await;
    }
}

#[tokio::test]
async fn routes_set_their_own_body_limit_up_to_the_hard_one() {
    let settings = HttpSettings {
        hard_body_limit: 150_000,
        ..HttpSettings::default()
    };
    let app = app(settings);
    let response = send(app.clone(), Request::post("/import"), "x".repeat(140_000)).await;
    assert_eq!(text(response).await, "140000");
    let chunks = || {
        let chunk = |_| Ok::<_, std::io::Error>(axum::body::Bytes::from(vec![b'x'; 20_000]));
        Body::from_stream(futures_util::stream::iter((0..9).map(chunk)))
    };
    let response = send(app.clone(), Request::post("/stream"), chunks()).await;
    problem(response, 413, "request.body_too_large").await;
    let announced = Request::post("/stream").header("content-length", "150001");
    problem(
        send(app, announced, "").await,
        413,
        "request.body_too_large",
    )
    .await;
}

#[tokio::test]
async fn documentation_is_served_from_the_binary() {
    let app = app(HttpSettings::default());
    for (uri, kind, content) in [
        ("/openapi.json", "application/json", "\"openapi\""),
        ("/docs", "text/html; charset=utf-8", "swagger-ui-bundle.js"),
        (
            "/docs/page.js",
            "text/javascript; charset=utf-8",
            "SwaggerUIBundle",
        ),
        ("/docs/page.css", "text/css; charset=utf-8", "margin"),
        (
            "/problems",
            "text/markdown; charset=utf-8",
            "auth.invalid_credentials",
        ),
        ("/problems/auth.throttled", "application/json", "429"),
    ] {
        let response = send(app.clone(), Request::get(uri), "").await;
        assert_eq!(response.status(), StatusCode::OK, "{uri}");
        assert_eq!(response.headers()["content-type"], kind, "{uri}");
        assert!(text(response).await.contains(content), "{uri}");
    }
    let response = send(app.clone(), Request::get("/docs/swagger-ui-bundle.js"), "").await;
    let bundle = axum::body::to_bytes(response.into_body(), 4 << 20)
        .await
        .unwrap();
    assert!(bundle.len() > 100_000);
    let page = text(send(app, Request::get("/docs"), "").await).await;
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<style"));
}

#[test]
fn metrics_name_the_matched_route_only() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let app = app(HttpSettings::default());
            for uri in [
                "/users/alice@example.org?token=x",
                "/users/bob",
                "/secret-path",
            ] {
                send(app.clone(), Request::get(uri), "").await;
            }
            send(app, Request::builder().method("BREW").uri("/users/x"), "").await;
        });
    });
    let page = handle.render();
    for line in [
        r#"http_requests_total{method="GET",route="/users/{id}",status="2xx"} 2"#,
        r#"http_requests_total{method="GET",route="unmatched",status="4xx"} 1"#,
        r#"http_requests_total{method="OTHER",route="/users/{id}",status="4xx"} 1"#,
        "http_requests_in_flight 0",
        r#"http_request_duration_seconds_count{method="GET",route="/users/{id}"} 2"#,
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(!page.contains("alice") && !page.contains("secret-path") && !page.contains("BREW"));
}
