//! `GET /metrics`: what the server did and has to do, in the text format of Prometheus.
//!
//! Requests are counted by operation, with atomics only, so that counting makes nobody wait. An
//! operation that nobody has asked for yet is left out.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::limits::STREAMS_MAX;
use crate::reply::Reply;
use crate::routes::{Endpoint, ROUTES};
use crate::service::App;

/// The media type of the format.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4";

/// Upper ends of the buckets of durations, in seconds as they are shown and in microseconds.
const BUCKETS: [(&str, u64); 7] = [
    ("0.001", 1_000),
    ("0.01", 10_000),
    ("0.1", 100_000),
    ("1", 1_000_000),
    ("10", 10_000_000),
    ("60", 60_000_000),
    ("+Inf", u64::MAX),
];
/// One for each endpoint, and one for requests that ask for none.
const OPERATIONS: usize = Endpoint::Describe as usize + 2;

/// How many requests there were, and how long they took.
#[derive(Default)]
pub(crate) struct Metrics {
    operations: [Counts; OPERATIONS],
}

/// The requests of one operation.
#[derive(Default)]
struct Counts {
    /// By the first digit of the status, from 1.
    statuses: [AtomicU64; 5],
    /// By duration. The buckets of the format hold those before them too; these do not.
    buckets: [AtomicU64; BUCKETS.len()],
    microseconds: AtomicU64,
}

impl Metrics {
    /// Counts a request that was answered.
    pub(crate) fn count(&self, endpoint: Option<Endpoint>, status: u16, took: Duration) {
        let counts = &self.operations[endpoint.map_or(OPERATIONS - 1, |it| it as usize)];
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = counts.statuses.get(usize::from(status / 100).wrapping_sub(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let bucket = BUCKETS.partition_point(|(_, end)| *end < microseconds);
        counts.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        counts.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    fn requests(&self, out: &mut Page) {
        out.family("tidegate_requests_total", "counter", "Requests that were answered.");
        for (operation, counts) in self.asked_for() {
            for (digit, count) in (1..).zip(&counts.statuses) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = format!("operation=\"{operation}\",status=\"{digit}xx\"");
                    out.sample("tidegate_requests_total", &labels, count);
                }
            }
        }
    }

    fn durations(&self, out: &mut Page) {
        let name = "tidegate_request_duration_seconds";
        out.family(name, "histogram", "Time from the head of a request to that of its answer.");
        for (operation, counts) in self.asked_for() {
            let mut sum = 0;
            for ((end, _), count) in BUCKETS.iter().zip(&counts.buckets) {
                sum += count.load(Ordering::Relaxed);
                let labels = format!("operation=\"{operation}\",le=\"{end}\"");
                out.sample(&format!("{name}_bucket"), &labels, sum);
            }
            let labels = format!("operation=\"{operation}\"");
            let seconds = Duration::from_micros(counts.microseconds.load(Ordering::Relaxed));
            out.sample(&format!("{name}_sum"), &labels, seconds.as_secs_f64());
            out.sample(&format!("{name}_count"), &labels, sum);
        }
    }

    fn asked_for(&self) -> impl Iterator<Item = (&'static str, &Counts)> {
        let endpoints = ROUTES.iter().flat_map(|(_, methods)| methods.iter());
        let routed =
            endpoints.map(|(_, endpoint)| (endpoint.name(), &self.operations[*endpoint as usize]));
        let all = routed.chain([("none", &self.operations[OPERATIONS - 1])]);
        all.filter(|(_, counts)| {
            counts.buckets.iter().any(|count| count.load(Ordering::Relaxed) > 0)
        })
    }
}

/// `GET /metrics`.
pub(crate) fn read(app: &App) -> Reply {
    let mut out = Page(String::with_capacity(4_096));
    let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"");
    out.family("tidegate_info", "gauge", "The version that runs.");
    out.sample("tidegate_info", version, 1);
    out.family("tidegate_executions", "gauge", "Executions in memory: those that run.");
    out.sample("tidegate_executions", "", app.engine.load());
    out.family("tidegate_event_streams", "gauge", "Open streams of server-sent events.");
    out.sample("tidegate_event_streams", "", STREAMS_MAX - app.streams.available_permits());
    out.family("tidegate_draining", "gauge", "1 while the server shuts down.");
    out.sample("tidegate_draining", "", u8::from(app.engine.is_draining()));
    app.metrics.requests(&mut out);
    app.metrics.durations(&mut out);
    Reply::text(MEDIA_TYPE, out.0)
}

/// A page of metrics that is being written. Writing into memory cannot fail.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").unwrap_or_default();
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        match labels {
            "" => writeln!(self.0, "{name} {value}").unwrap_or_default(),
            labels => writeln!(self.0, "{name}{{{labels}}} {value}").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_place_and_buckets_add_up() {
        let metrics = Metrics::default();
        for (_, methods) in ROUTES {
            methods.iter().for_each(|(_, it)| metrics.count(Some(*it), 200, Duration::ZERO));
        }
        for (status, milliseconds) in [(202, 1), (422, 2), (503, 90_000)] {
            metrics.count(Some(Endpoint::Run), status, Duration::from_millis(milliseconds));
        }
        metrics.count(None, 404, Duration::ZERO);
        let mut page = Page(String::new());
        metrics.requests(&mut page);
        metrics.durations(&mut page);
        let lines = |start: &str| page.0.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(lines("tidegate_requests_total{"), OPERATIONS + 2);
        for expected in [
            "tidegate_requests_total{operation=\"run\",status=\"2xx\"} 2\n",
            "tidegate_requests_total{operation=\"none\",status=\"4xx\"} 1\n",
            "_bucket{operation=\"run\",le=\"0.001\"} 2\n",
            "_bucket{operation=\"run\",le=\"60\"} 3\n",
            "_bucket{operation=\"run\",le=\"+Inf\"} 4\n",
            "_sum{operation=\"run\"} 90.003\n",
            "_count{operation=\"run\"} 4\n",
        ] {
            assert!(page.0.contains(expected), "{expected} in\n{}", page.0);
        }
    }
}
