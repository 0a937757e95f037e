//! The packages for Python and Node: their own tests, and the example workers that use them.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use model::Value;
use support::programs::has;
use support::{call, show, text};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn passes(command: &mut Command) {
    let output = command.output().expect("the program is installed");
    let told = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
}

#[test]
fn the_python_package_passes_its_tests() {
    if !has("python3") {
        return;
    }
    let folder = root().join("sdk/python");
    let arguments = ["-m", "unittest", "discover", "tests"];
    passes(
        Command::new("python3")
            .args(arguments)
            .env("PYTHONPATH", "src")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(folder),
    );
}

#[test]
fn the_node_package_passes_its_tests() {
    passes(
        Command::new("node").args(["--test", "test/"]).current_dir(root().join("sdk/typescript")),
    );
}

#[tokio::test]
async fn the_example_workers_answer() {
    if !has("python3") || !has("node") {
        return;
    }
    let folder = root().join("examples/workers");
    let manifest = tidegate_modules::load(&folder).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let slug = call(&manifest.modules["Slug"].module, &[text("Crème brûlée!")]).await;
    assert_eq!(show(slug), "String(\"creme-brulee-\")");
    let line = Value::Record([Value::Int(5), text("GLS-1")].into());
    let pack = call(&manifest.modules["Pack"].module, &[Value::List([line].into())]).await;
    assert_eq!(show(pack), "Record([Boolean(true), Float(2.0)])");
}
