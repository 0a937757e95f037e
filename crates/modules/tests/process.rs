//! Workers that behave, and workers that do not: each is a small script, started by a manifest as
//! a user would.

mod support;

use std::time::Duration;

use model::Value;
use support::programs::has;
use support::{Folder, call, show, text};
use tidegate_modules::Manifest;

/// What every script begins with: it says hello with the given modules, and reads and writes lines.
const PRELUDE: &str = r#"
import json, os, sys, threading, time
def say(document):
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
def hello(*modules):
    say({"tidegate": 1, "modules": [
        dict(zip(("name", "signature", "effect"), module)) for module in modules]})
def requests():
    for line in sys.stdin:
        yield json.loads(line)
"#;

struct Worker {
    folder: Folder,
    manifest: Manifest,
}

fn source(more: &str) -> String {
    format!("[source.tools]\nkind = \"process\"\ncommand = [\"python3\", \"w.py\"]\n{more}\n")
}

impl Worker {
    fn new(script: &str) -> Worker {
        Worker::with("", script)
    }

    fn with(more: &str, script: &str) -> Worker {
        let folder = Folder::new();
        folder.write("m.toml", &source(more));
        folder.write("w.py", &format!("{PRELUDE}{script}"));
        let manifest = folder.load().unwrap_or_else(|faults| panic!("{faults:#?}"));
        Worker { folder, manifest }
    }

    /// The odd worker, in either language.
    fn odd(program: &str, more: &str) -> Worker {
        if program == "python3" {
            return Worker::with(more, ODD);
        }
        let folder = Folder::new();
        folder
            .write("m.toml", &source(more).replace("\"python3\", \"w.py\"", "\"node\", \"w.js\""));
        folder.write("w.js", ODD_NODE);
        let manifest = folder.load().unwrap_or_else(|faults| panic!("{faults:#?}"));
        Worker { folder, manifest }
    }

    async fn call(&self, name: &str, arguments: &[Value]) -> String {
        show(call(&self.manifest.modules[name].module, arguments).await)
    }
}

#[tokio::test]
async fn a_worker_declares_and_answers() {
    if !has("python3") {
        return;
    }
    let worker = Worker::new(
        r#"
hello(["Double", "(n: Int) -> Int", "pure"], ["crm.Greet", "(name: String, title: Optional<String>) -> { text: String }"])
for r in requests():
    i = r["inputs"]
    if r["call"] == "Double":
        say({"id": r["id"], "output": 2 * i["n"]})
    else:
        say({"id": r["id"], "output": {"text": f"{i['title']} {i['name']} {r['callKey']} {r['attempt']} {r['deadlineMs']}"}})
"#,
    );
    let modules = &worker.manifest.modules;
    let shown: Vec<String> =
        modules.iter().map(|(name, module)| format!("{name} {module:?}")).collect();
    assert_eq!(
        shown,
        [
            "Double pure (n: Int) -> Int",
            "crm.Greet read (name: String, title: Optional<String>) -> { text: String }"
        ]
    );
    assert!(modules["Double"].origin.ends_with("m.toml"));
    assert_eq!(worker.call("Double", &[Value::Int(21)]).await, "Int(42)");
    assert_eq!(
        worker.call("crm.Greet", &[text("Ann"), Value::None]).await,
        "Record([String(\"None Ann exec-1/m.1 1 30000\")])"
    );
}

/// Answers by what its argument says.
const ODD: &str = r#"
hello(["Do", "(what: String) -> String"])
late = []
for r in requests():
    if "cancel" in r:
        open("cancelled", "a").write(f"{r['cancel']}\n")
        continue
    what, id = r["inputs"]["what"], r["id"]
    if what == "wait":
        late.append(id)
    elif what == "go":
        for one in reversed(late + [id]):
            say({"id": one, "output": str(len(late))})
        late = []
    elif what == "fail": say({"id": id, "error": {"message": "no \x1b[31mred", "retryable": False}})
    elif what == "busy": say({"id": id, "error": {"message": "later", "retryable": True}})
    elif what == "number": say({"id": id, "output": 7})
    elif what == "hang": pass
    elif what == "die": os._exit(3)
    elif what == "lie": say({"id": 999, "output": "x"})
    elif what == "chat": print("here I am"); sys.stdout.flush()
    elif what == "flood":
        while True: sys.stdout.write("x" * 65536)
    elif what == "deaf":
        say({"id": id, "output": "deaf"})
        time.sleep(1000)
    else: say({"id": id, "output": what})
