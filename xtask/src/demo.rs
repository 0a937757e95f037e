//! `cargo xtask demo`: builds the binary and plays the three modes on the example shop, as a user
//! would type them. Everything happens in a temporary folder and is gone afterwards.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::server::{Folder, Server, command};

const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--data", "data"];

/// Plays the demo. Fails as soon as something goes otherwise than it should.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    println!("Building the release binary …");
    let binary = build(root, "release")?;
    let folder = Folder::new()?;
    folder.copy(&root.join("examples/modules"), "modules", &["toml", "sql"])?;
    folder.copy(&root.join("examples/pipelines"), "pipelines", &["cst"])?;
    let shop = Shop { binary, folder };
    shop.hot()?;
    let server = shop.serve("A server keeps what is compiled, and what waits")?;
    shop.cold(&server)?;
    let id = shop.suspend(&server)?;
    println!("\n# It crashes: kill -9");
    server.kill()?;
    let server = shop.serve("It starts again on the same data")?;
    shop.resume(&server, &id)?;
    println!("\n# It stops when it is asked to: kill -TERM");
    server.stop()?;
    println!(
        "\nThat was all of it. Next: cargo install --path crates/cli, and look into examples/."
    );
    Ok(())
}

/// The binary in a folder with the example shop.
struct Shop {
    binary: PathBuf,
    folder: Folder,
}

impl Shop {
    fn hot(&self) -> Result<(), String> {
        println!("\n# Hot: a source runs here and now, and nothing is kept");
        self.tidegate(0, None, &["run", "pipelines/order-enrichment.cst", "orderId=ORD-123"])?;
        println!("\n# An input is missing: all the rest is computed");
        self.tidegate(8, None, &["run", "pipelines/refund-with-approval.cst", "orderId=ORD-123"])?;
        Ok(())
    }

    fn cold(&self, server: &Server) -> Result<(), String> {
        println!("\n# Cold: compiled once …");
        let lookup = ["compile", "pipelines/order-lookup.cst", "--name", "order-lookup"];
        self.tidegate(0, Some(server), &lookup)?;
        let refund = ["compile", "pipelines/refund-with-approval.cst", "--name", "refund"];
        self.tidegate(0, Some(server), &refund)?;
        println!("\n# … and executed by name");
        self.tidegate(0, Some(server), &["execute", "order-lookup", "orderId=ORD-123"])?;
        Ok(())
    }

    /// Gives the id of what was suspended.
    fn suspend(&self, server: &Server) -> Result<String, String> {
        println!("\n# Suspended: it goes as far as it can, and waits for a person");
        let words = self.tidegate(8, Some(server), &["execute", "refund", "orderId=ORD-123"])?;
        let id = words.split(|c: char| c != '-' && !c.is_ascii_alphanumeric());
        let id = id.into_iter().find(|word| word.starts_with("exec-"));
        id.map(str::to_owned).ok_or_else(|| "the answer does not name the execution".to_owned())
    }

    fn resume(&self, server: &Server, id: &str) -> Result<(), String> {
        println!("\n# Nothing is lost: it goes on where it was");
        self.tidegate(0, Some(server), &["executions"])?;
        self.tidegate(0, Some(server), &["resume", id, "approved=true"])?;
        Ok(())
    }

    fn serve(&self, purpose: &str) -> Result<Server, String> {
        println!("\n# {purpose}\n$ tidegate {} &", SERVE.join(" "));
        Server::start(&self.binary, self.folder.path(), &SERVE)
    }

    /// Types a command, shows its answer and gives all that it said.
    fn tidegate(
        &self,
        exit_code: i32,
        server: Option<&Server>,
        arguments: &[&str],
    ) -> Result<String, String> {
        println!("\n$ tidegate {}", arguments.join(" "));
        let mut command = command(&self.binary, self.folder.path(), arguments);
        if let Some(server) = server {
            command.env("TIDEGATE_SERVER", &server.url);
        }
        let Output { status, stdout, stderr } =
            command.output().map_err(|error| format!("{}: {error}", self.binary.display()))?;
        let words = [stdout, stderr].concat();
        let words = String::from_utf8_lossy(&words).into_owned();
        print!("{words}");
        match status.code() {
            Some(code) if code == exit_code => Ok(words),
            _ => Err(format!("\nexpected exit code {exit_code}, got {status}")),
        }
    }
}

/// Builds the binary with this profile, and says where cargo put it.
pub(crate) fn build(root: &Path, profile: &str) -> Result<PathBuf, String> {
    let output = Command::new(crate::cargo())
        .args(["build", "--profile", profile, "--package", "tidegate-cli"])
        .arg("--message-format=json")
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err("the binary does not build".to_owned());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let marker = "\"executable\":\"";
    let path = messages.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once(marker)?;
        rest.split_once('"').map(|(path, _)| path.replace("\\\\", "\\"))
    });
    path.map(PathBuf::from).ok_or_else(|| "cargo does not say where the binary is".to_owned())
}
