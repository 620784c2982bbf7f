use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt as _};
use tracing::Instrument as _;
use vv_base::{Clock, ErrorCode, RequestId, Rng, Span};

use super::host::Authority;
use super::settings::{HttpSettings, PublicOrigin, SettingsFault};
use super::{client_ip, csrf, host, limits, request_id, security_headers};
use crate::metrics::HttpMeters;
use crate::problem::Problem;

/// Paths that answer even when every slot is taken, so that an overloaded
/// service is not taken for a dead one.
const ALWAYS_ADMITTED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// What a client turned away for lack of room or time should wait.
const RETRY_AFTER: Span = Span::seconds(2);

/// Whether the client reached us over TLS, here or at a trusted proxy. In the
/// extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured(pub bool);

/// A request that ends in a problem, for whoever may show it as a page.
#[derive(Debug)]
pub struct FailedRequest<'a> {
    /// The problem, with its instance.
    pub problem: &'a Problem,
    /// The method of the request.
    pub method: &'a Method,
    /// The target of the request.
    pub uri: &'a Uri,
    /// Whether the client asked for HTML.
    pub accepts_html: bool,
    /// The headers of the request, for choices kept in cookies; empty unless
    /// the client asked for HTML.
    pub headers: &'a HeaderMap,
}

