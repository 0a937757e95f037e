//! The example that joins everything, `examples/orders`, on real counterparts: SQLite, PostgreSQL, an
//! HTTP service that is now and then busy, and a Python worker; run hot, suspended over a `kill -9`,
//! and cold.

mod common;
#[path = "../../modules/tests/support/programs.rs"]
mod programs;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{Folder, Server};
use programs::{Postgres, has};
use serde_json::{Value, json};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/orders")
}

/// The stand-in for the price service; killed when it is dropped.
struct Prices {
    process: Child,
    url: String,
}

impl Prices {
    fn start() -> Prices {
        let mut command = Command::new("python3");
        command.arg(example().join("prices.py")).arg("0").stdout(Stdio::piped());
        let mut process = command.spawn().expect("python3 starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line[line.find("http://").expect("an address")..].trim().to_owned();
        Prices { process, url }
    }
}

impl Drop for Prices {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The example in a folder of its own.
fn desk(postgres: &Postgres, prices: &Prices) -> Folder {
    let folder = Folder::empty();
    fs::create_dir(folder.path("modules")).expect("a folder");
    for name in ["orders.toml", "orders.sql", "risk.py"] {
        let text = fs::read_to_string(example().join("modules").join(name)).expect("a file");
        let sdk = example().join("../../sdk/python/src");
        let text = text.replace(
            "str(Path(__file__).resolve().parents[3] / \"sdk/python/src\")",
            &format!("{sdk:?}"),
        );
        // A test has no environment to inherit.
        let text = text.replace("${env:DATABASE_URL}", &postgres.url());
        folder.write(&format!("modules/{name}"), &text.replace("${env:PRICES_URL}", &prices.url));
    }
    let pipeline = fs::read_to_string(example().join("order-desk.cst")).expect("a file");
    folder.write("order-desk.cst", &pipeline);
    folder
}

fn expected() -> Value {
    json!({
        "booking": { "orderId": "ORD-1", "total": 2287.8 },
        "lineCount": 200,
        "risk": { "score": 0.127, "reason": "2542.00 by a gold customer" },
        "total": 2287.8,
    })
}

/// How often each price was given, since the service was started.
fn prices_given(prices: &Prices) -> Vec<u64> {
    let counts = common::request(&prices.url, "GET /counts HTTP/1.1\r\n", "").body;
    counts
        .as_object()
        .expect("counts")
        .values()
        .map(|count| count.as_u64().expect("a count"))
        .collect()
}

fn calls<'v>(trace: &'v Value, module: &str) -> Vec<&'v Value> {
    let items = trace["items"].as_array().expect("items").iter();
    items.filter(|item| item["module"] == module).collect()
}

#[test]
fn an_order_is_enriched_from_everything_in_every_mode() {
    let customers = fs::read_to_string(example().join("customers.sql")).expect("a file");
    let Some(postgres) = Postgres::start(&customers) else { return };
    if !has("python3") {
        return;
    }
    let prices = Prices::start();
    let desk = desk(&postgres, &prices);
    let tested = desk.tidegate(&["module", "test"]);
    assert_eq!(tested.code, Some(0), "{}", tested.transcript());

    // Hot: forty articles, each asked for once with success.
    let hot = desk.tidegate(&["run", "order-desk.cst", "orderId=ORD-1", "approved=true", "--json"]);
    assert_eq!(hot.json()["outputs"], expected(), "{}", hot.transcript());
    assert_eq!(prices_given(&prices), [1; 40]);

    // Suspended, killed, resumed: nothing that was recorded is called again.
    let prices = Prices::start();
    let path = desk.path("modules/orders.toml");
    let manifest = fs::read_to_string(&path).expect("the manifest");
    let line = manifest.lines().find(|line| line.starts_with("base_url")).expect("an address");
    let manifest = manifest.replace(line, &format!("base_url = \"{}\"", prices.url));
    fs::write(&path, manifest).expect("the manifest");
    let server = desk.serve(&[]);
    let compiled = desk.ask(&server, &["compile", "order-desk.cst", "--name", "order-desk"]);
    assert_eq!(compiled.code, Some(0), "{}", compiled.transcript());
    let waiting = desk.ask(&server, &["execute", "order-desk", "orderId=ORD-1"]);
    assert_eq!(waiting.code, Some(8), "{}", waiting.transcript());
    let id = waiting.execution_id();
    server.kill();
    let server = desk.serve(&[]);
    let resumed = desk.ask(&server, &["resume", &id, "approved=true", "--json"]);
    assert_eq!(resumed.json()["outputs"], expected(), "{}", resumed.transcript());
    assert_eq!(prices_given(&prices), [1; 40]);
    check_trace(&desk, &server, &id);

    // Cold: the process is new, so its cache is.
    let values = ["orderId=ORD-1", "approved=true"];
    for _ in 0..2 {
        let cold = desk.ask(&server, &["execute", "order-desk", values[0], values[1], "--json"]);
        assert_eq!(cold.json()["outputs"], expected(), "{}", cold.transcript());
        assert_eq!(prices_given(&prices), [2; 40]);
    }
}

fn check_trace(desk: &Folder, server: &Server, id: &str) {
    let trace = desk.ask(server, &["executions", id, "--trace", "--json"]).json();
    for (module, count) in
        [("GetOrder", 1), ("GetLines", 1), ("GetCustomer", 1), ("ScoreRisk", 1), ("BookOrder", 1)]
    {
        assert_eq!(calls(&trace, module).len(), count, "{module}");
    }
    let fetched = calls(&trace, "FetchPrice");
    assert_eq!(fetched.len(), 200);
    let from_cache = fetched.iter().filter(|call| call["cacheHit"] == true).count();
    assert_eq!(from_cache, 160);
    let own = fetched.iter().filter(|call| call["cacheHit"] == false);
    let again: Vec<&str> = own
        .filter(|call| call["attempts"] == 2)
        .filter_map(|call| call["callKey"].as_str())
        .collect();
    assert_eq!(
        again.len(),
        5,
        "four articles were busy once, and one asked to be left alone: {again:?}"
    );
    let shown = desk.ask(server, &["executions", id, "--trace"]);
    assert!(
        shown.stdout.contains("200 calls, 160 from the cache, 5 made again"),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.lines().count() < 20, "{}", shown.stdout);
}
