//! `cargo xtask tidy`: rules about the tree that the compiler does not know.
//!
//! Rooms use only the rooms that they may, and what is absent from them on purpose stays absent;
//! files have a bounded length, begin by saying what lives in them, and leave nothing for later.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rooms::{ROOMS, Room};

const LINES_MAX: usize = 800;
/// In two pieces, so that this file does not find itself.
const LATER: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Checks everything and reports all that is wrong.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut faults = Vec::new();
    check_rooms(root, &mut faults)?;
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "docs", "examples"] {
        collect(&root.join(folder), &mut files)?;
    }
    for path in &files {
        let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
        check_file(&shown, &read(path)?, &mut faults);
    }
    if faults.is_empty() {
        println!("{} rooms and {} files are tidy.", ROOMS.len(), files.len());
        return Ok(());
    }
    Err(format!("{}\n\n{} faults", faults.join("\n"), faults.len()))
}

fn check_rooms(root: &Path, faults: &mut Vec<String>) -> Result<(), String> {
    let crates = root.join("crates");
    for entry in entries(&crates)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !ROOMS.iter().any(|room| room.name == name) {
            faults.push(format!("crates/{name}: the table of rooms does not know it"));
        }
    }
    for room in ROOMS {
        let folder = crates.join(room.name);
        check_dependencies(room, &read(&folder.join("Cargo.toml"))?, faults);
        let mut files = Vec::new();
        collect(&folder.join("src"), &mut files)?;
        for path in files.iter().filter(|path| is_rust(&path.to_string_lossy())) {
            let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
            check_absences(room, &shown, &read(path)?, faults);
        }
    }
    Ok(())
}

fn check_dependencies(room: &Room, manifest: &str, faults: &mut Vec<String>) {
    for name in dependencies(manifest) {
        let is_room = ROOMS.iter().any(|other| other.name == name);
        if is_room && !room.uses.contains(&name) {
            faults.push(format!("crates/{}/Cargo.toml: it may not use `{name}`", room.name));
        }
        if room.absent.contains(&name) {
            let fault = format!("`{name}` is absent here on purpose");
            faults.push(format!("crates/{}/Cargo.toml: {fault}", room.name));
        }
    }
}

/// The names in `[dependencies]`; what tests use is their own affair.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            is_inside = section == "dependencies";
            names.extend(section.strip_prefix("dependencies."));
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            let end = line.find(['.', '=', ' ']).unwrap_or(line.len());
            names.push(&line[..end]);
        }
    }
    names
}

/// Looks at the code of a room; comments and tests may name what they like.
fn check_absences(room: &Room, path: &str, text: &str, faults: &mut Vec<String>) {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    for (at, line) in lines.enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for word in room.absent.iter().filter(|word| is_named(code, word)) {
            faults.push(format!("{path}:{}: `{word}` is absent here on purpose", at + 1));
        }
    }
}

/// Whether `word` stands in `code` as a word of its own.
fn is_named(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && (word.ends_with(':') || !after.is_some_and(is_part))
    })
}

fn check_file(path: &str, text: &str, faults: &mut Vec<String>) {
    for (at, line) in text.lines().enumerate() {
        if LATER.iter().any(|word| is_named(line, word)) {
            faults.push(format!("{path}:{}: do it now, or do not mention it", at + 1));
        }
    }
    if is_rust(path) {
        if !text.starts_with("//!") {
            faults.push(format!("{path}:1: it does not begin with `//!` and what lives here"));
        }
        let count = text.lines().count();
        if count > LINES_MAX {
            faults.push(format!("{path}: {count} lines, more than {LINES_MAX}; split it"));
        }
    }
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// All files of a folder that are text.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    const TEXT: [&str; 6] = ["rs", "toml", "md", "sql", "cst", "json"];
    for path in entries(folder)? {
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|it| TEXT.iter().any(|known| it == *known)) {
            files.push(path);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        assert_eq!(run(&crate::root()), Ok(()));
    }

    #[test]
    fn a_forbidden_arrow_is_found_in_every_spelling() {
        let room = ROOMS.iter().find(|room| room.name == "lang").expect("a room");
        for line in ["engine.workspace = true", "engine = { path = \"..\" }"] {
            let mut faults = Vec::new();
            check_dependencies(room, &format!("[dependencies]\n{line}\n"), &mut faults);
            assert_eq!(faults, ["crates/lang/Cargo.toml: it may not use `engine`"]);
        }
        let mut faults = Vec::new();
        check_dependencies(
            room,
            "[dependencies.tokio]\n[dev-dependencies]\nengine = \"1\"",
            &mut faults,
        );
        assert_eq!(faults, ["crates/lang/Cargo.toml: `tokio` is absent here on purpose"]);
    }

    #[test]
    fn absences_are_words_of_code() {
        let mut faults = Vec::new();
        let text =
            "//! std::fs\nlet not_tokio = 1; // tokio\nuse std::fs;\n#[cfg(test)]\nuse tokio;";
        check_absences(&ROOMS[0], "x.rs", text, &mut faults);
        assert_eq!(faults, ["x.rs:3: `std::fs` is absent here on purpose"]);
    }

    #[test]
    fn files_say_what_lives_in_them_and_leave_nothing_for_later() {
        let mut faults = Vec::new();
        check_file("x.rs", &format!("use y;\n// {}: more\n", LATER[0]), &mut faults);
        assert_eq!(faults.len(), 2);
    }
}