/// Shows a problem as a page, or `None` to leave the JSON document. Only the
/// body and the headers of the page are used; the status is the problem's.
pub type ErrorPage = Arc<dyn Fn(&FailedRequest<'_>) -> Option<Response> + Send + Sync>;

/// Everything between the connection and the handlers; see [`apply`](super::apply).
#[derive(Clone)]
pub struct Edge {
    shared: Arc<Shared>,
    error_page: Option<ErrorPage>,
}

struct Shared {
    settings: HttpSettings,
    origin: Option<PublicOrigin>,
    allowed_hosts: Vec<Authority>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    slots: Semaphore,
    meters: HttpMeters,
}

impl Edge {
    /// Builds the edge. Install the metrics recorder before the first request.
    pub fn new(
        settings: HttpSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, SettingsFault> {
        let (origin, allowed_hosts) = settings.prepare()?;
        let slots = Semaphore::new(settings.max_in_flight.min(Semaphore::MAX_PERMITS));
        Ok(Self {
            shared: Arc::new(Shared {
                settings,
                origin,
                allowed_hosts,
                clock,
                rng,
                slots,
                meters: HttpMeters::new(),
            }),
            error_page: None,
        })
    }

    /// Shows problems as pages where the function wants to.
    #[must_use]
    pub fn with_error_page(mut self, page: ErrorPage) -> Self {
        self.error_page = Some(page);
        self
    }

    /// The settings the edge was built from.
    pub fn settings(&self) -> &HttpSettings {
        &self.shared.settings
    }

    async fn handle<S>(self, service: S, request: Request) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        let started = Instant::now();
        let shared = &*self.shared;
        let (parts, body) = request.into_parts();
        let id = request_id::mint(shared.clock.as_ref(), shared.rng.as_ref());
        let method = parts.method.clone();
        let route = parts.extensions.get::<MatchedPath>().cloned();
        let span = request_id::span(id, &method, route.as_ref());
        let accepts_html = accepts_html(&parts.headers);
        let page = self.error_page.as_ref().map(|page| {
            let headers = accepts_html.then(|| parts.headers.clone());
            (page, parts.uri.clone(), headers.unwrap_or_default())
        });
        let in_flight = shared.meters.enter();

        let arrival = shared.arrival(id, &parts);
        let outcome = shared
            .admit(service, parts, body, arrival)
            .instrument(span.clone())
            .await;
        let mut response = outcome.unwrap_or_else(IntoResponse::into_response);

        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            let problem = problem.for_request(id);
            let shown = page.and_then(|(page, uri, headers)| {
                page(&FailedRequest {
                    problem: &problem,
                    method: &method,
                    uri: &uri,
                    accepts_html,
                    headers: &headers,
                })
            });
            present(&mut response, &problem, shown);
        }
        security_headers::write(response.headers_mut(), arrival.https);
        request_id::answer(response.headers_mut(), id);

        let latency = started.elapsed();
        let label = route.as_ref().map(MatchedPath::as_str);
        shared
            .meters
            .count(&method, label, response.status(), latency);
        drop(in_flight);
        request_id::conclude(&span, response.status(), latency);
        response
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

/// How a request reached us.
#[derive(Clone, Copy)]
struct Arrival {
    id: RequestId,
    ip: Option<std::net::IpAddr>,
    https: bool,
}

impl Shared {
    fn arrival(&self, id: RequestId, parts: &Parts) -> Arrival {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(address)| address.ip());
        let client = client_ip::resolve(
            peer,
            &parts.headers,
            &self.settings.trusted_proxies,
            self.settings.forward_header,
        );
        Arrival {
            id,
            ip: client.ip,
            https: self.settings.tls || client.https,
        }
    }

    /// Runs the checks that need no identity, then the handler.
    async fn admit<S>(
        &self,
        service: S,
        mut parts: Parts,
        body: Body,
        arrival: Arrival,
    ) -> Result<Response, Problem>
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        limits::check_head(&parts)?;
        self.check_origin(&parts, arrival.https)?;
        let _slot = self.take_slot(parts.uri.path())?;
        let body = limits::cap_body(&parts, body, self.settings.hard_body_limit)?;
        let source = client_ip::source(arrival.ip, &parts.headers);
        parts.extensions.insert(arrival.id);
        parts.extensions.insert(source);
        parts.extensions.insert(Secured(arrival.https));
        let request = Request::from_parts(parts, body);

        // A handler given up here is dropped: its transaction rolls back.
        let work = AssertUnwindSafe(async move { service.oneshot(request).await }).catch_unwind();
        match tokio::time::timeout(self.settings.timeout, work).await {
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(impossible))) => match impossible {},
            // The panic's own text may hold anything, so it is left to the
            // panic hook; the id leads there through the span.
            Ok(Err(_panic)) => {
                tracing::error!(incident = %arrival.id, "a handler panicked");
                Err(Problem::incident(arrival.id))
            }
            Err(_elapsed) => {
                Err(Problem::from_code(ErrorCode::new("request.timeout"))
                    .with_retry_after(RETRY_AFTER))
            }
        }
    }

    fn check_origin(&self, parts: &Parts, https: bool) -> Result<(), Problem> {
        let requested = host::requested(parts)?;
        let public = self.origin.as_ref();
        host::check(
            parts.uri.path(),
            public.map_or(https, |origin| origin.https),
            requested.as_ref(),
            public.map(|origin| &origin.authority),
            &self.allowed_hosts,
        )?;
        let own = match public {
            Some(origin) => csrf::OwnOrigin {
                https: origin.https,
                authority: Some(&origin.authority),
            },
            None => csrf::OwnOrigin {
                https,
                authority: requested.as_ref(),
            },
        };
        csrf::check(parts, own, &self.settings.credential_cookies)
    }

    fn take_slot(&self, path: &str) -> Result<Option<tokio::sync::SemaphorePermit<'_>>, Problem> {
        if ALWAYS_ADMITTED.contains(&path) {
            return Ok(None);
        }
        self.slots.try_acquire().map(Some).map_err(|_| {
            Problem::from_code(ErrorCode::new("request.overloaded")).with_retry_after(RETRY_AFTER)
        })
    }
}

/// Writes the problem, now with its instance, or the page made of it. Headers
/// that the handler added, such as a cleared cookie, stay.
fn present(response: &mut Response, problem: &Problem, page: Option<Response>) {
    response.headers_mut().remove(CONTENT_LENGTH);
    match page {
        Some(page) => {
            let (parts, body) = page.into_parts();
            for (name, value) in &parts.headers {
                response.headers_mut().insert(name, value.clone());
            }
            *response.body_mut() = body;
        }
        None => *response.body_mut() = Body::from(problem.to_json()),
    }
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|text| text.contains("text/html"))
}

impl<S> Layer<S> for Edge {
    type Service = EdgeService<S>;

    fn layer(&self, inner: S) -> EdgeService<S> {
        EdgeService {
            edge: self.clone(),
            inner,
        }
    }
}

/// The edge around one route.
#[derive(Debug, Clone)]
pub struct EdgeService<S> {
    edge: Edge,
    inner: S,
}

impl<S> Service<Request> for EdgeService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The clone may not be ready, the original is.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        let edge = self.edge.clone();
        Box::pin(async move { Ok(edge.handle(ready, request).await) })
    }
}
