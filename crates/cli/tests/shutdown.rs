//! A server that is told to stop finishes what it can, answers the rest as Running, and the next
//! start goes on with it.

mod common;

use std::thread;
use std::time::Instant;

use common::{Folder, PATIENCE, Server};
use rusqlite::Connection;

/// Counts as far as the table `pace` says: for hours, or for a moment.
const MODULES: &str = r#"
[source.counter]
kind = "sqlite"
path = "counter.db"

[module.Count]
signature = "(x: Int) -> Int"
source = "counter"
sql = """
  with recursive n(i) as (select 1 union all select i + 1 from n where i < (select max from pace))
  select count(*) + :x from n
"""
"#;

fn counting(max: i64) -> Folder {
    let folder = Folder::empty();
    std::fs::create_dir(folder.path("modules")).unwrap();
    folder.write("modules/counter.toml", MODULES);
    set_pace(&folder, max);
    folder
}

fn set_pace(folder: &Folder, max: i64) {
    let database = Connection::open(folder.path("modules/counter.db")).unwrap();
    database.execute_batch("create table if not exists pace (max); delete from pace").unwrap();
    database.execute("insert into pace values (?)", [max]).unwrap();
}

/// Asks until the first execution of the listing has this status.
fn wait_for_status(server: &Server, status: &str) -> String {
    let started = Instant::now();
    loop {
        let item = server.get("/executions").body["items"][0].clone();
        if item["status"] == status {
            return item["executionId"].as_str().unwrap().to_owned();
        }
        assert!(started.elapsed() < PATIENCE, "never {status}: {item}");
        thread::yield_now();
    }
}

#[test]
fn what_still_runs_is_answered_as_running_and_goes_on_with_the_next_start() {
    let folder = counting(1 << 40);
    let mut server = folder.serve(&[]);
    let url = server.url.clone();
    let caller = thread::spawn(move || {
        let body = r#"{ "source": "out n = Count(1)", "keep": true }"#;
        let head = "POST /run HTTP/1.1\r\nContent-Type: application/json\r\n";
        common::request(&url, head, body)
    });
    let id = wait_for_status(&server, "Running");
    server.terminate();
    let answer = caller.join().unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.body["status"], "Running");
    assert_eq!(answer.body["executionId"], id.as_str());
    assert_eq!(server.wait().code(), Some(0));

    set_pace(&folder, 10);
    let server = folder.serve(&[]);
    assert_eq!(wait_for_status(&server, "Completed"), id);
    let completed = server.get(&format!("/executions/{id}"));
    assert_eq!(completed.body["outputs"]["n"], 11, "{completed:?}");
}

#[test]
fn an_idle_server_ends_at_once() {
    let folder = Folder::empty();
    let mut server = folder.serve(&[]);
    server.terminate();
    server.wait_for("Stopping");
    server.wait_for("Stopped");
    assert_eq!(server.wait().code(), Some(0));
}
