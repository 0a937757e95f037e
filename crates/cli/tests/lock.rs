//! One data folder belongs to one server.

mod common;

use common::Folder;
use expect_test::expect;

#[test]
fn a_second_server_on_the_same_folder_says_so_and_ends() {
    let folder = Folder::with_shop();
    let first = folder.serve(&[]);
    let said = folder.tidegate(&["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
    expect![[r#"
        exit 7
        --- stderr
        error: The data folder data is in use by another tidegate process. Stop that one first, or choose another folder with --data.
    "#]].assert_eq(&said.transcript());
    assert_eq!(first.get("/health/live").status, 200, "the first one is not disturbed");

    first.kill();
    let third = folder.serve(&[]);
    assert_eq!(third.get("/health/live").status, 200, "the lock went with its process");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = Folder::with_shop();
    let first = folder.serve(&[]);
    let address = first.url.trim_start_matches("http://");
    let said = folder.tidegate(&["serve", "--listen", address, "--data", "other"]);
    assert_eq!(said.code, Some(7));
    let words = said.stderr.replace(address, "ADDRESS");
    assert!(words.contains("cannot listen on ADDRESS"), "{words}");
    assert!(words.contains("--listen"), "{words}");
}
