//! Numbers about requests.
//!
//! - `http_requests_total{method, route, status}`: status is the class, `2xx`.
//! - `http_request_duration_seconds{method, route}`: until the answer's head.
//! - `http_requests_in_flight`.
//!
//! The route is the matched template, never the path, so that the number of
//! series does not depend on what clients send.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram, Unit};

const REQUESTS: &str = "http_requests_total";
const DURATION: &str = "http_request_duration_seconds";
const IN_FLIGHT: &str = "http_requests_in_flight";

const METHODS: [&str; 8] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "OTHER",
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The meters of one edge. Handles are looked up once per route and method and
/// kept, because building their labels costs more than counting.
pub(crate) struct HttpMeters {
    routes: RwLock<HashMap<String, Arc<RouteMeters>>>,
    in_flight: OnceLock<Gauge>,
}

#[derive(Default)]
struct RouteMeters {
    methods: [OnceLock<MethodMeters>; METHODS.len()],
}

struct MethodMeters {
    duration: Histogram,
    classes: [Counter; CLASSES.len()],
}

/// Counts a request as in flight until dropped, also when the client goes away.
pub(crate) struct InFlight<'a>(&'a Gauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl HttpMeters {
    pub(crate) fn new() -> Self {
        Self {
            routes: RwLock::default(),
            in_flight: OnceLock::new(),
        }
    }

    pub(crate) fn enter(&self) -> InFlight<'_> {
        // Asked for late, so that a recorder installed after the router was
        // built still gets the numbers.
        let gauge = self.in_flight.get_or_init(|| {
            describe();
            metrics::gauge!(IN_FLIGHT)
        });
        gauge.increment(1.0);
        InFlight(gauge)
    }

    pub(crate) fn count(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        latency: Duration,
    ) {
        let route = route.unwrap_or("unmatched");
        let meters = self.route(route);
        let at = METHODS
            .iter()
            .position(|known| *known == method.as_str())
            .unwrap_or(METHODS.len() - 1);
        let Some((slot, name)) = meters.methods.get(at).zip(METHODS.get(at)) else {
            return;
        };
        let meters = slot.get_or_init(|| MethodMeters::new(name, route));
        meters.duration.record(latency.as_secs_f64());
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = meters.classes.get(class) {
            counter.increment(1);
        }
    }

    fn route(&self, route: &str) -> Arc<RouteMeters> {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(meters) = known.get(route) {
            return Arc::clone(meters);
        }
        drop(known);
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(routes.entry(route.to_owned()).or_default())
    }
}

impl MethodMeters {
    fn new(method: &'static str, route: &str) -> Self {
        let route = route.to_owned();
        Self {
            duration: metrics::histogram!(DURATION, "method" => method, "route" => route.clone()),
            classes: CLASSES.map(|class| {
                metrics::counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => class)
            }),
        }
    }
}

fn describe() {
    metrics::describe_counter!(REQUESTS, "Requests answered, by class of status.");
    metrics::describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time until the head of the answer was ready."
    );
    metrics::describe_gauge!(IN_FLIGHT, "Requests being worked on.");
}
