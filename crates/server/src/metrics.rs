//! Counters of the server, in the text format of Prometheus (version 0.0.4).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;

use crate::limits::STREAMS_MAX;
use crate::openapi::operation;
use crate::reply::Reply;
use crate::routes::{Endpoint, ROUTES};
use crate::service::App;

/// Classes of statuses: 1xx to 5xx.
const CLASSES: usize = 5;

/// How many requests were answered, by endpoint and class of status.
pub(crate) struct Metrics {
    answered: [[AtomicU64; CLASSES]; Endpoint::COUNT],
    /// Requests that no endpoint is meant by.
    unknown: AtomicU64,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        Metrics { answered: Default::default(), unknown: AtomicU64::new(0) }
    }

    /// Counts an answer.
    pub(crate) fn count(&self, endpoint: Option<Endpoint>, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        let counter = match endpoint {
            Some(endpoint) => &self.answered[endpoint as usize][class],
            None => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// `GET /metrics`.
pub(crate) fn read(app: &App) -> Reply {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        writeln!(text, "{line}").unwrap_or_default();
    };
    line(format_args!("# HELP tidegate_requests_total Requests that were answered."));
    line(format_args!("# TYPE tidegate_requests_total counter"));
    let endpoints = ROUTES.iter().flat_map(|(_, methods)| methods.iter().map(|(_, one)| *one));
    for endpoint in endpoints {
        for (class, counter) in (1..).zip(&app.metrics.answered[endpoint as usize]) {
            let count = counter.load(Ordering::Relaxed);
            if count > 0 {
                let id = operation(endpoint).id;
                line(format_args!(
                    "tidegate_requests_total{{operation=\"{id}\",status=\"{class}xx\"}} {count}"
                ));
            }
        }
    }
    let unknown = app.metrics.unknown.load(Ordering::Relaxed);
    line(format_args!("tidegate_requests_total{{operation=\"\",status=\"4xx\"}} {unknown}"));
    let streams = STREAMS_MAX - app.streams.available_permits();
    let gauges = [
        ("tidegate_executions", "Executions in memory.", app.engine.load()),
        ("tidegate_event_streams", "Open streams of server-sent events.", streams),
        ("tidegate_modules", "Modules of this host.", app.engine.registry().iter().count()),
    ];
    for (name, help, value) in gauges {
        line(format_args!("# HELP {name} {help}"));
        line(format_args!("# TYPE {name} gauge"));
        line(format_args!("{name} {value}"));
    }
    line(format_args!("# HELP tidegate_build_info The version that runs."));
    line(format_args!("# TYPE tidegate_build_info gauge"));
    let version = env!("CARGO_PKG_VERSION");
    line(format_args!("tidegate_build_info{{version=\"{version}\"}} 1"));
    Reply::plain(text)
}
