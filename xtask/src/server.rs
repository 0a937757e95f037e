//! A server and a folder for tasks that need them, both gone when they are dropped.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a server may take until it listens.
const START_MAX: Duration = Duration::from_secs(30);

/// A temporary folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes an empty one.
    pub(crate) fn new() -> Result<Folder, String> {
        let path = std::env::temp_dir().join(format!("tidegate-xtask-{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Folder(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Copies the files of a folder into a folder in here.
    pub(crate) fn copy(&self, from: &Path, name: &str, extensions: &[&str]) -> Result<(), String> {
        let failed = |error| format!("{}: {error}", from.display());
        let target = self.0.join(name);
        fs::create_dir(&target).map_err(failed)?;
        for entry in fs::read_dir(from).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if let (Some(file), Some(extension)) = (path.file_name(), path.extension())
                && extensions.iter().any(|known| extension == *known)
            {
                fs::copy(&path, target.join(file)).map_err(failed)?;
            }
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A running `tidegate serve`.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Server {
    /// Starts one and waits until it says where it listens.
    pub(crate) fn start(
        binary: &Path,
        folder: &Path,
        arguments: &[&str],
    ) -> Result<Server, String> {
        let mut child = command(binary, folder, arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || forward(stderr, &sender));
        }
        let mut server = Server { child, url: String::new() };
        while let Ok(line) = lines.recv_timeout(START_MAX) {
            println!("  {line}");
            if let Some(at) = line.find("http://") {
                let url = line[at..].split_whitespace().next().unwrap_or_default();
                server.url = url.to_owned();
                return Ok(server);
            }
        }
        Err("the server did not start".to_owned())
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> Result<(), String> {
        self.child.kill().map_err(|error| format!("the server cannot be killed: {error}"))
    }

    /// Asks it to stop, as a service manager does, and waits for its end.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        let status = self.child.wait().map_err(|error| format!("the server: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A command in a folder, without settings from the environment of whoever runs the task.
pub(crate) fn command(binary: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDEGATE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Reads on to the end, so that the server never waits for its reader.
fn forward(stream: impl Read, sender: &mpsc::Sender<String>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        drop(sender.send(line));
    }
}