"#;

/// The same without the SDK's care in Node.
const ODD_NODE: &str = r#"
const fs = require("fs");
const say = (document) => fs.writeSync(1, JSON.stringify(document) + "\n");
say({ tidegate: 1, modules: [{ name: "Do", signature: "(what: String) -> String" }] });
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  if ("cancel" in request) return fs.appendFileSync("cancelled", `${request.cancel}\n`);
  const { id, inputs: { what } } = request;
  const odd = {
    fail: () => say({ id, error: { message: "no \x1b[31mred", retryable: false } }),
    busy: () => say({ id, error: { message: "later", retryable: true } }),
    number: () => say({ id, output: 7 }),
    hang: () => {},
    die: () => process.exit(3),
    lie: () => say({ id: 999, output: "x" }),
    chat: () => console.log("here I am"),
    flood: () => { for (;;) fs.writeSync(1, "x".repeat(65536)); },
  };
  (odd[what] ?? (() => say({ id, output: what })))();
});
"#;

#[tokio::test]
async fn answers_come_in_any_order() {
    if !has("python3") {
        return;
    }
    let worker = Worker::new(ODD);
    let [one, other, last] = ["wait", "wait", "go"].map(text);
    let (one, other, last) = ([one], [other], [last]);
    let all = tokio::join!(
        biased;
        worker.call("Do", &one),
        worker.call("Do", &other),
        worker.call("Do", &last),
    );
    assert_eq!(all, ("String(\"2\")".into(), "String(\"2\")".into(), "String(\"2\")".into()));
}

#[tokio::test]
async fn failures_are_the_workers_or_its_own() {
    for program in ["python3", "node"].into_iter().filter(|program| has(program)) {
        check_failures(&Worker::odd(program, "timeout = \"300ms\"")).await;
    }
}

