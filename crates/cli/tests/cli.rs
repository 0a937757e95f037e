//! Commands that need no server, as people type them, and all that they say: to people, to programs,
//! and by exit code.

mod common;

use common::{APPROVAL, Folder};
use expect_test::{Expect, expect};
use serde_json::json;

fn check(folder: &Folder, arguments: &[&str], expected: Expect) {
    expected.assert_eq(&folder.tidegate(arguments).transcript());
}

#[test]
fn run_shows_outputs_and_the_way_on() {
    let folder = Folder::with_shop();
    check(
        &folder,
        &[
            "run",
            "pipelines/price-with-discount.cst",
            "customerId=user-123",
            "sku=GRD-HND",
            "quantity=2",
        ],
        expect![[r#"
            exit 0
            --- stdout
            available  true
            price      { "sku": "GRD-HND", "tier": "gold", "gross": 158.0, "discount": 23.7, "net": 134.3 }
            --- stderr

            Completed in N ms, compiled in N ms

            Next: tidegate compile pipelines/price-with-discount.cst --name price-with-discount
        "#]],
    );
}

#[test]
fn run_reads_standard_input_and_files_with_values() {
    let folder = Folder::empty();
    folder.write("inputs.json", r#"{ "n": 2, "note": "a\u0000b" }"#);
    folder.write("text.txt", "from a file");
    let source = "in n: Int  in m: Int  in note: String  in text: String  \
                  out sum = n + m  out note  out text";
    let said = folder.tidegate_reading(
        source,
        &["run", "-", "m:=40", "text=@text.txt", "--inputs", "inputs.json"],
    );
    expect![[r#"
        exit 0
        --- stdout
        note  "a\u0000b"
        sum   42
        text  from a file
        --- stderr

        Completed in N ms, compiled in N ms

        Next: tidegate serve
    "#]]
    .assert_eq(&said.transcript());
}

#[test]
fn run_with_json_prints_one_document() {
    let folder = Folder::empty();
    let said = folder.tidegate_reading("in x: String out x", &["run", "-", "--json", "x=hello"]);
    let document = said.json();
    assert_eq!(said.code, Some(0));
    assert_eq!(document["status"], "Completed");
    assert_eq!(document["outputs"], json!({ "x": "hello" }));
    assert_eq!(said.stderr, "");
}

#[test]
fn run_shows_what_is_missing() {
    let folder = Folder::with_shop();
    folder.write("approval.cst", APPROVAL);
    check(
        &folder,
        &["run", "approval.cst", "userId=user-123"],
        expect![[r#"
        exit 8
        --- stdout
        Computed
          user  { "id": "user-123", "name": "Alice" }

        Missing
          approval  Boolean  Approve the user?
                             Ask somebody who knows them.
        --- stderr

        Suspended: it waits for `approval`

        Next: tidegate run approval.cst userId=user-123 approval=true
    "#]],
    );
    let said = folder.tidegate(&["run", "approval.cst", "userId=user-123", "--json"]);
    assert_eq!(said.code, Some(8));
    assert_eq!(said.json()["missingInputs"], json!(["approval"]));
}

#[test]
fn run_shows_what_failed() {
    let folder = Folder::with_shop();
    folder.write("half.cst", "in n: Int\nhalf = 1 / n\nout more = half + 1\n");
    check(
        &folder,
        &["run", "half.cst", "n=0"],
        expect![[r#"
            exit 1
            --- stderr
            error[R005]: `half` failed: division by zero: 1 / 0

            Failed

            Next: tidegate run half.cst n=…
        "#]],
    );
    folder.write("user.cst", "in id: String\nuser = GetUser(id)\nout user\n");
    check(
        &folder,
        &["run", "user.cst", "id=nobody"],
        expect![[r#"
            exit 1
            --- stderr
            error[R010]: `user` failed in `GetUser`: expected exactly one row, got none

            Failed

            Next: tidegate run user.cst id=nobody
        "#]],
    );
    let said = folder.tidegate(&["run", "half.cst", "n=0", "--json"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.json()["failedNodes"]["half"]["code"], "R005");
}

#[test]
fn a_misspelt_field_is_shown_with_its_place_and_a_suggestion() {
    let folder = Folder::with_shop();
    folder.write(
        "order.cst",
        "in orderId: String\n\norder = GetOrder(orderId)\nout sum = order?.totl\n",
    );
    check(
        &folder,
        &["run", "order.cst", "orderId=ORD-123"],
        expect![[r#"
            exit 3
            --- stderr
            error[E007]: `{ id: String, customerId: String, status: "cancelled" | "delivered" | "placed" | "shipped", placedOn: String, note: Optional<String>, total: Float }` has no field `totl`
             --> order.cst:4:18
              |
            4 | out sum = order?.totl
              |                  ^^^^
              |
              = help: Did you mean `total` or `note`?

            More: tidegate explain E007

            Next: tidegate check order.cst
        "#]],
    );
    check(
        &folder,
        &["check", "order.cst", "pipelines/order-lookup.cst"],
        expect![[r#"
            exit 3
            --- stdout
            error  order.cst
            ok     pipelines/order-lookup.cst  sha256:HASH
            --- stderr
            error[E007]: `{ id: String, customerId: String, status: "cancelled" | "delivered" | "placed" | "shipped", placedOn: String, note: Optional<String>, total: Float }` has no field `totl`
             --> order.cst:4:18
              |
            4 | out sum = order?.totl
              |                  ^^^^
              |
              = help: Did you mean `total` or `note`?

            More: tidegate explain E007

            Next: tidegate check order.cst
        "#]],
    );
    let said = folder.tidegate(&["check", "order.cst", "--json"]);
    assert_eq!(said.code, Some(3));
    let document = said.json();
    assert_eq!(document["ok"], false);
    assert_eq!(document["files"][0]["diagnostics"][0]["code"], "E007");
    assert_eq!(document["files"][0]["diagnostics"][0]["span"]["line"], 4);
    let said = folder.tidegate(&["run", "order.cst", "--json"]);
    assert_eq!(said.json()["type"], "/problems/compile-failed");
}

#[test]
fn values_that_do_not_fit_are_refused_before_anything_runs() {
    let folder = Folder::empty();
    folder.write(
        "sum.cst",
        "in count: Int\nin tags: List<Int> = []\nout sum = count + 1\nout tags\n",
    );
    check(
        &folder,
        &["run", "sum.cst", "count=many"],
        expect![[r#"
        exit 2
        --- stderr
        error: the input `count` is of type `Int`, and `many` is no value of it
          help: Write it as JSON, such as count=1
    "#]],
    );
    check(
        &folder,
        &["run", "sum.cst", r#"count:="many""#],
        expect![[r#"
        exit 2
        --- stderr
        error[V002]: count: expected Int, got string
    "#]],
    );
    check(
        &folder,
        &["run", "sum.cst", "count=1", "tags=[1, \"2\"]"],
        expect![[r#"
            exit 2
            --- stderr
            error[V002]: tags/1: expected Int, got string
              help: Write it without the quotes.
        "#]],
    );
    check(
        &folder,
        &["run", "sum.cst", "cuont=1"],
        expect![[r#"
        exit 2
        --- stderr
        error: there is no input `cuont`
          help: Did you mean `count`?
    "#]],
    );
    check(
        &folder,
        &["run", "sum.cst", "count"],
        expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'count' for '[NAME=VALUE]...': it is none of `name=value`, `name:=json` and `name=@file`

        For more information, try '--help'.
    "#]],
    );
    check(
        &folder,
        &["run", "sum.cst", "count=1", "count=2"],
        expect![[r#"
        exit 2
        --- stderr
        error: the input `count` is given twice
          help: Leave one of the two values out
    "#]],
    );
    check(
        &folder,
        &["run", "nowhere.cst"],
        expect![[r#"
        exit 2
        --- stderr
        error: cannot read `nowhere.cst`: No such file or directory (os error 2)
          help: Name a file that holds a pipeline
    "#]],
    );
    let said = folder.tidegate(&["run", "sum.cst", "count:=\"x\"", "--json"]);
    assert_eq!(
        (said.code, said.json()["type"].clone()),
        (Some(2), json!("/problems/input-invalid"))
    );
}

#[test]
fn a_manifest_with_faults_is_refused_with_all_of_them() {
    let folder = Folder::empty();
    std::fs::create_dir(folder.path("broken")).unwrap();
    folder.write(
        "broken/a.toml",
        "[module.A]\nsignature = \"(x: Int) -> Itn\"\nsource = \"nope\"\nsql = \"select 1\"\n",
    );
    folder.write("x.cst", "out x = 1");
    check(
        &folder,
        &["check", "x.cst", "--modules", "broken"],
        expect![[r#"
        exit 2
        --- stderr
        error: broken/a.toml:2: module.A.signature: there is no type `Itn`
          help: Did you mean `Int`?
    "#]],
    );
    let said = folder.tidegate(&["serve", "--listen", "127.0.0.1:0", "--modules", "broken"]);
    assert_eq!(said.code, Some(2));
    assert!(!folder.path("tidegate-data").exists(), "no data is touched");
}

#[test]
fn a_pipeline_file_that_does_not_compile_stops_the_start() {
    let folder = Folder::empty();
    std::fs::create_dir(folder.path("pipelines")).unwrap();
    folder.write("pipelines/good.cst", "out x = 1");
    folder.write("pipelines/half.cst", "out x = y");
    folder.write("pipelines/Upper Case.cst", "out x = 1");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--pipelines", "pipelines"];
    check(
        &folder,
        &arguments,
        expect![[r#"
            exit 3
            --- stderr
            error: the name of `pipelines/Upper Case.cst` cannot be the name of a pipeline
              help: Rename the file: lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit
            error[E001]: there is no input or binding `y`
             --> pipelines/half.cst:1:9
              |
            1 | out x = y
              |         ^

            Next: tidegate check pipelines/half.cst
        "#]],
    );
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let folder = Folder::empty();
    let arguments = ["executions", "--server", "http://127.0.0.1:1"];
    check(
        &folder,
        &arguments,
        expect![[r#"
        exit 7
        --- stderr
        error: there is no server at http://127.0.0.1:1
          help: Start one, or name another one with --server URL

        Next: tidegate serve
    "#]],
    );
    check(
        &folder,
        &["pipelines", "--server", "https://example.com"],
        expect![[r#"
        exit 2
        --- stderr
        error: `https://example.com` needs TLS, which this version lacks
          help: Reach the server through a local proxy or SSH tunnel, and name that one with http://
    "#]],
    );
    check(
        &folder,
        &["pipelines", "--server", "127.0.0.1:8080"],
        expect![[r#"
        exit 2
        --- stderr
        error: `127.0.0.1:8080` is no URL: relative URL without a base
          help: Write it like http://127.0.0.1:8080
    "#]],
    );
}

#[test]
fn a_code_is_explained() {
    let folder = Folder::empty();
    let page = include_str!("../../../docs/codes/E007.md");
    for name in ["E007", "e007"] {
        let said = folder.tidegate(&["explain", name]);
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(0), page, ""));
    }
    let all = folder.tidegate(&["explain"]);
    assert_eq!(all.code, Some(0));
    assert!(all.stdout.contains("E007  accessed field missing\n"), "{}", all.stdout);
    check(
        &folder,
        &["explain", "E0O7"],
        expect![[r#"
        exit 2
        --- stderr
        error: there is no code `E0O7`
          help: Did you mean `E007`, `E017` or `E001`?

        Next: tidegate explain
    "#]],
    );
    check(
        &folder,
        &["explain", "everything"],
        expect![[r#"
        exit 2
        --- stderr
        error: there is no code `everything`
          help: A code looks like E007

        Next: tidegate explain
    "#]],
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::empty();
    folder.write("x.cst", "out x = 1");
    let mut child = folder.command(&["run", "x.cst"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

#[test]
fn flags_come_from_the_environment_too() {
    let folder = Folder::with_shop();
    let mut command = folder.command(&["executions"]);
    let output = command.env("TIDEGATE_SERVER", "http://127.0.0.1:1").output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&output.stderr).contains("http://127.0.0.1:1"));
    folder.write("x.cst", "out x = 1");
    let output = folder.command(&["run", "x.cst"]).env("TIDEGATE_JSON", "1").output().unwrap();
    assert!(output.stdout.starts_with(b"{"), "{output:?}");
}

#[test]
fn hostile_names_and_values_reach_no_terminal() {
    let folder = Folder::empty();
    folder.write("x.cst", "in x: String\nout x\n");
    for arguments in [
        &["run", "x.cst", "x=\u{1b}[2J"][..],
        &["run", "\u{1b}[2J.cst"],
        &["run", "x.cst", "x:=\u{1b}[2J"],
        &["run", "x.cst", "\u{1b}[2J"],
        &["\u{1b}[2J"],
        &["execute", "\u{1b}[2J"],
        &["explain", "\u{1b}[2J"],
        &["executions", "--server", "http://\u{1b}[2J"],
        &["serve", "--data", "x.cst/\u{1b}[2J"],
    ] {
        // As on a terminal: colours stay, and so would whatever else gets there.
        let output = folder.command(arguments).env("CLICOLOR_FORCE", "1").output().unwrap();
        for stream in [output.stdout, output.stderr] {
            let shown = String::from_utf8(stream).unwrap();
            assert!(!shown.contains("\u{1b}[2J"), "{arguments:?}: {shown:?}");
        }
    }
}

#[test]
fn checks_say_to_programs_what_a_server_says() {
    let folder = Folder::empty();
    folder.write("sum.cst", "in a: Int\nin b: Int = 1\nout sum = a + b\n");
    folder.write("wrong.cst", "out x = y\n");
    check(
        &folder,
        &["check", "sum.cst", "wrong.cst", "--json"],
        expect![[r#"
        exit 3
        --- stdout
        {"ok":false,"files":[{"file":"sum.cst","ok":true,"structuralHash":"sha256:HASH","diagnostics":[],"inputs":[{"name":"a","type":"Int","schema":{"format":"int64","maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"},"required":true},{"name":"b","type":"Int","schema":{"format":"int64","maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"},"default":1,"required":false}],"outputs":[{"name":"sum","type":"Int"}],"graph":{"nodes":[{"id":"in:a","kind":"input","name":"a","type":"Int","required":true,"span":{"start":3,"end":4}},{"id":"in:b","kind":"input","name":"b","type":"Int","required":false,"span":{"start":13,"end":14}},{"id":"n:sum","kind":"binding","name":"sum","type":"Int","span":{"start":28,"end":31}},{"id":"out:sum","kind":"output","name":"sum","type":"Int"}],"edges":[{"from":"in:a","to":"n:sum","use":"always"},{"from":"in:b","to":"n:sum","use":"always"},{"from":"n:sum","to":"out:sum","use":"always"}]}},{"file":"wrong.cst","ok":false,"diagnostics":[{"code":"E001","severity":"error","message":"there is no input or binding `y`","span":{"start":8,"end":9,"line":1,"column":9,"endLine":1,"endColumn":10}}],"inputs":[],"outputs":[],"graph":{"nodes":[],"edges":[]}}]}
    "#]],
    );
}

#[test]
fn a_graph_is_drawn_or_written_down() {
    let folder = Folder::with_shop();
    let file = "pipelines/refund-with-approval.cst";
    check(
        &folder,
        &["graph", file, "--format", "mermaid"],
        expect![[r#"
            exit 0
            --- stdout
            flowchart TD
              n0(["approved<br>Boolean"])
              n1(["orderId<br>String"])
              n2[["GetOrder<br>read"]]
              n3["order<br>Optional#60;#123; id: String, customerId:…"]
              n4["amount<br>Float"]
              n5[["RecordRefund<br>write · retry: 3, delay: 200ms"]]:::write
              n6["refund<br>Optional#60;#123; refundId: Int, orderId:…"]
              n7["status<br>String"]
              n8(["order<br>Optional#60;#123; id: String, customerId:…"]):::output
              n9(["refund<br>Optional#60;#123; refundId: Int, orderId:…"]):::output
              n10(["status<br>String"]):::output
              n0 -.-> n7
              n0 -->|when| n9
              n1 --> n2
              n1 --> n5
              n2 --> n3
              n3 --> n4
              n3 --> n8
              n4 --> n7
              n4 -.-> n9
              n5 --> n6
              n6 -.-> n9
              n7 --> n10
              classDef write fill:#fde3d3,stroke:#b3400e,color:#5c1f04
              classDef output stroke-width:3px
            --- stderr

            Next: tidegate run pipelines/refund-with-approval.cst approved=true orderId=ORD-123
        "#]],
    );
    let of = |format| folder.tidegate(&["graph", file, "--format", format]);
    assert!(of("dot").stdout.starts_with("digraph pipeline {"));
    assert_eq!(of("json").json()["nodes"][0]["id"], "in:approved");
    let drawn = of("svg").stdout;
    assert!(drawn.contains(">refund-with-approval</title>"), "{drawn}");
    assert_eq!(folder.tidegate(&["graph", file]).stdout, drawn);

    folder.write("wrong.cst", "out x = y\n");
    check(
        &folder,
        &["graph", "wrong.cst"],
        expect![[r#"
        exit 3
        --- stderr
        error[E001]: there is no input or binding `y`
         --> wrong.cst:1:9
          |
        1 | out x = y
          |         ^

        Next: tidegate check wrong.cst
    "#]],
    );
    assert_eq!(folder.tidegate(&["graph", file, "--format", "png"]).code, Some(2));
}

#[test]
fn a_graph_that_is_too_large_for_a_picture_can_be_had_otherwise() {
    let folder = Folder::empty();
    let inputs: String = (0..10_001).map(|at| format!("in _i{at}: Int\n")).collect();
    folder.write("large.cst", &(inputs + "out x = 1\n"));
    check(
        &folder,
        &["graph", "large.cst"],
        expect![[r#"
        exit 2
        --- stderr
        error: cannot draw `large.cst`: the graph has 10003 nodes, and a picture holds at most 10000
          help: The formats `dot`, `mermaid` and `json` have no such limit

        Next: tidegate graph large.cst --format dot
    "#]],
    );
    assert_eq!(folder.tidegate(&["graph", "large.cst", "--format", "dot"]).code, Some(0));
}
