//! One server process after the other, on one data folder and one port.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;

/// Longer than any start takes.
const START_MAX: Duration = Duration::from_secs(60);

/// Modules whose database outlives every server: `Note` writes what it is given once.
const MODULES: &str = r#"
[source.witness]
kind  = "sqlite"
path  = "witness.db"
init  = "witness.sql"
write = true

[module.Look]
signature = "(id: String) -> String"
source    = "witness"
sql       = "select 'seen ' || :id as seen"

[module.Note]
signature = "(id: String) -> Int"
source    = "witness"
effect    = "write"
sql       = "insert into notes (id, times) values (:id, 1) on conflict (id) do update set times = times + 1 returning times"

[module.Noted]
signature = "(id: String) -> Optional<Int>"
source    = "witness"
sql       = "select times from notes where id = :id"

[module.Score]
signature = "(n: Int) -> Int"
source    = "witness"
sql       = "select :n * 2 as score"
"#;

pub(crate) struct Server {
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl Server {
    pub(crate) fn new(binary: &Path, folder: &Path) -> Result<Server, String> {
        let modules = folder.join("modules");
        let schema = "create table notes (id text primary key, times integer not null) strict;";
        let write = |path: PathBuf, text| fs::write(path, text).map_err(|error| error.to_string());
        fs::create_dir(&modules).map_err(|error| error.to_string())?;
        write(modules.join("witness.toml"), MODULES)?;
        write(modules.join("witness.sql"), schema)?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.map_err(|error| error.to_string())?.port();
        Ok(Server { binary: binary.to_owned(), folder: folder.to_owned(), port, process: None })
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.port)
    }

    pub(crate) fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts a process, through the command `wrapper` where there is one, and waits until it is
    /// ready.
    pub(crate) fn start(&mut self, wrapper: &[&str]) -> Result<(), String> {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.map_err(|error| error.to_string())?;
        let mut command = match wrapper {
            [] => Command::new(&self.binary),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.binary);
                command
            }
        };
        let process = command
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args([Path::new("--data"), &self.data()])
            .args([Path::new("--modules"), &self.folder.join("modules")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.binary.display()))?;
        self.process = Some(process);
        let (client, started) = (self.client(), Instant::now());
        while client.get("/health/ready").is_none_or(|answer| answer.status != 200) {
            let ended = self.process.as_mut().map(Child::try_wait);
            if !matches!(ended, Some(Ok(None))) || started.elapsed() > START_MAX {
                return Err(format!("the server does not start\n{}", self.log()));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Kills the process where it stands (SIGKILL).
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself, which the next start tells.
            drop(process.kill());
            drop(process.wait());
        }
    }

    /// What the servers have said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
