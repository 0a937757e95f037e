//! The page about beginners' mistakes shows what `tidegate check` says, to the letter.
//!
//! Each program is followed by the message about it. `UPDATE_EXPECT=1` writes the messages anew;
//! read them then as a beginner would.

mod common;

use common::Folder;
use expect_test::expect_file;

const PAGE: &str = include_str!("../../../docs/language/errors.md");

/// The modules that programs of the documentation call, as far as this page does.
const MODULES: &str = r#"
[source.none]
kind = "sqlite"
path = "none.db"
init = "none.sql"
[module.Slow]
signature = "(text: String) -> String"
source = "none"
sql = "select :text"
[module.Weigh]
signature = "(x: Float) -> Float"
source = "none"
sql = "select :x"
"#;

#[test]
fn the_messages_on_the_page_are_those_of_the_compiler() {
    let folder = Folder::empty();
    std::fs::create_dir(folder.path("modules")).unwrap();
    folder.write("modules/modules.toml", MODULES);
    folder.write("modules/none.sql", "select 1;");
    expect_file!["../../../docs/language/errors.md"].assert_eq(&with_messages(PAGE, &folder));
}

/// The page, with what the compiler says of each program in the `text` block behind it.
fn with_messages(page: &str, folder: &Folder) -> String {
    let mut message = String::new();
    let part = |part: &str| match (part.strip_prefix("cst\n"), part.strip_prefix("text\n")) {
        (Some(program), _) => {
            message = said_of(program, folder);
            part.to_owned()
        }
        (_, Some(_)) => format!("text\n{}", std::mem::take(&mut message)),
        _ => part.to_owned(),
    };
    page.split("```").map(part).collect::<Vec<_>>().join("```")
}

/// The diagnostics of a program, as they are shown for the same program without its marks.
fn said_of(program: &str, folder: &Folder) -> String {
    let unmarked = |line: &str| match line.split_once("# ") {
        Some((code, _)) => format!("{}\n", code.trim_end()),
        None => format!("{line}\n"),
    };
    folder.write("pipeline.cst", &program.lines().map(unmarked).collect::<String>());
    let said = folder.tidegate(&["check", "pipeline.cst"]).stderr;
    let diagnostics = said.split("\nMore:").next().and_then(|said| said.split("\nNext:").next());
    let diagnostics = diagnostics.unwrap_or_default().to_owned();
    let mark = |line: &str| Some(line.split_once("# ")?.1.split_once(": ")?.1.to_owned());
    let code = program.lines().find_map(mark).expect("a marked line");
    assert!(diagnostics.contains(&format!("[{code}]")), "{program}\n{diagnostics}");
    diagnostics
}
