//! `cargo xtask fuzz-api`: a server with the example shop, and schemathesis, which makes up requests
//! from the OpenAPI document and holds every answer against it.
//!
//! What it is told lives in `xtask/fuzz-api`. The first run installs it from PyPI into the target
//! folder; later ones need no network.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{Folder, Server, command};

/// The version that the settings were written for.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// Requests that are made up for an operation in each phase, unless the caller says otherwise.
const EXAMPLES: &str = "100";
/// The seed, unless the caller says otherwise.
const SEED: &str = "1";

/// Runs it with `[EXAMPLES [SEED]]`. Any finding is a failure.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let (examples, seed) = match arguments {
        [] => (EXAMPLES, SEED),
        [examples] => (*examples, SEED),
        [examples, seed] => (*examples, *seed),
        _ => return Err("cargo xtask fuzz-api [EXAMPLES [SEED]]".to_owned()),
    };
    let programs = installed(root)?;
    let binary = crate::demo::build(root, "dev")?;
    let folder = Folder::new()?;
    folder.copy(&root.join("examples/modules"), "modules", &["toml", "sql"])?;
    folder.copy(&root.join("examples/pipelines"), "pipelines", &["cst"])?;
    folder.copy(&root.join("xtask/fuzz-api"), "fuzz", &["toml", "py"])?;
    let server = Server::start(
        &binary,
        folder.path(),
        &["serve", "--listen", "127.0.0.1:0", "--data", "data", "--pipelines", "pipelines"],
    )?;
    let here = folder.path().join("fuzz");
    performed(command(&programs.join("python3"), &here, &["seed.py", &server.url]))?;
    let document = format!("{}/openapi.json", server.url);
    let settings = ["--config-file", "schemathesis.toml"];
    let bounds = ["--max-examples", examples, "--seed", seed];
    let mut schemathesis = command(&programs.join("schemathesis"), &here, &settings);
    schemathesis.args(["run", &document]).args(bounds);
    performed(schemathesis)?;
    server.stop()
}

/// The folder of the programs of a virtual environment with schemathesis.
fn installed(root: &Path) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = root.join(target.unwrap_or_else(|| "target".into()));
    let environment = target.join(SCHEMATHESIS.replace("==", "-"));
    let programs = environment.join("bin");
    if !programs.join("schemathesis").exists() {
        println!("Installing {SCHEMATHESIS} into {} …", environment.display());
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&environment);
        performed(venv)?;
        let mut install = Command::new(programs.join("python3"));
        performed({
            install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            install.arg(SCHEMATHESIS);
            install
        })?;
    }
    Ok(programs)
}

fn performed(mut command: Command) -> Result<(), String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown} ended with {status}")) }
}
