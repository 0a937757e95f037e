//! A disk that refuses to be written to for a while: one that is full, by a limit of the size of the
//! server's files (`RLIMIT_FSIZE`), and one that has become read-only, by failing the server's writes
//! (`strace` with fault injection).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::record::Record;
use crate::server::Server;
use crate::{Report, check, load};

/// Why nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is a little room, and then none.
    Full,
    /// Every write fails.
    ReadOnly,
}

/// How long a server may take to write again after its disk has room.
const RECOVER_MAX: Duration = Duration::from_secs(30);

/// Room that is left on a full disk, so that it fills up under load.
const ROOM: u64 = 2 << 20;

/// A write beyond the limit fails, and does not end the process.
const PATIENT: [&str; 3] = ["sh", "-c", r#"trap '' XFSZ; exec "$0" "$@""#];

/// The system calls by which a database file changes.
const WRITES: &str = "inject=pwrite64,ftruncate,fsync,fdatasync:error=EROFS";

/// Has the disk refuse writes under load, looks whether everything is refused clearly and nothing is
/// lost, lets it be written to again, and looks whether the server recovers by itself.
pub fn disk(binary: &Path, fault: Fault, rounds: u64, seed: u64) -> Result<Report, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut server = Server::new(binary, folder.path())?;
    let record = Record::new(seed);
    let mut report = Report::default();
    server.start(&PATIENT)?;
    load::compile(&server.client())?;
    for _ in 0..rounds {
        let refusing = refuse(&server, fault)?;
        if !load::run(&server, &record, 4, None) {
            return Err(format!("the disk is {fault:?} and nothing was refused"));
        }
        still_reads(&server, fault)?;
        drop(refusing);
        recovers(&server)?;
        report.rounds += 1;
    }
    check::all(&server.client(), &record)?;
    report.count(&record);
    Ok(report)
}

fn still_reads(server: &Server, fault: Fault) -> Result<(), String> {
    let client = server.client();
    for path in ["/health/live", "/pipelines", "/executions?limit=5"] {
        let answer = client.get(path).ok_or_else(|| format!("{path} is not answered"))?;
        if answer.status != 200 {
            return Err(format!("{path} answers {answer:?} on a disk that is {fault:?}"));
        }
    }
    Ok(())
}

fn recovers(server: &Server) -> Result<(), String> {
    let started = Instant::now();
    let kept = json!({ "ref": "pair", "inputs": { "a": 1 }, "keep": true });
    let client = server.client();
    while client.post("/execute", &kept).is_none_or(|answer| answer.status != 202) {
        if started.elapsed() > RECOVER_MAX {
            return Err(format!("the server does not recover\n{}", server.log()));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Ends the refusal when it is dropped.
enum Refusing {
    Limit(u32),
    Tracer(Child),
}

fn refuse(server: &Server, fault: Fault) -> Result<Refusing, String> {
    let id = server.process_id().ok_or("the server does not run")?;
    match fault {
        Fault::Full => limit(id, &room(server).to_string()).map(|()| Refusing::Limit(id)),
        Fault::ReadOnly => Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", WRITES, "-p", &id.to_string()])
            .stderr(Stdio::null())
            .spawn()
            .map(Refusing::Tracer)
            .map_err(|error| format!("strace cannot be started: {error}")),
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        match self {
            Refusing::Limit(id) => drop(limit(*id, "unlimited")),
            Refusing::Tracer(child) => {
                // Told by SIGTERM it lets go of the server; killed it might take the server along.
                drop(Command::new("kill").arg(child.id().to_string()).status());
                drop(child.wait());
            }
        }
    }
}

/// A little more than the largest file that the server has.
fn room(server: &Server) -> u64 {
    let files = std::fs::read_dir(server.data()).into_iter().flatten().flatten();
    let largest = files.filter_map(|file| Some(file.metadata().ok()?.len())).max();
    largest.unwrap_or(0) + ROOM
}

fn limit(id: u32, bytes: &str) -> Result<(), String> {
    let set = Command::new("prlimit")
        .args(["--pid", &id.to_string(), &format!("--fsize={bytes}:unlimited")])
        .status()
        .map_err(|error| format!("prlimit (util-linux) cannot be started: {error}"))?;
    if set.success() { Ok(()) } else { Err("prlimit failed".to_owned()) }
}
