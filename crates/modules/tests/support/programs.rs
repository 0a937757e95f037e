//! Programs that tests need beside Rust: found, else installed from Debian's packages, else the test is
//! skipped and says so. A run that must not skip (`TIDEGATE_TESTS_MUST_RUN`, which `cargo xtask ci`
//! sets) fails instead.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Whether a program can be started, once it has been installed if need be.
pub(crate) fn has(program: &str) -> bool {
    let package = if program == "node" { "nodejs" } else { program };
    let is_there = || Command::new(program).arg("--version").output().is_ok();
    is_there() || (install(package) && is_there()) || skip(program)
}

/// Installs a package of Debian; tells whether that could be done.
#[expect(clippy::print_stderr, reason = "it says aloud what it does")]
fn install(package: &str) -> bool {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !is_root() {
        return false;
    }
    eprintln!("installing `{package}`");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-q", "-o", "DPkg::Lock::Timeout=300"]).args(arguments);
        let output = command.env("DEBIAN_FRONTEND", "noninteractive").output();
        output.is_ok_and(|output| output.status.success())
    };
    let get = ["install", "-y", "--no-install-recommends", package];
    apt(&get) || (apt(&["update"]) && apt(&get))
}

#[expect(clippy::print_stderr, reason = "it says aloud what it does not do")]
fn skip(program: &str) -> bool {
    let message = format!("this test needs `{program}`, which is not installed");
    assert!(std::env::var_os("TIDEGATE_TESTS_MUST_RUN").is_none(), "{message}");
    eprintln!("SKIPPED: {message}");
    false
}

/// A PostgreSQL server in a temporary folder.
pub(crate) struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Postgres {
    /// A server whose database `script` has filled; `None`, said aloud, where there is no PostgreSQL.
    pub(crate) fn start(script: &str) -> Option<Postgres> {
        let found = programs().or_else(|| if install("postgresql") { programs() } else { None });
        let Some(programs) = found else {
            skip("postgres");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        // PostgreSQL refuses to be run by root.
        std::fs::create_dir(&data).expect("a folder");
        run(Command::new("chmod").args(["-R", "a+rwx"]).arg(folder.path()));
        if is_root() {
            run(Command::new("chown").args(["-R", "nobody"]).arg(folder.path()));
        }
        let initdb = programs.join("initdb");
        let common = ["--username=tester", "--auth=trust", "--no-sync", "--encoding=UTF8"];
        run(as_user(&initdb).args(common).arg("--pgdata").arg(&data));
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a port").port();
        let process = as_user(&programs.join("postgres"))
            .args(["-F", "-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(folder.path())
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres starts");
        let postgres = Postgres { folder, port, process };
        let started = Instant::now();
        while !postgres.is_ready(&programs) {
            assert!(started.elapsed() < Duration::from_secs(60), "it does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        let address = format!("--port={port}");
        run(Command::new(programs.join("psql")).args([
            "--host=127.0.0.1",
            &address,
            "--username=tester",
            "--dbname=postgres",
            "--set=ON_ERROR_STOP=1",
            "--command",
            script,
        ]));
        Some(postgres)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("postgres://tester:secret@127.0.0.1:{}/postgres", self.port)
    }

    fn is_ready(&self, programs: &Path) -> bool {
        let port = self.port.to_string();
        let mut asked = Command::new(programs.join("pg_isready"));
        asked.args(["-h", "127.0.0.1", "-p", &port]).stdout(Stdio::null()).stderr(Stdio::null());
        asked.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-INT", &self.process.id().to_string()]).status());
        drop(self.process.wait());
        assert!(self.folder.path().exists());
    }
}

fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).chain(debian);
    all.find(|folder| {
        ["initdb", "postgres", "psql", "pg_isready"].iter().all(|it| folder.join(it).exists())
    })
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id");
    output.stdout.starts_with(b"0")
}

/// The program as a user who may run it.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program is there");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
}