async fn check_failures(worker: &Worker) {
    for (what, told) in [
        ("x", "String(\"x\")"),
        ("fail", r"R001 no \u{1b}[31mred"),
        ("busy", "R001 (retryable) later"),
        ("number", "R010 the result does not fit its type: expected String, got number"),
        ("hang", "R002 (retryable) the worker gave no answer within 300ms"),
        ("x", "String(\"x\")"),
    ] {
        assert_eq!(worker.call("Do", &[text(what)]).await, told);
    }
    let cancelled = worker.folder.path().join("cancelled");
    while !cancelled.exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_worker_that_ends_or_lies_is_started_again() {
    for program in ["python3", "node"].into_iter().filter(|program| has(program)) {
        check_restarts(&Worker::odd(program, "")).await;
    }
}

async fn check_restarts(worker: &Worker) {
    for what in ["die", "lie", "chat", "flood"] {
        let told = worker.call("Do", &[text(what)]).await;
        assert!(told.starts_with("R001 (retryable) the worker "), "{what}: {told}");
        // Calls fail until it is there again.
        while worker.call("Do", &[text("x")]).await != "String(\"x\")" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_cancelled() {
    if !has("python3") {
        return;
    }
    let worker = Worker::new(ODD);
    let arguments = [text("hang")];
    let forever = worker.call("Do", &arguments);
    assert!(tokio::time::timeout(Duration::from_millis(50), forever).await.is_err());
    let cancelled = worker.folder.path().join("cancelled");
    while !cancelled.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(worker.call("Do", &[text("x")]).await, "String(\"x\")");
}

#[tokio::test]
async fn a_worker_that_does_not_read_harms_only_its_own_calls() {
    if !has("python3") {
        return;
    }
    let worker = Worker::with("timeout = \"500ms\"", ODD);
    assert_eq!(worker.call("Do", &[text("deaf")]).await, "String(\"deaf\")");
    let large = text(&"x".repeat(8 << 20));
    let calls = (0..6).map(|_| worker.call("Do", std::slice::from_ref(&large)));
    let told = futures_util::future::join_all(calls).await;
    let refused = told.iter().filter(|told| told.starts_with("R001")).count();
    let late = told.iter().filter(|told| told.starts_with("R002")).count();
    assert_eq!(refused + late, 6);
    assert!(refused > 0, "what waits is bounded");
}

#[tokio::test]
async fn a_worker_sees_its_own_environment_only() {
    if !has("python3") {
        return;
    }
    let worker = Worker::with(
        "env = { TOKEN = \"${env:PATH}\", PLAIN = \"a b\" }",
        r#"
hello(["Names", "() -> List<String>"])
for r in requests(): say({"id": r["id"], "output": sorted(os.environ)})
"#,
    );
    let shown = worker.call("Names", &[]).await;
    // Cargo gives this to tests.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!shown.contains("CARGO"), "{shown}");
    assert!(shown.contains("TOKEN"));
}

#[tokio::test]
async fn calls_go_to_the_replica_with_the_fewest() {
    if !has("python3") {
        return;
    }
    let worker = Worker::with(
        "replicas = 2",
        r#"
hello(["Who", "(hold: Boolean) -> Int"])
for r in requests():
    if "cancel" not in r and not r["inputs"]["hold"]: say({"id": r["id"], "output": os.getpid()})
"#,
    );
    let held = [Value::Boolean(true)];
    let mut holding = Box::pin(worker.call("Who", &held));
    assert!(tokio::time::timeout(Duration::from_millis(20), &mut holding).await.is_err());
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let who = worker.call("Who", &[Value::Boolean(false)]).await;
        if who.starts_with("Int") {
            seen.insert(who);
        }
    }
    assert!((1..=2).contains(&seen.len()), "{seen:?}");
}

#[tokio::test]
async fn workers_end_with_the_manifest() {
    if !has("python3") {
        return;
    }
    let worker = Worker::new(
        r#"
hello(["Id", "() -> Int"])
for r in requests(): say({"id": r["id"], "output": os.getpid()})
open("ended", "w").close()
"#,
    );
    assert!(worker.call("Id", &[]).await.starts_with("Int("));
    let Worker { folder, manifest } = worker;
    drop(manifest);
    while !folder.path().join("ended").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn what_is_wrong_with_a_first_line_is_a_fault() {
    if !has("python3") {
        return;
    }
    for (script, message) in [
        ("os._exit(7)", "before its first line"),
        ("print('hello', flush=True)", "the first line of the worker is not valid"),
        ("say({'tidegate': 2, 'modules': []})", "the first line of the worker is not valid"),
        ("hello(['A', 'Int'])", "the first line of the worker is not valid"),
        ("hello(['in', '() -> Int'])", "the first line of the worker is not valid"),
        ("hello(['A', '() -> Int'], ['A', '() -> Int'])", "twice"),
        ("hello(['A', '() -> Int', 'wriet'])", "the first line of the worker is not valid"),
    ] {
        let folder = Folder::new();
        folder.write("m.toml", &source(""));
        folder.write("w.py", &format!("{PRELUDE}{script}\ntime.sleep(100)"));
        let told = folder.faults();
        assert!(
            told.contains("source.tools.command") && told.contains(message),
            "{script}: {told}"
        );
    }
    let folder = Folder::new();
    folder.write("m.toml", "[source.t]\nkind = \"process\"\ncommand = [\"no-such-program\"]\n");
    assert!(folder.faults().contains("`no-such-program` cannot be started"), "{}", folder.faults());
}

#[test]
fn a_module_is_declared_once() {
    if !has("python3") {
        return;
    }
    let folder = Folder::new();
    let own = "[module.A]\nsignature = \"() -> Int\"\nsource = \"tools\"\nsql = \"select 1\"\n";
    folder.write("m.toml", &(source("") + own));
    folder.write("w.py", &format!("{PRELUDE}hello(['A', '() -> Int'])\nfor r in requests(): pass"));
    let told = folder.faults();
    assert!(told.contains("the module `A` is declared twice"), "{told}");
    assert!(told.contains("`tools` says itself which modules it has"), "{told}");
}
