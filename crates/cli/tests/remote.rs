//! Commands that ask a server, as people type them, and all that they say: to people, to programs,
//! and by exit code.

mod common;

use common::{APPROVAL, Folder, Server};
use expect_test::{Expect, expect};
use serde_json::json;

fn check(folder: &Folder, server: &Server, arguments: &[&str], expected: Expect) {
    expected.assert_eq(&folder.ask(server, arguments).transcript());
}

#[test]
fn compile_execute_and_resume_at_a_server() {
    let folder = Folder::with_shop();
    let server = folder.serve(&[]);
    folder.write("approve-user.cst", APPROVAL);
    let compile = ["compile", "approve-user.cst", "--name", "approve-user"];
    check(
        &folder,
        &server,
        &compile,
        expect![[r#"
            exit 0
            --- stdout
            pipeline  approve-user, version 1
            image     sha256:HASH (new)
            in        approval: Boolean
            in        userId: String
            out       user: Optional<{ id: String, name: String }>
            --- stderr

            Next: tidegate execute approve-user approval=true userId=…
        "#]],
    );
    check(
        &folder,
        &server,
        &["pipelines"],
        expect![[r#"
        exit 0
        --- stdout
        PIPELINE      VERSION  IMAGE
        approve-user  1        sha256:HASH
        --- stderr

        Next: tidegate execute approve-user
    "#]],
    );
    check(
        &folder,
        &server,
        &["executions"],
        expect![[r#"
        exit 0
        --- stderr
        The server keeps no executions: those that complete at once leave nothing behind.

        Next: tidegate pipelines
    "#]],
    );

    let suspended = folder.ask(&server, &["execute", "approve-user", "userId=user-123"]);
    expect![[r#"
        exit 8
        --- stdout
        Computed
          user  { "id": "user-123", "name": "Alice" }

        Missing
          approval  Boolean  Approve the user?
                             Ask somebody who knows them.
        --- stderr

        Suspended: it waits for `approval` (exec-ID)

        Next: tidegate resume exec-ID approval=true
    "#]]
    .assert_eq(&suspended.transcript());
    let id = suspended.execution_id();
    check(
        &folder,
        &server,
        &["executions"],
        expect![[r#"
        exit 0
        --- stdout
        EXECUTION                                  STATUS     PIPELINE      WAITS FOR  CHANGED
        exec-ID  Suspended  approve-user  approval   TIME
        --- stderr

        Next: tidegate executions exec-ID
    "#]],
    );
    check(
        &folder,
        &server,
        &["executions", &id],
        expect![[r#"
        exit 0
        --- stdout
        Computed
          user  { "id": "user-123", "name": "Alice" }

        Missing
          approval  Boolean  Approve the user?
                             Ask somebody who knows them.
        --- stderr

        Suspended: it waits for `approval` (exec-ID)

        Next: tidegate resume exec-ID approval=true
    "#]],
    );
    check(
        &folder,
        &server,
        &["resume", &id, "aproval=true"],
        expect![[r#"
        exit 2
        --- stderr
        error: there is no input `aproval`
          help: Did you mean `approval`?
    "#]],
    );
    check(
        &folder,
        &server,
        &["resume", &id, "approval=yes"],
        expect![[r#"
        exit 2
        --- stderr
        error: the input `approval` is of type `Boolean`, and `yes` is no value of it
          help: Write it as JSON, such as approval=true
    "#]],
    );
    check(
        &folder,
        &server,
        &["resume", &id, "approval=true"],
        expect![[r#"
            exit 0
            --- stdout
            user  { "id": "user-123", "name": "Alice" }
            --- stderr

            Completed in N ms (exec-ID)

            Next: tidegate pipelines
        "#]],
    );
    check(
        &folder,
        &server,
        &["resume", &id, "approval=false"],
        expect![[r#"
            exit 6
            --- stderr
            error: the execution has finished and takes nothing new; its result can be read

            Next: tidegate executions exec-ID
        "#]],
    );
}

#[test]
fn the_same_for_programs() {
    let folder = Folder::with_shop();
    let server = folder.serve(&["--pipelines", "pipelines"]);
    folder.write("approve-user.cst", APPROVAL);
    let compiled = folder.ask(&server, &["compile", "approve-user.cst", "--json"]);
    assert_eq!(compiled.code, Some(0));
    let hash = compiled.json()["structuralHash"].as_str().unwrap().to_owned();
    let suspended = folder.ask(&server, &["execute", &hash, "userId=user-123", "--json"]);
    assert_eq!((suspended.code, suspended.json()["status"].clone()), (Some(8), json!("Suspended")));
    let id = suspended.execution_id();
    let listed = folder.ask(&server, &["executions", "--json"]);
    assert_eq!(listed.json()["items"][0]["executionId"], id.as_str());
    let resumed = folder.ask(&server, &["resume", &id, "approval=true", "--json"]);
    assert_eq!((resumed.code, resumed.json()["status"].clone()), (Some(0), json!("Completed")));
    let refused = folder.ask(&server, &["resume", &id, "approval=false", "--json"]);
    assert_eq!(refused.code, Some(6));
    assert_eq!(refused.json()["status"], 409);
    let named = folder.ask(&server, &["pipelines", "--json"]);
    assert_eq!(named.json()["items"][0]["name"], "customer-profile");
    assert_eq!(named.stderr, "");
}

#[test]
fn a_failed_call_is_retried_when_asked_to() {
    let folder = Folder::with_shop();
    let server = folder.serve(&[]);
    folder.write("user.cst", "in id: String\nuser = GetUser(id)\nout user\n");
    folder.ask(&server, &["compile", "user.cst", "--name", "user"]);
    let failed = folder.ask(&server, &["execute", "user", "id=new"]);
    expect![[r#"
        exit 1
        --- stderr
        error[R010]: `user` failed in `GetUser`: expected exactly one row, got none

        Failed (exec-ID)

        Next: tidegate resume exec-ID --retry
    "#]]
    .assert_eq(&failed.transcript());
    let shop = rusqlite::Connection::open(folder.path("modules/shop.db")).unwrap();
    shop.execute(
        "insert into customers values ('new', 'Nora', 'n@example.com', 'gold', 'DE', 0, '')",
        [],
    )
    .unwrap();
    let id = failed.execution_id();
    check(
        &folder,
        &server,
        &["resume", &id],
        expect![[r#"
        exit 1
        --- stderr
        error[R010]: `user` failed in `GetUser`: expected exactly one row, got none

        Failed (exec-ID)

        Next: tidegate resume exec-ID --retry
    "#]],
    );
    check(
        &folder,
        &server,
        &["resume", &id, "--retry"],
        expect![[r#"
        exit 0
        --- stdout
        user  { "id": "new", "name": "Nora" }
        --- stderr

        Completed in N ms (exec-ID)

        Next: tidegate pipelines
    "#]],
    );
}

#[test]
fn what_is_unknown_is_named() {
    let folder = Folder::empty();
    let server = folder.serve(&[]);
    let unknown = "exec-01928f6e-5c1a-7000-8000-0123456789ab";
    check(
        &folder,
        &server,
        &["resume", unknown, "approval=true"],
        expect![[r#"
            exit 5
            --- stderr
            error: there is no execution `exec-ID`

            Next: tidegate executions
        "#]],
    );
    check(
        &folder,
        &server,
        &["executions", "exec-1"],
        expect![[r#"
        exit 5
        --- stderr
        error: there is no execution `exec-1`
          help: An id looks like exec-ID

        Next: tidegate executions
    "#]],
    );
    check(
        &folder,
        &server,
        &["execute", "order-lookup"],
        expect![[r#"
            exit 5
            --- stderr
            error: there is no pipeline `order-lookup`. A pipeline is named by its alias, `alias@version`, or `sha256:` and its hash.

            Next: tidegate pipelines
        "#]],
    );
    check(
        &folder,
        &server,
        &["execute", "No Name"],
        expect![[r#"
        exit 5
        --- stderr
        error: there is no pipeline `No Name`
          help: A pipeline is named as in `order-lookup`, `order-lookup@3` or `sha256:…`

        Next: tidegate pipelines
    "#]],
    );
}

#[test]
fn a_source_that_does_not_compile_at_a_server_is_shown_as_it_is_here() {
    let folder = Folder::empty();
    let server = folder.serve(&[]);
    folder.write("half.cst", "in count: Int\nout sum = cuont + 1\n");
    let remote = folder.ask(&server, &["compile", "half.cst"]);
    let local = folder.tidegate(&["check", "half.cst"]);
    assert_eq!(remote.code, Some(3));
    let drawn = remote.stderr.trim_end();
    assert!(!drawn.is_empty() && local.stderr.starts_with(drawn), "{drawn}\n\n{}", local.stderr);
}

#[test]
fn events_and_cancelling() {
    let folder = Folder::with_shop();
    let server = folder.serve(&[]);
    folder.write(
        "paid.cst",
        "in order: String\n@event(\"paid\", key: order)\n@deadline(30d)\nin amount: Float\nout amount\n",
    );
    folder.ask(&server, &["compile", "paid.cst", "--name", "paid"]);
    let suspended = folder.ask(&server, &["execute", "paid", "order=o-1"]);
    assert!(suspended.transcript().contains("until "), "{}", suspended.transcript());
    check(
        &folder,
        &server,
        &["event", "paid", "o-1", "9.5", "--id", "p1"],
        expect![[r#"
        exit 0
        --- stdout
        exec-ID
        --- stderr
        Delivered to the executions above.

        Next: tidegate executions exec-ID
    "#]],
    );
    check(
        &folder,
        &server,
        &["event", "paid", "o-1", "9.5", "--id", "p1"],
        expect![[r#"
        exit 0
        --- stderr
        An event of this name was here before: nothing was done.

        Next: tidegate executions
    "#]],
    );
    check(
        &folder,
        &server,
        &["event", "paid", "o-2", "7"],
        expect![[r#"
        exit 0
        --- stderr
        Nobody waits for it yet: it is kept for the first who does.

        Next: tidegate executions
    "#]],
    );
    check(
        &folder,
        &server,
        &["event", "paid", "o-2", "seven"],
        expect![[r#"
        exit 2
        --- stderr
        error: the data of the event is no JSON: expected value at line 1 column 1
          help: Texts need quotes: '"paid"'
    "#]],
    );
    let id = suspended.execution_id();
    check(
        &folder,
        &server,
        &["cancel", &id],
        expect![[r#"
        exit 6
        --- stderr
        error: the execution has finished and takes nothing new; its result can be read

        Next: tidegate executions exec-ID
    "#]],
    );
    let waiting = folder.ask(&server, &["execute", "paid", "order=o-3"]).execution_id();
    check(
        &folder,
        &server,
        &["cancel", &waiting],
        expect![[r#"
        exit 0
        --- stderr
        Cancelled (exec-ID)

        Next: tidegate executions exec-ID
    "#]],
    );
    check(
        &folder,
        &server,
        &["resume", &waiting, "amount=1"],
        expect![[r#"
        exit 6
        --- stderr
        error: the execution has finished and takes nothing new; its result can be read

        Next: tidegate executions exec-ID
    "#]],
    );
}
