//! Forgets, in a running server, what has come to its end long enough ago.

use std::time::Duration;

use engine::{Engine, Retention};

use crate::limits::SWEEP_EVERY;

/// Reads a time span as the language writes it, `7d`; `m` is short for `min`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let minutes = text.strip_suffix('m').map(|number| format!("{number}min"));
    let ms = lang::duration_ms(minutes.as_deref().unwrap_or(text));
    ms.map(Duration::from_millis).ok_or_else(|| {
        "write a whole number and `s`, `m`, `h` or `d`, such as `7d` or `12h`".to_owned()
    })
}

/// Sweeps from time to time, for as long as it is awaited.
pub(crate) async fn sweep_regularly(engine: Engine, retention: Retention) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        match engine.sweep(retention).await {
            Ok(0) => {}
            Ok(executions) => tracing::info!(executions, "forgot what was past its time"),
            // The next one tries again.
            Err(error) => tracing::warn!(%error, "what is past its time was not forgotten"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate::Tidegate;

    use super::*;

    #[test]
    fn spans_are_those_of_the_language() {
        let hours = |hours: u64| Ok(Duration::from_secs(60 * 60 * hours));
        assert_eq!(span("7d"), hours(7 * 24));
        assert_eq!(span("12h"), hours(12));
        assert_eq!((span("60m"), span("60min")), (hours(1), hours(1)));
        assert_eq!((span("0s"), span("5ms")), (hours(0), Ok(Duration::from_millis(5))));
        for bad in ["", "7", "d", "-1d", "1.5h", "1w", "m", "99999999999999999999d", "7 d"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    async fn keep(tidegate: &Tidegate, source: &str) {
        let image = tidegate.check(source).await.expect("a store").image.expect("it compiles");
        let loaded = engine::LoadedImage::new(image).expect("it loads").into();
        let source = Some(source.into());
        let start =
            engine::Start { loaded, source, pipeline: None, inputs: Vec::new(), keep: true };
        let caller = engine::Caller::waiting(Duration::from_secs(60));
        tidegate.engine().start(start, caller).await.expect("it starts");
    }

    /// Statuses of what is kept, the newest first.
    async fn kept(tidegate: &Tidegate) -> Vec<&'static str> {
        let query = engine::ports::ExecutionQuery { limit: 9, ..Default::default() };
        let rows = tidegate.engine().executions(query).await.expect("a listing");
        rows.iter().map(|row| row.summary.status.as_str()).collect()
    }

    /// What ended in this very millisecond is not past its time.
    async fn a_moment_later(tidegate: &Tidegate) {
        let now = tidegate.engine().now();
        while tidegate.engine().now() == now {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn on_disk_each_kind_has_its_own_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let tidegate = Tidegate::builder().store(folder.path()).build().expect("a store");
        for source in ["out x = 1", "a = 1\nout x = 1 / (a - 1)", "in x: Int\nout x"] {
            keep(&tidegate, source).await;
        }
        let before = kept(&tidegate).await;
        assert_eq!(before, ["Suspended", "Failed", "Completed"]);
        let (none, day) = (Duration::ZERO, Duration::from_secs(24 * 60 * 60));
        for (finished, failed, left) in [
            (day, day, &["Suspended", "Failed", "Completed"][..]),
            (none, day, &["Suspended", "Failed"]),
            (none, none, &["Suspended"]),
        ] {
            a_moment_later(&tidegate).await;
            let retention = Retention { finished, failed };
            tidegate.engine().sweep(retention).await.expect("a sweep");
            assert_eq!(kept(&tidegate).await, left);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_sweep_comes_after_a_while_and_more_follow() {
        let tidegate = Tidegate::builder().build().expect("a store in memory");
        let retention = Retention { finished: Duration::ZERO, failed: Duration::ZERO };
        let sweeping = tokio::spawn(sweep_regularly(tidegate.engine().clone(), retention));
        for _ in 0..2 {
            keep(&tidegate, "out x = 1").await;
            tokio::time::sleep(SWEEP_EVERY / 2).await;
            assert_eq!(kept(&tidegate).await, ["Completed"]);
            a_moment_later(&tidegate).await;
            tokio::time::sleep(SWEEP_EVERY / 2 + Duration::from_millis(1)).await;
            assert!(kept(&tidegate).await.is_empty());
        }
        sweeping.abort();
    }
}
