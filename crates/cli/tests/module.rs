//! `tidegate module`, and modules that are read again while a server runs.

mod common;

use std::thread;
use std::time::Instant;

use common::{Folder, PATIENCE, Server};
use expect_test::{Expect, expect};

fn check(folder: &Folder, arguments: &[&str], expected: Expect) {
    expected.assert_eq(&folder.tidegate(arguments).transcript());
}

#[test]
fn a_module_is_listed_and_shown() {
    let folder = Folder::with_shop();
    let listed = folder.tidegate(&["module", "list"]);
    assert_eq!(listed.code, Some(0));
    assert!(listed.stdout.contains("GetOrder"), "{}", listed.stdout);
    let document = folder.tidegate(&["module", "list", "--json"]).json();
    let names = document["items"].as_array().expect("items").iter();
    assert!(names.clone().any(|item| item["name"] == "GetOrder"));
    check(
        &folder,
        &["module", "show", "GetUser"],
        expect![[r#"
        exit 0
        --- stdout
        GetUser(userId: String) -> { id: String, name: String }
        Id and name of a user; fails if there is none.
          effect       read
          declared in  modules/shop.toml
        --- stderr

        Next: tidegate module invoke GetUser userId=…
    "#]],
    );
    check(
        &folder,
        &["module", "show", "GetUsr"],
        expect![[r#"
        exit 5
        --- stderr
        error: there is no module `GetUsr`
          help: Did you mean `GetUser`?

        Next: tidegate module list
    "#]],
    );
}

#[test]
fn a_module_is_called_by_itself() {
    let folder = Folder::with_shop();
    check(
        &folder,
        &["module", "invoke", "GetUser", "userId=user-123"],
        expect![[r#"
        exit 0
        --- stdout
        { "id": "user-123", "name": "Alice" }
    "#]],
    );
    check(
        &folder,
        &["module", "invoke", "GetUser", "userid=user-123"],
        expect![[r#"
        exit 2
        --- stderr
        error: there is no input `userid`
          help: Did you mean `userId`?
    "#]],
    );
    let json = ["module", "invoke", "GetUser", "--json", "userId=user-123"];
    check(
        &folder,
        &json,
        expect![[r#"
        exit 0
        --- stdout
        {"output":{"id":"user-123","name":"Alice"}}
    "#]],
    );
}

#[test]
fn all_that_is_wrong_is_listed() {
    let folder = Folder::with_shop();
    folder.write("modules/more.toml", "[module.A]\nsource = \"x\"\n[module.B]\nsql = 1\n");
    check(
        &folder,
        &["module", "list"],
        expect![[r#"
        exit 2
        --- stderr
        error: modules/more.toml:1: module.A: `signature` is missing
          help: Write what it takes and gives: `signature = "(id: String) -> Optional<{ id: String }>"`
        error: modules/more.toml:1: module.A: `sql` is missing
          help: Write one statement, with an argument `orderId` as `:orderId`
        error: modules/more.toml:3: module.B: `signature` is missing
          help: Write what it takes and gives: `signature = "(id: String) -> Optional<{ id: String }>"`
        error: modules/more.toml:3: module.B: `source` is missing
          help: Name the `[source.NAME]` that it asks
        error: modules/more.toml:4: module.B.sql: expected a text, got an integer
    "#]],
    );
}

#[cfg(unix)]
#[test]
fn a_server_reads_its_modules_again_when_it_is_told_to() {
    let folder = Folder::with_shop();
    let server = folder.serve(&[]);
    let more = "[module.More]\nsignature = \"() -> Int\"\nsource = \"shop\"\nsql = \"select 7\"\n";
    let has_more = |server: &Server| server.get("/modules/More").status == 200;
    assert!(!has_more(&server));
    folder.write("modules/more.toml", more);
    server.signal("-HUP");
    wait(|| has_more(&server));
    let source = r#"{ "source": "out n = More()" }"#;
    assert_eq!(server.post("/run", source).body["outputs"]["n"], 7);
    // A fault anywhere, and everything stays.
    folder.write("modules/more.toml", &more.replace("select 7", "selekt 7"));
    server.signal("-HUP");
    server.wait_for("The modules are left as they were.");
    assert_eq!(server.post("/run", source).body["outputs"]["n"], 7);
    folder.write("modules/more.toml", &more.replace("select 7", "select 8"));
    server.signal("-HUP");
    wait(|| server.post("/run", source).body["outputs"]["n"] == 8);
}

fn wait(mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "it never happens");
        thread::yield_now();
    }
}

#[test]
fn the_tests_of_a_manifest_are_played() {
    let folder = Folder::with_shop();
    check(
        &folder,
        &["module", "test"],
        expect![[r#"
        exit 0
        --- stderr
        There are no tests. They are written `[[module.NAME.test]]`.
    "#]],
    );
    let tests = r#"
        [[module.GetUser.test]]
        name = "Alice"
        given = { userId = "user-123" }
        reply = { rows = [{ id = "user-123", name = "Alice" }] }
        expect = { id = "user-123", name = "Alice" }
        [[module.GetUser.test]]
        given = { userId = "user-124" }
        reply = { rows = [] }
        expect = { id = "user-124", name = "Bob" }
    "#;
    let path = folder.path("modules/shop.toml");
    let manifest = std::fs::read_to_string(&path).expect("the manifest");
    std::fs::write(path, manifest + tests).expect("the manifest with tests");
    check(
        &folder,
        &["module", "test", "GetUser"],
        expect![[r#"
        exit 1
        --- stdout
        ok     GetUser: Alice
        failed GetUser: test 2 (modules/shop.toml:136)
               expected {"id":"user-124","name":"Bob"}, got failure R010: expected exactly one row, got none
        --- stderr

        1 passed, 1 failed
    "#]],
    );
    let document = folder.tidegate(&["module", "test", "--json"]).json();
    assert_eq!(document["items"][0]["passed"], true);
    assert_eq!(document["items"][1]["passed"], false);
}

#[test]
fn a_manifest_is_made_of_an_openapi_document() {
    let folder = Folder::empty();
    let document = r#"{ "openapi": "3.1.0", "servers": [{ "url": "https://api.example.com" }], "paths": {
        "/pets/{id}": { "get": {
            "operationId": "getPet",
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
            "responses": { "200": { "content": { "application/json": { "schema": {
                "type": "object", "required": ["name"], "properties": { "name": { "type": "string" }, "more": {} }
            } } } }, "404": {} }
        } } } }"#;
    folder.write("pets.json", document);
    let import = ["module", "import", "openapi", "pets.json", "--out", "pets.toml"];
    check(
        &folder,
        &import,
        expect![[r#"
        exit 0
        --- stderr
        note: GET /pets/{id}: answer.more is left out: the schema says no type
        1 of 1 operations have become modules

        Next: tidegate module list --modules .
    "#]],
    );
    check(
        &folder,
        &import,
        expect![[r#"
        exit 2
        --- stderr
        error: cannot write `pets.toml`: File exists (os error 17)
          help: Overwrite it with `--force`
    "#]],
    );
    check(
        &folder,
        &["module", "show", "pets.getPet", "--modules", "."],
        expect![[r#"
        exit 0
        --- stdout
        pets.getPet(id: Int) -> Optional<{ name: String }>
          effect       read
          declared in  ./pets.toml
        --- stderr

        Next: tidegate module invoke pets.getPet id=1
    "#]],
    );
    check(
        &folder,
        &["module", "import", "openapi", "pets.toml"],
        expect![[r#"
        exit 2
        --- stderr
        error: `pets.toml`: the document cannot be read: error: line 6 column 1: did not find expected <document start>
    "#]],
    );
}
