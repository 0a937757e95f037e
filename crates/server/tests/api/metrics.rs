//! What the server counts.

use crate::host::Host;

#[tokio::test]
async fn requests_are_counted_by_operation_and_status() {
    let host = Host::start().await;
    host.post("/run", r#"{ "source": "out x = 1" }"#).await;
    host.post("/run", r#"{ "source": "out y" }"#).await;
    host.get("/runs").await;
    let answer = host.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
    for line in [
        "tidegate_executions 0",
        "tidegate_draining 0",
        "tidegate_event_streams 0",
        "tidegate_requests_total{operation=\"run\",status=\"2xx\"} 1",
        "tidegate_requests_total{operation=\"run\",status=\"4xx\"} 1",
        "tidegate_requests_total{operation=\"none\",status=\"4xx\"} 1",
        "tidegate_request_duration_seconds_count{operation=\"run\"} 2",
    ] {
        assert!(answer.body.lines().any(|one| one == line), "{line} in\n{}", answer.body);
    }
    let is_sample = |line: &str| {
        let value = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        line.starts_with('#') || (line.starts_with("tidegate_") && value.is_some())
    };
    assert!(answer.body.ends_with('\n') && answer.body.lines().all(is_sample), "{}", answer.body);
}
