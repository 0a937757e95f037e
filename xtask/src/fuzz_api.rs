//! `cargo xtask fuzz-api`: schemathesis sends the server whatever its OpenAPI document allows and
//! forbids, and holds every answer against the document.
//!
//! It is installed from PyPI into the build folder, once.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::demo;
use crate::server::{Folder, Server, command};

/// The version that is known to find nothing.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
const SERVE: [&str; 7] =
    ["serve", "--listen", "127.0.0.1:0", "--data", "data", "--pipelines", "pipelines"];
/// Executions to begin with: one that waits, one that is complete, and one that has failed.
const STARTED: [&[&str]; 3] = [
    &["execute", "refund-with-approval", "orderId=ORD-123", "--json"],
    &["execute", "order-lookup", "orderId=ORD-123", "--keep", "--json"],
    &["execute", "refund-with-approval", "--json"],
];

/// Runs it with this many examples for each operation.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let examples = match arguments {
        [] => "200",
        ["--examples", count] => count,
        _ => return Err("Usage: cargo xtask fuzz-api [--examples N]".to_owned()),
    };
    let tool = installed(root)?;
    let binary = demo::build(root)?;
    let folder = Folder::new()?;
    folder.copy(&root.join("examples/modules"), "modules", &["toml", "sql"])?;
    folder.copy(&root.join("examples/pipelines"), "pipelines", &["cst"])?;
    let server = Server::start(&binary, folder.path(), &SERVE)?;
    let mut ids = Vec::new();
    for arguments in STARTED {
        let mut all = arguments.to_vec();
        all.extend(["--server", &server.url]);
        let output = command(&binary, folder.path(), &all).output();
        let output = output.map_err(|error| format!("{}: {error}", binary.display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ids.extend(text.find("exec-").and_then(|at| text.get(at..at + 41)).map(str::to_owned));
    }
    let config = folder.path().join("schemathesis.toml");
    std::fs::write(&config, known(&ids))
        .map_err(|error| format!("{}: {error}", config.display()))?;
    let status = Command::new(tool)
        .arg("--config-file")
        .arg(config)
        .args(["run", &format!("{}/openapi.json", server.url), "--seed", "1"])
        .args(["--max-examples", examples, "--checks", "all"])
        // What fits the document may still be a source that does not compile, or a value that does not
        // fit the pipeline that is named.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .current_dir(folder.path())
        .status()
        .map_err(|error| format!("schemathesis cannot be started: {error}"))?;
    server.stop()?;
    if status.success() { Ok(()) } else { Err("schemathesis has findings".to_owned()) }
}

/// Names that exist, so that more is reached than 404.
fn known(ids: &[String]) -> String {
    format!(
        "[parameters]\n\"path.id\" = \"{}\"\n\"path.ref\" = \"order-lookup\"\n\"path.name\" = \"GetOrder\"\n",
        ids[0]
    )
}

/// The program, in a virtual environment of its own.
fn installed(root: &Path) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let folder = target.join(SCHEMATHESIS.replace("==", "-"));
    let tool = folder.join("bin/schemathesis");
    if tool.is_file() {
        return Ok(tool);
    }
    println!("Installing {SCHEMATHESIS} …");
    let run = |command: &mut Command| {
        let status = command.status().map_err(|error| format!("python3: {error}"))?;
        if status.success() { Ok(()) } else { Err("schemathesis cannot be installed".to_owned()) }
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))?;
    Ok(tool)
}
