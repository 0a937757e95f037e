//! A folder with the example shop, the real binary in it, and plain HTTP to it.
#![allow(dead_code, unreachable_pub, reason = "each test file uses what it needs")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A pipeline that waits for an approval.
pub const APPROVAL: &str = "\
in userId: String
@title(\"Approve the user?\")
@description(\"Ask somebody who knows them.\")
in approval: Boolean
user = GetUser(userId)
out user when approval
";

/// A temporary folder with modules and pipelines, in which commands are typed.
pub struct Folder {
    folder: TempDir,
}

/// What a command said.
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    /// A folder with a copy of the example shop.
    pub fn with_shop() -> Folder {
        let folder = Folder::empty();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        for (name, extensions) in [("modules", ["toml", "sql"]), ("pipelines", ["cst", "cst"])] {
            fs::create_dir(folder.path(name)).unwrap();
            for entry in fs::read_dir(examples.join(name)).unwrap() {
                let path = entry.unwrap().path();
                let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
                if extensions.contains(&extension) {
                    let file = path.file_name().unwrap().to_str().unwrap();
                    fs::copy(&path, folder.path(name).join(file)).unwrap();
                }
            }
        }
        folder
    }

    /// A folder with nothing in it.
    pub fn empty() -> Folder {
        Folder { folder: TempDir::new().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The binary, at home in this folder, with nothing from the environment of the test.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Types a command and waits for its end.
    pub fn tidegate(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// The same with something on standard input.
    pub fn tidegate_reading(&self, input: &str, arguments: &[&str]) -> Said {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Said::of(child.wait_with_output().unwrap())
    }

    /// Types a command for a server.
    pub fn ask(&self, server: &Server, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.env("TIDEGATE_SERVER", &server.url);
        let mut said = Said::of(command.output().unwrap());
        said.stdout = said.stdout.replace(&server.url, "http://SERVER");
        said.stderr = said.stderr.replace(&server.url, "http://SERVER");
        said
    }

    /// Starts a server on the data in this folder and waits until it listens.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        let listen = ["serve", "--listen", "127.0.0.1:0", "--data", "data"];
        let mut child = self.command(&[&listen, arguments].concat()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        let mut server = Server { child, url: String::new(), lines };
        let line = server.wait_for("listens on http://");
        let start = line.find("http://").unwrap();
        server.url = line[start..].trim().to_owned();
        server
    }
}

impl Said {
    fn of(output: Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Said { code: output.status.code(), stdout, stderr }
    }

    /// All of it in one text, with what varies by its form.
    pub fn transcript(&self) -> String {
        let code = self.code.map_or("killed".to_owned(), |code| code.to_string());
        let part = |name: &str, text: &str| match text {
            "" => String::new(),
            text => format!("--- {name}\n{}\n", by_form(text.trim_end())),
        };
        format!("exit {code}\n{}{}", part("stdout", &self.stdout), part("stderr", &self.stderr))
    }

    /// Standard output as the one JSON document that it should be.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.transcript()))
    }

    /// The first id of an execution that is named.
    pub fn execution_id(&self) -> String {
        let all = format!("{}{}", self.stdout, self.stderr);
        let start = all.find("exec-").unwrap_or_else(|| panic!("no id in {all}"));
        all[start..start + 41].to_owned()
    }
}

/// A running server; killed when it is dropped.
pub struct Server {
    child: Child,
    pub url: String,
    lines: Receiver<String>,
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Server {
    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as a service manager does.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "the server does not end");
            thread::yield_now();
        }
    }

    /// Reads what it says until a line has `part` in it.
    pub fn wait_for(&self, part: &str) -> String {
        let mut said = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => said = format!("{said}{line}\n"),
                Err(error) => panic!("the server never said `{part}` ({error}); it said:\n{said}"),
            }
        }
    }

    pub fn get(&self, path: &str) -> Reply {
        request(&self.url, &format!("GET {path} HTTP/1.1\r\n"), "")
    }

    pub fn post(&self, path: &str, body: &str) -> Reply {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n");
        request(&self.url, &head, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One request over a connection of its own, and its answer.
pub fn request(url: &str, head: &str, body: &str) -> Reply {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let rest = format!("Host: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{rest}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body:?}"));
    Reply { status, head: head.to_owned(), body }
}

/// The text with ids, hashes, durations and times replaced by their names, where they have the form
/// that they should have.
pub fn by_form(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let (length, name) = form(rest, out.chars().next_back());
        if length > 0 {
            out.push_str(name);
            rest = &rest[length..];
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

fn form(text: &str, before: Option<char>) -> (usize, &'static str) {
    if before.is_some_and(|before| before.is_ascii_alphanumeric()) {
        return (0, "");
    }
    if text.starts_with("exec-") && is_execution_id(text.get(..41).unwrap_or_default()) {
        return (41, "exec-ID");
    }
    if let Some(digits) = text.strip_prefix("sha256:") {
        let count = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
        if count == 64 || (count > 0 && digits[count..].starts_with('…')) {
            let cut = if count == 64 { 0 } else { '…'.len_utf8() };
            return (7 + count + cut, "sha256:HASH");
        }
    }
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let number = text.find(|c| !digits(c)).unwrap_or(text.len());
    if number > 0 && (text[number..].starts_with(" ms") || text[number..].starts_with(" s")) {
        return (number, "N");
    }
    let time = text.get(..10).unwrap_or_default();
    if time.bytes().filter(|b| *b == b'-').count() == 2 && text[10..].starts_with('T') {
        let end = text.find('Z').map_or(text.len(), |at| at + 1);
        return (end, "TIME");
    }
    (0, "")
}

/// Whether this is `exec-` and a UUIDv7.
pub fn is_execution_id(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("exec-") else { return false };
    let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12]
        && uuid.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
        && uuid.as_bytes()[14] == b'7'
}

/// Whether this is `sha256:` and 64 hexadecimal digits.
pub fn is_hash(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit())
}
