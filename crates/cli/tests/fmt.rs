//! `tidegate fmt`: what it writes, what it says, and what it leaves alone.

mod common;

use std::fs;

use common::{Folder, Said};
use expect_test::{Expect, expect};

/// Not in the usual form.
const WIDE: &str = "# An answer.\nin  x:Int\nout y=x+1 # more\n";
const USUAL: &str = "# An answer.\nin x: Int\nout y = x + 1 # more\n";

fn check(said: &Said, expected: Expect) {
    expected.assert_eq(&said.transcript());
}

fn read(folder: &Folder, name: &str) -> String {
    fs::read_to_string(folder.path(name)).unwrap()
}

#[test]
fn files_are_rewritten() {
    let folder = Folder::empty();
    folder.write("wide.cst", WIDE);
    folder.write("usual.cst", USUAL);
    check(
        &folder.tidegate(&["fmt", "wide.cst", "usual.cst", "wide.cst"]),
        expect![[r#"
            exit 0
            --- stdout
            formatted  wide.cst
        "#]],
    );
    assert_eq!(read(&folder, "wide.cst"), USUAL);
    check(
        &folder.tidegate(&["fmt", "wide.cst", "usual.cst"]),
        expect![[r#"
            exit 0
            --- stderr
            All files are in the usual form already
        "#]],
    );
}

#[test]
fn folders_are_searched() {
    let folder = Folder::empty();
    for inner in ["a", "a/b", "a/.hidden", "empty"] {
        fs::create_dir(folder.path(inner)).unwrap();
    }
    for name in ["a/one.cst", "a/b/two.cst", "a/.hidden/three.cst", "a/four.txt"] {
        folder.write(name, WIDE);
    }
    check(
        &folder.tidegate(&["fmt", "a"]),
        expect![[r#"
            exit 0
            --- stdout
            formatted  a/b/two.cst
            formatted  a/one.cst
        "#]],
    );
    assert_eq!(read(&folder, "a/.hidden/three.cst"), WIDE);
    assert_eq!(read(&folder, "a/four.txt"), WIDE);
    check(
        &folder.tidegate(&["fmt", "empty"]),
        expect![[r#"
            exit 2
            --- stderr
            error: there is no `.cst` file in `empty`
              help: Name a folder that holds pipelines
        "#]],
    );
}

#[test]
fn check_changes_nothing() {
    let folder = Folder::empty();
    folder.write("wide.cst", WIDE);
    folder.write("usual.cst", USUAL);
    check(
        &folder.tidegate(&["fmt", "--check", "usual.cst", "wide.cst"]),
        expect![[r#"
            exit 1
            --- stdout
            differs    wide.cst
            --- wide.cst
            +++ wide.cst (formatted)
            @@ -1,3 +1,3 @@
             # An answer.
            -in  x:Int
            -out y=x+1 # more
            +in x: Int
            +out y = x + 1 # more
            --- stderr

            Next: tidegate fmt wide.cst
        "#]],
    );
    assert_eq!(read(&folder, "wide.cst"), WIDE);
    assert_eq!(folder.tidegate(&["fmt", "--check", "usual.cst"]).code, Some(0));
}

#[test]
fn standard_input_is_formatted_to_standard_output() {
    let folder = Folder::empty();
    for arguments in [["fmt", "--stdin"], ["fmt", "-"]] {
        let said = folder.tidegate_reading(WIDE, &arguments);
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(0), USUAL, ""));
    }
    let odd = "out x = \"\u{1b}[31m\"\n";
    assert_eq!(folder.tidegate_reading(odd, &["fmt", "--stdin"]).stdout, odd);
    let said = folder.tidegate_reading(WIDE, &["fmt", "--stdin", "--check"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("\n+in x: Int\n"), "{}", said.stdout);
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let folder = Folder::empty();
    folder.write("broken.cst", "out  x = (1\n");
    folder.write("wide.cst", WIDE);
    check(
        &folder.tidegate(&["fmt", "broken.cst", "wide.cst"]),
        expect![[r#"
            exit 3
            --- stdout
            formatted  wide.cst
            error      broken.cst
            --- stderr
            error[E021]: expected `)`, found the end of the file
             --> broken.cst:1:13
              |
            1 | out  x = (1
              |          - ^
              |          |
              |          opened here

            Next: tidegate fmt broken.cst
        "#]],
    );
    assert_eq!(read(&folder, "broken.cst"), "out  x = (1\n");
    assert_eq!(read(&folder, "wide.cst"), USUAL);
    let said = folder.tidegate_reading("out  x = (1", &["fmt", "--stdin"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(3), ""));
}

#[test]
fn a_misspelt_name_changes_nothing() {
    let folder = Folder::empty();
    folder.write("wide.cst", WIDE);
    check(
        &folder.tidegate(&["fmt", "wide.cst", "wyde.cst"]),
        expect![[r#"
            exit 2
            --- stderr
            error: cannot read `wyde.cst`: No such file or directory (os error 2)
              help: Name a file that holds a pipeline
        "#]],
    );
    assert_eq!(read(&folder, "wide.cst"), WIDE);
}

#[test]
fn something_must_be_named() {
    let folder = Folder::empty();
    check(
        &folder.tidegate(&["fmt"]),
        expect![[r#"
            exit 2
            --- stderr
            error: nothing to format
              help: Name files or folders, or read standard input with --stdin
        "#]],
    );
    check(
        &folder.tidegate(&["fmt", "--stdin", "a.cst"]),
        expect![[r#"
            exit 2
            --- stderr
            error: standard input is formatted alone
              help: Leave out either the files or --stdin
        "#]],
    );
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = Folder::empty();
    folder.write("wide.cst", WIDE);
    let mode = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(folder.path("wide.cst"), mode(0o640)).unwrap();
    symlink("wide.cst", folder.path("link.cst")).unwrap();
    assert_eq!(folder.tidegate(&["fmt", "link.cst"]).code, Some(0));
    assert!(fs::symlink_metadata(folder.path("link.cst")).unwrap().is_symlink());
    let written = fs::metadata(folder.path("wide.cst")).unwrap();
    assert_eq!(written.permissions().mode() & 0o777, 0o640);
    assert_eq!(read(&folder, "wide.cst"), USUAL);

    folder.write("locked.cst", WIDE);
    fs::set_permissions(folder.path("locked.cst"), mode(0o440)).unwrap();
    let said = folder.tidegate(&["fmt", "locked.cst"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("read-only"), "{}", said.stderr);
    assert_eq!(fs::read_dir(folder.path(".")).unwrap().count(), 3, "nothing is left behind");
}
