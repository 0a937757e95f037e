//! A disk that fills up: the size of the server's files is limited (`RLIMIT_FSIZE`), which fails its
//! writes as a full disk does, and then raised while it runs.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::record::Record;
use crate::server::Server;
use crate::{Report, check, load};

/// How long a server may take to write again after its disk has room.
const RECOVER_MAX: Duration = Duration::from_secs(30);

/// A write beyond the limit fails, and does not end the process.
const PATIENT: [&str; 3] = ["sh", "-c", r#"trap '' XFSZ; exec "$0" "$@""#];

/// Fills the disk under load, looks whether everything is refused clearly and nothing is lost, gives
/// it room again, and looks whether the server recovers by itself.
pub fn fill(binary: &Path, rounds: u64, seed: u64) -> Result<Report, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut server = Server::new(binary, folder.path())?;
    let record = Record::new(seed);
    let mut report = Report::default();
    server.start(&PATIENT)?;
    load::compile(&server.client())?;
    for _ in 0..rounds {
        limit(&server, Some(room(&server)))?;
        if !load::run(&server, &record, 4, None) {
            return Err("the disk is full and nothing was refused".to_owned());
        }
        let client = server.client();
        for path in ["/health/live", "/pipelines", "/executions?limit=5"] {
            let answer = client.get(path).ok_or_else(|| format!("{path} is not answered"))?;
            if answer.status != 200 {
                return Err(format!("{path} answers {answer:?} on a full disk"));
            }
        }
        limit(&server, None)?;
        let started = Instant::now();
        let kept = json!({ "ref": "pair", "inputs": { "a": 1 }, "keep": true });
        while client.post("/execute", &kept).is_none_or(|answer| answer.status != 202) {
            if started.elapsed() > RECOVER_MAX {
                return Err(format!("the server does not recover\n{}", server.log()));
            }
            thread::sleep(Duration::from_millis(50));
        }
        report.kills += 1;
    }
    check::all(&server.client(), &record)?;
    (report.answers, report.unanswered) = record.answers();
    (report.executions, report.facts) = (record.len(), record.facts());
    Ok(report)
}

/// A little more than the largest file that the server has.
fn room(server: &Server) -> u64 {
    let files = std::fs::read_dir(server.data()).into_iter().flatten().flatten();
    let largest = files.filter_map(|file| Some(file.metadata().ok()?.len())).max();
    largest.unwrap_or(0) + (256 << 10)
}

fn limit(server: &Server, bytes: Option<u64>) -> Result<(), String> {
    let id = server.process_id().unwrap_or_default().to_string();
    let bytes = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    let set = Command::new("prlimit")
        .args(["--pid", &id, &format!("--fsize={bytes}:unlimited")])
        .status()
        .map_err(|error| format!("prlimit (util-linux) cannot be started: {error}"))?;
    if set.success() { Ok(()) } else { Err("prlimit failed".to_owned()) }
}
